"""Optical densities of an image, and its stain vectors by Macenko's and Vahadane's methods.

Densities are decadic: ``-log10((value + 1) / 256)`` for a value of 8 bits, so white is 0 and
black is 2.4. They are arrays of shape (3, n_pixels), whose sums never depend on other images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "blend_channels",
    "find_macenko_stains",
    "find_percentiles",
    "find_vahadane_stains",
    "to_density",
    "to_levels",
    "to_pixels",
]

_LN_10 = np.float32(np.log(10))
_DENSITIES = -np.log10((np.arange(256, dtype=np.float32) + 1) / 256)
_TAIL = 0.01  # of the pixels, beyond each of Macenko's two vectors
# Two stains differ more. Vectors closer to each other are the noise of one color, or of gray.
_MIN_ANGLE = np.radians(10)
_MIN_SPARSE_ANGLE = np.radians(5)  # sparsity brings the vectors of two stains closer
_SPARSITY = 0.1 / np.log(10)  # Vahadane's weight is 0.1 for densities by the natural logarithm
_MAX_SAMPLE = 2048  # pixels that are factorized
_MAX_ROUNDS = 100
_TOLERANCE = 5e-4


def to_density(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the optical densities, of shape (3, n_pixels), of pixels of shape (..., 3)."""
    return np.take(_DENSITIES, np.ascontiguousarray(pixels.reshape(-1, 3).T))


def to_levels(density: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the light that is left, as a share: 1 for a density of 0, which is white."""
    return np.exp(density * -_LN_10)


def to_pixels(levels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the pixels, of shape (n_pixels, 3), of levels (3, n_pixels), rounded and clipped."""
    # 1 less, and 0.5 more, because the conversion to whole numbers rounds down.
    values = levels * np.float32(256) - np.float32(0.5)
    return np.clip(values, 0, 255, out=values).astype(np.uint8).T


def blend_channels(matrix: NDArray, channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``matrix @ channels``, whose bits do not depend on the number of pixels or threads."""
    weights = matrix.astype(np.float32)
    blended = weights[:, :1] * channels[0]
    for column in range(1, len(channels)):
        blended += weights[:, column, np.newaxis] * channels[column]
    return blended


def find_percentiles(values: NDArray, shares: NDArray | list[float]) -> NDArray[np.float64]:
    """Return the values below which these shares of all values are, along the last axis."""
    positions = np.asarray(shares) * (values.shape[-1] - 1)
    low = np.floor(positions).astype(np.intp)
    high = np.ceil(positions).astype(np.intp)
    ordered = np.partition(values, np.unique([low, high]), axis=-1).astype(np.float64)
    below, above = ordered[..., low], ordered[..., high]
    return below + (above - below) * (positions - low)


def find_macenko_stains(density: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return the two stain vectors by Macenko's method, or None if there are not two stains.

    Parameters
    ----------
    density : ndarray of shape (3, n_pixels), dtype float32
        Of stained pixels.

    Returns
    -------
    stains : ndarray of shape (2, 3) or None
        Unit vectors. The first absorbs more red than the second, as hematoxylin does.
    """
    _, vectors = np.linalg.eigh(_multiply(density, density))
    main, side = vectors[:, 2] * np.sign(vectors[:, 2].sum() or 1.0), vectors[:, 1]
    along, across = blend_channels(np.array([main, side]), density)
    # All pixels are within 90 degrees of the main direction, so the tangents have their order.
    tangents = across / np.maximum(along, np.float32(1e-6))
    angles = np.arctan(find_percentiles(tangents, [_TAIL, 1 - _TAIL]))
    if angles[1] - angles[0] < _MIN_ANGLE:
        return None
    return _order(np.outer(np.cos(angles), main) + np.outer(np.sin(angles), side))


def find_vahadane_stains(density: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return the two stain vectors by sparse non-negative factorization, or None.

    Parameters
    ----------
    density : ndarray of shape (3, n_pixels), dtype float32
        Of stained pixels.

    Returns
    -------
    stains : ndarray of shape (2, 3) or None
        As `find_macenko_stains`, whose vectors are the start. None if it finds none, or if the
        factorization needs one stain only.
    """
    stains = find_macenko_stains(density)
    if stains is None:
        return None
    rows = np.linspace(0, density.shape[1] - 1, min(_MAX_SAMPLE, density.shape[1])).astype(np.intp)
    sample = np.ascontiguousarray(density[:, rows])
    for _ in range(_MAX_ROUNDS):
        amounts = _encode(stains, sample)
        updated = _update_stains(stains, amounts, sample)
        if updated is None:
            return None
        change, stains = np.abs(updated - stains).max(), updated
        if change < _TOLERANCE:
            break
    return _order(stains) if stains[0] @ stains[1] < np.cos(_MIN_SPARSE_ANGLE) else None


def _encode(stains: NDArray, density: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the non-negative amounts of the two stains with the least penalized squared error."""
    cosine = stains[0] @ stains[1]
    alone = blend_channels(stains, density) - np.float32(_SPARSITY)
    together = blend_channels(np.array([[1, -cosine], [-cosine, 1]]) / (1 - cosine**2), alone)
    # If both would be best with less than nothing of one stain, the other one is there alone.
    return np.maximum(np.where(together[::-1] < 0, alone, together), 0)


def _update_stains(
    stains: NDArray, amounts: NDArray[np.float32], density: NDArray[np.float32]
) -> NDArray[np.float64] | None:
    """Return unit vectors with a smaller error for these amounts (Mairal et al., 2010)."""
    squares, targets = _multiply(amounts, amounts), _multiply(amounts, density)
    updated = stains.copy()
    for row in range(2):
        if squares[row, row] <= 0:
            return None
        step = (targets[row] - squares[row] @ updated) / squares[row, row]
        vector = np.maximum(updated[row] + step, 0)
        length = np.sqrt(vector @ vector)
        if length <= 0:
            return None
        updated[row] = vector / length
    return updated


def _multiply(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return ``one @ other.T``, whose bits do not depend on the number of threads."""
    return (one[:, np.newaxis] * other).sum(axis=2).astype(np.float64)


def _order(stains: NDArray) -> NDArray[np.float64]:
    """Return non-negative unit vectors, that which absorbs more red first."""
    positive = np.maximum(stains, 0)
    units = positive / np.sqrt((positive**2).sum(axis=1, keepdims=True))
    return units[np.argsort(-units[:, 0], kind="stable")]
