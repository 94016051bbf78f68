"""Zip archives of plain members, read and written in memory, with bounded sizes."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import BinaryIO

from cellsk._checks import count_noun
from cellsk.exceptions import ModelFileError

__all__ = ["LARGEST_MODEL", "MAX_MEMBERS", "read_archive", "refuse", "write_archive"]

MAX_MEMBERS = 10_000
LARGEST_ZIP = 2**31 - 1  # larger zips need 64-bit records, which are refused
FETCH_AGAIN = "Download or copy the file again, or save the model again."

_ZIP_RULE = "A model file must be a whole zip archive, as cellsk writes it."
_FOREIGN = "Pass a file that save_model wrote."
_NAME_RULE = "Members of a model file must have plain names, without folders, each once."
_STORED_RULE = "Members of a model file must be stored as they are, neither packed nor encrypted."
_SIZE_RULE = "A model file must stay within the largest size and within its own size when read."
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same time in each file: same model, same bytes
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_END_RECORD = struct.Struct("<4s4H2LH")
_ENTRY_BYTES = 512  # per member in the directory. A plain name needs 146.
LARGEST_MODEL = LARGEST_ZIP - MAX_MEMBERS * _ENTRY_BYTES  # bytes of all members
_ZIP64_MARK_OFFSET = _END_RECORD.size + 20

# The errors of zipfile on damaged archives.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    RuntimeError,
    LookupError,
    ValueError,
    OSError,
    EOFError,
    struct.error,
)


def refuse(
    rule: str, got: str, remedy: str = FETCH_AGAIN, *, code: str = "model-file-refused"
) -> ModelFileError:
    """Return the error for a model file that breaks a rule."""
    return ModelFileError(rule.removesuffix("."), got, remedy, code=code)


def write_archive(members: Mapping[str, bytes]) -> bytes:
    """Return a zip of the members. The same members give the same bytes.

    Raises
    ------
    ModelFileError
        If the members are too many or too large for `read_archive`.
    """
    total = sum(len(data) for data in members.values())
    if len(members) > MAX_MEMBERS or total > LARGEST_MODEL:
        raise refuse(
            f"A model file must have at most {MAX_MEMBERS:,} members and 2 GiB.",
            f"{count_noun(len(members), 'member')} of {total:,} bytes",
            "Save the steps of the pipeline in separate files.",
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return buffer.getvalue()


def read_archive(source: BinaryIO, max_bytes: int) -> dict[str, bytes]:
    """Return name and content of each member, without writing any file.

    Raises
    ------
    ModelFileError
        If it is not a zip, is damaged or larger than ``max_bytes``, or has names, sizes or
        compression that `write_archive` does not write.
    """
    size = source.seek(0, io.SEEK_END)
    if size > max_bytes:
        raise refuse(
            f"A model file must hold at most {max_bytes:,} bytes.",
            f"{size:,}",
            "Pass a larger max_bytes if you trust its source.",
            code="model-file-too-large",
        )
    _check_ends(source, size)
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
            _check_entries(entries, size)
            return {entry.filename: _read_entry(archive, entry) for entry in entries}
    except ModelFileError:
        raise
    except _ZIP_ERRORS:
        raise refuse(_ZIP_RULE, "a damaged one") from None


def _check_ends(source: BinaryIO, size: int) -> None:
    """Check both ends first, because zipfile reads a directory of any length."""
    if not size:
        raise refuse(_ZIP_RULE, "an empty file")
    source.seek(0)
    if source.read(4) != b"PK\x03\x04":
        raise refuse(_ZIP_RULE, "a file of another kind", _FOREIGN, code="not-a-model-file")
    source.seek(max(0, size - _ZIP64_MARK_OFFSET))
    tail = source.read()
    record = _END_RECORD.unpack(tail[-_END_RECORD.size :]) if len(tail) >= 22 else (b"",)
    if record[0] != b"PK\x05\x06" or record[-1] != 0:
        raise refuse(_ZIP_RULE, "one that ends early, or goes on after its end")
    members, directory = record[4], record[5]
    if tail.startswith(b"PK\x06\x07") or members > MAX_MEMBERS:
        raise refuse(f"A model file must have at most {MAX_MEMBERS:,} members.", f"{members:,}")
    if directory > members * _ENTRY_BYTES:
        raise refuse(_NAME_RULE, f"a directory of {directory:,} bytes for {members:,} names")


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    names = [entry.orig_filename for entry in entries]
    for entry, name in zip(entries, names, strict=True):
        if name != entry.filename or not _PLAIN_NAME.fullmatch(name):
            raise refuse(_NAME_RULE, f"{name[:100]!r}")
        stored = entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 0x1
        if not stored or entry.compress_size != entry.file_size:
            raise refuse(_STORED_RULE, f"{name!r}, which is packed or encrypted")
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise refuse(_NAME_RULE, f"{name!r} more than once")
    if (declared := sum(entry.file_size for entry in entries)) > size:
        raise refuse(_SIZE_RULE, f"members of {declared:,} bytes in a file of {size:,}")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as member:
        data = member.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise refuse(_ZIP_RULE, f"{entry.filename!r} with {len(data):,} bytes, not all of them")
    return data
