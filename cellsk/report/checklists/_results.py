"""Answers to checklist items on the results: cases, scores, errors, limits and use."""

from __future__ import annotations

from cellsk._checks import count_noun, join_words, pick_form
from cellsk.report.checklists._items import Answer, Answers, list_columns
from cellsk.report.document import EvaluationDocument, Fold, Numbers
from cellsk.report.words import (
    count_defined,
    count_test,
    count_train,
    count_units,
    describe_left_out,
    describe_never_tested,
    describe_training,
    has_several_folds,
    is_better_than_chance,
    is_one_split,
    list_classes,
    list_names,
    list_scores,
    name_level,
    name_score,
    write_number,
    write_range,
    write_share,
)

__all__ = ["CLAIM_RESULTS", "TRIPOD_RESULTS"]

_MAX_FOLDS = 10
_OF_DIAGNOSIS = ("sensitivity", "specificity", "ppv", "npv")


def _count_cases(document: EvaluationDocument) -> str:
    data = document["data"]
    return f"{count_units(data)}: {list_classes(data)}."


def _answer_size(document: EvaluationDocument) -> Answer:
    return Answer(
        f"{_count_cases(document)} The run computed no sample size. The width of the intervals "
        "shows how much can be concluded from this size.",
        "why this size, and why it is sufficient.",
    )


def _answer_flow(document: EvaluationDocument) -> Answer:
    sentences = [_count_cases(document), "The run left out none of them."]
    if left := describe_left_out(document["left_out"]):
        sentences.append(left)
    return Answer(
        " ".join(sentences), "which cases were considered and left out before; a diagram helps."
    )


def _answer_characteristics(document: EvaluationDocument) -> Answer:
    columns = list_columns(document)
    counted = f" The report counts images by {join_words(columns)}." if columns else ""
    return Answer(f"{_count_cases(document)}{counted}", "age, sex, clinical features and dates.")


def _answer_fold_mix(document: EvaluationDocument) -> Answer:
    rows = [fold["test_counts"] for fold in document["folds"]]
    if not has_several_folds(document):
        return _answer_test_mix(document)
    ranges = []
    for code, one in enumerate(document["data"]["classes"]):
        shares = [counts[code] / max(sum(counts), 1) for counts in rows]
        ranges.append(f"'{one['name']}' {write_share(min(shares))} to {write_share(max(shares))}")
    return Answer(
        f"Share of each class in the test sides of the folds: {join_words(ranges)}.",
        "age, sex and clinical features in each partition.",
    )


def _answer_test_mix(document: EvaluationDocument) -> Answer:
    data = document["data"]
    shares = [
        f"'{one['name']}' {write_share(one['n_images'] / data['n_images'])}"
        for one in data["classes"]
    ]
    return Answer(
        f"Share of each class in the test {'side' if is_one_split(document) else 'set'}:"
        f" {join_words(shares)}.",
        "the same for the training images; age, sex and clinical features in both.",
    )


def _answer_amounts(document: EvaluationDocument) -> Answer:
    if document["cv"] is None:
        return Answer(f"Tested on {list_classes(document['data'])}. {describe_training(document)}")
    names = list_names(document["data"])
    folds = document["folds"]
    one = is_one_split(document)
    sentences = [_describe_amounts(fold, names, one) for fold in folds[:_MAX_FOLDS]]
    if (more := len(folds) - _MAX_FOLDS) > 0:
        sentences.append(
            f"{count_noun(more, 'more fold')} {pick_form(more, 'is', 'are')} in the report."
        )
    if untested := describe_never_tested(document["cv"]):
        sentences.append(untested)
    return Answer(" ".join(sentences))


def _describe_amounts(fold: Fold, names: list[str], one: bool) -> str:
    counts = zip(fold["test_counts"], names, strict=True)
    classes = join_words([f"{count} '{name}'" for count, name in counts])
    train = count_train(fold)
    test = count_test(fold)
    text = f"trained on {train}, tested on {test} ({classes})."
    return f"{text[0].upper()}{text[1:]}" if one else f"Fold {fold['fold']}: {text}"


def _answer_performance(document: EvaluationDocument) -> Answer:
    scores = [" ".join(score) for score in list_scores(document["numbers"])]
    level = name_level(document["interval"])
    tested = (
        "" if not has_several_folds(document) else ", each predicted when it was on the test side"
    )
    text = f"Scores over all images{tested}, with {level}s: {'; '.join(scores)}."
    if document["test"] is not None:
        numbers = document["test"]["report"]["numbers"]
        scores = [" ".join(score) for score in list_scores(numbers)]
        text += f" On the test set: {'; '.join(scores)}."
    if document["subgroups"]:
        return Answer(f"{text} The report lists the same for each subgroup.")
    return Answer(text, "performance in key subgroups. The run was given no subgroups.")


def _answer_diagnosis(document: EvaluationDocument) -> Answer:
    """Answer by sensitivity, specificity and predictive values, of each class if many."""
    if document["per_class"]:
        classes = [
            f"'{one['name']}': {', '.join(_list_diagnosis(one['numbers']))}"
            for one in document["per_class"]
        ]
        return Answer(f"Each class against the rest. {'; '.join(classes)}.")
    data = document["data"]
    return Answer(
        f"For '{data['positive']}', at a prevalence of {write_share(data['prevalence'])}: "
        f"{'; '.join(_list_diagnosis(document['numbers']))}. At another prevalence the predictive "
        "values are different."
    )


def _list_diagnosis(numbers: Numbers) -> list[str]:
    return [" ".join(score) for score in list_scores(numbers, _OF_DIAGNOSIS)]


def _answer_results_by_cluster(document: EvaluationDocument) -> Answer:
    numbers = document["numbers"]
    name = "roc_auc" if "roc_auc" in numbers else next(iter(numbers))
    values = [
        f"{group['column']} {group['value']}: {write_range(group['numbers'][name])}"
        for group in document["subgroups"]
        if name in group["numbers"]
    ]
    text = _describe_fold_mean(document, name)
    if values:
        return Answer(f"{text} By subgroup: {'; '.join(values)}.".strip())
    return Answer(text, "results by cluster, such as site or scanner.")


def _describe_fold_mean(document: EvaluationDocument, name: str) -> str:
    if not has_several_folds(document):
        return ""
    fold = document["mean_of_folds"].get(name, {"mean": None, "sd": None})
    folds = count_defined(name, document["folds"]) or "over the folds"
    return (
        f"{name_score(name)} {folds}: mean {write_number(fold['mean'])}, standard "
        f"deviation {write_number(fold['sd'])}."
    )


def _answer_errors(document: EvaluationDocument) -> Answer:
    names = list_names(document["data"])
    mistakes = {
        (label, predicted): count
        for label, counts in zip(names, document["confusion_matrix"], strict=True)
        for predicted, count in zip(names, counts, strict=True)
        if label != predicted
    }
    wrong = sum(mistakes.values())
    images = count_noun(document["data"]["n_images"], "image")
    text = f"{wrong:,} of {images} {pick_form(wrong, 'was', 'were')} classified incorrectly."
    if wrong:
        label, predicted = max(mistakes, key=lambda pair: mistakes[pair])
        text += (
            f" The most frequent error: '{label}' predicted as '{predicted}' "
            f"({count_noun(mistakes[label, predicted], 'image')})."
        )
    if document["confident_errors"]:
        suspected = document["label_errors"] and is_better_than_chance(document)
        text += " The report shows the errors with the highest probability"
        text += " and the labels that are most likely wrong." if suspected else "."
    return Answer(text, "what the errors have in common.")


def _answer_robustness(document: EvaluationDocument) -> Answer | None:
    sentences = []
    if document["subgroups"]:
        sentences.append("Scores were compared between subgroups.")
    if document["operating_point"]:
        sentences.append("The chosen threshold was compared with the untuned one.")
    if document["referral"]:
        sentences.append("The images that are not referred were scored separately.")
    if document["leakage"]:
        sentences.append(document["leakage"]["sentence"])
    return Answer(" ".join(sentences), "any other analysis of this kind.") if sentences else None


def _answer_limits(document: EvaluationDocument) -> Answer | None:
    if not document["limits"]:
        return None
    limits = " ".join(limit["text"] for limit in document["limits"])
    return Answer(limits, "further limits, and the direction of the bias of each.")


def _answer_use(document: EvaluationDocument) -> Answer | None:
    if not document["intended_use"]:
        return None
    return Answer(document["intended_use"], "the role it should have, and what follows.")


TRIPOD_RESULTS: Answers = {
    "3b": _answer_use,
    "10": _answer_size,
    "20a": _answer_flow,
    "20b": _answer_characteristics,
    "20c": _answer_fold_mix,
    "21": _answer_amounts,
    "23a": _answer_performance,
    "23b": _answer_results_by_cluster,
    "26": _answer_limits,
}
CLAIM_RESULTS: Answers = {
    "21": _answer_size,
    "30": _answer_robustness,
    "35": _answer_flow,
    "36": _answer_fold_mix,
    "37": _answer_performance,
    "38": _answer_diagnosis,
    "39": _answer_errors,
    "40": _answer_limits,
    "41": _answer_use,
}
