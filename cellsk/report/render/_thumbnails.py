"""Small copies of images as data URIs, for a page without other files."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import check_count
from cellsk._codec import encode_image, open_page
from cellsk.exceptions import InputError
from cellsk.preprocessing import ImageReader

__all__ = ["make_thumbnails"]


def make_thumbnails(
    X: Any, rows: Iterable[int], size: int = 96, *, reader: ImageReader | None = None
) -> dict[int, str]:
    """Return small copies of some images, as data URIs.

    Parameters
    ----------
    X : array-like of shape (n,), or ndarray of shape (n, height, width[, channels])
        Paths of image files, or images: uint8, or numbers from 0 to 1 or from 0 to 255.
    rows : iterable of int
        Which of them.
    size : int, default=96
        Longest side of a copy, in pixels. Larger images are made smaller, with the same
        proportions. Images are never made larger.
    reader : ImageReader, default=None
        Its page, value range, channels and limit of pixels are used for files, so that the
        page shows the images as the network gets them.

    Returns
    -------
    pictures : dict of int to str
        A JPEG of each row. Images that cannot be read or shown are missing.

    Raises
    ------
    TypeError, ValueError
        When `size` is not a positive whole number.

    Examples
    --------
    >>> from cellsk import make_cells
    >>> from cellsk.report.render import make_thumbnails
    >>> cells = make_cells(20, image_size=(16, 16), random_state=0)
    >>> pictures = make_thumbnails(cells.images, [2])
    >>> pictures[2][:23]
    'data:image/jpeg;base64,'
    """
    check_count("size", size)
    reader = ImageReader() if reader is None else reader
    pictures = {}
    with tempfile.TemporaryDirectory(prefix="cellsk-") as folder:
        for row in rows:
            try:
                small = _shrink(_as_source(X[row], Path(folder)), size, reader)
                pictures[int(row)] = _as_uri(small, Path(folder))
            except (OSError, ValueError, TypeError, MemoryError):
                continue  # the page shows that it is missing
    return pictures


def _as_source(image: Any, folder: Path) -> Path | str | bytes:
    """Return a path, the bytes of a file, or the path of a new file with the pixels."""
    if isinstance(image, str | bytes | os.PathLike):
        return image  # type: ignore[return-value]
    path = folder / "image.png"
    encode_image(_as_pixels(np.asarray(image)), path)
    return path


def _as_pixels(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an image in memory as uint8, with the same brightness.

    Raises
    ------
    ValueError
        When its values are not between 0 and 255.
    """
    if image.dtype == np.uint8:
        return image
    values = image.astype(np.float64)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 255):  # NaN fails this, too
        got = f"values from {low:g} to {high:g}"
        raise InputError("must have values from 0 to 255", got, parameter="images")
    scale = 255.0 if image.dtype.kind in "fb" and high <= 1 else 1.0
    return np.rint(values * scale).astype(np.uint8)


def _shrink(source: Any, size: int, reader: ImageReader) -> NDArray[np.uint8]:
    settings = {name: getattr(reader, name) for name in ("page", "value_range", "max_pixels")}
    with open_page(source, **settings) as page:
        pixels = page.to_pixels(reader.channels)
        height, width = pixels.shape[:2]
        factor = size / max(height, width)
        if factor >= 1:
            return pixels
        wanted = max(1, round(height * factor)), max(1, round(width * factor))
        return page.to_pixels(reader.channels, wanted)


def _as_uri(pixels: NDArray[np.uint8], folder: Path) -> str:
    path = folder / "small.jpg"
    encode_image(np.ascontiguousarray(pixels), path)
    return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()
