"""Thresholds for a target sensitivity or specificity."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score, roc_curve
from sklearn.model_selection import (
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cellsk.model_selection import (
    InnerKFold,
    OperatingPointClassifierCV,
    calibrate,
    make_operating_point_scorer,
    tune_threshold,
)

NAMES = np.array(["benign", "malignant"])


@pytest.fixture(scope="module")
def noisy():
    """600 rows of two classes that overlap, labels as strings."""
    X, codes = make_classification(600, flip_y=0.25, weights=[0.7], random_state=0)
    return X, NAMES[codes]


@pytest.fixture(scope="module")
def clustered():
    """240 rows of 12 patients, each with images of one class and a random shift."""
    rng = np.random.default_rng(0)
    groups = np.arange(12).repeat(20)
    y = NAMES[groups % 2]
    X = rng.normal(size=(240, 3)) + rng.normal(size=(12, 3))[groups] + (groups % 2)[:, None]
    return X, y, groups


class FixedScores(DummyClassifier):
    """Predicts the first column of X as probability of the second class."""

    def predict_proba(self, X):
        """Return the first column."""
        return np.column_stack([1 - X[:, 0], X[:, 0]])

    def predict(self, X):
        """Return the second class from 0.5 on."""
        return (X[:, 0] >= 0.5).astype(int)


def find_by_hand(y, score, pos_label, target):
    """Return the highest specificity of the thresholds that reach the target sensitivity."""
    fpr, tpr, _ = roc_curve(y, score, pos_label=pos_label, drop_intermediate=False)
    return 1 - fpr[tpr >= target - 1e-12].min()


@pytest.mark.parametrize("pos_label", NAMES)
@pytest.mark.parametrize("target", [0.5, 0.9, 0.95, 1.0])
def test_tuned_threshold_any_target_equals_roc_of_pooled_folds(noisy, pos_label, target):
    """The operating point is that of roc_curve on the pooled out-of-fold scores."""
    X, y = noisy
    tuned = tune_threshold(LogisticRegression(), y, sensitivity=target, pos_label=pos_label)
    tuned.fit(X, y)
    pooled = cross_val_predict(
        LogisticRegression(), X, y, cv=InnerKFold(3, grouped=False), method="predict_proba"
    )[:, list(NAMES).index(pos_label)]
    called = pooled >= tuned.best_threshold_
    positive = y == pos_label
    assert called[positive].mean() >= target - 1e-12
    assert (~called[~positive]).mean() == pytest.approx(tuned.best_score_, abs=1e-12)
    # The thresholds are a fine grid, so the best one may be missed by an image or two.
    assert tuned.best_score_ == pytest.approx(find_by_hand(y, pooled, pos_label, target), abs=0.01)


def test_tuned_threshold_specificity_mirrors_sensitivity(noisy):
    """A target specificity is a target sensitivity of the other class."""
    X, y = noisy
    one = tune_threshold(LogisticRegression(), y, specificity=0.9, pos_label="malignant")
    other = tune_threshold(LogisticRegression(), y, sensitivity=0.9, pos_label="benign")
    one.fit(X, y), other.fit(X, y)
    assert one.best_score_ == pytest.approx(other.best_score_, abs=0.01)
    assert one.best_threshold_ == pytest.approx(1 - other.best_threshold_, abs=0.01)
    assert np.mean(one.predict(X) == other.predict(X)) > 0.98


@pytest.mark.parametrize("pos_label", NAMES)
def test_tuned_threshold_predict_uses_it(noisy, pos_label):
    """From the threshold on, the positive label is predicted, in either column."""
    X, y = noisy
    tuned = tune_threshold(LogisticRegression(), y, sensitivity=0.95, pos_label=pos_label)
    tuned.fit(X, y)
    proba = tuned.predict_proba(X)[:, list(NAMES).index(pos_label)]
    assert np.array_equal(tuned.predict(X) == pos_label, proba >= tuned.best_threshold_)
    assert recall_score(y, tuned.predict(X), pos_label=pos_label) > 0.9
    assert np.mean(tuned.predict(X) != tuned.estimator_.predict(X)) > 0.02


def test_tuned_threshold_of_separated_classes_is_the_middle():
    """If the scores of the classes do not overlap, the threshold is in the middle."""
    score = np.concatenate([np.linspace(0.0, 0.2, 30), np.linspace(0.8, 1.0, 30)])
    y = np.repeat([0, 1], 30)
    tuned = tune_threshold(FixedScores(), y, sensitivity=0.9, pos_label=1)
    assert tuned.fit(score[:, None], y).best_threshold_ == pytest.approx(0.5, abs=0.01)


def test_tuned_threshold_separates_scores_near_one():
    """Probabilities that are all close to 1 can still be separated."""
    sure = 1 - np.geomspace(1e-7, 1e-2, 100)
    y = (np.arange(100) < 50).astype(int)
    tuned = tune_threshold(FixedScores(), y, sensitivity=0.9, pos_label=1).fit(sure[:, None], y)
    assert np.array_equal(tuned.predict(sure[:, None]), y)
    assert tuned.best_score_ == 1


def test_tuned_threshold_fold_with_few_positives_does_not_count_more():
    """Images are counted over all folds. A mean of rates would give another threshold."""
    score = np.concatenate([np.linspace(0.5, 0.9, 38), [0.1, 0.1], np.linspace(0, 0.8, 40)])
    y = np.repeat([1, 0], 40)
    small = np.concatenate([[38, 39], np.arange(40, 60)])  # its two positives score low
    large = np.setdiff1d(np.arange(80), small)
    tuned = OperatingPointClassifierCV(
        FixedScores(), sensitivity=0.9, pos_label=1, cv=[(large, small), (small, large)]
    ).fit(score[:, None], y)
    assert np.mean(score[:40] >= tuned.best_threshold_) == pytest.approx(0.9)
    assert tuned.best_threshold_ > 0.5


def test_tuned_threshold_on_new_images_aims_at_the_target():
    """The mean sensitivity on new images is close to the target."""
    reached = []
    for seed in range(12):
        X, y = make_classification(2000, flip_y=0.2, random_state=seed)
        X, X_new, y, y_new = train_test_split(X, y, train_size=400, random_state=0)
        tuned = tune_threshold(LogisticRegression(), y, sensitivity=0.9, pos_label=1).fit(X, y)
        reached.append(recall_score(y_new, tuned.predict(X_new)))
    assert np.mean(reached) == pytest.approx(0.9, abs=0.025)


def test_tuned_threshold_is_one_of_scikit_learn(noisy):
    """The result is a TunedThresholdClassifierCV, and a clone has the same parameters."""
    X, y = noisy
    tuned = tune_threshold(LogisticRegression(), y, specificity=0.9, pos_label="malignant")
    assert isinstance(tuned, TunedThresholdClassifierCV)
    copy = clone(tuned)
    assert repr(copy) == repr(tuned)
    assert copy.get_params()["specificity"] == 0.9
    fitted = copy.fit(X, y)
    assert fitted.classes_.tolist() == NAMES.tolist()
    assert set(fitted.cv_results_) == {"thresholds", "sensitivity", "specificity"}
    assert np.all(np.diff(fitted.cv_results_["sensitivity"]) <= 0)
    assert np.all(np.diff(fitted.cv_results_["specificity"]) >= 0)


def test_tuned_threshold_same_seed_gives_same_numbers(noisy):
    """The seed determines the folds, and so the threshold."""
    X, y = noisy
    chosen = [
        tune_threshold(
            LogisticRegression(), y, sensitivity=0.9, pos_label="malignant", random_state=seed
        )
        .fit(X, y)
        .best_threshold_
        for seed in (0, 0, 1)
    ]
    assert chosen[0] == chosen[1] != chosen[2]


def test_tuned_threshold_around_calibration_splits_by_patient(clustered):
    """A threshold around a calibration around a pipeline: both split by patient."""
    X, y, groups = clustered
    seen = []

    class Recorder(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            seen.append(set(X[:, -1]))
            return super().fit(X, y)

    rows = np.column_stack([X, groups])
    tuned = tune_threshold(
        calibrate(make_pipeline(Recorder()), y, groups),
        y,
        groups,
        sensitivity=0.9,
        pos_label="malignant",
    )
    with config_context(enable_metadata_routing=True):
        tuned.fit(rows, y, groups=groups)
    # Three fits for the calibration of all images, and three for each of three folds.
    assert len(seen) == 12
    assert all(len(patients) == 8 for patients in seen[:3])
    assert all(4 <= len(patients) <= 6 for patients in seen[3:])
    for fold in range(3):  # the three fits of a fold see its training patients only
        assert len(set.union(*seen[3 + 3 * fold : 6 + 3 * fold])) == 8
    assert tuned.best_threshold_ != 0.5


def test_tuned_threshold_groups_not_routed_raises(clustered):
    """Folds that would ignore known patients raise an error."""
    X, y, groups = clustered
    tuned = tune_threshold(LogisticRegression(), y, groups, sensitivity=0.9, pos_label="malignant")
    with pytest.raises(ValueError, match="need groups in fit"):
        tuned.fit(X, y)


def test_tuned_threshold_network_in_pipeline_gives_labels():
    """A CellClassifier in a pipeline can be tuned by patient."""
    from cellsk import CellClassifier, make_cells
    from cellsk.model_selection._routing import request_groups

    drawn = make_cells(48, n_patients=6, image_size=(16, 16), difficulty=0, random_state=0)
    network = CellClassifier(filters=(4,), epochs=1, early_stopping=False, random_state=0)
    tuned = tune_threshold(
        make_pipeline(network),
        drawn.y,
        drawn.groups,
        sensitivity=0.9,
        pos_label=1,
        n_splits=2,
    )
    with config_context(enable_metadata_routing=True):
        tuned = request_groups(tuned).fit(drawn.images, drawn.y, groups=drawn.groups)
    assert 0 < tuned.best_threshold_ < 1
    assert set(tuned.predict(drawn.images)) <= {0, 1}


@pytest.mark.parametrize(
    "wanted", [{}, {"sensitivity": 0.9, "specificity": 0.9}], ids=["neither", "both"]
)
def test_operating_point_not_one_target_raises(wanted):
    """Exactly one of sensitivity and specificity must be given."""
    for make in (
        lambda: tune_threshold(LogisticRegression(), [0, 1] * 6, pos_label=1, **wanted),
        lambda: make_operating_point_scorer(pos_label=1, **wanted),
        lambda: OperatingPointClassifierCV(LogisticRegression(), pos_label=1, **wanted).fit(
            np.eye(12), [0, 1] * 6
        ),
    ):
        with pytest.raises(ValueError, match=r"Exactly one of .* Pass, for example"):
            make()


@pytest.mark.parametrize("target", [0, -0.1, 1.5, 95])
def test_operating_point_target_outside_raises(target):
    """The target is a fraction, not a percentage."""
    with pytest.raises(ValueError, match=r"sensitivity must be a number in \(0, 1\]"):
        tune_threshold(LogisticRegression(), [0, 1] * 6, sensitivity=target, pos_label=1)


def test_operating_point_three_classes_raises():
    """Three classes raise an error."""
    with pytest.raises(ValueError, match=r"needs two classes.*Got 3 classes: .*Leave out"):
        tune_threshold(LogisticRegression(), [0, 1, 2] * 6, sensitivity=0.9, pos_label=1)


def test_operating_point_unknown_positive_raises():
    """The positive class must be one of the labels. The error shows no NumPy type."""
    y = ["benign", "malignant"] * 6
    for label in ("tumor", np.str_("tumor")):
        with pytest.raises(ValueError, match="Got 'tumor', and labels 'benign' and 'malignant'"):
            tune_threshold(LogisticRegression(), y, sensitivity=0.9, pos_label=label)


def test_operating_point_one_patient_of_a_class_raises_before_fit():
    """An impossible tuning raises an error before the fit."""
    with pytest.raises(ValueError, match="Two patients of each class"):
        tune_threshold(
            LogisticRegression(),
            [0, 0, 1, 1, 1],
            ["A", "A", "B", "C", "C"],
            sensitivity=0.9,
            pos_label=1,
        )


def test_operating_point_constant_probabilities_raise(noisy):
    """A classifier with constant probabilities cannot be tuned."""
    X, y = noisy
    tuned = tune_threshold(
        DummyClassifier(strategy="prior"), y, sensitivity=0.9, pos_label="malignant"
    )
    with pytest.raises(ValueError, match=r"Got the same probability, 0\.\d+, for all .*Train it"):
        tuned.fit(X, y)


def test_operating_point_folds_of_one_class_raise(noisy):
    """Folds without a positive test image cannot tune the sensitivity."""
    X, y = noisy
    negative = np.flatnonzero(y == "benign")[:20]
    rest = np.setdiff1d(np.arange(len(y)), negative)
    tuned = OperatingPointClassifierCV(
        LogisticRegression(), sensitivity=0.9, pos_label="malignant", cv=[(rest, negative)]
    )
    with pytest.raises(ValueError, match=r"cv must test images of both classes.*tune_threshold"):
        tuned.fit(X, y)


@pytest.mark.parametrize("pos_label", NAMES)
def test_scorer_in_scikit_learn_tuning_reaches_target_in_one_fold(noisy, pos_label):
    """With one fold and all thresholds, tuning finds the point of roc_curve."""
    X, y = noisy
    train, test = next(StratifiedKFold(2, shuffle=True, random_state=0).split(X, y))
    model = make_pipeline(StandardScaler(), LogisticRegression())
    score = model.fit(X[train], y[train]).predict_proba(X[test])
    score = score[:, list(NAMES).index(pos_label)]
    tuned = TunedThresholdClassifierCV(
        model,
        scoring=make_operating_point_scorer(sensitivity=0.9, pos_label=pos_label),
        thresholds=np.unique(score),
        cv=[(train, test)],
    ).fit(X, y)
    assert tuned.best_score_ == pytest.approx(find_by_hand(y[test], score, pos_label, 0.9))
    assert np.mean(score[y[test] == pos_label] >= tuned.best_threshold_) >= 0.9


def test_scorer_over_several_folds_reaches_target_in_each(noisy):
    """The mean over folds is best if every fold reaches the target sensitivity."""
    X, y = noisy
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    tuned = TunedThresholdClassifierCV(
        LogisticRegression(),
        scoring=make_operating_point_scorer(sensitivity=0.9, pos_label="malignant"),
        thresholds=np.linspace(0, 1, 201),
        cv=cv,
    ).fit(X, y)
    reached = []
    for train, test in cv.split(X, y):
        score = LogisticRegression().fit(X[train], y[train]).predict_proba(X[test])[:, 1]
        reached.append(np.mean(score[y[test] == "malignant"] >= tuned.best_threshold_))
    assert min(reached) >= 0.9
    assert tuned.best_score_ >= 0
    pooled = tune_threshold(LogisticRegression(), y, sensitivity=0.9, pos_label="malignant")
    assert pooled.fit(X, y).best_threshold_ > tuned.best_threshold_


def test_scorer_target_missed_prefers_the_nearest():
    """Below the target, one more true positive outweighs any loss of specificity."""
    scorer = make_operating_point_scorer(sensitivity=0.9, pos_label=1)
    y = np.repeat([1, 0], [100, 100])

    def score(n_found, n_false):
        called = np.r_[np.arange(100) < n_found, np.arange(100) < n_false].astype(float)
        return scorer(FixedScores().fit(y[:, None], y), called[:, None], y)

    assert score(90, 20) == pytest.approx(0.8)
    assert score(95, 20) == score(90, 20) > score(90, 30)
    assert score(90, 100) == 0 > score(89, 0) > score(88, 0)
    assert score(88, 0) > score(88, 1)


def test_scorer_one_class_only_is_not_a_number(noisy):
    """Without positive images the score is NaN."""
    X, y = noisy
    model = LogisticRegression().fit(X, y)
    scorer = make_operating_point_scorer(specificity=0.9, pos_label="malignant")
    benign = y == "benign"
    assert np.isnan(scorer(model, X[benign], y[benign]))
