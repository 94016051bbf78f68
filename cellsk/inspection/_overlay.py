"""Heat drawn over images: one scale, colors that everybody can distinguish, and the image below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "choose_strongest",
    "find_peaks",
    "find_strongest",
    "make_overlay",
    "make_strip",
    "shrink_strip",
]

# Perceptually uniform, and readable with every kind of color vision.
_COLORS = "viridis"
_SHARE = 0.99  # of an image's pixels that are below its strongest heat
_OPACITY, _GAMMA = 0.85, 0.75
_STRIP_HEIGHT = 192  # pixels
_LIGHTEST, _TEXTURE = 0.35, 0.55
_LUMA = np.array([0.299, 0.587, 0.114])


def find_strongest(heat: Sequence[NDArray] | NDArray) -> float:
    """Return the heat that gets the strongest color: the same for all images."""
    return choose_strongest(find_peaks(heat))


def find_peaks(heat: Sequence[NDArray] | NDArray) -> list[float]:
    """Return the heat of each image that one pixel in a hundred exceeds."""
    return [float(np.quantile(one, _SHARE)) for one in heat]


def choose_strongest(peaks: Sequence[float]) -> float:
    """Return the heat of the strongest color: the peak of the typical image, which is the median.

    With the maximum of all, one confident prediction would hide the others.
    """
    return max(float(np.median(peaks)), max(peaks) / 4, float(np.finfo(np.float32).tiny))


def make_overlay(image: NDArray, heat: NDArray, strongest: float) -> NDArray[np.float64]:
    """Return an image in gray with the heat in color over it.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, 3)
        Pixels from 0 to 1.
    heat : ndarray of shape (height, width)
        Negative heat is not drawn.
    strongest : float
        Heat of the strongest color, above 0.

    Returns
    -------
    picture : ndarray of shape (height, width, 3)
        Colors from 0 to 1.
    """
    from matplotlib import colormaps

    gray = image if image.ndim == 2 else image @ _LUMA
    gray = (_LIGHTEST + (1 - _LIGHTEST) * gray)[..., np.newaxis]
    strength = np.clip(np.asarray(heat) / strongest, 0, 1)
    color = colormaps[_COLORS](strength)[..., :3] * (1 - _TEXTURE + _TEXTURE * gray)
    opacity = (_OPACITY * strength**_GAMMA)[..., np.newaxis]
    return np.clip((1 - opacity) * gray + opacity * color, 0, 1)


def make_strip(image: NDArray, heat: Sequence[NDArray], strongest: Sequence[float]) -> NDArray:
    """Return an image and its maps side by side, as uint8 and at least 192 pixels high.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, 3)
        Pixels from 0 to 1.
    heat : sequence of ndarray of shape (height, width)
        Heat of each method.
    strongest : sequence of float
        Heat of the strongest color of each method.

    Returns
    -------
    strip : ndarray of shape (height, width, 3), dtype uint8
    """
    color = image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=-1)
    drawn = [make_overlay(image, one, most) for one, most in zip(heat, strongest, strict=True)]
    factor = max(1, -(-_STRIP_HEIGHT // len(image)))
    large = [one.repeat(factor, axis=0).repeat(factor, axis=1) for one in (color, *drawn)]
    gap = np.ones((len(large[0]), max(4, len(large[0]) // 32), 3))
    parts = [part for one in large for part in (gap, one)][1:]
    return np.rint(255 * np.concatenate(parts, axis=1)).astype(np.uint8)


def shrink_strip(strip: NDArray, height: int = 96) -> NDArray:
    """Return a smaller copy of uint8 pixels, at least ``height`` high, by means over blocks."""
    size = max(1, len(strip) // height)
    rows, columns = (n - n % size for n in strip.shape[:2])
    blocks = strip[:rows, :columns].reshape(rows // size, size, columns // size, size, -1)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)
