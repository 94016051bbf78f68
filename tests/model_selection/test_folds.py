"""Folds, warnings and errors of resolve_cv."""

import numpy as np
import pytest
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)

from cellsk.exceptions import FoldManifestError, SplitWarning
from cellsk.model_selection import choose_cv, resolve_cv, write_manifest

Y = np.array(["benign", "malignant"] * 10)
GROUPS = np.repeat([f"p{number}" for number in range(10)], 2)
SITES = np.repeat(list("ABCDE"), 4)
X = np.arange(20 * 12, dtype=np.uint8).reshape(20, 2, 2, 3)


def as_lists(splits):
    """Return folds as lists of rows."""
    return [(list(train), list(test)) for train, test in splits]


def check_whole(folds, n_rows=20):
    """Assert that sides are disjoint and each row is tested once."""
    tested = np.concatenate([test for _, test in folds.splits])
    assert sorted(tested) == list(range(n_rows))
    for number, (train, test) in enumerate(folds.splits):
        assert not set(train) & set(test)
        assert (folds.codes[test] == number).all()


# Chosen -----------------------------------------------------------------------------


@pytest.mark.parametrize(("cv", "n_splits"), [(None, 5), (3, 3), (np.int64(4), 4)])
def test_resolve_number_chooses_as_choose_cv_does(cv, n_splits):
    """None and a number of folds give the folds of choose_cv."""
    folds = resolve_cv(cv, X, Y, GROUPS, random_state=3)
    splitter = choose_cv(Y, GROUPS, n_splits, random_state=3)
    assert as_lists(folds.splits) == as_lists(splitter.split(X, Y, GROUPS))
    assert folds.description == repr(splitter)
    assert (folds.source, folds.random_state, folds.notes) == ("chosen", 3, [])
    assert folds.groups_kept_together
    assert not folds.sites_kept_together
    check_whole(folds)


def test_resolve_none_takes_n_splits():
    """With cv=None, n_splits is the number of folds."""
    assert len(resolve_cv(None, X, Y, n_splits=2).splits) == 2


def test_resolve_without_groups_does_not_claim_to_keep_them():
    """Without groups, groups_kept_together is False."""
    folds = resolve_cv(None, X, Y)
    assert folds.description.startswith("StratifiedKFold(")
    assert not folds.groups_kept_together


@pytest.mark.parametrize("groups", [GROUPS, None])
def test_resolve_with_sites_keeps_sites(groups):
    """Sites stay together, with patients and without."""
    folds = resolve_cv(2, X, Y, groups, sites=SITES)
    assert folds.sites_kept_together
    check_whole(folds)
    for train, test in folds.splits:
        assert not set(SITES[train]) & set(SITES[test])


def test_resolve_chosen_folds_lacking_a_class_warn_once():
    """The warning of choose_cv is given once and kept in notes."""
    counts = {"a": (6, 1), "b": (3, 2), "c": (0, 8), "d": (4, 0)}
    y = np.array([code for pair in counts.values() for code in [0] * pair[0] + [1] * pair[1]])
    groups = np.array([name for name, pair in counts.items() for _ in range(sum(pair))])
    with pytest.warns(SplitWarning, match="Pass n_splits=2") as caught:
        folds = resolve_cv(3, np.arange(len(y)), y, groups)
    assert [warning.message for warning in caught] == folds.notes
    assert [(note.code, note.values) for note in folds.notes] == [
        ("class-missing-from-test", {"n_splits": 2})
    ]


def test_resolve_impossible_folds_raise():
    """An error of choose_cv is raised before anything is trained."""
    with pytest.raises(ValueError, match=r"with 10 patients .*Pass n_splits=10 or fewer"):
        resolve_cv(11, X, Y, GROUPS)
    with pytest.raises(ValueError, match="must be a whole number of at least 2"):
        resolve_cv(1, X, Y)


# Given ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cv",
    [
        StratifiedGroupKFold(3, shuffle=True, random_state=5),
        GroupKFold(4),
        LeaveOneGroupOut(),
        KFold(2),
        PredefinedSplit(np.repeat([0, 1], 10)),
    ],
)
def test_resolve_splitter_is_used_as_it_is(cv):
    """A splitter that keeps patients together gives its folds without a warning."""
    folds = resolve_cv(cv, X, Y, GROUPS)
    split_by = {} if isinstance(cv, KFold | PredefinedSplit) else {"groups": GROUPS}
    assert as_lists(folds.splits) == as_lists(cv.split(X, Y, **split_by))
    assert folds.source == "given"
    assert folds.random_state == getattr(cv, "random_state", None)
    check_whole(folds)


def test_resolve_long_splitter_is_described_shortly():
    """The long repr of PredefinedSplit is shortened."""
    y, cv = np.tile([0, 1], 300), PredefinedSplit(np.repeat([0, 1], 300))
    assert len(resolve_cv(cv, np.arange(600), y).description) <= 120


def test_resolve_rows_and_masks_are_folds():
    """Pairs of rows in any order, a generator of pairs, and masks are folds."""
    first, second = np.arange(10), np.arange(10, 20)
    expected = [(list(second), list(first)), (list(first), list(second))]
    mask = np.arange(20) < 10
    for cv in (
        [(second[::-1], first), (first, second)],
        ((train, test) for train, test in [(second, first), (first, second)]),
        [(~mask, mask), (mask, ~mask)],
    ):
        folds = resolve_cv(cv, X, Y, GROUPS)
        assert as_lists(folds.splits) == expected
        assert folds.description == "a list of 2 folds"


def test_resolve_splitter_that_splits_patients_raises():
    """The error counts the patients on both sides, and has a remedy."""
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    fold_of = {row: fold for fold, (_, test) in enumerate(cv.split(X, Y)) for row in test}
    n_split = sum(fold_of[row] != fold_of[row + 1] for row in range(0, 20, 2))
    assert n_split > 0
    match = (
        r"^cv must keep groups together\. Got StratifiedKFold\(n_splits=5, .*\), which puts images"
        rf" of {n_split} patients in both training and test\. Use choose_cv\(y, groups\), or pass"
        r" groups=None if the images are independent\.$"
    )
    with pytest.raises(ValueError, match=match):
        resolve_cv(cv, X, Y, GROUPS)


def test_resolve_split_patients_are_counted():
    """Only patients on both sides are counted."""
    test = np.array([0, 2, 4, 5, 6, 7])  # patients 0 and 1 are split, 2 and 3 are not
    rest = np.setdiff1d(np.arange(20), test)
    with pytest.raises(ValueError, match="Got a list of 2 folds, which puts images of 2 patients"):
        resolve_cv([(rest, test), (test, rest)], X, Y, GROUPS)


def test_resolve_splitter_that_splits_sites_raises():
    """Sites must stay together too."""
    with pytest.raises(ValueError, match=r"keep sites together.*5 sites.*sites=sites\), or pass"):
        resolve_cv(GroupKFold(10), X, Y, GROUPS, sites=SITES)


@pytest.mark.parametrize(
    ("cv", "found"),
    [
        (ShuffleSplit(10, random_state=0), r"tests \d+ images more than once"),
        (RepeatedKFold(n_splits=2, random_state=0), "tests 20 images more than once"),
    ],
)
def test_resolve_images_tested_twice_raise(cv, found):
    """An image would have several predictions. The remedy names a splitter with one split."""
    match = rf"each image at most once.*{found}.*Pass choose_cv.*GroupShuffleSplit\(1\)"
    with pytest.raises(ValueError, match=match):
        resolve_cv(cv, X, Y)


@pytest.mark.parametrize("cv", [[], PredefinedSplit(np.full(20, -1))])
def test_resolve_no_fold_raises(cv):
    """Without a test side there is nothing to score."""
    with pytest.raises(ValueError, match=r"must have at least one fold\. Got .*, with none"):
        resolve_cv(cv, X, Y)


@pytest.mark.parametrize(
    ("cv", "tested"),
    [
        (PredefinedSplit(np.repeat([0, -1], 10)), range(10)),
        (PredefinedSplit(np.repeat([0, 1, -1], [4, 6, 10])), range(10)),
        ([(np.arange(10, 20), np.arange(10))], range(10)),
        ([(np.arange(20) >= 10, [3, 1, 2])], [1, 2, 3]),
        (TimeSeriesSplit(3), range(5, 20)),
        (ShuffleSplit(1, test_size=20 - 1, train_size=1), None),
    ],
)
def test_resolve_images_that_are_never_tested_are_known(cv, tested):
    """One split is enough, and a splitter need not test each image."""
    if tested is None:
        with pytest.raises(ValueError, match="Pass another split, or choose_cv"):
            resolve_cv(cv, X, Y)
        return
    folds = resolve_cv(cv, X, Y)
    assert folds.tested.tolist() == list(tested)
    assert (folds.codes[np.setdiff1d(np.arange(20), folds.tested)] == -1).all()


@pytest.mark.parametrize("cv", [StratifiedShuffleSplit(1, random_state=0), ShuffleSplit(1)])
def test_resolve_one_split_that_splits_patients_raises(cv):
    """The remedy is a splitter by patient with one split."""
    with pytest.raises(ValueError, match=r"keep groups together.*GroupShuffleSplit\(1\) for one"):
        resolve_cv(cv, X, Y, np.repeat(["p", "q"], 10))
    assert len(resolve_cv(GroupShuffleSplit(1, random_state=0), X, Y, GROUPS).splits) == 1


def test_resolve_splitter_that_cannot_split_raises():
    """The error quotes that of scikit-learn."""
    with pytest.raises(ValueError, match=r"Got GroupKFold.*'groups' parameter should not be None"):
        resolve_cv(GroupKFold(2), X, Y)


@pytest.mark.parametrize("cv", [3.5, object()])
def test_resolve_invalid_cv_raises(cv):
    """An object of another type is an error."""
    with pytest.raises(TypeError, match=r"cv must be None, a number of folds, a splitter"):
        resolve_cv(cv, X, Y)


@pytest.mark.parametrize(
    ("fold", "match"),
    [
        ((1, 2), r"fold 1, which is not a pair.*Pass pairs of lists of whole numbers from 0 to 19"),
        (5, "Got fold 1, which is not a pair"),
        (([0], [1], [2]), "Got fold 1, which is not a pair"),
        (([0.5], [1]), "Got fold 1, which is not a pair"),
        (([0], [20]), "Got fold 1, which is not a pair"),
        (([0], [-1]), "Got fold 1, which is not a pair"),
        (([True, False], [1]), "Got fold 1, which is not a pair"),
        (([[0]], [1]), "Got fold 1, which is not a pair"),
        (([0, 1, 2], [2, 3]), r"1 image in both training and test of fold 1. First: X\[2\]"),
        (([0, 1], []), "fold 1 with no image in test"),
        (([], [0, 1]), "fold 1 with no image in training"),
    ],
)
def test_resolve_invalid_pairs_raise(fold, match):
    """Each kind of invalid pair has its own error."""
    with pytest.raises(ValueError, match=rf"cv must give pairs.*{match}"):
        resolve_cv([fold], X, Y)


def test_resolve_training_of_one_class_raises():
    """A training side of one class is an error."""
    y = np.repeat(["benign", "malignant"], 10)
    match = r"two classes\. Got KFold\(.*\), whose fold 1 trains on 'malignant' only\. Pass"
    with pytest.raises(ValueError, match=match):
        resolve_cv(KFold(2), X, y)


def test_resolve_sides_that_lack_a_class_warn():
    """A given cv may leave classes out, with a warning."""
    y = np.repeat(["a", "b", "c"], [7, 7, 6])
    with pytest.warns(SplitWarning) as caught:
        folds = resolve_cv(KFold(3), X, y)
    training, test = folds.notes
    assert [warning.message for warning in caught] == [training, test]
    assert training.code == "class-missing-from-training"
    assert "Each training side should have every class" in str(training)
    assert "fold 1 without 'a', fold 2 without 'b', fold 3 without 'c'. A" in str(training)
    assert test.code == "class-missing-from-test"
    assert "Each fold should test every class" in str(test)
    assert "fold 1 without 'b', 'c', fold 2 without 'a', 'c'" in str(test)


def test_resolve_leave_one_out_warns_once():
    """Twenty folds without a class give one warning."""
    with pytest.warns(SplitWarning, match="fold 3 without 'malignant' and 17 more") as caught:
        resolve_cv(LeaveOneOut(), X, Y)
    assert len(caught) == 1


def test_resolve_images_and_labels_of_other_lengths_raise():
    """Images and labels must have the same length."""
    with pytest.raises(ValueError, match="Got 19 images and 20 labels"):
        resolve_cv(None, X[1:], Y)


# From a manifest ----------------------------------------------------------------------


@pytest.fixture
def manifest(tmp_path):
    """Return the path of a manifest of X, and the folds that wrote it."""
    folds = resolve_cv(4, X, Y, GROUPS, random_state=9)
    write_manifest(tmp_path / "folds.csv", folds.manifest())
    return tmp_path / "folds.csv", folds


def test_resolve_manifest_repeats_the_folds(manifest):
    """A path gives the folds that were written. The description has the file name only."""
    path, written = manifest
    for cv in (path, str(path)):
        folds = resolve_cv(cv, X, Y, GROUPS)
        assert as_lists(folds.splits) == as_lists(written.splits)
        assert folds.description == "folds.csv (4 folds)"
        assert (folds.source, folds.random_state) == ("manifest", None)
        assert folds.manifest() == written.manifest()
        assert folds.files[3] == "image 3"


def test_resolve_manifest_follows_images_in_any_order(manifest):
    """The fold of an image does not depend on the order of the images."""
    path, written = manifest
    order = np.random.default_rng(0).permutation(20)
    folds = resolve_cv(path, X[order], Y[order], GROUPS[order])
    assert folds.codes.tolist() == written.codes[order].tolist()
    check_whole(folds)


def test_resolve_manifest_with_names_for_labels_fits_labels(tmp_path):
    """Labels 0 and 1 match a manifest with class names."""
    y = (Y == "malignant").astype(int)
    folds = resolve_cv(3, X, y, GROUPS)
    write_manifest(tmp_path / "folds.csv", folds.manifest(Y))
    assert {row["label"] for row in folds.manifest(Y)} == {"benign", "malignant"}
    again = resolve_cv(tmp_path / "folds.csv", X, y, GROUPS)
    assert again.codes.tolist() == folds.codes.tolist()


def test_resolve_manifest_that_splits_patients_raises(tmp_path):
    """A manifest written without patients is checked if patients are given."""
    folds = resolve_cv(4, X, Y)
    write_manifest(tmp_path / "folds.csv", folds.manifest())
    with pytest.raises(ValueError, match=r"keep groups together\. Got folds\.csv \(4 folds\)"):
        resolve_cv(tmp_path / "folds.csv", X, Y, GROUPS)


def test_resolve_manifest_of_other_images_raises(manifest):
    """A manifest of other images is an error."""
    path, _ = manifest
    with pytest.raises(FoldManifestError, match=r"20 images without a row.*20 rows without"):
        resolve_cv(path, X + 1, Y, GROUPS)


@pytest.mark.parametrize("fold_of", [[0] * 6 + [-1] * 14, [0] * 6 + [1] * 6 + [-1] * 8])
def test_resolve_manifest_repeats_images_that_are_never_tested(fold_of, tmp_path):
    """Their fold is an empty cell."""
    written = resolve_cv(PredefinedSplit(fold_of), X, Y, GROUPS)
    assert written.is_repeatable
    write_manifest(tmp_path / "folds.csv", written.manifest())
    assert (tmp_path / "folds.csv").read_text().splitlines()[-1].endswith(",p9,")
    again = resolve_cv(tmp_path / "folds.csv", X, Y, GROUPS)
    assert as_lists(again.splits) == as_lists(written.splits)
    assert again.manifest() == written.manifest()


def test_folds_that_leave_images_out_of_both_sides_are_not_repeatable():
    """A manifest would train on them."""
    assert not resolve_cv([([0, 1, 2, 3], [4, 5])], X, Y).is_repeatable
