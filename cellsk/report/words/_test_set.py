"""Cross-validation beside a test set, in sentences and as table rows."""

from __future__ import annotations

from typing import NamedTuple

from cellsk._checks import join_words
from cellsk.report.document import EvaluationDocument, Number, TestResult
from cellsk.report.words._baselines import list_compared_scores
from cellsk.report.words._formats import write_interval, write_number, write_range
from cellsk.report.words._images import count_images, is_one_split, list_shared
from cellsk.report.words._scores import name_score

__all__ = [
    "TestRow",
    "describe_test",
    "explain_test",
    "list_questions",
    "list_test_rows",
    "name_design",
    "warn_of_shared_images",
]

_OF_TWO = ("roc_auc", "balanced_accuracy", "sensitivity", "specificity", "brier_score")
_OF_MANY = ("balanced_accuracy", "roc_auc", "f1", "brier_score")


class TestRow(NamedTuple):
    """One score by cross-validation and on the test set, and the difference."""

    label: str
    evaluated: Number
    tested: Number
    difference: Number


def name_design(document: EvaluationDocument) -> str:
    """Return how the first part was scored: "Cross-validation", or "Test side of the split"."""
    return "Test side of the split" if is_one_split(document) else "Cross-validation"


def list_questions(document: EvaluationDocument, test: TestResult) -> tuple[str, str]:
    """Return what the scores of the two parts are about. Unknown patients may be in both sides."""
    known = [part["data"]["n_groups"] is not None for part in (document, test["report"])]
    return (
        f"new {'patients' if known[0] else 'images'} of the same source",
        f"the {'patients' if known[1] else 'images'} of this test set",
    )


def list_test_rows(document: EvaluationDocument) -> list[TestRow]:
    """Return the scores of both parts, the deciding one first. Empty without a test."""
    test = document["test"]
    if test is None:
        return []
    wanted = _OF_MANY if document["data"]["positive"] is None else _OF_TWO
    evaluated, tested = document["numbers"], test["report"]["numbers"]
    return [
        TestRow(name_score(name), evaluated[name], tested[name], test["difference"][name])
        for name in wanted
        if name in evaluated and name in tested
    ]


def explain_test(document: EvaluationDocument) -> str:
    """Return what each of the two scores answers."""
    test = document["test"]
    if test is None:
        return ""
    training = test["report"]["training"]
    first, second = list_questions(document, test)
    fitted = count_images(training["n_images"], training["n_groups"]) if training else "all images"
    text = (
        f"{name_design(document)} estimates the scores for {first}. The test set shows those"
        f" of one model, fitted on {fitted}, for {second}."
    )
    if document["operating_point"] is not None or document["calibration"] is not None:
        text += " Its threshold and calibration were chosen on the training images only."
    return text


def describe_test(document: EvaluationDocument) -> str:
    """Return the deciding score of both parts, and whether they differ. "" without a test."""
    test = document["test"]
    if test is None:
        return ""
    name = list_compared_scores(document)[0]
    tested, gap = test["report"]["numbers"][name], test["difference"][name]
    label = "ROC AUC" if name == "roc_auc" else name_score(name)
    text = (
        f"{label} is {write_range(document['numbers'][name])} by"
        f" {_name_first(document)} and {write_range(tested)} on the test set."
    )
    text = f"{text[0].upper()}{text[1:]}"
    if gap["value"] is None:
        return text
    return f"{text} {_judge(gap, test)}"


def _name_first(document: EvaluationDocument) -> str:
    return "one split" if is_one_split(document) else "cross-validation"


def _judge(gap: Number, test: TestResult) -> str:
    difference = write_number(gap["value"])
    if gap["low"] is None or gap["high"] is None:
        return f"The difference, {difference}, has no interval."
    text = f"The difference is {difference} ({write_interval(gap)})"
    if gap["high"] < 0:
        return (
            f"{text}: the score is lower on the test set. Its images may differ in stain, scanner"
            " or patients, or the settings fit the training images too closely."
        )
    if gap["low"] > 0:
        shared = ", or be among the training images" if warn_of_shared_images(test) else ""
        return (
            f"{text}: the score is higher on the test set. Its model was fitted on more images; its"
            f" images may also be easier{shared}."
        )
    return f"{text}. The interval includes 0, so no difference is shown."


def warn_of_shared_images(test: TestResult) -> str:
    """Return what the test set shares with the training images, or ""."""
    training = test["report"]["training"]
    shared = [] if training is None else list_shared(training)
    if not shared:
        return ""
    return f"The test set has {join_words(shared)}, so its scores may be too high."
