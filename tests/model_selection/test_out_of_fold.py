"""Out-of-fold predictions, and the routing of groups."""

import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import AdaBoostClassifier
from sklearn.feature_selection import RFECV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cellsk import CellClassifier
from cellsk.exceptions import SplitWarning
from cellsk.model_selection import (
    check_inner_splits,
    predict_out_of_fold,
    requires_groups,
    warn_if_groups_are_lost,
)
from cellsk.model_selection._routing import request_groups, takes_groups


class Recorder(ClassifierMixin, BaseEstimator):
    """Takes groups, and remembers the groups and rows of its training images."""

    def fit(self, X, y, groups=None):
        """Remember groups and rows."""
        self.classes_ = np.unique(y)
        self.groups_ = None if groups is None else set(groups.tolist())
        self.rows_ = set(X[:, 0].tolist())
        return self

    def predict_proba(self, X):
        """Return 1 for the first class if the row was in training."""
        seen = np.array([row in self.rows_ for row in X[:, 0].tolist()])
        others = np.zeros((len(X), len(self.classes_) - 1))
        others[:, -1] = ~seen
        return np.column_stack([seen, others]).astype(float)

    def predict(self, X):
        """Return the more probable class."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.fixture
def table():
    """Forty rows of twelve groups, two overlapping classes with string labels."""
    generator = np.random.default_rng(0)
    y = np.array(["benign", "malignant"])[np.arange(40) % 2]
    X = generator.normal(size=(40, 3)) + (y == "malignant")[:, None]
    return X, y, np.arange(40) // 2 % 12


def folds_of(X, y, groups=None, n_splits=4):
    """Return folds like those of evaluate."""
    if groups is None:
        return list(StratifiedKFold(n_splits).split(X, y))
    return list(StratifiedGroupKFold(n_splits).split(X, y, groups))


def test_out_of_fold_equals_cross_val_predict(table):
    """The predictions are those of cross_val_predict."""
    X, y, _ = table
    splits = folds_of(X, y)
    found = predict_out_of_fold(lambda *_: LogisticRegression(), X, y, splits)
    expected = cross_val_predict(LogisticRegression(), X, y, cv=splits, method="predict_proba")
    np.testing.assert_array_equal(found.proba, expected)
    np.testing.assert_array_equal(found.predicted, expected.argmax(axis=1))
    for number, (_, test) in enumerate(splits):
        assert set(found.fold[test]) == {number}


def test_out_of_fold_never_predicts_a_row_it_trained_on(table):
    """A model that recognizes its training rows recognizes no row."""
    X, y, groups = table
    found = predict_out_of_fold(lambda *_: Recorder(), X, y, folds_of(X, y, groups), groups=groups)
    assert (found.proba[:, 0] == 0).all()


def test_out_of_fold_in_two_processes_gives_the_same_numbers(table):
    """The numbers do not depend on n_jobs."""
    X, y, groups = table
    splits = folds_of(X, y, groups)
    one, two = (
        predict_out_of_fold(_make_logistic, X, y, splits, groups=groups, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.proba, two.proba)


def _make_logistic(*_):
    return LogisticRegression()


def test_out_of_fold_passes_the_groups_of_the_training_side_to_a_pipeline(table):
    """A pipeline inside a search receives the groups of training rows only."""
    X, y, groups = table
    seen = []

    class Reporting(Recorder):
        def fit(self, X, y, groups=None):
            seen.append(groups)
            return super().fit(X, y, groups)

    splits = folds_of(X, y, groups)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), Reporting()), {}, cv=StratifiedGroupKFold(2)
    )
    predict_out_of_fold(lambda *_: search, X, y, splits, groups=groups)
    assert len(seen) == len(splits) * 3  # two inner folds, and the refit
    for fold, (train, test) in enumerate(splits):
        for inner in seen[fold * 3 : fold * 3 + 3]:
            assert set(inner) <= set(groups[train])
            assert not set(inner) & set(groups[test])


def test_out_of_fold_with_a_class_missing_from_training_gives_it_no_probability(table):
    """A class without training images has a column of zeros, and is recorded."""
    X, y, _ = table
    y = y.copy()
    y[:3] = "atypical"
    splits = [(np.arange(3, 40), np.arange(3)), (np.arange(20), np.arange(20, 40))]
    splits.append((np.r_[0:3, 20:40], np.arange(3, 20)))
    found = predict_out_of_fold(lambda *_: LogisticRegression(), X, y, splits)
    assert found.records[0].unseen == [0]
    assert (found.proba[:3, 0] == 0).all()
    assert found.records[1].unseen == []
    np.testing.assert_allclose(found.proba.sum(axis=1), 1)


def test_out_of_fold_keeps_history_threshold_and_parameters(small, table):
    """The record of a fold has the threshold, parameters and history of its model."""
    X, y, _ = table
    tuned = TunedThresholdClassifierCV(LogisticRegression(), cv=2)
    found = predict_out_of_fold(lambda *_: tuned, X, y, folds_of(X, y))
    assert all(0 < record.threshold < 1 for record in found.records)
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    found = predict_out_of_fold(lambda *_: search, X, y, folds_of(X, y))
    assert all(record.best_params["C"] in (0.1, 1.0) for record in found.records)
    calibrated = CalibratedClassifierCV(CellClassifier(**small | {"epochs": 2}), cv=2)
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 3), dtype=np.uint8)
    found = predict_out_of_fold(lambda *_: calibrated, images, y, folds_of(images, y, n_splits=2))
    assert all(len(record.history["loss"]) >= record.best_epoch >= 1 for record in found.records)


def test_out_of_fold_failure_names_the_fold(table):
    """The error is that of the fit, with a note that names the fold."""
    X, y, _ = table
    X = X.copy()
    X[0, 0] = np.nan  # row 0 is tested first, and trained on from fold 2
    with pytest.raises(ValueError, match="NaN") as caught:
        predict_out_of_fold(lambda *_: LogisticRegression(), X, y, folds_of(X, y))
    assert caught.value.__notes__[0].startswith("This was in fold")


class Warner(LogisticRegression):
    """Warns in each fit, as text and as data."""

    def fit(self, X, y):
        """Warn and fit."""
        warnings.warn("The same each time.", UserWarning, stacklevel=1)
        few = SplitWarning("A rule", "3", "Do it.", code="few-patients", values={"n_patients": 3})
        warnings.warn(few, stacklevel=1)
        return super().fit(X, y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_out_of_fold_repeats_a_warning_once(table, n_jobs):
    """A warning of every fold is given once, with its data, file and line."""
    X, y, _ = table
    with pytest.warns(UserWarning, match="rule|same each time") as caught:
        predict_out_of_fold(lambda *_: Warner(), X, y, folds_of(X, y), n_jobs=n_jobs)
    text, data = caught
    assert str(text.message) == "The same each time."
    assert (data.message.code, data.message.values) == ("few-patients", {"n_patients": 3})
    assert type(data.message) is SplitWarning
    assert {text.filename, data.filename} == {__file__}
    assert data.lineno == text.lineno + 2


def test_request_groups_reaches_every_part_and_leaves_the_original():
    """Parts of pipelines, searches and candidates request groups; the original does not."""
    pipeline = make_pipeline(StandardScaler(), CellClassifier())
    search = GridSearchCV(pipeline, {"cellclassifier": [CellClassifier(epochs=2)]}, cv=2)
    requesting = request_groups(search)
    assert takes_groups(requesting)
    assert not takes_groups(search)
    with config_context(enable_metadata_routing=True):
        candidate = requesting.param_grid["cellclassifier"][0]
        assert candidate.get_metadata_routing().fit.requests["groups"] is True


def test_request_groups_respects_a_refusal():
    """A part with set_fit_request(groups=False) does not receive groups."""
    with config_context(enable_metadata_routing=True):
        refusing = CellClassifier().set_fit_request(groups=False)
    assert not takes_groups(request_groups(refusing))
    assert not takes_groups(request_groups(LogisticRegression()))


@pytest.mark.parametrize("cv", [None, 3, KFold(3)])
def test_inner_splits_that_split_groups_warn(cv):
    """A search whose folds ignore patients gives a warning."""
    search = GridSearchCV(LogisticRegression(), {}, cv=cv)
    with pytest.warns(SplitWarning, match="should keep patients together.*choose_cv"):
        check_inner_splits(search, grouped=True)
    check_inner_splits(search, grouped=False)


@pytest.mark.parametrize("cv", [GroupKFold(3), StratifiedGroupKFold(3)])
def test_inner_splits_that_keep_groups_pass(cv):
    """Splitters that take groups need no warning."""
    check_inner_splits(GridSearchCV(LogisticRegression(), {}, cv=cv), grouped=True)


def test_inner_splits_as_list_are_refused():
    """Rows of all images are an error inside a fold."""
    search = GridSearchCV(LogisticRegression(), {}, cv=[(np.arange(5), np.arange(5, 9))])
    with pytest.raises(ValueError, match=r"must be a splitter.*list of splits.*choose_cv"):
        check_inner_splits(search, grouped=True)


def test_takes_groups_includes_transformers_but_not_estimators_without_routing():
    """A feature selection in a pipeline takes groups; boosting cannot."""
    selection = RFECV(LogisticRegression(), cv=StratifiedGroupKFold(3))
    assert takes_groups(make_pipeline(selection, LogisticRegression()))
    assert not takes_groups(AdaBoostClassifier())
    assert requires_groups(make_pipeline(selection, LogisticRegression()))
    assert not requires_groups(GridSearchCV(LogisticRegression(), {}, cv=3))


def test_groups_reach_a_feature_selection_in_a_pipeline(table):
    """scikit-learn passes groups to fit_transform."""
    X, y, groups = table
    pipeline = make_pipeline(
        RFECV(LogisticRegression(), cv=StratifiedGroupKFold(3)), LogisticRegression()
    )
    found = predict_out_of_fold(lambda *_: pipeline, X, y, folds_of(X, y, groups), groups=groups)
    assert np.isfinite(found.proba).all()


def test_predefined_split_inside_is_refused():
    """A PredefinedSplit names rows of all images, as a list does."""
    search = GridSearchCV(LogisticRegression(), {}, cv=PredefinedSplit([0, 1, 0, 1]))
    with pytest.raises(ValueError, match="Got a PredefinedSplit in GridSearchCV"):
        check_inner_splits(search, grouped=False)


def test_groups_that_a_wrapper_does_not_pass_on_warn():
    """A network inside the wrapper would ignore patients for early stopping."""

    class Wrapper(ClassifierMixin, BaseEstimator):
        def __init__(self, inner=None):
            self.inner = inner

        def fit(self, X, y):
            return self

    with pytest.warns(SplitWarning, match="does not pass them to CellClassifier"):
        warn_if_groups_are_lost(Wrapper(CellClassifier()))
    warn_if_groups_are_lost(make_pipeline(StandardScaler(), CellClassifier()))
    warn_if_groups_are_lost(LogisticRegression())


def test_out_of_fold_makes_all_estimators_before_it_fits_one(table):
    """An error of the last estimator is raised before the first fit."""
    X, y, _ = table
    fitted = []

    class Counting(Recorder):
        def fit(self, X, y, groups=None):
            fitted.append(1)
            return super().fit(X, y, groups)

    splits = folds_of(X, y)

    def make(labels, _):
        if len(made) == len(splits) - 1:
            raise ValueError("the last one cannot be")
        made.append(1)
        return Counting()

    made: list[int] = []
    with pytest.raises(ValueError, match="cannot be"):
        predict_out_of_fold(make, X, y, splits)
    assert not fitted


def test_out_of_fold_refuses_probabilities_that_are_not_finite(table):
    """A diverged model is an error that names the fold."""
    X, y, _ = table

    class Diverged(Recorder):
        def predict_proba(self, X):
            return np.full((len(X), 2), np.nan)

    with pytest.raises(ValueError, match=r"finite probability.*diverged") as caught:
        predict_out_of_fold(lambda *_: Diverged(), X, y, folds_of(X, y))
    assert caught.value.__notes__ == ["This was in fold 1."]
