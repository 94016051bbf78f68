"""The nested evaluation of a search, in the score of the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellsk.exceptions import InputTypeError
from cellsk.report.document._candidates import plain_value
from cellsk.report.document._search_types import Nested
from cellsk.report.document._types import ImageClass, Number

__all__ = ["read_nested"]

# Scorers of scikit-learn: the equal score of an evaluation, and its sign.
_SAME_SCORES = {
    "accuracy": ("accuracy", 1),
    "balanced_accuracy": ("balanced_accuracy", 1),
    "roc_auc": ("roc_auc", 1),
    "roc_auc_ovr": ("roc_auc", 1),
    "matthews_corrcoef": ("mcc", 1),
    "neg_log_loss": ("log_loss", -1),
    "neg_brier_score": ("brier_score", -1),
}
# With two classes, scikit-learn scores the label 1, and an evaluation its positive class.
_OF_LABEL_ONE = {
    "average_precision": ("average_precision", 1),
    "recall": ("sensitivity", 1),
    "precision": ("ppv", 1),
    "f1": ("f1", 1),
}
# With more classes, both take the mean over the classes.
_OF_MANY = {"average_precision": ("average_precision", 1), "f1_macro": ("f1", 1)}


def read_nested(nested: Any, score: str, label_one: int) -> Nested | None:
    """Return what an evaluation of the whole search found.

    Parameters
    ----------
    nested : EvaluationReport or dict
        The report, or its document. None gives None.
    score : str
        The score of the search, by its name in scikit-learn.
    label_one : int
        Place of the label 1 among two classes.

    Raises
    ------
    TypeError
        When it is not an evaluation.
    """
    if nested is None:
        return None
    document = getattr(nested, "document", nested)
    if not isinstance(document, Mapping) or "numbers" not in document:
        raise InputTypeError(
            "must be the result of evaluate(search, ...)",
            type(nested).__name__,
            "Pass the report, or its document.",
            parameter="nested",
            code="nested-type",
        )
    name, sign = _find_same_score(score, document["data"]["classes"], label_one)
    number = None if name is None else document["numbers"].get(name)
    return {
        "score": None if number is None else name,
        "number": None if number is None else _multiply(number, sign),
        "numbers": document["numbers"],
        "interval": document["interval"],
        "n_folds": len(document["folds"]),
        "best_params": [
            {key: plain_value(value) for key, value in (fold["best_params"] or {}).items()}
            for fold in document["folds"]
        ],
    }


def _find_same_score(
    score: str, classes: Sequence[ImageClass], label_one: int
) -> tuple[str | None, int]:
    """Return the name of the equal score in an evaluation of these classes, and its sign."""
    same = dict(_SAME_SCORES)
    if len(classes) > 2:
        same |= _OF_MANY
    elif classes[label_one]["positive"]:
        same |= _OF_LABEL_ONE
    return same.get(score, (None, 1))


def _multiply(number: Number, sign: int) -> Number:
    """Return a number with its sign. A negative one swaps the ends of the interval."""
    value, low, high = (
        None if one is None else sign * one
        for one in (number["value"], number["low"], number["high"])
    )
    return (
        {"value": value, "low": low, "high": high}
        if sign > 0
        else {
            "value": value,
            "low": high,
            "high": low,
        }
    )
