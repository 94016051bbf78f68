"""A check that a JPEG 2000 file has all tiles. The decoder fills missing ones with gray."""

from __future__ import annotations

import struct
from typing import BinaryIO

from cellsk._image_bytes import DecodeError, ReadSettingError

__all__ = ["check_tiles"]

_SIZ, _SOT, _EOC = 0xFF51, 0xFF90, 0xFFD9
_MAX_TILES = 65_535  # the number of a tile has 16 bits
_TRUNCATED = "file is truncated"
_BYTES_PER_PIXEL, _BYTES_PER_VALUE = 16, 7  # of memory: the limit, and what the decoder takes


def check_tiles(stream: BinaryIO, max_pixels: int) -> None:
    """Raise if tiles are missing or take too much memory, and go back to the beginning.

    Parameters
    ----------
    stream : file object
    max_pixels : int
        As in `decode_image`.

    Raises
    ------
    DecodeError
        With a short reason.
    """
    stream.seek(0)
    data = stream.read()
    stream.seek(0)
    try:
        place = _find_codestream(data)
        place, n_tiles, n_values = _read_header(data, place + 2)
        found, is_complete = _count_tiles(data, place)
    except struct.error:
        raise DecodeError(_TRUNCATED) from None
    if n_values > (limit := max_pixels * _BYTES_PER_PIXEL // _BYTES_PER_VALUE):
        reason = f"{n_values:,} values in its channels, more than the limit of {limit:,}"
        raise ReadSettingError(reason, "max_pixels")
    if found < n_tiles:
        raise DecodeError(f"{_TRUNCATED}: {n_tiles - found:,} of {n_tiles:,} tiles are missing")
    if not is_complete:
        raise DecodeError(f"{_TRUNCATED}: it has no end")


def _find_codestream(data: bytes) -> int:
    """Return where the compressed pixels begin: at once, or in the box named jp2c."""
    place = 0
    while not data.startswith(b"\xff\x4f\xff\x51", place):
        length, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, place + 8)
            head = 16
        if kind == b"jp2c":
            place += head
        elif length >= head:
            place += length
        else:  # the last box, and it holds no pixels
            raise DecodeError(_TRUNCATED)
    return place


def _read_header(data: bytes, place: int) -> tuple[int, int, int]:
    """Return where the first tile begins, and how many tiles and values of pixels there are."""
    n_tiles = n_values = 0
    while True:
        marker, length = struct.unpack_from(">HH", data, place)
        if marker in (_SOT, _EOC) or marker < 0xFF00:
            return place, n_tiles, n_values
        if marker == _SIZ:
            *sizes, n_channels = struct.unpack_from(">8IH", data, place + 6)
            n_tiles = _divide_tiles(tuple(sizes))
            n_values = (sizes[0] - sizes[2]) * (sizes[1] - sizes[3]) * n_channels
        place += 2 + max(length, 2)


def _divide_tiles(sizes: tuple[int, ...]) -> int:
    right, bottom, _, _, width, height, left, top = sizes
    if not (width and height and left < right and top < bottom):
        raise DecodeError("JPEG 2000 tiles have no size")
    n_tiles = -(-(right - left) // width) * -(-(bottom - top) // height)
    if n_tiles > _MAX_TILES:
        raise DecodeError(f"{n_tiles:,} JPEG 2000 tiles, more than the limit of {_MAX_TILES:,}")
    return n_tiles


def _count_tiles(data: bytes, place: int) -> tuple[int, bool]:
    """Return how many different tiles there are, in one or more parts, and if the end is there."""
    tiles = set()
    while data.startswith(b"\xff\x90", place):
        _, _, tile, length = struct.unpack_from(">HHHI", data, place)
        tiles.add(tile)
        if length == 0:  # the last part, which has no length
            return len(tiles), True
        place += max(length, 14)
    return len(tiles), data.startswith(b"\xff\xd9", place)
