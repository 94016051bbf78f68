"""Interval and test of the ROC AUC of independent images, by DeLong's method."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from cellsk._checks import check_number
from cellsk.metrics._predictions import check_binary

__all__ = ["delong_interval", "delong_test"]

_NAN = float("nan")


def delong_interval(
    y: ArrayLike, score: ArrayLike, confidence_level: float = 0.95
) -> tuple[float, float, float]:
    """Return the ROC AUC and its interval by DeLong's method.

    It is an alternative to the bootstrap. It assumes independent images: with several images of
    one patient the interval is too narrow.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        1 for positive images, 0 for negative ones.

    score : array-like of shape (n_samples,)
        Higher for images that are more probably positive.

    confidence_level : float, default=0.95
        Between 0 and 1.

    Returns
    -------
    auc, low, high : float
        The limits are clipped to [0, 1]. They are NaN if the variance cannot be estimated:
        with fewer than two images of either class, or if the estimate is 0, as it is if the
        classes are separated without an error or all scores are equal. Without an image of
        either class all three are NaN.

    Raises
    ------
    TypeError, ValueError
        If ``y`` is not 0 and 1, a score is not finite, the lengths differ, or
        ``confidence_level`` is not between 0 and 1.

    See Also
    --------
    bootstrap_scores : Keeps the images of a patient together.
    delong_test : Compares two classifiers.

    Notes
    -----
    It is computed from midranks, which takes as long as sorting [2]_.

    References
    ----------
    .. [1] DeLong, E. R., DeLong, D. M. & Clarke-Pearson, D. L. (1988). Comparing the areas
       under two or more correlated receiver operating characteristic curves. Biometrics 44(3),
       837-845.
    .. [2] Sun, X. & Xu, W. (2014). Fast implementation of DeLong's algorithm for comparing the
       areas under correlated receiver operating characteristic curves. IEEE Signal Processing
       Letters 21(11), 1389-1393.

    Examples
    --------
    >>> from cellsk.metrics import delong_interval
    >>> y = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> score = [0.1, 0.2, 0.3, 0.7, 0.4, 0.9, 0.8, 0.6]
    >>> [round(number, 3) for number in delong_interval(y, score)]
    [0.875, 0.592, 1.0]
    """
    found, scores = check_binary(y, score)
    level = check_number("confidence_level", confidence_level, low=0, high=1)
    if found.all() or not found.any():
        return _NAN, _NAN, _NAN
    area, placements = _find_placements(found, scores)
    variance = _find_variance(placements)
    if not variance > 0:
        return area, _NAN, _NAN
    margin = float(norm.ppf((1 + level) / 2)) * variance**0.5
    return area, max(0.0, area - margin), min(1.0, area + margin)


def delong_test(y: ArrayLike, score_a: ArrayLike, score_b: ArrayLike) -> tuple[float, float]:
    """Compare the ROC AUC of two classifiers on the same images by DeLong's test.

    It assumes independent images. With several images of one patient, subtract samples of
    :func:`bootstrap_scores` instead.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        1 for positive images, 0 for negative ones.

    score_a, score_b : array-like of shape (n_samples,)
        Scores of the two classifiers, higher for images that are more probably positive.

    Returns
    -------
    difference : float
        ROC AUC of a minus that of b. NaN without an image of either class.

    p_value : float
        Two-sided. 1 if both classifiers order the images in the same way. NaN if the variance
        cannot be estimated, as in :func:`delong_interval`.

    Raises
    ------
    ValueError
        If ``y`` is not 0 and 1, a score is not finite, or the lengths differ.

    References
    ----------
    .. [1] DeLong, E. R., DeLong, D. M. & Clarke-Pearson, D. L. (1988). Comparing the areas
       under two or more correlated receiver operating characteristic curves. Biometrics 44(3),
       837-845.

    Examples
    --------
    >>> from cellsk.metrics import delong_test
    >>> y = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> one = [0.1, 0.2, 0.3, 0.7, 0.4, 0.9, 0.8, 0.6]
    >>> other = [0.1, 0.6, 0.5, 0.7, 0.4, 0.9, 0.8, 0.6]
    >>> difference, p_value = delong_test(y, one, other)
    >>> round(difference, 3), round(p_value, 2)
    (0.156, 0.3)
    """
    found, scores_a = check_binary(y, score_a)
    _, scores_b = check_binary(y, score_b)
    if found.all() or not found.any():
        return _NAN, _NAN
    area_a, placements_a = _find_placements(found, scores_a)
    area_b, placements_b = _find_placements(found, scores_b)
    differences = [one - other for one, other in zip(placements_a, placements_b, strict=True)]
    difference = area_a - area_b
    if not any(part.any() for part in differences):
        return difference, 1.0
    variance = _find_variance(differences)
    if not variance > 0:
        return difference, _NAN
    return difference, float(2 * norm.sf(abs(difference) / variance**0.5))


def _find_placements(
    found: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[float, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the ROC AUC, and the placement value of each image.

    The value of a positive image is the fraction of negative images with a lower score, that of
    a negative image the fraction of positive images with a higher one. Equal scores count half.
    """
    positive, negative = scores[found], scores[~found]
    ranks = rankdata(scores)
    below = (ranks[found] - rankdata(positive)) / len(negative)
    above = 1.0 - (ranks[~found] - rankdata(negative)) / len(positive)
    return float(below.mean()), (below, above)


def _find_variance(placements: Sequence[NDArray[np.float64]]) -> float:
    """Return DeLong's variance of an area; NaN with fewer than two images of a class."""
    if min(len(part) for part in placements) < 2:
        return _NAN
    return sum(float(part.var(ddof=1)) / len(part) for part in placements)
