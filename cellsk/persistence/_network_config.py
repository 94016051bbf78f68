"""What config.json of a .keras file may say: the networks of build_cnn, and no other."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from cellsk.exceptions import ModelFileError
from cellsk.persistence._refusal import refuse

__all__ = ["NetworkSize", "check_network_config"]

_RULE = (
    "A network in a model file must be a Sequential of the layers that build_cnn uses, with "
    "nothing registered, custom or callable in it."
)
_REMEDY = "Use a network that build_cnn makes, or keep yours in a .keras file of its own."

_Shape: TypeAlias = tuple[int, ...]

_OBJECTS = frozenset(
    {
        ("keras", "DTypePolicy"),
        ("keras.initializers", "GlorotUniform"),
        ("keras.initializers", "Zeros"),
    }
)
_OBJECT_KEYS = frozenset({"module", "class_name", "config", "registered_name", "build_config"})
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,99}")
_DTYPES = frozenset({"float32", "float64", "float16", "bfloat16"})
# The texts that Keras looks up by name, or passes on.
_TEXTS = {
    "activation": frozenset({"linear", "relu", "sigmoid", "softmax"}),
    "data_format": frozenset({"channels_last"}),
    "padding": frozenset({"valid"}),
    "dtype": _DTYPES,
}
_DEPTH = 12


class NetworkSize(NamedTuple):
    """Shape of one image, number of outputs, and number of weights of a network."""

    image_shape: _Shape
    n_outputs: int
    n_weights: int


def check_network_config(config: Mapping[str, Any]) -> NetworkSize:
    """Return the size of the network, or raise before Keras has seen any of it.

    Raises
    ------
    ModelFileError
        When it is another kind of network, or its shapes do not fit together.
    """
    config = dict(config)
    if config.pop("compile_config", None):
        raise refuse(_RULE, "a compiled one, with an optimizer of the file's choice", _REMEDY)
    _check_identity(config, "keras", "Sequential")
    try:
        body = config["config"]
        layers = body["layers"]
        size = _measure(layers)
        _check_texts({key: value for key, value in body.items() if key != "layers"}, "config", 0)
        builds = [config.get("build_config"), {"input_shape": body.get("build_input_shape")}]
        for build in builds:
            _check_build(build, size.image_shape)
    except ModelFileError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise refuse(_RULE, "a config.json of another form", _REMEDY) from None
    return size


def _measure(layers: list[dict[str, Any]]) -> NetworkSize:
    """Follow the shape of one image through the layers, counting weights."""
    kind = _check_layer(layers[0])
    _, *image_shape = layers[0]["config"]["batch_shape"]
    shape: _Shape = tuple(_size(side) for side in image_shape)
    if kind != "InputLayer" or len(shape) != 3:
        raise refuse(_RULE, f"a network that begins with {kind}", _REMEDY)
    first, n_weights = shape, 0
    for layer in layers[1:]:
        step = _STEPS[_check_layer(layer)]
        _check_build(layer.get("build_config"), shape)
        shape, count = step(layer["config"], shape)
        n_weights += count
    (n_outputs,) = shape
    return NetworkSize(first, n_outputs, n_weights)


def _check_layer(layer: dict[str, Any]) -> str:
    """Return the class name of a layer that is allowed."""
    name = layer.get("class_name")
    if name not in ("InputLayer", *_STEPS):
        raise refuse(_RULE, f"a layer {str(name)[:100]!r}", _REMEDY)
    _check_identity(layer, "keras.layers", name)
    _check_texts(layer["config"], name, 0)
    return name


def _check_identity(node: Mapping[str, Any], module: str, name: str) -> None:
    found = (node.get("module"), node.get("class_name"))
    registered, extra = node.get("registered_name"), node.keys() - _OBJECT_KEYS
    if found != (module, name) or registered is not None or extra:
        said = registered if found == (module, name) else ".".join(map(str, found))
        raise refuse(_RULE, f"{str(said or sorted(extra)[0])[:100]!r}", _REMEDY)


def _check_texts(node: Any, key: str, depth: int) -> None:
    """Check each object and each text below ``node``; numbers need no look."""
    if depth > _DEPTH:
        raise refuse(_RULE, "one nested too deeply", _REMEDY)
    if isinstance(node, dict):
        if "class_name" in node:
            module, name = node.get("module"), node["class_name"]
            if (module, name) not in _OBJECTS:
                raise refuse(_RULE, f"{str(module)[:100]}.{str(name)[:100]}", _REMEDY)
            _check_identity(node, str(module), name)
            node = node["config"]
            key = name
        for child_key, child in node.items():
            _check_texts(child, f"{key}.{child_key}", depth + 1)
    elif isinstance(node, list):
        for child in node:
            _check_texts(child, f"{key}.items", depth + 1)
    elif isinstance(node, str):
        _check_text(node, key)


def _check_text(text: str, key: str) -> None:
    owner, _, name = key.rpartition(".")
    if owner == "DTypePolicy":
        allowed = text in _DTYPES | {"mixed_float16", "mixed_bfloat16"}
    elif name == "name":
        allowed = _LABEL.fullmatch(text) is not None
    else:
        allowed = text in _TEXTS.get(name, frozenset())
    if not allowed:
        raise refuse(_RULE, f"{name}={text[:100]!r}", _REMEDY)


def _check_build(build: Any, shape: _Shape) -> None:
    """Keras builds a layer for the shape that build_config names: it must be the real one."""
    if build is not None and build != {"input_shape": [None, *shape]}:
        raise refuse(_RULE, f"a layer built for {str(build)[:100]}, which gets {shape}", _REMEDY)


def _size(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise refuse(_RULE, f"a size of {str(value)[:100]}", _REMEDY)
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise refuse(_RULE, f"{str(value)[:100]} in place of a number", _REMEDY)
    return value


def _same(config: Mapping[str, Any], shape: _Shape) -> tuple[_Shape, int]:
    for name in ("scale", "offset", "rate"):
        _number(config.get(name, 0))
    if config.get("noise_shape") is not None:
        raise refuse(_RULE, "a noise_shape", _REMEDY)
    return shape, 0


def _convolve(config: Mapping[str, Any], shape: _Shape) -> tuple[_Shape, int]:
    height, width, channels = shape
    rows, columns = map(_size, config["kernel_size"])
    count = _size(config["filters"])
    plain = config["strides"] == [1, 1] == config["dilation_rate"] and config["groups"] == 1
    if not plain or config["use_bias"] is not True:
        raise refuse(_RULE, "a Conv2D with strides, dilation or groups, or no bias", _REMEDY)
    after = (_size(height - rows + 1), _size(width - columns + 1), count)
    return after, (rows * columns * channels + 1) * count


def _pool(config: Mapping[str, Any], shape: _Shape) -> tuple[_Shape, int]:
    height, width, channels = shape
    rows, columns = map(_size, config["pool_size"])
    if config["strides"] != config["pool_size"]:
        raise refuse(_RULE, "a MaxPooling2D with strides of its own", _REMEDY)
    return (_size(height // rows), _size(width // columns), channels), 0


def _flatten(config: Mapping[str, Any], shape: _Shape) -> tuple[_Shape, int]:
    return (math.prod(shape),), 0


def _connect(config: Mapping[str, Any], shape: _Shape) -> tuple[_Shape, int]:
    (inputs,) = shape
    units = _size(config["units"])
    if config["use_bias"] is not True:
        raise refuse(_RULE, "a Dense without bias", _REMEDY)
    return (units,), (inputs + 1) * units


_STEPS: dict[str, Callable[[Mapping[str, Any], _Shape], tuple[_Shape, int]]] = {
    "Conv2D": _convolve,
    "Dense": _connect,
    "Dropout": _same,
    "Flatten": _flatten,
    "MaxPooling2D": _pool,
    "Rescaling": _same,
}
