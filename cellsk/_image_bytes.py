"""The bytes of an image file: opened with care, and why they give no pixels."""

from __future__ import annotations

import io
import os
import stat
from typing import BinaryIO, TypeAlias

ImageSource: TypeAlias = str | os.PathLike[str] | bytes

_SMALL = 2**20  # bytes; a file of this size is read at once, which is faster

_MAGIC = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
}


class DecodeError(ValueError):
    """One file gives no pixels. The text is a short reason, without the name."""


class ReadSettingError(DecodeError):
    """One file is sound, but needs another page, value range or pixel limit."""


def open_stream(source: ImageSource) -> BinaryIO:
    """Open a regular file, or its contents, for reading.

    Raises
    ------
    DecodeError
        When it is empty, a folder, or something that is no file.
    OSError
        When the system cannot open it.
    """
    if isinstance(source, bytes):
        _check_kind(stat.S_IFREG, len(source))
        return io.BytesIO(source)
    status = os.stat(source)
    _check_kind(status.st_mode, status.st_size)
    if status.st_size > _SMALL:
        return open(source, "rb")
    with open(source, "rb", buffering=0) as file:
        return io.BytesIO(file.read())


def _check_kind(mode: int, n_bytes: int) -> None:
    if stat.S_ISDIR(mode):
        raise DecodeError("path is a folder")
    if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
        raise DecodeError("path is no regular file")
    if n_bytes == 0:
        raise DecodeError("file is empty")


def explain_failure(error: Exception, start: bytes) -> str:
    """Return the reason for a file that failed, in a few words."""
    if isinstance(error, FileNotFoundError):
        return "file does not exist"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    if isinstance(error, MemoryError):
        return "not enough memory"
    if "null byte" in str(error) or "null character" in str(error):
        return "no valid path"
    if "truncated" in str(error).lower():
        return "file is truncated"
    named = [name for magic, name in _MAGIC.items() if start.startswith(magic)]
    if not named:
        return "not a PNG, JPEG, TIFF or BMP file"
    return f"{named[0]} file is damaged, or of a kind that cannot be read"
