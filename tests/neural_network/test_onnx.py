"""ONNX Runtime computes what Keras computes, in any batch and on any number of threads."""

import joblib
import keras
import numpy as np
import pytest

from cellsk import build_cnn
from cellsk.neural_network._onnx import OnnxNetwork, count_threads, write_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def build(shape=(12, 10, 3), n_classes=2, **parameters):
    """Return a network whose biases are not zero, as after training."""
    model = build_cnn({"X_shape_": (0, *shape), "n_classes_": n_classes}, seed=0, **parameters)
    generator = np.random.default_rng(0)
    noisy = [weight + generator.normal(0, 0.05, weight.shape) for weight in model.get_weights()]
    model.set_weights(noisy)
    return model


def draw(model, n_images=19, dtype=np.uint8):
    """Return random images for a network."""
    shape = (n_images, *model.input_shape[1:])
    return np.random.default_rng(1).integers(0, 256, shape).astype(dtype)


@pytest.mark.parametrize(
    ("shape", "n_classes", "dtype", "parameters"),
    [
        ((12, 10, 3), 2, np.uint8, {"filters": (4,)}),
        ((12, 10, 3), 7, np.uint8, {"filters": (4,)}),
        ((12, 10, 3), 2, np.float32, {"filters": (4,), "rescale": 1 / 200}),
        ((22, 25, 1), 2, np.uint8, {"filters": (4, 3), "dropout": 0.5}),
        ((23, 22, 3), 3, np.uint8, {"filters": (4, 6, 8)}),
        ((24, 24, 3), 2, np.uint8, {"filters": (4, 5), "kernel_size": 4}),
        ((9, 12, 1), 3, np.uint8, {"filters": (3,), "kernel_size": 1, "dense_units": 5}),
        ((1, 40, 1), 2, np.float32, {"filters": (4, 4)}),
        ((1, 1, 1), 2, np.uint8, {"filters": (2,)}),
    ],
)
def test_onnx_network_equals_keras(shape, n_classes, dtype, parameters):
    """Gray and color, two and more classes, uint8 and float32, shallow and deep."""
    model = build(shape, n_classes, **parameters)
    images = draw(model, dtype=dtype)
    expected = model(images, training=False).numpy()
    assert expected.std() > 1e-3
    np.testing.assert_allclose(OnnxNetwork(model, dtype)(images), expected, atol=1e-6)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_onnx_network_same_numbers_alone_and_together(n_threads):
    """The numbers of an image are equal bit by bit in each batch and on each thread."""
    model = build(filters=(4,))
    images, network = draw(model), OnnxNetwork(model, np.uint8)
    alone = np.concatenate([network(images[i : i + 1]) for i in range(len(images))])
    assert (network(images, n_threads) == alone).all()


def test_onnx_network_takes_images_as_they_lie():
    """A read-only view of every other image, mirrored, gives the same numbers."""
    model = build(filters=(4,))
    images, network = draw(model), OnnxNetwork(model, np.uint8)
    view = images[::2, :, ::-1]
    view.flags.writeable = False
    assert (network(view) == network(view.copy())).all()


@pytest.mark.parametrize("change", ["set_weights", "assign", "train"])
def test_onnx_network_new_weights_are_not_served(change):
    """A network with new weights, or pixels of another dtype, needs a new copy."""
    model = build(filters=(4,))
    network = OnnxNetwork(model, np.uint8)
    assert network.is_current(model, np.uint8)
    assert not network.is_current(model, np.float32)
    if change == "set_weights":
        model.set_weights([weight * 2 for weight in model.get_weights()])
    elif change == "assign":
        bias = model.layers[-1].bias
        bias.assign(bias + 1)
    else:
        model.train_on_batch(draw(model, 4), np.array([0, 1, 0, 1]))
    assert not network.is_current(model, np.uint8)
    assert OnnxNetwork(model, np.uint8).is_current(model, np.uint8)


def chain(*layers):
    """Return a network of other layers than those of build_cnn."""
    head = [keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid")]
    return keras.Sequential([keras.Input((8, 8, 3)), *layers, *head])


def branch():
    """Return a functional network with an operation that is not a layer of the table."""
    image = keras.Input((8, 8, 3))
    output = keras.layers.Dense(1)(keras.layers.Flatten()(image))
    return keras.Model(image, output * 2)


def disordered():
    """Return a network that normalizes flattened values, which ONNX has in another order."""
    return chain(keras.layers.Flatten(), keras.layers.BatchNormalization())


def concatenated():
    """Return a functional network that concatenates images, and then rows of means."""
    image = keras.Input((8, 8, 3))
    hidden = keras.layers.Concatenate(axis=3)([image, keras.layers.Conv2D(4, 1)(image)])
    means = [keras.layers.GlobalAveragePooling2D()(values) for values in (image, hidden)]
    return keras.Model(image, keras.layers.Dense(1)(keras.layers.Concatenate()(means)))


OTHER = {
    "layer": lambda: chain(keras.layers.UpSampling2D(2)),
    "dilation": lambda: chain(keras.layers.Conv2D(2, 3, dilation_rate=2)),
    "flattened": disordered,
    "activation": lambda: chain(keras.layers.Conv2D(2, 3, activation="gelu")),
    "softmax": lambda: chain(keras.layers.Conv2D(2, 3, activation="softmax")),  # over channels
    "antialias": lambda: chain(keras.layers.Resizing(5, 5, antialias=True)),
    "nearest": lambda: chain(keras.layers.Resizing(5, 5, interpolation="nearest")),
    "rows": lambda: chain(keras.layers.BatchNormalization(axis=1)),
    "margin": lambda: chain(keras.layers.ZeroPadding2D(101)),
    "precision": lambda: chain(keras.layers.Conv2D(2, 3, dtype="mixed_bfloat16")),
    "branch": branch,
}


TRANSLATED = {
    "strides": lambda: chain(keras.layers.Conv2D(2, 3, strides=2)),
    "unequal": lambda: chain(keras.layers.Conv2D(2, (3, 2), strides=(2, 1), padding="same")),
    "padding": lambda: chain(keras.layers.Conv2D(2, 3, padding="same", activation="relu")),
    "even": lambda: chain(keras.layers.Conv2D(2, 4, padding="same", strides=2)),
    "no bias": lambda: chain(keras.layers.Conv2D(2, 3, use_bias=False)),
    "pool": lambda: chain(keras.layers.MaxPooling2D(3, strides=2, padding="same")),
    "shift": lambda: chain(keras.layers.Rescaling(2.0, offset=-0.5)),
    "normalized": lambda: chain(keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization()),
    "average": lambda: chain(keras.layers.GlobalAveragePooling2D()),
    "depthwise": lambda: chain(keras.layers.DepthwiseConv2D(3, depth_multiplier=2)),
    "depthwise strides": lambda: chain(
        keras.layers.DepthwiseConv2D(5, strides=2, padding="same", use_bias=False)
    ),
    "depthwise activation": lambda: chain(keras.layers.DepthwiseConv2D((2, 3), activation="relu")),
    "limit": lambda: chain(keras.layers.ReLU(0.5)),
    "activation": lambda: chain(
        keras.layers.Rescaling(1.0, offset=-0.5), keras.layers.Activation("relu")
    ),
    "channels axis": lambda: chain(keras.layers.BatchNormalization(axis=3)),
    "means": lambda: chain(keras.layers.AveragePooling2D(3, strides=2, padding="same")),
    "unequal means": lambda: chain(keras.layers.AveragePooling2D((2, 3))),
    "margin": lambda: chain(keras.layers.ZeroPadding2D(((1, 2), (0, 3)))),
    "enlarged": lambda: chain(keras.layers.Resizing(13, 11)),
    "shrunk": lambda: chain(keras.layers.Resizing(5, 3)),
    "concatenated": concatenated,
}


@pytest.mark.parametrize("kind", TRANSLATED)
def test_onnx_network_of_other_settings_equals_keras(kind):
    """Each setting that the table of layers allows is translated, padding on the right side."""
    keras.utils.set_random_seed(0)
    model = TRANSLATED[kind]()
    generator = np.random.default_rng(0)
    model.set_weights([w + generator.uniform(0, 0.1, w.shape) for w in model.get_weights()])
    images = (draw(model) / 255).astype(np.float32)
    expected = model(images, training=False).numpy()
    assert expected.std() > 1e-5
    np.testing.assert_allclose(OnnxNetwork(model, np.float32)(images), expected, atol=1e-6)


@pytest.mark.parametrize("kind", OTHER)
def test_write_onnx_other_network_raises(kind):
    """A network that the table of layers does not hold is not translated in part."""
    with pytest.raises(ValueError, match="no operator"):
        write_onnx(OTHER[kind](), np.uint8)


def test_count_threads_follows_the_share_of_the_process(monkeypatch):
    """joblib limits its workers by OMP_NUM_THREADS. Without it, all cores are used."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert count_threads() == 1
    for silent in ("", "0", "4,2"):
        monkeypatch.setenv("OMP_NUM_THREADS", silent)
        assert 1 <= count_threads() <= joblib.cpu_count()


def test_onnx_runtime_leaves_nothing_in_the_users_folder(tmp_path, run_python):
    """The telemetry of ONNX Runtime would write an identifier of the machine there."""
    code = (
        "for name in ('ORT_DISABLE_TELEMETRY', 'CI', 'XDG_CACHE_HOME'):\n"
        "    os.environ.pop(name, None)\n"
        "import numpy as np; from cellsk import build_cnn; "
        "from cellsk.neural_network._onnx import OnnxNetwork; "
        "model = build_cnn({'X_shape_': (0, 8, 8, 1), 'n_classes_': 2}, filters=(2,)); "
        "OnnxNetwork(model, np.uint8)(np.zeros((1, 8, 8, 1), np.uint8))"
    )
    run_python(code, env={"HOME": str(tmp_path)})
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name]
