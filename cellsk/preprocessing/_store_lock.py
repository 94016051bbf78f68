"""Locks between processes, which the system lets go when their holder ends, however it ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["hold_lock", "mark_used", "open_regular", "remove_unused"]

# No link is followed, and what is no file does not make the opening wait.
_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_OWN = 0o600  # the pixels of patients are for the eyes of their user


def open_regular(path: str | os.PathLike[str], mode: str) -> BinaryIO:
    """Open a file, following no link; if it is made, then for its user alone.

    Raises
    ------
    OSError
        When it cannot be opened, or is a link.
    """
    return cast(BinaryIO, open(path, mode, opener=_open_carefully))


def _open_carefully(path: str, flags: int) -> int:
    return os.open(path, flags | _CAREFUL, _OWN)


@contextmanager
def hold_lock(path: str | os.PathLike[str]) -> Iterator[None]:
    """Wait for the lock of a file, which is made if missing and stays, and hold it.

    Raises
    ------
    OSError
        When the file cannot be made, or its file system knows no locks.
    """
    with open_regular(path, "ab") as file:
        _wait(file.fileno())
        try:
            yield
        finally:
            _let_go(file.fileno())


def mark_used(file: BinaryIO, *, alone: bool = False) -> None:
    """Keep `remove_unused` away from an open file, until it and all its maps are closed."""
    if sys.platform != "win32":  # where no open file can be removed
        with suppress(OSError):
            fcntl.flock(file.fileno(), (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)


def remove_unused(path: str | os.PathLike[str]) -> bool:
    """Remove a file that no process uses, and return whether it was."""
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


if sys.platform == "win32":

    def _wait(descriptor: int) -> None:
        while True:
            with suppress(PermissionError):
                os.lseek(descriptor, 0, os.SEEK_SET)
                return msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            time.sleep(0.05)

    def _let_go(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:

    def _wait(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def _let_go(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
