"""The images that come in as X: checked, read one by one, and what went wrong with them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_failures
from cellsk._codec import IGNORE_PILLOW_WARNINGS, DecodeError, ImageSource, ReadSettingError
from cellsk.exceptions import ImageReadError

__all__ = ["ImagesInMemory", "check_sources", "read_each"]

_X_RULE = "X must be a list or 1-D array of paths (str or Path), or of the bytes of image files."

_Failures: TypeAlias = list[tuple[str, DecodeError]]
_Misfits: TypeAlias = list[tuple[str, tuple[int, ...]]]


class ImagesInMemory:
    """Images of one shape as one array, made when the first of them comes.

    Parameters
    ----------
    n_images : int
        How many will come.
    """

    def __init__(self, n_images: int) -> None:
        self._n_images = n_images
        self._images: NDArray[np.uint8] | None = None

    def add(self, index: int, pixels: NDArray[np.uint8]) -> None:
        """Keep one image at its place."""
        if self._images is None:
            self._images = np.empty((self._n_images, *pixels.shape), dtype=np.uint8)
        self._images[index] = pixels

    def finish(self) -> NDArray[np.uint8]:
        """Return all images."""
        assert self._images is not None
        return self._images


def check_sources(X: Any) -> list[ImageSource]:
    """Return ``X`` as a list of paths and bytes, or raise.

    Raises
    ------
    TypeError, ValueError
        When it is something else, or empty.
    """
    if isinstance(X, (str, os.PathLike, bytes)):
        raise TypeError(f"{_X_RULE} Got a single {type(X).__name__}. Pass a list: [path].")
    ndim = getattr(X, "ndim", 1)
    if ndim == 4:
        raise ValueError(
            f"{_X_RULE} Got shape {X.shape}. If these are pixels already, leave the reader out."
        )
    if ndim != 1:
        raise ValueError(
            f"{_X_RULE} Got {ndim} dimensions, shape {X.shape}. Pass one column of paths."
        )
    if getattr(getattr(X, "dtype", None), "kind", "") == "S":
        raise TypeError(
            f"{_X_RULE} Got an array of dtype {X.dtype}, which drops the zero bytes at the end"
            " of each item. Pass a list, or an array of dtype object."
        )
    if not hasattr(X, "__len__") or isinstance(X, (dict, set, frozenset)):
        raise TypeError(f"{_X_RULE} Got {type(X).__name__}. Pass list(X).")
    sources = list(X)
    if not sources:
        raise ValueError(f"{_X_RULE} Got no image at all. Pass at least one.")
    for index, source in enumerate(sources):
        if not isinstance(source, (str, os.PathLike, bytes)):
            raise TypeError(
                f"{_X_RULE} Got {source!r} ({type(source).__name__}) at position {index}."
                " Pass paths only, one for each image."
            )
    return sources


def read_each(
    sources: list[ImageSource],
    read: Callable[[int], NDArray[np.uint8]],
    keep: Callable[[int, NDArray[np.uint8]], None],
    *,
    verbose: int = 0,
) -> tuple[int, ...]:
    """Read every image by its index, keep those of the first one's shape, and return that shape.

    Raises
    ------
    ImageReadError
        When at least one image cannot be decoded, after all have been tried.
    ValueError
        When the images differ in size.
    """
    shape: tuple[int, ...] | None = None
    failures: _Failures = []
    misfits: _Misfits = []
    with IGNORE_PILLOW_WARNINGS:  # once for all, as it costs more than a look at a small file
        for index, source in enumerate(_show_progress(sources, verbose)):
            try:
                pixels = read(index)
            except DecodeError as error:
                failures.append((_name_source(source, index), error))
                continue
            shape = shape or pixels.shape
            if pixels.shape == shape:
                keep(index, pixels)
            else:
                misfits.append((_name_source(source, index), pixels.shape))
    if shape is None or failures:
        raise _list_failures(failures, len(sources))
    if misfits:
        raise _list_misfits(misfits, len(sources), shape)
    return shape


def _name_source(source: ImageSource, index: int) -> str:
    return f"bytes at position {index}" if isinstance(source, bytes) else os.fspath(source)


def _show_progress(sources: list[ImageSource], verbose: int) -> Iterable[ImageSource]:
    if not verbose:
        return sources
    from rich.console import Console
    from rich.progress import track

    return track(sources, description="Reading images", console=Console(stderr=True))


def _list_failures(failures: _Failures, n_images: int) -> ImageReadError:
    """Return one error for all images that failed."""
    reasons = [(name, str(error)) for name, error in failures]
    damaged = any(not isinstance(error, ReadSettingError) for _, error in failures)
    return ImageReadError(
        f"{len(failures):,} of {count_noun(n_images, 'image')} cannot be decoded."
        f" First: {name_failures(reasons)}",
        remedy="Leave them out with list_images(folder, verify=True)." if damaged else "",
        code="images-damaged" if damaged else "images-need-setting",
        failures=reasons,
    )


def _list_misfits(misfits: _Misfits, n_images: int, size: tuple[int, ...]) -> ValueError:
    """Return one error for all images of another size than the first."""
    name, (height, width, _) = misfits[0]
    return ValueError(
        f"All images must have the size of the first, {size[0]} x {size[1]} pixels"
        f" (height x width). Got {len(misfits):,} of {count_noun(n_images, 'image')} of"
        f" another size. First: {name!r} ({height} x {width}). Pass"
        f" image_size=({size[0]}, {size[1]}), or another size to resize all to."
    )
