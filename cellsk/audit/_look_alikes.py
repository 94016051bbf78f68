"""Pairs that agree much better than the other look-alikes of their images.

Segmented cells of one size look alike, and those without texture cannot be compared by it. Their
outlines and shading differ a little, and it depends on the images how much. So what is left of a
pair after shifts, scale, light and blur is compared with what is left of other pairs of the same
images.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from threadpoolctl import threadpool_limits

from cellsk.audit._textures import turn_images

__all__ = ["find_outstanding"]

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

# Compression and resizing change finer detail, so pictures are compared at this size, and blurred
# by this standard deviation, in pixels of the thumbnail.
_SIZE, _BLUR = 16, 0.7
_RINGS = (0, 2, 3, 5, 8, 11)  # limits of frequencies
_ROUNDING = 0.05  # energy in squared levels that proves nothing

# The evidence of a pair is the log of how much less is left than in other pairs, summed over the
# frequencies. Measured on 2,000 images of each kind, among them cells cut from PatchCamelyon at
# full and low contrast: at most 127 for different images, and at least 185 for all copies after
# JPEG at quality 50 or resizing. Copies of discs without texture have at least 126 in 99 of 100
# after JPEG at quality 75, but different discs whose outlines are circles have up to 148.
_MIN_EVIDENCE = 130.0
_MIN_OTHERS = 8  # other pairs of an image; fewer prove nothing
_CLOSE_PERCENT = 10  # of the other pairs may be closer, as they may be copies too
# An image with fewer look-alikes is compared with this share of itself, if it has some texture.
_OWN_SHARE, _MIN_OWN_EVIDENCE, _MIN_OWN_TEXTURE = 0.05, 150.0, 0.2
_CHUNK_SIZE = 1024


def find_outstanding(
    thumbnails: NDArray[np.uint8],
    pairs: NDArray[np.int64],
    symmetry: NDArray[np.int64],
    texture: NDArray[np.float64],
    proven: Bools,
) -> Bools:
    """Return which pairs agree much better than other pairs of the same images.

    Parameters
    ----------
    thumbnails : ndarray of shape (n, size, size), dtype uint8
    pairs : ndarray of shape (n_pairs, 2)
        All pairs of images that look alike.
    symmetry, texture : ndarray of shape (n_pairs,)
        How the first of each pair is turned, and how well textures agree: see `compare_textures`.
    proven : ndarray of shape (n_pairs,), dtype bool
        Pairs that are copies. Other pairs are not compared with them.

    Returns
    -------
    outstanding : ndarray of shape (n_pairs,), dtype bool
    """
    small = _shrink(thumbnails)
    with threadpool_limits(1):  # the matrices are so small that threads would mostly wait
        left = _measure_differences(small, pairs, symmetry)
    level, n_others = _find_levels(left[~proven], pairs[~proven], len(thumbnails))
    in_crowd = (n_others[pairs] > _MIN_OTHERS).all(axis=1)  # without the pair
    crowd = _weigh(left, level[pairs].min(axis=1))
    own = _weigh(left, _OWN_SHARE * _measure_rings(small)[pairs].min(axis=1))
    alone = (own >= _MIN_OWN_EVIDENCE) & (texture >= _MIN_OWN_TEXTURE)
    return ~proven & np.where(in_crowd, crowd >= _MIN_EVIDENCE, alone)


def _shrink(thumbnails: NDArray[np.uint8]) -> Floats:
    """Return thumbnails blurred, at the size of comparison."""
    order = np.arange(_SIZE)
    blur = np.exp(-0.5 * (_BLUR * order * np.pi / thumbnails.shape[1]) ** 2).astype(np.float32)
    spectrum = dctn(thumbnails.astype(np.float32), axes=(1, 2), norm="ortho")
    low = spectrum[:, :_SIZE, :_SIZE] * (blur[:, np.newaxis] * blur)
    small: Floats = idctn(low, axes=(1, 2), norm="ortho") * (_SIZE / thumbnails.shape[1])
    return small


def _measure_differences(
    small: Floats, pairs: NDArray[np.int64], symmetry: NDArray[np.int64]
) -> Floats:
    """Return the energy of the difference of each pair, in each ring of frequencies."""
    left = np.empty((len(pairs), len(_RINGS) - 1), dtype=np.float32)
    for number in range(8):
        rows = np.flatnonzero(symmetry == number)
        for start in range(0, len(rows), _CHUNK_SIZE):
            chunk = rows[start : start + _CHUNK_SIZE]
            one, other = small[pairs[chunk]].swapaxes(0, 1)
            turned = np.ascontiguousarray(turn_images(one, number))
            left[chunk] = _measure_rings(_subtract_changes(turned, other))
    return left


def _subtract_changes(one: Floats, other: Floats) -> Floats:
    """Return the difference of pictures after the best shift, scale, light and blur."""
    down, right = np.gradient(one, axis=(1, 2))
    bend = np.gradient(down, axis=1) + np.gradient(right, axis=2)
    place = np.linspace(-1, 1, _SIZE, dtype=np.float32)
    terms = [one, np.ones_like(one), down, right, down * place[:, np.newaxis], right * place, bend]
    table = np.stack(terms, axis=1).reshape(len(one), len(terms), -1)
    target = other.reshape(len(one), -1, 1)
    square = (table @ table.transpose(0, 2, 1)).astype(np.float64) + 0.1 * np.eye(len(terms))
    weights = np.linalg.solve(square, (table @ target).astype(np.float64)).astype(np.float32)
    left = (target - table.transpose(0, 2, 1) @ weights).astype(np.float32, copy=False)
    return left.reshape(one.shape)


def _list_rings() -> Floats:
    """Return which frequencies belong to each ring, as one row for each."""
    order = np.arange(_SIZE)
    radius = np.hypot(order[:, np.newaxis], order)
    rings = [(radius >= low) & (radius < high) for low, high in pairwise(_RINGS)]
    return np.stack(rings).reshape(len(rings), -1).astype(np.float32)


def _measure_rings(images: Floats) -> Floats:
    """Return the mean energy of each ring of frequencies."""
    spectrum = dctn(images, axes=(1, 2), norm="ortho").reshape(len(images), -1)
    rings = _list_rings()
    energy: Floats = np.square(spectrum) @ rings.T / rings.sum(axis=1)
    return energy


def _find_levels(
    left: Floats, pairs: NDArray[np.int64], n_images: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Return what is left of the closest pairs of each image, and the number of its pairs."""
    level = np.zeros((n_images, left.shape[1]), dtype=np.float32)
    rows = pairs.T.ravel()
    order = np.argsort(rows, kind="stable")
    counts = np.bincount(rows, minlength=n_images)
    for part in np.split(order, np.cumsum(counts)[:-1]):
        if len(part) > _MIN_OTHERS:
            energy = left[part % len(left)]
            level[rows[part[0]]] = np.percentile(energy, _CLOSE_PERCENT, axis=0)
    return level, counts


def _weigh(left: Floats, level: Floats) -> Floats:
    """Return the evidence that less is left than of others."""
    gain = np.log((level + _ROUNDING) / (left + _ROUNDING)).clip(0)
    evidence: Floats = gain @ _list_rings().sum(axis=1)
    return evidence
