"""Names and SHA-256 of images, which identify them in a manifest."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np

from cellsk._checks import count_noun, name_failures
from cellsk._image_bytes import DecodeError, open_stream
from cellsk.exceptions import ImageReadError, InputTypeError
from cellsk.model_selection._rows import as_text

__all__ = ["hash_images", "name_images"]


def hash_images(X: Any) -> list[str]:
    """Return the SHA-256 of each image, in hexadecimal.

    A path is hashed by the bytes of its file, as `sha256sum` does, and bytes as they are. An
    array is hashed by its shape and dtype, as text, and its values in row order with the
    lowest byte first. So the hash is the same on every machine and for every memory layout.

    Parameters
    ----------
    X : sequence of length n_samples
        Paths (str or Path), contents of files (bytes), or arrays, also mixed.

    Returns
    -------
    hashes : list of str
        64 digits for each image.

    Raises
    ------
    ImageReadError
        If files cannot be opened. All are tried first.
    TypeError
        If an item is something else.

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
        except (OSError, DecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            failures.append((os.fspath(image), reason))
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
        with open_stream(image) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    if isinstance(image, bytes):
        return hashlib.sha256(image).hexdigest()
    array = np.asarray(image)
    if array.dtype.kind not in "biuf":
        raise InputTypeError(
            "must have paths, contents of files (bytes), or images of numbers",
            f"{type(image).__name__}, of dtype {array.dtype}",
            "Pass the images that the estimator takes.",
            parameter="X",
        )
    digest = hashlib.sha256(f"{array.shape} {array.dtype.name}\n".encode())
    digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def name_images(X: Any) -> list[str]:
    """Return a name for each image, without the folders of the machine it is on.

    Parameters
    ----------
    X : sequence of length n_samples
        Paths (str or Path), contents of files (bytes), or arrays.

    Returns
    -------
    names : list of str
        For paths, the part below the deepest folder that they share, with forward slashes.
        Otherwise `"image 17"` for `X[17]`.

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
        folder = None  # only the root is shared: the folders are private, so keep the file names
    names = [f"image {row}" for row in range(len(X))]
    for row, path in paths.items():
        name = os.path.relpath(path, folder) if folder else os.path.basename(path)
        names[row] = name.replace(os.sep, "/")
    return as_text(names)


def _find_common_folder(paths: list[str]) -> str | None:
    try:
        return os.path.commonpath([os.path.dirname(path) for path in paths])
    except ValueError:  # no path, or on several drives
        return None
