"""Names and SHA-256 of images, by which a manifest knows them again."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np

from cellsk._checks import count_noun, name_failures
from cellsk.exceptions import ImageReadError
from cellsk.model_selection._rows import as_text

__all__ = ["hash_images", "name_images"]


def hash_images(X: Any) -> list[str]:
    """Return the SHA-256 of each image, in hexadecimal.

    Of a path it is that of the bytes of its file, as `sha256sum` prints it; of bytes, that of
    these bytes. Of an array it is that of its shape and dtype, as text, and its values in row
    order and with the lowest byte first: the same on every machine, for every memory layout.

    Parameters
    ----------
    X : sequence of length n_samples
        Paths (str or Path), contents of files (bytes), or arrays, mixed as you like.

    Returns
    -------
    hashes : list of str
        64 digits for each image.

    Raises
    ------
    ImageReadError
        When files cannot be opened, after all have been tried.
    TypeError
        When an item is none of these.

    Examples
    --------
    >>> from cellsk.model_selection import hash_images
    >>> hash_images([b"abc"])[0][:16]
    'ba7816bf8f01cfea'
    """
    hashes, failures = [], []
    for image in X:
        try:
            hashes.append(_hash(image))
        except OSError as error:
            failures.append((os.fspath(image), error.strerror or str(error)))
    if failures:
        raise ImageReadError(
            f"{len(failures):,} of {count_noun(len(X), 'image')} cannot be opened. First:"
            f" {name_failures(failures)}",
            remedy="Check the paths.",
            code="images-missing",
            failures=failures,
        )
    return hashes


def _hash(image: Any) -> str:
    if isinstance(image, str | os.PathLike):
        with open(image, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    if isinstance(image, bytes):
        return hashlib.sha256(image).hexdigest()
    array = np.asarray(image)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            "X must hold paths, contents of files (bytes), or images of numbers. Got"
            f" {type(image).__name__}, of dtype {array.dtype}. Pass what the estimator is given."
        )
    digest = hashlib.sha256(f"{array.shape} {array.dtype.name}\n".encode())
    digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def name_images(X: Any) -> list[str]:
    """Return a name for each image that gives away nothing of the machine it lies on.

    Parameters
    ----------
    X : sequence of length n_samples
        Paths (str or Path), contents of files (bytes), or arrays.

    Returns
    -------
    names : list of str
        Of paths, the part below the deepest folder that they share, with forward slashes; of
        all else, `"image 17"` for `X[17]`.

    Examples
    --------
    >>> from cellsk.model_selection import name_images
    >>> name_images(["/data/benign/a.png", "/data/malignant/b.png"])
    ['benign/a.png', 'malignant/b.png']
    """
    paths = {
        row: os.path.abspath(os.fspath(image))
        for row, image in enumerate(X)
        if isinstance(image, str | os.PathLike)
    }
    folder = _find_common_folder(list(paths.values()))
    if folder is not None and os.path.dirname(folder) == folder:
        folder = None  # the whole machine in common: what lies above a file is nobody's business
    names = [f"image {row}" for row in range(len(X))]
    for row, path in paths.items():
        name = os.path.relpath(path, folder) if folder else os.path.basename(path)
        names[row] = name.replace(os.sep, "/")
    return as_text(names)


def _find_common_folder(paths: list[str]) -> str | None:
    try:
        return os.path.commonpath([os.path.dirname(path) for path in paths])
    except ValueError:  # none at all, or on several drives
        return None
