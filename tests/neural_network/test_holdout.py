"""The hold-out of early stopping has every class, and whole groups."""

import warnings

import numpy as np
import pytest

from cellsk.exceptions import SmallHoldOutWarning
from cellsk.neural_network._holdout import hold_out, warn_if_small


def test_hold_out_sorted_classes_keeps_both_in_both():
    """Images sorted by class are split class by class."""
    codes = np.repeat([0, 1], [80, 20])
    training, held_out = hold_out(codes, None, 0.1, seed=0)
    assert np.bincount(codes[held_out]).tolist() == [8, 2]
    assert sorted([*training, *held_out]) == list(range(100))


def test_hold_out_single_image_of_class_stays_in_training():
    """The only image of a class trains, and the hold-out has none of this class."""
    codes = np.array([0] * 20 + [1])
    training, held_out = hold_out(codes, None, 0.2, seed=0)
    assert 20 in training
    assert len(held_out) == 4


@pytest.mark.parametrize("seed", range(5))
def test_hold_out_groups_stay_whole(seed):
    """No group is on both sides, and both sides have both classes."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(12, size=300)
    codes = (rng.random(300) < 0.3).astype(int)
    training, held_out = hold_out(codes, groups, 0.2, seed=seed)
    assert not set(groups[training]) & set(groups[held_out])
    assert set(codes[training]) == set(codes[held_out]) == {0, 1}
    assert 0.1 < len(held_out) / 300 < 0.3


def test_hold_out_pure_groups_takes_one_of_each_class():
    """If each patient has one class, two are held out, although that exceeds the fraction."""
    groups = np.repeat(np.arange(10), 10)
    codes = (groups >= 5).astype(int)
    _, held_out = hold_out(codes, groups, 0.1, seed=0)
    assert set(codes[held_out]) == {0, 1}
    assert len(held_out) < 60


def test_hold_out_only_group_of_class_stays_in_training():
    """If one patient has all malignant images, these train."""
    groups = np.repeat(np.arange(6), 10)
    codes = (groups == 3).astype(int)
    training, _ = hold_out(codes, groups, 0.2, seed=0)
    assert set(codes[training]) == {0, 1}


def test_hold_out_one_group_raises():
    """A single patient cannot be split."""
    with pytest.raises(
        ValueError, match=r"all images of some patients.*Got 1 patient,.*early_stopping=False"
    ):
        hold_out(np.array([0, 1] * 10), np.zeros(20), 0.1, seed=0)


def test_hold_out_same_seed_same_rows():
    """The same seed gives the same split, another seed another split."""
    codes = np.arange(50) % 2
    one, same, other = (hold_out(codes, None, 0.2, seed=seed)[1] for seed in (3, 3, 4))
    assert one.tolist() == same.tolist() != other.tolist()


def test_warn_if_small_says_counts():
    """The warning counts the images and names remedies."""
    with pytest.warns(
        SmallHoldOutWarning, match=r"3 images: 2 of 'benign', 1 of 'malignant'.*X_val"
    ):
        warn_if_small(np.array(["benign", "malignant"]), np.array([0, 0, 1]))


def test_warn_if_small_enough_images_is_silent():
    """With five images of each class there is no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_small(np.array(["benign", "malignant"]), np.array([0, 1] * 5))
    assert True
