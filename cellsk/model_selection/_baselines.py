"""Simple classifiers that a network has to beat, and the features of images that they use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

__all__ = ["make_baselines", "measure_features"]

N_BINS = 16  # of the histogram of a channel
N_EDGES = 8  # of the histogram of gradients
N_PATTERNS = 10
N_TREES = 100
MAX_ROWS = 2000  # of each tree: more rows take longer and change little
MAX_SIDE = 256  # pixels: larger images are measured on every second, third, ... row and column
# Around a pixel, so that bits of neighbors are side by side.
_NEIGHBORS = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))


def make_baselines(n_channels: int, n_train: int, random_state: int = 0) -> dict[str, Any]:
    """Return the unfitted classifiers by name, for the features of `measure_features`.

    Parameters
    ----------
    n_channels : int
        Channels of the images.
    n_train : int
        Images on the smallest training side.
    random_state : int, default=0
        Seed of the forest.

    Returns
    -------
    classifiers : dict of str to estimator
        `mean_color`, a logistic regression on the mean of each channel, and `texture_forest`, a
        random forest on histograms of the channels, gradients and local binary patterns.
    """
    colors = FunctionTransformer(_take_first, kw_args={"n": n_channels})
    return {
        "mean_color": make_pipeline(colors, StandardScaler(), LogisticRegression(max_iter=1000)),
        "texture_forest": RandomForestClassifier(
            N_TREES, max_samples=min(1.0, MAX_ROWS / n_train), random_state=random_state
        ),
    }


def _take_first(X: NDArray, n: int) -> NDArray:
    return X[:, :n]


def measure_features(images: Iterable[NDArray]) -> NDArray[np.float32]:
    """Return statistics of color and texture, one row for each image.

    Parameters
    ----------
    images : iterable of ndarray of shape (height, width, n_channels), dtype uint8
        They may differ in size, but not in the number of channels.

    Returns
    -------
    features : ndarray of shape (n_images, n_features), dtype float32
        The first columns are the means of the channels.
    """
    return np.array([_measure_image(image) for image in images], dtype=np.float32)


def _measure_image(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    step = -(-max(image.shape[:2]) // MAX_SIDE)
    pixels = np.ascontiguousarray(image[::step, ::step])
    flat = pixels.reshape(-1, pixels.shape[2])
    histograms = [
        np.bincount(channel // (256 // N_BINS), minlength=N_BINS) / len(flat) for channel in flat.T
    ]
    luma = pixels.mean(axis=2, dtype=np.float32)
    means, spreads = flat.mean(axis=0) / 255, flat.std(axis=0, dtype=np.float32) / 255
    return np.concatenate([means, spreads, *histograms, *_measure_texture(luma)])


def _measure_texture(luma: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """Return histograms of gradients, and of local binary patterns at two scales."""
    if min(luma.shape) < 6:
        return [np.zeros(N_EDGES + 2 * N_PATTERNS)]
    down, across = np.diff(luma, axis=0)[:, :-1], np.diff(luma, axis=1)[:-1]
    size = np.sqrt(down * down + across * across)
    levels = np.minimum(np.log2(1 + size).astype(np.intp), N_EDGES - 1)
    edges = np.bincount(levels.ravel(), minlength=N_EDGES) / levels.size
    height, width = luma.shape[0] // 2 * 2, luma.shape[1] // 2 * 2
    half = luma[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return [edges, _count_patterns(luma), _count_patterns(half)]


def _count_patterns(luma: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of each uniform local binary pattern, however it is turned.

    A pattern states which of the eight neighbors of a pixel are at least as bright (Ojala et al.,
    2002).
    """
    height, width = luma.shape
    center = luma[1:-1, 1:-1]
    codes = np.zeros(center.shape, dtype=np.uint8)
    for bit, (row, column) in enumerate(_NEIGHBORS):
        near = luma[row : height - 2 + row, column : width - 2 + column]
        codes |= (near >= center).astype(np.uint8) << np.uint8(bit)
    counts = np.bincount(codes.ravel(), minlength=256)
    return np.bincount(_PATTERNS, weights=counts, minlength=N_PATTERNS) / codes.size


def _list_patterns() -> NDArray[np.intp]:
    """Return the pattern of each code: the number of its ones, or 9 if they are in many parts."""
    bits = (np.arange(256)[:, np.newaxis] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), N_PATTERNS - 1)


_PATTERNS = _list_patterns()
