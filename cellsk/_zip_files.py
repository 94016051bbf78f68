"""Files inside a zip file, read in place: nothing is extracted to disk.

A file in a zip has a path, too: ``data.zip/benign/a.png``.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO, TypeAlias

from cellsk.exceptions import InputError

__all__ = [
    "ZipMemberError",
    "is_zip",
    "is_zipped",
    "list_zip",
    "read_zipped",
    "split_zip_path",
    "stamp_zipped",
]

MAX_MEMBERS = 300_000
MAX_DIRECTORY_BYTES = 2**26
MAX_MEMBER_BYTES = 2**30
MAX_RATIO = 200  # of a member, and of all together
FREE_MEMBER_BYTES, FREE_BYTES = 2**26, 2**30  # sizes to which the ratio does not matter

_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_LOCAL = struct.Struct("<4s22s2H")
_UTF8_FLAG, _ENCRYPTED_FLAGS = 0x800, 0x41
_BAD_PART = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]|^[A-Za-z]:")
_ZIP_ERRORS = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, LookupError),
    *(ValueError, OverflowError, EOFError, OSError, struct.error),
)

_Members: TypeAlias = dict[str, zipfile.ZipInfo]


class ZipMemberError(ValueError):
    """A file inside a zip file cannot be read. The text is a short reason."""


class _BoundedFile:
    """A file of which no large piece is read at once, as zipfile does with the directory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(MAX_DIRECTORY_BYTES + 1 if size < 0 else size)
        if max(size, len(data)) > MAX_DIRECTORY_BYTES:
            raise ValueError
        return data


def is_zip(path: str | os.PathLike[str]) -> bool:
    """Return whether it is a zip file, by its first bytes."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(4) in _STARTS


def split_zip_path(path: str | os.PathLike[str]) -> tuple[str, str] | None:
    """Return the zip file and the path inside of it, with forward slashes, or None.

    ``"data.zip"`` gives ``("data.zip", "")``.
    """
    outer, inner = os.path.normpath(os.fspath(path)), ""
    while outer and not os.path.lexists(outer):
        outer, name = os.path.split(outer)
        inner = f"{name}/{inner}" if inner else name
        if not name:
            return None
    return (outer, inner) if outer and is_zip(outer) else None


def is_zipped(path: str | os.PathLike[str]) -> bool:
    """Return whether a path leads to a file inside a zip file that is not refused."""
    try:
        _find_member(path)
    except (FileNotFoundError, ZipMemberError):
        return False
    return True


def list_zip(path: str) -> list[str]:
    """Return the paths of the files inside a zip file, in its order.

    Raises
    ------
    InputError
        If it is damaged or too large, or if its names, links or passwords are not allowed.
    OSError
        If it cannot be opened.
    """
    return list(_load_members(path))


def read_zipped(path: str | os.PathLike[str], n_bytes: int | None = None) -> bytes:
    """Return the content, or its first ``n_bytes``, of a file inside a zip file.

    Raises
    ------
    FileNotFoundError
        If the path does not lead to a file inside a zip file.
    ZipMemberError
        If the file is damaged or too large, or the zip file is refused.
    """
    outer, member = _find_member(path)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ZipMemberError("packed in the zip file by a method that is not read")
    limit = min(MAX_MEMBER_BYTES, max(FREE_MEMBER_BYTES, MAX_RATIO * member.compress_size))
    if n_bytes is None and max(member.file_size, member.compress_size) > limit:
        raise ZipMemberError(f"{member.file_size:,} bytes in the zip file, more than the limit")
    packed = _read_packed(outer, member, None if n_bytes is None else 2**16)
    data = _unpack(member, packed, member.file_size if n_bytes is None else n_bytes)
    if data is None or (n_bytes is None and _is_damaged(member, data)):
        raise ZipMemberError("damaged in the zip file")
    return data if n_bytes is None else data[:n_bytes]


def _read_packed(outer: str, member: zipfile.ZipInfo, n_bytes: int | None) -> bytes:
    """Return the bytes of a member as they are in the zip file, b"" if they are not there."""
    with open(outer, "rb") as file:
        file.seek(member.header_offset)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(_STARTS[0]):
            return b""
        _, _, n_name, n_extra = _LOCAL.unpack(header)
        file.seek(n_name + n_extra, os.SEEK_CUR)
        return file.read(min(member.compress_size, n_bytes or member.compress_size))


def _unpack(member: zipfile.ZipInfo, packed: bytes, n_bytes: int) -> bytes | None:
    """Return the content up to one byte more than ``n_bytes``, or None if it is damaged."""
    if member.compress_type == zipfile.ZIP_STORED:
        return packed[: n_bytes + 1]
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, n_bytes + 1)
    except zlib.error:
        return None


def _is_damaged(member: zipfile.ZipInfo, data: bytes) -> bool:
    return len(data) != member.file_size or zlib.crc32(data) != member.CRC


def stamp_zipped(path: str | os.PathLike[str]) -> tuple[int, ...]:
    """Return numbers that change if a file inside a zip file, or the zip file, changes.

    Raises
    ------
    FileNotFoundError, ZipMemberError
        As `read_zipped`.
    """
    outer, member = _find_member(path)
    status = os.stat(outer)
    times = status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return (*times, member.header_offset, member.CRC)


def _find_member(path: str | os.PathLike[str]) -> tuple[str, zipfile.ZipInfo]:
    place = split_zip_path(path)
    if place is None:
        raise FileNotFoundError(2, "No such file or directory", os.fspath(path))
    outer, inner = place
    try:
        members = _load_members(outer)
    except InputError as error:
        raise ZipMemberError(f"zip file with {error.got}") from None
    if inner not in members:
        raise FileNotFoundError(2, "No such file or directory", os.fspath(path))
    return outer, members[inner]


def _load_members(path: str) -> _Members:
    status = os.stat(path)
    place = os.path.abspath(path)
    return _read_members(place, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=8)
def _read_members(path: str, n_bytes: int, *_: int) -> _Members:
    """Return the files of a zip file by their checked names. The numbers identify its state."""
    name = os.path.basename(path)
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(_BoundedFile(file)) as archive:
                entries = archive.infolist()
        except _ZIP_ERRORS:
            got = f"{name!r}, which is damaged or has a directory of more than 64 MiB"
            raise _refuse("A zip file must be complete", got, "Copy it again.") from None
    if len(entries) > MAX_MEMBERS:
        rule = f"A zip file must have at most {MAX_MEMBERS:,} members"
        raise _refuse(rule, f"{name!r} with {len(entries):,}", "Unpack it, and pass the folder.")
    total = sum(entry.file_size for entry in entries)
    if total > max(FREE_BYTES, MAX_RATIO * n_bytes):
        raise _refuse(
            f"The files in a zip file must have at most {MAX_RATIO} times its size",
            f"{name!r} of {n_bytes:,} bytes with files of {total:,} bytes",
            "Unpack it, and pass the folder, if you trust its source.",
        )
    return _name_members(name, entries)


def _name_members(zip_name: str, entries: list[zipfile.ZipInfo]) -> _Members:
    """Return the files by name, each of which is another file on every system, too."""
    members: _Members = {}
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for entry in entries:
        name = _check_entry(zip_name, entry)
        for folder in [*_iter_folders(name), *([name] if entry.is_dir() else [])]:
            _check_same(zip_name, folders.setdefault(_fold(folder), folder), folder)
        if not entry.is_dir():
            if files.setdefault(_fold(name), name) == name and name in members:
                got = f"{name[:200]!r} in {zip_name!r} twice"
                raise _refuse("Each file must be in a zip file once", got, "Zip the folder again.")
            _check_same(zip_name, files[_fold(name)], name)
            members[name] = entry
    for key in files.keys() & folders.keys():
        _check_same(zip_name, files[key], f"{folders[key]}/")
    return members


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _check_same(zip_name: str, known: str, name: str) -> None:
    """Refuse two names that are one file on a system that ignores case."""
    if known != name:
        got = f"{known[:200]!r} and {name[:200]!r} in {zip_name!r}"
        raise _refuse("Names in a zip file must differ by more than case", got, "Rename one.")


def _check_entry(zip_name: str, entry: zipfile.ZipInfo) -> str:
    """Return the path of a member, without a slash at its end."""
    name = _decode_name(entry)
    shown = f"{(name or entry.orig_filename)[:200]!r} in {zip_name!r}"
    if name is None:
        rule, remedy = "Names in a zip file must be UTF-8", "Zip the folder again with UTF-8 names."
        raise _refuse(rule, shown, remedy)
    parts = name.split("/")
    if any(part in ("", ".", "..") or _BAD_PART.search(part) for part in parts):
        rule = "Names in a zip file must be relative paths with forward slashes, without '..'"
        raise _refuse(rule, shown, "Zip the folder again.")
    if entry.flag_bits & _ENCRYPTED_FLAGS:
        rule, remedy = "A zip file must have no password", "Unpack it, and pass the folder."
        raise _refuse(rule, f"{shown}, which is encrypted", remedy)
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        rule = "A zip file must have files and folders only"
        raise _refuse(rule, f"{shown}, which is a link or a device", "Zip the files themselves.")
    return name


def _decode_name(entry: zipfile.ZipInfo) -> str | None:
    """Return the name of a member, or None if it is not UTF-8.

    Some programs write UTF-8 without the flag that says so. zipfile reads it as code page 437.
    """
    name = entry.orig_filename
    if not entry.flag_bits & _UTF8_FLAG and not name.isascii():
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            return None
    return name[:-1] if name.endswith("/") else name


def _iter_folders(name: str) -> Iterator[str]:
    """Yield the folders that contain a file."""
    place = name.find("/")
    while place >= 0:
        yield name[:place]
        place = name.find("/", place + 1)


def _refuse(rule: str, got: str, remedy: str) -> InputError:
    return InputError(rule, got, remedy, code="zip-refused")
