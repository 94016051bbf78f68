"""Comparison with chance, and the captions that depend on it."""

from __future__ import annotations

from typing import NamedTuple

from cellsk.report.document import Coverage, EvaluationFacts, Number
from cellsk.report.words._formats import name_class, write_interval, write_number
from cellsk.report.words._images import has_several_folds

__all__ = [
    "ErrorCaptions",
    "compare_with_chance",
    "describe_errors",
    "describe_single_prediction",
    "is_better_than_chance",
    "is_error_falling",
    "list_single_prediction_folds",
]

SURE = 0.8  # the predicted class is then at least four times as probable as all others together
_LOOK = (
    "Look for what they have in common, such as a stain, a fold in the tissue, a patient or a wrong"
    " label."
)


class ErrorCaptions(NamedTuple):
    """Title and caption of the wrong predictions, and of the labels that may be wrong."""

    title: str
    caption: str
    label_title: str
    label_caption: str
    labels_shown: bool


def describe_single_prediction(facts: EvaluationFacts) -> str:
    """Return that all images were predicted to be of one class, or ""."""
    columns = [sum(counts) for counts in zip(*facts["confusion_matrix"], strict=True)]
    predicted = [
        entry["name"]
        for entry, count in zip(facts["data"]["classes"], columns, strict=True)
        if count
    ]
    if len(predicted) != 1:
        return ""
    return f"All images were predicted {name_class(predicted[0])}."


def list_single_prediction_folds(facts: EvaluationFacts) -> dict[int, str]:
    """Return the folds in which all images were predicted to be of one class, and that class."""
    found = facts["predictions"]
    if not has_several_folds(facts):
        return {}
    predicted: dict[int, set[int]] = {}
    for fold, code in zip(found["fold"], found["predicted"], strict=True):
        predicted.setdefault(fold, set()).add(code)
    names = [name_class(entry["name"]) for entry in facts["data"]["classes"]]
    return {fold: names[min(codes)] for fold, codes in predicted.items() if len(codes) == 1}


def compare_with_chance(facts: EvaluationFacts) -> str:
    """Return whether the classifier is better than chance, or "" if that is not defined.

    For two classes by ROC AUC, whose chance level is 0.5. For more by balanced accuracy, whose
    chance level is 1 divided by the number of classes.
    """
    label, number, chance = _find_deciding_score(facts)
    if number is None or number["value"] is None:
        return ""
    level = write_number(chance, 1 if chance == 0.5 else 2)
    if number["low"] is None or number["high"] is None:
        return _compare_without_interval(facts, label, number["value"], chance)
    interval = f"the interval of {label}, {write_interval(number, 2)},"
    if number["low"] > chance:
        return f"Better than chance: {interval} lies above {level}."
    if number["high"] < chance:
        return f"Worse than chance: {interval} lies below {level}. Check the labels."
    return f"Not shown to be better than chance: {interval} includes {level}."


def _compare_without_interval(
    facts: EvaluationFacts, label: str, value: float, chance: float
) -> str:
    if _is_exactly_better(facts):
        return (
            "Better than chance, by the exact intervals of sensitivity and specificity, assuming"
            " independent images."
        )
    if value <= chance:
        return f"Not better than chance: {label} is {write_number(value, 2)}."
    return f"It is not known whether this is better than chance: {label} has no interval here."


def is_better_than_chance(facts: EvaluationFacts) -> bool:
    """Return whether the interval of the deciding score lies above the chance level."""
    _, number, chance = _find_deciding_score(facts)
    if number is None or number["value"] is None:
        return False
    return _is_exactly_better(facts) if number["low"] is None else number["low"] > chance


def _find_deciding_score(facts: EvaluationFacts) -> tuple[str, Number | None, float]:
    numbers = facts["numbers"]
    if facts["data"]["positive"] is not None:
        return "ROC AUC", numbers.get("roc_auc"), 0.5
    n_classes = len(facts["data"]["classes"])
    return "balanced accuracy", numbers.get("balanced_accuracy"), 1 / n_classes


def _is_exactly_better(facts: EvaluationFacts) -> bool:
    """Whether the exact lower limits of sensitivity and specificity sum to more than 1.

    Decides where ROC AUC has no interval, for example if every image is classified correctly.
    """
    opinions = facts["second_opinions"]
    lows = [opinions[name]["low"] for name in ("sensitivity", "specificity") if name in opinions]
    known = [low for low in lows if low is not None]
    return len(known) == 2 and sum(known) > 1


def describe_errors(facts: EvaluationFacts) -> ErrorCaptions:
    """Return the captions for wrong predictions, and for labels that the predictions contradict."""
    shown = is_better_than_chance(facts)
    if shown:
        label_caption = (
            "The predictions contradict these labels most. The models were not trained on these"
            " images. A person must check each label: none was changed. Most marks are false if few"
            " labels are wrong: in a test on tissue patches in which 5 of 100 labels were wrong, 33"
            " of 100 marks were right."
        )
    else:
        label_caption = (
            "Not shown: this model is not shown to be better than chance, so its predictions"
            " give little information about the labels. The JSON file lists these images."
        )
    label_title = "Labels that may be wrong"
    return ErrorCaptions(*_describe_confident_errors(facts), label_title, label_caption, shown)


def _describe_confident_errors(facts: EvaluationFacts) -> tuple[str, str]:
    found = facts["predictions"]
    stated = [
        found["proba"][row][found["predicted"][row]] or 0.0 for row in facts["confident_errors"]
    ]
    if not stated:
        return "Errors", "There are none."
    lowest, highest = write_number(min(stated), 2), write_number(max(stated), 2)
    ranged = highest if highest == lowest else f"{lowest} to {highest}"
    probability = f"the probability of the predicted class is {ranged}"
    wrong = "Images that were classified incorrectly"
    if min(stated) >= SURE:
        return "Most confident errors", f"{wrong} with high confidence: {probability}. {_LOOK}"
    if max(stated) >= SURE:
        return (
            "Most confident errors",
            f"{wrong}, the most confident first: {probability}. {_LOOK}",
        )
    return (
        "Errors with the highest probability",
        f"{wrong}, none of them with high confidence: {probability}. {_LOOK}",
    )


def is_error_falling(coverage: Coverage) -> bool:
    """Return whether the more certain half of the images has a lower error than all images."""
    errors = {
        share: error
        for share, error in zip(coverage["coverage"], coverage["error"], strict=True)
        if share is not None and error is not None
    }
    if not errors:
        return False
    half = min(errors, key=lambda share: abs(share - 0.5))
    return errors[half] < errors[max(errors)]
