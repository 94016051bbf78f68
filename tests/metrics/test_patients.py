"""Methods of aggregate_patients by hand, and patients with several classes."""

import numpy as np
import pytest

from cellsk.metrics import aggregate_patients, compute_scores

# Three patients: b has one positive image of three, a none of two, c one of one.
PATIENTS = ["b", "a", "b", "c", "b", "a"]
LABELS = [0, 0, 1, 1, 0, 0]
SHARES = np.array([0.3, 0.2, 0.8, 0.45, 0.1, 0.4])
PROBA = np.column_stack([1 - SHARES, SHARES])


@pytest.mark.parametrize(
    ("method", "shares"),
    [
        ("mean", [0.3, 0.4, 0.45]),
        ("max", [0.4, 0.8, 0.45]),
        ("vote", [0.0, 1 / 3, 0.0]),
    ],
)
def test_aggregate_two_classes_by_hand(method, shares):
    """The patients are sorted, and each row sums to 1."""
    y, proba, patients, mixed = aggregate_patients(
        LABELS, PROBA, PATIENTS, method=method, positive=1
    )
    assert patients.tolist() == ["a", "b", "c"]
    assert y.tolist() == [0, 1, 1]
    np.testing.assert_allclose(proba[:, 1], shares)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert mixed == 1


def test_aggregate_positive_class_first_is_positive_still():
    """If code 0 is positive, mixed patients have code 0, and "max" uses column 0."""
    y, proba, _, mixed = aggregate_patients(
        1 - np.array(LABELS), PROBA[:, ::-1], PATIENTS, method="max", positive=0
    )
    assert y.tolist() == [1, 0, 0]
    np.testing.assert_allclose(proba[:, 0], [0.4, 0.8, 0.45])
    assert mixed == 1


def test_aggregate_vote_counts_decisions_where_given():
    """The method "vote" counts the predicted classes, such as those of a tuned threshold."""
    _, proba, _, _ = aggregate_patients(
        LABELS, PROBA, PATIENTS, method="vote", positive=1, predicted=(SHARES >= 0.4).astype(int)
    )
    np.testing.assert_allclose(proba[:, 1], [0.5, 1 / 3, 1.0])


@pytest.mark.parametrize("method", ["mean", "vote"])
def test_aggregate_seven_classes_leaves_mixed_patients_out(drawn, method):
    """A patient of several classes is left out; the others keep their labels."""
    y, proba, predicted, _ = drawn(70, 7)
    clusters = np.arange(70) // 5
    y = np.repeat(y[::5], 5)
    y[12] = (y[12] + 1) % 7  # patient 2 gets a second class
    labels, shares, patients, mixed = aggregate_patients(
        y, proba, clusters, method=method, predicted=predicted
    )
    assert mixed == 1
    assert patients.tolist() == [code for code in range(14) if code != 2]
    assert labels.tolist() == y[::5][patients].tolist()
    images = proba if method == "mean" else np.eye(7)[predicted]
    expected = [images[clusters == patient].mean(axis=0) for patient in patients]
    np.testing.assert_allclose(shares, expected, atol=1e-12)


def test_aggregate_of_one_image_each_changes_nothing(drawn):
    """With one image per patient, the rows are sorted by patient."""
    y, proba, _, _ = drawn(30)
    clusters = np.random.default_rng(0).permutation(30)
    for method in ("mean", "max"):
        labels, shares, patients, mixed = aggregate_patients(
            y, proba, clusters, method=method, positive=1
        )
        order = np.argsort(clusters)
        assert labels.tolist() == y[order].tolist()
        np.testing.assert_allclose(shares, proba[order], atol=1e-12)
        assert (patients.tolist(), mixed) == (list(range(30)), 0)


@pytest.mark.parametrize("method", ["mean", "max", "vote"])
def test_aggregate_result_can_be_scored(drawn, method):
    """compute_scores accepts the result."""
    y, proba, predicted, clusters = drawn(100)
    labels, shares, _, _ = aggregate_patients(
        y, proba, clusters, method=method, positive=1, predicted=predicted
    )
    scores = compute_scores(labels, shares, shares.argmax(axis=1), positive=1)
    assert 0 <= scores["accuracy"] <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "median"}, r"method must be one of 'mean', 'max', 'vote'\. Got 'median'"),
        ({"positive": None}, r"positive must be the code of the positive class"),
        ({"clusters": PATIENTS[:3]}, r"clusters must have one patient for each of the 6 images"),
        (
            {"proba": np.full((6, 3), 1 / 3), "positive": None, "method": "max"},
            r"method must be 'mean' or 'vote' for.*'max' for 3 classes\. Pass 'mean' or 'vote'",
        ),
    ],
)
def test_aggregate_wrong_argument_is_named(change, message):
    """Each error has the rule, the value and the remedy."""
    arguments = {"y": LABELS, "proba": PROBA, "clusters": PATIENTS, "positive": 1, **change}
    with pytest.raises(ValueError, match=message):
        aggregate_patients(**arguments)
