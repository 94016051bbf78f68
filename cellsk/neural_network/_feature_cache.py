"""Features of images in a file that folds, fits and processes share."""

from __future__ import annotations

import os
import sqlite3
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk._config import is_on
from cellsk._files import make_private_folder
from cellsk.exceptions import CacheWarning, InputError, InputTypeError

__all__ = ["FeatureCache", "check_cache", "hash_images", "open_cache"]

FILE_NAME = "features.sqlite3"
KEY_SIZE, DIGEST_SIZE = 16, 8
_WAIT_SECONDS = 60  # for another process that writes
_MAX_VARIABLES = 500  # in one query. SQLite allows 999 everywhere.
_PAGES_FACTOR = 2  # pages and the index take more than the rows, but not twice as much
_DROPPED_FRACTION = 0.2  # of the rows, when the file is full
_TABLE = """
CREATE TABLE IF NOT EXISTS features (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, row BLOB NOT NULL
)
"""
_RULE = "The cache of features must be a folder that can be written, with a whole file"


def check_cache(cache: Any) -> None:
    """Raise unless ``cache`` can be "auto", the path of a folder, or None.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or empty.
    """
    rule = "must be 'auto', the path of a folder, or None"
    if cache is not None and not isinstance(cache, str | os.PathLike):
        raise InputTypeError(rule, repr(cache), parameter="cache")
    if cache == "":
        raise InputError(rule, "''", "Pass '.' for the current folder.", parameter="cache")


def open_cache(cache: str | os.PathLike[str] | None, max_bytes: int) -> FeatureCache | None:
    """Return the cache in a folder, "auto" for that of the user. Return None if there is none.

    Raises
    ------
    NotADirectoryError
        If the path is a file.
    InputError
        If the environment variable is neither "on" nor "off".
    """
    if cache is None or not is_on("CELLSK_CACHE"):
        return None
    folder = _find_user_folder() if cache == "auto" else Path(cache).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(
            f"cache must be a folder. Got the file {str(folder)!r}. Name another, or pass None."
        )
    return FeatureCache(folder, max_bytes)


def _find_user_folder() -> Path:
    """Return the folder for files of cellsk that can be made again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cellsk"


def hash_images(images: NDArray, settings: bytes) -> list[bytes]:
    """Return a key for each image, from its pixels and all that its features depend on."""
    begin = blake2b(settings, digest_size=KEY_SIZE)
    begin.update(f"{images.dtype.str} {images.shape[1:]}".encode())
    keys = []
    for image in images:
        key = begin.copy()
        key.update(np.ascontiguousarray(image).data)
        keys.append(key.digest())
    return keys


class FeatureCache(NamedTuple):
    """A folder with one SQLite file of features.

    Each row has a digest, so damaged numbers are never returned.

    Attributes
    ----------
    folder : Path
        Created when it is first needed, for its owner only.
    max_bytes : int
        Limit of the size of the file. The oldest rows are removed.
    """

    folder: Path
    max_bytes: int

    def read(self, keys: Iterable[bytes], width: int) -> dict[bytes, NDArray[np.float32]]:
        """Return the features of those keys that are kept.

        Warns
        -----
        CacheWarning
            If the file is damaged or cannot be read.
        """
        return self._run(partial(_read_rows, keys=list(keys), width=width)) or {}

    def write(self, rows: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep features. Those that exceed the limit are not kept.

        Warns
        -----
        CacheWarning
            If the file is damaged or cannot be written.
        """
        room = _PAGES_FACTOR * sum(row.nbytes for row in rows.values())
        if rows and room <= self.max_bytes / 2:
            self._run(partial(_write_rows, rows=rows, max_bytes=self.max_bytes - room))

    def _run(self, action: Callable[[sqlite3.Connection], Any]) -> Any:
        """Return the result of an action on the file, or None. A damaged file is removed."""
        try:
            with closing(self._connect()) as file:
                return action(file)
        except (sqlite3.Error, OSError) as error:
            is_damaged = type(error) is sqlite3.DatabaseError
            if is_damaged:
                with suppress(OSError):
                    (self.folder / FILE_NAME).unlink()
            self._warn("a damaged file, which is removed," if is_damaged else f"{str(error)!r}")
            return None

    def _connect(self) -> sqlite3.Connection:
        make_private_folder(self.folder)
        path = self.folder / FILE_NAME
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        file = sqlite3.connect(path, timeout=_WAIT_SECONDS)
        try:
            file.execute("PRAGMA synchronous = OFF")  # what the system loses is made again
            file.execute(_TABLE)
        except BaseException:
            file.close()
            raise
        return file

    def _warn(self, got: str) -> None:
        warnings.warn(
            CacheWarning(
                _RULE,
                f"{got} in {str(self.folder)!r}",
                "Free some space, name another folder, or pass cache=None.",
                code="cache-unusable",
                values={"folder": str(self.folder)},
            ),
            stacklevel=6,
        )


def _read_rows(
    file: sqlite3.Connection, keys: list[bytes], width: int
) -> dict[bytes, NDArray[np.float32]]:
    found = {}
    for start in range(0, len(keys), _MAX_VARIABLES):
        some = keys[start : start + _MAX_VARIABLES]
        marks = ",".join("?" * len(some))
        for key, row in file.execute(f"SELECT key, row FROM features WHERE key IN ({marks})", some):
            if (features := _unpack(row, width)) is not None:
                found[key] = features
    return found


def _write_rows(
    file: sqlite3.Connection, rows: Mapping[bytes, NDArray[np.float32]], max_bytes: int
) -> None:
    with file:  # one transaction
        _make_space(file, max_bytes)
        packed = ((key, _pack(row)) for key, row in rows.items())
        file.executemany("INSERT OR REPLACE INTO features (key, row) VALUES (?, ?)", packed)


def _make_space(file: sqlite3.Connection, max_bytes: int) -> None:
    """Remove the oldest rows until the used pages take no more than ``max_bytes``."""
    file.execute("BEGIN IMMEDIATE")
    while _count_bytes(file) > max_bytes:
        (count,) = file.execute("SELECT COUNT(*) FROM features").fetchone()
        if not count:
            return
        file.execute(
            "DELETE FROM features WHERE number IN"
            " (SELECT number FROM features ORDER BY number LIMIT ?)",
            (max(1, int(count * _DROPPED_FRACTION)),),
        )


def _count_bytes(file: sqlite3.Connection) -> int:
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (file.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return (pages - free) * size


def _pack(row: NDArray[np.float32]) -> bytes:
    data = np.ascontiguousarray(row, "<f4").tobytes()
    return blake2b(data, digest_size=DIGEST_SIZE).digest() + data


def _unpack(packed: Any, width: int) -> NDArray[np.float32] | None:
    """Return a row of this width, or None if it is damaged."""
    if not isinstance(packed, bytes) or len(packed) != DIGEST_SIZE + 4 * width:
        return None
    digest, data = packed[:DIGEST_SIZE], packed[DIGEST_SIZE:]
    if blake2b(data, digest_size=DIGEST_SIZE).digest() != digest:
        return None
    return np.frombuffer(data, "<f4").astype(np.float32)
