"""Conversion of pixel values of more than 8 bits to 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsk._image_bytes import DecodeError, ReadSettingError

_BAND_PIXELS = 2**22


def scale_values(
    values: NDArray[Any],
    kind: str,
    value_range: tuple[float, float] | None = None,
    *,
    white_is_zero: bool = False,
    clear_value: int | None = None,
) -> NDArray[np.uint8]:
    """Scale gray values to uint8, so that the ends of the range become 0 and 255.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        Whole numbers or floats.
    kind : str
        Pillow's name of the samples in the file, such as "I;16" or "F;32BF".
    value_range : tuple of (float, float), default=None
        ``None`` is the full range of the type.
    white_is_zero : bool, default=False
        Whether the lowest value is white.
    clear_value : int, default=None
        The value of transparent pixels, which become white.

    Raises
    ------
    DecodeError
        If values are not finite, lie outside the range, or need a range.
    """
    low, high = value_range or _full_range(kind)
    check_finite(values)
    if values.min() < low or values.max() > high:
        raise ReadSettingError(
            f"values from {values.min():g} to {values.max():g}, outside the range"
            f" ({low:g}, {high:g})",
            "value_range",
        )
    scaled = np.empty(values.shape, np.uint8)
    for rows in split_rows(*values.shape):  # because floats take eight times the memory
        scaled[rows] = np.rint((values[rows].astype(np.float64) - low) * 255 / (high - low))
    if white_is_zero:
        scaled = 255 - scaled
    if clear_value is not None:
        scaled[values == clear_value] = 255
    return scaled


def restore_values(values: NDArray[Any], kind: str, *, compressed: bool) -> NDArray[Any]:
    """Correct unsigned and compressed big-endian numbers, which Pillow reads wrongly."""
    if kind == "I;32N":
        return values.view(np.uint32)
    if compressed and kind in ("F;32BF", "I;32BS"):
        return values.byteswap()
    if compressed and kind == "I;16BS":
        return values.astype(np.int16).byteswap()
    return values


def split_rows(height: int, width: int) -> list[slice]:
    """Return slices of rows, so that what is computed of each takes little memory."""
    n_rows = max(1, _BAND_PIXELS // max(width, 1))
    return [slice(top, min(top + n_rows, height)) for top in range(0, height, n_rows)]


def check_finite(values: NDArray[Any]) -> None:
    """Raise if a value is NaN or infinite.

    Raises
    ------
    DecodeError
        With a short reason.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DecodeError("pixels that are NaN or infinite")


def _full_range(kind: str) -> tuple[float, float]:
    if kind.startswith("F"):
        return 0, 1
    if kind == "I;12":
        return 0, 4095
    if kind.startswith("I;16") and not kind.endswith("S"):
        return 0, 65535
    raise ReadSettingError(
        "signed or 32-bit whole numbers, whose range is not known", "value_range"
    )
