"""coverage_curve: what is left to the classifier when doubtful images go to a pathologist."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk.metrics._predictions import Predictions, check_clusters, check_predictions

__all__ = ["coverage_curve", "find_uncertainty"]

_N_POINTS = 50
_DIGITS = 9  # no threshold parts images whose uncertainties are 0.3 and 0.30000000000000004
_SUMMARY_COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.5)


def coverage_curve(
    y: ArrayLike, proba: ArrayLike, predicted: ArrayLike, *, clusters: ArrayLike | None = None
) -> dict[str, Any]:
    """Return how many images are kept, and how many of these are wrong, threshold by threshold.

    The uncertainty of an image is 1 minus its highest probability. Images above a threshold of
    uncertainty are referred to a pathologist; those at or below it are kept. Coverage is the
    share that is kept, the error the share of wrong decisions among these.

    Parameters
    ----------
    y : array-like of shape (n_samples,), dtype int
        True classes, as codes: columns of ``proba``.

    proba : array-like of shape (n_samples, n_classes)
        Predicted probabilities.

    predicted : array-like of shape (n_samples,), dtype int
        Decided classes, as codes.

    clusters : array-like of shape (n_samples,), default=None
        Patient of each image. If given, the patients with a referred image are counted: a few
        images of each patient can bring all patients to the pathologist.

    Returns
    -------
    curve : dict
        ``threshold``, ``coverage``, ``error`` and ``n`` (images kept) are lists of up to 50
        points, in the order of rising coverage, the last with all images. ``summary`` is a list
        of dicts with the same four names, for the lowest thresholds that keep at least 100, 90,
        80, 70 and 50 % of the images; ``coverage`` says how many they do keep, which with equal
        uncertainties is more, and a threshold that serves two of these is listed once. With
        ``clusters`` both have ``patients_referred``, the share of patients with at least one
        referred image.

    Raises
    ------
    ValueError
        When an array has another shape or holds other values.

    Notes
    -----
    A threshold read off this curve was chosen on the images it is judged by: its error is
    somewhat too low. Where a tuned threshold decides, ``predicted`` need not be the likeliest
    class, and images near that threshold are not those of the highest uncertainty.

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
    positive = 0 if np.shape(proba)[1:] == (2,) else None  # either will do: it is not used
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
    """Return 1 minus the highest probability of each row, without the noise of floats."""
    return np.round(1.0 - proba.max(axis=1), _DIGITS)


def _find_thresholds(
    rising: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the lowest thresholds that keep at least these shares, ascending, each once."""
    # A little less, as 0.07 * 100 is more than 7.
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
    """Add the share of patients with a referred image to each point."""
    patients, places = check_clusters(clusters, len(uncertainty))
    highest = np.zeros(len(patients))
    np.maximum.at(highest, places, uncertainty)
    for point in points:
        point["patients_referred"] = float((highest > point["threshold"]).mean())
