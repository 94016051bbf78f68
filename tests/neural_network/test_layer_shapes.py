"""The table of layers measures what Keras builds, and refuses the rest before Keras builds it."""

import json

import keras
import pytest

from cellsk.neural_network.networks import OutsideTableError, read_graph, read_model

L = keras.layers

LAYERS = {
    "convolution": lambda: L.Conv2D(4, (3, 2), strides=2, padding="same", use_bias=False),
    "depthwise": lambda: L.DepthwiseConv2D(3, depth_multiplier=2),
    "depthwise strides": lambda: L.DepthwiseConv2D((2, 5), strides=2, padding="same"),
    "depthwise without bias": lambda: L.DepthwiseConv2D(3, use_bias=False),
    "normalization": lambda: L.BatchNormalization(axis=3),
    "limit": lambda: L.ReLU(6.0),
    "activation": lambda: L.Activation("relu"),
    "pool": lambda: L.MaxPooling2D((2, 3), strides=2, padding="same"),
    "means": lambda: L.AveragePooling2D((3, 2), strides=2),
    "margin": lambda: L.ZeroPadding2D(((0, 1), (2, 3))),
    "resizing": lambda: L.Resizing(5, 14),
}


def network(layer):
    """Return a functional network with this layer."""
    image = keras.Input((9, 10, 3))
    hidden = layer(L.Rescaling(1 / 255)(image))
    means = [L.GlobalAveragePooling2D()(values) for values in (image, hidden)]
    return keras.Model(image, L.Dense(1)(L.Concatenate()(means)))


@pytest.mark.parametrize("kind", LAYERS)
def test_layer_is_measured_as_keras_builds_it(kind):
    """Each shape, and the number of weights."""
    model = network(LAYERS[kind]())
    graph = read_model(model)
    assert graph.n_weights == model.count_params()
    built = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert {node.name: tuple(node.shape) for node in graph.nodes} == built


HOSTILE = {
    "depthwise": [
        {"depth_multiplier": 10**9},
        {"depth_multiplier": 0},
        {"kernel_size": [10**6, 3]},
        {"kernel_size": [True, 3]},
        {"strides": [1, 2]},
        {"dilation_rate": [2, 2]},
        {"activation": "evil>activation"},
        {"depthwise_initializer": "evil>init"},
        {"depthwise_regularizer": "l2"},
        {"data_format": "channels_first"},
    ],
    "normalization": [{"axis": 1}, {"axis": 2}, {"axis": [3]}, {"axis": 4}],
    "limit": [{"max_value": -1.0}, {"max_value": "6"}, {"max_value": 1e999}, {"threshold": 1.0}],
    "activation": [{"activation": "softmax"}, {"activation": {"class_name": "function"}}],
    "means": [{"pool_size": [10**6, 2]}, {"padding": "causal"}, {"strides": [0, 2]}],
    "margin": [
        {"padding": [[0, 1], [2, 101]]},
        {"padding": [[0, -1], [2, 3]]},
        {"padding": [0, 1]},
        {"padding": [[0, 1]]},
        {"padding": [[0, 1], [2, True]]},
    ],
    "resizing": [
        {"height": 10**6, "width": 10**6},
        {"height": 0},
        {"interpolation": "nearest"},
        {"antialias": True},
        {"fill_value": 1.0},
        {"fill_mode": "evil"},
    ],
}


@pytest.mark.parametrize(
    ("kind", "change"), [(kind, change) for kind in HOSTILE for change in HOSTILE[kind]]
)
def test_layer_with_another_setting_is_refused(kind, change):
    """Large, foreign and unknown settings."""
    layer = LAYERS[kind]()
    with pytest.raises(OutsideTableError):
        read_changed(network(layer), layer.name, change)


@pytest.mark.parametrize("axis", [0, -2, "x"])
def test_concatenation_along_another_axis_is_refused(axis):
    """Only the channels may be concatenated."""
    model = network(L.ReLU())
    with pytest.raises(OutsideTableError):
        read_changed(model, model.layers[-2].name, {"axis": axis})


def test_concatenation_of_different_sizes_is_refused():
    """The images must have one height and width."""
    image = keras.Input((9, 10, 3))
    joined = L.Concatenate()([L.ReLU()(image), L.ReLU(6.0)(image)])
    model = keras.Model(image, L.GlobalAveragePooling2D()(joined))
    first = next(layer for layer in model.layers if isinstance(layer, L.ReLU))
    assert read_model(model).nodes[-1].shape == (6,)
    with pytest.raises(OutsideTableError):
        read_changed(model, first.name, {}, class_name="MaxPooling2D")


def read_changed(model, name, change, **about):
    """Read the configuration of a network after a change of one layer."""
    body = json.loads(json.dumps(model.get_config()))
    layer = next(layer for layer in body["layers"] if layer["config"]["name"] == name)
    layer["config"].update(change)
    layer.update(about)
    layer["build_config"] = None
    module = "keras.src.models.functional"
    config = {"module": module, "class_name": "Functional", "config": body}
    return read_graph(json.loads(json.dumps(config)))
