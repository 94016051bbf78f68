"""The seed network is built as documented, and refuses bad arguments."""

import numpy as np
import pytest

from cellsk import CellClassifier, build_cnn
from cellsk.neural_network import count_weights


def meta(*image_shape, n_classes=2):
    """Return the argument with which scikeras calls a builder."""
    return {"X_shape_": (7, *image_shape), "n_classes_": n_classes}


def test_build_cnn_default_is_the_seed_network():
    """Two convolutions, two pools, dense 64 and a sigmoid, compiled as documented."""
    model = build_cnn(meta(96, 96, 3))
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == [
        "Rescaling",
        *["Conv2D", "MaxPooling2D"] * 2,
        "Flatten",
        "Dense",
        "Dense",
    ]
    rescale, conv_1, pool_1, conv_2, pool_2, _, dense, output = model.layers
    assert rescale.scale == 1 / 255
    assert [conv_1.filters, conv_2.filters] == [32, 64]
    assert conv_1.kernel_size == conv_2.kernel_size == (3, 3)
    assert pool_1.pool_size == pool_2.pool_size == (2, 2)
    assert (dense.units, output.units) == (64, 1)
    activations = [layer.activation.__name__ for layer in (conv_1, conv_2, dense, output)]
    assert activations == ["relu", "relu", "relu", "sigmoid"]
    assert model.loss == "binary_crossentropy"
    assert type(model.optimizer).__name__ == "Adam"
    # Weights and biases of each layer, by hand.
    assert model.count_params() == 896 + 18_496 + (22 * 22 * 64 * 64 + 64) + 65


@pytest.mark.parametrize("channels", [1, 3])
def test_build_cnn_first_filters_ignore_brightness(channels):
    """Before training, a plain image gives zero behind the first convolution."""
    model = build_cnn(meta(12, 12, channels), seed=0)
    plain = np.full((1, 12, 12, channels), 200, dtype=np.uint8)
    features = model.layers[1](model.layers[0](plain))
    np.testing.assert_allclose(features, 0, atol=1e-6)
    assert (np.std(model.get_layer("conv_1").kernel, axis=(0, 1, 2)) > 0.01).all()


def test_build_cnn_windows_of_a_row_or_a_pixel_keep_their_mean():
    """Their only weight, or all that they know of a gray image, would become zero."""
    for model in (
        build_cnn(meta(1, 8, 1), seed=0),
        build_cnn(meta(8, 8, 1), kernel_size=1, seed=0),
    ):
        assert (np.abs(np.mean(model.get_layer("conv_1").kernel, axis=(0, 1, 2))) > 1e-3).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_build_cnn_uint8_pixels_go_in(channels):
    """uint8 pixels give probabilities, in gray and in color."""
    model = build_cnn(meta(20, 24, channels), seed=0)
    images = np.full((2, 20, 24, channels), 200, dtype=np.uint8)
    proba = np.asarray(model(images))
    assert proba.shape == (2, 1)
    assert (proba > 0).all()
    assert (proba < 1).all()


def test_build_cnn_more_classes_gives_softmax():
    """Three classes give three probabilities that sum to one."""
    model = build_cnn(meta(20, 20, 1, n_classes=3), seed=0)
    proba = np.asarray(model(np.ones((4, 20, 20, 1), dtype=np.uint8)))
    assert proba.shape == (4, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    assert model.loss == "sparse_categorical_crossentropy"


@pytest.mark.parametrize("filters", [(8,), (4, 8, 16), (2, 2, 2, 2)])
def test_build_cnn_depth_follows_filters(filters):
    """The length of filters is the number of convolutions."""
    model = build_cnn(meta(48, 48, 3), filters=filters)
    counts = [layer.filters for layer in model.layers if type(layer).__name__ == "Conv2D"]
    assert counts == list(filters)


def test_build_cnn_dropout_adds_its_layer():
    """The network has a dropout layer only if dropout is positive."""
    rates = [
        layer.rate
        for layer in build_cnn(meta(9, 9, 1), filters=(2,), dropout=0.4).layers
        if type(layer).__name__ == "Dropout"
    ]
    assert rates == [0.4]


def test_build_cnn_same_seed_gives_same_weights():
    """The same seed gives the same weights, another seed other weights."""
    one, same, other = (build_cnn(meta(9, 9, 1), filters=(2,), seed=seed) for seed in (1, 1, 2))
    pairs = list(zip(one.get_weights(), same.get_weights(), other.get_weights(), strict=True))
    assert all((a == b).all() for a, b, _ in pairs)
    assert any((a != c).any() for a, _, c in pairs)


@pytest.mark.parametrize(
    ("side", "filters", "kernel_size", "fits"),
    [(10, (4, 4), 3, True), (9, (4, 4), 3, False), (6, (4,), 5, True), (5, (4,), 5, False)],
)
def test_build_cnn_small_images_need_fewer_filters(side, filters, kernel_size, fits):
    """The error names the smallest side that fits."""
    arguments = {"filters": filters, "kernel_size": kernel_size}
    if fits:
        model = build_cnn(meta(side, side, 1), **arguments)
        assert model.get_layer("flatten").output.shape == (None, 4)
    else:
        with pytest.raises(ValueError, match=rf"at least {side + 1} x {side + 1} .* fewer filters"):
            build_cnn(meta(side, side, 1), **arguments)


def test_build_cnn_one_row_images_shrink_windows():
    """Windows are one pixel high on rows of features."""
    model = build_cnn(meta(1, 2, 1), filters=(4, 4))
    assert model.get_layer("conv_1").kernel_size == (1, 2)
    assert model.output_shape == (None, 1)


@pytest.mark.parametrize(
    ("argument", "match"),
    [
        ({"filters": ()}, r"filters must be one positive integer per convolution.*Got \(\)"),
        ({"filters": 32}, r"such as \(32, 64\)\. Got 32"),
        ({"filters": (0,)}, r"Got \(0,\)"),
        ({"filters": "32"}, "Got '32'"),
        ({"filters": (10**18,)}, r"up to 10,000, such as \(32, 64\)\. Got \(10{18},\)"),
        ({"filters": (10**5000,)}, "Got a number of thousands of digits"),
        ({"filters": (1,) * 100_000}, "filters must have at most 100 convolutions. Got 100,000"),
        ({"filters": (10_000,) * 4}, "at most 2,147,483,647 weights.*fewer filters"),
        ({"dense_units": 10**18}, "at most 2,147,483,647 weights"),
        ({"kernel_size": 0}, "kernel_size must be a whole number of at least 1. Got 0"),
        ({"dense_units": 0}, "dense_units must be"),
        ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\)\. Got 1\.0"),
        ({"learning_rate": 0}, "learning_rate must be"),
    ],
)
def test_build_cnn_bad_argument_raises(argument, match):
    """Each argument out of range is refused by name."""
    with pytest.raises(ValueError, match=match):
        build_cnn(meta(48, 48, 3), **argument)


@pytest.mark.parametrize(
    ("shape", "n_classes", "filters", "kernel_size", "dense_units"),
    [
        ((96, 96, 3), 2, (32, 64), 3, 64),
        ((47, 60, 1), 7, (4, 8, 3), 3, 10),
        ((20, 20, 3), 3, (6,), 5, 1),
        ((1, 64, 1), 2, (4, 4), 3, 8),
    ],
    ids=str,
)
def test_count_weights_equals_the_network(shape, n_classes, filters, kernel_size, dense_units):
    """Counted for a classifier that is not fitted, and the same as Keras counts in the network."""
    settings = {"filters": filters, "kernel_size": kernel_size, "dense_units": dense_units}
    network = build_cnn(meta(*shape, n_classes=n_classes), **settings, seed=0)
    assert count_weights(CellClassifier(**settings), shape, n_classes) == network.count_params()


def test_count_weights_takes_no_memory_for_weights():
    """A network of 2 billion weights, 8 GB, is counted, and the second time as well."""
    huge = CellClassifier(filters=(64,), dense_units=32)
    counts = [count_weights(huge, (2000, 2000, 3), 2) for _ in range(2)]
    assert counts == [2_043_907_905] * 2


def test_count_weights_of_a_network_that_cannot_be_built_raises():
    """The error is that of the fit."""
    with pytest.raises(ValueError, match="at least 10 x 10 pixels"):
        count_weights(CellClassifier(), (9, 9, 1), 2)


def test_build_cnn_works_in_plain_scikeras(cells):
    """The builder works in a plain scikeras classifier."""
    from scikeras.wrappers import KerasClassifier

    wrapper = KerasClassifier(model=build_cnn, model__filters=(4,), epochs=1, verbose=0)
    wrapper.fit(cells.images[:32], cells.y[:32])
    assert wrapper.predict(cells.images[:5]).shape == (5,)
