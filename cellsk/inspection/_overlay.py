"""Heat drawn over images: one scale, colors that everybody can distinguish, and the image below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_strongest", "make_overlay"]

# Perceptually uniform, and readable with every kind of color vision.
_COLORS = "viridis"
_SHARE = 0.99  # of an image's pixels that are below its strongest heat
_OPACITY, _GAMMA = 0.85, 0.75
_LIGHTEST, _TEXTURE = 0.35, 0.55
_LUMA = np.array([0.299, 0.587, 0.114])


def find_strongest(heat: Sequence[NDArray] | NDArray) -> float:
    """Return the heat that gets the strongest color: the same for all images.

    It is that of the typical image: the median over the images of the heat that one pixel in a
    hundred exceeds. With the maximum of all, one confident prediction would hide the others.
    """
    peaks = [float(np.quantile(one, _SHARE)) for one in heat]
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
