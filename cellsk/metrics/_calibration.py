"""Calibration error and reliability curve of predicted probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import check_count
from cellsk.metrics._binomial import binomial_interval
from cellsk.metrics._predictions import Predictions, check_predictions

__all__ = [
    "N_BINS",
    "calibration_error",
    "confidence_and_outcome",
    "find_bins",
    "find_calibration_error",
    "reliability_curve",
]

N_BINS = 10


def calibration_error(
    y: ArrayLike, proba: ArrayLike, *, positive: int | None = None, n_bins: int = N_BINS
) -> float:
    """Return the expected calibration error of predicted probabilities.

    The images are sorted into bins of equal width by their probability. In each bin the mean
    probability is compared with the fraction of images for which the prediction is right. The
    error is the mean of the absolute differences, weighted by the number of images.

    Parameters
    ----------
    y : array-like of shape (n_samples,), dtype int
        True classes, as codes: columns of ``proba``.

    proba : array-like of shape (n_samples, n_classes)
        Predicted probabilities.

    positive : int, default=None
        Code of the positive class, whose probability is used. Needed for two classes, None
        for more, where the highest probability of each image is used.

    n_bins : int, default=10
        Number of bins of equal width between 0 and 1.

    Returns
    -------
    error : float
        Between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        If an array has another shape or holds other values, or ``n_bins`` is not a count.

    See Also
    --------
    reliability_curve : Computes the bins of this number.
    sklearn.metrics.brier_score_loss : Measures calibration and discrimination together.

    Notes
    -----
    With few images it is too large, as the frequency in a bin differs from the probability by
    chance: a perfectly calibrated model has about 0.10 with 100 images and 0.03 with 1,000.
    Compare it only between sets of about the same size. Resampling increases this effect of
    chance by about 40%, so that the bootstrap interval of a small error is too high, and
    sometimes completely above the value.

    It depends on the bins. The Brier score does not.

    References
    ----------
    .. [1] Naeini, M. P., Cooper, G. F. & Hauskrecht, M. (2015). Obtaining well calibrated
       probabilities using Bayesian binning. AAAI Conference on Artificial Intelligence 29.
    .. [2] Guo, C., Pleiss, G., Sun, Y. & Weinberger, K. Q. (2017). On calibration of modern
       neural networks. International Conference on Machine Learning 34.

    Examples
    --------
    One of the two images with a probability of 0.8 is positive, and none with 0.2:

    >>> from cellsk.metrics import calibration_error
    >>> proba = [[0.2, 0.8], [0.2, 0.8], [0.8, 0.2], [0.8, 0.2]]
    >>> round(calibration_error([1, 0, 0, 0], proba, positive=1), 3)
    0.25
    """
    rows = check_predictions(y, proba, None, positive)
    n_bins = check_count("n_bins", n_bins)
    return find_calibration_error(rows, np.ones(len(rows.y)), n_bins)


def reliability_curve(
    y: ArrayLike, proba: ArrayLike, *, positive: int | None = None, n_bins: int = N_BINS
) -> dict[str, NDArray[np.float64]]:
    """Return the points of a reliability diagram, with exact intervals.

    Parameters
    ----------
    y : array-like of shape (n_samples,), dtype int
        True classes, as codes: columns of ``proba``.

    proba : array-like of shape (n_samples, n_classes)
        Predicted probabilities.

    positive : int, default=None
        As in :func:`calibration_error`.

    n_bins : int, default=10
        Number of bins of equal width between 0 and 1.

    Returns
    -------
    curve : dict of str to ndarray of shape (n_filled_bins,)
        ``mean_predicted`` and ``observed`` are the mean probability and the fraction of
        images for which the prediction is right, ``count`` is the number of images, and
        ``low`` and ``high`` are the exact 95% interval of the fraction. Bins without an image
        are left out. Bins are closed on the right, and the first one on both sides, as in
        :func:`sklearn.calibration.calibration_curve`.

    Raises
    ------
    TypeError, ValueError
        If an array has another shape or holds other values, or ``n_bins`` is not a count.

    See Also
    --------
    calibration_error : Computes the distance of the curve from the diagonal.

    Notes
    -----
    The intervals assume independent images. With several images of one patient they are too
    narrow.

    Examples
    --------
    >>> from cellsk.metrics import reliability_curve
    >>> proba = [[0.2, 0.8], [0.2, 0.8], [0.8, 0.2], [0.8, 0.2]]
    >>> curve = reliability_curve([1, 0, 0, 0], proba, positive=1)
    >>> curve["mean_predicted"].tolist(), curve["observed"].tolist(), curve["count"].tolist()
    ([0.2, 0.8], [0.0, 0.5], [2, 2])
    >>> curve["high"].round(2).tolist()
    [0.84, 0.99]
    """
    rows = check_predictions(y, proba, None, positive)
    n_bins = check_count("n_bins", n_bins)
    confidence, outcome = confidence_and_outcome(rows)
    bins = find_bins(confidence, n_bins)
    count = np.bincount(bins, minlength=n_bins)
    filled = count > 0
    hits = np.bincount(bins, weights=outcome, minlength=n_bins)[filled]
    total = np.bincount(bins, weights=confidence, minlength=n_bins)[filled]
    count = count[filled]
    limits = [binomial_interval(int(hit), int(n)) for hit, n in zip(hits, count, strict=True)]
    low, high = np.array(limits).T
    return {
        "mean_predicted": total / count,
        "observed": hits / count,
        "count": count,
        "low": low,
        "high": high,
    }


def find_calibration_error(
    rows: Predictions, weight: NDArray[np.float64], n_bins: int = N_BINS
) -> float:
    """Return the calibration error of checked, weighted predictions."""
    confidence, outcome = confidence_and_outcome(rows)
    gaps = np.bincount(find_bins(confidence, n_bins), weights=weight * (confidence - outcome))
    return float(np.abs(gaps).sum() / weight.sum())


def confidence_and_outcome(
    rows: Predictions,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the probability of each image that is evaluated, and whether it was right."""
    if rows.positive is not None:
        return rows.proba[:, rows.positive], rows.y == rows.positive
    return rows.proba.max(axis=1), rows.y == rows.proba.argmax(axis=1)


def find_bins(confidence: NDArray[np.float64], n_bins: int) -> NDArray[np.intp]:
    """Return the bin of each probability, as scikit-learn defines it."""
    inner_edges = np.linspace(0.0, 1.0, n_bins + 1)[1:-1]
    return np.searchsorted(inner_edges, confidence)
