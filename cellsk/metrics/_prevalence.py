"""Predictive values at another prevalence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk.exceptions import InputError

__all__ = ["predictive_values"]


def predictive_values(
    sensitivity: ArrayLike, specificity: ArrayLike, prevalence: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the predictive values at a given prevalence, by Bayes' theorem.

    The predictive values of a data set are valid for its fraction of positive images, which is
    often a half. If fewer images are positive, a positive prediction is wrong more often.

    Parameters
    ----------
    sensitivity, specificity : float or array-like
        Between 0 and 1. Bootstrap samples of both give samples of the predictive values.

    prevalence : float or array-like
        Fraction of positive images where the classifier is used, between 0 and 1.

    Returns
    -------
    ppv, npv : float or ndarray
        Probability that a positive prediction is right, and that a negative one is. NaN if
        there is no such prediction, or if an argument is NaN.

    Raises
    ------
    ValueError
        If a number is not between 0 and 1.

    Notes
    -----
    This assumes that sensitivity and specificity do not change. In practice they depend on the
    mixture of mild and severe cases [2]_.

    References
    ----------
    .. [1] Altman, D. G. & Bland, J. M. (1994). Diagnostic tests 2: predictive values. BMJ 309,
       102.
    .. [2] Leeflang, M. M. G. et al. (2013). Variation of a test's sensitivity and specificity
       with disease prevalence. CMAJ 185(11), E537-E544.

    Examples
    --------
    A test with 90% sensitivity and 95% specificity, if one image in a hundred is positive:

    >>> from cellsk.metrics import predictive_values
    >>> ppv, npv = predictive_values(0.90, 0.95, 0.01)
    >>> round(ppv, 3), round(npv, 3)
    (0.154, 0.999)
    """
    tpr = _check_fraction("sensitivity", sensitivity)
    tnr = _check_fraction("specificity", specificity)
    positive = _check_fraction("prevalence", prevalence)
    ppv = _divide(tpr * positive, (1 - tnr) * (1 - positive))
    npv = _divide(tnr * (1 - positive), (1 - tpr) * positive)
    return ppv, npv


def _divide(right: NDArray[np.float64], wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return right / (right + wrong), a float for floats, or NaN for 0 / 0."""
    total = right + wrong
    fraction = np.divide(right, total, out=np.full(np.shape(total), np.nan), where=total > 0)
    return fraction if fraction.ndim else fraction.item()


def _check_fraction(name: str, value: ArrayLike) -> NDArray[np.float64]:
    fractions = np.asarray(value, dtype=np.float64)
    if np.any((fractions < 0) | (fractions > 1)):
        raise InputError(
            "must be between 0 and 1",
            f"values from {np.nanmin(fractions):g} to {np.nanmax(fractions):g}",
            "Divide percentages by 100.",
            parameter=name,
        )
    return fractions
