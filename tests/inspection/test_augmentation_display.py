"""AugmentationDisplay: originals and versions, for classifiers, pipelines and searches."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from cellsk import AugmentationDisplay, CellClassifier, ImageReader, make_cells
from cellsk.exceptions import InputError, InputTypeError

TURNED = CellClassifier(augmentation="dihedral")


def draw(estimator, X, **options):
    """Return a display with a seed."""
    return AugmentationDisplay.from_estimator(estimator, X, random_state=0, **options)


def test_constructor_any_values_stores_them_untouched():
    """Nothing is drawn or checked before plot."""
    display = AugmentationDisplay("images", "versions")
    assert (display.images, display.versions) == ("images", "versions")


def test_rows_begin_with_the_original_and_show_its_symmetries(cells):
    """Each version is a symmetry of the first image of its row."""
    display = draw(TURNED, cells.images, n_images=3, n_versions=5)
    assert display.ax_.shape == (3, 6)
    np.testing.assert_array_equal(display.images, cells.images[[0, 59, 119]])
    for row, image in zip(display.ax_, display.images, strict=True):
        shown = [ax.get_images()[0].get_array() * 255 for ax in row]
        np.testing.assert_allclose(shown[0], image)
        ways = [np.rot90(way, k) for k in range(4) for way in (image, image[::-1])]
        assert all(any(np.allclose(one, way) for way in ways) for one in shown[1:])
    titles = [ax.get_title() + ax.get_title(loc="left") for ax in display.ax_[0]]
    assert titles == ["original", "in training", "", "", "", ""]


def test_seed_gives_the_same_versions(cells):
    """The same seed draws the same versions, and another seed others."""
    stained = CellClassifier(augmentation="stain")
    first, second = (draw(stained, cells.images).versions for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = AugmentationDisplay.from_estimator(stained, cells.images, random_state=1)
    assert not np.array_equal(other.versions, first)


def test_pipeline_of_paths_and_search_are_read(tmp_path):
    """Only the images that are shown are read, by the reader of the pipeline."""
    drawn = make_cells(12, n_patients=2, folder=tmp_path, image_size=(16, 16), random_state=0)
    paths = [*drawn.paths, *["missing.png"] * 100]
    pipeline = make_pipeline(ImageReader(image_size=(8, 8)), TURNED)
    search = GridSearchCV(pipeline, {"cellclassifier__filters": [(2,)]})
    for estimator in (pipeline, search):
        display = draw(estimator, paths[:12], n_images=2, n_versions=1)
        assert display.versions.shape == (2, 1, 8, 8, 3)
    display = draw(pipeline, paths, n_images=1, n_versions=1)
    assert display.ax_.shape == (1, 2)


def test_fitted_classifier_keeps_its_range(cells):
    """Floats are drawn in the range of the fit, and the classifier is not changed."""
    images = (cells.images / 255).astype(np.float32)
    classifier = CellClassifier(
        augmentation="microscopy", filters=(2,), epochs=1, early_stopping=False, random_state=0
    ).fit(images, cells.y)
    before = dict(vars(classifier))
    display = draw(classifier, images[:4] / 2, n_versions=2)
    assert 0 <= display.versions.min() < display.versions.max() <= 1
    assert vars(classifier) == before


def test_axes_of_a_figure_are_replaced(cells):
    """The images are drawn in the place of given axes."""
    figure, axes = plt.subplots(1, 2)
    display = draw(TURNED, cells.images, n_images=2, n_versions=2, ax=axes[1])
    assert display.figure_ is figure
    assert not axes[1].axison


@pytest.mark.parametrize(
    ("estimator", "options", "error", "match"),
    [
        (LogisticRegression(), {}, InputTypeError, "CellClassifier, or a pipeline.*Logistic"),
        (CellClassifier(), {}, InputError, "augmentation must change.*Got None.*'dihedral'"),
        (CellClassifier(augmentation="x"), {}, InputError, "augmentation must be one of"),
        (TURNED, {"n_versions": 0}, InputError, "n_versions must be a whole number of at least 1"),
        (TURNED, {"n_images": 0}, InputError, "n_images must be"),
    ],
)
def test_bad_arguments_are_refused(cells, estimator, options, error, match):
    """The message names the argument."""
    with pytest.raises(error, match=match):
        draw(estimator, cells.images, **options)


def test_versions_of_other_images_are_refused(cells):
    """Each image has its own versions."""
    with pytest.raises(InputError, match=r"versions must hold.*\(3, 16, 16, 3\)"):
        AugmentationDisplay(cells.images[:2], cells.images[:3]).plot()
