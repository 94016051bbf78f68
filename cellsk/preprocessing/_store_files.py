"""The files of a store: open, lock, list and remove them, among several processes."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = [
    "free_space",
    "hold_lock",
    "list_pixel_files",
    "mark_used",
    "open_regular",
    "remove_unused",
]

_MAX_FILES = 1000
_OWN_FILE = re.compile(r"[0-9a-f]{32}\.(pixels|draft)", re.ASCII)

# Do not follow links, and do not wait if the path is a pipe.
_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_OWNER_ONLY = 0o600  # pixels of patients must not be readable by other users


def open_regular(path: str | os.PathLike[str], mode: str) -> BinaryIO:
    """Open a file without following links. A new file is readable by its owner only.

    Raises
    ------
    OSError
        If it cannot be opened, or is a link.
    """
    return cast(BinaryIO, open(path, mode, opener=_open_carefully))


def _open_carefully(path: str, flags: int) -> int:
    return os.open(path, flags | _CAREFUL, _OWNER_ONLY)


@contextmanager
def hold_lock(path: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the lock of a file, after waiting for other processes that hold it.

    The system releases the lock when its process ends, even if it is killed. The file is
    created if missing, and stays.

    Raises
    ------
    OSError
        If the file cannot be created, or its file system does not support locks.
    """
    with open_regular(path, "ab") as file:
        _wait(file.fileno())
        try:
            yield
        finally:
            _release(file.fileno())


def mark_used(file: BinaryIO, *, exclusive: bool = False) -> None:
    """Protect an open file from `remove_unused` until it and all its maps are closed."""
    if sys.platform != "win32":  # Windows never removes open files
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        with suppress(OSError):
            fcntl.flock(file.fileno(), kind | fcntl.LOCK_NB)


def remove_unused(path: str | os.PathLike[str]) -> bool:
    """Remove a file unless a process uses it. Return whether it was removed."""
    try:
        with open_regular(path, "r+b") as file:
            if sys.platform != "win32":
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
        if sys.platform == "win32":
            os.unlink(path)
    except OSError:
        return False
    return True


def list_pixel_files(folder: Path) -> list[Path]:
    """Return the pixel files of a store, the largest first.

    The largest file most often holds all images, so readers of rows find all of theirs in it.
    """
    files = [(size, used, path) for used, size, path in _list_files(folder)]
    return [path for _, _, path in sorted(files, reverse=True) if path.suffix == ".pixels"]


def free_space(folder: Path, n_bytes: int, max_bytes: int) -> bool:
    """Make space for a new file: remove drafts of dead processes, then the least recently used.

    Returns
    -------
    fits : bool
        Whether the store stays within ``max_bytes`` with the new file.

    Raises
    ------
    OSError
        If the disk is full.
    """
    if n_bytes > max_bytes:
        return False
    files = sorted(_list_files(folder))
    # A draft that a process still writes is in use, so it is not removed.
    dead = [file for file in files if file[2].suffix == ".draft" and remove_unused(file[2])]
    files = [file for file in files if file not in dead]
    total = sum(size for _, size, _ in files)
    count = len(files)
    for _, size, path in files:
        if total + n_bytes <= max_bytes and count < _MAX_FILES:
            break
        if remove_unused(path):
            total -= size
            count -= 1
    if shutil.disk_usage(folder).free < n_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return total + n_bytes <= max_bytes and count < _MAX_FILES


def _list_files(folder: Path) -> list[tuple[int, int, Path]]:
    """Return last use, size and path of each file that belongs to the store."""
    files = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if _OWN_FILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):  # another process has removed it
                    status = entry.stat(follow_symlinks=False)
                    files.append((status.st_mtime_ns, status.st_size, Path(entry.path)))
    return files


if sys.platform == "win32":

    def _wait(descriptor: int) -> None:
        while True:
            with suppress(PermissionError):
                os.lseek(descriptor, 0, os.SEEK_SET)
                return msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            time.sleep(0.05)

    def _release(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:

    def _wait(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def _release(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
