"""Class activation maps show where the score comes from, at the right place in the image."""

import gc

import keras
import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import spearmanr
from sklearn.exceptions import NotFittedError

from cellsk import CellClassifier, build_cnn, make_cells
from cellsk.exceptions import InputError
from cellsk.neural_network import _attribution, compute_cam, compute_occlusion
from cellsk.neural_network._attribution import _find_place
from cellsk.neural_network.networks import ARCHITECTURES, Architecture, compile_network, read_model
from cellsk.neural_network.networks._compiling import draw_layer_seeds, make_output_layer

SPOT = (slice(3, 9), slice(13, 19))


def build_global(meta, *, filters=(8,), learning_rate=1e-3, rescale=1 / 255, seed=None):
    """Build a network of one convolution that ends in a global average."""
    return _build(meta, filters, learning_rate, rescale, seed, keras.layers.GlobalAveragePooling2D)


def build_linear(meta, *, filters=(8,), learning_rate=1e-3, rescale=1 / 255, seed=None):
    """Build a network of one convolution whose flattened features give the score."""
    return _build(meta, filters, learning_rate, rescale, seed, keras.layers.Flatten)


def _build(meta, filters, learning_rate, rescale, seed, join):
    _, *shape = meta["X_shape_"]
    seeds = draw_layer_seeds(seed, 2)
    start = keras.initializers.GlorotUniform(next(seeds))
    model = keras.Sequential(
        [
            keras.Input(tuple(shape), name="image"),
            keras.layers.Rescaling(rescale, name="rescale"),
            keras.layers.Conv2D(
                filters[0],
                3,
                padding="same",
                activation="relu",
                kernel_initializer=start,
                name="conv",
            ),
            join(name="join"),
            make_output_layer(meta["n_classes_"], next(seeds)),
        ]
    )
    compile_network(model, learning_rate)
    return model


@pytest.fixture(scope="module", autouse=True)
def _architectures():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "global", Architecture(build_global))
        patch.setitem(ARCHITECTURES, "linear", Architecture(build_linear))
        yield


def draw_spots(n_images=200):
    """Return noise with stripes in one spot, whose direction alone decides the label."""
    generator = np.random.default_rng(0)
    images = generator.integers(20, 60, (n_images, 24, 24, 1)).astype(np.uint8)
    y = np.arange(n_images) % 2
    stripes = np.where(np.arange(6) % 4 < 2, 190, 0).astype(np.uint8)[:, None, None]
    images[(y == 1), *SPOT] += stripes
    images[(y == 0), *SPOT] += stripes.transpose(1, 0, 2)
    return images, y


@pytest.fixture(scope="module")
def on_spots():
    """A classifier of the spots."""
    classifier = CellClassifier(
        filters=(8,),
        dense_units=16,
        learning_rate=0.003,
        epochs=6,
        early_stopping=False,
        random_state=0,
    )
    return classifier.fit(*draw_spots())


def share_in(heat, mask):
    """Return the share of the positive heat that is inside of a mask, of all images together."""
    heat = np.maximum(heat, 0)
    return (heat * mask).sum() / heat.sum()


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("method", ["hires_cam", "occlusion"])
def test_heat_lies_on_the_only_spot_that_decides(on_spots, method, code):
    """Both methods find it, for both classes of one sigmoid unit."""
    images, y = draw_spots()
    images, y = images[y == code][:20], y[y == code][:20]
    assert (on_spots.predict(images) == y).all()
    if method == "occlusion":
        heat = compute_occlusion(on_spots.predict_proba, images, y)
    else:
        heat = compute_cam(on_spots, images, y, method=method)
    near = np.zeros((24, 24), bool)
    near[SPOT[0].start - 2 : SPOT[0].stop + 2, SPOT[1].start - 2 : SPOT[1].stop + 2] = True
    assert heat.shape == (20, 24, 24)
    assert share_in(heat, near) > 3 * near.mean()
    rows, columns = np.unravel_index(heat.reshape(20, -1).argmax(axis=1), (24, 24))
    assert near[rows, columns].mean() > 0.9


def test_heat_for_the_other_class_has_the_other_sign(on_spots):
    """With two classes, what supports one counts against the other."""
    images, y = draw_spots(6)
    for method in ("grad_cam", "hires_cam"):
        heat = compute_cam(on_spots, images, y, method=method)
        np.testing.assert_allclose(heat, -compute_cam(on_spots, images, 1 - y, method=method))


@pytest.fixture(scope="module")
def tissue():
    """Drawn tissue, and where it has nuclei: hematoxylin absorbs red."""
    cells = make_cells(160, n_patients=8, image_size=(32, 32), difficulty=0, random_state=0)
    return cells, cells.images[..., 0] < 130


def test_heat_lies_on_nuclei_more_than_chance_and_untrained(tissue):
    """Malignant nuclei differ from benign ones, and the heat for malignant is on them."""
    cells, nuclei = tissue
    trained = CellClassifier(
        filters=(16,), dense_units=32, epochs=12, early_stopping=False, random_state=0
    )
    trained.fit(cells.images, cells.y)
    wanted = np.flatnonzero((cells.y == 1) & (trained.predict(cells.images) == 1))[:40]
    images, codes, nuclei = cells.images[wanted], np.ones(len(wanted), int), nuclei[wanted]
    share = share_in(compute_cam(trained, images, codes, method="hires_cam"), nuclei)
    new = build_cnn(
        {"X_shape_": (0, 32, 32, 3), "n_classes_": 2}, filters=(16,), dense_units=32, seed=1
    )
    before = trained.keras_classifier_.model_.get_weights()
    trained.keras_classifier_.model_.set_weights(new.get_weights())
    untrained = share_in(compute_cam(trained, images, codes, method="hires_cam"), nuclei)
    trained.keras_classifier_.model_.set_weights(before)
    assert share > 1.2 * nuclei.mean()
    assert share > 1.1 * untrained


def test_maps_of_randomized_weights_differ(on_spots):
    """Maps depend on what was learned, and not on the image alone (Adebayo et al., 2018)."""
    images, y = draw_spots(20)
    model = on_spots.keras_classifier_.model_
    before = model.get_weights()
    heat = compute_cam(on_spots, images, y, method="hires_cam")
    generator = np.random.default_rng(0)
    try:
        for place in (4, 2, 0):  # the kernels from the last layer to the first
            weights = model.get_weights()
            weights[place] = generator.permuted(weights[place])
            model.set_weights(weights)
            changed = compute_cam(on_spots, images, y, method="hires_cam")
    finally:
        model.set_weights(before)
    pairs = zip(heat, changed, strict=True)
    assert np.mean([spearmanr(a.ravel(), b.ravel())[0] for a, b in pairs]) < 0.3
    np.testing.assert_allclose(compute_cam(on_spots, images, y, method="hires_cam"), heat)


def test_hires_cam_adds_up_to_the_score(cells):
    """If the features give the score without another layer, the places add up to it."""
    classifier = CellClassifier(
        architecture="linear", filters=(4,), epochs=2, early_stopping=False, random_state=0
    ).fit(cells.images, cells.y)
    heat = compute_cam(classifier, cells.images[:9], np.ones(9, int), method="hires_cam")
    bias = classifier.keras_classifier_.model_.layers[-1].bias.numpy()[0]
    score = logit(classifier.predict_proba(cells.images[:9])[:, 1])
    np.testing.assert_allclose(heat.sum(axis=(1, 2)) + bias, score, rtol=1e-3)


def test_both_cams_agree_behind_a_global_average(cells):
    """The slope of a feature is then the same everywhere."""
    classifier = CellClassifier(
        architecture="global", filters=(6,), epochs=2, early_stopping=False, random_state=0
    )
    classifier.fit(cells.images, np.arange(120) % 3)
    codes = classifier.predict(cells.images[:9])
    first, second = (
        compute_cam(classifier, cells.images[:9], codes, method=method)
        for method in ("grad_cam", "hires_cam")
    )
    assert np.ptp(first) > 0
    np.testing.assert_allclose(first, second, atol=1e-6)


@pytest.mark.parametrize("layer", ["conv_1", "pool_1", "conv_2", "pool_2"])
def test_place_of_a_map_is_the_middle_of_what_it_sees(layer):
    """Cells are where the pixels are that change them."""
    model = build_cnn({"X_shape_": (0, 26, 31, 1), "n_classes_": 2}, filters=(2, 2), seed=0)
    model.set_weights([np.abs(weight) + 0.1 for weight in model.get_weights()])
    maps = keras.Model(model.inputs[0], model.get_layer(layer).output)
    places = _find_place(read_model(model), layer)
    for axis, n_pixels in enumerate((26, 31)):
        images = np.zeros((n_pixels, 26, 31, 1), np.float32)
        np.moveaxis(images, axis + 1, 1)[np.arange(n_pixels), np.arange(n_pixels)] = 255
        seen = maps(images).numpy() > maps(np.zeros((1, 26, 31, 1))).numpy()
        seen = np.moveaxis(seen, axis + 1, 1).any(axis=(2, 3))
        middles = [np.flatnonzero(cell).mean() for cell in seen.T]
        place = places[axis]
        expected = place.start + place.step * np.arange(len(middles))
        np.testing.assert_allclose(middles, expected)


def test_default_layer_is_in_front_of_the_last_pool(on_spots):
    """An earlier layer can be named."""
    images, y = draw_spots(4)
    default = compute_cam(on_spots, images, y, method="hires_cam")
    named = compute_cam(on_spots, images, y, method="hires_cam", layer="conv_1")
    coarse = compute_cam(on_spots, images, y, method="hires_cam", layer="pool_1")
    np.testing.assert_array_equal(default, named)
    assert np.abs(default - coarse).max() > 0


def test_unknown_layer_raises(on_spots):
    """The error lists the layers."""
    images, y = draw_spots(4)
    for layer in ("dense", "conv_9"):
        with pytest.raises(InputError, match=r"layer must name a layer.*'rescale', 'conv_1'"):
            compute_cam(on_spots, images, y, layer=layer)


def test_network_outside_the_table_raises(on_spots):
    """The error names occlusion, which needs no network."""
    images, y = draw_spots(4)
    before = on_spots.keras_classifier_.model_
    odd = keras.Sequential([keras.Input((24, 24, 1)), keras.layers.Permute((2, 1, 3))])
    on_spots.keras_classifier_.model_ = odd
    try:
        with pytest.raises(InputError, match=r"layers that cellsk knows.*methods='occlusion'"):
            compute_cam(on_spots, images, y)
    finally:
        on_spots.keras_classifier_.model_ = before


def test_classifier_that_is_not_fitted_raises():
    """As in prediction."""
    with pytest.raises(NotFittedError):
        compute_cam(CellClassifier(), *draw_spots(4))


def test_network_is_traced_once_and_kept_no_longer_than_it_lives():
    """Many batches and calls use one function, which goes with the network."""
    images, y = draw_spots(70)
    classifier = CellClassifier(filters=(2,), epochs=1, early_stopping=False, random_state=0)
    classifier.fit(images, y)
    whole = compute_cam(classifier, images, y)
    model = classifier.keras_classifier_.model_
    (traced,) = _attribution._networks[model].values()
    np.testing.assert_allclose(compute_cam(classifier, images[:1], y[:1]), whole[:1], atol=1e-6)
    assert list(_attribution._networks[model].values()) == [traced]
    gc.collect()
    known = len(_attribution._networks)
    del classifier, model, traced
    gc.collect()
    assert len(_attribution._networks) == known - 1


@pytest.mark.parametrize("fill", ["mean", "blur"])
@pytest.mark.parametrize("patch_size", [1, 3, 4, 99])
def test_occlusion_of_a_known_function_is_found(fill, patch_size):
    """A function of one bright pixel: only patches over it lower the log-odds."""
    images = np.full((1, 9, 8, 3), 10, np.uint8)
    images[0, 6, 2] = 250

    def predict(batch):
        proba = 0.1 + 0.8 * (batch[:, 6, 2, 0] / 250.0)
        return np.column_stack([1 - proba, proba])

    heat = compute_occlusion(predict, images, np.array([1]), patch_size=patch_size, fill=fill)
    assert heat.shape == (1, 9, 8)
    assert heat.dtype == np.float32
    assert heat[0, 6, 2] == heat.max() > 1
    assert heat.min() >= -1e-6
    far = np.hypot(*(np.indices((9, 8)) - np.array([6, 2])[:, None, None])) >= 2 * patch_size
    assert not far.any() or np.abs(heat[0][far]).max() < 1e-6


def test_occlusion_bad_argument_raises():
    """With the rule."""
    images = np.zeros((1, 8, 8, 1), np.uint8)
    with pytest.raises(InputError, match="fill must be one of 'mean', 'blur'"):
        compute_occlusion(len, images, np.array([0]), fill="black")
    with pytest.raises(InputError, match="patch_size must be a whole number of at least 1"):
        compute_occlusion(len, images, np.array([0]), patch_size=0)
