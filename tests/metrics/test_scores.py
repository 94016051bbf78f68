"""compute_scores, compared with scikit-learn and with examples by hand."""

import math

import numpy as np
import pytest
from sklearn import metrics

from cellsk.metrics import SCORE_NAMES, calibration_error, compute_scores

MANY = {
    "accuracy",
    "balanced_accuracy",
    "roc_auc",
    "average_precision",
    "f1",
    "mcc",
    "brier_score",
    "log_loss",
    "calibration_error",
}
TWO = MANY | {"sensitivity", "specificity", "ppv", "npv"}


def binary(shares):
    """Return probabilities of two classes from those of the second."""
    shares = np.asarray(shares, dtype=float)
    return np.column_stack([1 - shares, shares])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("positive", [0, 1])
def test_scores_two_classes_equal_sklearn(drawn, positive, weighted):
    """Each score is that of scikit-learn, with either class as the positive one."""
    y, proba, predicted, _ = drawn(300, digits=2)
    weight = np.random.default_rng(1).integers(0, 4, 300).astype(float) if weighted else None
    found, called, score = y == positive, predicted == positive, proba[:, positive]
    scores = compute_scores(y, proba, predicted, positive=positive, sample_weight=weight)
    keywords = {"sample_weight": weight}
    expected = {
        "accuracy": metrics.accuracy_score(y, predicted, **keywords),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, predicted, **keywords),
        "roc_auc": metrics.roc_auc_score(found, score, **keywords),
        "average_precision": metrics.average_precision_score(found, score, **keywords),
        "sensitivity": metrics.recall_score(y, predicted, pos_label=positive, **keywords),
        "specificity": metrics.recall_score(y, predicted, pos_label=1 - positive, **keywords),
        "ppv": metrics.precision_score(found, called, **keywords),
        "npv": metrics.precision_score(~found, ~called, **keywords),
        "f1": metrics.f1_score(found, called, **keywords),
        "mcc": metrics.matthews_corrcoef(y, predicted, **keywords),
        "brier_score": metrics.brier_score_loss(found, score, **keywords),
        "log_loss": metrics.log_loss(found, score, **keywords),
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert list(scores) == [name for name in SCORE_NAMES if name in TWO]


@pytest.mark.parametrize("digits", [None, 1], ids=["no_ties", "ties"])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_seven_classes_equal_sklearn(drawn, weighted, digits):
    """If every class is present, the macro means are those of scikit-learn."""
    y, proba, predicted, _ = drawn(400, 7, digits=digits)
    weight = np.random.default_rng(1).integers(1, 4, 400).astype(float) if weighted else None
    keywords = {"sample_weight": weight}
    scores = compute_scores(y, proba, predicted, **keywords)
    expected = {
        "accuracy": metrics.accuracy_score(y, predicted, **keywords),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, predicted, **keywords),
        "roc_auc": metrics.roc_auc_score(y, proba, multi_class="ovr", **keywords),
        "average_precision": metrics.average_precision_score(y, proba, **keywords),
        "f1": metrics.f1_score(y, predicted, average="macro", **keywords),
        "mcc": metrics.matthews_corrcoef(y, predicted, **keywords),
        "brier_score": metrics.brier_score_loss(y, proba, **keywords),
        "log_loss": metrics.log_loss(y, proba, **keywords),
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert list(scores) == [name for name in SCORE_NAMES if name in MANY]


def test_scores_published_cross_table_are_those_of_the_paper():
    """The liver scans of Altman and Bland, BMJ 1994;308:1552 and 309:102.

    Of 344 patients 258 had an abnormal pathology, 231 of them an abnormal scan; of the other
    86 the scan was abnormal in 32. Printed: sensitivity 0.90, specificity 0.63, PPV 231/263 =
    0.88, NPV 54/81 (to which 0.59 is printed; it is 0.67).
    """
    y = np.repeat([1, 1, 0, 0], [231, 27, 32, 54])
    called = np.repeat([1, 0, 1, 0], [231, 27, 32, 54])
    scores = compute_scores(y, binary(called), called, positive=1)
    printed = {"sensitivity": 0.90, "specificity": 0.63, "ppv": 0.88, "npv": 0.67}
    assert {name: round(scores[name], 2) for name in printed} == printed


def test_scores_class_missing_from_fold_are_means_over_the_others(drawn):
    """A fold without one of seven classes is scored on the other six."""
    y, proba, predicted, _ = drawn(300, 7)
    kept = y != 3
    scores = compute_scores(y[kept], proba[kept], predicted[kept])
    areas = [
        metrics.roc_auc_score(y[kept] == code, proba[kept, code]) for code in (0, 1, 2, 4, 5, 6)
    ]
    recalls = [(predicted[y == code] == code).mean() for code in (0, 1, 2, 4, 5, 6)]
    assert scores["roc_auc"] == pytest.approx(np.mean(areas), abs=1e-12)
    assert scores["balanced_accuracy"] == pytest.approx(np.mean(recalls), abs=1e-12)
    assert not any(map(math.isnan, scores.values()))


@pytest.mark.parametrize(
    ("y", "predicted", "undefined"),
    [
        (
            [1, 1, 1],
            [1, 0, 1],
            {"balanced_accuracy", "roc_auc", "average_precision", "specificity", "mcc"},
        ),
        (
            [0, 0, 0],
            [0, 0, 0],
            {
                "balanced_accuracy",
                "roc_auc",
                "average_precision",
                "sensitivity",
                "mcc",
                "ppv",
                "f1",
            },
        ),
        ([0, 1, 1], [0, 0, 0], {"ppv"}),
        ([0, 1, 1], [1, 1, 1], {"npv"}),
    ],
)
def test_scores_without_a_class_or_a_call_are_nan(y, predicted, undefined):
    """Scores that cannot be computed are NaN, without a warning."""
    scores = compute_scores(y, binary([0.2, 0.6, 0.9]), predicted, positive=1)
    assert {name for name, value in scores.items() if math.isnan(value)} == undefined


def test_scores_one_class_of_seven_has_no_macro_means(drawn):
    """With one class the macro means are NaN."""
    _, proba, predicted, _ = drawn(20, 7)
    scores = compute_scores(np.full(20, 2), proba, predicted)
    undefined = {name for name, value in scores.items() if math.isnan(value)}
    assert undefined == {"balanced_accuracy", "roc_auc", "average_precision", "f1", "mcc"}


def test_scores_weight_zero_counts_as_absent():
    """An image of weight 0 does not make its class present."""
    y, proba = [0, 1, 1], binary([0.1, 0.7, 0.9])
    weighted = compute_scores(y, proba, [0, 1, 0], positive=1, sample_weight=[0, 1, 2])
    assert math.isnan(weighted["roc_auc"])
    assert weighted["sensitivity"] == pytest.approx(1 / 3)


def test_scores_constant_probabilities_rank_by_chance():
    """Equal probabilities have an area of one half, and mcc 0 by convention."""
    scores = compute_scores([0, 1, 0, 1, 1], binary([0.6] * 5), [1] * 5, positive=1)
    assert scores["roc_auc"] == 0.5
    assert scores["average_precision"] == pytest.approx(0.6)
    assert scores["mcc"] == 0.0


def test_scores_two_images_are_numbers():
    """Two images, one of each class, are enough for each number."""
    scores = compute_scores([0, 1], binary([0.3, 0.8]), [0, 1], positive=1)
    assert scores["roc_auc"] == scores["accuracy"] == scores["mcc"] == 1.0


def test_scores_certain_and_wrong_has_finite_log_loss():
    """A probability of 0 for the true class gives a large but finite log loss."""
    scores = compute_scores([1, 0], binary([0.0, 0.0]), [0, 0], positive=1)
    assert scores["log_loss"] == pytest.approx(-math.log(np.finfo(float).eps) / 2)


def test_scores_single_precision_probabilities_pass_without_warning(drawn):
    """Small deviations of the row sums from 1 do not change the losses."""
    y, proba, predicted, _ = drawn(200, 7)
    single = compute_scores(y, proba.astype(np.float32), predicted)
    assert single == pytest.approx(compute_scores(y, proba, predicted), abs=1e-6)


def test_scores_equal_probabilities_stay_tied_when_rows_miss_one():
    """Equal probabilities stay equal if the sums of their rows differ."""
    proba = [[0.3, 0.3, 0.4], [0.3, 0.3, 0.4005], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]
    scores = compute_scores([0, 1, 1, 2], proba, [0, 1, 1, 2])
    # Class 0: 0.3 against 0.3, 0.1, 0.1; class 1: 0.3 and 0.8 against 0.3 and 0.1; class 2:
    # 0.8 against 0.4, 0.4005, 0.1.
    assert scores["roc_auc"] == pytest.approx((2.5 / 3 + 3.5 / 4 + 1) / 3, abs=1e-12)


def test_scores_lie_within_their_named_range(drawn):
    """The best and the worst scores are within the ranges of SCORE_NAMES."""
    for seed in range(5):
        y = drawn(12, 3, seed=seed)[0]
        for predicted in (y, (y + 1) % 3):
            for name, value in compute_scores(y, np.eye(3)[predicted], predicted).items():
                low, high = SCORE_NAMES[name].range
                assert low <= value <= high, name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [0, 1, 2]}, r"y must have one class.* from 0 to 1\. Got 3.*Pass np\.searchsorted"),
        ({"y": [0.0, 1.0, 1.0]}, r"y must have one class.*float64"),
        ({"y": [0, 1]}, r"y must have one class for each of the 3 images"),
        ({"predicted": [0, -1, 1]}, r"predicted must have one class.*'-1'"),
        ({"proba": [0.2, 0.7, 0.9]}, r"proba must be .* Got shape \(3,\)\. Pass the result"),
        ({"proba": np.empty((0, 2))}, r"proba must be .* Got shape \(0, 2\)"),
        (
            {"proba": [[0.5, 0.5]] * 2 + [[0.5, np.nan]]},
            r"Got 1 wrong row, .* at 2: \[0\.5, ",
        ),
        ({"proba": [[0.5, 0.52]] * 3}, r"sum to 1\. Got 3 wrong rows"),
        ({"proba": [[2.0, 3.0]] * 3}, r"sum to 1\. Got 3 wrong rows, .* at 0: \[2\.0, 3\.0\]"),
        ({"proba": [[1.5, -0.5]] * 3}, r"numbers in \[0, 1\]"),
        ({"positive": None}, r"positive must be the code.*Got None"),
        ({"positive": 2}, r"positive must be the code.*Got 2"),
        ({"sample_weight": [1, 1]}, r"sample_weight must be 3 finite.*Pass None"),
        ({"sample_weight": [0, 0, 0]}, r"sample_weight must be .* not all 0"),
        ({"sample_weight": [1, -1, 1]}, r"sample_weight must be .* at least 0"),
    ],
)
def test_scores_wrong_argument_is_named(change, message):
    """Each error has the rule and the value."""
    arguments = {
        "y": [0, 1, 1],
        "proba": binary([0.2, 0.7, 0.9]),
        "predicted": [0, 1, 1],
        "positive": 1,
        **change,
    }
    with pytest.raises(ValueError, match=message):
        compute_scores(**arguments)


def test_scores_positive_class_of_seven_is_refused(drawn):
    """With more than two classes positive must be None, and the error has a remedy."""
    y, proba, predicted, _ = drawn(20, 7)
    with pytest.raises(ValueError, match=r"positive must be None .* Got 1\. Pass y == positive"):
        compute_scores(y, proba, predicted, positive=1)


def test_calibration_error_is_the_one_among_the_scores(drawn):
    """The score equals the function calibration_error."""
    y, proba, predicted, _ = drawn(100)
    scores = compute_scores(y, proba, predicted, positive=1)
    assert scores["calibration_error"] == calibration_error(y, proba, positive=1)
