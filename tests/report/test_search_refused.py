"""Searches without a score of the best candidate are refused, with a remedy."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, HalvingGridSearchCV

from cellsk.exceptions import WeakModelWarning
from cellsk.model_selection import InnerKFold
from cellsk.report import SearchReport

REMEDY = r"Use fewer folds, or cv=InnerKFold\(\) from cellsk.model_selection"


def fail(*_):
    """A score that is never defined."""
    return float("nan")


@pytest.fixture(scope="module")
def rows():
    """120 rows of two classes."""
    return make_classification(120, random_state=0)


@pytest.mark.parametrize("kind", [GridSearchCV, HalvingGridSearchCV])
def test_search_without_any_score_is_refused(rows, kind):
    """Its best candidate is simply the first one."""
    with pytest.warns(UserWarning, match="non-finite"):
        search = kind(LogisticRegression(), {"C": [1.0, 2.0]}, scoring=fail).fit(*rows)
    with pytest.raises(ValueError, match=rf"its best candidate in.*NaN for \d of its.*{REMEDY}"):
        SearchReport(search)


def test_search_with_a_class_missing_in_a_fold_is_refused_and_the_remedy_works():
    """Three patients of a class in four folds: one AUC is undefined. InnerKFold uses three."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 5)
    y = (groups >= 9).astype(int)
    X = rng.normal(size=(60, 2))
    grid = {"C": [0.1, 1.0, 10.0]}
    search = GridSearchCV(LogisticRegression(), grid, scoring="roc_auc", cv=GroupKFold(4))
    with pytest.warns(UserWarning, match="non-finite|Only one class"):
        search.fit(X, y, groups=groups)
    with pytest.raises(ValueError, match=rf"mean roc auc of NaN for 3 of its 3.*{REMEDY}"):
        SearchReport(search)
    mended = GridSearchCV(LogisticRegression(), grid, scoring="roc_auc", cv=InnerKFold(4))
    with pytest.warns(WeakModelWarning, match="guessing has 0.500"):  # X is noise
        found = SearchReport(mended.fit(X, y, groups=groups))
    assert found.document["search"]["n_folds"] == 3
    assert found.best["mean"] == pytest.approx(mended.best_score_)


def test_search_that_chose_a_candidate_without_score_is_refused(rows):
    """A function for refit may choose a candidate that failed."""
    search = GridSearchCV(
        LogisticRegression(), {"C": [1.0, 2.0]}, refit=lambda results: 1, cv=3
    ).fit(*rows)
    assert SearchReport(search).document["n_failed"] == 0
    search.cv_results_["split0_test_score"][1] = np.nan
    search.cv_results_["mean_test_score"][1] = np.nan
    with pytest.raises(ValueError, match=rf"of NaN for 1 of its 2.*{REMEDY}"):
        SearchReport(search)


def test_search_of_several_scores_is_refused_for_an_undefined_one(rows):
    """A report on another, defined score is possible."""
    scoring = {"accuracy": "accuracy", "never": fail}
    with pytest.warns(UserWarning, match="non-finite"):
        search = GridSearchCV(
            LogisticRegression(), {"C": [1.0, 2.0]}, scoring=scoring, refit="accuracy"
        ).fit(*rows)
    assert SearchReport(search).best["mean"] > 0.5
    with pytest.raises(ValueError, match=REMEDY):
        SearchReport(search, metric="never")
