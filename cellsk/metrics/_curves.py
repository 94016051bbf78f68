"""ROC and precision-recall curves with few points, for pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from cellsk._checks import check_count
from cellsk.exceptions import InputError
from cellsk.metrics._predictions import check_binary

__all__ = ["pr_points", "roc_points", "thin_curve"]

_MAX_POINTS = 200
_NAN = float("nan")


def thin_curve(
    x: ArrayLike, y: ArrayLike, *, max_points: int = _MAX_POINTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points of a curve that are evenly spaced, with the first and the last point.

    Parameters
    ----------
    x, y : array-like of shape (n_points,)
        The curve, with axes of the same scale.

    max_points : int, default=200
        Largest number of points, at least 2.

    Returns
    -------
    x, y : ndarray of shape (at most max_points,)
        Points of the curve, without interpolation.

    Raises
    ------
    TypeError, ValueError
        If ``max_points`` is not such a count, or the lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from cellsk.metrics import thin_curve
    >>> x, y = thin_curve(np.arange(1000), np.zeros(1000), max_points=4)
    >>> x.tolist()
    [0.0, 333.0, 666.0, 999.0]
    """
    max_points = check_count("max_points", max_points, minimum=2)
    across, up = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if across.ndim != 1 or across.shape != up.shape:
        raise InputError(
            "x and y must be one-dimensional arrays of the same length",
            f"shapes {across.shape} and {up.shape}",
        )
    if len(across) <= max_points:
        return across, up
    steps = np.abs(np.diff(across)) + np.abs(np.diff(up))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, length[-1], max_points)
    kept = np.unique(np.searchsorted(length, wanted))
    return across[kept], up[kept]


def roc_points(y: ArrayLike, score: ArrayLike, *, max_points: int = _MAX_POINTS) -> dict[str, Any]:
    """Return points of the ROC curve for a picture, and the area under the full curve.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        1 for positive images, 0 for negative ones.

    score : array-like of shape (n_samples,)
        Higher for images that are more probably positive.

    max_points : int, default=200
        Largest number of points.

    Returns
    -------
    curve : dict
        ``fpr`` and ``tpr``, lists of false and true positive rates, from (0, 0) to (1, 1), and
        ``area``. Without an image of either class the lists are empty and the area is NaN.

    Raises
    ------
    TypeError, ValueError
        If ``y`` is not 0 and 1, a score is not finite, the lengths differ, or ``max_points``
        is not a count of at least 2.

    Examples
    --------
    >>> from cellsk.metrics import roc_points
    >>> roc_points([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.8])
    {'fpr': [0.0, 0.0, 0.5, 0.5, 1.0], 'tpr': [0.0, 0.5, 0.5, 1.0, 1.0], 'area': 0.75}
    """
    found, scores = check_binary(y, score)
    if found.all() or not found.any():
        return {"fpr": [], "tpr": [], "area": _NAN}
    fpr, tpr, _ = roc_curve(found, scores)
    across, up = thin_curve(fpr, tpr, max_points=max_points)
    area = float(roc_auc_score(found, scores))
    return {"fpr": across.tolist(), "tpr": up.tolist(), "area": area}


def pr_points(y: ArrayLike, score: ArrayLike, *, max_points: int = _MAX_POINTS) -> dict[str, Any]:
    """Return points of the precision-recall curve for a picture, and the average precision.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        1 for positive images, 0 for negative ones.

    score : array-like of shape (n_samples,)
        Higher for images that are more probably positive.

    max_points : int, default=200
        Largest number of points.

    Returns
    -------
    curve : dict
        ``recall`` and ``precision``, lists with increasing recall that begin at the
        conventional point (0, 1); ``area``, the average precision of the full curve; and
        ``prevalence``, the fraction of positive images, which is the precision if all images
        are predicted positive. Without an image of either class the lists are empty and the
        area is NaN.

    Raises
    ------
    TypeError, ValueError
        If ``y`` is not 0 and 1, a score is not finite, the lengths differ, or ``max_points``
        is not a count of at least 2.

    Notes
    -----
    Between two points the curve is a step, not a line: draw it with the precision of the point
    on the right (matplotlib's ``drawstyle="steps-pre"``). A line would be too optimistic [1]_.

    References
    ----------
    .. [1] Davis, J. & Goadrich, M. (2006). The relationship between precision-recall and ROC
       curves. International Conference on Machine Learning 23, 233-240.

    Examples
    --------
    >>> from cellsk.metrics import pr_points
    >>> curve = pr_points([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.8])
    >>> curve["recall"], [round(value, 2) for value in curve["precision"]]
    ([0.0, 0.5, 0.5, 1.0, 1.0], [1.0, 1.0, 0.5, 0.67, 0.5])
    >>> round(curve["area"], 3), curve["prevalence"]
    (0.833, 0.5)
    """
    found, scores = check_binary(y, score)
    prevalence = float(found.mean()) if len(found) else _NAN
    if found.all() or not found.any():
        return {"recall": [], "precision": [], "area": _NAN, "prevalence": prevalence}
    precision, recall, _ = precision_recall_curve(found, scores)
    across, up = thin_curve(recall[::-1], precision[::-1], max_points=max_points)
    area = float(average_precision_score(found, scores))
    return {
        "recall": across.tolist(),
        "precision": up.tolist(),
        "area": area,
        "prevalence": prevalence,
    }
