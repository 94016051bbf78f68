"""Search for pictures that differ only in turns, flips, encoding, size or brightness."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.spatial import cKDTree

from cellsk.audit._look_alikes import find_outstanding
from cellsk.audit._textures import compare_textures, measure_textures, turn_images

__all__ = ["MIN_CONTRAST", "NearPairs", "find_near_duplicates", "measure_contrast", "verify_pairs"]

# Standard deviation of a thumbnail, in levels. Flatter images are empty, and differ only by
# noise.
MIN_CONTRAST = 3.0

# Measured on 400 patches of PatchCamelyon against their altered copies. Coarse correlation:
# 0.998 and more in 99 of 100 after JPEG at quality 50, 0.996 at 30, 0.999 after resizing to
# 64, 0.998 after a blur of one pixel. Detail correlation: at least 0.97 after each of these,
# and at most 0.58 among candidate pairs of different patches with a coarse
# correlation above 0.9.
MIN_COARSE, MIN_DETAIL = 0.97, 0.75

# Agreement of textures. Different segmented cells of one size reach the coarse correlation and
# the detail, because they share their outline. Of 15,000 such pairs, cells cut from
# PatchCamelyon at full, low and very low contrast and drawn discs without texture, none was
# above 0.75. Copies in JPEG at quality 75 are, if their texture varies by about 3 levels or more.
MIN_TEXTURE = 0.75
_NOISE, _MIN_BANDS = 0.8, 1.0
# Turned copies have the same thumbnail, except for rounding, and need no texture.
_MAX_ROUNDING = 1

# Largest distance of two hashes. The hashes of a pair whose coarse correlation is above
# 1 - 0.1**2 / 2 = 0.995 cannot have a larger distance; most pairs above 0.97 do not either.
_MAX_DISTANCE = 0.1
_N_COARSE, _HASH_ORDER, _RINGS = 8, 4, (5, 9, 16, 32)
_N_NEIGHBORS = (
    16  # compared for each image, so that the cost is proportional to the number of images
)
_CHUNK_SIZE = 2048


class NearPairs(NamedTuple):
    """Pairs of images that look the same, the lower row first.

    Attributes
    ----------
    rows : ndarray of shape (n_pairs, 2), dtype int64
    correlation : ndarray of shape (n_pairs,), dtype float64
        Correlation of the coarse structure, under the best of the eight symmetries.
    """

    rows: NDArray[np.int64]
    correlation: NDArray[np.float64]


def measure_contrast(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the standard deviation of each thumbnail, in levels."""
    return thumbnails.astype(np.float32).std(axis=(1, 2)).astype(np.float64)


def find_near_duplicates(thumbnails: NDArray[np.uint8]) -> NearPairs:
    """Return the pairs of thumbnails that show the same picture.

    The hash of an image consists of the absolute values of its 14 lowest cosine
    coefficients, with those of (u, v) and (v, u) sorted. Flips change the signs of the
    coefficients and quarter turns also swap them, so the hash is the same under all eight
    symmetries of the square. The distance of two hashes is never larger than that of the two
    pictures, so a k-d tree of the hashes misses no pair within its radius. Each candidate is
    then compared under each symmetry, by coarse structure and by fine detail, and then inside
    the outlines of its objects. Pairs of look-alikes without enough texture are copies if they
    agree much better than other pairs of the same images: see `find_outstanding`.

    Parameters
    ----------
    thumbnails : ndarray of shape (n, size, size), dtype uint8
        Luma. Flat thumbnails (see ``MIN_CONTRAST``) are never paired.

    Returns
    -------
    pairs : NearPairs
    """
    rows = np.flatnonzero(measure_contrast(thumbnails) >= MIN_CONTRAST)
    if len(rows) < 2:
        return NearPairs(np.empty((0, 2), dtype=np.int64), np.empty(0))
    found = rows[_find_candidates(_hash_spectrum(_split_spectrum(thumbnails[rows])[0]))]
    pairs, similar, symmetry, correlation = _compare_outlines(thumbnails, found)
    texture = np.zeros(len(pairs))
    same = np.zeros(len(pairs), dtype=bool)
    same[similar], texture[similar] = _compare_insides(
        thumbnails, pairs[similar], symmetry[similar]
    )
    if (similar & ~same).any():
        same |= similar & find_outstanding(thumbnails, pairs, symmetry, texture, same)
    return NearPairs(pairs[same], correlation[same])


def verify_pairs(thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64]) -> NearPairs:
    """Return the pairs that show the same picture, compared pixel by pixel.

    A pair must agree in coarse structure and in detail under one of the eight symmetries, and
    then in the texture inside the outlines of its objects: see `compare_textures`.

    Parameters
    ----------
    thumbnails : ndarray of shape (n, size, size), dtype uint8
    pairs : ndarray of shape (n_pairs, 2)
        Rows of ``thumbnails``.

    Returns
    -------
    pairs : NearPairs
        Those of ``pairs`` that agree.
    """
    pairs, similar, symmetry, correlation = _compare_outlines(thumbnails, pairs)
    pairs, symmetry, correlation = pairs[similar], symmetry[similar], correlation[similar]
    same, _ = _compare_insides(thumbnails, pairs, symmetry)
    return NearPairs(pairs[same], correlation[same])


def _split_spectrum(
    thumbnails: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the cosine coefficients of coarse structure and of detail, each of norm 1."""
    spectrum = dctn(thumbnails.astype(np.float32), axes=(1, 2), norm="ortho")
    spectrum[:, 0, 0] = 0
    coarse = spectrum[:, :_N_COARSE, :_N_COARSE].copy()
    return _scale_to_unit(coarse), _level_detail(spectrum)


def _level_detail(spectrum: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the detail with the same weight for each ring of frequencies.

    The product of two details is then the mean of their correlations in the rings. Otherwise
    the outlines of two round cells of one size would count as the same detail.
    """
    order = np.arange(spectrum.shape[1])
    radius = np.maximum(order[:, np.newaxis], order)
    detail = np.zeros_like(spectrum)
    for low, high in pairwise(_RINGS):
        ring = np.where((radius >= low) & (radius < high), spectrum, 0)
        detail += _scale_to_unit(ring)
    return _scale_to_unit(detail)


def _scale_to_unit(spectrum: NDArray[np.float32]) -> NDArray[np.float32]:
    norm = np.sqrt(np.square(spectrum).sum(axis=(1, 2), keepdims=True))
    return spectrum / np.maximum(norm, 1e-6)


def _hash_spectrum(coarse: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return features that are the same under the eight symmetries."""
    columns = []
    for u in range(_HASH_ORDER + 1):
        for v in range(u, _HASH_ORDER + 1 - u):
            if u == v:
                columns.append(np.abs(coarse[:, u, v]))
            else:
                one, other = np.abs(coarse[:, u, v]), np.abs(coarse[:, v, u])
                columns += [np.maximum(one, other), np.minimum(one, other)]
    return np.stack(columns[1:], axis=1)  # without the first, which is the mean


def _find_candidates(hashes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return pairs of close hashes, each once."""
    n_images = len(hashes)
    k = min(_N_NEIGHBORS + 1, n_images)
    found = cKDTree(hashes, balanced_tree=False, compact_nodes=False)
    _, near = found.query(hashes, k=k, distance_upper_bound=_MAX_DISTANCE)
    here = np.repeat(np.arange(n_images), k)
    there = near.ravel()
    real = (there < n_images) & (there != here)
    pairs = np.sort(np.stack([here[real], there[real]], axis=1), axis=1)
    return np.unique(pairs, axis=0).astype(np.int64).reshape(-1, 2)


def _compare_outlines(
    thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs of similar structure, whether they agree in detail, how, and how much."""
    agree = np.zeros(len(pairs), dtype=bool)
    symmetry = np.zeros(len(pairs), dtype=np.int64)
    correlation = np.zeros(len(pairs))
    for start in range(0, len(pairs), _CHUNK_SIZE):
        chunk = slice(start, start + _CHUNK_SIZE)
        coarse, detail = _split_spectrum(
            thumbnails[pairs[chunk]].reshape(-1, *thumbnails.shape[1:])
        )
        by_symmetry = _correlate(coarse[::2], coarse[1::2])
        fine = np.where(by_symmetry >= MIN_COARSE, _correlate(detail[::2], detail[1::2]), -1)
        agree[chunk] = fine.max(axis=0) >= MIN_DETAIL
        symmetry[chunk] = fine.argmax(axis=0)
        correlation[chunk] = np.take_along_axis(by_symmetry, symmetry[None, chunk], axis=0)[0]
    kept = correlation >= MIN_COARSE
    return pairs[kept], agree[kept], symmetry[kept], correlation[kept].clip(max=1.0)


def _compare_insides(
    thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64], symmetry: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which pairs have the same inside, and how well their textures agree."""
    if len(pairs) == 0:
        return np.zeros(0, dtype=bool), np.zeros(0)
    rows, places = np.unique(pairs, return_inverse=True)
    places = places.reshape(pairs.shape)
    textures = measure_textures(thumbnails[rows])
    agreement = compare_textures(textures, places, symmetry, _NOISE, _MIN_BANDS)
    whole = textures.whole[places].all(axis=1)  # the detail is that of the whole picture
    same = whole | (agreement >= MIN_TEXTURE) | _are_equal(thumbnails, pairs, symmetry)
    return same, agreement


def _are_equal(
    thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64], symmetry: NDArray[np.int64]
) -> NDArray[np.bool_]:
    equal = np.zeros(len(pairs), dtype=bool)
    for number in range(8):
        rows = np.flatnonzero(symmetry == number)
        for chunk in np.split(rows, range(_CHUNK_SIZE, len(rows), _CHUNK_SIZE)):
            one, other = thumbnails[pairs[chunk]].astype(np.int16).swapaxes(0, 1)
            change = np.abs(turn_images(one, number) - other)
            equal[chunk] = change.max(axis=(1, 2), initial=0) <= _MAX_ROUNDING
    return equal


def _correlate(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the correlation of pairs under each symmetry, shape (8, n)."""
    return np.stack([np.einsum("nuv,nuv->n", turned, other) for turned in _turn(one)])


def _turn(spectrum: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Yield the spectra of the eight turned and flipped pictures."""
    sign = (-1.0) ** np.arange(spectrum.shape[1], dtype=np.float32)
    for upright in (spectrum, spectrum.transpose(0, 2, 1)):
        for rows in (1, sign[:, np.newaxis]):
            for columns in (1, sign):
                yield upright * rows * columns
