"""GradCAMDisplay explains the network inside any wrapper, and draws all maps on one scale."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import CellClassifier, GradCAMDisplay, ImageReader, make_cells
from cellsk.inspection._explanation import explain_images
from cellsk.inspection._overlay import find_strongest, make_overlay


@pytest.fixture(scope="module")
def settings():
    """Parameters of a classifier that fits in a moment."""
    return {"filters": (4,), "epochs": 2, "early_stopping": False, "random_state": 0}


@pytest.fixture(scope="module")
def from_paths(tmp_path_factory, settings):
    """Paths, labels, and a fitted pipeline that reads them."""
    folder = tmp_path_factory.mktemp("grad_cam") / "cells"
    cells = make_cells(24, n_patients=4, folder=folder, image_size=(16, 20), random_state=0)
    labels = np.array(cells.target_names)[cells.y]
    pipeline = make_pipeline(ImageReader(), CellClassifier(**settings))
    return cells.paths, labels, pipeline.fit(cells.paths, labels)


def flatten(images):
    """Return the mean color of images."""
    return images.mean(axis=(1, 2)) / 255


def test_from_estimator_of_paths_draws_image_and_both_maps(from_paths):
    """One row of three panels for each image, with label, prediction and probability."""
    paths, labels, pipeline = from_paths
    display = GradCAMDisplay.from_estimator(pipeline, paths, labels=labels, n_images=2)
    assert display.ax_.shape == (2, 3)
    assert {name: maps.shape for name, maps in display.heat.items()} == {
        "hires_cam": (2, 16, 20),
        "occlusion": (2, 16, 20),
    }
    proba = pipeline.predict_proba(paths[display.rows]).max(axis=1)
    for row, panels in enumerate(display.ax_):
        titles = [panel.get_title() for panel in panels]
        assert titles == [f"label: {display.labels[row]}", "HiResCAM", "occlusion"]
        right = display.labels[row] == display.predictions[row]
        below = f"{'right' if right else 'wrong'}: {display.predictions[row]}, {proba[row]:.2f}"
        assert panels[0].get_xlabel() == below
        frame = to_hex(panels[0].spines["top"].get_edgecolor())
        assert frame == ("#0072b2" if right else "#d55e00")
        assert panels[1].get_xlabel() == f"for {display.predictions[row]}"
    pixels = ImageReader().transform(paths[display.rows])
    np.testing.assert_allclose(display.images_[0].get_array(), pixels[0] / 255)
    assert len(display.images_) == 6


def test_from_estimator_has_one_scale_for_all_images(fitted_classifier, cells):
    """The heat of the typical image gets the strongest color, and the scale explains it."""
    display = GradCAMDisplay.from_estimator(fitted_classifier, cells.images, n_images=4)
    for method, maps in display.heat.items():
        assert display.strongest_[method] == find_strongest(maps)
    scale = display.figure_.axes[-1]
    assert [text.get_text() for text in scale.get_xticklabels()] == ["none", "strong"]
    after = 1 / (1 + np.exp(display.strongest_["occlusion"]))
    assert float(scale.get_xlabel().rpartition(" ")[2]) == pytest.approx(after, abs=6e-4)


def test_from_estimator_target_explains_another_class(fitted_classifier, cells):
    """The maps of the other class have the other sign; one label, or one for each image."""
    options = {"methods": "hires_cam", "n_images": 4}
    first = GradCAMDisplay.from_estimator(fitted_classifier, cells.images, target=0, **options)
    second = GradCAMDisplay.from_estimator(
        fitted_classifier,
        cells.images,
        target=np.ones(120, int),
        target_names=cells.target_names,
        **options,
    )
    np.testing.assert_allclose(first.heat["hires_cam"], -second.heat["hires_cam"])
    assert first.explained == ["0"] * 4
    assert second.explained == ["malignant"] * 4


def test_from_estimator_without_labels_has_no_verdict(fitted_classifier, cells):
    """Without labels nothing is right or wrong."""
    display = GradCAMDisplay.from_estimator(fitted_classifier, cells.images, n_images=1)
    assert display.ax_[0, 0].get_title() == ""
    assert display.ax_[0, 0].get_xlabel().startswith("predicted ")


def wrap(name, classifier, images, y):
    """Return a fitted estimator around a fitted classifier."""
    frozen = FrozenEstimator(classifier)
    if name == "pipeline":
        return Pipeline([("none", "passthrough"), ("classifier", classifier)])
    if name == "calibration":
        return CalibratedClassifierCV(frozen, ensemble=False).fit(images, y)
    if name == "threshold":
        return FixedThresholdClassifier(frozen, threshold=0.3, pos_label=1).fit(images, y)
    if name == "vote":
        return VotingClassifier([("a", frozen), ("b", frozen)], voting="soft").fit(images, y)
    split = PredefinedSplit(np.arange(len(y)) % 2)
    return GridSearchCV(make_pipeline(frozen), {}, cv=split).fit(images, y)


@pytest.mark.parametrize("name", ["pipeline", "calibration", "threshold", "vote", "search"])
def test_explain_images_finds_the_network_inside(name, fitted_classifier, cells):
    """Its maps are those of the network."""
    images, y = cells.images[:20], cells.y[:20]
    expected = explain_images(fitted_classifier, images[:3], target=y[:3])
    found = explain_images(wrap(name, fitted_classifier, images, y), images[:3], target=y[:3])
    for method in ("hires_cam", "occlusion"):
        np.testing.assert_allclose(found.heat[method], expected.heat[method], atol=1e-5)


def test_explain_images_of_a_threshold_explains_what_it_predicts(fitted_classifier, cells):
    """The predicted class is not always the more probable one."""
    never = FixedThresholdClassifier(FrozenEstimator(fitted_classifier), threshold=1.1, pos_label=1)
    found = explain_images(never.fit(cells.images, cells.y), cells.images[:5])
    assert found.explained.tolist() == [0] * 5


def test_explain_images_of_another_classifier_is_occlusion_alone(cells):
    """It needs only probabilities of images."""
    model = make_pipeline(FunctionTransformer(flatten), LogisticRegression())
    found = explain_images(model.fit(cells.images, cells.y), cells.images[:2])
    assert list(found.heat) == ["occlusion"]
    assert np.ptp(found.heat["occlusion"]) > 0


def test_explain_images_cam_of_another_classifier_raises(cells):
    """The error names the classifier, and the method that works."""
    model = make_pipeline(FunctionTransformer(flatten), LogisticRegression())
    model.fit(cells.images, cells.y)
    with pytest.raises(TypeError, match=r"CellClassifier.*LogisticRegression.*'occlusion'"):
        explain_images(model, cells.images, methods="grad_cam")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"methods": "rainbow"}, "methods must be one of 'grad_cam', 'hires_cam', 'occlusion'"),
        ({"methods": []}, "methods must name at least one"),
        ({"target": "benign"}, r"target must be a class.*Got 'benign'.*Pass some of '0', '1'"),
        ({"target": [0, 1, 0]}, r"one for each image.*Got shape \(3,\) for 2 images"),
        ({"layer": "dense"}, "layer must name a layer"),
    ],
)
def test_explain_images_bad_argument_raises(options, text, fitted_classifier, cells):
    """With rule and remedy."""
    with pytest.raises(ValueError, match=text):
        explain_images(fitted_classifier, cells.images[:2], **options)


def test_explain_images_flattened_rows_raise(cells, settings):
    """Rows of numbers are not pictures."""
    rows = cells.images.reshape(120, -1)
    model = LogisticRegression(C=1e-6).fit(rows[:, ::50], cells.y)
    with pytest.raises(ValueError, match="X must hold images of shape"):
        explain_images(model, rows[:2, ::50])


def test_from_estimator_not_fitted_raises(cells):
    """As scikit-learn does."""
    with pytest.raises(NotFittedError):
        GradCAMDisplay.from_estimator(CellClassifier(), cells.images)


def test_plot_again_and_in_axes_only_draws(fitted_classifier, cells):
    """The maps are computed once; the grid replaces the axes of a caller."""
    display = GradCAMDisplay.from_estimator(
        fitted_classifier, cells.images, n_images=5, methods="hires_cam"
    )
    first = display.figure_
    assert display.ax_.shape == (3, 4)
    heat = display.heat
    figure, axes = plt.subplots(1, 2)
    assert display.plot(axes[0], n_columns=1).figure_ is figure
    assert display.ax_.shape == (5, 2)
    assert display.heat is heat
    assert first is not figure


def test_overlay_keeps_the_image_where_there_is_no_heat():
    """Negative heat is not drawn; more heat is further from gray."""
    image = np.full((1, 4), 0.5)
    drawn = make_overlay(image, np.array([[-1.0, 0.0, 0.5, 1.0]]), 1.0)
    np.testing.assert_allclose(drawn[0, 0], drawn[0, 1])
    np.testing.assert_allclose(np.ptp(drawn[0, 1]), 0, atol=1e-12)
    saturation = np.ptp(drawn[0], axis=-1)
    assert saturation[1] < saturation[2] < saturation[3]


def test_strongest_is_that_of_the_typical_image():
    """One image with a hundred times the heat does not hide the others."""
    heat = np.ones((5, 8, 8))
    heat[0] *= 3
    assert find_strongest(heat) == 1
    assert find_strongest(-heat) > 0


@pytest.mark.parametrize("architecture", ["compact", "equivariant"])
@pytest.mark.parametrize("method", ["grad_cam", "hires_cam"])
def test_maps_of_other_architectures_cover_the_image(cells, architecture, method):
    """The table of layers has all that places a map, so every architecture has maps."""
    settings = {"filters": (2, 4), "epochs": 1, "random_state": 0}
    classifier = CellClassifier(architecture=architecture, **settings)
    classifier.fit(cells.images, cells.y)
    display = GradCAMDisplay.from_estimator(classifier, cells.images[:2], methods=[method])
    maps = display.heat[method]
    assert maps.shape == (2, *cells.images.shape[1:3])
    assert np.isfinite(maps).all()
    assert np.ptp(maps) > 0
