"""Pixels, cohorts and files of make_cells."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cellsk.datasets import list_images, make_cells

SMALL = {"image_size": (16, 16), "random_state": 0}


def hash_pixels(images):
    """Return a digest of the pixels."""
    return hashlib.sha256(images.tobytes()).hexdigest()


def measure_separation(cells):
    """Return the difference between classes of pale nuclear pixels, in standard deviations."""
    red = cells.images[..., 0]
    share = ((red > 100) & (red < 150)).mean(axis=(1, 2))
    benign, malignant = share[cells.y_true == 0], share[cells.y_true == 1]
    return (malignant.mean() - benign.mean()) / np.sqrt((malignant.var() + benign.var()) / 2)


def average_color(cells):
    """Return the mean color of each patient, (n_patients, 3)."""
    color = cells.images.mean(axis=(1, 2))
    return np.array([color[cells.groups == patient].mean(0) for patient in set(cells.groups)])


# What comes back


def test_make_cells_as_arrays_returns_the_documented_shapes_and_dtypes():
    """Pixels are uint8, labels int64, patients and slides str."""
    cells = make_cells(12, n_patients=4, image_size=(16, 24), random_state=0)
    assert cells.images.shape == (12, 16, 24, 3)
    assert cells.images.dtype == np.uint8
    assert cells.y.dtype == cells.y_true.dtype == cells.duplicate_of.dtype == np.int64
    assert cells.target_names == ["benign", "malignant"]
    assert cells.groups.dtype.kind == cells.slides.dtype.kind == "U"
    assert sorted(set(cells.groups)) == ["P01", "P02", "P03", "P04"]
    assert all(
        slide.startswith(group) for slide, group in zip(cells.slides, cells.groups, strict=True)
    )
    assert "paths" not in cells


@pytest.mark.parametrize("image_size", [(1, 1), (8, 8), (5, 40), (130, 96)])
def test_make_cells_of_any_size_draws(image_size):
    """Tiny, long and large patches have the requested size."""
    assert make_cells(2, n_patients=1, image_size=image_size).images.shape[1:3] == image_size


def test_make_cells_single_cells_are_gray_on_black(tmp_path):
    """One channel, one cell in the middle, nothing around it; also as gray files."""
    options = {"image_size": (50, 40), "style": "single_cell", "random_state": 0}
    cells = make_cells(40, n_patients=4, **options)
    assert cells.images.shape == (40, 50, 40, 1)
    assert (cells.images[:, 24:27, 19:22] > 0).all()
    assert (cells.images[:, [0, -1]][:, :, [0, -1]] == 0).all()
    assert len(np.unique(cells.images, axis=0)) == 40
    spread = [cells.images[cells.y == label, 15:35, 10:30].std() for label in (0, 1)]
    assert spread[0] < spread[1]
    written = make_cells(4, n_patients=2, folder=tmp_path / "cells", **options)
    with Image.open(written.paths[0]) as image:
        assert image.mode == "L"


def test_make_cells_images_look_like_stained_tissue():
    """Red and blue exceed green on average, no image is flat, and no two are the same."""
    cells = make_cells(20, image_size=(32, 32), random_state=0)
    red, green, blue = cells.images.mean(axis=(0, 1, 2))
    assert red > green + 20
    assert blue > green + 20
    assert cells.images.std(axis=(1, 2)).min() > 3
    assert len({hash_pixels(image) for image in cells.images}) == 20


# Seeds


def test_make_cells_with_the_same_seed_gives_the_same_pixels_in_two_processes():
    """Another interpreter draws the same bytes."""
    code = (
        "import hashlib; from cellsk.datasets import make_cells;"
        "images = make_cells(10, image_size=(16, 16), random_state=0).images;"
        "print(hashlib.sha256(images.tobytes()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.strip() == hash_pixels(make_cells(10, **SMALL).images)


def test_make_cells_with_another_seed_gives_other_pixels():
    """Different seeds give different pixels."""
    first = make_cells(10, image_size=(16, 16), random_state=0)
    second = make_cells(10, image_size=(16, 16), random_state=1)
    assert not np.array_equal(first.images, second.images)


def test_make_cells_with_a_random_state_instance_moves_it_on():
    """Equal RandomState instances draw the same cells, and other cells on the second call."""
    twin, other = np.random.RandomState(3), np.random.RandomState(3)
    first = make_cells(4, n_patients=2, image_size=(16, 16), random_state=twin)
    again = make_cells(4, n_patients=2, image_size=(16, 16), random_state=other)
    third = make_cells(4, n_patients=2, image_size=(16, 16), random_state=twin)
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, third.images)


def test_make_cells_with_an_int_seed_leaves_the_global_state_alone():
    """The state of NumPy's global generator does not change."""
    np.random.seed(7)  # noqa: NPY002
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    make_cells(4, n_patients=2, **SMALL)
    assert np.array_equal(np.random.random(3), expected)  # noqa: NPY002


@pytest.mark.parametrize("pure_patients", [False, True])
def test_make_cells_row_does_not_depend_on_how_many_follow(pure_patients):
    """The first rows of a long call are those of a short one."""
    short = make_cells(12, n_patients=5, pure_patients=pure_patients, **SMALL)
    long = make_cells(31, n_patients=5, pure_patients=pure_patients, **SMALL)
    for name in ("images", "y", "groups", "slides"):
        assert np.array_equal(short[name], long[name][:12])


# Patients and classes


@pytest.mark.parametrize(("balance", "n_malignant"), [(0.0, 0), (0.1, 4), (0.5, 20), (1.0, 40)])
def test_make_cells_class_balance_is_met(balance, n_malignant):
    """The fraction of malignant images is the requested one."""
    assert make_cells(40, class_balance=balance, **SMALL).y.sum() == n_malignant


def test_make_cells_patients_have_both_classes_and_like_numbers_of_images():
    """Each patient and each slide has both classes."""
    cells = make_cells(80, n_patients=10, slides_per_patient=2, **SMALL)
    for patient in set(cells.groups):
        assert set(cells.y[cells.groups == patient]) == {0, 1}
    assert set(np.unique(cells.groups, return_counts=True)[1]) == {8}
    assert len(set(cells.slides)) == 20


@pytest.mark.parametrize("pure_patients", [False, True])
@pytest.mark.parametrize("balance", [0.0, 0.05, 0.4, 0.95, 1.0])
def test_make_cells_with_as_many_patients_as_images_gives_each_one(pure_patients, balance):
    """Each patient has an image."""
    cells = make_cells(
        20, n_patients=20, class_balance=balance, pure_patients=pure_patients, **SMALL
    )
    assert len(set(cells.groups)) == 20


@pytest.mark.parametrize("balance", [0.02, 0.3, 0.5, 0.98])
def test_make_cells_pure_patients_have_one_class(balance):
    """Each patient is benign or malignant, and there are patients of both classes."""
    cells = make_cells(60, n_patients=6, class_balance=balance, pure_patients=True, **SMALL)
    classes = {patient: set(cells.y[cells.groups == patient]) for patient in set(cells.groups)}
    assert len(classes) == 6
    assert all(len(found) == 1 for found in classes.values())
    assert set.union(*classes.values()) == {0, 1}


def test_make_cells_stain_differs_more_between_patients_than_within():
    """The colors of patients differ, except if patient_effect is 0."""
    options = {"n_patients": 6, "image_size": (16, 16), "random_state": 0}
    differing = average_color(make_cells(120, **options)).std(axis=0)
    equal = average_color(make_cells(120, patient_effect=0, **options)).std(axis=0)
    assert (differing > 1.5 * equal).all()


def test_make_cells_difficulty_brings_the_classes_together():
    """The difference in pale nuclear pixels decreases with the difficulty."""
    separation = [
        measure_separation(
            make_cells(150, image_size=(32, 32), patient_effect=0, difficulty=level, random_state=0)
        )
        for level in (0, 1, 3)
    ]
    assert separation[0] > 2
    assert separation[0] > 1.2 * separation[1] > 1.4 * separation[2]
    assert separation[2] < 1.2


# Faults on demand


def test_make_cells_duplicates_are_exact_copies_from_other_patients():
    """duplicate_of names an original of the same class and of another patient."""
    cells = make_cells(30, n_patients=5, n_duplicates=9, **SMALL)
    copies = np.flatnonzero(cells.duplicate_of >= 0)
    sources = cells.duplicate_of[copies]
    assert len(copies) == 9
    assert np.array_equal(cells.images[copies], cells.images[sources])
    assert np.array_equal(cells.y[copies], cells.y[sources])
    assert (cells.groups[copies] != cells.groups[sources]).all()
    assert (cells.duplicate_of[sources] == -1).all()
    assert len({hash_pixels(image) for image in cells.images}) == 21


def test_make_cells_duplicates_of_a_single_patient_stay_with_it():
    """If there is no other patient, copies come from the same patient."""
    cells = make_cells(6, n_patients=1, n_duplicates=4, **SMALL)
    assert (cells.duplicate_of >= 0).sum() == 4
    assert set(cells.groups) == {"P01"}


def test_make_cells_label_noise_flips_its_share_and_keeps_the_truth():
    """y differs from y_true in the requested fraction, and the pixels are unchanged."""
    clean = make_cells(50, **SMALL)
    noisy = make_cells(50, label_noise=0.2, **SMALL)
    assert (noisy.y != noisy.y_true).sum() == 10
    assert np.array_equal(noisy.y_true, clean.y)
    assert np.array_equal(noisy.images, clean.images)


# Folders


@pytest.mark.parametrize("pure_patients", [False, True])
def test_make_cells_folder_is_listed_in_the_same_order(tmp_path, pure_patients):
    """list_images returns the same paths, labels and patients."""
    folder = tmp_path / "new" / "cells"
    cells = make_cells(
        14, folder=folder, n_patients=3, label_noise=0.2, pure_patients=pure_patients, **SMALL
    )
    listed = list_images(folder, group_pattern=r"(P\d+)")
    assert np.array_equal(cells.paths, listed.paths)
    assert np.array_equal(cells.y, listed.y)
    assert np.array_equal(cells.groups, listed.groups)
    assert cells.target_names == listed.target_names
    assert "images" not in cells
    assert sorted(os.listdir(tmp_path / "new")) == ["cells"]


def test_make_cells_files_hold_the_pixels_of_the_arrays(tmp_path):
    """The number in a file name is the row of the arrays. Duplicates follow the new order."""
    from cellsk._codec import decode_image

    arrays = make_cells(12, n_patients=3, n_duplicates=4, **SMALL)
    files = make_cells(12, n_patients=3, n_duplicates=4, folder=tmp_path / "cells", **SMALL)
    row = np.array([int(path[-8:-4]) for path in files.paths])
    read = np.stack([decode_image(path) for path in files.paths])
    assert sorted(row) == list(range(12))
    assert np.array_equal(read, arrays.images[row])
    for name in ("y", "y_true", "groups", "slides"):
        assert np.array_equal(files[name], arrays[name][row])
    copies = np.flatnonzero(files.duplicate_of >= 0)
    assert np.array_equal(read[copies], read[files.duplicate_of[copies]])
    assert np.array_equal(row[files.duplicate_of[copies]], arrays.duplicate_of[row][copies])


@pytest.mark.parametrize("extension", ["jpg", "tif", "bmp"])
def test_make_cells_extension_names_and_sets_the_format(tmp_path, extension):
    """Files have the requested format. An empty folder is accepted."""
    cells = make_cells(2, n_patients=1, folder=str(tmp_path), extension=extension, **SMALL)
    assert all(path.startswith(str(tmp_path)) and path.endswith(extension) for path in cells.paths)
    assert len(list_images(tmp_path, verify=True).paths) == 2


def test_make_cells_folder_with_something_in_it_is_refused(tmp_path):
    """Existing files are never overwritten or removed."""
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "notes.txt").write_text("keep")
    with pytest.raises(FileExistsError, match=r"must be new or empty\. Got .*Pass another folder"):
        make_cells(4, n_patients=2, folder=tmp_path / "cells", **SMALL)
    with pytest.raises(FileExistsError, match=r"notes.txt', a file\. Pass another folder"):
        make_cells(4, n_patients=2, folder=tmp_path / "cells" / "notes.txt", **SMALL)
    assert os.listdir(tmp_path) == ["cells"]
    assert os.listdir(tmp_path / "cells") == ["notes.txt"]


def test_make_cells_that_fails_midway_leaves_nothing(tmp_path, monkeypatch):
    """A write error in the third file removes the first two."""
    from cellsk import _codec

    written = []

    def encode_until_full(pixels, path):
        if len(written) == 2:
            raise OSError("disk full")
        path.write_bytes(b"")
        written.append(path)

    monkeypatch.setattr(_codec, "encode_image", encode_until_full)
    with pytest.raises(OSError, match="disk full"):
        make_cells(4, n_patients=2, folder=tmp_path / "cells", **SMALL)
    assert os.listdir(tmp_path) == []


# Refusals


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"n_samples": 0}, ValueError, r"n_samples must be .* at least 1\. Got 0"),
        ({"n_samples": 2.5}, TypeError, r"n_samples must be a whole number .* Got 2\.5"),
        (
            {"n_patients": 21},
            ValueError,
            r"at most n_samples.*Got 21 .*20 images\. Pass a smaller n_pat",
        ),
        ({"slides_per_patient": 0}, ValueError, r"slides_per_patient must be .*Got 0"),
        ({"image_size": (0, 16)}, ValueError, r"\(height, width\), in pixels\. Got \(0, 16\)"),
        ({"class_balance": 1.2}, ValueError, r"class_balance must be .*\[0, 1\]\. Got 1\.2"),
        ({"patient_effect": -1}, ValueError, r"patient_effect must be .*Got -1"),
        ({"difficulty": float("nan")}, ValueError, r"difficulty must be .*Got nan"),
        ({"label_noise": -0.1}, ValueError, r"label_noise must be .*\[0, 1\]\. Got -0\.1"),
        ({"n_duplicates": 19}, ValueError, r"one original .*at most 18 .*Got 19\. Pass a smaller"),
        ({"extension": ".gif"}, ValueError, r"extension must be one of 'png', .*Got '\.gif'"),
        (
            {"n_patients": 1, "pure_patients": True},
            ValueError,
            r"one patient of each class\. Got n_patients=1\. Pass n_patients=2",
        ),
        ({"folder": 3}, TypeError, r"folder must be a str or Path.*Got 3 \(int\)\. Pass the"),
    ],
)
def test_make_cells_with_bad_parameters_says_so(options, error, match):
    """The error has rule, value and remedy."""
    with pytest.raises(error, match=match):
        make_cells(**{"n_samples": 20, **SMALL, **options})
