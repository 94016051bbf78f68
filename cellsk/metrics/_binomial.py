"""The exact confidence interval of a proportion."""

from __future__ import annotations

from scipy.stats import binomtest

from cellsk._checks import check_count, check_number
from cellsk.exceptions import InputError

__all__ = ["binomial_interval"]


def binomial_interval(
    successes: int, n: int, confidence_level: float = 0.95
) -> tuple[float, float]:
    """Return the exact confidence interval of a proportion, by Clopper and Pearson.

    Use it for sensitivity and specificity of independent images. Its coverage is never below
    the confidence level, so it is rather wide. Unlike the bootstrap interval it has a width
    even if all trials, or none, succeeded.

    Parameters
    ----------
    successes : int
        Number of successes, such as positive images that were predicted positive.

    n : int
        Number of trials, such as positive images.

    confidence_level : float, default=0.95
        Between 0 and 1.

    Returns
    -------
    low, high : float
        NaN without a trial.

    Raises
    ------
    TypeError, ValueError
        If a count is not a whole number of at least 0, there are more successes than trials,
        or ``confidence_level`` is not between 0 and 1.

    See Also
    --------
    scipy.stats.binomtest : Computes the interval.

    References
    ----------
    .. [1] Clopper, C. J. & Pearson, E. S. (1934). The use of confidence or fiducial limits
       illustrated in the case of the binomial. Biometrika 26(4), 404-413.

    Examples
    --------
    >>> from cellsk.metrics import binomial_interval
    >>> [round(limit, 4) for limit in binomial_interval(9, 10)]
    [0.555, 0.9975]
    """
    successes = check_count("successes", successes, minimum=0)
    n = check_count("n", n, minimum=0)
    level = check_number("confidence_level", confidence_level, low=0, high=1)
    if successes > n:
        raise InputError("must be at most n", f"{successes} of {n}", parameter="successes")
    if n == 0:
        return float("nan"), float("nan")
    interval = binomtest(successes, n).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)
