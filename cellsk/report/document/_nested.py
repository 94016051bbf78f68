"""The nested evaluation of a search: its number for the score that the search went by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellsk.report.document._candidates import plain_value

__all__ = ["read_nested"]

# Scorers of scikit-learn, the score of an evaluation that is the same, and its sign.
_SAME_SCORES = {
    "accuracy": ("accuracy", 1),
    "balanced_accuracy": ("balanced_accuracy", 1),
    "roc_auc": ("roc_auc", 1),
    "roc_auc_ovr": ("roc_auc", 1),
    "matthews_corrcoef": ("mcc", 1),
    "neg_log_loss": ("log_loss", -1),
    "neg_brier_score": ("brier_score", -1),
}
# Of two classes scikit-learn takes these of the label 1, an evaluation of its positive class.
_OF_LABEL_ONE = {
    "average_precision": ("average_precision", 1),
    "recall": ("sensitivity", 1),
    "precision": ("ppv", 1),
    "f1": ("f1", 1),
}
# Of more classes, the mean over the classes.
_OF_MANY = {"average_precision": ("average_precision", 1), "f1_macro": ("f1", 1)}


def read_nested(nested: Any, score: str, search: Any) -> dict[str, Any] | None:
    """Return what an evaluation of the whole search found, in the search's own score.

    Raises
    ------
    TypeError
        When it is no evaluation.
    """
    if nested is None:
        return None
    document = getattr(nested, "document", nested)
    if not isinstance(document, Mapping) or "numbers" not in document:
        raise TypeError(
            "nested must be what evaluate(search, ...) returned. Got"
            f" {type(nested).__name__}. Pass the report, or its document."
        )
    name, sign = _find_same(score, document["data"]["classes"], _find_label_one(search))
    number = document["numbers"].get(name)
    return {
        "score": name if number is not None else None,
        "number": None if number is None else _with_sign(number, sign),
        "numbers": document["numbers"],
        "interval": document["interval"],
        "n_folds": document["cv"]["n_folds"],
        "best_params": [
            {key: plain_value(value) for key, value in (fold["best_params"] or {}).items()}
            for fold in document["folds"]
        ],
    }


def _find_same(
    score: str, classes: list[Mapping[str, Any]], label_one: int
) -> tuple[str | None, int]:
    """Return the name of the same score in an evaluation of these classes, and its sign."""
    same = dict(_SAME_SCORES)
    if len(classes) > 2:
        same |= _OF_MANY
    elif classes[label_one]["positive"]:
        same |= _OF_LABEL_ONE
    return same.get(score, (None, 1))


def _find_label_one(search: Any) -> int:
    """Return the place of the label 1 among the classes: the second, of 0 and 1 or -1 and 1."""
    labels = list(getattr(search, "classes_", ()))
    return labels.index(1) if len(labels) == 2 and 1 in labels else 1


def _with_sign(number: Mapping[str, float | None], sign: int) -> dict[str, float | None]:
    low, high = (number["low"], number["high"])[::sign]
    return {
        key: None if value is None else sign * value
        for key, value in (("value", number["value"]), ("low", low), ("high", high))
    }
