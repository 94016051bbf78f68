"""Error of the images that remain if uncertain ones are referred to a pathologist."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk.metrics._predictions import Predictions, check_clusters, check_predictions

__all__ = ["coverage_curve", "find_uncertainty"]

_N_POINTS = 50
_DIGITS = 9  # 0.3 and 0.30000000000000004 are the same uncertainty
_SUMMARY_COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.5)


def coverage_curve(
    y: ArrayLike, proba: ArrayLike, predicted: ArrayLike, *, clusters: ArrayLike | None = None
) -> dict[str, Any]:
    """Return the fraction of images that are kept, and their error, at each threshold.

    The uncertainty of an image is 1 minus its highest probability. Images above a threshold of
    uncertainty are referred to a pathologist; the others are kept. Coverage is the fraction of
    images that are kept, and the error is the fraction of wrong predictions among them.

    Parameters
    ----------
    y : array-like of shape (n_samples,), dtype int
        True classes, as codes: columns of ``proba``.

    proba : array-like of shape (n_samples, n_classes)
        Predicted probabilities.

    predicted : array-like of shape (n_samples,), dtype int
        Predicted classes, as codes.

    clusters : array-like of shape (n_samples,), default=None
        Patient of each image. If given, the patients with a referred image are counted, as a
        few images of each patient are enough to refer all patients.

    Returns
    -------
    curve : dict
        ``threshold``, ``coverage``, ``error`` and ``n`` (images kept) are lists of up to 50
        points with increasing coverage, the last with all images. ``summary`` is a list of
        dicts with the same four names, for the lowest thresholds that keep at least 100%, 90%,
        80%, 70% and 50% of the images. The coverage is higher than that if uncertainties are
        equal, and equal thresholds are listed once. With ``clusters`` both have
        ``patients_referred``, the fraction of patients with at least one referred image.

    Raises
    ------
    ValueError
        If an array has another shape or holds other values.

    Notes
    -----
    If you choose a threshold from this curve, its error is somewhat too low, as the same images
    chose it. With a tuned threshold ``predicted`` is not always the most probable class, and
    the images near that threshold are not those with the highest uncertainty.

    References
    ----------
    .. [1] El-Yaniv, R. & Wiener, Y. (2010). On the foundations of noise-free selective
       classification. Journal of Machine Learning Research 11, 1605-1641.

    Examples
    --------
    >>> from cellsk.metrics import coverage_curve
    >>> proba = [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]]
    >>> curve = coverage_curve([0, 1, 0, 0], proba, [0, 1, 1, 0])
    >>> curve["coverage"]
    [0.25, 0.5, 0.75, 1.0]
    >>> curve["error"]
    [0.0, 0.0, 0.0, 0.25]
    """
    positive = 0 if np.shape(proba)[1:] == (2,) else None  # it is not used
    rows = check_predictions(y, proba, predicted, positive)
    uncertainty = find_uncertainty(rows.proba)
    rising = np.sort(uncertainty)
    levels = np.linspace(1 / _N_POINTS, 1.0, _N_POINTS)
    points = [_keep(rows, uncertainty, at) for at in _find_thresholds(rising, levels)]
    summary = [
        _keep(rows, uncertainty, at)
        for at in _find_thresholds(rising, np.array(_SUMMARY_COVERAGES))[::-1]
    ]
    if clusters is not None:
        _count_patients(points + summary, uncertainty, clusters)
    return {**{name: [point[name] for point in points] for name in points[0]}, "summary": summary}


def find_uncertainty(proba: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 minus the highest probability of each row, without rounding errors."""
    return np.round(1.0 - proba.max(axis=1), _DIGITS)


def _find_thresholds(
    rising: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the lowest thresholds that keep at least these fractions, sorted and unique."""
    # With a tolerance, as 0.07 * 100 is more than 7 by rounding.
    last = np.ceil(levels * len(rising) - 1e-9).astype(int) - 1
    return np.unique(rising[last])


def _keep(
    rows: Predictions, uncertainty: NDArray[np.float64], threshold: float
) -> dict[str, float]:
    kept = uncertainty <= threshold
    return {
        "threshold": float(threshold),
        "coverage": float(kept.mean()),
        "error": float((rows.y != rows.predicted)[kept].mean()),
        "n": int(kept.sum()),
    }


def _count_patients(
    points: list[dict[str, float]], uncertainty: NDArray[np.float64], clusters: ArrayLike
) -> None:
    """Add the fraction of patients with a referred image to each point."""
    patients, places = check_clusters(clusters, len(uncertainty))
    highest = np.zeros(len(patients))
    np.maximum.at(highest, places, uncertainty)
    for point in points:
        point["patients_referred"] = float((highest > point["threshold"]).mean())
