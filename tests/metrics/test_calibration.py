"""Calibration error and reliability curve, compared with scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from cellsk.metrics import binomial_interval, calibration_error, reliability_curve


def binary(shares):
    """Return probabilities of two classes from those of the second."""
    shares = np.asarray(shares, dtype=float)
    return np.column_stack([1 - shares, shares])


@pytest.mark.parametrize("n_bins", [1, 5, 10])
@pytest.mark.parametrize("digits", [None, 1], ids=["anywhere", "on_the_edges"])
def test_reliability_curve_equals_sklearn(drawn, digits, n_bins):
    """The points are those of calibration_curve, also for probabilities on bin edges."""
    y, proba, _, _ = drawn(300, digits=digits)
    curve = reliability_curve(y, proba, positive=1, n_bins=n_bins)
    observed, mean = calibration_curve(y, proba[:, 1], n_bins=n_bins)
    np.testing.assert_allclose(curve["observed"], observed, atol=1e-12)
    np.testing.assert_allclose(curve["mean_predicted"], mean, atol=1e-12)
    assert curve["count"].sum() == 300


def test_calibration_error_is_mean_distance_of_the_curve(drawn):
    """The error is the mean distance of the points from the diagonal, weighted by images."""
    y, proba, _, _ = drawn(300)
    curve = reliability_curve(y, proba, positive=1)
    distances = np.abs(curve["mean_predicted"] - curve["observed"])
    expected = np.average(distances, weights=curve["count"])
    assert calibration_error(y, proba, positive=1) == pytest.approx(expected, abs=1e-12)


def test_calibration_error_by_hand():
    """Bins (0.2, 0.3], (0.6, 0.7] and (0.8, 0.9] with 2, 2 and 1 images.

    |0.25 - 0.5| * 2 + |0.65 - 1| * 2 + |0.9 - 0| * 1 = 2.1, of five images 0.42.
    """
    shares = [0.22, 0.28, 0.62, 0.68, 0.9]
    assert calibration_error([0, 1, 1, 1, 0], binary(shares), positive=1) == pytest.approx(0.42)


def test_calibration_error_many_classes_judges_the_likeliest():
    """With confidences 0.6, 0.6, 0.9, 0.9 and one error it is (0.1 + 0.1) / 2."""
    proba = [[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.05, 0.05, 0.9], [0.9, 0.05, 0.05]]
    assert calibration_error([0, 2, 2, 0], proba) == pytest.approx(0.1)
    curve = reliability_curve([0, 2, 2, 0], proba)
    assert curve["observed"].tolist() == [0.5, 1.0]
    assert curve["count"].tolist() == [2, 2]


def test_calibration_error_other_class_is_the_same_where_bins_mirror(drawn):
    """The error is the same for both classes, except for probabilities on bin edges."""
    y, proba, _, _ = drawn(200)
    one, other = (calibration_error(y, proba, positive=code) for code in (0, 1))
    assert one == pytest.approx(other, abs=1e-12)


@pytest.mark.parametrize(("shares", "error"), [([0, 0, 1, 1], 0.0), ([1, 1, 0, 0], 1.0)])
def test_calibration_error_certain_probabilities_reach_the_limits(shares, error):
    """Probabilities of 0 and 1 give an error of 0 if right, and of 1 if wrong."""
    assert calibration_error([0, 0, 1, 1], binary(shares), positive=1) == error


def test_calibration_error_of_calibrated_model_is_small_but_not_zero():
    """The error by chance is about 0.10 with 100 images, and 0.03 with 1,000."""
    generator = np.random.default_rng(0)
    errors = {}
    for n_samples in (100, 1000):
        runs = []
        for _ in range(50):
            shares = generator.random(n_samples)
            y = (generator.random(n_samples) < shares).astype(int)
            runs.append(calibration_error(y, binary(shares), positive=1))
        errors[n_samples] = np.mean(runs)
    assert errors[100] == pytest.approx(0.10, abs=0.01)
    assert errors[1000] == pytest.approx(0.03, abs=0.005)


def test_reliability_curve_limits_are_exact_binomial(drawn):
    """Each point has the exact interval of its count."""
    y, proba, _, _ = drawn(120)
    curve = reliability_curve(y, proba, positive=0)
    for observed, count, low, high in zip(
        curve["observed"], curve["count"], curve["low"], curve["high"], strict=True
    ):
        expected = binomial_interval(round(observed * count), int(count))
        assert (low, high) == expected
        assert low <= observed <= high


def test_reliability_curve_two_images_has_their_bins_only():
    """Bins without an image are left out."""
    curve = reliability_curve([0, 1], binary([0.05, 0.95]), positive=1)
    assert {name: len(values) for name, values in curve.items()} == dict.fromkeys(
        ("mean_predicted", "observed", "count", "low", "high"), 2
    )


def test_reliability_curve_two_classes_need_the_positive_one():
    """With two classes the positive one must be given."""
    with pytest.raises(ValueError, match=r"positive must be the code .* Got None"):
        reliability_curve([0, 1], binary([0.1, 0.9]))


@pytest.mark.parametrize("function", [calibration_error, reliability_curve])
def test_calibration_number_of_bins_is_checked(function):
    """Zero bins are an error."""
    with pytest.raises(ValueError, match="n_bins must be a whole number of at least 1"):
        function([0, 1], binary([0.1, 0.9]), positive=1, n_bins=0)
