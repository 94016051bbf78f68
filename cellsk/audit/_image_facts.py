"""What a file says of its image besides the pixels: size, format, mode, encoding, origin."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cellsk._codec import (
    MAX_PIXELS,
    _flatten_page,
    _open_image,
    _seek_page,
    _turn_upright,
)
from cellsk._image_bytes import ImageSource, open_stream

_MAKE, _MODEL, _SOFTWARE = 271, 272, 305
_BLOCK_SIZE = 2**20


@dataclass(frozen=True)
class ImageFacts:
    """What can be told of an image without looking at it.

    Attributes
    ----------
    digest : str
        SHA-256 of the bytes of the file.
    n_bytes : int
        Size of the file.
    format, mode : str
        As Pillow names them: "JPEG", "RGB".
    encoding : str
        How the pixels were compressed: the quantization tables of a JPEG file, the
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


def read_image(source: ImageSource) -> tuple[ImageFacts, NDArray[np.uint8]]:
    """Return the facts and the RGB pixels of one file, decoded once.

    Raises
    ------
    DecodeError
        With a short reason. :class:`ReadSettingError` if the file itself is sound.
    """
    with _open_image(source, MAX_PIXELS) as image:
        _seek_page(image, None, MAX_PIXELS)
        encoding, origin = _describe_encoding(image), _describe_origin(image)
        fmt, mode = str(image.format), str(image.mode)
        turned = _turn_upright(image, _flatten_page(image, 3, None))
        pixels = np.asarray(turned).reshape(turned.height, turned.width, 3)
        with open_stream(source) as stream:
            digest, n_bytes = _digest_stream(stream)
    return ImageFacts(digest, n_bytes, fmt, mode, encoding, origin), pixels


def _digest_stream(stream: BinaryIO) -> tuple[str, int]:
    """Return SHA-256 and length, without holding a large file in memory."""
    digest, n_bytes = hashlib.sha256(), 0
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
    """Return resolution, camera and software; a damaged note about them is no note."""
    try:
        exif = image.getexif()
        named = [str(exif.get(tag, "")) for tag in (_MAKE, _MODEL, _SOFTWARE)]
    except Exception:
        named = ["", "", ""]
    dpi = tuple(round(float(value), 1) for value in image.info.get("dpi", ()))
    return "|".join([str(dpi), *named, str(image.info.get("Software", ""))])
