"""Occlusion: how much the log-odds of a class fall when a part of an image is covered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import logit

from cellsk._checks import check_count, check_option
from cellsk._steps import count_steps

__all__ = ["FILLS", "compute_occlusion"]

FILLS = ("mean", "blur")
_TINY = np.finfo(np.float32).eps  # the resolution of the network keeps log-odds finite
_BATCH_BYTES = 2**25  # of images with a covered part
_DEFAULT_SHARE = 6  # sides of a patch in a side of an image


def compute_occlusion(
    predict_proba: Callable[[NDArray], NDArray],
    images: NDArray,
    codes: NDArray,
    *,
    patch_size: int | None = None,
    fill: str = "mean",
) -> NDArray[np.float32]:
    """Return how much the log-odds of a class fall when the places of an image are covered.

    A square patch moves over the image in steps of half its side. The value of a pixel is a mean
    over the patches that cover it, in which those nearby count most.

    Parameters
    ----------
    predict_proba : callable
        Returns probabilities of shape (n, n_classes) for images.
    images : ndarray of shape (n, height, width, channels)
        Pixels.
    codes : ndarray of shape (n,)
        Place of the class to explain, of each image.
    patch_size : int, default=None
        Side of the patch, in pixels. None is a sixth of the shorter side of the images.
    fill : {"mean", "blur"}, default="mean"
        What covers a place: the mean color of the image, or the image blurred by a Gaussian whose
        standard deviation is half the patch.

    Returns
    -------
    heat : ndarray of shape (n, height, width), dtype float32
        Positive where a patch lowers the log-odds of the class, and negative where it raises them.

    Raises
    ------
    TypeError, ValueError
        If `patch_size` or `fill` is not as above.

    References
    ----------
    M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.
    """
    check_option("fill", fill, FILLS)
    height, width = images.shape[1:3]
    side = max(1, round(min(height, width) / _DEFAULT_SHARE)) if patch_size is None else patch_size
    side = min(check_count("patch_size", side), max(height, width))
    patches = [(rows, columns) for rows in _slide(height, side) for columns in _slide(width, side)]
    heat = np.empty(images.shape[:3], np.float32)
    before = _read_log_odds(predict_proba, images, codes)
    rows = count_steps(range(len(images)), "covering", len(images), "images")
    for row in rows:
        covered = _cover(images[row], patches, _make_fill(images[row], fill, side))
        after = np.concatenate(
            [_read_log_odds(predict_proba, part, codes[row]) for part in covered]
        )
        heat[row] = _average(before[row] - after, patches, (height, width), side)
    return heat


def _slide(n_pixels: int, side: int) -> list[slice]:
    """Return the parts of a side that a patch covers, so that all pixels are covered as often."""
    step = max(1, side // 2)
    starts = range(step - side, n_pixels, step)
    return [slice(max(start, 0), start + side) for start in starts]


def _make_fill(image: NDArray, fill: str, side: int) -> NDArray:
    values = image.astype(np.float32)
    if fill == "mean":
        values = np.broadcast_to(values.mean((0, 1)), image.shape)
    else:
        values = gaussian_filter(values, (side / 2, side / 2, 0))
    return (np.rint(values) if image.dtype.kind in "iu" else values).astype(image.dtype)


def _cover(
    image: NDArray, patches: Sequence[tuple[slice, slice]], filled: NDArray
) -> Iterator[NDArray]:
    """Yield batches of copies of an image, each with one patch covered."""
    size = max(1, _BATCH_BYTES // image.nbytes)
    for start in range(0, len(patches), size):
        part = patches[start : start + size]
        copies = np.repeat(image[np.newaxis], len(part), axis=0)
        for copy, patch in zip(copies, part, strict=True):
            copy[patch] = filled[patch]
        yield copies


def _read_log_odds(
    predict_proba: Callable[[NDArray], NDArray], images: NDArray, codes: NDArray
) -> NDArray[np.float64]:
    proba = predict_proba(images)[np.arange(len(images)), codes]
    return logit(np.clip(proba, _TINY, 1 - _TINY))


def _average(
    falls: NDArray, patches: Sequence[tuple[slice, slice]], size: tuple[int, int], side: int
) -> NDArray[np.float64]:
    """Return the mean over the patches that cover each pixel, those nearby counting most."""
    total, count = np.zeros(size), np.zeros(size)
    for fall, patch in zip(falls, patches, strict=True):
        rows, columns = (_weigh(part, side, n) for part, n in zip(patch, size, strict=True))
        weight = np.outer(rows, columns)
        total[patch] += fall * weight
        count[patch] += weight
    return total / count


def _weigh(part: slice, side: int, n_pixels: int) -> NDArray[np.float64]:
    """Return weights that fall linearly from the middle of a patch to its border."""
    distance = np.arange(part.start, min(part.stop, n_pixels)) - (part.stop - (side + 1) / 2)
    return 1 - np.abs(distance) / (side / 2 + 0.5)
