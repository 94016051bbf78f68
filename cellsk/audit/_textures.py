"""Texture of pictures inside their outlines, which is different in look-alike cells.

Segmented cells of one size share their outline, their background, and how they darken towards
the edge, so these prove nothing. What is left inside the outline is compared.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, minimum_filter
from threadpoolctl import threadpool_limits

__all__ = ["Textures", "compare_textures", "measure_textures", "turn_images"]

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

# Standard deviations in pixels of the thumbnail. Neighbors limit one band each.
_SPREADS = (0.5, 1.0, 2.0, 4.0)
# A background differs by at most this number of levels from its model, or this fraction of the
# strongest contrast if a picture is dim. It has at least this fraction of the border: segmented
# cells may touch all four sides, but a surface would fit any smooth picture.
_MAX_DIFFERENCE, _MAX_FRACTION = 12.0, 0.15
_MIN_FLAT_BORDER, _MIN_BENT_BORDER = 0.2, 0.75
_MARGIN = 2  # pixels next to the outline that are not compared
# Pixels count less up to this distance from there, and shading varies with the direction.
_RIM, _N_RIM_KNOTS = 3.0, 5
# With a smaller fraction of the picture inside the outlines, textures agree by chance.
_MIN_INSIDE = 0.1
# The outlines of objects that fit an ellipse less are different in each picture, so they are
# compared as well.
_MIN_ELLIPSE_FIT = 0.85
_CHUNK_SIZE = 256


class Textures(NamedTuple):
    """Textures of pictures, as columns of equal length.

    Attributes
    ----------
    bands : ndarray of shape (n, n_bands, size, size), dtype float16
        Texture from fine to coarse, 0 at the outline and outside. The squares of a band have the
        sum ``energy``.
    energy : ndarray of shape (n, n_bands), dtype float32
        Variance of each band inside the outline, in squared levels.
    whole : ndarray of shape (n,), dtype bool
        Whether the whole picture is compared, as it has no background, or many small objects.
    """

    bands: NDArray[np.float16]
    energy: Floats
    whole: Bools


def measure_textures(thumbnails: NDArray[np.uint8]) -> Textures:
    """Return the textures of thumbnails of shape (n, size, size)."""
    chunks = range(0, len(thumbnails), _CHUNK_SIZE)
    with threadpool_limits(1):  # the matrices are so small that threads would mostly wait
        parts = [
            _measure_chunk(thumbnails[start : start + _CHUNK_SIZE].astype(np.float32))
            for start in chunks
        ]
    return Textures(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def compare_textures(
    textures: Textures,
    pairs: NDArray[np.int64],
    symmetry: NDArray[np.int64],
    noise: float,
    min_bands: float,
) -> NDArray[np.float64]:
    """Return how well the textures of pairs agree: 1 if they are equal, and 0 by chance.

    Each band counts by its correlation, and less if its energy is near that of ``noise``. A pair
    with hardly any texture has a low value, even if it is equal, because it proves nothing.

    Parameters
    ----------
    textures : Textures
    pairs : ndarray of shape (n_pairs, 2)
        Rows of ``textures``.
    symmetry : ndarray of shape (n_pairs,)
        How the first of each pair is turned: bit 0 flips its columns, then bit 1 its rows, and
        bit 2 transposes it before.
    noise : float
        Standard deviation in levels of what compression changes in each band.
    min_bands : float
        Number of bands above the noise from which the value is a mean of correlations.

    Returns
    -------
    agreement : ndarray of shape (n_pairs,)
    """
    one, other = pairs.T
    shared = np.empty((len(pairs), textures.energy.shape[1]))
    for number in np.unique(symmetry):
        rows = np.flatnonzero(symmetry == number)
        for start in range(0, len(rows), _CHUNK_SIZE):
            chunk = rows[start : start + _CHUNK_SIZE]
            first = turn_images(textures.bands[one[chunk]].astype(np.float32), int(number))
            second = textures.bands[other[chunk]].astype(np.float32)
            shared[chunk] = np.einsum("nbyx,nbyx->nb", first, second)
    energy = np.sqrt(textures.energy[one] * textures.energy[other])
    weight = 1 / (energy + noise**2)
    return (weight * shared).sum(axis=1) / np.maximum((weight * energy).sum(axis=1), min_bands)


def turn_images(images: NDArray[Any], number: int) -> NDArray[Any]:
    """Return images, whose last two axes are rows and columns, under one of eight symmetries."""
    turned = images.swapaxes(-1, -2) if number & 4 else images
    turned = turned[..., ::-1, :] if number & 2 else turned
    return turned[..., ::-1] if number & 1 else turned


def _measure_chunk(images: Floats) -> Textures:
    inside, whole = _find_inside(images)
    weight = inside.astype(np.float32)
    flat = images.copy()
    for row in np.flatnonzero(~whole & inside.any(axis=(1, 2))):
        distance = distance_transform_edt(np.pad(inside[row], 1))[1:-1, 1:-1]
        weight[row] = np.minimum(distance / _RIM, 1)
        flat[row][inside[row]] -= _fit_shading(images[row], distance)
    counts = np.maximum(np.square(weight).sum(axis=(1, 2), keepdims=True), 1)
    flat -= (flat * weight).sum(axis=(1, 2), keepdims=True) / np.maximum(
        weight.sum(axis=(1, 2), keepdims=True), 1
    )
    smooth = [_smooth_inside(flat * weight, weight, spread) for spread in _SPREADS]
    bands = np.stack([fine - coarse for fine, coarse in pairwise(smooth)], 1)
    bands = (bands * (weight / np.sqrt(counts))[:, np.newaxis]).astype(np.float16)
    energy = np.square(bands.astype(np.float32)).sum(axis=(2, 3))
    return Textures(bands, energy, whole)


def _find_inside(images: Floats) -> tuple[Bools, Bools]:
    """Return which pixels are compared, and for which images these are all pixels."""
    objects = _find_objects(images)
    width = 2 * _MARGIN + 1
    inside = minimum_filter(objects, size=(1, width, width), mode="constant", cval=0)
    inside &= inside.mean(axis=(1, 2), keepdims=True) >= _MIN_INSIDE
    cores = minimum_filter(objects, size=(1, 3, 3))  # without noise of the background
    whole = _measure_ellipse_fit(cores) < _MIN_ELLIPSE_FIT
    return inside | whole[:, np.newaxis, np.newaxis], whole


def _measure_ellipse_fit(objects: Bools) -> Floats:
    """Return the area of the objects, divided by that of the ellipse with the same spread.

    It is 1 for an ellipse, 0.95 for a square, low for scattered, branched or hollow objects, and 0
    for none.
    """
    weight = objects.astype(np.float32)
    total = weight.sum(axis=(1, 2))
    area = np.maximum(total, 1)
    place = np.arange(objects.shape[1], dtype=np.float32)
    rows, columns = weight.sum(axis=2), weight.sum(axis=1)
    y, x = rows @ place / area, columns @ place / area
    # A pixel is a square, whose own spread is 1/12.
    tall = rows @ place**2 / area - y**2 + 1 / 12
    wide = columns @ place**2 / area - x**2 + 1 / 12
    slant = np.einsum("nyx,y,x->n", weight, place, place) / area - y * x
    return total / (4 * np.pi * np.sqrt(np.maximum(tall * wide - slant**2, 1e-6)))


def _find_objects(images: Floats) -> Bools:
    """Return which pixels differ from the background; none if there is no background.

    The background is the level of the corners, or a surface through the border.
    """
    corners = np.stack([images[:, y, x].mean(axis=(1, 2)) for y, x in _list_corners()], axis=1)
    level = np.median(corners, axis=1)[:, np.newaxis, np.newaxis]
    flat, flat_share = _compare(images, np.broadcast_to(level, images.shape))
    bent, bent_share = _compare(images, _fit_surface(images))
    is_bent = (bent_share >= _MIN_BENT_BORDER) & (bent_share > flat_share)
    is_flat = ~is_bent & (flat_share >= _MIN_FLAT_BORDER)
    return (flat & is_flat[:, np.newaxis, np.newaxis]) | (bent & is_bent[:, np.newaxis, np.newaxis])


def _list_corners() -> list[tuple[slice, slice]]:
    ends = (slice(0, 2), slice(-2, None))
    return [(rows, columns) for rows in ends for columns in ends]


def _compare(images: Floats, background: Floats) -> tuple[Bools, Floats]:
    """Return which pixels differ from a background, and how much of the border does not."""
    difference = np.abs(images - background)
    limit = np.clip(_MAX_FRACTION * difference.max(axis=(1, 2)), 4, _MAX_DIFFERENCE)
    objects = difference > limit[:, np.newaxis, np.newaxis]
    return objects, 1 - _take_border(objects).mean(axis=1, dtype=np.float32)


def _fit_surface(images: Floats) -> Floats:
    """Return the quadratic surface through the border, without the objects that touch it."""
    size = images.shape[1]
    place = np.linspace(-1, 1, size, dtype=np.float32)
    y, x = np.meshgrid(place, place, indexing="ij")
    terms = np.stack([np.ones_like(x), y, x, y * y, x * x, x * y], axis=0)
    design, border = _take_border(terms).T, _take_border(images)
    kept = np.ones_like(border)
    for _ in range(3):
        table = np.einsum("np,pi,pj->nij", kept, design, design) + 1e-3 * np.eye(len(terms))
        right = np.einsum("np,pi->ni", kept * border, design)
        weights = np.linalg.solve(table, right[..., np.newaxis])[..., 0].astype(np.float32)
        errors = np.abs(border - weights @ design.T)
        limit = np.maximum(np.median(errors, axis=1, keepdims=True), _MAX_DIFFERENCE / 2)
        kept = (errors <= limit).astype(np.float32)
    return np.einsum("ni,iyx->nyx", weights, terms)


def _take_border(images: NDArray[Any]) -> NDArray[Any]:
    sides = [images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]]
    return np.concatenate(sides, axis=1)


def _fit_shading(image: Floats, distance: NDArray[np.float64]) -> Floats:
    """Return the shading of the pixels at a distance from the outline of more than 0.

    It is a line between knots, one for each pixel of distance. Near the outline it also varies
    with the direction from the middle, as in ellipses and in cells that are lit from one side.
    """
    inside = distance > 0
    y, x = np.nonzero(inside)
    angle = np.arctan2(y - y.mean(), x - x.mean())
    turns = np.stack([f(n * angle) for n in (1, 2) for f in (np.cos, np.sin)], axis=1)
    depth = distance[inside]
    knots = np.arange(int(depth.max()) + 2)
    hats = np.clip(1 - np.abs(depth[:, np.newaxis] - knots), 0, 1)
    rim = hats[:, : _N_RIM_KNOTS + 1, np.newaxis] * turns[:, np.newaxis]
    terms = np.concatenate([hats, rim.reshape(len(depth), -1)], axis=1)
    table = terms.T @ terms + 1e-2 * np.eye(terms.shape[1])
    return (terms @ np.linalg.solve(table, terms.T @ image[inside])).astype(np.float32)


def _smooth_inside(images: Floats, weight: Floats, spread: float) -> Floats:
    """Return images blurred inside their outlines, as if nothing were outside."""
    blur = _make_blur(images.shape[1], spread)
    smooth = (blur @ images @ blur) / np.maximum(blur @ weight @ blur, 1e-3)
    return smooth.astype(np.float32, copy=False)


@lru_cache(maxsize=8)
def _make_blur(size: int, spread: float) -> Floats:
    distance = np.arange(size) - np.arange(size)[:, np.newaxis]
    weights = np.exp(-0.5 * (distance / spread) ** 2)
    return (weights / weights.sum(axis=1).max()).astype(np.float32)
