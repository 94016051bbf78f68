"""A file of a store: the pixels of one list of images, with keys and checksums.

The layout is: a header, padded to a page; the pixels (n, height, width, channels), uint8; a
key of 16 bytes for each image; the CRC-32 of each image. The header is written last, so a file
that is only half written is not valid.
"""

from __future__ import annotations

import os
import secrets
import stat
import struct
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsk.preprocessing._store_files import mark_used, open_regular

__all__ = ["KEY_SIZE", "PixelDraft", "PixelFile", "file_size", "open_pixel_file"]

KEY_SIZE = 16
_HEADER = struct.Struct("<16s4Q16s")
_MAGIC = b"cellsk pixels 1\n"
_START = 4096  # offset of the pixels, a page of memory, where maps can begin
_SUM_SIZE = 4
_BLOCK_SIZE = 2**22

_Shape: TypeAlias = tuple[int, ...]
_Identity: TypeAlias = tuple[int, int, bytes]  # device, inode and seal

# Files that this process has written, or whose checksums it has compared.
_checked: set[_Identity] = set()


def file_size(shape: _Shape) -> int:
    """Return the bytes of the file for images of shape (n, height, width, channels)."""
    return _START + prod(shape) + shape[0] * (KEY_SIZE + _SUM_SIZE)


class PixelFile:
    """The pixels of one list of images, open for reading.

    `remove_unused` does not remove it while it, or a map of it, is open.

    Attributes
    ----------
    shape : tuple of int
        (n_images, height, width, channels).
    keys : bytes
        The keys of the images, one after the other.
    """

    def __init__(
        self, file: BinaryIO, shape: _Shape, keys: bytes, sums: bytes, identity: _Identity
    ) -> None:
        self.shape = shape
        self.keys = keys
        self._file = file
        self._identity = identity
        self._sums = np.frombuffer(sums, dtype="<u4")
        self._row_size = prod(shape[1:])

    def close(self) -> None:
        """Close the file. Maps of it stay valid."""
        self._file.close()

    def list_keys(self) -> list[bytes]:
        """Return the key of each image."""
        return [self.keys[at : at + KEY_SIZE] for at in range(0, len(self.keys), KEY_SIZE)]

    def read_row(self, row: int) -> NDArray[np.uint8] | None:
        """Return the pixels of one image, or None if they are damaged."""
        self._file.seek(_START + row * self._row_size)
        data = self._file.read(self._row_size)
        if len(data) != self._row_size or zlib.crc32(data) != self._sums[row]:
            return None
        return np.frombuffer(data, dtype=np.uint8).reshape(self.shape[1:])

    def map_rows(self) -> NDArray[np.uint8] | None:
        """Return all pixels as a read-only map of the file, or None if any are damaged.

        A process compares the checksums once, when it first maps the file.
        """
        if self._identity not in _checked and not self._is_whole():
            return None
        _checked.add(self._identity)
        with suppress(OSError):  # the user may have no right to write to the store
            os.utime(self._file.name, ns=(time.time_ns(),) * 2)
        return np.memmap(self._file, np.uint8, mode="r", offset=_START, shape=self.shape)

    def _is_whole(self) -> bool:
        n_rows = max(1, _BLOCK_SIZE // self._row_size)
        self._file.seek(_START)
        for first in range(0, len(self._sums), n_rows):
            sums = self._sums[first : first + n_rows]
            data = memoryview(self._file.read(len(sums) * self._row_size))
            rows = (data[at : at + self._row_size] for at in range(0, len(data), self._row_size))
            if [zlib.crc32(row) for row in rows] != sums.tolist():
                return False
        return True


def open_pixel_file(path: Path) -> PixelFile | None:
    """Open a file with a valid header and valid keys. Return None if there is none."""
    try:
        file = open_regular(path, "rb")
    except OSError:
        return None
    with suppress(OSError):
        mark_used(file)
        if (found := _read_header(file)) is not None:
            return found
    file.close()
    return None


def _read_header(file: BinaryIO) -> PixelFile | None:
    status = os.fstat(file.fileno())
    header = file.read(_HEADER.size)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink == 0 or len(header) != _HEADER.size:
        return None
    magic, *sizes, seal = _HEADER.unpack(header)
    shape: _Shape = tuple(sizes)
    if magic != _MAGIC or min(shape) < 1 or file_size(shape) != status.st_size:
        return None
    file.seek(_START + prod(shape))
    keys = file.read(shape[0] * KEY_SIZE)
    sums = file.read(shape[0] * _SUM_SIZE)
    if _make_seal(shape, keys, sums) != seal:
        return None
    return PixelFile(file, shape, keys, sums, (status.st_dev, status.st_ino, seal))


class PixelDraft:
    """A new file, written row by row under a temporary name.

    Parameters
    ----------
    folder : Path
        The store.
    keys : sequence of bytes
        Key of each image.
    shape : tuple of int
        (height, width, channels).

    Raises
    ------
    OSError
        If the file cannot be created. The methods raise it if the file cannot be written.
    """

    def __init__(self, folder: Path, keys: Sequence[bytes], shape: _Shape) -> None:
        self._keys = b"".join(keys)
        self._shape = (len(keys), *shape)
        self._sums = np.zeros(len(keys), dtype="<u4")
        self._path = folder / f"{secrets.token_hex(16)}.draft"
        self._file = open_regular(self._path, "xb")
        mark_used(self._file, exclusive=True)
        try:
            self._file.truncate(file_size(self._shape))
            self._file.seek(_START)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Remove the file, unless it is published."""
        with suppress(OSError):  # a full disk was reported before
            self._file.close()
        with suppress(OSError):
            self._path.unlink()

    def add(self, index: int, pixels: NDArray[np.uint8]) -> None:
        """Write the next image. Call it for each image in order."""
        row = np.ascontiguousarray(pixels)
        self._sums[index] = zlib.crc32(row.data)
        self._file.write(row.data)

    def publish(self, path: Path) -> None:
        """Complete the file and give it its final name, in place of an older file."""
        sums = self._sums.tobytes()
        self._file.write(self._keys + sums)
        self._file.seek(0)
        seal = _make_seal(self._shape, self._keys, sums)
        self._file.write(_HEADER.pack(_MAGIC, *self._shape, seal))
        self._file.flush()
        status = os.fstat(self._file.fileno())
        self._file.close()
        os.replace(self._path, path)
        _checked.add((status.st_dev, status.st_ino, seal))


def _make_seal(shape: _Shape, keys: bytes, sums: bytes) -> bytes:
    """Return the digest of shape, keys and checksums."""
    return blake2b(f"{shape}".encode() + keys + sums, digest_size=16).digest()
