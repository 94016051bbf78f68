"""Input files that are read at once: regular files, and pipes that a program writes into."""

from __future__ import annotations

import os
import stat
import time

from cellsk._zip_files import ZipMemberError, is_zipped, read_zipped

__all__ = ["InputFileError", "read_input"]

_WAIT_SECONDS, _STEP_SECONDS = 2.0, 0.05  # for a program that has yet to open its end of a pipe
_MAX_PIPES = 8
_Identity = tuple[int, int]  # device and inode

# Pipes can be read once, but a command may need a file twice.
_read_pipes: dict[_Identity, bytes] = {}


class InputFileError(ValueError):
    """A file cannot be read. The text is a clause about it: ``"is a device"``."""


def read_input(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Return the content of a file, or of a pipe such as ``/dev/stdin`` and ``<(...)``.

    The file may be inside a zip file.

    A pipe that no program writes into would never end, and neither would some devices, so they
    are refused.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        If it cannot be opened.
    InputFileError
        If it is something else, or larger than ``max_bytes``.
    """
    # Opening a pipe would else wait for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        if is_zipped(path):
            return _read_zipped(path, max_bytes)
        raise
    try:
        status = os.fstat(descriptor)
        kind = _name_kind(status.st_mode)
        if kind is not None:
            raise InputFileError(f"is {kind}")
        if not stat.S_ISFIFO(status.st_mode):
            return _read_all(descriptor, b"", max_bytes)
        return _read_pipe(descriptor, (status.st_dev, status.st_ino), max_bytes)
    finally:
        os.close(descriptor)


def _read_zipped(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    try:
        data = read_zipped(path)
    except ZipMemberError as error:
        raise InputFileError(f"is {error}") from None
    if len(data) > max_bytes:
        raise InputFileError(f"has more than {max_bytes:,} bytes")
    return data


def _name_kind(mode: int) -> str | None:
    """Return what is neither a file nor a pipe, or None."""
    if stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
        return None
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def _read_pipe(descriptor: int, identity: _Identity, max_bytes: int) -> bytes:
    deadline = time.monotonic() + (0 if identity in _read_pipes else _WAIT_SECONDS)
    while True:
        try:
            start = os.read(descriptor, 2**16)
        except BlockingIOError:  # there is a program, which has not written yet
            start = None
        if start != b"":
            break
        if time.monotonic() >= deadline:
            if identity in _read_pipes:
                return _read_pipes[identity]
            raise InputFileError("is a pipe that no program writes into")
        time.sleep(_STEP_SECONDS)
    os.set_blocking(descriptor, True)
    data = _read_all(descriptor, start or b"", max_bytes)
    while len(_read_pipes) >= _MAX_PIPES:
        del _read_pipes[next(iter(_read_pipes))]
    _read_pipes[identity] = data
    return data


def _read_all(descriptor: int, start: bytes, max_bytes: int) -> bytes:
    blocks, n_bytes = [start], len(start)
    while n_bytes <= max_bytes and (block := os.read(descriptor, 2**20)):
        blocks.append(block)
        n_bytes += len(block)
    if n_bytes > max_bytes:
        raise InputFileError(f"has more than {max_bytes:,} bytes")
    return b"".join(blocks)
