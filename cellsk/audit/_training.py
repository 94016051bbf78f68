"""Fingerprints of training images, to recognize them in a test set without storing them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dctn

from cellsk._checks import count_noun
from cellsk._class_words import fold_name
from cellsk.audit._data import check_column, list_sources
from cellsk.audit._fingerprints import Fingerprint, Fingerprints, measure_images
from cellsk.audit._near_duplicates import MIN_CONTRAST, measure_contrast
from cellsk.exceptions import InputError

__all__ = [
    "DIGEST_SIZE",
    "MAX_ROUNDS",
    "N_HASH_VALUES",
    "SharedImages",
    "TrainingFingerprints",
    "find_shared",
    "make_training_fingerprints",
]

DIGEST_SIZE = 16  # bytes
HASH_SIZE = 8  # lowest cosine coefficients on each axis
N_HASH_VALUES = HASH_SIZE * (HASH_SIZE + 1)
HASH_LEVELS = 255  # a hash has one byte for each value
# Measured on PatchCamelyon: of copies of 3,000 training patches, 99% are found after a turn, JPEG
# at quality 50 or 75, or resizing to 90 pixels and back, and 96% after 8% more brightness. The
# others have no contrast. Of 1,500 patches of other slides none is taken for a copy.
MAX_HASH_DISTANCE = 0.12
# Segmented cells of one size have close hashes. A copy is closer than this share of the distance to
# a training image that is not. Without it, 14% to 99% of 750 different cells were taken for copies;
# with it at most 0.7%, and 99% of the copies of cells with texture are found. Cells of low contrast
# that all have one outline lose copies (56% at JPEG 50). Discs of one outline without texture stay
# false in 58%: their pixels show no difference. See benchmarks/duplicates.py.
MAX_NEIGHBOR_SHARE = 0.4
N_COPIES = 8  # of one training image, at most
# Names are hashed slowly, so that someone with the file can try few of them: 10,000 rounds take
# about 5 ms. If there are more names than 10,000, each takes fewer, and all of them a minute.
MAX_ROUNDS, ALL_ROUNDS = 10_000, 100_000_000
BLOCK_SIZE = 8192  # images measured at once. Their thumbnails take 8 MiB.
N_COMPARED = 2**13  # hashes on each side of a comparison, which takes 256 MiB


class TrainingFingerprints(NamedTuple):
    """What a model file keeps of its training images. It holds no pixels and no names.

    Attributes
    ----------
    digests : ndarray of shape (n_images, 16), dtype uint8
        Hash of the pixels of each image.
    hashes : ndarray of shape (n_images, 72), dtype uint8, or None
        Perceptual hash of each image, which is the same under turns and flips. A hash of zeros is
        that of an image without contrast. None if a model file was too small for them.
    patients : ndarray of shape (n_patients, 16), dtype uint8, or None
        Salted hash of the name of each patient. None if patients are unknown.
    folders : ndarray of shape (n_folders, 16), dtype uint8, or None
        Salted hash of the path of each folder that held an image. None if the images were not
        files.
    salt : bytes
        Bytes that differ from set to set, so that names cannot be looked up in a table of hashes.
        Short names can still be guessed one by one.
    n_rounds : int
        Rounds of the hash of a name.
    """

    digests: NDArray[np.uint8]
    hashes: NDArray[np.uint8] | None
    patients: NDArray[np.uint8] | None
    folders: NDArray[np.uint8] | None
    salt: bytes
    n_rounds: int


class SharedImages(NamedTuple):
    """What a test set shares with training images.

    Attributes
    ----------
    exact : ndarray of int
        Rows of images with the same pixels as a training image.
    similar : ndarray of int, or None
        Rows of other images that look like a training image, and may be copies.
        None if the training images have no perceptual hashes.
    same_folder : ndarray of int
        Rows of images in a folder that held training images.
    patients : list of str
        Patients that have training images, too. Their names are compared without case, leading
        zeros and the like.
    """

    exact: NDArray[np.intp]
    similar: NDArray[np.intp] | None
    same_folder: NDArray[np.intp]
    patients: list[str]


def make_training_fingerprints(
    X: Sequence[Any] | ArrayLike,
    groups: ArrayLike | None = None,
    *,
    paths: Sequence[str] | ArrayLike | None = None,
    n_jobs: int | None = None,
) -> TrainingFingerprints:
    """Return the fingerprints of training images.

    Parameters
    ----------
    X : array-like of shape (n,), or ndarray of shape (n, height, width, channels)
        Paths of images, or images.
    groups : array-like of shape (n,), default=None
        Patient of each image.
    paths : array-like of shape (n,), default=None
        File of each image, to know its folder. None takes ``X`` if it holds paths.
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
    patients = _fold_names(_list_names(check_column("groups", groups, len(sources))))
    folders = _list_names(_find_folders(sources, paths))
    digests, hashes, _ = _measure(sources, n_jobs)
    salt = _digest(b"".join(sorted(digests)))  # the same images give the same file
    n_names = len(patients or ()) + len(folders or ())
    n_rounds = min(MAX_ROUNDS, max(1, ALL_ROUNDS // max(n_names, 1)))
    return TrainingFingerprints(
        digests=_stack(digests),
        hashes=hashes,
        patients=_hash_names(patients, salt, n_rounds),
        folders=_hash_names(folders, salt, n_rounds),
        salt=salt,
        n_rounds=n_rounds,
    )


def find_shared(
    training: TrainingFingerprints,
    X: Sequence[Any] | ArrayLike,
    groups: ArrayLike | None = None,
    *,
    paths: Sequence[str] | ArrayLike | None = None,
    measured: Mapping[str, Fingerprint] | None = None,
) -> SharedImages:
    """Return the images, folders and patients of a test set that training images have, too.

    Parameters
    ----------
    training : TrainingFingerprints
        Of the training images.
    X : array-like of shape (n,), or ndarray of shape (n, height, width, channels)
        Paths of the test images, or images.
    groups : array-like of shape (n,), default=None
        Patient of each test image.
    paths : array-like of shape (n,), default=None
        File of each image, to know its folder. None takes ``X`` if it holds paths.
    measured : mapping of str to dict, default=None
        What `measure_image` has returned for some of the paths in ``X``, which are then not opened.

    Returns
    -------
    shared : SharedImages

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    """
    sources = list_sources("X", X)
    patients = _list_names(check_column("groups", groups, len(sources)))
    folders = _find_folders(sources, paths)
    digests, hashes, readable = _measure(sources, None, measured)
    exact = np.isin(_as_items(_stack(digests)), _as_items(training.digests)) & readable
    similar = None
    if training.hashes is not None:
        similar = np.flatnonzero(_find_similar(training.hashes, hashes) & ~exact)
    shared_folders = _find_known(training, training.folders, _list_names(folders))
    in_folder = np.isin([] if folders is None else folders, shared_folders)
    return SharedImages(
        np.flatnonzero(exact),
        similar,
        np.flatnonzero(in_folder),
        _find_known(training, training.patients, patients, _fold_names(patients)),
    )


def _find_folders(sources: Sequence[Any], paths: Any) -> NDArray[np.str_] | None:
    """Return the folder of each file as an absolute path without links, or None for arrays.

    A link to a file counts for the folder that it is in: data sets keep their files in one pool,
    and link them into folders for training and test.

    Raises
    ------
    ValueError
        If there is not one path for each image.
    """
    files = sources if paths is None else [os.fspath(path) for path in paths]
    if len(files) != len(sources):
        raise InputError(
            "must have one path for each image",
            f"{count_noun(len(files), 'path')} for {count_noun(len(sources), 'image')}",
            parameter="paths",
        )
    if not all(isinstance(file, str) for file in files):
        return None
    here = [os.path.dirname(file) for file in files]
    resolved = {folder: os.path.normcase(os.path.realpath(folder)) for folder in set(here)}
    return np.array([resolved[folder] for folder in here])


def _list_names(column: NDArray[Any] | None) -> list[str] | None:
    return None if column is None else sorted(set(column.astype(str).tolist()))


def _fold_names(names: list[str] | None) -> list[str] | None:
    """Return names of patients in the form that is equal for nearly equal names."""
    return None if names is None else [fold_name(name) for name in names]


def _find_known(
    training: TrainingFingerprints,
    hashes: NDArray[np.uint8] | None,
    names: list[str] | None,
    hashed: list[str] | None = None,
) -> list[str]:
    """Return the names whose hash is among the hashes of training.

    ``hashed`` is the form of each name that is hashed. None is the name itself.
    """
    if hashes is None or names is None:
        return []
    known = set(map(bytes, hashes))
    return [
        name
        for name, text in zip(names, hashed or names, strict=True)
        if _hash_name(text, training.salt, training.n_rounds) in known
    ]


def _measure(
    sources: Sequence[Any], n_jobs: int | None, measured: Mapping[str, Fingerprint] | None = None
) -> tuple[list[bytes], NDArray[np.uint8], NDArray[np.bool_]]:
    """Return digest and perceptual hash of each image, and whether it can be read."""
    digests: list[bytes] = []
    hashes = np.empty((len(sources), N_HASH_VALUES), np.uint8)
    readable = np.empty(len(sources), bool)
    for start in range(0, len(sources), BLOCK_SIZE):
        rows = slice(start, start + BLOCK_SIZE)
        prints = measure_images(sources[rows], n_jobs, measured)
        digests += [_digest(text.encode()) for text in prints.pixel_digest.tolist()]
        hashes[rows], readable[rows] = _hash(prints), prints.readable
    return digests, hashes, readable


def _find_similar(training: NDArray[np.uint8], test: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which test hashes are close to a training hash, and much closer than to others."""
    usable = training[training.any(axis=1)]
    found = np.zeros(len(test), dtype=bool)
    for start in range(0, len(test), N_COMPARED):
        rows = start + np.flatnonzero(test[start : start + N_COMPARED].any(axis=1))
        nearest = _measure_nearest(usable, test[rows])
        found[rows] = nearest[:, 0] < np.minimum(
            (MAX_HASH_DISTANCE * HASH_LEVELS) ** 2, MAX_NEIGHBOR_SHARE**2 * nearest[:, -1] + 0.5
        )
    return found


def _measure_nearest(training: NDArray[np.uint8], test: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the squared distances of each test hash to the nearest training hashes, in order."""
    # One product of matrices is faster than a search tree, because the hashes have 72 values. All
    # numbers are whole and below 2**24, so float32 holds them exactly.
    points = test.astype(np.float32)
    nearest = np.full((len(test), N_COPIES + 1), np.inf, np.float32)
    for start in range(0, len(training), N_COMPARED):
        block = training[start : start + N_COMPARED].astype(np.float32)
        distances = points @ block.T
        distances *= -2
        distances += np.square(block).sum(axis=1)
        distances += np.square(points).sum(axis=1, keepdims=True)
        # Farther ones change nothing, so in most collections few rows are sorted.
        limit = (MAX_HASH_DISTANCE * HASH_LEVELS / MAX_NEIGHBOR_SHARE) ** 2
        near = np.flatnonzero(distances.min(axis=1) < limit)
        both = np.concatenate([nearest[near], distances[near]], axis=1)
        nearest[near] = np.sort(np.partition(both, N_COPIES, axis=1)[:, : N_COPIES + 1], axis=1)
    return nearest


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


def _hash_names(names: list[str] | None, salt: bytes, n_rounds: int) -> NDArray[np.uint8] | None:
    return None if names is None else _stack([_hash_name(name, salt, n_rounds) for name in names])


def _hash_name(name: str, salt: bytes, n_rounds: int) -> bytes:
    data = name.encode("utf-8", "surrogateescape")
    return hashlib.pbkdf2_hmac("sha256", data, salt, n_rounds, dklen=32)[:DIGEST_SIZE]


def _stack(digests: Iterable[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, DIGEST_SIZE)


def _as_items(digests: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Return each digest as one item."""
    return np.ascontiguousarray(digests).view(f"S{DIGEST_SIZE}").ravel()
