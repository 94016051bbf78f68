"""The files of a store: which there are, and which must go."""

from __future__ import annotations

import errno
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from cellsk.preprocessing._store_lock import remove_unused

__all__ = ["list_sheets", "make_room"]

_MAX_SHEETS = 1000
_OWN_FILE = re.compile(r"[0-9a-f]{32}\.(pixels|draft)", re.ASCII)


def list_sheets(folder: Path) -> list[Path]:
    """Return the sheets of a store, the most recently used first."""
    used = [(at, path) for at, _, path in _list_files(folder) if path.suffix == ".pixels"]
    return [path for _, path in sorted(used, reverse=True)]


def make_room(folder: Path, n_bytes: int, max_bytes: int) -> bool:
    """Remove what is left of dead processes, then what was not used for long, for a new file.

    Returns
    -------
    fits : bool
        Whether the new file keeps the store within its bound.

    Raises
    ------
    OSError
        When the disk has no room for it.
    """
    if n_bytes > max_bytes:
        return False
    files = sorted(_list_files(folder))
    # A draft that is being written is in use.
    dead = [file for file in files if file[2].suffix == ".draft" and remove_unused(file[2])]
    files = [file for file in files if file not in dead]
    total = sum(size for _, size, _ in files)
    count = len(files)
    for _, size, path in files:
        if total + n_bytes <= max_bytes and count < _MAX_SHEETS:
            break
        if remove_unused(path):
            total -= size
            count -= 1
    if shutil.disk_usage(folder).free < n_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return total + n_bytes <= max_bytes and count < _MAX_SHEETS


def _list_files(folder: Path) -> list[tuple[int, int, Path]]:
    """Return last use, size and path of the files that are of the store."""
    files = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if _OWN_FILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):  # gone by now
                    status = entry.stat(follow_symlinks=False)
                    files.append((status.st_mtime_ns, status.st_size, Path(entry.path)))
    return files
