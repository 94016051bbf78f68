"""The methods of stain normalization: statistics of an image, a target of many, and the change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk.preprocessing._stain_vectors import (
    blend_channels,
    find_macenko_stains,
    find_percentiles,
    find_vahadane_stains,
    to_density,
    to_levels,
    to_pixels,
)

__all__ = [
    "METHODS",
    "Statistics",
    "change_image",
    "find_target",
    "measure_stain",
]

_MAX_SIDE = 1024  # pixels
_CHUNK = 2**16  # pixels that are changed at a time
_MIN_PIXELS, _MIN_SHARE = 10, 0.01  # of an image must be stained
_MIN_HUE = np.radians(3)  # between the mean density and gray
_MAXIMUM = 0.99  # share of the pixels with a lower concentration than the maximum
_MIN_CONCENTRATION = 0.01
# Ruderman's space: cone responses, their logarithms, and axes of brightness and two of hue.
_CONES = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_AXES = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])
_MIN_DEVIATIONS = np.array([0.02, 0.003, 0.002])  # on the axes: less is a constant color


class Statistics(NamedTuple):
    """What a method measures of an image, or of the target.

    Attributes
    ----------
    center : ndarray of shape (2, 3) or (3,)
        Two stain vectors, or the mean on the three axes of Ruderman's space ("reinhard").
    scale : ndarray of shape (2,) or (3,)
        The maximum concentration of each stain, or the standard deviation on each axis.
    """

    center: NDArray[np.float64]
    scale: NDArray[np.float64]


def measure_stain(method: str, image: NDArray[np.uint8], min_density: float) -> Statistics | None:
    """Return the statistics of the stained pixels of an image, or None without two stains.

    Parameters
    ----------
    method : {"macenko", "reinhard", "vahadane"}
        Method of normalization.
    image : ndarray of shape (height, width, 3), dtype uint8
        Of large images, every second, third, ... row and column is used.
    min_density : float
        Optical density (length of the vector of the three channels) of a stained pixel.
    """
    step = -(-max(image.shape[:2]) // _MAX_SIDE)
    density = to_density(image[::step, ::step])
    is_stained = (density * density).sum(axis=0) >= min_density**2
    n_stained = np.count_nonzero(is_stained)
    if n_stained < max(_MIN_PIXELS, _MIN_SHARE * is_stained.size):
        return None
    if n_stained < is_stained.size:
        density = np.compress(is_stained, density, axis=1)
    mean = density.mean(axis=1, dtype=np.float64)
    if mean.sum() > np.cos(_MIN_HUE) * np.sqrt(3 * (mean @ mean)):
        return None
    return _MEASURES[method](density)


def find_target(measured: Sequence[Statistics]) -> Statistics:
    """Return the median of the statistics of several images. Stain vectors keep the length 1."""
    center, scale = (np.median(values, axis=0) for values in zip(*measured, strict=True))
    if center.ndim == 2:
        center /= np.sqrt((center**2).sum(axis=1, keepdims=True))
    return Statistics(center, scale)


def change_image(
    method: str,
    image: NDArray[np.uint8],
    own: Statistics,
    target: Statistics,
    min_density: float,
) -> NDArray[np.uint8]:
    """Return the image, of shape (height, width, 3), with the statistics of the target."""
    pixels = image.reshape(-1, 3)
    changed = np.empty_like(pixels)
    for start in range(0, len(pixels), _CHUNK):
        density = to_density(pixels[start : start + _CHUNK])
        if method == "reinhard":
            levels = _change_colors(density, own, target, min_density)
        else:
            levels = to_levels(blend_channels(_map_stains(own, target), density))
        changed[start : start + _CHUNK] = to_pixels(levels)
    return changed.reshape(image.shape)


def _measure_stains(
    find_stains: Callable[[NDArray[np.float32]], NDArray[np.float64] | None],
    density: NDArray[np.float32],
) -> Statistics | None:
    stains = find_stains(density)
    if stains is None:
        return None
    amounts = blend_channels(np.linalg.pinv(stains.T), density)
    maximum = find_percentiles(amounts, [_MAXIMUM])[:, 0]
    return Statistics(stains, maximum) if maximum.min() >= _MIN_CONCENTRATION else None


def _map_stains(own: Statistics, target: Statistics) -> NDArray[np.float64]:
    """Return the matrix from a density to that of the same amounts of the target's stains.

    It unmixes the two stains, scales their concentrations, and mixes them again.
    """
    scales = target.scale / own.scale
    return target.center.T @ (scales[:, np.newaxis] * np.linalg.pinv(own.center.T))


def _measure_colors(density: NDArray[np.float32]) -> Statistics | None:
    axes = blend_channels(_AXES, _to_log_cones(to_levels(density)))
    means = axes.mean(axis=1, dtype=np.float64)
    deviations = axes.std(axis=1, dtype=np.float64)
    return Statistics(means, deviations) if (deviations >= _MIN_DEVIATIONS).all() else None


def _change_colors(
    density: NDArray[np.float32], own: Statistics, target: Statistics, min_density: float
) -> NDArray[np.float32]:
    """Return levels with the target's mean and deviation on each axis.

    A pixel between white and a stained pixel is changed in part, so the background keeps white.
    """
    scales = (target.scale / own.scale)[:, np.newaxis]
    turn, shift = _AXES.T @ (scales * _AXES), _AXES.T @ (target.center - scales[:, 0] * own.center)
    levels = to_levels(density)
    logs = blend_channels(turn, _to_log_cones(levels)) + shift.astype(np.float32)[:, np.newaxis]
    changed = blend_channels(np.linalg.inv(_CONES), to_levels(-logs))
    weight = np.sqrt((density * density).sum(axis=0)) / np.float32(min_density)
    return levels + np.minimum(weight, 1) * (changed - levels)


def _to_log_cones(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.log10(blend_channels(_CONES, levels))


_MEASURES: dict[str, Callable[[NDArray[np.float32]], Statistics | None]] = {
    "macenko": partial(_measure_stains, find_macenko_stains),
    "reinhard": _measure_colors,
    "vahadane": partial(_measure_stains, find_vahadane_stains),
}
METHODS = tuple(_MEASURES)
