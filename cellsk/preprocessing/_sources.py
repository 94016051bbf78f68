"""The images that a reader gets as X: checks, reading one by one, and errors about them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_failures
from cellsk._codec import IGNORE_PILLOW_WARNINGS, DecodeError, ImageSource, ReadSettingError
from cellsk._steps import count_steps
from cellsk.exceptions import ImageReadError, InputError, InputTypeError

__all__ = ["ImagesInMemory", "check_sources", "read_each"]

_RULE = "must be a list or 1-D array of paths (str or Path), or of the bytes of image files"

# What to do about a file that needs a setting.
_SETTINGS = {
    "max_pixels": "Pass a larger max_pixels to ImageReader.",
    "page": "Choose a page with ImageReader(page=0), counted from 0.",
    "value_range": (
        "Pass the values of black and white as ImageReader(value_range=(low, high)), or None for"
        " the full range."
    ),
}

_Failures: TypeAlias = list[tuple[str, DecodeError]]
_Misfits: TypeAlias = list[tuple[str, tuple[int, ...]]]


class ImagesInMemory:
    """An array of images of one shape, allocated when the first image is added.

    Parameters
    ----------
    n_images : int
        Number of images that will be added.
    """

    def __init__(self, n_images: int) -> None:
        self._n_images = n_images
        self._images: NDArray[np.uint8] | None = None

    def add(self, index: int, pixels: NDArray[np.uint8]) -> None:
        """Store one image at its index."""
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
        If it is something else, or empty.
    """
    _check_column(X)
    sources = list(X)
    if not sources:
        raise _refuse("no image at all", "Pass at least one.", "no-images")
    for index, source in enumerate(sources):
        if not isinstance(source, (str, os.PathLike, bytes)):
            raise _refuse_type(
                f"{source!r} ({type(source).__name__}) at position {index}",
                "Pass paths only, one for each image.",
            )
    return sources


def _check_column(X: Any) -> None:
    if isinstance(X, (str, os.PathLike, bytes)):
        raise _refuse_type(f"a single {type(X).__name__}", "Pass a list: [path].")
    ndim = getattr(X, "ndim", 1)
    if ndim == 4:
        remedy = "If these are pixels already, leave the reader out."
        raise _refuse(f"shape {X.shape}", remedy, "pixels-for-reader")
    if ndim != 1:
        got = f"{ndim} dimensions, shape {X.shape}"
        raise _refuse(got, "Pass one column of paths.", "paths-not-a-column")
    if getattr(getattr(X, "dtype", None), "kind", "") == "S":
        raise _refuse_type(
            f"an array of dtype {X.dtype}, which drops the zero bytes at the end of each item",
            "Pass a list, or an array of dtype object.",
        )
    if not hasattr(X, "__len__") or isinstance(X, (dict, set, frozenset)):
        raise _refuse_type(type(X).__name__, "Pass list(X).")


def _refuse(got: str, remedy: str, code: str) -> InputError:
    return InputError(_RULE, got, remedy, parameter="X", code=code)


def _refuse_type(got: str, remedy: str) -> InputTypeError:
    return InputTypeError(_RULE, got, remedy, parameter="X", code="sources-not-paths")


def read_each(
    sources: list[ImageSource],
    read: Callable[[int], NDArray[np.uint8]],
    keep: Callable[[int, NDArray[np.uint8]], None],
    *,
    verbose: int | None = 0,
) -> tuple[int, ...]:
    """Read every image, and keep those that have the shape of the first one.

    Parameters
    ----------
    sources : list of (str, path-like or bytes)
        The images, to name those that fail.
    read : callable
        Returns the pixels of an image by its index.
    keep : callable
        Called with the index and the pixels of each image.
    verbose : int or None, default=0
        1 or more shows a progress bar on stderr. None does not count the images as steps either.

    Returns
    -------
    shape : tuple of int
        Height, width and channels of every image.

    Raises
    ------
    ImageReadError
        If at least one image cannot be decoded, after all have been tried.
    ValueError
        If the images differ in size.
    """
    shape: tuple[int, ...] | None = None
    failures: _Failures = []
    misfits: _Misfits = []
    with IGNORE_PILLOW_WARNINGS:  # once for all files, because it takes longer than a small file
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
    return f"bytes at position {index}" if isinstance(source, bytes) else str(os.fspath(source))


def _show_progress(sources: list[ImageSource], verbose: int | None) -> Iterable[ImageSource]:
    if verbose is None:
        return sources
    if not verbose:
        return count_steps(sources, "reading", len(sources), "images")
    from rich.console import Console
    from rich.progress import track

    return track(sources, description="Reading images", console=Console(stderr=True))


def _list_failures(failures: _Failures, n_images: int) -> ImageReadError:
    """Return one error for all images that cannot be decoded."""
    reasons = [(name, str(error)) for name, error in failures]
    n_damaged = sum(not isinstance(error, ReadSettingError) for _, error in failures)
    settings = sorted(
        {e.setting for _, e in failures if isinstance(e, ReadSettingError) and e.setting}
    )
    return ImageReadError(
        f"{len(failures):,} of {count_noun(n_images, 'image')} cannot be decoded."
        f" First: {name_failures(reasons)}",
        remedy=(
            "Leave them out with list_images(folder, verify=True)."
            if n_damaged
            else " ".join(_SETTINGS[name] for name in settings)
        ),
        code="images-damaged" if n_damaged else "images-need-setting",
        values={"n_failures": len(failures), "n_images": n_images, "settings": settings},
        failures=reasons,
    )


def _list_misfits(misfits: _Misfits, n_images: int, size: tuple[int, ...]) -> InputError:
    """Return one error for all images that differ in size from the first one."""
    name, (height, width, _) = misfits[0]
    return InputError(
        f"All images must have the size of the first, {size[0]} x {size[1]} pixels"
        " (height x width)",
        f"{len(misfits):,} of {count_noun(n_images, 'image')} of another size. First: {name!r}"
        f" ({height} x {width})",
        f"Pass image_size=({size[0]}, {size[1]}), or another size to resize all to.",
        parameter=None,
        code="images-differ-in-size",
        values={"height": size[0], "width": size[1]},
    )
