"""Pixels of one drawn cell: gray, segmented, on black.

Lengths are fractions of the shorter side of the image until they are drawn.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk.datasets._drawing import HARMONICS, Floats, blend, blur_light, draw_noise

__all__ = ["Microscope", "draw_microscope", "draw_single_cell"]

BODY_RADIUS = 0.44  # nearly as wide as the image, as in crops around a segmented cell
NOISE = 1.5  # of the sensor, in levels


class Microscope(NamedTuple):
    """Properties that all cells of one patient share."""

    gain: float
    blur: float  # standard deviation in pixels of an image of 50 pixels


def draw_microscope(rng: np.random.Generator, effect: float) -> Microscope:
    """Return light and focus. The same numbers are drawn for every ``effect``."""
    gain = math.exp(0.15 * effect * rng.standard_normal())
    return Microscope(gain, 0.6 + 0.1 * rng.random())


def draw_single_cell(
    rng: np.random.Generator, atypia: float, microscope: Microscope, image_size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return one cell in the middle of an image, (height, width, 1) uint8, 0 outside the cell.

    ``atypia`` ranges from 0, an ordinary benign cell, to 1, an ordinary malignant one. Nuclei
    then are larger, less regular, and have coarser chromatin and more nucleoli.
    """
    scale = min(image_size)
    place = _list_places(image_size, scale)
    radius = BODY_RADIUS * math.exp(0.03 * rng.standard_normal())
    body = _draw_depth(rng, place, radius, 0.012)
    ratio = blend(atypia, 0.5, 0.68) * math.exp(0.06 * rng.standard_normal())
    shift = 0.3 * radius * (1 - ratio) * (rng.standard_normal() + 1j * rng.standard_normal())
    nucleus = _draw_depth(rng, place - shift, radius * ratio, blend(atypia, 0.03, 0.07))
    light = 130 * (1 - 0.35 * np.exp(-np.clip(body, 0, None) / 0.06))
    light += 5 * draw_noise(rng, image_size, 0.07 * scale)
    light += _cover_pixels(nucleus, scale) * _draw_chromatin(rng, atypia, nucleus, scale)
    light = blur_light(light[..., np.newaxis], microscope.blur * scale / 50)[..., 0]
    light = microscope.gain * light + NOISE * rng.standard_normal(image_size)
    pixels = np.rint(np.clip(light, 1, 255)) * (body > 0)
    return pixels.astype(np.uint8)[..., np.newaxis]


def _cover_pixels(depth: Floats, scale: int) -> Floats:
    """Return how much of each pixel is covered, from the depth below the outline."""
    return np.clip(depth * scale + 0.5, 0, 1)


def _list_places(image_size: tuple[int, int], scale: int) -> NDArray[np.complexfloating]:
    """Return the coordinates of the pixels as complex numbers, 0 in the middle."""
    y, x = (np.arange(n) + 0.5 - n / 2 for n in image_size)
    return (y[:, np.newaxis] * 1j + x) / scale


def _draw_depth(
    rng: np.random.Generator, place: NDArray[np.complexfloating], radius: float, ragged: float
) -> Floats:
    """Return how deep each pixel is below an irregular outline; negative outside."""
    stretch = math.sqrt(1 + abs(0.08 * rng.standard_normal()))
    turned = place * np.exp(1j * rng.uniform(0, 2 * math.pi))
    turned = turned.real / stretch + 1j * turned.imag * stretch
    distance = np.abs(turned)
    direction = turned / np.maximum(distance, 1e-9)
    weight = ragged * (
        rng.standard_normal(len(HARMONICS)) + 1j * rng.standard_normal(len(HARMONICS))
    )
    wobble = sum((w * direction**n).real for w, n in zip(weight, HARMONICS, strict=True))
    return radius * (1 + wobble) - distance


def _draw_chromatin(rng: np.random.Generator, atypia: float, nucleus: Floats, scale: int) -> Floats:
    """Return how much darker than the cell each pixel of the nucleus is, as negative levels."""
    shape = (nucleus.shape[0], nucleus.shape[1])
    fine, coarse = draw_noise(rng, shape, 0.045 * scale), draw_noise(rng, shape, 0.1 * scale)
    clumps = blend(atypia, 6, 11) * (fine + 0.7 * coarse)
    dark = -26 * math.exp(0.15 * rng.standard_normal()) + clumps
    for _ in range(rng.poisson(max(blend(atypia, 0.4, 2.0), 0.1))):
        spot = _pick_place(rng, nucleus)
        y, x = np.ogrid[: shape[0], : shape[1]]
        distance = np.hypot(y - spot[0], x - spot[1]) / scale
        dark = dark - 20 * np.clip((0.05 - distance) * scale + 0.5, 0, 1)
    return dark


def _pick_place(rng: np.random.Generator, nucleus: Floats) -> NDArray[np.int64]:
    """Return the row and column of a random pixel inside the nucleus."""
    inside = np.argwhere(nucleus > 0)
    return inside[rng.integers(len(inside))] if len(inside) else np.array(nucleus.shape) // 2
