"""Splitters that keep sites together, or count each patient once."""

import re

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold

from cellsk.model_selection import PreservedSiteKFold, StratifiedPatientKFold, choose_cv


def make_cohort(n_patients=12, n_images=5, classes=("benign", "malignant")):
    """Return labels and patients, where each patient has images of every class."""
    y = np.array(classes)[np.arange(n_patients * n_images) % len(classes)]
    groups = np.repeat([f"p{number:02}" for number in range(n_patients)], n_images)
    return y, groups


def split_all(cv, y, groups=None):
    """Return the folds of a splitter as lists of rows."""
    return [(train.tolist(), test.tolist()) for train, test in cv.split(y, y, groups)]


def _make_steep():
    """Return a cohort in which image counts put both patients of class 2 into one fold."""
    counts = [(0, 7, 0), (0, 3, 4), (2, 0, 1), (2, 0, 0)]
    y = np.concatenate([np.repeat([0, 1, 2], count) for count in counts])
    return y, np.repeat([f"p{number}" for number in range(4)], [sum(count) for count in counts])


def test_choose_counts_patients_where_images_cannot_be_balanced():
    """A class of two patients is tested in both folds, unlike with scikit-learn."""
    y, groups = _make_steep()
    for seed in range(20):
        plain = StratifiedGroupKFold(2, shuffle=True, random_state=seed)
        assert any(len(set(y[train])) < 3 for train, _ in plain.split(y, y, groups))
    cv = choose_cv(y, groups, 2)
    assert repr(cv) == "StratifiedPatientKFold(n_splits=2, random_state=0)"
    for train, test in cv.split(y, y, groups):
        assert not set(groups[train]) & set(groups[test])
        assert set(y[train]) == set(y[test]) == {0, 1, 2}


def test_choose_with_sites_keeps_sites_and_patients():
    """All images of a site are in one fold, and so are those of a patient."""
    y, groups = make_cohort()
    sites = np.array(list("ABCDEF")).repeat(10)
    cv = choose_cv(y, groups, 3, sites=sites)
    assert isinstance(cv, PreservedSiteKFold)
    tested = np.concatenate([test for _, test in cv.split(y, y, groups)])
    assert sorted(tested) == list(range(len(y)))
    for train, test in cv.split(y, y, groups):
        assert not set(sites[train]) & set(sites[test])
        assert not set(groups[train]) & set(groups[test])
        assert set(y[test]) == {"benign", "malignant"}


def test_choose_with_sites_splits_rows_of_an_outer_fold():
    """A search inside a fold keeps sites together too."""
    y, groups = make_cohort()
    sites = np.array(list("ABCDEF")).repeat(10)
    cv = choose_cv(y, groups, 3, sites=sites)
    outer = np.flatnonzero(~np.isin(sites, ["A", "D"]))
    for train, test in cv.split(outer, y[outer], groups[outer]):
        assert not set(sites[outer[train]]) & set(sites[outer[test]])


def test_choose_with_sites_works_in_a_search():
    """A search passes groups to the splitter."""
    y, groups = make_cohort()
    sites = np.array(list("ABCDEF")).repeat(10)
    X = np.random.default_rng(0).normal(size=(len(y), 2))
    search = GridSearchCV(
        LogisticRegression(), {"C": [1.0]}, cv=choose_cv(y, groups, 3, sites=sites)
    )
    search.fit(X, y, groups=groups)
    with config_context(enable_metadata_routing=True):
        routed = clone(search).fit(X, y, groups=groups)
    for name in ("split0_test_score", "split2_test_score"):
        assert search.cv_results_[name] == routed.cv_results_[name]


def test_choose_sites_that_share_a_patient_become_one():
    """A patient with images of two sites joins them."""
    y, groups = make_cohort()
    sites = np.array(list("ABCDEF")).repeat(10)
    sites[5] = "C"  # of the second patient of site A
    cv = choose_cv(y, groups, 3, sites=sites)
    together = np.isin(sites, ["A", "C"])
    for train, test in cv.split(y, y, groups):
        assert not (together[train].any() and together[test].any())
    assert repr(cv).startswith("PreservedSiteKFold(<5 sites of 12 patients>, n_splits=3,")


def test_patient_folds_count_each_patient_once():
    """Each of two folds has three of six patients, with any number of images."""
    sizes = [50, 1, 1, 40, 1, 1, 30, 1, 1, 20, 1, 1]
    groups = np.repeat(np.arange(12), sizes)
    y = np.repeat(np.arange(12) % 2, sizes)
    cv = StratifiedPatientKFold(3)
    tests = [test for _, test in cv.split(y, y, groups)]
    assert sorted(np.concatenate(tests)) == list(range(len(y)))
    for test in tests:
        assert len(set(groups[test][y[test] == 0])) == len(set(groups[test][y[test] == 1])) == 2
    assert split_all(clone(cv, safe=False), y, groups) == split_all(cv, y, groups)


@pytest.mark.parametrize("lost", ["y", "groups"])
def test_patient_folds_without_labels_or_patients_raise(lost):
    """Labels and patients are required, and the error names the missing one."""
    columns = {"y": [0, 1, 0, 1], "groups": [1, 1, 2, 2], lost: None}
    with pytest.raises(ValueError, match=rf"class and patient of each image\. Got {lost}=None"):
        next(StratifiedPatientKFold(2).split(range(4), **columns))


def test_choose_sites_that_are_all_joined_explain_their_number():
    """The error counts joined sites, and explains it."""
    y, groups = make_cohort()
    sites = np.array(["A", "B"])[np.arange(len(y)) // 2 % 2]
    with pytest.raises(
        ValueError,
        match=r"as many sites.*with 1 site.*that share a patient count as one\. Add sites",
    ):
        choose_cv(y, groups, sites=sites)


def test_choose_sites_without_groups_takes_sites_as_groups():
    """Without patients, the sites are the groups."""
    y, _ = make_cohort()
    sites = np.arange(60) // 10
    cv = choose_cv(y, sites=sites, n_splits=3)
    assert type(cv) is StratifiedGroupKFold
    for train, test in cv.split(y, y, sites):
        assert not set(sites[train]) & set(sites[test])


def test_choose_sites_that_are_few_are_counted_as_sites():
    """If images cannot be balanced, sites are balanced."""
    y, patients = _make_steep()
    cv = choose_cv(y, np.arange(len(y)), 2, sites=patients)
    assert cv.count == "sites"
    for train, test in cv.split(y, y, np.arange(len(y))):
        assert not set(patients[train]) & set(patients[test])
        assert set(y[test]) == {0, 1, 2}


def test_site_folds_with_unknown_patient_raise():
    """A patient without a site is an error."""
    cv = PreservedSiteKFold({"p1": "A", "p2": "B"}, 2)
    with pytest.raises(ValueError, match=r"1 patient without a site: 'p3'\. Make the splitter"):
        next(cv.split([0, 1, 2], [0, 1, 0], ["p1", "p2", "p3"]))
    with pytest.raises(ValueError, match=re.escape("Got groups=None. Pass groups")):
        next(cv.split([0, 1, 2], [0, 1, 0]))


def test_site_folds_are_stratified_group_folds_of_sites():
    """The folds are those of StratifiedGroupKFold with the sites as groups."""
    y, groups = make_cohort()
    sites = np.array(list("ABCDEF")).repeat(10)
    cv = PreservedSiteKFold(dict(zip(groups.tolist(), sites.tolist(), strict=True)), 3)
    plain = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    assert split_all(cv, y, groups) == split_all(plain, y, sites)
