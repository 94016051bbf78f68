"""Published limits of binomial_interval, and its definition."""

import numpy as np
import pytest
from scipy.stats import binom

from cellsk.metrics import binomial_interval


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0000, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_binomial_interval_equals_published_limits(successes, n, low, high):
    """Newcombe, Statistics in Medicine 1998;17:857, table I, method 5 (Clopper-Pearson)."""
    found = binomial_interval(successes, n)
    assert tuple(round(limit, 4) for limit in found) == (low, high)


def test_binomial_interval_equals_conover_table():
    """5 of 25, Conover, Practical nonparametric statistics (1999), table A4: 0.068 to 0.407."""
    assert tuple(round(limit, 3) for limit in binomial_interval(5, 25)) == (0.068, 0.407)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("successes", "n"), [(1, 2), (7, 10), (30, 200)])
def test_binomial_interval_limits_leave_half_of_the_rest_on_each_side(successes, n, level):
    """At each limit, the count or a more extreme one has half of the error probability."""
    low, high = binomial_interval(successes, n, level)
    assert binom.sf(successes - 1, n, low) == pytest.approx((1 - level) / 2)
    assert binom.cdf(successes, n, high) == pytest.approx((1 - level) / 2)


def test_binomial_interval_all_or_none_keeps_a_width():
    """The limit for n of n is 0.025 ** (1 / n), and that for 0 of n mirrors it."""
    low, high = binomial_interval(50, 50)
    assert (low, high) == (pytest.approx(0.025 ** (1 / 50)), 1.0)
    assert binomial_interval(0, 50) == (0.0, pytest.approx(1 - low))


def test_binomial_interval_without_trial_is_nan():
    """Without trials the interval is NaN."""
    assert np.isnan(binomial_interval(0, 0)).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, 2), ValueError, r"successes must be at most n\. Got 3 of 2\."),
        ((-1, 2), ValueError, r"successes must be a whole number of at least 0\. Got -1"),
        ((0.5, 2), TypeError, r"successes must be a whole number"),
        ((1, 2, 95), ValueError, r"confidence_level must be a number in \(0, 1\)\. Got 95"),
    ],
)
def test_binomial_interval_wrong_argument_is_named(arguments, error, message):
    """Each error has the rule and the value."""
    with pytest.raises(error, match=message):
        binomial_interval(*arguments)
