"""Output shapes and numbers of weights of layers of Keras, from their settings alone.

Each function takes the configuration of a layer, and the shapes of its inputs for one image. It
returns the shape of the output, and the number of weights. It raises ValueError if they do not fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

__all__ = [
    "measure_concatenation",
    "measure_convolution",
    "measure_dense",
    "measure_depthwise",
    "measure_flatten",
    "measure_group_convolution",
    "measure_group_normalization",
    "measure_group_pool",
    "measure_image",
    "measure_mean",
    "measure_normalization",
    "measure_padding",
    "measure_pool",
    "measure_resizing",
    "measure_same",
    "measure_sum",
]

Config: TypeAlias = Mapping[str, Any]
Shape: TypeAlias = tuple[int, ...]

N_SYMMETRIES = 8  # of a square
_WIDEST_MARGIN = 100  # pixels of a window, or of padding, outside of the image


def measure_image(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure an input."""
    return tuple(config["batch_shape"][1:]), 0


def measure_same(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure a layer that changes each value, and has no weights."""
    (shape,) = shapes
    return shape, 0


def measure_convolution(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure a convolution."""
    ((height, width, channels),) = shapes
    rows, columns = config["kernel_size"]
    count = config["filters"]
    after = *_slide(config, "kernel_size", height, width), count
    return after, (rows * columns * channels + config["use_bias"]) * count


def measure_group_convolution(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure a group convolution, whose kernel has eight orientations.

    Raises
    ------
    ValueError
        If the input is neither an image nor a feature map of eight orientations.
    """
    ((height, width, channels),) = shapes
    size, stride, count = config["kernel_size"], config["strides"], config["filters"]
    window = {"kernel_size": [size] * 2, "strides": [stride] * 2, "padding": "same"}
    if not config["lifts"] and channels % N_SYMMETRIES:
        raise ValueError(f"a group convolution of {channels} channels")
    after = *_slide(window, "kernel_size", height, width), N_SYMMETRIES * count
    return after, size * size * channels * count


def measure_group_normalization(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure a batch normalization that the eight orientations share.

    Raises
    ------
    ValueError
        If the input is not a feature map of eight orientations.
    """
    ((height, width, channels),) = shapes
    if channels % N_SYMMETRIES:
        raise ValueError(f"a group normalization of {channels} channels")
    return (height, width, channels), 4 * channels // N_SYMMETRIES


def measure_group_pool(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure the mean over the eight orientations.

    Raises
    ------
    ValueError
        If the input does not have eight orientations.
    """
    ((channels,),) = shapes
    if channels % N_SYMMETRIES:
        raise ValueError(f"a group pooling of {channels} channels")
    return (channels // N_SYMMETRIES,), 0


def measure_depthwise(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure a depthwise convolution, which has filters for each channel.

    Raises
    ------
    ValueError
        If its strides differ.
    """
    ((height, width, channels),) = shapes
    rows, columns = config["kernel_size"]
    if len(set(config["strides"])) > 1:
        raise ValueError("a depthwise convolution with two different strides")
    count = channels * config["depth_multiplier"]
    after = *_slide(config, "kernel_size", height, width), count
    return after, (rows * columns + config["use_bias"]) * count


def measure_pool(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure a pool of maxima or of means."""
    ((height, width, channels),) = shapes
    return (*_slide(config, "pool_size", height, width), channels), 0


def measure_mean(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure the mean of each channel."""
    ((_, _, channels),) = shapes
    return (channels,), 0


def measure_padding(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure a margin of zeros around an image.

    Raises
    ------
    ValueError
        If it is too wide.
    """
    ((height, width, channels),) = shapes
    vertical, horizontal = config["padding"]
    if max(*vertical, *horizontal) > _WIDEST_MARGIN:
        raise ValueError(f"a margin of {max(*vertical, *horizontal):,} pixels")
    return (height + sum(vertical), width + sum(horizontal), channels), 0


def measure_resizing(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure an interpolation to another height and width."""
    ((_, _, channels),) = shapes
    return (config["height"], config["width"], channels), 0


def measure_normalization(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure batch normalization, which has a scale, a shift, and a moving mean and variance."""
    ((*_, channels),) = shapes
    _check_axis(config, shapes[0])
    return shapes[0], 4 * channels


def measure_sum(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure a sum of several inputs.

    Raises
    ------
    ValueError
        If there is one input, or their shapes differ.
    """
    first, *others = shapes
    if not others or any(shape != first for shape in others):
        raise ValueError("inputs of different shapes that are added")
    return first, 0


def measure_concatenation(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure several inputs, channel behind channel.

    Raises
    ------
    ValueError
        If there is one input, their heights or widths differ, or the axis is another one.
    """
    (*sides, _), *others = shapes
    _check_axis(config, shapes[0])
    if not others or any(list(shape[:-1]) != sides for shape in others):
        raise ValueError("inputs of different shapes that are concatenated")
    return (*sides, sum(shape[-1] for shape in shapes)), 0


def measure_flatten(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure an image as a row of values."""
    (shape,) = shapes
    return (math.prod(shape),), 0


def measure_dense(config: Config, shapes: Sequence[Shape]) -> tuple[Shape, int]:
    """Measure a dense layer with a bias."""
    ((inputs,),) = shapes
    return (config["units"],), (inputs + 1) * config["units"]


def _slide(config: Config, window: str, height: int, width: int) -> tuple[int, int]:
    """Number of positions of a window on both sides."""
    sizes = zip((height, width), config[window], config["strides"], strict=True)
    down, right = (_count_steps(*size, config["padding"]) for size in sizes)
    return down, right


def _count_steps(size: int, window: int, stride: int, padding: str) -> int:
    count = math.ceil(size / stride) if padding == "same" else (size - window) // stride + 1
    if count < 1 or window > size + _WIDEST_MARGIN:
        raise ValueError(f"a window of {window} on {size} pixels")
    return count


def _check_axis(config: Config, shape: Shape) -> None:
    """Raise unless the axis is that of the channels, counted with the axis of the images."""
    if config["axis"] not in (-1, len(shape)):
        raise ValueError(f"axis {config['axis']} of {len(shape) + 1}")
