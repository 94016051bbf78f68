"""The findings of an evaluation in sentences, each number with its interval."""

from __future__ import annotations

from cellsk._checks import count_noun, join_words
from cellsk.report.document import (
    EvaluationDocument,
    EvaluationFacts,
    LeakageNumbers,
    Number,
    Numbers,
)
from cellsk.report.words._baselines import compare_with_baselines, warn_of_baselines
from cellsk.report.words._formats import (
    name_class,
    write_count_in_100,
    write_interval,
    write_number,
)
from cellsk.report.words._images import (
    count_units,
    describe_never_tested,
    describe_training,
    is_one_split,
    list_shared,
)
from cellsk.report.words._scores import name_two_classes
from cellsk.report.words._verdict import compare_with_chance

__all__ = ["describe_comparison", "describe_leakage", "summarize", "write_origin"]


def summarize(facts: EvaluationFacts) -> list[str]:
    """Return the findings of an evaluation in plain sentences.

    Parameters
    ----------
    facts : dict
        An evaluation document.

    Returns
    -------
    sentences : list of str
        The first describes how the images were predicted, the second compares with chance, and
        the others report the numbers. Undefined scores are left out.
    """
    found = [_describe_prediction(facts), compare_with_chance(facts)]
    if not warn_of_baselines(facts):  # a caution, which comes before all sentences
        found.append(compare_with_baselines(facts))
    if facts["data"]["positive"] is None:
        found += [_describe_accuracy(facts), _describe_extremes(facts)]
    else:
        found += [_describe_decisions(facts), _describe_ranking(facts), _describe_ppv(facts)]
    return [sentence for sentence in found if sentence]


def write_origin(facts: EvaluationDocument) -> str:
    """Return what was evaluated: ``"Pipeline · 600 images of 12 patients · 5 folds"``."""
    cv = facts["cv"]
    noun = "split" if is_one_split(facts) else "fold"
    design = "test set" if cv is None else count_noun(cv["n_folds"], noun)
    name, day = facts["estimator"]["name"], facts["created"][:10]
    test = facts["test"]
    tested = [] if test is None else [f"test set of {count_units(test['report']['data'])}"]
    return " · ".join((name, count_units(facts["data"]), design, *tested, day))


def _describe_prediction(facts: EvaluationFacts) -> str:
    images, cv = count_units(facts["data"]), facts["cv"]
    if cv is None:
        return f"One trained model predicted each of {images}. {describe_training(facts)}"
    tested = f"{images} on the test side" if is_one_split(facts) else images
    if cv["groups_kept_together"]:
        text = (
            f"Each of {tested} was predicted once, by a model that was not trained on any image of"
            " the same patient."
        )
    else:
        text = (
            f"Each of {tested} was predicted once, by a model that was not trained on it. Patients"
            " are unknown: the model may have been trained on other images of the same patient."
        )
    return f"{text} {describe_never_tested(cv)}".strip()


def _describe_decisions(facts: EvaluationFacts) -> str:
    numbers, (positive, negative) = facts["numbers"], name_two_classes(facts["data"])
    right = [
        (label, write_count_in_100(numbers.get(score)))
        for label, score in ((positive, "sensitivity"), (negative, "specificity"))
    ]
    clauses = [
        f"of 100 {label} images, {count} are predicted {label}" for label, count in right if count
    ]
    if not clauses:
        return ""
    text = "; ".join(clauses)
    exact = any(
        "note" in numbers[name] for name in ("sensitivity", "specificity") if name in numbers
    )
    note = " Exact intervals assume independent images." if exact else ""
    return f"{text[0].upper()}{text[1:]}.{note}"


def _describe_ranking(facts: EvaluationFacts) -> str:
    pairs = write_count_in_100(facts["numbers"].get("roc_auc"))
    if not pairs:
        return ""
    positive, negative = name_two_classes(facts["data"])
    return (
        f"Of 100 pairs of one {positive} and one {negative} image, the {positive} image gets the"
        f" higher probability in {pairs}."
    )


def _describe_ppv(facts: EvaluationFacts) -> str:
    """Return the PPV at the stated prevalence, or else at the prevalence of these images."""
    stated, positive = facts["at_prevalence"], name_class(facts["data"]["positive"] or "")
    right = write_count_in_100(stated["ppv"]) if stated else ""
    if stated and right:
        return (
            f"Of 100 images predicted {positive}, {right} would be {positive} at a prevalence of"
            f" {100 * stated['prevalence']:.3g} in 100."
        )
    here, share = write_count_in_100(facts["numbers"].get("ppv")), facts["data"]["prevalence"]
    if not here or share is None:
        return ""
    return (
        f"Of 100 images predicted {positive}, {here} are {positive}, at a prevalence of"
        f" {write_number(100 * share, 0)} in 100; at a lower prevalence there are fewer."
    )


def _describe_accuracy(facts: EvaluationFacts) -> str:
    right = write_count_in_100(facts["numbers"].get("balanced_accuracy"))
    if not right:
        return ""
    n_classes = len(facts["data"]["classes"])
    return (
        f"Of 100 images, equally many from each of {n_classes} classes, {right} are classified"
        f" correctly; by chance it would be {100 / n_classes:.0f}."
    )


def _describe_extremes(facts: EvaluationFacts) -> str:
    """Return the classes with the highest and the lowest sensitivity."""
    found = [
        (entry["numbers"]["sensitivity"]["value"], entry["name"], entry["numbers"]["sensitivity"])
        for entry in facts["per_class"]
        if entry["numbers"]["sensitivity"]["value"] is not None
    ]
    if len(found) < 2:
        return ""
    (_, worst, low), *_, (_, best, high) = sorted(found, key=lambda one: one[:2])
    return (
        f"The sensitivity is highest for {name_class(best)}, {write_count_in_100(high)} of 100, and"
        f" lowest for {name_class(worst)}, {write_count_in_100(low)} of 100."
    )


def describe_comparison(
    documents: tuple[EvaluationDocument, EvaluationDocument], difference: Numbers
) -> str:
    """Return sentences on the difference of two models: of the AUC, or else of the accuracy."""
    numbers = documents[0]["numbers"], documents[1]["numbers"]
    name = "roc_auc" if difference["roc_auc"]["value"] is not None else "accuracy"
    label = {"roc_auc": "ROC AUC", "accuracy": "accuracy"}[name]
    first, second = (write_number(one[name]["value"]) for one in numbers)
    gap = difference[name]
    text = f"The {label} is {first} for the first model and {second} for the second."
    if faults := _list_faults(documents):
        return f"{text} This does not show which model is better: {join_words(faults)}."
    if gap["low"] is None or gap["high"] is None:
        return f"{text} The difference, {write_number(gap['value'])}, has no interval."
    text += f" The difference is {write_number(gap['value'])} ({write_interval(gap)})."
    if gap["low"] <= 0 <= gap["high"]:
        return f"{text} The interval includes 0: this test set does not show which one is better."
    return f"{text} The interval does not include 0: the {_name_better(gap)} model is better here."


def _list_faults(documents: tuple[EvaluationDocument, EvaluationDocument]) -> list[str]:
    """Return why a comparison of two models is not fair, or not about the classes."""
    present = [one for one in documents[0]["data"]["classes"] if one["n_images"]]
    faults = ["all images are of one class"] if len(present) < 2 else []
    for place, document in zip(("first", "second"), documents, strict=True):
        shared = [] if document["training"] is None else list_shared(document["training"])
        if shared:
            faults.append(f"for the {place} model, the test set has {join_words(shared)}")
    return faults


def _name_better(gap: Number) -> str:
    return "second" if (gap["value"] or 0) > 0 else "first"


def describe_leakage(found: LeakageNumbers, n_patients: int) -> str:
    """Return a sentence on how the score changes when patients are ignored.

    It reports the AUC if that is defined, else the accuracy.
    """
    name = "roc_auc" if found["gap"]["roc_auc"]["value"] is not None else "accuracy"
    label = {"roc_auc": "AUC", "accuracy": "accuracy"}[name]
    random, grouped, gap = (
        side[name] for side in (found["random"], found["grouped"], found["gap"])
    )
    patients = count_noun(n_patients, "patient")
    sentence = (
        f"If patients were ignored, the reported {label} would be {write_number(random['value'])},"
        f" with folds by image. With folds by patient it is {write_number(grouped['value'])}, for"
        f" the same images of {patients}."
    )
    difference = write_number(gap["value"])
    if gap["low"] is None or gap["high"] is None:
        return f"{sentence} The difference of {difference} has no interval."
    interval = write_interval(gap)
    if gap["low"] <= 0 <= gap["high"]:
        return (
            f"{sentence} The interval of the difference, {interval}, includes 0: {patients} are not"
            " enough to show a difference."
        )
    if gap["low"] > 0:
        return (
            f"{sentence} The difference is {difference} ({interval}), more than the variation among"
            " patients explains."
        )
    return (
        f"{sentence} The difference is {difference} ({interval}): here the score is not higher when"
        " patients are ignored. It includes the random variation of training."
    )
