"""Fingerprints of training images, to recognize them in a test set without storing them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dctn
from scipy.spatial import cKDTree

from cellsk.audit._data import check_column, list_sources
from cellsk.audit._fingerprints import Fingerprints, measure_images
from cellsk.audit._near_duplicates import MIN_CONTRAST, measure_contrast

__all__ = ["SharedImages", "TrainingFingerprints", "find_shared", "make_training_fingerprints"]

DIGEST_SIZE = 16  # bytes
HASH_SIZE = 8  # lowest cosine coefficients on each axis
HASH_LEVELS = 255  # a hash has one byte for each value
# Measured on PatchCamelyon: of copies of 3,000 training patches, 99% are found after a turn, JPEG
# at quality 50 or 75, or resizing to 90 pixels and back, and 96% after 8% more brightness. The
# others have no contrast. Of 1,500 patches of other slides none is taken for a copy.
MAX_HASH_DISTANCE = 0.12


class TrainingFingerprints(NamedTuple):
    """What a model file keeps of its training images. It holds no pixels and no names.

    Attributes
    ----------
    digests : ndarray of shape (n_images, 16), dtype uint8
        Hash of the pixels of each image.
    hashes : ndarray of shape (n_images, n_values), dtype uint8
        Perceptual hash of each image, which is the same under turns and flips. A hash of zeros is
        that of an image without contrast.
    patients : ndarray of shape (n_patients, 16), dtype uint8, or None
        Salted hash of the name of each patient. None if patients are unknown.
    salt : bytes
        Bytes that differ from set to set, so that names cannot be looked up in a table of hashes.
        Short names can still be guessed one by one.
    """

    digests: NDArray[np.uint8]
    hashes: NDArray[np.uint8]
    patients: NDArray[np.uint8] | None
    salt: bytes


class SharedImages(NamedTuple):
    """What a test set shares with training images.

    Attributes
    ----------
    exact : ndarray of int
        Rows of images with the same pixels as a training image.
    similar : ndarray of int
        Rows of other images that look like a training image, and may be copies.
    patients : list of str
        Patients that have training images, too.
    """

    exact: NDArray[np.intp]
    similar: NDArray[np.intp]
    patients: list[str]


def make_training_fingerprints(
    X: Sequence[Any] | ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_jobs: int | None = None,
) -> TrainingFingerprints:
    """Return the fingerprints of training images.

    Parameters
    ----------
    X : array-like of shape (n,), or ndarray of shape (n, height, width, channels)
        Paths of images, or images.
    groups : array-like of shape (n,), default=None
        Patient of each image.
    n_jobs : int, default=None
        Number of processes that decode images. None is one.

    Returns
    -------
    fingerprints : TrainingFingerprints

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> from cellsk.audit import find_shared, make_training_fingerprints
    >>> from cellsk.datasets import make_cells
    >>> cells = make_cells(20, n_patients=4, image_size=(32, 32), random_state=0)
    >>> training = make_training_fingerprints(cells.images[:10], cells.groups[:10])
    >>> find_shared(training, cells.images[8:], cells.groups[8:]).exact
    array([0, 1])
    """
    sources = list_sources("X", X)
    column = check_column("groups", groups, len(sources))
    names = None if column is None else sorted(set(column.astype(str).tolist()))
    prints = measure_images(sources, n_jobs)
    digests = [_digest(text.encode()) for text in prints.pixel_digest.tolist()]
    salt = _digest(b"".join(sorted(digests)))  # the same images give the same file
    return TrainingFingerprints(
        digests=_stack(digests),
        hashes=_hash(prints),
        patients=None if names is None else _stack([_hash_name(name, salt) for name in names]),
        salt=salt,
    )


def find_shared(
    training: TrainingFingerprints,
    X: Sequence[Any] | ArrayLike,
    groups: ArrayLike | None = None,
) -> SharedImages:
    """Return the images and patients of a test set that training images have, too.

    Parameters
    ----------
    training : TrainingFingerprints
        Of the training images.
    X : array-like of shape (n,), or ndarray of shape (n, height, width, channels)
        Paths of the test images, or images.
    groups : array-like of shape (n,), default=None
        Patient of each test image.

    Returns
    -------
    shared : SharedImages

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    """
    sources = list_sources("X", X)
    column = check_column("groups", groups, len(sources))
    prints = measure_images(sources)
    known = set(map(bytes, training.digests))
    digests = [_digest(text.encode()) for text in prints.pixel_digest.tolist()]
    exact = np.array([digest in known for digest in digests], dtype=bool) & prints.readable
    similar = _find_similar(training.hashes, _hash(prints)) & ~exact
    return SharedImages(
        np.flatnonzero(exact), np.flatnonzero(similar), _list_shared_patients(training, column)
    )


def _list_shared_patients(training: TrainingFingerprints, column: NDArray | None) -> list[str]:
    if training.patients is None or column is None:
        return []
    known = set(map(bytes, training.patients))
    names = sorted(set(column.astype(str).tolist()))
    return [name for name in names if _hash_name(name, training.salt) in known]


def _find_similar(training: NDArray[np.uint8], test: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which test hashes are close to a training hash."""
    found = np.zeros(len(test), dtype=bool)
    rows = np.flatnonzero(test.any(axis=1))
    usable = training[training.any(axis=1)]
    if len(rows) and len(usable):
        tree = cKDTree(usable.astype(np.float32) / HASH_LEVELS)
        points = test[rows].astype(np.float32) / HASH_LEVELS
        distance, _ = tree.query(points, distance_upper_bound=MAX_HASH_DISTANCE)
        found[rows] = np.isfinite(distance)
    return found


def _hash(prints: Fingerprints) -> NDArray[np.uint8]:
    """Return the perceptual hash of each image. Images without contrast get zeros.

    Flips change the signs of the cosine coefficients, and quarter turns also swap them. The
    absolute values, with those of (u, v) and (v, u) sorted, are the same for all of them. The
    picture cannot be computed from them.
    """
    thumbnails = prints.thumbnail.astype(np.float32)
    lowest = np.abs(dctn(thumbnails, axes=(1, 2), norm="ortho")[:, :HASH_SIZE, :HASH_SIZE])
    lowest[:, 0, 0] = 0
    lowest /= np.maximum(np.sqrt(np.square(lowest).sum(axis=(1, 2), keepdims=True)), 1e-6)
    above, below = np.triu_indices(HASH_SIZE)
    one, other = lowest[:, above, below], lowest[:, below, above]
    both = np.concatenate([np.maximum(one, other), np.minimum(one, other)], axis=1)
    values = np.rint(both * HASH_LEVELS).astype(np.uint8)
    values[(measure_contrast(prints.thumbnail) < MIN_CONTRAST) | ~prints.readable] = 0
    return values


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:DIGEST_SIZE]


def _hash_name(name: str, salt: bytes) -> bytes:
    # Slow on purpose: someone with the file can only try a few names.
    return hashlib.pbkdf2_hmac("sha256", name.encode("utf-8", "surrogateescape"), salt, 10_000)[
        :DIGEST_SIZE
    ]


def _stack(digests: Iterable[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, DIGEST_SIZE)
