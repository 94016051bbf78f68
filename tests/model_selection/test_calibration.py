"""Calibrated probabilities on patients that the classifier did not see."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB

from cellsk.model_selection import calibrate
from cellsk.model_selection._calibration import CALIBRATION_METHODS


@pytest.fixture(scope="module")
def overconfident():
    """Ten copies of one weak feature, which naive Bayes treats as independent."""
    rng = np.random.default_rng(0)
    groups = np.arange(24).repeat(50)
    y = np.array(["benign", "malignant"])[groups % 2]
    weak = rng.normal(size=1200) + 0.8 * (groups % 2)
    X = weak[:, None] + 0.05 * rng.normal(size=(1200, 10))
    return X, y, groups


@pytest.mark.parametrize("method", CALIBRATION_METHODS)
def test_calibrate_overconfident_classifier_gives_better_probabilities(overconfident, method):
    """On new patients the log loss decreases to that of a well calibrated classifier."""
    X, y, groups = overconfident
    train = groups < 12
    calibrated = calibrate(GaussianNB(), y[train], groups[train], method=method)
    with config_context(enable_metadata_routing=True):
        calibrated.fit(X[train], y[train], groups=groups[train])
    plain = GaussianNB().fit(X[train], y[train])
    well_calibrated = LogisticRegression().fit(X[train, :1], y[train])
    loss, before, best = (
        log_loss(y[~train], model.predict_proba(rows[~train]))
        for model, rows in ((calibrated, X), (plain, X), (well_calibrated, X[:, :1]))
    )
    assert before > 2 * best
    assert loss == pytest.approx(best, rel=0.15)


def test_calibrate_folds_split_by_patient(overconfident):
    """Each calibration is fitted on patients that its classifier did not see."""
    X, y, groups = overconfident
    seen = []

    class Recorder(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            seen.append(set(X[:, -1]))
            return super().fit(X, y)

        def predict_proba(self, X):
            assert not seen[-1] & set(X[:, -1])
            return super().predict_proba(X)

    with config_context(enable_metadata_routing=True):
        calibrate(Recorder(), y, groups, n_splits=4).fit(
            np.column_stack([X, groups]), y, groups=groups
        )
    assert [len(patients) for patients in seen] == [18] * 4


def test_calibrate_without_groups_splits_images(overconfident):
    """Independent images do not need routing."""
    X, y, _ = overconfident
    calibrated = calibrate(GaussianNB(), y, n_splits=2).fit(X, y)
    assert isinstance(calibrated, CalibratedClassifierCV)
    assert len(calibrated.calibrated_classifiers_) == 2


def test_calibrate_few_patients_of_a_class_uses_fewer_folds(overconfident):
    """Two patients of a class give two folds, as each fold must have the class."""
    X, y, groups = overconfident
    rows = np.isin(groups, [0, 1, 2, 4, 5, 6, 8])  # malignant: 1 and 5
    calibrated = calibrate(GaussianNB(), y[rows], groups[rows])
    with config_context(enable_metadata_routing=True):
        calibrated.fit(X[rows], y[rows], groups=groups[rows])
    assert len(calibrated.calibrated_classifiers_) == 2


def test_calibrate_three_classes_sums_to_one():
    """More than two classes can be calibrated."""
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = rng.normal(size=(90, 2)) + y[:, None]
    proba = calibrate(LogisticRegression(), y).fit(X, y).predict_proba(X)
    assert proba.shape == (90, 3)
    assert np.allclose(proba.sum(axis=1), 1)


def test_calibrate_unknown_method_raises():
    """The methods are those of scikit-learn."""
    with pytest.raises(ValueError, match="method must be one of 'sigmoid', 'isotonic'"):
        calibrate(LogisticRegression(), [0, 1] * 6, method="platt")


def test_calibrate_one_patient_of_a_class_raises_before_fit():
    """An impossible calibration raises an error before the fit."""
    with pytest.raises(ValueError, match=r"Two patients of each class.*leave out"):
        calibrate(LogisticRegression(), [0, 0, 1, 1, 1], ["A", "A", "B", "C", "C"])
