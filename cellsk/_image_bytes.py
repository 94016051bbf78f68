"""The bytes of an image file, and the reasons why a file cannot be decoded."""

from __future__ import annotations

import io
import os
import stat
from typing import BinaryIO, TypeAlias

from cellsk._zip_files import ZipMemberError, read_zipped, split_zip_path, stamp_zipped

ImageSource: TypeAlias = str | os.PathLike[str] | bytes

_SMALL = 2**20  # bytes; smaller files are read at once, which is faster

_START = 32  # bytes that name the format of a file

_MAGIC = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG2000",
    b"\xff\x4f\xff\x51": "JPEG2000",
}


class DecodeError(ValueError):
    """A file cannot be decoded. The text is a short reason, without the name of the file."""


class ReadSettingError(DecodeError):
    """A file is undamaged, but needs another page, value range or pixel limit.

    Parameters
    ----------
    reason : str
        Short reason that names no parameter.
    setting : {"page", "value_range", "max_pixels"} or None, default=None
        The parameter that lets the file be read, if there is one.
    """

    def __init__(self, reason: str, setting: str | None = None) -> None:
        super().__init__(reason)
        self.setting = setting


def open_stream(source: ImageSource) -> BinaryIO:
    """Open a regular file, one inside a zip file, or the contents of one, for reading.

    Raises
    ------
    DecodeError
        If it is empty, a folder, or not a regular file.
    OSError
        If the system cannot open it.
    """
    if isinstance(source, bytes):
        _check_kind(stat.S_IFREG, len(source))
        return io.BytesIO(source)
    try:
        status = os.stat(source)
    except (FileNotFoundError, NotADirectoryError):
        if split_zip_path(source) is None:
            raise
        return _open_zipped(source)
    _check_kind(status.st_mode, status.st_size)
    if status.st_size > _SMALL:
        return open(source, "rb")
    with open(source, "rb", buffering=0) as file:
        return io.BytesIO(file.read())


def _open_zipped(source: str | os.PathLike[str]) -> BinaryIO:
    try:
        data = read_zipped(source)
    except ZipMemberError as error:
        raise DecodeError(str(error)) from None
    _check_kind(stat.S_IFREG, len(data))
    return io.BytesIO(data)


def take_stamp(source: str | os.PathLike[str]) -> tuple[int, ...]:
    """Return size and times of a file, which change if it changes.

    Raises
    ------
    OSError, ValueError
        If there is no such file.
    """
    try:
        status = os.stat(source)
    except (FileNotFoundError, NotADirectoryError):
        return stamp_zipped(source)
    # Any write changes the third, even if the program sets the second to an old time.
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _check_kind(mode: int, n_bytes: int) -> None:
    if stat.S_ISDIR(mode):
        raise DecodeError("path is a folder")
    if not stat.S_ISREG(mode):  # opening a pipe would wait forever
        raise DecodeError("path is not a regular file")
    if n_bytes == 0:
        raise DecodeError("file is empty")


def explain_failure(error: Exception, start: bytes) -> str:
    """Return a short reason for the error that a file caused."""
    if isinstance(error, FileNotFoundError):
        return "file does not exist"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    if isinstance(error, MemoryError):
        return "not enough memory"
    if "null byte" in str(error) or "null character" in str(error):
        return "path is not valid"
    if "truncated" in str(error).lower():
        return "file is truncated"
    named = name_format(start)
    if named is None:
        return "not a PNG, JPEG, TIFF, BMP, WebP or JPEG 2000 file"
    return f"{named} file is damaged, or of a kind that cannot be read"


def name_format(start: bytes) -> str | None:
    """Return Pillow's name of the format that begins with these bytes, if it is one we read."""
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "WEBP"
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


def read_start(stream: BinaryIO) -> bytes:
    """Return the first bytes, and go back to the beginning."""
    start = stream.read(_START)
    stream.seek(0)
    return start


def find_webp_size(start: bytes) -> tuple[int, int] | None:
    """Return height and width of a WebP file, which Pillow decodes in part when it opens it."""
    kind = start[12:16]
    if name_format(start) != "WEBP" or len(start) < 30:
        return None
    if kind == b"VP8X":
        width, height = (int.from_bytes(start[place : place + 3], "little") for place in (24, 27))
        return height + 1, width + 1
    if kind == b"VP8L":
        bits = int.from_bytes(start[21:25], "little")
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    width, height = (int.from_bytes(start[place : place + 2], "little") for place in (26, 28))
    return height & 0x3FFF, width & 0x3FFF
