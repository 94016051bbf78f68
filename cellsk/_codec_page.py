"""A page of an opened image file: its pixels as 8 bits, and the facts about the file."""

from __future__ import annotations

import hashlib
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from cellsk._codec_bounds import check_claims, find_pages, load_pixels
from cellsk._image_bytes import DecodeError, ReadSettingError, find_webp_size
from cellsk._pixel_values import restore_values, scale_values, split_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image as PillowImage

MAX_PIXELS = 2**26

_PLAIN_MODES = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}
_MAKE, _MODEL, _SOFTWARE, _ORIENTATION = 271, 272, 305, 274
_BITS, _PHOTOMETRIC, _PLANAR, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 258, 262, 284, 338, 339
_BLOCK_SIZE = 2**20


class FileFacts(NamedTuple):
    """What is known about an image file besides its pixels.

    Attributes
    ----------
    digest : str
        SHA-256 of the bytes of the file.
    n_bytes : int
        Size of the file.
    format, mode : str
        As Pillow names them: "JPEG", "RGB".
    encoding : str
        How the pixels are compressed: the quantization tables of a JPEG file, the
        compression of a TIFF file.
    origin : str
        Resolution, camera and software that the file names.
    """

    digest: str
    n_bytes: int
    format: str
    mode: str
    encoding: str
    origin: str


class Page:
    """One decoded page of an open file.

    Parameters
    ----------
    image : PIL.Image.Image
        An opened file of which no pixel has been read.
    stream : file object
        What ``image`` reads from.
    page, value_range, max_pixels
        As in `decode_image`.

    Attributes
    ----------
    is_default : bool
        Whether the default values of these settings give the same pixels.

    Raises
    ------
    DecodeError
        With a short reason.
    """

    def __init__(
        self,
        image: PillowImage,
        stream: BinaryIO,
        page: int | None,
        value_range: tuple[float, float] | None,
        max_pixels: int,
    ) -> None:
        one_page = page is None or count_pages(image) == 1
        seek_page(image, page, max_pixels)
        self._image = image
        self._stream = stream
        self._format, self._mode = str(image.format), str(image.mode)
        self.is_default = (
            one_page
            and image.width * image.height <= MAX_PIXELS
            and (value_range is None or image.mode[0] not in "IF")
        )
        self._flat = _flatten_page(image, stream, value_range)

    def to_pixels(
        self, channels: int = 3, image_size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """Return the pixels, upright, shape (height, width, channels); possibly read-only."""
        turned = _turn_upright(self._image, _convert_channels(self._flat, channels))
        if image_size is not None and turned.size != image_size[::-1]:
            turned = turned.resize(image_size[::-1], load_pillow().Resampling.BILINEAR)
        return _to_array(turned).reshape(turned.height, turned.width, channels)

    def describe_file(self) -> FileFacts:
        """Return the facts about the file, which is read once more for its digest."""
        digest, n_bytes = _digest_stream(self._stream)
        encoding, origin = _describe_encoding(self._image), _describe_origin(self._image)
        return FileFacts(digest, n_bytes, self._format, self._mode, encoding, origin)


@cache
def load_pillow() -> ModuleType:
    """Import ``PIL.Image`` at first use. Looking it up again for each file would take time."""
    from PIL import (
        BmpImagePlugin,
        Image,
        Jpeg2KImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    # The import registers these; otherwise Image.open would load all of Pillow's plugins.
    _ = (BmpImagePlugin, Jpeg2KImagePlugin, JpegImagePlugin, PngImagePlugin)
    _ = (TiffImagePlugin, WebPImagePlugin)
    return Image


# Facts ------------------------------------------------------------------------------


def _digest_stream(stream: BinaryIO) -> tuple[str, int]:
    """Return SHA-256 and length, without holding a large file in memory."""
    digest, n_bytes = hashlib.sha256(), 0
    stream.seek(0)
    while block := stream.read(_BLOCK_SIZE):
        digest.update(block)
        n_bytes += len(block)
    return digest.hexdigest(), n_bytes


def _describe_encoding(image: Any) -> str:
    tables = getattr(image, "quantization", None)
    if tables:
        return f"JPEG tables {hashlib.sha256(repr(sorted(tables.items())).encode()).hexdigest()}"
    if image.format == "TIFF":
        return f"TIFF {image.info.get('compression', 'raw')}"
    return str(image.format)


def _describe_origin(image: Any) -> str:
    """Return resolution, camera and software; damaged notes about them count as missing."""
    try:
        exif = image.getexif()
        named = [str(exif.get(tag, "")) for tag in (_MAKE, _MODEL, _SOFTWARE)]
    except Exception:
        named = ["", "", ""]
    dpi = tuple(round(float(value), 1) for value in image.info.get("dpi", ()))
    return "|".join([str(dpi), *named, str(image.info.get("Software", ""))])


# Pages and limits -------------------------------------------------------------------


def check_size(image: PillowImage, max_pixels: int) -> None:
    _check_pixel_count(image.height, image.width, max_pixels)
    check_claims(image, max_pixels)


def check_webp_size(start: bytes, max_pixels: int) -> None:
    """Check the size of a WebP file by its first bytes. Pillow needs memory when it opens it."""
    size = find_webp_size(start)
    if size is not None:
        _check_pixel_count(*size, max_pixels * 8 // 9)  # the decoder takes 18 bytes for each pixel


def _check_pixel_count(height: int, width: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise ReadSettingError(
            f"{height:,} x {width:,} pixels, more than the limit of {max_pixels:,}", "max_pixels"
        )
    if width * height == 0:
        raise DecodeError("image has no pixels")


def count_pages(image: PillowImage) -> int:
    if image.format == "TIFF":
        find_pages(image)
    # The other pictures of an MPO are previews or the second view of a stereo pair.
    return getattr(image, "n_frames", 1) if image.format in ("PNG", "TIFF", "WEBP") else 1


def seek_page(image: PillowImage, page: int | None, max_pixels: int) -> None:
    n_pages = count_pages(image)
    if page is None and n_pages > 1:
        raise ReadSettingError(f"{n_pages:,} pages, none of which is chosen", "page")
    if page is not None and page >= n_pages:
        count = "1 page" if n_pages == 1 else f"{n_pages:,} pages"
        raise ReadSettingError(f"{count}, so no page {page}, counted from 0", "page")
    if page:
        image.seek(page)
        check_size(image, max_pixels)


def find_raw_mode(image: PillowImage) -> str:
    """Return Pillow's name of the samples in the file, which it forgets when it loads them."""
    if image.format == "JPEG2000":  # scaled to the full range of the mode
        return str(image.mode)
    tiles: list[Any] = getattr(image, "tile", [])
    args = tiles[0][3] if tiles else ""
    return str(args[0] if isinstance(args, tuple) else args)


def _tiff_tag(image: PillowImage, tag: int, default: Any) -> Any:
    return getattr(image, "tag_v2", {}).get(tag, default)


def check_layout(image: PillowImage) -> None:
    """Raise for layouts that Pillow silently reads as something else.

    Raises
    ------
    DecodeError
        With a short reason.
    """
    extra = _tiff_tag(image, _EXTRA_SAMPLES, ())
    bits = max(_tiff_tag(image, _BITS, (8,)))
    planar = _tiff_tag(image, _PLANAR, 1) == 2 and image.info.get("compression") == "raw"
    if 0 in extra and (len(extra) > 1 or image.mode != "RGB"):
        raise DecodeError("more channels than gray, color and transparency")
    if planar and bits > 8 and image.mode in _PLAIN_MODES:
        raise DecodeError("16-bit color stored plane by plane cannot be read")
    if image.mode == "L" and 2 in _tiff_tag(image, _SAMPLE_FORMAT, ()):
        raise DecodeError("signed 8-bit pixels cannot be read")
    if image.mode not in _PLAIN_MODES and image.mode[0] not in "IF":
        raise DecodeError(f"colors in {image.mode} cannot be read")


# Pixels -----------------------------------------------------------------------------


def _flatten_page(
    image: PillowImage, stream: BinaryIO, value_range: tuple[float, float] | None
) -> PillowImage:
    """Return the page as 8 bits, without transparency."""
    check_layout(image)
    raw_mode = find_raw_mode(image)
    if image.mode[0] in "IF":
        load_pixels(image, stream)
        return _flatten_deep(image, raw_mode, value_range)
    if value_range is not None and ";16" in raw_mode:
        raise ReadSettingError("16-bit color, which cannot be scaled to a range", "value_range")
    load_pixels(image, stream)
    return _drop_alpha(image, raw_mode)


def _convert_channels(flat: PillowImage, channels: int) -> PillowImage:
    if channels == 1:
        return flat if flat.mode == "L" else flat.convert("RGB").convert("L")
    return flat if flat.mode == "RGB" else flat.convert("RGB")


def _to_array(image: PillowImage) -> NDArray[np.uint8]:
    """Return the pixels; a large image in parts, because Pillow copies each of them twice."""
    bands = split_rows(image.height, image.width)
    if len(bands) == 1:
        return np.asarray(image)
    pixels = np.empty((image.height, image.width, len(image.getbands())), np.uint8)
    for rows in bands:
        part = np.asarray(image.crop((0, rows.start, image.width, rows.stop)))
        pixels[rows] = part.reshape(pixels[rows].shape)
    return pixels


def _drop_alpha(image: PillowImage, raw_mode: str) -> PillowImage:
    """Compose a page of 8 bits on white if it can be transparent."""
    clear = image.info.get("transparency")
    if image.mode not in ("LA", "La", "PA", "RGBA") and clear is None:
        return image
    if raw_mode in ("L;2", "L;4") and clear is not None:
        # Pillow scales the pixels of these files, but not the transparent value.
        image.info["transparency"] = clear * (85 if raw_mode == "L;2" else 17)
    if raw_mode == "RGB;16B" and clear is not None:
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    Image = load_pillow()
    flat = Image.new("RGB", image.size)
    for rows in split_rows(image.height, image.width):
        box = (0, rows.start, image.width, rows.stop)
        part = image.crop(box)
        rgba = (part.convert("LA") if part.mode == "La" else part).convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        flat.paste(Image.alpha_composite(white, rgba).convert("RGB"), box)
    return flat


def _flatten_deep(
    image: PillowImage, raw_mode: str, value_range: tuple[float, float] | None
) -> PillowImage:
    """Return a gray page of more than 8 bits as 8 bits."""
    scaled = scale_values(
        read_values(image, raw_mode),
        raw_mode,
        value_range,
        # Pillow applies this to files of 8 bits only.
        white_is_zero=_tiff_tag(image, _PHOTOMETRIC, 1) == 0,
        clear_value=image.info.get("transparency"),
    )
    return load_pillow().fromarray(scaled)


def read_values(image: PillowImage, raw_mode: str) -> NDArray[Any]:
    """Return the values of a loaded page of more than 8 bits."""
    compressed = image.info.get("compression", "raw") != "raw"
    return restore_values(np.asarray(image), raw_mode, compressed=compressed)


def _turn_upright(image: PillowImage, flat: PillowImage) -> PillowImage:
    """Apply the EXIF orientation of ``image`` to ``flat``."""
    if image.format == "TIFF":  # Pillow turns it when it loads it
        return flat
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged notes about the camera do not affect the pixels
        return flat
    if orientation not in range(2, 9):
        return flat
    Transpose = load_pillow().Transpose
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
