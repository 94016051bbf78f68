"""The scorers of a search, and the score of guessing in its report."""

import json

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from cellsk.exceptions import WeakModelWarning
from cellsk.model_selection import make_search_scoring
from cellsk.report import SearchReport


def search(estimator, grid, X, y, scoring=None):
    """A fitted search by these scorers."""
    scorers = make_search_scoring(y, scoring)
    return GridSearchCV(estimator, grid, scoring=scorers, refit=next(iter(scorers))).fit(X, y)


@pytest.fixture(scope="module")
def rows():
    """200 rows of two classes, 127 of the larger one."""
    return make_classification(200, weights=[0.637], flip_y=0, class_sep=2, random_state=0)


def test_make_search_scoring_ranks_a_constant_model_last(rows):
    """By accuracy a constant model reaches the share of its class; by ROC AUC 0.5."""
    X, y = rows
    grid = {"ccp_alpha": [1.0, 0.0]}  # a tree that is pruned to its root, and a whole one
    fitted = search(DecisionTreeClassifier(random_state=0), grid, X, y)
    report = SearchReport(fitted, y=y)
    assert report.best["params"] == {"ccp_alpha": 0.0}
    assert [one["one_class_folds"] for one in report.document["candidates"]] == [0, 5]
    assert report.document["guessing"] == {"value": 0.5, "best_is_better": True}
    assert "the best candidate is better" in repr(report)


@pytest.mark.parametrize("scoring", ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc"])
def test_search_report_of_a_constant_model_warns(rows, scoring, tmp_path):
    """The share of the larger class is the score of guessing, in page, card, table and JSON."""
    X, y = rows
    fitted = search(DummyClassifier(), {"strategy": ["prior"]}, X, y, scoring)
    with pytest.warns(WeakModelWarning) as caught:
        report = SearchReport(fitted, y=y)
    assert [one.message.code for one in caught] == [
        "not-better-than-guessing",
        "one-class-predicted",
    ]
    level = report.document["guessing"]["value"]
    share = np.bincount(y).max() / len(y)
    known = {"accuracy": share, "balanced_accuracy": 0.5, "roc_auc": 0.5}
    assert level == pytest.approx(known.get(scoring, level))
    assert report.best["mean"] == pytest.approx(level, abs=0.005)
    for name in ("a.html", "a.md"):
        report.save(tmp_path / name)
        assert "not shown to be better" in (tmp_path / name).read_text()
    report.save(tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())["guessing"]["best_is_better"] is False
    assert report.summary()["better_than_guessing"] is False


def test_search_report_without_labels_knows_some_scores_of_guessing(rows):
    """ROC AUC does not depend on the labels; accuracy does, and y is asked for."""
    X, y = rows
    grid = GridSearchCV(LogisticRegression(), {"C": [1.0]})
    assert SearchReport(grid.set_params(scoring="roc_auc").fit(X, y)).document["guessing"]
    report = SearchReport(grid.set_params(scoring="accuracy").fit(X, y))
    assert report.document["guessing"] is None
    assert "Pass y to SearchReport" in repr(report)
    with pytest.raises(ValueError, match="y must be the labels of the search, of two or more"):
        SearchReport(grid, y=np.zeros(200))


def test_make_search_scoring_of_many_classes_and_of_unknown_names():
    """Balanced accuracy is the default, and names are checked."""
    assert next(iter(make_search_scoring(["a", "b", "c"]))) == "balanced_accuracy"
    assert next(iter(make_search_scoring([0, 1, 2], "roc_auc"))) == "roc_auc_ovr"
    with pytest.raises(ValueError, match="scoring must be one of"):
        make_search_scoring([0, 1], "auc")


def test_from_results_takes_labels(rows):
    """Any search can be compared with guessing."""
    y = np.repeat([0, 1, 1], 10)
    one = {"params": {"a": 1}, "scores": [0.9, 0.8], "fit_seconds": 1.0}
    report = SearchReport.from_results([one], scoring="accuracy", y=y)
    assert report.document["guessing"] == {"value": pytest.approx(2 / 3), "best_is_better": True}
