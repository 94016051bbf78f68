"""Scores of a classifier's predictions, by scikit-learn's functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from cellsk.exceptions import InputError
from cellsk.metrics._calibration import find_calibration_error
from cellsk.metrics._names import list_score_names
from cellsk.metrics._predictions import Predictions, check_predictions

__all__ = ["compute_scores"]

_NAN = float("nan")


def compute_scores(
    y: ArrayLike,
    proba: ArrayLike,
    predicted: ArrayLike,
    *,
    positive: int | None = None,
    sample_weight: ArrayLike | None = None,
) -> dict[str, float]:
    """Return the scores of predictions, each by scikit-learn's function.

    Parameters
    ----------
    y : array-like of shape (n_samples,), dtype int
        True classes, as codes: columns of ``proba``.

    proba : array-like of shape (n_samples, n_classes)
        Predicted probabilities. The sums of rows may differ from 1 by 0.01, by rounding.

    predicted : array-like of shape (n_samples,), dtype int
        Predicted classes, as codes. With a tuned threshold they are not always the most
        probable classes.

    positive : int, default=None
        Code of the positive class. Needed for two classes, None for more.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each image, at least 0. None counts each image once.

    Returns
    -------
    scores : dict of str to float
        With two classes accuracy, balanced_accuracy, roc_auc, average_precision, sensitivity,
        specificity, ppv, npv, f1, mcc, brier_score, log_loss and calibration_error. With more,
        the same without sensitivity, specificity, ppv and npv. Scores that cannot be computed
        are NaN, without a warning; see Notes.

    Raises
    ------
    ValueError
        If an array has another shape or holds other values, or ``positive`` does not fit the
        number of classes.

    See Also
    --------
    bootstrap_scores : Computes the same scores for resampled patients.
    calibration_error : Computes the calibration error.

    Notes
    -----
    **Two classes.** Sensitivity is NaN without positive images and specificity without
    negative ones; balanced accuracy, ROC AUC, average precision and Matthews correlation (mcc)
    if either is missing. ppv is NaN if nothing was predicted positive, npv if nothing was
    predicted negative, and f1 if no image is positive or was predicted positive.

    **More than two.** Balanced accuracy, f1, ROC AUC (one class against the rest) and average
    precision are unweighted means over the classes that occur in ``y``: a fold or a subgroup
    without a class is scored on the others. With one class only they are NaN, and so is mcc.
    The Brier score is at most 2, as in scikit-learn. calibration_error is that of the most
    probable class.

    mcc is 0 if all predictions are the same, as in scikit-learn. Average precision without
    negative images would be 1 for every prediction, so it is NaN.

    Examples
    --------
    >>> from cellsk.metrics import compute_scores
    >>> proba = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
    >>> scores = compute_scores([0, 0, 1, 1], proba, [0, 0, 0, 1], positive=1)
    >>> {name: round(scores[name], 2) for name in ("roc_auc", "sensitivity", "ppv", "npv")}
    {'roc_auc': 0.75, 'sensitivity': 0.5, 'ppv': 1.0, 'npv': 0.67}
    """
    rows = check_predictions(y, proba, predicted, positive)
    weight = _check_weight(sample_weight, len(rows.y))
    kept = weight > 0  # an image with weight 0 does not make its class present
    rows = Predictions(rows.y[kept], rows.proba[kept], rows.predicted[kept], rows.positive)
    score = _score_two if rows.n_classes == 2 else _score_many
    scores = {**_score_all(rows, weight[kept]), **score(rows, weight[kept])}
    return {name: float(scores[name]) for name in list_score_names(rows.n_classes)}


def _score_all(rows: Predictions, weight: NDArray[np.float64]) -> dict[str, float]:
    """Return the scores that are defined in the same way for two classes and more."""
    several = len(np.unique(rows.y)) > 1
    mcc = matthews_corrcoef(rows.y, rows.predicted, sample_weight=weight) if several else _NAN
    losses = {"labels": list(range(rows.n_classes)), "sample_weight": weight}
    return {
        "accuracy": accuracy_score(rows.y, rows.predicted, sample_weight=weight),
        "mcc": mcc,
        "brier_score": brier_score_loss(rows.y, rows.normalized, **losses),
        "log_loss": log_loss(rows.y, rows.normalized, **losses),
        "calibration_error": find_calibration_error(rows, weight),
    }


def _score_two(rows: Predictions, weight: NDArray[np.float64]) -> dict[str, float]:
    assert rows.positive is not None
    positive = rows.y == rows.positive
    called = rows.predicted == rows.positive
    score = rows.proba[:, rows.positive]
    options = {"sample_weight": weight, "zero_division": _NAN}
    both = positive.any() and not positive.all()
    sensitivity = recall_score(positive, called, **options)
    specificity = recall_score(~positive, ~called, **options)
    return {
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "roc_auc": roc_auc_score(positive, score, sample_weight=weight) if both else _NAN,
        "average_precision": (
            average_precision_score(positive, score, sample_weight=weight) if both else _NAN
        ),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": precision_score(positive, called, **options),
        "npv": precision_score(~positive, ~called, **options),
        "f1": f1_score(positive, called, **options),
    }


def _score_many(rows: Predictions, weight: NDArray[np.float64]) -> dict[str, float]:
    present = np.unique(rows.y)
    if len(present) < 2:
        return dict.fromkeys(("balanced_accuracy", "f1", "roc_auc", "average_precision"), _NAN)
    options = {"labels": present, "average": "macro", "sample_weight": weight}
    pairs = [(rows.y == code, rows.proba[:, code]) for code in present]
    areas = [roc_auc_score(*pair, sample_weight=weight) for pair in pairs]
    precisions = [average_precision_score(*pair, sample_weight=weight) for pair in pairs]
    return {
        "balanced_accuracy": recall_score(rows.y, rows.predicted, **options),
        # A class with images has a recall, so its F1 is defined: 0 if it was never predicted.
        "f1": f1_score(rows.y, rows.predicted, zero_division=0.0, **options),
        "roc_auc": float(np.mean(areas)),
        "average_precision": float(np.mean(precisions)),
    }


def _check_weight(sample_weight: ArrayLike | None, n_samples: int) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.ones(n_samples)
    weight = np.asarray(sample_weight, dtype=np.float64)
    wrong = weight.shape != (n_samples,) or not np.isfinite(weight).all()
    if wrong or weight.min() < 0 or not weight.sum():
        raise InputError(
            f"must be {n_samples:,} finite numbers of at least 0, not all 0",
            f"shape {weight.shape}, sum {weight.sum():g}",
            "Pass None to count each image once.",
            parameter="sample_weight",
        )
    return weight
