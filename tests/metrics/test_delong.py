"""DeLong's method, compared with a published example and with all pairs."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from cellsk.metrics import delong_interval, delong_test

Z = norm.ppf(0.975)


def compare_pairs(y, *scores):
    """Return areas and covariance over every pair of images, as DeLong et al. define them."""
    y = np.asarray(y)
    kernels = []
    for score in scores:
        positive, negative = np.asarray(score)[y == 1], np.asarray(score)[y == 0]
        above = positive[:, np.newaxis] > negative[np.newaxis, :]
        equal = positive[:, np.newaxis] == negative[np.newaxis, :]
        kernels.append(above + 0.5 * equal)
    m, n = kernels[0].shape
    areas = np.array([kernel.sum() / (m * n) for kernel in kernels])
    of_positive = np.array([kernel.sum(axis=1) / n for kernel in kernels])
    of_negative = np.array([kernel.sum(axis=0) / m for kernel in kernels])
    off_p, off_n = of_positive - areas[:, None], of_negative - areas[:, None]
    covariance = off_p @ off_p.T / ((m - 1) * m) + off_n @ off_n.T / ((n - 1) * n)
    return areas, covariance


def draw_scores(seed, n_samples, digits):
    """Return labels and two correlated scores, with equal values if rounded."""
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.arange(n_samples) % 3 == 0).astype(int)
    shared = y + generator.normal(size=n_samples)
    scores = shared + generator.normal(scale=0.7, size=(2, n_samples))
    return y, *scores.round(digits)


def test_delong_published_example_has_printed_interval():
    """109 CT images of Hanley and McNeil, Radiology 1982;143:29, read on a scale of five.

    They print the area 0.893. DeLong's standard error and interval are those that the Stata
    manual prints for them ([R] roctab): 0.0307, and 0.83295 to 0.95339.
    """
    normal, abnormal = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
    ratings = np.repeat([1, 2, 3, 4, 5] * 2, normal + abnormal)
    auc, low, high = delong_interval(np.repeat([0, 1], [58, 51]), ratings)
    assert round(auc, 4) == 0.8932
    assert round((high - low) / 2 / Z, 4) == 0.0307
    assert (round(low, 5), round(high, 5)) == (0.83295, 0.95339)


@pytest.mark.parametrize("digits", [9, 1, 0], ids=["no_ties", "ties", "many_ties"])
@pytest.mark.parametrize("n_samples", [7, 60, 501])
def test_delong_interval_equals_all_pairs(n_samples, digits):
    """Midranks give the same result as the comparison of each pair."""
    for seed in range(5):
        y, score, _ = draw_scores(seed, n_samples, digits)
        (area,), covariance = compare_pairs(y, score)
        margin = Z * covariance[0, 0] ** 0.5
        auc, low, high = delong_interval(y, score)
        assert auc == pytest.approx(area, abs=1e-12)
        assert auc == pytest.approx(roc_auc_score(y, score), abs=1e-12)
        if margin > 0:
            expected = (max(0, area - margin), min(1, area + margin))
            assert (low, high) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("digits", [9, 1], ids=["no_ties", "ties"])
def test_delong_test_equals_all_pairs(digits):
    """Difference and p-value are those of the covariance over all pairs."""
    y, score_a, score_b = draw_scores(0, 300, digits)
    areas, covariance = compare_pairs(y, score_a, score_b)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    difference, p_value = delong_test(y, score_a, score_b)
    assert difference == pytest.approx(areas[0] - areas[1], abs=1e-12)
    assert p_value == pytest.approx(2 * norm.sf(abs(difference) / variance**0.5), abs=1e-12)
    assert 0.001 < p_value < 0.999


def test_delong_test_turned_round_changes_the_sign_only():
    """Exchanged scores give the other sign."""
    y, score_a, score_b = draw_scores(1, 200, 9)
    difference, p_value = delong_test(y, score_a, score_b)
    turned = delong_test(y, score_b, score_a)
    assert turned == pytest.approx((-difference, p_value), abs=1e-12)


def test_delong_test_holds_its_level():
    """About 5% of 400 pairs of equally good scores are significantly different."""
    p_values = [delong_test(*draw_scores(seed, 120, 9))[1] for seed in range(400)]
    # Within three standard errors, 0.011 each.
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.085


def test_delong_score_scale_does_not_matter():
    """The result depends only on the order of the scores."""
    y, score, _ = draw_scores(2, 80, 9)
    assert delong_interval(y, score) == delong_interval(y, np.exp(score))


def test_delong_wider_level_is_wider():
    """The width is proportional to the normal quantile."""
    y, score, _ = draw_scores(3, 300, 9)
    auc, low, _ = delong_interval(y, score, 0.95)
    assert (auc - delong_interval(y, score, 0.99)[1]) / (auc - low) == pytest.approx(
        norm.ppf(0.995) / Z
    )


@pytest.mark.parametrize(
    ("y", "score", "area"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], 1.0),
        ([0, 0, 1, 1], [0.8, 0.9, 0.1, 0.2], 0.0),
        ([0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5], 0.5),
        ([0, 1], [0.1, 0.2], 1.0),
        ([0, 1, 1], [0.3, 0.2, 0.4], 0.5),
    ],
    ids=["separated", "inverted", "constant", "two_images", "one_negative"],
)
def test_delong_without_variance_has_no_limits(y, score, area):
    """If the variance is 0, the limits are NaN."""
    auc, low, high = delong_interval(y, score)
    assert auc == area
    assert np.isnan([low, high]).all()


@pytest.mark.parametrize("y", [[0, 0, 0], [1, 1, 1], []])
def test_delong_one_class_is_nan(y):
    """Without both classes the area is NaN."""
    score = [0.1, 0.2, 0.3][: len(y)]
    assert np.isnan(delong_interval(y, score)).all()
    assert np.isnan(delong_test(y, score, score)).all()


def test_delong_test_of_a_score_with_itself_finds_no_difference():
    """The same order gives a difference of 0 and a p-value of 1."""
    y, score, _ = draw_scores(4, 50, 9)
    assert delong_test(y, score, score * 2) == (0.0, 1.0)


def test_delong_test_of_two_constant_shifts_has_no_p_value():
    """A perfect score and a constant one differ by 0.5, with a p-value of NaN."""
    difference, p_value = delong_test([0, 0, 1, 1], [1, 2, 3, 4], [5, 5, 5, 5])
    assert difference == 0.5
    assert np.isnan(p_value)


@pytest.mark.parametrize(
    ("y", "score", "message"),
    [
        (
            [0, 1, 2],
            [0.1, 0.2, 0.3],
            r"y must be one-dimensional.* Got 3 .*Pass y == positive",
        ),
        (["a", "b"], [0.1, 0.2], r"y must be one-dimensional, with 0 .*'a', 'b'"),
        ([[0, 1]], [[0.1, 0.2]], r"y must be one-dimensional, with 0 .* shape \(1, 2\)"),
        ([0, 1], [0.1, np.nan], r"score must have one finite number for each of the 2 images"),
        ([0, 1], [0.1], r"score must have one finite number"),
    ],
)
def test_delong_wrong_argument_is_named(y, score, message):
    """Each error has the rule and the value."""
    with pytest.raises(ValueError, match=message):
        delong_interval(y, score)
