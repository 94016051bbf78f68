"""ImageReader: from image files to one array of pixels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import Tags

from cellsk._checks import (
    check_count,
    check_image_size,
    check_option,
    check_value_range,
    count_noun,
    name_failures,
)
from cellsk._codec import MAX_PIXELS, DecodeError, ImageSource, ReadSettingError, decode_image
from cellsk.exceptions import ImageReadError

_X_RULE = "X must be a list or 1-D array of paths (str or Path), or of the bytes of image files."

_Failures: TypeAlias = list[tuple[str, DecodeError]]
_Misfits: TypeAlias = list[tuple[str, tuple[int, int]]]


class ImageReader(CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Read image files into one array of 8-bit pixels.

    The first step of a pipeline that takes paths as ``X``, so that searches and
    cross-validation carry paths between processes, and pixels are decoded where they are
    needed. It is stateless: ``fit`` learns nothing, and ``transform`` works without it.

    PNG, JPEG, TIFF and BMP files are read, known by their content and not by their name.

    Parameters
    ----------
    image_size : tuple of (int, int), default=None
        Height and width of the result, in pixels. Images of another size are resized
        to it with antialiasing, without keeping their proportions. ``None`` takes the size
        of the first image, and then all must have it.

    channels : {1, 3}, default=3
        3 for RGB, 1 for grey (ITU-R 601-2 luma: 0.299 R + 0.587 G + 0.114 B).

    page : int, default=None
        Page to read of files with several, counted from 0. ``None`` refuses such
        files, because any choice among their pages would be a guess.

    value_range : tuple of (float, float), default=None
        The pixel values that become 0 (black) and 255 (white), in files of more than 8
        bits: ``(0, 4095)`` for 12-bit data in 16-bit files. A pixel outside of it is an
        error. ``None`` is the full range of the type: 0 to 65535 for 16 bits, 0 to 4095 for
        12 bits, 0 to 1 for floats; signed and 32-bit whole numbers have no such
        default. Files of up to 8 bits are taken as they are, whatever the range.

    max_pixels : int, default=2**26
        Larger images are refused before they are decoded, as a small file may claim
        to hold more pixels than fit into memory.

    verbose : int, default=0
        1 or more shows a progress bar on stderr.

    See Also
    --------
    cellsk.datasets.list_images : Paths, labels and groups from a folder.

    Notes
    -----
    How each kind of pixel becomes 8-bit grey or RGB:

    - 1-bit, grey, palette, RGB, YCbCr: as they are.
    - CMYK: R = 255 (1 - C) (1 - K), and so on. Colour profiles are not applied.
    - Transparency, in palettes too: composed on white.
    - 16-bit grey: scaled by 255/65535 and rounded, not clipped.
    - 16-bit colour: its high byte, which is right within one level; ``value_range`` is
      refused, because the low byte is lost.
    - 32-bit float: must lie in ``value_range``, by default 0 to 1; NaN is refused.
    - Signed and 32-bit whole numbers: need ``value_range``.

    The EXIF orientation is applied, so an image has the height and width that a viewer
    shows. Of the several pictures in a multi-picture JPEG (MPO) the primary one is read.
    Resizing is bilinear over the area that a pixel covers, after the conversion to 8 bits.

    Images beyond the limit that Pillow sets against decompression bombs (about 179 million
    pixels) are refused even where ``max_pixels`` is higher.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from cellsk.preprocessing import ImageReader
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "cell.png"
    ...     Image.new("RGB", (20, 10), "white").save(path)
    ...     ImageReader(image_size=(4, 6)).transform([path, path]).shape
    (2, 4, 6, 3)
    """

    def __init__(
        self,
        *,
        image_size: tuple[int, int] | None = None,
        channels: int = 3,
        page: int | None = None,
        value_range: tuple[float, float] | None = None,
        max_pixels: int = MAX_PIXELS,
        verbose: int = 0,
    ) -> None:
        self.image_size = image_size
        self.channels = channels
        self.page = page
        self.value_range = value_range
        self.max_pixels = max_pixels
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Sequence[ImageSource] | ArrayLike, y: Any = None) -> ImageReader:
        """Check the parameters; no file is read.

        Parameters
        ----------
        X : array-like of shape (n_samples,)
            Ignored.
        y : None
            Ignored.

        Returns
        -------
        self : ImageReader

        Raises
        ------
        TypeError, ValueError
            When a parameter is not as described above.
        """
        self._check_parameters()
        # One task without parts: a callback on the pipeline must not be told that there is none.
        context = self._init_callback_context().call_on_fit_task_begin(estimator=self, X=X, y=y)
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return self

    def transform(self, X: Sequence[ImageSource] | ArrayLike) -> NDArray[np.uint8]:
        """Read the images.

        Parameters
        ----------
        X : array-like of shape (n_samples,)
            Paths (str or Path), or the contents of image files (bytes).

        Returns
        -------
        images : ndarray of shape (n_samples, height, width, channels), dtype uint8

        Raises
        ------
        ImageReadError
            When at least one image cannot be decoded, after all have been tried.
        ValueError
            When ``image_size`` is None and the images differ in size, or when ``X`` or a
            parameter is not as described.
        TypeError
            When ``X`` holds something else.
        """
        settings = self._check_parameters()
        sources = _check_sources(X)
        images: NDArray[np.uint8] | None = None
        failures: _Failures = []
        misfits: _Misfits = []
        for index, source in enumerate(_show_progress(sources, self.verbose)):
            try:
                pixels = decode_image(source, **settings)
            except DecodeError as error:
                failures.append((_name_source(source, index), error))
                continue
            if images is None:
                images = np.empty((len(sources), *pixels.shape), dtype=np.uint8)
            if pixels.shape == images.shape[1:]:
                images[index] = pixels
            else:
                misfits.append((_name_source(source, index), pixels.shape[:2]))
        if images is None or failures:
            raise _list_failures(failures, len(sources))
        if misfits:
            raise _list_misfits(misfits, len(sources), images.shape[1:3])
        return images

    def _check_parameters(self) -> dict[str, Any]:
        """Return what the codec needs, checked."""
        if not isinstance(self.verbose, bool):
            check_count("verbose", self.verbose, minimum=0)
        size, value_range, page = self.image_size, self.value_range, self.page
        if size is not None:
            size = check_image_size("image_size", size)
        if value_range is not None:
            value_range = check_value_range("value_range", value_range)
        if page is not None:
            page = check_count("page", page, minimum=0)
        return {
            "image_size": size,
            "channels": check_option("channels", self.channels, (1, 3)),
            "page": page,
            "value_range": value_range,
            "max_pixels": check_count("max_pixels", self.max_pixels),
        }

    def __sklearn_is_fitted__(self) -> bool:
        """Return True: there is nothing to fit."""
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _check_sources(X: Any) -> list[ImageSource]:
    """Return ``X`` as a list of paths and bytes, or raise."""
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
    remedy = " Leave them out with list_images(folder, verify=True)." if damaged else ""
    return ImageReadError(
        f"{len(failures):,} of {count_noun(n_images, 'image')} cannot be decoded."
        f" First: {name_failures(reasons)}.{remedy}",
        reasons,
    )


def _list_misfits(misfits: _Misfits, n_images: int, size: tuple[int, ...]) -> ValueError:
    """Return one error for all images of another size than the first."""
    name, (height, width) = misfits[0]
    return ValueError(
        f"All images must have the size of the first, {size[0]} x {size[1]} pixels"
        f" (height x width). Got {len(misfits):,} of {count_noun(n_images, 'image')} of"
        f" another size. First: {name!r} ({height} x {width}). Pass"
        f" image_size=({size[0]}, {size[1]}), or another size to resize all to."
    )
