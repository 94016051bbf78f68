"""Points and areas of roc_points, pr_points and thin_curve."""

import json

import numpy as np
import pytest
from sklearn import metrics

from cellsk.metrics import pr_points, roc_points, thin_curve


def test_roc_points_of_few_images_are_sklearns(drawn):
    """If there are few points, all of them are returned."""
    y, proba, _, _ = drawn(60)
    curve = roc_points(y, proba[:, 1])
    fpr, tpr, _ = metrics.roc_curve(y, proba[:, 1])
    np.testing.assert_array_equal(curve["fpr"], fpr)
    np.testing.assert_array_equal(curve["tpr"], tpr)
    assert curve["area"] == metrics.roc_auc_score(y, proba[:, 1])


def test_pr_points_of_few_images_are_sklearns_turned_round(drawn):
    """Recall increases from the conventional point (0, 1)."""
    y, proba, _, _ = drawn(60)
    curve = pr_points(y, proba[:, 1])
    precision, recall, _ = metrics.precision_recall_curve(y, proba[:, 1])
    np.testing.assert_array_equal(curve["recall"], recall[::-1])
    np.testing.assert_array_equal(curve["precision"], precision[::-1])
    assert curve["area"] == metrics.average_precision_score(y, proba[:, 1])
    assert curve["prevalence"] == y.mean()


@pytest.mark.parametrize("function", [roc_points, pr_points])
def test_points_of_many_images_are_few_and_near(drawn, function):
    """There are at most 200 points of the curve, and the area under them is nearly the same."""
    y, proba, _, _ = drawn(20_000)
    curve = function(y, proba[:, 1])
    x, height = (curve[name] for name in list(curve)[:2])
    assert len(x) == len(height) <= 200
    assert (x[0], x[-1]) == (0.0, 1.0)
    assert np.all(np.diff(x) >= 0)
    assert np.trapezoid(height, x) == pytest.approx(curve["area"], abs=0.005)


@pytest.mark.parametrize("y", [[0, 0, 0], [1, 1, 1], []])
def test_points_of_one_class_are_none(y):
    """One class gives no curve and no warning."""
    score = [0.1, 0.5, 0.6][: len(y)]
    roc, pr = roc_points(y, score), pr_points(y, score)
    assert (roc["fpr"], roc["tpr"], pr["recall"], pr["precision"]) == ([], [], [], [])
    assert np.isnan([roc["area"], pr["area"]]).all()


def test_points_of_constant_scores_are_the_ends():
    """Equal scores give the diagonal, and the prevalence."""
    y, score = [0, 1, 1, 0, 1], [0.5] * 5
    assert roc_points(y, score) == {"fpr": [0.0, 1.0], "tpr": [0.0, 1.0], "area": 0.5}
    curve = pr_points(y, score)
    assert curve["precision"][-1] == curve["area"] == curve["prevalence"] == 0.6


def test_points_are_json(drawn):
    """The result consists of lists of floats."""
    y, proba, _, _ = drawn(500)
    for curve in (roc_points(y, proba[:, 1]), pr_points(y, proba[:, 1])):
        assert json.loads(json.dumps(curve)) == curve


@pytest.mark.parametrize("max_points", [2, 3, 50, 200])
def test_thin_curve_keeps_ends_and_order(max_points):
    """The points are sorted, and include the first and the last one."""
    way = np.sort(np.random.default_rng(0).random(5000))
    x, y = thin_curve(way, way**2, max_points=max_points)
    assert len(x) <= max_points
    assert (x[0], x[-1]) == (way[0], way[-1])
    assert np.all(np.diff(x) > 0)
    np.testing.assert_array_equal(y, x**2)
    assert np.isin(x, way).all()


def test_thin_curve_spends_points_where_the_curve_moves():
    """A vertical part of the curve has points in proportion to its length."""
    x = np.concatenate([np.zeros(1000), np.linspace(0, 1, 1000)])
    y = np.concatenate([np.linspace(0, 1, 1000), np.ones(1000)])
    thin_x, _ = thin_curve(x, y, max_points=100)
    assert 45 <= np.sum(thin_x == 0) <= 55


def test_thin_curve_short_is_left_alone():
    """Few points are returned as they are."""
    x, y = thin_curve([0, 1], [1, 0])
    assert (x.tolist(), y.tolist()) == ([0.0, 1.0], [1.0, 0.0])


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        (
            ([0, 1], [0]),
            {},
            r"one-dimensional arrays of the same length\. Got shapes",
        ),
        (([0, 1], [0, 1]), {"max_points": 1}, "max_points must be a whole number of at least 2"),
    ],
)
def test_thin_curve_wrong_argument_is_named(arguments, keywords, message):
    """Each error has the rule and the value."""
    with pytest.raises(ValueError, match=message):
        thin_curve(*arguments, **keywords)
