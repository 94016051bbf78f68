"""The fast training step computes what Keras' own step computes, or it is not used."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from cellsk import CellClassifier, build_cnn
from cellsk.exceptions import FastStepWarning
from cellsk.neural_network import _fast_step, _trainers
from cellsk.neural_network._fast_step import can_speed_up, speed_up
from cellsk.neural_network.networks import _fast_operations
from cellsk.neural_network.networks._equivariant import build_equivariant

L = keras.layers


@pytest.fixture(autouse=True)
def first_fit():
    """Begin without trainers and without a warning, as a new process does."""
    _trainers._idle.clear()
    _fast_step._warned.clear()


def chain(*layers, head=None):
    """Return the layers of a network for images of 8 x 8 pixels."""
    head = [L.Flatten(), L.Dense(4, activation="relu")] if head is None else head
    last = L.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input((8, 8, 3)), L.Rescaling(1 / 255), *layers, *head, last])


def block(**settings):
    """Return a convolution with ReLU, and a pool."""
    return [L.Conv2D(2, 3, activation="relu", **settings), L.MaxPooling2D(2)]


def branch():
    """Return a functional network."""
    image = keras.Input((8, 8, 3))
    hidden = L.Flatten()(L.MaxPooling2D(2)(L.Conv2D(2, 3, activation="relu")(image / 255)))
    return keras.Model(image, L.Dense(1, activation="sigmoid")(L.Dense(4)(hidden)))


def residual():
    """Return a network with a shortcut."""
    image = keras.Input((8, 8, 3))
    before = L.ReLU()(
        L.BatchNormalization()(L.Conv2D(4, 3, 2, padding="same", use_bias=False)(image))
    )
    after = L.BatchNormalization()(L.Conv2D(4, 3, padding="same", use_bias=False)(before))
    joined = L.Concatenate()([L.ReLU()(L.Add()([before, after])), after])
    pooled = L.GlobalAveragePooling2D()(joined)
    return keras.Model(image, L.Dense(1, activation="sigmoid")(pooled))


def equivariant():
    """Return a network of group convolutions."""
    shape = {"X_shape_": (0, 8, 8, 3), "n_classes_": 2}
    return build_equivariant(shape, filters=(2, 4), dropout=0, seed=0)


class Doubled(L.Dense):
    """A layer that is not Keras' own."""

    def call(self, inputs):
        """Return twice the output."""
        return 2 * super().call(inputs)


OTHER_NETWORKS = {
    "dilation": lambda: chain(*block(dilation_rate=2)),
    "groups": lambda: chain(L.Conv2D(2, 1), *block(groups=2)),
    "dense without bias": lambda: chain(head=[L.Flatten(), L.Dense(4, use_bias=False)]),
    "activation": lambda: chain(*block(), head=[L.Flatten(), L.Dense(4, activation="gelu")]),
    "channels first": lambda: chain(head=[L.Flatten(data_format="channels_first"), L.Dense(4)]),
    "constraint": lambda: chain(*block(kernel_constraint="non_neg")),
    "regularizer": lambda: chain(*block(activity_regularizer="l2")),
    "float64": lambda: chain(*block(dtype="float64")),
    "other layer": lambda: chain(L.SeparableConv2D(2, 3)),
    "own layer": lambda: chain(head=[L.Flatten(), Doubled(4)]),
    "functional": branch,
}
COVERED_NETWORKS = {
    "padding same": lambda: chain(*block(padding="same")),
    "strides": lambda: chain(*block(strides=2)),
    "convolution without bias": lambda: chain(*block(use_bias=False)),
    "pool same": lambda: chain(
        L.Conv2D(2, 2, activation="relu"), L.MaxPooling2D(2, padding="same")
    ),
    "batch normalization": lambda: chain(
        L.Conv2D(2, 3, use_bias=False), L.BatchNormalization(momentum=0.7)
    ),
    "normalization of one value": lambda: chain(
        L.Conv2D(2, 8, use_bias=False), L.BatchNormalization()
    ),
    "normalization of features": lambda: chain(head=[L.Flatten(), L.BatchNormalization()]),
    "frozen normalization": lambda: chain(L.Conv2D(2, 3), L.BatchNormalization(trainable=False)),
    "average of channels": lambda: chain(L.Conv2D(3, 3), head=[L.GlobalAveragePooling2D()]),
    "average pool": lambda: chain(L.Conv2D(3, 3), L.AveragePooling2D(2, padding="same")),
    "depthwise": lambda: chain(
        L.DepthwiseConv2D(3, 2, padding="same", depth_multiplier=2, activation="relu")
    ),
    "depthwise without bias": lambda: chain(L.DepthwiseConv2D(3, use_bias=False)),
    "limited": lambda: chain(L.Conv2D(3, 3), L.ReLU(0.1)),
    "activation": lambda: chain(L.Conv2D(3, 3), L.Activation("sigmoid")),
    "margin": lambda: chain(L.Conv2D(3, 3), L.ZeroPadding2D(((0, 1), (2, 0)))),
    "resized": lambda: chain(L.Resizing(11, 9), L.Conv2D(3, 3)),
    "residual": residual,
    "equivariant": equivariant,
}
OTHER_OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "adagrad": lambda: keras.optimizers.Adagrad(0.01),
    "nadam": lambda: keras.optimizers.Nadam(0.01),
    "clipped": lambda: keras.optimizers.Adam(0.01, clipnorm=0.001),
    "averaged": lambda: keras.optimizers.Adam(0.01, use_ema=True),
    "amsgrad": lambda: keras.optimizers.Adam(0.01, amsgrad=True),
    "schedule": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    ),
}


def train_alike(make_network, make_optimizer, images, labels):
    """Return the weights after the same steps by a trainer and by Keras alone."""
    found = []
    for alone in (True, False):
        keras.utils.set_random_seed(1)
        network = make_network()
        keras.utils.set_random_seed(1)
        network.compile(make_optimizer(), loss="binary_crossentropy", run_eagerly=True)
        if alone:
            train(network, images, labels)
        else:
            with _trainers.prepare_trainer(
                network, "float32", images[:4], reuse=True, steps=1
            ) as trainer:
                train(trainer.model, images, labels)
        found.append(network.get_weights())
    return found


def train(model, images, labels):
    """Take two steps. The second one begins with the optimizer's state after the first."""
    for rows in (slice(12), slice(12, None)):
        model.train_on_batch(images[rows], labels[rows])
    model.optimizer.finalize_variable_values(model.trainable_weights)  # as the end of fit does


@pytest.fixture
def noise():
    """Images of 8 x 8 pixels, and their labels."""
    images = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    return images, np.arange(24) % 2


@pytest.mark.parametrize("kind", OTHER_NETWORKS)
def test_other_network_trains_by_the_step_of_keras(noise, kind):
    """What the fast step does not compute equally, Keras trains; the weights are the same."""

    def adam():
        return keras.optimizers.Adam(0.01)

    network = OTHER_NETWORKS[kind]()
    network.compile(adam(), loss="binary_crossentropy")
    assert not can_speed_up(network)
    alone, trained = train_alike(OTHER_NETWORKS[kind], adam, *noise)
    for expected, found in zip(alone, trained, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("decay", [0, 0.1])
@pytest.mark.parametrize("kind", COVERED_NETWORKS)
def test_covered_network_trains_as_by_the_step_of_keras(noise, kind, decay):
    """Two steps of Adam or AdamW give the same weights and moving statistics, to rounding."""

    def adam():
        return keras.optimizers.AdamW(0.01, decay) if decay else keras.optimizers.Adam(0.01)

    network = COVERED_NETWORKS[kind]()
    network.compile(adam(), loss="binary_crossentropy")
    assert can_speed_up(network)
    alone, trained = train_alike(COVERED_NETWORKS[kind], adam, *noise)
    for expected, found in zip(alone, trained, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("kind", COVERED_NETWORKS)
def test_covered_network_computes_outputs_and_statistics_of_keras(noise, kind):
    """In float32 to rounding, in bfloat16 to its own."""
    expected, *found = (COVERED_NETWORKS[kind]() for _ in range(3))
    for model, precision in zip(found, ("float32", "bfloat16"), strict=True):
        model.set_weights(expected.get_weights())
        model.compile("adam", loss="binary_crossentropy")
        assert speed_up(model, precision, noise[0][:8])
    usual = np.asarray(expected(noise[0], training=True))
    for model, tolerance in zip(found, (1e-5, 0.03), strict=True):
        np.testing.assert_allclose(model(noise[0], training=True), usual, atol=tolerance)
        for mine, kept in zip(model.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_allclose(mine, kept, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", OTHER_OPTIMIZERS)
def test_other_optimizer_trains_by_the_step_of_keras(noise, kind):
    """The faster update is that of Adam and AdamW. Others begin with their own first values."""
    alone, trained = train_alike(lambda: chain(*block()), OTHER_OPTIMIZERS[kind], *noise)
    for expected, found in zip(alone, trained, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_loss_of_a_caller_trains_by_the_step_of_keras(noise):
    """A function cannot be copied by its name, so the network itself trains, by its own loss."""
    weights = []
    for factor in (1.0, -1.0):
        keras.utils.set_random_seed(1)
        network = chain(*block())

        def loss(y, p, factor=factor):
            return factor * tf.reduce_mean((tf.cast(y, p.dtype) - p) ** 2)

        network.compile("sgd", loss=loss, run_eagerly=True)
        with _trainers.prepare_trainer(
            network, "float32", noise[0][:4], reuse=True, steps=4
        ) as trainer:
            assert trainer.model is network
            train(trainer.model, *noise)
        weights.append(np.concatenate([weight.ravel() for weight in network.get_weights()]))
    assert np.abs(weights[0] - weights[1]).max() > 1e-4
    assert not _trainers._idle


@pytest.mark.parametrize("filters", [(8,), (8, 16)])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_fast_step_in_float32_computes_the_same_bits(cells, filters, n_classes):
    """Bias and ReLU after the pool: equal outputs, in training and outside of it."""
    meta = {"X_shape_": cells.images.shape, "n_classes_": n_classes}
    model, usual = (build_cnn(meta, filters=filters, seed=3) for _ in range(2))
    for layer in (model.layers, usual.layers):
        for conv in layer[1:3:2]:
            conv.bias.assign(np.linspace(-0.2, 0.2, conv.filters))
    assert speed_up(model, "float32", cells.images[:8])
    for training in (True, False):
        found, expected = (m(cells.images, training=training) for m in (model, usual))
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_fast_step_bfloat16_differs_in_training_only(cells):
    """What is predicted and validated is float32."""
    model, usual = (
        build_cnn({"X_shape_": cells.images.shape, "n_classes_": 2}, filters=(8,), seed=3)
        for _ in range(2)
    )
    assert speed_up(model, "bfloat16", cells.images[:8])
    expected = np.asarray(usual(cells.images))
    np.testing.assert_array_equal(np.asarray(model(cells.images, training=False)), expected)
    rounded = np.asarray(model(cells.images, training=True))
    assert rounded.dtype == np.float32
    assert 0 < np.abs(rounded - expected).max() < 0.01


@pytest.mark.parametrize("filters", [(8,), (8, 16)])
def test_fast_step_in_float32_computes_the_same_gradients(cells, filters):
    """A gradient through the pool reaches what TensorFlow's own gradient reaches."""
    meta = {"X_shape_": cells.images.shape, "n_classes_": 2}
    gradients = []
    for fast in (True, False):
        model = build_cnn(meta, filters=filters, seed=3)
        if fast:
            assert speed_up(model, "float32", cells.images[:8])
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(cells.images[:16], training=True) ** 2)
        gradients.append(tape.gradient(loss, [weight.value for weight in model.weights]))
    for found, expected in zip(*gradients, strict=True):
        assert float(tf.reduce_max(tf.abs(expected))) > 0
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def fit(cells, small, **settings):
    """Return a fitted classifier."""
    settings = small | {"epochs": 2, "dropout": 0.3} | settings
    return CellClassifier(**settings).fit(cells.images, cells.y)


@pytest.fixture(scope="module")
def keras_numbers(cells, small):
    """Probabilities after training by Keras' own step alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELLSK_FAST", "off")
        return fit(cells, small).predict_proba(cells.images)


def check_keras_trained(cells, classifiers, keras_numbers):
    """Assert that both have the numbers of Keras' own step, in float32."""
    for classifier in classifiers:
        assert classifier.precision_ == "float32"
        np.testing.assert_array_equal(classifier.predict_proba(cells.images), keras_numbers)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_renamed_variables_of_keras_train_by_its_own_step(
    cells, small, keras_numbers, monkeypatch, precision
):
    """If the moments of Adam are not found by name: one warning, and Keras' numbers."""
    add = keras.optimizers.Adam.add_optimizer_variables

    def add_renamed(self, variables, name, **rest):
        return add(self, variables, [f"{one}_renamed" for one in name], **rest)

    monkeypatch.setattr(keras.optimizers.Adam, "add_optimizer_variables", add_renamed)
    with pytest.warns(FastStepWarning, match=r"the fast step\. Got Keras .*KeyError") as caught:
        classifiers = [fit(cells, small, precision=precision) for _ in range(2)]
    assert [warning.filename for warning in caught] == [__file__]
    assert caught[0].message.code == "fast-step-unusable"
    check_keras_trained(cells, classifiers, keras_numbers)


def change_operation(monkeypatch, operation):
    """Let an operation compute other numbers than its layer."""
    usual = getattr(_fast_operations, operation)
    monkeypatch.setattr(_fast_operations, operation, lambda *given: usual(*given) * 1.02)


def test_other_forward_pass_trains_by_the_step_of_keras(cells, small, keras_numbers, monkeypatch):
    """If an operation computes other numbers than its layer: one warning, and Keras' numbers."""
    change_operation(monkeypatch, "_multiply")
    with pytest.warns(FastStepWarning, match=r"its forward pass in float32 differs") as caught:
        classifiers = [fit(cells, small) for _ in range(2)]
    assert len(caught) == 1
    check_keras_trained(cells, classifiers, keras_numbers)


@pytest.mark.parametrize("operation", ["_convolve_and_pool", "_flatten", "_multiply"])
def test_other_forward_pass_of_any_operation_is_found(cells, monkeypatch, operation):
    """The network then stays as Keras made it, in its forward pass and its update."""
    change_operation(monkeypatch, operation)
    model = build_cnn({"X_shape_": cells.images.shape, "n_classes_": 2}, filters=(8,), seed=3)
    with pytest.warns(FastStepWarning, match=r"its forward pass in float32 differs"):
        assert not speed_up(model, "float32", cells.images[:8])
    assert "call" not in vars(model)
    assert "apply" not in vars(model.optimizer)


def test_check_of_the_forward_pass_leaves_the_network_as_it_was(cells):
    """Weights and random states are restored, and Keras' forward pass is found equal."""
    meta = {"X_shape_": cells.images.shape, "n_classes_": 2}
    model = build_cnn(meta, filters=(8,), dropout=0.3, seed=3)
    before = [np.array(variable.value.numpy()) for variable in model.variables]
    assert speed_up(model, "bfloat16", cells.images[:8])
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.value.numpy(), value)


def test_room_uses_no_private_name_of_keras_or_tensorflow():
    """A new version of Keras may rename or remove these without notice."""
    for path in Path(_fast_step.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                public = node.attr.startswith("__") or node.attr in (
                    "_asdict",
                    "_fields",
                    "_replace",
                )
                assert owner in ("self", "cls") or public, f"{path.name}:{node.lineno} {node.attr}"
            if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("cellsk"):
                private = [alias.name for alias in node.names if alias.name.startswith("_")]
                assert not private, f"{path.name}:{node.lineno} {private}"
                assert "._" not in (node.module or "")
