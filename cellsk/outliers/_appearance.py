"""Features of the appearance of an image: color, differences of colors, edges and texture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellsk.model_selection import measure_features

__all__ = ["measure_appearance"]

_N_BINS = 16  # of the histogram of a difference of two channels
_BIN_WIDTH = 16  # levels, so differences of 128 and more share the last bin
_MAX_SIDE = 64  # pixels: larger images are measured on every second, third, ... row and column


def measure_appearance(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return features whose spread is similar in all of their range, one row for each image.

    They are those of the simple classifiers (mean, deviation and histogram of each channel, and
    histograms of gradients and of local binary patterns). For RGB images they also have histograms
    of red minus green and of blue minus green, which show the hue. Histograms are square roots of
    shares.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 1 or 3), dtype uint8

    Returns
    -------
    features : ndarray of shape (n, 46 or 114), dtype float64
    """
    step = -(-max(images.shape[1:3]) // _MAX_SIDE)
    images, n_channels = images[:, ::step, ::step], images.shape[3]
    features = measure_features(images).astype(np.float64)
    features[:, 2 * n_channels :] = np.sqrt(features[:, 2 * n_channels :])
    if n_channels == 1:
        return features
    return np.hstack([features, [_count_differences(image) for image in images]])


def _count_differences(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    pixels = image.reshape(-1, 3).astype(np.int16)
    middle = _N_BINS * _BIN_WIDTH // 2
    counts = []
    for channel in (0, 2):
        bins = (pixels[:, channel] - pixels[:, 1] + middle) // _BIN_WIDTH
        counts.append(np.bincount(np.clip(bins, 0, _N_BINS - 1), minlength=_N_BINS))
    return np.sqrt(np.concatenate(counts) / len(pixels))
