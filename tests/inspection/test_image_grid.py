"""ImageGridDisplay: choice of images, text, and invalid arguments."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from cellsk import ImageGridDisplay, ImageReader, make_cells
from cellsk.exceptions import ImageReadError

GRAY = np.full((12, 8, 8), 100, np.uint8)


def _titles(display):
    return [ax.get_title() for ax in display.ax_.ravel() if ax.axison]


def _verdicts(display):
    return [ax.get_xlabel() for ax in display.ax_.ravel() if ax.axison]


def test_constructor_any_values_stores_them_untouched():
    """Nothing is drawn or checked before plot."""
    display = ImageGridDisplay("images", labels="labels", predictions=1, rows=2)
    assert (display.images, display.labels, display.predictions, display.rows) == (
        "images",
        "labels",
        1,
        2,
    )


def test_from_arrays_more_than_fit_takes_as_many_of_each_label():
    """A label in one of ten rows fills half of the grid."""
    labels = np.array(["a"] * 90 + ["b"] * 10)
    images = np.zeros((100, 4, 4), np.uint8)
    display = ImageGridDisplay.from_arrays(images, labels, n_images=8)
    assert display.labels == ["a"] * 4 + ["b"] * 4
    np.testing.assert_array_equal(display.rows, [0, 29, 59, 89, 90, 93, 96, 99])


def test_from_arrays_rare_label_leaves_its_places_to_others():
    """Images of other labels fill the places that a rare label cannot fill."""
    labels = [0] * 10 + [1] * 2
    display = ImageGridDisplay.from_arrays(GRAY, labels, n_images=8)
    assert display.labels == ["0"] * 6 + ["1"] * 2
    assert len(set(display.rows)) == 8


@pytest.mark.parametrize("n_images", [1, 2, 5, 12, 100])
def test_from_arrays_any_number_draws_each_image_once(n_images):
    """The requested number, or all images, and none twice."""
    display = ImageGridDisplay.from_arrays(GRAY, [0, 1, 2] * 4, n_images=n_images)
    assert len(display.images_) == len(set(display.rows)) == min(n_images, 12)


def test_from_arrays_random_state_draws_repeatable_choice():
    """A seed gives the same images each time, and others than without a seed."""
    images = np.zeros((200, 4, 4), np.uint8)
    rows = [
        ImageGridDisplay.from_arrays(images, n_images=5, random_state=seed).rows.tolist()
        for seed in (0, 0, 1, None, None)
    ]
    assert rows[0] == rows[1]
    assert rows[0] != rows[2]
    assert rows[3] == rows[4] == [0, 49, 99, 149, 199]


def test_from_arrays_target_names_translates_numbers():
    """Whole numbers become names."""
    names = ["benign", "malignant"]
    display = ImageGridDisplay.from_arrays(GRAY[:4], [0, 1, 0, 1], target_names=names)
    assert _titles(display) == ["benign", "benign", "malignant", "malignant"]


def test_from_arrays_predictions_say_right_and_wrong_in_text_and_color():
    """Also for readers who cannot see colors."""
    labels, predictions = ["benign", "malignant"], ["benign", "benign"]
    display = ImageGridDisplay.from_arrays(GRAY[:2], labels, predictions=predictions)
    assert _titles(display) == labels
    assert _verdicts(display) == ["right", "wrong: benign"]
    right, wrong = display.ax_.ravel()
    assert to_hex(right.spines["top"].get_edgecolor()) == "#0072b2"
    assert to_hex(wrong.spines["top"].get_edgecolor()) == "#d55e00"


@pytest.mark.parametrize("predictions", [[True, True], [1.0, 1.0], np.array([1, 1])])
def test_from_arrays_numbers_of_another_dtype_compare_by_value(predictions):
    """1, 1.0 and True are one class."""
    display = ImageGridDisplay.from_arrays(GRAY[:2], [1, 0], predictions=predictions)
    assert sorted(verdict.split(":")[0] for verdict in _verdicts(display)) == ["right", "wrong"]


def test_from_arrays_predictions_alone_are_no_verdict():
    """Without labels nothing is right or wrong."""
    display = ImageGridDisplay.from_arrays(GRAY[:2], predictions=["a", "b"])
    assert _verdicts(display) == ["predicted: a", "predicted: b"]
    assert _titles(display) == ["", ""]


def test_from_arrays_long_names_are_cut():
    """A long name does not overlap the next image."""
    display = ImageGridDisplay.from_arrays(GRAY[:2], ["a" * 80, "b"])
    assert _titles(display)[0].endswith("a...")
    assert len(_titles(display)[0]) < 30


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.float32])
def test_from_arrays_grey_keeps_its_brightness(dtype):
    """The contrast of an image is not stretched."""
    display = ImageGridDisplay.from_arrays(GRAY[:2].astype(dtype))
    np.testing.assert_allclose(display.images_[0].get_array(), 100 / 255)
    assert display.images_[0].get_clim() == (0, 1)


def test_from_arrays_unit_numbers_are_taken_as_they_are():
    """Values up to 1 are not divided."""
    display = ImageGridDisplay.from_arrays(np.full((2, 4, 4, 3), 0.5))
    np.testing.assert_allclose(display.images_[0].get_array(), 0.5)


def test_from_arrays_images_of_several_sizes_are_drawn():
    """Each image keeps its proportions; gray and color may mix."""
    images = [np.zeros((4, 9), np.uint8), np.zeros((6, 3, 3), np.uint8), GRAY[0][..., None]]
    display = ImageGridDisplay.from_arrays(images)
    assert [image.get_array().shape for image in display.images_] == [(4, 9), (6, 3, 3), (8, 8)]
    assert display.ax_[0, 0].get_aspect() == 1


def test_from_arrays_unfilled_places_are_hidden():
    """Three images in a grid of four: the fourth axes are hidden."""
    display = ImageGridDisplay.from_arrays(GRAY[:3])
    assert display.ax_.shape == (2, 2)
    assert [ax.axison for ax in display.ax_.ravel()] == [True, True, True, False]


def test_from_arrays_n_columns_sets_the_shape():
    """There are at most as many columns as images."""
    assert ImageGridDisplay.from_arrays(GRAY, n_columns=6).ax_.shape == (2, 6)
    assert ImageGridDisplay.from_arrays(GRAY[:2], n_columns=6).ax_.shape == (1, 2)


def test_from_arrays_ax_shares_out_its_place():
    """The grid replaces the axes of the caller."""
    figure, axes = plt.subplots(1, 2)
    display = ImageGridDisplay.from_arrays(GRAY[:4], ax=axes[0])
    assert display.figure_ is figure
    assert not axes[0].axison
    assert display.ax_[0, 1].get_position().x1 <= axes[1].get_position().x0


def test_plot_again_draws_on_new_figure():
    """A display can be drawn twice."""
    display = ImageGridDisplay.from_arrays(GRAY[:4])
    first = display.figure_
    assert display.plot(n_columns=4).figure_ is not first
    assert display.ax_.shape == (1, 4)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"images": []}, r"at least one image.*Pass at least one"),
        ({"images": np.zeros((2, 4, 4, 4))}, r"gray or RGB.*Got shape \(4, 4, 4\)"),
        ({"images": np.zeros((2, 4))}, r"gray or RGB.*Pass one image per entry"),
        ({"images": np.full((2, 4, 4), 4095)}, r"from 0 to 255.*Rescale them first"),
        ({"images": np.full((2, 4, 4), np.nan)}, r"from 0 to 255.*Rescale them first"),
        ({"images": np.full((2, 4, 4), "a")}, r"from 0 to 255.*Pass pixels"),
        ({"labels": [0, 1]}, r"one class for each of the 12 images.*Pass a list of that length"),
        ({"predictions": [[0]] * 12}, r"predictions must hold one class.*Got shape \(12, 1\)"),
        ({"labels": [0] * 12, "predictions": ["a"] * 12}, r"both be names.*Translate"),
        ({"labels": [0, 2] * 6, "target_names": ["a", "b"]}, r"from 0 to 1.*Got \[0, 2\]"),
        ({"labels": [0.5] * 12, "target_names": ["a", "b"]}, r"whole numbers.*Pass all"),
        ({"n_images": 0}, r"n_images must be a whole number of at least 1"),
        ({"n_columns": 0}, r"n_columns must be a whole number of at least 1"),
    ],
)
def test_from_arrays_unusable_argument_raises(arguments, text):
    """With rule and remedy."""
    with pytest.raises(ValueError, match=text):
        ImageGridDisplay.from_arrays(**{"images": GRAY, **arguments})


def test_from_paths_single_path_raises():
    """A single path is not a list of paths."""
    with pytest.raises(TypeError, match=r"paths must be an array or a list.*one in a list"):
        ImageGridDisplay.from_paths("cell.png")


def test_from_paths_reads_only_the_chosen(tmp_path):
    """Files that are not shown are not opened."""
    cells = make_cells(12, folder=tmp_path / "cells", image_size=(8, 8), random_state=0)
    paths = cells.paths.astype(object)
    rows = ImageGridDisplay.from_paths(paths, cells.y, n_images=4).rows
    paths[np.setdiff1d(np.arange(12), rows)] = "missing.png"
    display = ImageGridDisplay.from_paths(
        paths, cells.y, target_names=cells.target_names, n_images=4
    )
    pixels = ImageReader().transform(list(paths[rows]))
    for drawn, image in zip(display.images_, pixels, strict=True):
        np.testing.assert_allclose(drawn.get_array(), image / 255)
    assert _titles(display) == ["benign", "benign", "malignant", "malignant"]


def test_from_paths_reader_decides_the_size(tmp_path):
    """The reader of a pipeline shows the input of the network; None shows the files."""
    paths = [
        make_cells(1, n_patients=1, folder=tmp_path / name, image_size=size).paths[0]
        for name, size in (("small", (8, 10)), ("large", (16, 12)))
    ]
    files = ImageGridDisplay.from_paths(paths)
    assert [image.get_array().shape for image in files.images_] == [(8, 10, 3), (16, 12, 3)]
    reader = ImageReader(image_size=(6, 6), channels=1)
    read = ImageGridDisplay.from_paths(paths, reader=reader)
    assert [image.get_array().shape for image in read.images_] == [(6, 6), (6, 6)]


def test_from_paths_damaged_file_raises(tmp_path):
    """A chosen file that cannot be read is named."""
    path = tmp_path / "cell.png"
    path.write_bytes(b"no image")
    with pytest.raises(ImageReadError, match=r"cannot be decoded.*cell\.png"):
        ImageGridDisplay.from_paths([path])
