"""Coverage and error of coverage_curve, compared with counts."""

import json

import numpy as np
import pytest

from cellsk.metrics import coverage_curve


def binary(shares):
    """Return probabilities of two classes from those of the second."""
    shares = np.asarray(shares, dtype=float)
    return np.column_stack([1 - shares, shares])


@pytest.mark.parametrize("digits", [None, 1], ids=["no_ties", "ties"])
@pytest.mark.parametrize("n_classes", [2, 7])
def test_coverage_points_equal_counting(drawn, n_classes, digits):
    """At each threshold, coverage, error and count are those of the kept images."""
    y, proba, predicted, _ = drawn(333, n_classes, digits=digits)
    curve = coverage_curve(y, proba, predicted)
    for index, threshold in enumerate(curve["threshold"]):
        kept = [i for i in range(333) if 1 - proba[i].max() <= threshold + 1e-9]
        wrong = [i for i in kept if y[i] != predicted[i]]
        assert curve["n"][index] == len(kept)
        assert curve["coverage"][index] == pytest.approx(len(kept) / 333)
        assert curve["error"][index] == pytest.approx(len(wrong) / len(kept))


def test_coverage_curve_rises_to_all_images(drawn):
    """There are 50 points at steps of 0.02, and the last has all images."""
    y, proba, predicted, _ = drawn(1000)
    curve = coverage_curve(y, proba, predicted)
    np.testing.assert_allclose(curve["coverage"], np.arange(1, 51) / 50)
    assert np.all(np.diff(curve["threshold"]) > 0)
    assert curve["error"][-1] == (y != predicted).mean()


def test_coverage_summary_keeps_at_least_the_named_shares(drawn):
    """Without equal uncertainties the coverages are exact."""
    summary = coverage_curve(*drawn(1000)[:3])["summary"]
    assert [row["n"] for row in summary] == [1000, 900, 800, 700, 500]
    assert [row["coverage"] for row in summary] == [1.0, 0.9, 0.8, 0.7, 0.5]
    assert all(list(row) == ["threshold", "coverage", "error", "n"] for row in summary)


def test_coverage_summary_of_ten_images(drawn):
    """Ten images give ten points and five rows of the summary."""
    curve = coverage_curve(*drawn(10)[:3])
    assert curve["n"] == list(range(1, 11))
    assert [row["n"] for row in curve["summary"]] == [10, 9, 8, 7, 5]


def test_coverage_constant_probabilities_keep_all_or_none():
    """If all uncertainties are equal, there is one point."""
    curve = coverage_curve([0, 1, 1, 0], binary([0.6] * 4), [1, 1, 1, 1])
    assert (curve["coverage"], curve["error"]) == ([1.0], [0.5])
    assert len(curve["summary"]) == 1


def test_coverage_tied_images_stay_together():
    """Images with the same uncertainty are kept together."""
    curve = coverage_curve([1, 1, 1, 1], binary([0.9, 0.7, 0.7, 0.7]), [1, 1, 0, 1])
    assert curve["n"] == [1, 4]
    assert [row["n"] for row in curve["summary"]] == [4]


def test_coverage_patients_referred_by_hand():
    """A patient with one uncertain image is referred."""
    curve = coverage_curve(
        [1, 1, 1, 1], binary([0.9, 0.6, 0.95, 0.97]), [1, 1, 1, 1], clusters=["a", "a", "b", "b"]
    )
    assert curve["n"] == [1, 2, 3, 4]
    assert curve["patients_referred"] == [1.0, 0.5, 0.5, 0.0]
    assert curve["summary"][0]["patients_referred"] == 0.0


def test_coverage_curve_is_json(drawn):
    """The result consists of lists and numbers, also for one image."""
    for n_samples in (1, 50):
        y, proba, predicted, clusters = drawn(n_samples)
        curve = coverage_curve(y, proba, predicted, clusters=clusters)
        assert json.loads(json.dumps(curve)) == curve


def test_coverage_wrong_clusters_are_named(drawn):
    """There must be one patient for each image."""
    y, proba, predicted, _ = drawn(5)
    with pytest.raises(ValueError, match="clusters must have one patient for each of the 5 images"):
        coverage_curve(y, proba, predicted, clusters=[1, 2])
