"""NumPy arrays as .npy members, and dtypes as text."""

from __future__ import annotations

import io
import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsk.persistence._archive import refuse

__all__ = ["MAX_TEXT", "can_store", "parse_dtype", "read_array", "write_array"]

_KINDS = "biufU"
_DTYPE = re.compile(r"[<>|=]?([biufU])(\d{1,9})", re.ASCII)
_RULE = "Arrays in a model file must be .npy members of numbers, booleans or text."
_LAST_CODE_POINT = 0x10FFFF
MAX_TEXT = 2**16  # characters of a dtype outside of an array, because each value takes them all


def can_store(dtype: np.dtype) -> bool:
    """Return whether a model file keeps every bit of arrays and scalars of ``dtype``."""
    return dtype.kind in _KINDS and (dtype.kind == "U" or dtype.itemsize <= 8)


def parse_dtype(text: Any) -> np.dtype:
    """Return the dtype that ``text`` names.

    Raises
    ------
    ModelFileError
        If `can_store` does not allow it.
    """
    if isinstance(text, str) and _DTYPE.fullmatch(text):
        try:
            dtype = np.dtype(text)
        except (TypeError, ValueError):
            dtype = None
        if dtype is not None and can_store(dtype) and dtype.itemsize <= 4 * MAX_TEXT:
            return dtype
    raise refuse(_RULE, f"dtype {str(text)[:100]!r}")


def write_array(array: NDArray) -> bytes:
    """Return the .npy file of an array that `can_store` allows."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def read_array(data: bytes) -> NDArray:
    """Return the array in a .npy file, after comparing its header with its size.

    Raises
    ------
    ModelFileError
        If it is not a .npy file of version 1, holds objects, or does not fit its header.
    """
    source = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(source) != (1, 0):
            raise ValueError("version")
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(source)
    except Exception:  # the header is parsed as Python text, which fails in many ways
        raise refuse(_RULE, "one with a header of another kind") from None
    body = memoryview(data)[source.tell() :]  # not a copy: arrays can be large
    if not can_store(dtype) or dtype.hasobject or dtype.fields or dtype.subdtype:
        raise refuse(_RULE, f"dtype {str(dtype)[:100]!r}")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(body):
        raise refuse(_RULE, f"{len(body):,} bytes for shape {str(shape)[:100]} of {dtype}")
    try:
        array = np.frombuffer(body, dtype).reshape(shape, order="F" if by_columns else "C")
    except (ValueError, OverflowError):
        raise refuse(_RULE, f"shape {str(shape)[:100]}") from None
    _check_values(array)
    return array.copy(order="K")


def _check_values(array: NDArray) -> None:
    """Refuse bytes that are not booleans or characters, which would be undefined behavior."""
    flat = array.ravel(order="K")
    if array.dtype.kind == "b" and flat.size and flat.view(np.uint8).max() > 1:
        raise refuse(_RULE, "a boolean that is neither true nor false")
    if array.dtype.kind == "U" and flat.size:
        codes = flat.view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if codes.max() > _LAST_CODE_POINT:
            raise refuse(_RULE, "text with characters that do not exist")
