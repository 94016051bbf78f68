"""Names of the classes: from labels, from folders, or as given."""

import numpy as np
import pytest

from cellsk.report._class_names import name_classes

PATHS = np.array(["d/train/benign/a.png", "d/train/benign/b.png", "d/train/malignant/c.png"])


def test_class_names_come_from_the_folders_that_tell_them_apart():
    """Folders that both classes share say nothing."""
    codes = np.array([0, 0, 1])
    assert name_classes(np.array([0, 1]), codes, PATHS, None) == ["benign", "malignant"]


def test_class_names_are_labels_where_folders_say_nothing():
    """Images of one folder, and patients' folders within a class."""
    flat = np.array(["d/a.png", "d/b.png", "d/c.png"])
    codes = np.array([0, 0, 1])
    assert name_classes(np.array([0, 1]), codes, flat, None) == ["0", "1"]
    mixed = np.array(["d/p1/a.png", "d/p2/b.png", "d/p3/c.png"])
    assert name_classes(np.array([0, 1]), codes, mixed, None) == ["0", "1"]


def test_class_names_are_labels_where_a_class_is_in_another_class_folder():
    """A label that was corrected in a csv: the folder no longer tells."""
    codes = np.array([0, 1, 1])
    assert name_classes(np.array([0, 1]), codes, PATHS, None) == ["0", "1"]


def test_class_names_are_the_labels_that_are_words():
    """Whatever the folders."""
    classes = np.array(["no", "yes"])
    assert name_classes(classes, np.array([0, 0, 1]), PATHS, None) == ["no", "yes"]


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b", "c"]])
def test_class_names_given_must_be_one_for_each_class(names):
    """And different."""
    with pytest.raises(ValueError, match=r"2 different names.*in the order of the labels \[0, 1\]"):
        name_classes(np.array([0, 1]), np.array([0, 0, 1]), PATHS, names)
