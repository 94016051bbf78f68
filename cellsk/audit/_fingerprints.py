"""Fingerprints of images for the audit: a few numbers, two digests, and a thumbnail."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from joblib import Parallel, cpu_count, delayed
from numpy.typing import NDArray

from cellsk._codec import DecodeError, FileFacts, ReadSettingError, open_page
from cellsk._steps import count_steps, is_watched

__all__ = ["THUMBNAIL_SIZE", "Fingerprint", "Fingerprints", "measure_image", "measure_images"]

# The columns of one image.
Fingerprint: TypeAlias = dict[str, Any]

THUMBNAIL_SIZE = 32
_CHUNK_SIZE = 128
_PROCESSES_PER_CORE = 4  # more of them take memory, and read no faster
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_NO_FACTS = FileFacts("", 0, "array", "", "", "")


@dataclass(frozen=True)
class Fingerprints:
    """One row for each image. The columns of an unreadable image hold zeros and "".

    Attributes
    ----------
    reason : ndarray of shape (n,), dtype str
        Why the file cannot be decoded; "" if it can.
    sound : ndarray of shape (n,), dtype bool
        Whether the file is undamaged: it may still need a setting, such as a page.
    file_digest, pixel_digest : ndarray of shape (n,), dtype str
        SHA-256 of the bytes of the file, and of its RGB pixels and their shape.
    n_bytes : ndarray of shape (n,), dtype int64
    format, mode, encoding, origin : ndarray of shape (n,), dtype str
        As in :class:`FileFacts`.
    height, width : ndarray of shape (n,), dtype int64
    mean_colour : ndarray of shape (n, 3), dtype float64
        In levels from 0 to 255.
    brightness : ndarray of shape (n,), dtype float64
        Mean luma, in levels.
    sharpness : ndarray of shape (n,), dtype float64
        Root mean square of the second differences of the luma at half size, divided by that of
        the first differences: low if an image is out of focus. 0 if it cannot be computed.
    thumbnail : ndarray of shape (n, 32, 32), dtype uint8
        Luma, averaged over areas.
    """

    reason: NDArray[np.str_]
    sound: NDArray[np.bool_]
    file_digest: NDArray[np.str_]
    pixel_digest: NDArray[np.str_]
    n_bytes: NDArray[np.int64]
    format: NDArray[np.str_]
    mode: NDArray[np.str_]
    encoding: NDArray[np.str_]
    origin: NDArray[np.str_]
    height: NDArray[np.int64]
    width: NDArray[np.int64]
    mean_colour: NDArray[np.float64]
    brightness: NDArray[np.float64]
    sharpness: NDArray[np.float64]
    thumbnail: NDArray[np.uint8]

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Whether each image could be decoded."""
        return self.reason == ""


def measure_images(
    sources: Sequence[Any],
    n_jobs: int | None = None,
    measured: Mapping[Any, Fingerprint] | None = None,
) -> Fingerprints:
    """Return the fingerprints of image files, or of images as arrays.

    Parameters
    ----------
    sources : sequence of (str, path-like, bytes or ndarray)
        Files, the contents of files, or RGB or gray pixels of dtype uint8.
    n_jobs : int, default=None
        Processes, as joblib understands it; ``None`` is 1.
    measured : mapping of str to dict, default=None
        What `measure_image` has returned for some of the files, which are then not opened.

    Returns
    -------
    fingerprints : Fingerprints
        In the order of ``sources``.
    """
    known = measured or {}
    are_known = [isinstance(source, str) and source in known for source in sources]
    pairs = list(zip(sources, are_known, strict=True))
    new = iter(_measure_files([source for source, is_known in pairs if not is_known], n_jobs))
    rows = [known[source] if is_known else next(new) for source, is_known in pairs]
    names = [field.name for field in fields(Fingerprints)]
    return Fingerprints(**{name: np.array([row[name] for row in rows]) for name in names})


def _measure_files(sources: Sequence[Any], n_jobs: int | None) -> list[Fingerprint]:
    chunks = [sources[i : i + _CHUNK_SIZE] for i in range(0, len(sources), _CHUNK_SIZE)]
    if len(chunks) < 4:  # starting processes takes longer
        n_jobs = 1
    if n_jobs is not None and n_jobs > 1:
        n_jobs = min(n_jobs, len(chunks), _PROCESSES_PER_CORE * cpu_count())
    # Not every backend of joblib has generators.
    parallel = Parallel(n_jobs=n_jobs, return_as="generator" if is_watched() else "list")
    parts = parallel(delayed(_measure_chunk)(chunk) for chunk in chunks)
    rows = (row for part in parts for row in part)
    return list(count_steps(rows, "reading", len(sources), "images"))


def _measure_chunk(sources: Sequence[Any]) -> list[Fingerprint]:
    return [_measure_source(source) for source in sources]


def _measure_source(source: Any) -> Fingerprint:
    if isinstance(source, np.ndarray):
        return measure_image(source)
    try:
        with open_page(source) as page:
            pixels, facts = page.to_pixels(), page.describe_file()
    except DecodeError as error:
        empty = np.zeros((1, 1, 3), dtype=np.uint8)
        unread = {"reason": str(error), "sound": isinstance(error, ReadSettingError)}
        return measure_image(empty) | unread | {"pixel_digest": ""}
    return measure_image(pixels, facts)


def measure_image(pixels: NDArray[np.uint8], facts: FileFacts = _NO_FACTS) -> Fingerprint:
    """Return the fingerprint of one image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width) or (height, width, channels)
        RGB or gray, at the size of the file.
    facts : FileFacts, default=_NO_FACTS
        About its file, if there is one.

    Returns
    -------
    fingerprint : dict
        The columns of one row of `Fingerprints`.
    """
    about_file = facts._asdict()
    return _measure_pixels(pixels) | {"file_digest": about_file.pop("digest")} | about_file


def _measure_pixels(pixels: NDArray[np.uint8]) -> dict[str, Any]:
    color = pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]
    color = color if color.shape[2] == 3 else np.repeat(color[:, :, :1], 3, axis=2)
    values = color.astype(np.float32).reshape(-1, 3)
    height, width = color.shape[:2]
    luma = (values @ _LUMA).reshape(height, width)
    return {
        "reason": "",
        "sound": True,
        "pixel_digest": _digest_pixels(color),
        "height": height,
        "width": width,
        "mean_colour": np.ones(len(values), dtype=np.float32) @ values / len(values),
        "brightness": float(luma.mean()),
        "sharpness": _measure_sharpness(luma),
        "thumbnail": _shrink(luma),
    }


def _digest_pixels(pixels: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _measure_sharpness(luma: NDArray[np.float32]) -> float:
    """Return the ratio of second to first differences at half size.

    Blur reduces second differences more than first differences. The ratio depends little on
    contrast and on the area of empty glass. Half size reduces the noise of sensor and
    compression.
    """
    height, width = luma.shape[0] // 2, luma.shape[1] // 2
    if min(height, width) < 3:
        return 0.0
    half = luma[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))
    slope, change = (
        sum(float(np.square(np.diff(half, n, axis=axis)).mean()) for axis in (0, 1)) for n in (1, 2)
    )
    return float(np.sqrt(change / slope)) if slope > 0 else 0.0


def _shrink(luma: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the luma averaged over areas. A turned image gives the same result, turned."""
    height, width = luma.shape
    small = _area_weights(height) @ luma @ _area_weights(width).T
    return np.rint(small).clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=64)
def _area_weights(size: int) -> NDArray[np.float32]:
    """Return the weight of each of ``size`` pixels in each pixel of a thumbnail."""
    edges = np.linspace(0, size, THUMBNAIL_SIZE + 1)
    starts = np.arange(size)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    weights = overlap.clip(0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
