"""Decoding and encoding of image files with Pillow."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from cellsk._codec_bounds import check_scans
from cellsk._codec_page import (
    MAX_PIXELS,
    Page,
    check_size,
    check_webp_size,
    load_pillow,
)
from cellsk._codec_page import FileFacts as FileFacts
from cellsk._files import whole_file
from cellsk._image_bytes import (
    DecodeError,
    ImageSource,
    ReadSettingError,
    explain_failure,
    open_stream,
    read_start,
)
from cellsk._jpeg2000 import check_tiles
from cellsk.exceptions import InputError, InputTypeError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image as PillowImage

# All formats that are read, and the endings of their names. Not all of them are written.
FORMAT_EXTENSIONS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jfif", ".jpe"),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "WEBP": (".webp",),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpx", ".jpf"),
}
FORMATS = tuple(FORMAT_EXTENSIONS)
EXTENSIONS = tuple(ending for endings in FORMAT_EXTENSIONS.values() for ending in endings)
SAVE_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}

_RULES = 1  # increase it when pixels of the same file change, so stored pixels are not used


class IgnoreWarnings:
    """Ignore the warnings of one package while at least one thread is inside.

    ``warnings.catch_warnings`` alone is not enough: if two threads overlap, the filter of the
    first one would be restored by the second. The messages that libtiff prints are ignored too:
    what they report, such as a damaged strip, is an error of Pillow as well.
    """

    def __init__(self, package: str) -> None:
        self._module = rf"{package}(\.|$)"
        self._lock = threading.Lock()
        self._inside = 0
        self._caught: warnings.catch_warnings[None] | None = None
        self._printers: list[Any] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=self._module)
                self._printers = [set_printer(None) for set_printer in _find_printers()]
            self._inside += 1

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._caught is not None:
                for set_printer, printer in zip(_find_printers(), self._printers, strict=True):
                    set_printer(printer)
                self._caught.__exit__(None, None, None)
                self._caught = None


@cache
def _find_printers() -> list[Any]:
    """Return the functions of libtiff that set what prints its messages, and return the old."""
    import ctypes

    from PIL import Image

    try:
        library = ctypes.CDLL(Image.core.__file__)
        printers = [library.TIFFSetErrorHandler, library.TIFFSetWarningHandler]
    except (AttributeError, OSError):  # where libtiff is a part of Pillow, as on Windows
        return []
    for set_printer in printers:
        set_printer.argtypes, set_printer.restype = [ctypes.c_void_p], ctypes.c_void_p
    return printers


# Without a handler, Python prints what Pillow logs about damaged files. The error has a reason.
logging.getLogger("PIL").addHandler(logging.NullHandler())

IGNORE_PILLOW_WARNINGS = IgnoreWarnings("PIL")


def decode_image(
    source: ImageSource,
    *,
    channels: int = 3,
    page: int | None = None,
    value_range: tuple[float, float] | None = None,
    image_size: tuple[int, int] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Decode an image file to uint8 pixels.

    The docstring of :class:`cellsk.preprocessing.ImageReader` has the rules for each kind of
    pixel. The arguments are not checked here.

    Parameters
    ----------
    source : str, path-like or bytes
        A file, or the contents of one.
    channels : {1, 3}, default=3
        Gray or RGB.
    page : int, default=None
        Page of a file with several, counted from 0.
    value_range : tuple of (float, float), default=None
        Values that become 0 and 255 in files of more than 8 bits.
    image_size : tuple of (int, int), default=None
        Height and width to resize to. ``None`` keeps the size of the file.
    max_pixels : int, default=2**26
        Larger images are refused before they are decoded.

    Returns
    -------
    pixels : ndarray of shape (height, width, channels), dtype uint8
        Possibly read-only.

    Raises
    ------
    DecodeError
        With a short reason. :class:`ReadSettingError` if the file is undamaged.
    """
    with open_page(source, page=page, value_range=value_range, max_pixels=max_pixels) as opened:
        return opened.to_pixels(channels, image_size)


@contextmanager
def open_page(
    source: ImageSource,
    *,
    page: int | None = None,
    value_range: tuple[float, float] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Page]:
    """Decode a page, to take pixels of several sizes and the facts about the file from it.

    Any exception in the body becomes a DecodeError, so the body should do nothing else.

    Parameters
    ----------
    source, page, value_range, max_pixels
        As in `decode_image`.

    Raises
    ------
    DecodeError
        With a short reason. :class:`ReadSettingError` if the file is undamaged.
    """
    with _open_image(source, max_pixels) as (image, stream):
        yield Page(image, stream, page, value_range, max_pixels)


def name_decoder() -> str:
    """Return the versions on which the pixels of a file depend."""
    from PIL import __version__, features

    libraries = [f"{name} {features.version(name)}" for name in ("jpg", "jpg_2000", "webp")]
    return f"cellsk {_RULES}, Pillow {__version__}, {', '.join(libraries)}"


def encode_image(pixels: NDArray[np.uint8], path: str | os.PathLike[str]) -> None:
    """Write uint8 pixels as a PNG, JPEG, TIFF or BMP file, depending on the extension.

    The file is written under a temporary name and then renamed, so it is complete or absent.

    Parameters
    ----------
    pixels : ndarray of shape (height, width), (height, width, 1) or (height, width, 3)
        Gray or RGB, dtype uint8.
    path : str or path-like
        Its folder must exist. An existing file is replaced.

    Raises
    ------
    TypeError, ValueError
        If the pixels or the extension are not as above.
    """
    path = Path(path)
    extension = path.suffix.lower()
    if extension not in SAVE_FORMATS:
        listed = ", ".join(SAVE_FORMATS)
        raise InputError(f"must end in {listed}", repr(str(path)), parameter="path")
    options: dict[str, Any] = (
        {"quality": 95, "subsampling": 0} if SAVE_FORMATS[extension] == "JPEG" else {}
    )
    image = load_pillow().fromarray(_check_pixels(pixels))
    with whole_file(path) as draft:
        image.save(draft, format=SAVE_FORMATS[extension], **options)


def _check_pixels(pixels: Any) -> NDArray[np.uint8]:
    rule = "must be a uint8 array of shape (height, width), (height, width, 1 or 3)"
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        got = str(getattr(pixels, "dtype", type(pixels).__name__))
        raise InputTypeError(rule, got, parameter="pixels")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.size == 0 or (pixels.ndim != 2 and pixels.shape[2:] != (3,)):
        raise InputError(rule, f"shape {pixels.shape}", parameter="pixels")
    return np.ascontiguousarray(pixels)


@contextmanager
def _open_image(source: ImageSource, max_pixels: int) -> Iterator[tuple[PillowImage, BinaryIO]]:
    """Open a file, and raise every error as a DecodeError until it is closed."""
    Image = load_pillow()
    start = b""
    with IGNORE_PILLOW_WARNINGS:
        try:
            with open_stream(source) as stream:
                start = read_start(stream)
                check_webp_size(start, max_pixels)
                with Image.open(stream, formats=FORMATS) as image:
                    check_size(image, max_pixels)
                    if image.format == "JPEG2000":
                        check_tiles(stream, max_pixels)
                    if image.format in ("JPEG", "MPO"):
                        check_scans(image, stream)
                    yield image, stream
        except DecodeError:
            raise
        except Image.DecompressionBombError:
            if max_pixels > 2 * (Image.MAX_IMAGE_PIXELS or 0):
                raise ReadSettingError("more pixels than Pillow's own limit") from None
            reason = f"more pixels than the limit of {max_pixels:,}"
            raise ReadSettingError(reason, "max_pixels") from None
        except Exception as error:  # damaged files make Pillow raise errors of many types
            raise DecodeError(explain_failure(error, start)) from error
