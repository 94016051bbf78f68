"""predictive_values: what a call means where the disease is rarer or more common."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["predictive_values"]


def predictive_values(
    sensitivity: ArrayLike, specificity: ArrayLike, prevalence: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the predictive values at a stated prevalence, by Bayes' theorem.

    The predictive values that a data set shows hold for its own share of positive images,
    which is often a half. Where fewer are positive, a positive call is more often wrong.

    Parameters
    ----------
    sensitivity, specificity : float or array-like
        Between 0 and 1. Bootstrap samples of both give samples of the predictive values.

    prevalence : float or array-like
        Share of positive images where the classifier is to be used, between 0 and 1.

    Returns
    -------
    ppv, npv : float or ndarray
        Probability that a positive call is right, and that a negative one is. NaN where no
        such call is ever made, and where an argument is NaN.

    Raises
    ------
    ValueError
        When a number is outside of 0 to 1.

    Notes
    -----
    This takes sensitivity and specificity as the same everywhere. They change too, with the
    mix of mild and severe cases [2]_.

    References
    ----------
    .. [1] Altman, D. G. & Bland, J. M. (1994). Diagnostic tests 2: predictive values. BMJ 309,
       102.
    .. [2] Leeflang, M. M. G. et al. (2013). Variation of a test's sensitivity and specificity
       with disease prevalence. CMAJ 185(11), E537-E544.

    Examples
    --------
    A test with 90 % sensitivity and 95 % specificity, where one image in a hundred is
    positive:

    >>> from cellsk.metrics import predictive_values
    >>> ppv, npv = predictive_values(0.90, 0.95, 0.01)
    >>> round(ppv, 3), round(npv, 3)
    (0.154, 0.999)
    """
    found = _check_share("sensitivity", sensitivity)
    cleared = _check_share("specificity", specificity)
    share = _check_share("prevalence", prevalence)
    ppv = _divide(found * share, (1 - cleared) * (1 - share))
    npv = _divide(cleared * (1 - share), (1 - found) * share)
    return ppv, npv


def _divide(right: NDArray[np.float64], wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of right calls, a float for floats; NaN without a call."""
    calls = right + wrong
    share = np.divide(right, calls, out=np.full(np.shape(calls), np.nan), where=calls > 0)
    return share if share.ndim else share.item()


def _check_share(name: str, value: ArrayLike) -> NDArray[np.float64]:
    shares = np.asarray(value, dtype=np.float64)
    if np.any((shares < 0) | (shares > 1)):
        raise ValueError(
            f"{name} must be between 0 and 1. Got values from {np.nanmin(shares):g} to"
            f" {np.nanmax(shares):g}. Divide percentages by 100."
        )
    return shares
