"""Folds and errors of InnerKFold."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from cellsk.model_selection import InnerKFold


def make_rows(n_patients_of_class, n_images=4):
    """Return labels and patients, where each patient has images of one class."""
    y = np.concatenate([np.full(n * n_images, k) for k, n in enumerate(n_patients_of_class)])
    return y, np.arange(sum(n_patients_of_class)).repeat(n_images)


def assert_sound(folds, y, groups):
    """Assert that each row is tested once, patients stay together, and no class is missing."""
    assert np.array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(len(y)))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert set(y[train]) == set(y[test]) == set(y)


@pytest.mark.parametrize(
    ("patients", "n_folds"), [((9, 9), 3), ((2, 20), 2), ((3, 3, 4), 3), ((2, 2, 2), 2)]
)
def test_inner_folds_few_patients_of_a_class_gives_fewer_whole_folds(patients, n_folds):
    """There are as many folds as the rarest class has patients, at most three."""
    y, groups = make_rows(patients)
    folds = list(InnerKFold(3).split(y, y, groups))
    assert len(folds) == n_folds == InnerKFold(3).get_n_splits(y, y, groups)
    assert_sound(folds, y, groups)


@pytest.mark.parametrize("seed", range(10))
def test_inner_folds_uneven_patients_hold_all_classes(seed):
    """Patients with few and with many images, and of both classes, stay together."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(8, size=80, p=rng.dirichlet(np.ones(8)))
    y = (rng.random(80) < rng.random(8)[groups]).astype(int)
    y[np.isin(groups, groups[:2])] = 0
    per_class = [len(set(groups[y == label])) for label in (0, 1)]
    if min(per_class) < 2:
        with pytest.raises(ValueError, match="Two patients of each class"):
            list(InnerKFold(3).split(y, y, groups))
    else:
        assert_sound(list(InnerKFold(3).split(y, y, groups)), y, groups)


def test_inner_folds_without_groups_splits_images():
    """Independent images are stratified without groups."""
    y = np.array(["a"] * 5 + ["b"] * 7)
    folds = list(InnerKFold(3, grouped=False).split(y, y))
    assert_sound(folds, y, np.arange(12))


def test_inner_folds_same_seed_gives_same_folds():
    """The folds depend on the seed only."""
    y, groups = make_rows((6, 6))
    first, again, other = (
        [test.tolist() for _, test in InnerKFold(3, random_state=seed).split(y, y, groups)]
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_inner_folds_one_patient_of_a_class_names_the_remedy():
    """One patient of a class is an error with a remedy."""
    y, groups = make_rows((1, 5))
    with pytest.raises(
        ValueError,
        match=r"Got 1 patient of 0, 5 patients of 1\. Two.*leave out",
    ):
        list(InnerKFold().split(y, y, groups))


def test_inner_folds_patients_that_share_classes_names_the_remedy():
    """Two patients of each class may still be impossible to divide."""
    y = np.array([0, 1, 0, 1, 2, 0, 2])
    groups = np.array(["A", "A", "B", "B", "B", "C", "C"])
    with pytest.raises(ValueError, match=r"divided in this way\. Add patients, or leave out"):
        list(InnerKFold().split(y, y, groups))


def test_inner_folds_groups_forgotten_in_fit_raises():
    """If patients are known, folds without groups raise an error."""
    y, _ = make_rows((4, 4))
    with pytest.raises(ValueError, match=r"need groups in fit.*enable_metadata_routing"):
        list(InnerKFold(grouped=True).split(y, y))


def test_inner_folds_max_splits_of_one_raises():
    """One fold is an error."""
    y, groups = make_rows((4, 4))
    with pytest.raises(ValueError, match="max_splits must be a whole number of at least 2"):
        list(InnerKFold(1).split(y, y, groups))


def test_inner_folds_in_a_search_are_given_groups():
    """A search passes groups to the splitter."""
    y, groups = make_rows((5, 5))
    X = np.random.default_rng(0).normal(size=(len(y), 2)) + y[:, None]
    cv = clone(InnerKFold(4, random_state=3), safe=False)
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=cv)
        search.fit(X, y, groups=groups)
    assert repr(cv) == "InnerKFold(grouped=True, max_splits=4, random_state=3)"
    assert search.n_splits_ == 4
