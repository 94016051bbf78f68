"""The score of guessing, which the candidates of a search have to beat."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.dummy import DummyClassifier
from sklearn.metrics import get_scorer, get_scorer_names

from cellsk._checks import show_value
from cellsk.exceptions import InputError
from cellsk.model_selection import SEVERAL_CLASSES
from cellsk.report.document._search_types import Candidate, Guessing

__all__ = ["compare_with_guessing", "count_one_class_folds", "score_guessing"]

# Scores of a constant prediction that do not depend on the labels.
_CONSTANTS = {
    "roc_auc": 0.5,
    "roc_auc_ovr": 0.5,
    "roc_auc_ovo": 0.5,
    "roc_auc_ovr_weighted": 0.5,
    "roc_auc_ovo_weighted": 0.5,
    "matthews_corrcoef": 0.0,
}


def score_guessing(
    score: str, y: ArrayLike | None, scorer: Any = None, classes: Sequence[Any] = ()
) -> float | None:
    """Return the score of a model that knows the share of each class, but not the image.

    Parameters
    ----------
    score : str
        Name of the score in scikit-learn.
    y : array-like of shape (n_samples,), default=None
        Labels of the search.
    scorer : callable, default=None
        The score as scikit-learn computes it. None looks it up by its name.
    classes : sequence, default=()
        The classes, if they are known.

    Returns
    -------
    value : float or None
        None if it is not known: without labels, only a few scores have a known value.

    Raises
    ------
    ValueError
        When the labels are not one for each image, of two or more classes.
    """
    if y is None:
        if score == "balanced_accuracy" and len(classes) > 1:
            return 1 / len(classes)
        return _CONSTANTS.get(score)
    labels = np.asarray(y)
    if labels.ndim != 1 or len(np.unique(labels)) < 2:
        raise InputError(
            "must be the labels of the search, of two or more classes",
            show_value(y),
            parameter="y",
        )
    if scorer is None and score in get_scorer_names():
        scorer = get_scorer(score)
    return None if scorer is None else _score_constant(scorer, labels)


def _score_constant(scorer: Any, labels: NDArray) -> float | None:
    nothing = np.zeros((len(labels), 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant prediction leaves some scores undefined
        try:
            value = float(scorer(DummyClassifier().fit(nothing, labels), nothing, labels))
        except (TypeError, ValueError):  # a score of the user that looks at the images
            return None
    return value if np.isfinite(value) else None


def count_one_class_folds(results: Mapping[str, Any], n_folds: int) -> list[int | None] | None:
    """Return in how many folds each candidate predicted one class only. None if not known."""
    names = [f"split{fold}_test_{SEVERAL_CLASSES}" for fold in range(n_folds)]
    if not all(name in results for name in names):
        return None
    return [int(np.sum(row == 0)) for row in np.column_stack([results[name] for name in names])]


def compare_with_guessing(best: Candidate, value: float | None) -> Guessing | None:
    """Return the score of guessing, and whether the interval of the best candidate is above it."""
    if value is None:
        return None
    bound = best["mean"] if best["low"] is None else best["low"]
    return {"value": value, "best_is_better": bool(bound is not None and bound > value + 1e-12)}
