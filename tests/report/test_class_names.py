"""Names of the classes: from labels, from folders, or as given."""

import numpy as np
import pytest

from cellsk.report._class_names import match_classes, name_classes

PATHS = np.array(["d/train/benign/a.png", "d/train/benign/b.png", "d/train/malignant/c.png"])


def test_class_names_come_from_the_folders_that_differ():
    """Folders that both classes share are not used."""
    codes = np.array([0, 0, 1])
    assert name_classes(np.array([0, 1]), codes, PATHS, None) == ["benign", "malignant"]


def test_class_names_are_labels_if_folders_do_not_differ():
    """Images of one folder, and patients' folders within a class."""
    flat = np.array(["d/a.png", "d/b.png", "d/c.png"])
    codes = np.array([0, 0, 1])
    assert name_classes(np.array([0, 1]), codes, flat, None) == ["0", "1"]
    mixed = np.array(["d/p1/a.png", "d/p2/b.png", "d/p3/c.png"])
    assert name_classes(np.array([0, 1]), codes, mixed, None) == ["0", "1"]


def test_class_names_are_labels_if_a_folder_has_images_of_two_classes():
    """For example after a label was corrected in a csv file."""
    codes = np.array([0, 1, 1])
    assert name_classes(np.array([0, 1]), codes, PATHS, None) == ["0", "1"]


def test_class_names_are_the_labels_if_they_are_strings():
    """Independent of the folders."""
    classes = np.array(["no", "yes"])
    assert name_classes(classes, np.array([0, 0, 1]), PATHS, None) == ["no", "yes"]


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b", "c"]])
def test_class_names_given_must_be_one_for_each_class(names):
    """They must differ."""
    with pytest.raises(ValueError, match=r"2 different names.*in the order of the labels \[0, 1\]"):
        name_classes(np.array([0, 1]), np.array([0, 0, 1]), PATHS, names)


@pytest.mark.parametrize(
    ("classes", "names", "words"),
    [
        ([0, 1], ["malignant", "benign"], "'malignant' as the name of 0.*'benign'"),
        (["benign", "malignant"], ["malignant", "benign"], "'malignant' as the name of 'benign'"),
        ([0, 1], {"benign", "malignant"}, "a set"),
        ([0, 1], {"benign": 0, "malignant": 1}, "a dict"),
        ([0, 1], "bm", "a str"),
    ],
)
def test_names_that_contradict_labels_or_folders_are_refused(classes, names, words):
    """They would name the scores of one class after another."""
    with pytest.raises(ValueError, match=words):
        name_classes(np.array(classes), np.array([0, 0, 1]), PATHS, names)


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (["0", "1"], [0, 1]),
        (["0", "1"], [0.0, 1.0]),
        ([0, 1], ["0", "1"]),
        ([0, 1], ["0.0", "1.0"]),
        (["b\xe9nin", "malin"], ["be\u0301nin", "malin"]),
    ],
)
def test_labels_that_are_written_as_classes_match_them(classes, labels):
    """Numbers as text, and composed accents."""
    codes, _ = match_classes(np.array(labels), np.array(classes), np.zeros((2, 1)), None)
    assert codes.tolist() == [0, 1]


def test_unknown_classes_that_look_the_same_are_written_with_codes():
    """A reader sees the difference."""
    classes = np.array(["HER2-pos", "neg"])
    match = r"of class 'HER2\\u2010pos', and the model knows 'HER2-pos', 'neg'"
    with pytest.raises(ValueError, match=match):
        match_classes(np.array(["HER2\u2010pos"]), classes, np.zeros((1, 1)), None)
