"""The share of test images of a search, for the width of its intervals."""

import math

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    LeavePGroupsOut,
    LeavePOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
    check_cv,
)
from sklearn.tree import DecisionTreeClassifier

from cellsk.model_selection import InnerKFold
from cellsk.report import SearchReport

GROUPS = np.arange(48) % 6  # as many rows in each group
FIXED = np.repeat([-1, 0, 1], [24, 12, 12])  # half of the rows are never tested


class OwnSplitter:
    """A splitter that cellsk does not know."""

    def split(self, X, y=None, groups=None):
        """Yield two splits that share a test row."""
        yield np.arange(0, 40), np.arange(40, 48)
        yield np.arange(8, 47), np.arange(47, 48)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Number of splits."""
        return 2


@pytest.fixture(scope="module")
def rows():
    """48 rows of two classes, in random order."""
    X, y = make_classification(48, random_state=0)
    return X, y


def search(rows, cv):
    """Return a fitted search over two trees."""
    grid = {"max_depth": [1, 3]}
    groups = {"groups": GROUPS} if "Group" in type(cv).__name__ else {}
    if isinstance(cv, LeavePOut):  # every pair of rows is a fold
        rows = tuple(column[:8] for column in rows)
    return GridSearchCV(DecisionTreeClassifier(random_state=0), grid, cv=cv).fit(*rows, **groups)


@pytest.mark.parametrize(
    "cv",
    [
        None,
        4,
        KFold(4),
        GroupKFold(3),
        StratifiedGroupKFold(3),
        InnerKFold(4, grouped=False),
        LeaveOneOut(),
        LeaveOneGroupOut(),
        RepeatedKFold(n_splits=4, n_repeats=3, random_state=0),
        RepeatedStratifiedKFold(n_splits=4, n_repeats=3, random_state=0),
        PredefinedSplit(FIXED),
        StratifiedShuffleSplit(3, test_size=0.25, random_state=0),
        ShuffleSplit(3, train_size=0.5, random_state=0),
        ShuffleSplit(3, train_size=0.5, test_size=0.25, random_state=0),
        ShuffleSplit(3, train_size=30, test_size=6, random_state=0),
        GroupShuffleSplit(3, train_size=0.5, random_state=0),
        [(np.arange(16, 48), np.arange(16)), (np.arange(16), np.arange(16, 24))],
        [(GROUPS > 1, GROUPS == 0), (GROUPS < 4, GROUPS > 3)],
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_report_finds_the_share_of_test_images(rows, cv):
    """From the splitter, and equal to the share in its splits."""
    groups = GROUPS if "Group" in type(cv).__name__ else None
    splits = cv if isinstance(cv, list) else check_cv(cv).split(*rows, groups)
    sides = [[np.arange(48)[side].size for side in split] for split in splits]
    share = np.mean([n_test / (n_train + n_test) for n_train, n_test in sides])
    document = SearchReport(search(rows, cv)).document
    assert document["interval"]["test_fraction"] == pytest.approx(share)
    assert document["candidates"][0]["low"] is not None


@pytest.mark.parametrize(
    ("cv", "fraction"),
    [(StratifiedShuffleSplit(3, random_state=0), 0.1), (GroupShuffleSplit(3, random_state=0), 0.2)],
    ids=lambda cv: type(cv).__name__,
)
def test_report_knows_the_default_share_of_scikit_learn(rows, cv, fraction):
    """As documented there."""
    assert SearchReport(search(rows, cv)).document["interval"]["test_fraction"] == fraction


@pytest.mark.parametrize(
    "cv",
    [
        LeavePGroupsOut(2),
        LeavePOut(2),
        TimeSeriesSplit(3),
        ShuffleSplit(3, test_size=12, random_state=0),
        ShuffleSplit(3, train_size=12, random_state=0),
        StratifiedShuffleSplit(3, test_size=12, train_size=0.5, random_state=0),
        OwnSplitter(),
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_report_without_a_known_share_has_no_interval(rows, cv, tmp_path):
    """The mean is shown, and the remedy is named."""
    fitted = search(rows, cv)
    found = SearchReport(fitted)
    assert found.document["interval"]["test_fraction"] is None
    assert found.best["low"] is found.best["high"] is None
    assert found.best["mean"] == pytest.approx(fitted.best_score_)
    assert found.best["standard_error"] is not None
    assert "the share of test images in each split is not known" in repr(found)
    assert "Pass test_fraction to SearchReport" in repr(found)
    assert "interval no interval" not in repr(found)
    for ending in ("html", "md"):
        found.save(tmp_path / f"search.{ending}")
        text = (tmp_path / f"search.{ending}").read_text()
        assert "the share of test images in each split is not known" in text
        assert "Nadeau" not in text
    given = SearchReport(fitted, test_fraction=0.25)
    assert given.best["low"] is not None
    assert "is not known" not in repr(given)


def test_interval_of_half_the_rows_uses_the_ratio_of_one(rows):
    """Equal numbers of training and test rows: variance times (1/3 + 1), calculated by hand."""
    cv = ShuffleSplit(3, train_size=0.5, random_state=0)
    best = SearchReport(search(rows, cv)).best
    half = 4.3026527 * math.sqrt((1 / 3 + 1) * np.var(best["folds"], ddof=1))
    assert best["mean"] - best["low"] == pytest.approx(half, abs=1e-6)


def test_report_of_one_fold_has_no_interval(rows):
    """One score has no spread."""
    found = SearchReport(search(rows, PredefinedSplit(np.repeat([-1, 0], 24))))
    assert found.document["interval"]["test_fraction"] == 0.5
    assert found.best["low"] is None
    assert "one fold has no spread" in repr(found)
