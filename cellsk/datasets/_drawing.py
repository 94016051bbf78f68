"""Pixels of one drawn patch of stained tissue, without labels, patients or files.

Lengths are in micrometers until they are drawn on a canvas. Amounts of dye are in optical
density.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complexfloating]

FIELD = 48.0  # the shorter side of a patch, at every resolution
NUCLEUS_LIMIT = 8.0  # the longest half-axis that is drawn
HARMONICS = np.arange(2, 6)  # of an outline; the first one would only shift it
# Hematoxylin as measured by Ruifrok and Johnston; eosin as measured by Macenko et al., which
# is pinker and closer to most slides. Optical density in red, green and blue.
DYES = np.array([[0.650, 0.704, 0.286], [0.216, 0.801, 0.558]])


class Slide(NamedTuple):
    """Properties that all patches of one slide share."""

    stain: Floats  # (2, 3), optical density of one unit of hematoxylin and of eosin
    light: Floats  # (3,), light that reaches the camera where there is no tissue
    blur: float  # standard deviation in micrometers


class Nuclei(NamedTuple):
    """Nuclei and erythrocytes of one patch, as columns of equal length."""

    y: Floats
    x: Floats
    radius: Floats
    aspect: Floats
    angle: Floats
    ragged: Floats  # amplitude of the outline's harmonics, as a fraction of the radius
    dark: Floats  # hematoxylin
    pink: Floats  # eosin
    pale: Floats  # how pale the chromatin is in the middle, 0 to 1
    clump: Floats  # contrast of the chromatin
    nucleolus: Floats  # radius of the nucleoli, 0 for none


def draw_stain(rng: np.random.Generator, effect: float) -> Floats:
    """Return the stain of one patient, (2, 3): the two dyes with changed hue and strength.

    The same numbers are drawn for every ``effect``, so that it changes only the stain.
    """
    hue = rng.standard_normal((2, 3)) * 0.045 * effect
    strength = np.exp(rng.standard_normal(2) * 0.18 * effect)
    dyes = np.clip(DYES + hue, 0.02, None)
    return dyes / np.linalg.norm(dyes, axis=1, keepdims=True) * strength[:, None]


def draw_slide(rng: np.random.Generator, stain: Floats) -> Slide:
    """Return a slide cut from a stained block: its thickness, lamp and focus."""
    thickness = math.exp(0.06 * rng.standard_normal())
    light = np.clip(0.955 + 0.012 * rng.standard_normal(3) + 0.01 * rng.standard_normal(), 0.9, 1.0)
    return Slide(stain * thickness, light, rng.uniform(0.25, 0.45))


def draw_patch(
    rng: np.random.Generator, atypia: float, slide: Slide, image_size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return one patch, (height, width, 3) uint8.

    ``atypia`` ranges from 0, an ordinary benign patch, to 1, an ordinary malignant one.
    """
    scale = min(image_size) / FIELD
    nest = _draw_nest(rng, scale, image_size)
    angle = rng.uniform(0, math.pi)
    hematoxylin, eosin = _draw_ground(rng, nest, angle, scale)
    nuclei = _place_nuclei(rng, nest, eosin > 0.15, angle, atypia, scale)
    chromatin = draw_noise(rng, image_size, 1.6 * scale)
    cover, dark, pink, clump = _paint_nuclei(rng, nuclei, scale, image_size)
    hematoxylin += cover * (np.maximum(dark * (1 + clump * chromatin), 0) - hematoxylin)
    eosin += cover * (pink - eosin)
    dyes = np.stack([hematoxylin, eosin], axis=-1) * (1 + 0.06 * chromatin[..., None])
    return _expose(rng, dyes @ slide.stain, slide, scale)


def _expose(
    rng: np.random.Generator, density: Floats, slide: Slide, scale: float
) -> NDArray[np.uint8]:
    """Return the image of ``density`` in a camera: Beer-Lambert, lens, and sensor noise."""
    light = slide.light * np.exp(-math.log(10) * density)
    light = blur_light(light, slide.blur * scale)
    light += 0.008 * rng.standard_normal(light.shape)
    return np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8)


def _draw_nest(rng: np.random.Generator, scale: float, image_size: tuple[int, int]) -> Floats:
    """Return a map that is 1 in epithelium and 0 in stroma, with a soft border."""
    level = draw_noise(rng, image_size, 22 * scale) + rng.normal(1.2, 0.5)
    return _sigmoid(6 * level)


def _draw_ground(
    rng: np.random.Generator, nest: Floats, angle: float, scale: float
) -> tuple[Floats, Floats]:
    """Return hematoxylin and eosin of cytoplasm and of wavy collagen, without nuclei."""
    shape = nest.shape
    wave = draw_noise(rng, shape, 11 * scale)
    patchy = draw_noise(rng, shape, 5 * scale)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    across = (columns * math.sin(angle) - rows * math.cos(angle)) / scale
    phase = across * rng.uniform(0.9, 1.6) + 4 * wave
    fiber = np.sin(phase) + 0.7 * np.sin(1.83 * phase + 2 * patchy)
    cleft = _sigmoid(7 * (draw_noise(rng, shape, 9 * scale) + 0.6 * patchy - rng.normal(2.2, 0.5)))
    stroma = 0.32 + 0.08 * fiber * np.clip(0.6 + 0.6 * patchy, 0, 1.2) + 0.03 * patchy
    plasma = 0.27 + 0.05 * patchy
    hematoxylin = 0.03 + nest * (rng.uniform(0.03, 0.07) + 0.02 * wave)
    eosin = stroma * (1 - 0.9 * cleft) + nest * (plasma - stroma * (1 - 0.9 * cleft))
    return hematoxylin * (1 - cleft * (1 - nest)), eosin


def _place_nuclei(
    rng: np.random.Generator,
    nest: Floats,
    tissue: NDArray[np.bool_],
    angle: float,
    atypia: float,
    scale: float,
) -> Nuclei:
    """Return nuclei at a distance from each other: epithelium in nests, others in stroma."""
    height, width = nest.shape[0] / scale, nest.shape[1] / scale
    radius = blend(atypia, 2.8, 4.5)
    crowd = rng.uniform(0.5, 1.2) * blend(atypia, 1.0, 1.2) / (math.pi * radius**2)
    epithelium = _draw_epithelium(rng, rng.poisson(crowd * height * width), radius, angle, atypia)
    others = _draw_others(rng, rng.poisson(rng.uniform(0.002, 0.012) * height * width), angle)
    nuclei = Nuclei(*(np.concatenate(pair) for pair in zip(epithelium, others, strict=True)))
    nuclei = nuclei._replace(y=nuclei.y * height, x=nuclei.x * width)
    pixel = (nuclei.y * scale).astype(int), (nuclei.x * scale).astype(int)
    is_epithelium = np.arange(len(nuclei.y)) < len(epithelium.y)
    fits = tissue[pixel] & ((nest[pixel] > 0.5) == is_epithelium)
    kept = _select_spaced(nuclei, fits, blend(atypia, 1.2, 0.85))
    return Nuclei(*(column[kept] for column in nuclei))


def _draw_epithelium(
    rng: np.random.Generator, n: int, radius: float, angle: float, atypia: float
) -> Nuclei:
    """Return epithelial nuclei, the only ones that depend on the class."""
    spread = rng.standard_normal((6, n))
    has_nucleolus = rng.random(n) < blend(atypia, 0.1, 0.85)
    return Nuclei(
        y=rng.random(n),
        x=rng.random(n),
        radius=np.clip(radius * np.exp(blend(atypia, 0.08, 0.24) * spread[0]), 1.8, 5.6),
        aspect=1 + np.abs(blend(atypia, 0.2, 0.35) + 0.12 * spread[1]),
        angle=angle + blend(atypia, 0.4, 1.5) * spread[2],
        ragged=np.full(n, blend(atypia, 0.015, 0.06)),
        dark=blend(atypia, 0.78, 0.82)
        * np.exp(blend(atypia, 0.08, 0.2) * spread[3])
        * rng.uniform(0.8, 1.2),
        pink=np.full(n, 0.25),
        pale=np.clip(blend(atypia, 0.0, 0.72) + 0.1 * spread[4], 0, 0.85),
        clump=np.clip(blend(atypia, 0.08, 0.2) + 0.03 * spread[5], 0.02, None),
        nucleolus=np.where(has_nucleolus, blend(atypia, 0.5, 1.1), 0.0),
    )


def _draw_others(rng: np.random.Generator, n: int, angle: float) -> Nuclei:
    """Return fibroblasts, lymphocytes and erythrocytes, which look alike in both classes."""
    kind = rng.choice(3, n, p=rng.dirichlet([3.0, 2.0, 0.7]))
    spread = rng.standard_normal((3, n))
    return Nuclei(
        y=rng.random(n),
        x=rng.random(n),
        radius=np.choose(kind, [1.9, 2.4, 2.9]) * np.exp(0.08 * spread[0]),
        aspect=np.choose(kind, [4.5, 1.1, 1.1]) * np.exp(0.1 * np.abs(spread[1])),
        angle=angle + 0.2 * spread[2],
        ragged=np.full(n, 0.02),
        dark=np.choose(kind, [0.6, 0.85, 0.02]),
        pink=np.choose(kind, [0.3, 0.2, 0.75]),
        pale=np.choose(kind, [0.1, 0.0, 0.0]),
        clump=np.choose(kind, [0.15, 0.2, 0.0]),
        nucleolus=np.zeros(n),
    )


def _select_spaced(nuclei: Nuclei, fits: NDArray[np.bool_], spacing: float) -> NDArray[np.intp]:
    """Return the rows that are, in order, ``spacing`` radii away from the rows kept before."""
    position = nuclei.y + 1j * nuclei.x
    reach = spacing * (nuclei.radius[:, None] + nuclei.radius)
    clash = np.abs(position[:, None] - position) < reach
    free = fits.copy()
    kept = []
    for row in range(len(free)):
        if free[row]:
            kept.append(row)
            free &= ~clash[row]
    return np.array(kept, dtype=np.intp)


def _paint_nuclei(
    rng: np.random.Generator, nuclei: Nuclei, scale: float, image_size: tuple[int, int]
) -> Floats:
    """Return cover, hematoxylin, eosin and chromatin contrast of the nuclei, (4, h, w)."""
    half = math.ceil(NUCLEUS_LIMIT * scale) + 1
    canvas = np.zeros((image_size[0] + 2 * half, image_size[1] + 2 * half, 4))
    row = np.floor(nuclei.y * scale).astype(int)
    column = np.floor(nuclei.x * scale).astype(int)
    window = np.arange(-half, half + 1.0)
    # Coordinates in the plane as complex numbers: a rotation is a product.
    place = (window[:, None] + (row + 0.5 - nuclei.y * scale)[:, None, None]) * 1j
    place = place + window + (column + 0.5 - nuclei.x * scale)[:, None, None]
    values = _shade_nuclei(rng, nuclei, place / scale, scale)
    for top, left, value in zip(row, column, values, strict=True):
        part = canvas[top : top + 2 * half + 1, left : left + 2 * half + 1]
        part += value[..., :1] * (value - part)
    return np.moveaxis(canvas[half:-half, half:-half], -1, 0)


def _shade_nuclei(
    rng: np.random.Generator, nuclei: Nuclei, place: Complexes, scale: float
) -> Floats:
    """Return cover, hematoxylin, eosin and chromatin contrast around each nucleus."""
    tall = Nuclei(*(part[:, None, None] for part in nuclei))
    turned = place * np.exp(-1j * tall.angle)
    stretch = np.sqrt(tall.aspect)
    body = turned.real / stretch + 1j * turned.imag * stretch
    depth = _outline(rng, nuclei, body) - np.abs(body)
    cover = np.clip(depth * scale / np.sqrt(stretch) + 0.5, 0, 1)
    middle = np.clip((depth - 0.5) / (0.3 * tall.radius), 0, 1)
    spots = _draw_nucleoli(rng, nuclei, body, scale)
    dark = _mix(tall.dark * (1 - tall.pale * middle), 0.9, spots)
    pink = _mix(tall.pink, 0.45, spots)
    return np.stack([cover, dark, pink, np.broadcast_to(tall.clump, cover.shape)], axis=-1)


def _draw_nucleoli(
    rng: np.random.Generator, nuclei: Nuclei, body: Complexes, scale: float
) -> Floats:
    """Return how much of each point is covered by one of two nucleoli, 0 to 1."""
    n = len(nuclei.y)
    spots = np.zeros(body.shape)
    for _ in range(2):
        where = 0.45 * nuclei.radius * np.sqrt(rng.random(n)) * np.exp(2j * np.pi * rng.random(n))
        size = nuclei.nucleolus * rng.uniform(0.6, 1.1, n)
        distance = np.abs(body - where[:, None, None])
        spot = np.clip((size[:, None, None] - distance) * scale + 0.5, 0, 1)
        spots = np.maximum(spots, spot * (size > 0)[:, None, None])
    return spots


def _outline(rng: np.random.Generator, nuclei: Nuclei, body: Complexes) -> Floats:
    """Return the distance from the center of each nucleus to its outline, in every direction."""
    shape = (len(nuclei.y), len(HARMONICS))
    amplitude = nuclei.ragged[:, None] * rng.standard_normal(shape) * (2 / HARMONICS) ** 0.5
    weight = amplitude * np.exp(2j * np.pi * rng.random(shape))
    direction = body / np.maximum(np.abs(body), 1e-9)
    power = direction
    wobble = np.ones(body.shape)
    for number in range(len(HARMONICS)):
        power = power * direction
        wobble += (power * weight[:, number, None, None]).real
    return nuclei.radius[:, None, None] * wobble


def draw_noise(rng: np.random.Generator, shape: tuple[int, ...], cell: float) -> Floats:
    """Return noise of unit variance whose grain is ``cell`` pixels."""
    rows, columns = _spline_weights(shape[0], cell), _spline_weights(shape[1], cell)
    coarse = rng.standard_normal((rows.shape[1], columns.shape[1]))
    return rows @ coarse @ columns.T


def blur_light(light: Floats, spread: float) -> Floats:
    """Return ``light``, (h, w, channels), blurred by a Gaussian lens."""
    rows, columns = (_blur_weights(n_pixels, spread) for n_pixels in light.shape[:2])
    return columns @ (rows @ light.reshape(len(light), -1)).reshape(light.shape)


def _blur_weights(n_pixels: int, spread: float) -> Floats:
    distance = np.arange(n_pixels) - np.arange(n_pixels)[:, None]
    weights = np.exp(-0.5 * (distance / spread) ** 2)
    return weights / weights.sum(axis=1, keepdims=True)


@lru_cache(maxsize=64)
def _spline_weights(n_pixels: int, cell: float) -> Floats:
    """Return cubic B-spline weights, (n_pixels, n_knots), scaled to keep unit variance."""
    place = np.arange(n_pixels) / cell
    distance = np.abs(place[:, None] + 1 - np.arange(math.floor(place[-1]) + 4))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    weights = np.where(distance < 1, near, far)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def _mix(start: Floats, end: float, share: Floats) -> Floats:
    return start + share * (end - start)


def blend(share: float, start: float, end: float) -> float:
    return start + share * (end - start)


def _sigmoid(value: Floats) -> Floats:
    return 1 / (1 + np.exp(-value))
