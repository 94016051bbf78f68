"""The table of layers: the one place that defines what cellsk can do with a layer of Keras."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from cellsk.neural_network.networks._fast_operations import (
    Operation,
    plan_activation,
    plan_average,
    plan_call,
    plan_concatenation,
    plan_convolution,
    plan_dense,
    plan_depthwise,
    plan_dropout,
    plan_flatten,
    plan_group_convolution,
    plan_group_normalization,
    plan_normalization,
    plan_padding,
    plan_pool,
    plan_relu,
    plan_sum,
)
from cellsk.neural_network.networks._layer_shapes import (
    Config,
    Shape,
    measure_concatenation,
    measure_convolution,
    measure_dense,
    measure_depthwise,
    measure_flatten,
    measure_group_convolution,
    measure_group_normalization,
    measure_group_pool,
    measure_image,
    measure_mean,
    measure_normalization,
    measure_padding,
    measure_pool,
    measure_resizing,
    measure_same,
    measure_sum,
)
from cellsk.neural_network.networks._onnx_operations import (
    OnnxGraph,
    add_activation,
    add_average,
    add_average_pool,
    add_concatenation,
    add_convolution,
    add_dense,
    add_depthwise,
    add_flatten,
    add_group_convolution,
    add_group_normalization,
    add_group_pool,
    add_image,
    add_normalization,
    add_nothing,
    add_padding,
    add_pool,
    add_relu,
    add_rescaling,
    add_resizing,
    add_sum,
)

__all__ = ["LAYERS", "LayerKind", "find_odd_setting", "find_slow_setting", "is_dtype", "is_float32"]

Check: TypeAlias = Callable[[Any], bool]

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,99}")
_DTYPES = frozenset({"float32", "float64", "float16", "bfloat16"})
_POLICIES = _DTYPES | {"mixed_float16", "mixed_bfloat16"}
_INITIALIZERS = frozenset({"GlorotUniform", "HeNormal", "Zeros", "Ones"})
_OBJECT_KEYS = frozenset({"module", "class_name", "config", "registered_name"})


class LayerKind(NamedTuple):
    """What cellsk knows of one class of layers. Each of them is allowed in a model file.

    Attributes
    ----------
    settings : mapping of str to callable
        Settings that the layer's configuration must have, and which values they may have.
    measure : callable
        Returns the shape of the output for one image, and the number of weights, from the
        configuration and the shapes of the inputs. It raises ValueError if they do not fit.
    onnx : callable or None
        Adds the layer to an ONNX graph. None: such networks predict with TensorFlow.
    fast : callable or None
        Returns a faster operation for training. None: such networks train by Keras' own step.
    fast_settings : mapping of str to callable
        The narrower values that the faster operation needs.
    module, registered_name : str or None
        How Keras names the class in a file.
    empty : frozenset of str
        Settings that the configuration may have if they are empty (None, False or zero). Besides
        these, only the settings of ``_COMMON`` are allowed.
    """

    settings: Mapping[str, Check]
    measure: Callable[[Config, Sequence[Shape]], tuple[Shape, int]]
    onnx: Callable[[OnnxGraph, Any, Sequence[str]], str] | None = None
    fast: Callable[[Sequence[Any], str], tuple[Operation, int]] | None = None
    fast_settings: Mapping[str, Check] = {}
    empty: frozenset[str] = frozenset()
    module: str = "keras.layers"
    registered_name: str | None = None


def find_odd_setting(
    settings: Mapping[str, Check], config: Config, empty: frozenset[str] = frozenset()
) -> str | None:
    """Return the first setting of a configuration, as in JSON, that the table does not allow."""
    checks = {**dict.fromkeys(empty, _is_empty), **_COMMON, **settings}
    missing = settings.keys() - config.keys()
    odd = (name for name in config if name not in checks or not checks[name](config[name]))
    return next(iter(sorted(missing)), None) or next(odd, None)


def find_slow_setting(kind: LayerKind, config: Config) -> str | None:
    """Return the first setting that the faster operation of the table does not cover."""
    checks = {"dtype": is_float32, **kind.fast_settings}
    return next((name for name in checks if not checks[name](config.get(name))), None)


def _is_empty(value: Any) -> bool:
    return not value


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_count, value))


def _is_margin(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(side, list) and len(side) == 2 for side in value)
        and all(type(size) is int and size >= 0 for side in value for size in side)
    )


def _is_limit(value: Any) -> bool:
    return value is None or (_is_number(value) and value > 0)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and _LABEL.fullmatch(value) is not None


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _is_batch_shape(value: Any) -> bool:
    return isinstance(value, list) and value[:1] == [None] and all(map(_is_count, value[1:]))


def _is_one_of(*options: Any) -> Check:
    # As JSON, True and 1 are different.
    texts = {json.dumps(option) for option in options}
    return lambda value: json.dumps(value) in texts


def _is_seed(value: Any) -> bool:
    return value is None or type(value) is int


def _is_object(value: Any, module: str, names: frozenset[str]) -> bool:
    """Return whether it describes an object of Keras by exactly these keys."""
    return (
        isinstance(value, dict)
        and value.keys() == _OBJECT_KEYS
        and (value["module"], value["registered_name"]) == (module, None)
        and isinstance(value["class_name"], str)
        and value["class_name"] in names
        and isinstance(value["config"], dict)
    )


def _is_initializer(value: Any) -> bool:
    if not _is_object(value, "keras.initializers", _INITIALIZERS):
        return False
    checks = {"seed": _is_seed, "input_axes": _is_empty, "output_axes": _is_empty}
    config = value["config"]
    return config.keys() <= checks.keys() and all(checks[name](config[name]) for name in config)


def is_dtype(value: Any) -> bool:
    """Return whether it is the dtype of a layer, as a name or a policy."""
    if isinstance(value, str):
        return value in _DTYPES
    return (
        _is_object(value, "keras", frozenset({"DTypePolicy"}))
        and value["config"].keys() == {"name"}
        and _is_one_of(*_POLICIES)(value["config"]["name"])
    )


def is_float32(value: Any) -> bool:
    """Return whether a layer of this dtype has weights of float32, and computes in it."""
    return (value["config"]["name"] if isinstance(value, dict) else value) == "float32"


_ACTIVATION = _is_one_of("linear", "relu", "sigmoid")
_LAST_ACTIVATION = _is_one_of("linear", "relu", "sigmoid", "softmax")  # on one axis only
_PADDING, _VALID = _is_one_of("valid", "same"), _is_one_of("valid")
_LAST = _is_one_of("channels_last")
_TRUE, _ONE, _ONES = _is_one_of(True), _is_one_of(1), _is_one_of([1, 1])
_AXIS = _is_one_of(-1, 1, 2, 3)  # it must be the last one of the shape
_POOL = {"pool_size": _is_pair, "strides": _is_pair, "padding": _PADDING, "data_format": _LAST}

_GROUP_LAYERS = "cellsk.neural_network.networks._group_layers"
_NO_PENALTY = frozenset(
    {"activity_regularizer"}
)  # which Keras writes for other classes than its own
_EMPTY_BIAS = frozenset({"activity_regularizer", "bias_regularizer", "bias_constraint"})
_EMPTY_WEIGHTS = _EMPTY_BIAS | {"kernel_regularizer", "kernel_constraint", "quantization_config"}
_COMMON: Mapping[str, Check] = {
    "name": _is_label,
    "trainable": _is_flag,
    "dtype": is_dtype,
    **{
        f"{weight}_initializer": _is_initializer
        for weight in (
            "kernel",
            "depthwise",
            "bias",
            "beta",
            "gamma",
            "moving_mean",
            "moving_variance",
        )
    },
}

LAYERS: Mapping[str, LayerKind] = {
    "InputLayer": LayerKind(
        {"batch_shape": _is_batch_shape},
        measure_image,
        add_image,
        empty=frozenset({"sparse", "ragged", "optional"}),
    ),
    "Rescaling": LayerKind(
        {"scale": _is_number, "offset": _is_number},
        measure_same,
        add_rescaling,
        plan_call,
    ),
    "Conv2D": LayerKind(
        {
            "filters": _is_count,
            "kernel_size": _is_pair,
            "strides": _is_pair,
            "padding": _PADDING,
            "data_format": _LAST,
            "dilation_rate": _ONES,
            "groups": _ONE,
            "activation": _ACTIVATION,
            "use_bias": _is_flag,
        },
        measure_convolution,
        add_convolution,
        plan_convolution,
        empty=_EMPTY_WEIGHTS,
    ),
    "DepthwiseConv2D": LayerKind(
        {
            "depth_multiplier": _is_count,
            "kernel_size": _is_pair,
            "strides": _is_pair,
            "padding": _PADDING,
            "data_format": _LAST,
            "dilation_rate": _ONES,
            "activation": _ACTIVATION,
            "use_bias": _is_flag,
        },
        measure_depthwise,
        add_depthwise,
        plan_depthwise,
        empty=_EMPTY_BIAS | {"depthwise_regularizer", "depthwise_constraint"},
    ),
    "GroupConv2D": LayerKind(
        {
            "filters": _is_count,
            "kernel_size": _is_count,
            "strides": _is_one_of(1, 2),
            "lifts": _is_flag,
        },
        measure_group_convolution,
        add_group_convolution,
        plan_group_convolution,
        module=_GROUP_LAYERS,
        registered_name="cellsk>GroupConv2D",
    ),
    "GroupBatchNormalization": LayerKind(
        {"momentum": _is_number, "epsilon": _is_number},
        measure_group_normalization,
        add_group_normalization,
        plan_group_normalization,
        module=_GROUP_LAYERS,
        registered_name="cellsk>GroupBatchNormalization",
    ),
    "GroupPooling": LayerKind(
        {},
        measure_group_pool,
        add_group_pool,
        plan_call,
        module=_GROUP_LAYERS,
        registered_name="cellsk>GroupPooling",
    ),
    "BatchNormalization": LayerKind(
        {
            "axis": _AXIS,
            "momentum": _is_number,
            "epsilon": _is_number,
            "center": _TRUE,
            "scale": _TRUE,
            "renorm_momentum": _is_number,  # not used: renorm must be empty
        },
        measure_normalization,
        add_normalization,
        plan_normalization,
        empty=frozenset(
            {
                "beta_regularizer",
                "gamma_regularizer",
                "beta_constraint",
                "gamma_constraint",
                "synchronized",
                "renorm",
                "renorm_clipping",
            }
        ),
    ),
    "ReLU": LayerKind(
        {"max_value": _is_limit},
        measure_same,
        add_relu,
        plan_relu,
        empty=frozenset({"negative_slope", "threshold"}),
    ),
    "Activation": LayerKind(
        {"activation": _ACTIVATION}, measure_same, add_activation, plan_activation
    ),
    "Add": LayerKind({}, measure_sum, add_sum, plan_sum),
    "Concatenate": LayerKind(
        {"axis": _AXIS}, measure_concatenation, add_concatenation, plan_concatenation
    ),
    "MaxPooling2D": LayerKind(_POOL, measure_pool, add_pool, plan_pool),
    "AveragePooling2D": LayerKind(_POOL, measure_pool, add_average_pool, plan_pool),
    "GlobalAveragePooling2D": LayerKind(
        {"data_format": _LAST},
        measure_mean,
        add_average,
        plan_average,
        empty=frozenset({"keepdims"}),
    ),
    "ZeroPadding2D": LayerKind(
        {"padding": _is_margin, "data_format": _LAST}, measure_padding, add_padding, plan_padding
    ),
    "Resizing": LayerKind(
        {
            "height": _is_count,
            "width": _is_count,
            "interpolation": _is_one_of("bilinear"),
            "data_format": _LAST,
            "fill_mode": _is_one_of("constant"),  # not used without padding
        },
        measure_resizing,
        add_resizing,
        plan_call,
        empty=frozenset({"crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias", "fill_value"}),
    ),
    "Flatten": LayerKind({"data_format": _LAST}, measure_flatten, add_flatten, plan_flatten),
    "Dense": LayerKind(
        {"units": _is_count, "activation": _LAST_ACTIVATION, "use_bias": _TRUE},
        measure_dense,
        add_dense,
        plan_dense,
        empty=_EMPTY_WEIGHTS,
    ),
    "Dropout": LayerKind(
        {"rate": _is_number, "seed": _is_seed},
        measure_same,
        add_nothing,
        plan_dropout,
        empty=frozenset({"noise_shape"}),
    ),
}
