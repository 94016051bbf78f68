"""Bounds on what an image file can claim: pixels, pages, tiles and scans."""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from cellsk._image_bytes import DecodeError, ReadSettingError

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

MAX_PAGES = 2**16
MAX_SCANS = 100

_MAX_SIDE = 2**20  # resizing takes 16 bytes for each pixel of a side
_MAX_TILE = 2**24  # pixels; a tile is decoded whole, also for a smaller image
_MAX_SCANNED = 2**31  # pixels in all scans of a JPEG file
_BLOCK_SIZE = 2**20

_BITS, _COMPRESSION, _SAMPLES, _BYTE_COUNTS, _PLANAR = 258, 259, 277, 279, 284
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_SHARED = 4  # times the bytes of a TIFF file that its tags may seem to have
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_TYPE_SIZES |= {13: 4, 16: 8, 17: 8, 18: 8}
_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # the others are part of the data of a scan
_END_OF_SCAN = b"\xff\x00" * 8  # ones, which no code has, for a decoder that reads ahead
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by color type
_PNG_PASSES = (  # of an interlaced file: first column and row, and their steps
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_MISSING = "file is truncated: it claims more pixels than it has"


def read_tag(image: PillowImage, tag: int, default: Any) -> Any:
    """Return a tag of a TIFF file."""
    return getattr(image, "tag_v2", {}).get(tag, default)


# Claims -----------------------------------------------------------------------------


def check_claims(image: PillowImage, max_pixels: int) -> None:
    """Compare the longer side of a page, and its tiles or strips, with the limits.

    Raises
    ------
    DecodeError
        With a short reason.
    """
    side = max(image.size)
    if side > (limit := max(_MAX_SIDE, max_pixels // 64)):
        reason = f"{side:,} pixels on one side, more than the limit of {limit:,}"
        raise ReadSettingError(reason, "max_pixels")
    if image.format == "TIFF":
        _check_tiles(image)


def _check_tiles(image: PillowImage) -> None:
    """Compare the tiles or strips of a TIFF page with its size."""
    n_pixels = image.width * image.height
    sides = (read_tag(image, _TILE_WIDTH, 0), read_tag(image, _TILE_LENGTH, 0))
    if not all(isinstance(side, int) for side in sides):
        raise DecodeError("TIFF file is damaged, or of a kind that cannot be read")
    if sides[0] * sides[1] > max(_MAX_TILE, n_pixels):
        raise DecodeError(
            f"tiles of {sides[1]:,} x {sides[0]:,} pixels, which take too much memory"
        )
    n_samples = read_tag(image, _SAMPLES, 1)
    n_layers = n_samples if read_tag(image, _PLANAR, 1) == 2 else 1
    boxes = [tile[1] for tile in getattr(image, "tile", [])]
    area = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
    if len(boxes) > 1 and area > 2 * n_pixels * n_layers:
        raise DecodeError("more strips or tiles than the image has pixels")
    if image.info.get("compression") != "raw":
        return  # libtiff counts them
    counts = read_tag(image, _BYTE_COUNTS, ())
    bits = n_pixels * sum(read_tag(image, _BITS, (1,)))
    if area < n_pixels * n_layers or (counts and min(counts) > 0 and sum(counts) * 8 < bits):
        raise DecodeError(_MISSING)


# Pages ------------------------------------------------------------------------------


def find_pages(image: PillowImage) -> None:
    """Find the pages of a TIFF file, in a time that is proportional to their number.

    Pillow alone takes quadratic time.

    Raises
    ------
    DecodeError
        If they are too many, or their list is damaged.
    """
    if getattr(image, "_n_frames", 1) is None:
        _place_pages(image, list(_walk_pages(image.fp)))  # type: ignore[attr-defined]


def _walk_pages(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield the place of each page of a TIFF file, and how many bytes its tags may have.

    As in Pillow, the tags of all pages have at most as many bytes as the file, and others are not
    read. Where they have many more, they share them, and each page would take time for all.
    """
    left = n_bytes = stream.seek(0, os.SEEK_END)
    lowest = -_SHARED * n_bytes
    stream.seek(0)
    head = stream.read(16)
    order = "<" if head[:2] == b"II" else ">"
    large = head[2:4] in (b"+\0", b"\0+")
    kinds = ("Q", "Q", "2xHQ8x") if large else ("H", "I", "2xHI4x")
    number, place, entry = (order + kind for kind in kinds)
    (where,) = struct.unpack(place, head[8:16] if large else head[4:8])
    met: set[int] = set()
    while where and where not in met:
        if len(met) == MAX_PAGES:
            raise DecodeError(f"more than {MAX_PAGES:,} pages")
        met.add(where)
        yield where, max(0, left)
        stream.seek(where)
        (n_entries,) = struct.unpack(number, stream.read(struct.calcsize(number)))
        table = n_entries * struct.calcsize(entry)
        n_bytes -= table
        claims = struct.iter_unpack(entry, stream.read(table))
        sizes = (count * _TYPE_SIZES.get(kind, 0) for kind, count in claims)
        left -= sum(size for size in sizes if size > (8 if large else 4))
        if n_bytes < 0 or left < lowest:
            raise DecodeError("pages that share their tags")
        (where,) = struct.unpack(place, stream.read(struct.calcsize(place)))


def _place_pages(image: Any, pages: list[tuple[int, int]]) -> None:
    """Give Pillow the places of the pages, so that it seeks each of them directly."""
    image._frame_pos[:], limits = zip(*pages, strict=True)
    image._n_frames = len(pages)
    if hasattr(image, "_tag_data_limits"):  # since Pillow 13
        image._tag_data_limits[:] = limits


# JPEG -------------------------------------------------------------------------------


def check_scans(image: PillowImage, stream: BinaryIO) -> None:
    """Compare the scans of a JPEG file with the limits, and find its end.

    Raises
    ------
    DecodeError
        With a short reason.
    """
    n_scans = n_bytes = 0
    last, is_complete = b"", False
    stream.seek(0)
    while block := stream.read(_BLOCK_SIZE):
        joined = last + block
        n_scans += joined.count(_SCAN)
        end, scan = joined.rfind(_END), joined.rfind(_SCAN)
        if max(end, scan) >= 0:  # the end of a thumbnail comes before the scan
            is_complete = end > scan
        n_bytes, last = n_bytes + len(block), block[-1:]
    stream.seek(0)
    if not is_complete:
        raise DecodeError("file is truncated: it has no end")
    n_pixels = image.width * image.height
    if n_scans > MAX_SCANS or n_scans * n_pixels > _MAX_SCANNED:
        raise DecodeError(f"{n_scans:,} scans, which take too much time")
    # Each block has a code of at least one bit for its mean, and in a file of one scan another
    # one for its end.
    n_bits = (
        -(-image.width // 8) * -(-image.height // 8) * (1 if "progressive" in image.info else 2)
    )
    if n_bytes * 8 < n_bits:
        raise DecodeError(_MISSING)


def _lacks_rows_of_jpeg(image: PillowImage, tile: Any, stream: BinaryIO) -> bool:
    """Return whether the last block is missing. Decoders make it gray, without a word."""
    corner = image.getpixel((image.width - 1, image.height - 1))
    values = corner if isinstance(corner, tuple) else (corner,)
    if not set(values) <= {127, 128} or "progressive" in image.info:
        return False
    stream.seek(0)
    data = stream.read()
    start = data.index(_SCAN, _skip_segments(data))
    end = _MARKER.search(data, start + 2)
    if end is None:
        return False
    # Without a marker at the end, the decoder waits for more data and leaves the pixels black.
    from PIL import Image

    blank = Image.new(image.mode, image.size)
    decoder = Image._getdecoder(image.mode, tile[0], tile[3], getattr(image, "decoderconfig", ()))
    try:
        decoder.setimage(blank.im, tile[1])
        decoder.decode(data[: end.start()] + _END_OF_SCAN)
    finally:
        decoder.cleanup()
    first, last = blank.getpixel((0, 0)), blank.getpixel((image.width - 1, image.height - 1))
    return last != corner and first == image.getpixel((0, 0))


def _skip_segments(data: bytes) -> int:
    """Return the place of the first scan, behind segments such as a thumbnail."""
    place = 2
    while data[place : place + 2] != _SCAN:
        if data[place : place + 1] != b"\xff":
            raise DecodeError("JPEG file is damaged, or of a kind that cannot be read")
        (length,) = struct.unpack(">H", data[place + 2 : place + 4])
        place += 1 if data[place + 1] == 0xFF else 2 + length
    return place


# PNG --------------------------------------------------------------------------------


def _lacks_rows_of_png(image: PillowImage, stream: BinaryIO) -> bool:
    """Return whether the packed data end early. Pillow leaves the other pixels black."""
    stream.seek(0)
    head = stream.read(33)
    width, height, depth, color, _, _, interlaced = struct.unpack(">2I5B", head[16:29])
    row = image.height - 1 - (1 if interlaced and image.height % 2 and image.height > 1 else 0)
    if any(image.crop((0, row, image.width, row + 1)).tobytes()):
        return False
    bits = depth * _PNG_CHANNELS[color]
    passes = _PNG_PASSES if interlaced else ((0, 0, 1, 1),)
    needed = 0
    for left, top, right, down in passes:
        columns, rows = -(-(width - left) // right), -(-(height - top) // down)
        needed += rows * (1 + (columns * bits + 7) // 8) if columns > 0 and rows > 0 else 0
    return _count_unpacked(stream) < needed


def _count_unpacked(stream: BinaryIO) -> int:
    """Return how many bytes the data of a PNG file give, in little memory."""
    unpacker, count = zlib.decompressobj(), 0
    stream.seek(8)
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind != b"IDAT":
            stream.seek(length + 4, 1)
            continue
        packed = stream.read(length)
        while packed and not unpacker.eof:
            count += len(unpacker.decompress(packed, _BLOCK_SIZE))
            packed = unpacker.unconsumed_tail
        stream.seek(4, 1)
    return count + len(unpacker.flush())


def load_pixels(image: PillowImage, stream: BinaryIO) -> None:
    """Decode a page, and refuse one whose last pixels are missing.

    Raises
    ------
    DecodeError
        With a short reason.
    """
    tiles = list(getattr(image, "tile", []))
    image.load()
    if len(tiles) != 1:
        return
    if image.format == "PNG" and getattr(image, "n_frames", 1) == 1:
        missing = _lacks_rows_of_png(image, stream)
    elif image.format in ("JPEG", "MPO"):
        missing = _lacks_rows_of_jpeg(image, tiles[0], stream)
    else:
        missing = False
    if missing:
        raise DecodeError(_MISSING)
