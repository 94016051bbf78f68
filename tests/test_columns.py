"""Missing labels and patients, and one form of the name of a patient, wherever they are given."""

import unicodedata

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from cellsk import CellClassifier, audit_images, evaluate, evaluate_model, list_images
from cellsk._columns import check_column, is_missing, normalize_name
from cellsk.audit import find_shared, make_training_fingerprints
from cellsk.exceptions import InputError, LabelWarning
from cellsk.model_selection import PreservedSiteKFold, choose_cv

IMAGES = np.arange(8 * 8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 8, 3)
Y = [0, 1] * 4
PATIENTS = ["P1", "P2", "P3", "P4"] * 2
DECOMPOSED = unicodedata.normalize("NFD", "J\xe9")


def fit(y=Y, groups=None, X=IMAGES):
    """Fit a network, which checks its inputs first."""
    return CellClassifier(epochs=1, filters=(4,)).fit(X, y, groups=groups)


def run_evaluate(y=Y, groups=None, X=IMAGES):
    """Evaluate a classifier that guesses."""
    options = {"cv": 2, "n_resamples": 100, "baselines": False}
    return evaluate(DummyClassifier(), X, y, groups=groups, **options)


def run_evaluate_model(y=Y, groups=None, X=IMAGES):
    """Score a classifier that guesses."""
    return evaluate_model(DummyClassifier().fit(IMAGES, Y), X, y, groups=groups)


def run_audit(y=Y, groups=None, X=IMAGES):
    """Audit images."""
    return audit_images(X, y, groups)


def choose(y=Y, groups=None):
    """Choose folds."""
    return choose_cv(y, groups, n_splits=2)


ENTRIES = [fit, run_evaluate, run_evaluate_model, run_audit, choose]
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.__name__)
MASKED = np.ma.array(PATIENTS, mask=[0, 0, 1, 0, 0, 0, 1, 0])
MISSING = [None, np.nan, pd.NA, pd.NaT, np.ma.masked, "NA", "n/a", "null", "-", "?", "Unknown", ""]


@each_entry
@pytest.mark.parametrize("missing", MISSING, ids=repr)
def test_missing_patient_is_refused_by_all(entry, missing):
    """A list keeps what is missing, and words for it are not the name of a person."""
    groups = [*PATIENTS[:2], missing, *PATIENTS[3:6], missing, PATIENTS[7]]
    match = r"groups must name the patient.*2 of 8 images.*groups\[2\], groups\[6\].*Fill them in"
    with pytest.raises(InputError, match=match):
        entry(groups=groups)


@each_entry
@pytest.mark.parametrize(
    "groups",
    [
        MASKED,
        pd.Series(PATIENTS).where(~MASKED.mask),
        pd.array(PATIENTS).take([0, 1, -1] * 2 + [0, 1], allow_fill=True),
    ],
    ids=["masked", "series", "pandas"],
)
def test_missing_patient_in_an_array_is_refused_by_all(entry, groups):
    """Masked entries and those of pandas count as missing."""
    with pytest.raises(InputError, match=r"groups must name the patient.*First: groups\[2\]"):
        entry(groups=groups)


@each_entry
@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, pd.NA, 1] * 2,
        ["a", "b", None, "b"] * 2,
        ["a", "b", "\u200b", "b"] * 2,
        np.array([0, 1, np.nan, 1] * 2),
        np.ma.array(Y, mask=[0, 0, 1, 0] * 2),
    ],
    ids=["NA", "None", "invisible", "nan", "masked"],
)
def test_missing_label_is_refused_by_all(entry, labels):
    """Each function names the rows."""
    with pytest.raises(InputError, match=r"y must name the class.*2 of 8.*y\[2\], y\[6\]"):
        entry(y=labels)


@pytest.mark.parametrize("entry", ENTRIES[:4], ids=lambda entry: entry.__name__)
def test_masked_images_are_refused_by_all(entry):
    """The pixels below a mask are not used by accident."""
    masked = np.ma.array(IMAGES, mask=IMAGES > 250)
    for images in (masked, list(masked)):
        with pytest.raises(InputError, match=r"must have no masked values.*leave these images out"):
            entry(X=images)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["1.0", "2.0"], ["1", "2"]),
        ([1.0, 2.0], [1, 2]),
        ([1.0, 2.0], ["1", "2"]),
        ([" P1", "P2 "], ["P1", "P2"]),
        ([DECOMPOSED, "P2"], ["J\xe9", "P2"]),
        (["\ufeffP1", "P2"], ["P1", "P2"]),
    ],
)
def test_patients_of_one_name_are_in_both_sets(one, other):
    """The audit and the fingerprints of a model find them, however the names are written."""
    train, test = IMAGES[:4], IMAGES[4:]
    found = audit_images(train, groups=one * 2, test_paths=test, test_groups=other * 2)
    assert "A208" in [finding.code for finding in found.findings]
    shared = find_shared(make_training_fingerprints(train, one * 2), test, other * 2)
    assert len(shared.patients) == 2
    assert check_column("groups", one).astype(str).tolist() == [
        normalize_name(str(name)) for name in other
    ]


def test_one_patient_in_one_set_is_kept_together():
    """Two ways to write a number are one patient."""
    found = check_column("groups", ["1", "1.0", "2", " 2"])
    assert found.tolist() == ["1", "1", "2", "2"]
    assert check_column("groups", [1.5, 2.0]).tolist() == [1.5, 2.0]
    sites = PreservedSiteKFold({1: "A", 2: "B"}, 2)
    assert len(list(sites.split(Y, Y, [1.0, 2.0] * 4))) == 2


@each_entry
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.SplitWarning")
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.SmallHoldOutWarning")
def test_nearly_equal_patients_give_a_warning(entry):
    """They may be one patient, or not."""
    with pytest.warns(LabelWarning, match="Patients should .*: 'P1', 'p01'.*one name") as caught:
        entry(groups=["P1", "p01", "P3", "P4"] * 2)
    assert __file__ in {warning.filename for warning in caught}


def test_nearly_equal_patients_of_two_sets_are_found():
    """The audit warns, and the fingerprints of a model count them as shared."""
    with pytest.warns(LabelWarning, match=r"'P1', 'p01'"):
        audit_images(IMAGES[:4], groups=["P1"] * 4, test_paths=IMAGES[4:], test_groups=["p01"] * 4)
    training = make_training_fingerprints(IMAGES[:4], ["P1", "P2"] * 2)
    assert find_shared(training, IMAGES[4:], ["p01", "P3"] * 2).patients == ["p01"]


def test_word_for_nothing_may_be_a_class():
    """Only a warning of the function that gets it."""
    assert not is_missing("None", "y")
    assert is_missing("None", "groups")


@pytest.mark.parametrize(
    ("paths", "options", "match"),
    [
        (["a/unknown_1.png", "b/P1_1.png"], {"group_pattern": "([^/]+)_"}, "finds none in 1 of 2"),
        (["a/NA/1.png", "b/P1/1.png"], {"groups": 1}, "whose folders are patients.*'NA'"),
    ],
)
def test_list_images_refuses_patients_without_a_name(tmp_path, paths, options, match):
    """From a pattern and from a folder."""
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    with pytest.raises(InputError, match=match):
        list_images(tmp_path, **options)


def test_list_images_gives_patients_one_form(tmp_path):
    """Folders of two file systems name one patient."""
    for path in (f"a/{DECOMPOSED}/1.png", "b/J\xe9/1.png", "b/p2/1.png"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert list_images(tmp_path, groups=1).groups.tolist() == ["J\xe9", "J\xe9", "p2"]
