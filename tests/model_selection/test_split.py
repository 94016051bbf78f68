"""Splitters and errors of choose_cv."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    BaseCrossValidator,
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
)

from cellsk.exceptions import InputError, SplitWarning
from cellsk.model_selection import choose_cv


def make_cohort(n_patients=12, n_images=5, classes=("benign", "malignant")):
    """Return labels and patients: each patient has images of every class."""
    y = np.array(classes)[np.arange(n_patients * n_images) % len(classes)]
    groups = np.repeat([f"p{number:02}" for number in range(n_patients)], n_images)
    return y, groups


def split_all(cv, y, groups=None):
    """Return the folds of a splitter as lists of rows."""
    return [(train.tolist(), test.tolist()) for train, test in cv.split(y, y, groups)]


# The right splitter -----------------------------------------------------------------


def test_choose_without_groups_gives_shuffled_stratified_folds():
    """Independent images get a StratifiedKFold with the given seed."""
    y, _ = make_cohort()
    cv = choose_cv(y, n_splits=4, random_state=7)
    assert repr(cv) == repr(StratifiedKFold(4, shuffle=True, random_state=7))
    assert type(cv) is StratifiedKFold


def test_choose_with_groups_gives_shuffled_stratified_group_folds():
    """Patients get a StratifiedGroupKFold with the given seed."""
    y, groups = make_cohort()
    cv = choose_cv(y, groups, 3, random_state=7)
    assert repr(cv) == repr(StratifiedGroupKFold(3, shuffle=True, random_state=7))
    assert type(cv) is StratifiedGroupKFold


def test_choose_folds_keep_patients_and_classes():
    """Each fold tests every class, and no patient is on both sides."""
    y, groups = make_cohort(classes=("a", "b", "c"))
    for train, test in choose_cv(y, groups).split(y, y, groups):
        assert not set(groups[train]) & set(groups[test])
        assert set(y[train]) == set(y[test]) == {"a", "b", "c"}


def test_choose_splitter_clones_pickles_and_repeats():
    """Copies of a splitter give the same folds, each time."""
    y, groups = make_cohort()
    sites = np.where(groups < "p06", "A", "B")
    for cv, by in (
        (choose_cv(y), None),
        (choose_cv(y, groups), groups),
        (choose_cv(y, groups, 2, sites=sites), groups),
    ):
        folds = split_all(cv, y, by)
        assert isinstance(cv, BaseCrossValidator)
        assert split_all(cv, y, by) == folds
        assert split_all(clone(cv, safe=False), y, by) == folds
        assert split_all(pickle.loads(pickle.dumps(cv)), y, by) == folds


def test_choose_grouped_folds_do_not_depend_on_row_order():
    """The fold of a patient does not depend on the order of the images."""
    y, groups = make_cohort()
    order = np.random.default_rng(0).permutation(len(y))
    straight = choose_cv(y, groups).split(y, y, groups)
    mixed = choose_cv(y[order], groups[order]).split(y, y[order], groups[order])
    for (_, test), (_, test_mixed) in zip(straight, mixed, strict=True):
        assert set(groups[test]) == set(groups[order][test_mixed])


def test_choose_names_and_codes_give_the_same_folds():
    """String labels, whole numbers, bool, lists and pandas columns are all labels."""
    y, groups = make_cohort()
    expected = split_all(choose_cv(y, groups), y, groups)
    for labels in (
        (y == "malignant").astype(int),
        y == "malignant",
        y.tolist(),
        pd.Series(y, index=range(100, 100 + len(y))),
        pd.Series(y, dtype="category"),
        np.array(y, dtype=object),
    ):
        cv = choose_cv(labels, pd.Series(groups))
        assert split_all(cv, np.asarray(labels), groups) == expected


def test_choose_leaves_global_random_state_alone():
    """Neither a seed nor None draws from the caller's global generator."""
    y, groups = make_cohort()
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    choose_cv(y, groups)
    choose_cv(y, groups, random_state=None)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("state", [None, np.random.RandomState(0)])
def test_choose_with_no_fixed_seed_still_gives_fixed_folds(state):
    """A seed is drawn once, so that all candidates of a search see the same folds."""
    y, groups = make_cohort()
    cv = choose_cv(y, groups, random_state=state)
    assert isinstance(cv.random_state, int)
    assert split_all(cv, y, groups) == split_all(cv, y, groups)


def test_choose_another_seed_gives_other_folds():
    """The folds depend on the seed."""
    y, groups = make_cohort()
    first, second = (choose_cv(y, groups, random_state=seed) for seed in (0, 1))
    assert split_all(first, y, groups) != split_all(second, y, groups)


def test_choose_works_in_a_search_with_groups():
    """A grid search can use the splitter, also inside another split."""
    y, groups = make_cohort()
    X = np.random.default_rng(0).normal(size=(len(y), 2))
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=choose_cv(y, groups, 3))
    search.fit(X, y, groups=groups)
    assert search.n_splits_ == 3
    # Nested: the splitter also splits the rows of an outer training side.
    with config_context(enable_metadata_routing=True):
        outer = choose_cv(y, groups, 2)
        scores = cross_val_score(search, X, y, cv=outer, params={"groups": groups})
    assert np.isfinite(scores).all()


# Small and unbalanced -----------------------------------------------------------------


def test_choose_ten_images_gives_five_folds():
    """Ten images, five of each class, are enough for five folds."""
    y = ["benign", "malignant"] * 5
    folds = split_all(choose_cv(y), y)
    assert [len(test) for _, test in folds] == [2] * 5


def test_choose_seven_classes_of_two_images_gives_two_folds():
    """Two images of each of seven classes make two folds with all classes."""
    y = np.repeat(np.arange(7), 2)
    for train, test in choose_cv(y, n_splits=2).split(y, y):
        assert len(set(y[train])) == len(set(y[test])) == 7


def test_choose_two_image_class_says_how_many_folds_work():
    """The error names the class and the possible number of folds."""
    y = ["benign"] * 20 + ["malignant"] * 2
    with pytest.raises(
        ValueError,
        match=r"at least as many images as.*'malignant' with 2 images.*Pass n_splits=2\.$",
    ):
        choose_cv(y)
    assert choose_cv(y, n_splits=2).n_splits == 2


def test_choose_too_few_units_gives_a_code_and_the_possible_folds():
    """The command line finds its words for a remedy by code and values."""
    y = np.repeat(["benign", "malignant"], 6)
    patients = np.array([*"aabbccddee", "e", "f"])
    for groups, code, n_splits in ((None, "images", 6), (patients, "groups", 3)):
        with pytest.raises(InputError) as caught:
            choose_cv(y, groups, 7)
        assert caught.value.code == f"too-few-{code}-for-folds"
        assert caught.value.values["n_splits"] == n_splits


def test_choose_one_image_class_says_that_no_folds_work():
    """A class with one image cannot be divided."""
    with pytest.raises(ValueError, match=r"'b' with 1 image .*Add images of such a class"):
        choose_cv(["a"] * 5 + ["b"])


def test_choose_too_few_patients_says_how_many_folds_work():
    """The number of patients is what counts, not the number of images."""
    y = np.repeat(["benign", "malignant"], 100)
    groups = np.concatenate([np.arange(100) % 10, 100 + np.arange(100) % 3])
    with pytest.raises(
        ValueError,
        match=r"as many patients as.*'malignant' with 3 patients.*Pass n_splits=3 or fewer",
    ):
        choose_cv(y, groups)
    choose_cv(y, groups, 3)


def test_choose_all_one_group_says_that_no_folds_work():
    """The images of one patient cannot be divided."""
    y = ["benign", "malignant"] * 10
    with pytest.raises(ValueError, match=r"with 1 patient.*Add patients, or pass groups=None"):
        choose_cv(y, ["p1"] * 20)


def test_choose_many_short_classes_names_three():
    """The error names at most three classes."""
    y = np.repeat(np.arange(7), 2)
    with pytest.raises(ValueError, match=r"0 with 2 images, 1 with .*, 2 with 2 images and 4 more"):
        choose_cv(y)


def test_choose_class_missing_from_a_test_side_warns_with_number_of_folds():
    """The warning gives the number of folds that would have every class."""
    y, groups = _make_uneven()
    with pytest.warns(SplitWarning, match=r"test every class.*of whole patients without 'rare'"):
        cv = choose_cv(y, groups, 3)
    tests = [set(y[test]) for _, test in cv.split(y, y, groups)]
    assert any("rare" not in test for test in tests)
    with pytest.warns(SplitWarning, match="Pass n_splits=2 for folds that do"):
        choose_cv(y, groups, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choose_cv(y, groups, 2)


def _make_uneven():
    """Return three patients with 'rare', of which scikit-learn puts two into one fold."""
    counts = {"a": (6, 1), "b": (3, 2), "c": (0, 8), "d": (4, 0)}
    y = [name for pair in counts.values() for name in ["usual"] * pair[0] + ["rare"] * pair[1]]
    groups = [name for name, pair in counts.items() for _ in range(sum(pair))]
    return np.array(y), np.array(groups)


def test_choose_class_missing_from_training_raises():
    """If each two of three patients share a class, some class is always missing."""
    y = list("AABBCC" * 3)
    groups = [1, 2, 2, 3, 3, 1] * 3
    with pytest.raises(ValueError, match=r"in the training side of each fold.*Add patients"):
        choose_cv(y, groups, 2)


def test_choose_tries_other_seeds_before_it_warns():
    """If the first seed leaves a class out, another seed is found, always the same."""
    counts = [(2, 1), (2, 0), (0, 2), (2, 0), (1, 0), (1, 1)]
    y = np.array([code for pair in counts for code in [0] * pair[0] + [1] * pair[1]])
    groups = np.repeat(np.arange(6), [sum(pair) for pair in counts])
    plain = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    assert any(len(set(y[test])) == 1 for _, test in plain.split(y, y, groups))
    cv = choose_cv(y, groups, 3)
    assert all(len(set(y[test])) == 2 for _, test in cv.split(y, y, groups))
    assert cv.random_state == choose_cv(y, groups, 3).random_state != 0


@pytest.mark.parametrize("seed", range(40))
def test_choose_any_cohort_gives_folds_or_a_number_that_works(seed):
    """Unbalanced cohorts give valid folds, or an error with a possible number of folds."""
    y, groups, n_splits = _draw_cohort(np.random.default_rng(seed))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            cv = choose_cv(y, groups, n_splits, random_state=seed)
        except ValueError as error:
            cv, n_splits = _follow_remedy(str(error), y, groups)
    if cv is None:
        patients = [len(set(groups[y == name])) for name in set(y)]
        assert min(patients) == 1
        return
    folds = list(cv.split(y, y, groups))
    assert len(folds) == n_splits
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(y)))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert set(y[train]) == set(y)
    whole = all(set(y[test]) == set(y) for _, test in folds)
    assert whole == (not caught)
    assert all(issubclass(warning.category, SplitWarning) for warning in caught)


def _draw_cohort(generator):
    """Return labels and patients of uneven size and mix, and a number of folds."""
    n_classes, n_patients = generator.integers(2, 5), generator.integers(4, 16)
    sizes = generator.geometric(0.15, n_patients)
    groups = np.repeat(np.arange(n_patients), sizes)
    mixes = generator.dirichlet(np.full(n_classes, 0.4), n_patients)
    y = np.concatenate(
        [generator.choice(n_classes, size, p=mix) for size, mix in zip(sizes, mixes, strict=True)]
    )
    return y, groups, int(generator.integers(2, 6))


def _follow_remedy(text, y, groups):
    """Return the splitter for the number of folds in an error, or None."""
    number = re.search(r"Pass n_splits=(\d+)", text)
    if number is None:
        assert "Add patients, or pass groups=None" in text
        return None, 0
    return choose_cv(y, groups, int(number[1]), random_state=0), int(number[1])


# Invalid labels, patients and folds ---------------------------------------------


def test_choose_one_class_raises():
    """One class is an error."""
    with pytest.raises(ValueError, match=r"two classes\. Got one, 'benign', for all 8.*Add images"):
        choose_cv(["benign"] * 8)


@pytest.mark.parametrize("missing", [None, np.nan, "", "  ", pd.NA, pd.NaT])
@pytest.mark.parametrize("name", ["y", "groups", "sites"])
def test_choose_missing_name_raises(missing, name):
    """Missing labels, patients or sites are counted, and the first is named."""
    y, groups = make_cohort()
    columns = {"y": y.tolist(), "groups": groups.tolist(), "sites": ["A", "B", "C"] * 20}
    columns[name][3] = missing
    words = {"y": "class", "groups": "patient", "sites": "site"}
    match = rf"{name} must name the {words[name]}.*1 of 60 images.*{name}\[3\].*Fill them in"
    with pytest.raises(ValueError, match=match):
        choose_cv(**columns)


@pytest.mark.parametrize("lost", ["nan", "None", "<NA>"])
def test_choose_missing_group_as_text_raises(lost):
    """The text of a missing value is not a patient, but may be a class."""
    y, groups = make_cohort()
    with pytest.raises(ValueError, match=r"groups must name.*5 of 60.*or pass groups=None"):
        choose_cv(y, np.where(groups == "p00", lost, groups))
    assert choose_cv(np.where(y == "benign", lost, y)).n_splits == 5


def test_choose_lengths_that_differ_raise():
    """Columns of another length raise an error."""
    y, groups = make_cohort()
    with pytest.raises(ValueError, match=r"one patient per image.*Got 59 for 60 labels"):
        choose_cv(y, groups[1:])
    with pytest.raises(ValueError, match=r"one site per image.*Got 1 for 60 labels"):
        choose_cv(y, groups, sites=["A"])


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (None, r"one class per image\. Got None"),
        ("benign", r"one class per image\. Got 'benign'.*Pass a list"),
        ([], r"Got no image\. Pass at least two"),
        (np.eye(4), r"Got an array of shape \(4, 4\)\. Pass one column"),
        (np.linspace(0.1, 1, 9), r"not measurements\. Got numbers such as 0\.1"),
        ([1, "a"] * 5, r"of one type.*Got int and str\. Convert them to text"),
        ([[1], [2, 3]] * 5, r"of one type.*Got list"),
    ],
)
def test_choose_labels_that_are_none_raise(y, match):
    """Each kind of invalid labels has its own error."""
    with pytest.raises(ValueError, match=match):
        choose_cv(y)


@pytest.mark.parametrize(
    ("n_splits", "error"), [(1, ValueError), (0, ValueError), (2.0, TypeError), (True, TypeError)]
)
def test_choose_number_of_folds_that_is_none_raises(n_splits, error):
    """The number of folds is a whole number of at least 2."""
    with pytest.raises(error, match=r"n_splits must be a whole number of at least 2"):
        choose_cv(make_cohort()[0], n_splits=n_splits)


@pytest.mark.parametrize(
    ("state", "error"), [(-1, ValueError), (2**32, ValueError), ("0", TypeError)]
)
def test_choose_seed_that_is_none_raises(state, error):
    """A seed is a whole number that NumPy accepts."""
    with pytest.raises(error, match="random_state must be"):
        choose_cv(make_cohort()[0], random_state=state)
