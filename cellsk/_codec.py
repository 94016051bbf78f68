"""Image files to pixels and back: the one module that knows Pillow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from cellsk._files import whole_file
from cellsk._image_bytes import DecodeError, ImageSource, ReadSettingError, open_stream, say_why
from cellsk._pixel_values import check_finite, restore_values, scale_values
from cellsk._quiet import QuietPackage

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image as PillowImage

MAX_PIXELS = 2**26
FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
SAVE_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
EXTENSIONS = tuple(SAVE_FORMATS)

_RULES = 1  # counted up when a file comes to give other pixels, so that kept ones are not used

PILLOW_QUIET = QuietPackage("PIL")
_PLAIN_MODES = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}
_ORIENTATION, _BITS, _PHOTOMETRIC, _PLANAR = 0x0112, 258, 262, 284
_EXTRA_SAMPLES, _SAMPLE_FORMAT = 338, 339


def decode_image(
    source: ImageSource,
    *,
    channels: int = 3,
    page: int | None = None,
    value_range: tuple[float, float] | None = None,
    image_size: tuple[int, int] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Return one image file as uint8 pixels.

    The rules for each kind of pixel are in the docstring of
    :class:`cellsk.preprocessing.ImageReader`. The arguments are not checked here.

    Parameters
    ----------
    source : str, path-like or bytes
        A file, or the contents of one.
    channels : {1, 3}, default=3
        Grey or RGB.
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
        With a short reason. :class:`ReadSettingError` if the file itself is sound.
    """
    with _open_image(source, max_pixels) as image:
        _seek_page(image, page, max_pixels)
        flat = _flatten_page(image, channels, value_range)
        turned = _turn_upright(image, flat)
        if image_size is not None and turned.size != image_size[::-1]:
            turned = turned.resize(image_size[::-1], _load_pillow().Resampling.BILINEAR)
        return np.asarray(turned).reshape(turned.height, turned.width, channels)


def verify_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> None:
    """Decode every page of one image file, and keep nothing.

    Raises
    ------
    DecodeError
        With a short reason, if any page cannot be decoded.
    """
    with _open_image(source, max_pixels) as image:
        for page in range(_count_pages(image)):
            _seek_page(image, page, max_pixels)
            _check_layout(image)
            raw_mode = _raw_mode(image)
            image.load()
            if image.mode == "F":
                check_finite(_read_values(image, raw_mode))


def name_decoder() -> str:
    """Return what the pixels of a file depend on, besides the file and the arguments."""
    from PIL import __version__, features

    return f"cellsk {_RULES}, Pillow {__version__}, libjpeg {features.version('jpg')}"


def encode_image(pixels: NDArray[np.uint8], path: str | os.PathLike[str]) -> None:
    """Write uint8 pixels as a PNG, JPEG, TIFF or BMP file, as the extension says.

    The file appears whole or not at all: it is written beside its place and moved there.

    Parameters
    ----------
    pixels : ndarray of shape (height, width), (height, width, 1) or (height, width, 3)
        Grey or RGB, dtype uint8.
    path : str or path-like
        Its folder must exist. A file already there is replaced.

    Raises
    ------
    TypeError, ValueError
        When the pixels or the extension are not as above.
    """
    from PIL import Image

    path = Path(path)
    extension = path.suffix.lower()
    if extension not in SAVE_FORMATS:
        raise ValueError(f"path must end in {', '.join(EXTENSIONS)}. Got {str(path)!r}.")
    options: dict[str, Any] = (
        {"quality": 95, "subsampling": 0} if SAVE_FORMATS[extension] == "JPEG" else {}
    )
    image = Image.fromarray(_check_pixels(pixels))
    with whole_file(path) as draft:
        image.save(draft, format=SAVE_FORMATS[extension], **options)


def _check_pixels(pixels: Any) -> NDArray[np.uint8]:
    rule = "pixels must be a uint8 array of shape (height, width), (height, width, 1 or 3)."
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        raise TypeError(f"{rule} Got {getattr(pixels, 'dtype', type(pixels).__name__)}.")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.size == 0 or (pixels.ndim != 2 and pixels.shape[2:] != (3,)):
        raise ValueError(f"{rule} Got shape {pixels.shape}.")
    return np.ascontiguousarray(pixels)


# Opening ----------------------------------------------------------------------------


@cache
def _load_pillow() -> ModuleType:
    """Return ``PIL.Image``: imported at first use, as looking it up for each file costs time."""
    from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

    # Registered by import; without them Image.open would load all of Pillow's plugins.
    _ = (BmpImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin)
    return Image


@contextmanager
def _open_image(source: ImageSource, max_pixels: int) -> Iterator[PillowImage]:
    """Open a file, and turn whatever goes wrong until it closes into a DecodeError."""
    Image = _load_pillow()
    start = b""
    with PILLOW_QUIET:
        try:
            with open_stream(source) as stream:
                start = stream.read(8)
                stream.seek(0)
                with Image.open(stream, formats=FORMATS) as image:
                    _check_size(image, max_pixels)
                    yield image
        except DecodeError:
            raise
        except Image.DecompressionBombError:
            own = max_pixels > 2 * (Image.MAX_IMAGE_PIXELS or 0)
            limit = "Pillow's own limit" if own else f"max_pixels={max_pixels:,}"
            raise ReadSettingError(f"more pixels than {limit} allows") from None
        except Exception as error:  # damaged files make Pillow raise nearly anything
            raise DecodeError(say_why(error, start)) from error


# Pages and limits -------------------------------------------------------------------


def _check_size(image: PillowImage, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ReadSettingError(
            f"{height:,} x {width:,} pixels, more than max_pixels={max_pixels:,} allows"
        )
    if width * height == 0:
        raise DecodeError("image has no pixels")


def _count_pages(image: PillowImage) -> int:
    # The further pictures of an MPO are previews and second eyes: the first is the image.
    return getattr(image, "n_frames", 1) if image.format in ("PNG", "TIFF") else 1


def _seek_page(image: PillowImage, page: int | None, max_pixels: int) -> None:
    n_pages = _count_pages(image)
    if page is None and n_pages > 1:
        raise ReadSettingError(f"{n_pages:,} pages: name one with page=0 to page={n_pages - 1}")
    if page is not None and page >= n_pages:
        held = "1 page" if n_pages == 1 else f"{n_pages:,} pages"
        raise ReadSettingError(f"{held} only, counted from 0, and page={page} was asked for")
    if page:
        image.seek(page)
        _check_size(image, max_pixels)


def _raw_mode(image: PillowImage) -> str:
    """Return how Pillow names the samples in the file; known only before the load."""
    tiles: list[Any] = getattr(image, "tile", [])
    args = tiles[0][3] if tiles else ""
    return str(args[0] if isinstance(args, tuple) else args)


def _tiff_tag(image: PillowImage, tag: int, default: Any) -> Any:
    return getattr(image, "tag_v2", {}).get(tag, default)


def _check_layout(image: PillowImage) -> None:
    """Refuse the layouts that Pillow reads as something else without a word."""
    extra = _tiff_tag(image, _EXTRA_SAMPLES, ())
    bits = max(_tiff_tag(image, _BITS, (8,)))
    planar = _tiff_tag(image, _PLANAR, 1) == 2 and image.info.get("compression") == "raw"
    if 0 in extra and (len(extra) > 1 or image.mode != "RGB"):
        raise DecodeError("more channels than grey, colour and transparency")
    if planar and bits > 8 and image.mode in _PLAIN_MODES:
        raise DecodeError("16-bit colour stored plane by plane cannot be read")
    if image.mode == "L" and 2 in _tiff_tag(image, _SAMPLE_FORMAT, ()):
        raise DecodeError("signed 8-bit pixels cannot be read")
    if image.mode not in _PLAIN_MODES and image.mode[0] not in "IF":
        raise DecodeError(f"colours in {image.mode} cannot be read")


# Pixels -----------------------------------------------------------------------------


def _flatten_page(
    image: PillowImage, channels: int, value_range: tuple[float, float] | None
) -> PillowImage:
    """Return the page as 8 bits, grey or RGB, without transparency."""
    _check_layout(image)
    raw_mode = _raw_mode(image)
    if image.mode[0] in "IF":
        flat = _flatten_deep(image, raw_mode, value_range)
    elif value_range is not None and ";16" in raw_mode:
        raise ReadSettingError("16-bit colour, which value_range cannot scale: pass None")
    else:
        image.load()
        flat = _drop_alpha(image, raw_mode)
    if channels == 1:
        return flat if flat.mode == "L" else flat.convert("RGB").convert("L")
    return flat if flat.mode == "RGB" else flat.convert("RGB")


def _drop_alpha(image: PillowImage, raw_mode: str) -> PillowImage:
    """Compose a page of 8 bits on white, if anything in it is transparent."""
    clear = image.info.get("transparency")
    if image.mode not in ("LA", "La", "PA", "RGBA") and clear is None:
        return image
    if raw_mode in ("L;2", "L;4") and clear is not None:
        # Pillow widens the pixels of these files, but not the value said to be clear.
        image.info["transparency"] = clear * (85 if raw_mode == "L;2" else 17)
    if raw_mode == "RGB;16B" and clear is not None:
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    Image = _load_pillow()
    rgba = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def _flatten_deep(
    image: PillowImage, raw_mode: str, value_range: tuple[float, float] | None
) -> PillowImage:
    """Return a grey page of more than 8 bits as 8 bits."""
    from PIL import Image

    image.load()
    scaled = scale_values(
        _read_values(image, raw_mode),
        raw_mode,
        value_range,
        # Pillow minds this in files of 8 bits only.
        white_is_zero=_tiff_tag(image, _PHOTOMETRIC, 1) == 0,
        clear_value=image.info.get("transparency"),
    )
    return Image.fromarray(scaled)


def _read_values(image: PillowImage, raw_mode: str) -> NDArray[Any]:
    compressed = image.info.get("compression", "raw") != "raw"
    return restore_values(np.asarray(image), raw_mode, compressed=compressed)


def _turn_upright(image: PillowImage, flat: PillowImage) -> PillowImage:
    """Apply the EXIF orientation of ``image`` to ``flat``."""
    if image.format == "TIFF":  # Pillow has turned it while loading
        return flat
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged note about the camera does not damage the image
        return flat
    if orientation not in range(2, 9):
        return flat
    Transpose = _load_pillow().Transpose
    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return flat.transpose(turns[orientation])
