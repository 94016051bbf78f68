"""Decoded pixels on disk, shared by folds, candidates and processes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsk._codec import ImageSource, decode_image, name_decoder
from cellsk._config import is_on
from cellsk.exceptions import StoreWarning
from cellsk.preprocessing._sources import ImagesInMemory, read_each
from cellsk.preprocessing._store_lock import hold_lock
from cellsk.preprocessing._store_room import list_sheets, make_room
from cellsk.preprocessing._store_sheet import KEY_SIZE, Draft, Sheet, open_sheet, sheet_size

__all__ = ["Store", "check_store", "open_store"]

_MAX_ORIGINS = 16  # sheets that rows are copied from at once, each an open file

_Stamp: TypeAlias = tuple[int, ...]
_Origins: TypeAlias = dict[bytes, tuple[Sheet, int]]


class _FileChangedError(Exception):
    """A file is not the one that its key was made of."""


class _NoPlaceError(Exception):
    """The store has no place for a list."""


class _Wanted(NamedTuple):
    """A list of images, and what they are known by."""

    sources: list[Any]
    stamps: list[_Stamp]
    keys: list[bytes]
    decode: Callable[[Any], NDArray[np.uint8]]


def check_store(store: Any) -> None:
    """Raise unless ``store`` can be the path of a folder, or None.

    Raises
    ------
    TypeError, ValueError
        When it is something else, or empty.
    """
    rule = "store must be the path of a folder, or None."
    if store is not None and not isinstance(store, str | os.PathLike):
        raise TypeError(f"{rule} Got {store!r}.")
    if store == "":
        raise ValueError(f"{rule} Got ''. Pass '.' for the current folder.")


def open_store(folder: str | os.PathLike[str] | None, max_bytes: int) -> Store | None:
    """Return the store in a folder; None without a folder, or when the switch is off.

    Raises
    ------
    NotADirectoryError
        When it is no folder.
    ValueError
        When the switch is neither on nor off.
    """
    if folder is None or not is_on("CELLSK_STORE"):
        return None
    place = Path(folder).expanduser().absolute()
    if os.path.exists(place) and not os.path.isdir(place):
        raise NotADirectoryError(
            f"store must be a folder. Got the file {str(folder)!r}. Name another, or pass None."
        )
    return Store(place, max_bytes)


class Store(NamedTuple):
    """A folder of sheets, each with the pixels of one list of images.

    Attributes
    ----------
    folder : Path
        Made when it is first needed, for its user alone.
    max_bytes : int
        Bound on the sum of its files.
    """

    folder: Path
    max_bytes: int

    def read(
        self, sources: list[ImageSource], settings: Mapping[str, Any], *, verbose: int = 0
    ) -> NDArray[np.uint8] | None:
        """Return the images, most often as a read-only map of a file of the store.

        None is for lists that it cannot keep: with bytes, with files that are missing or
        change meanwhile; or any, when the folder cannot be written, which a warning tells.

        Raises
        ------
        ImageReadError, ValueError
            As `read_each`.
        """
        wanted = _name_files(sources, settings)
        if wanted is None:
            return None
        path = self.folder / f"{_hash(b''.join(wanted.keys)).hex()}.pixels"
        try:
            images = _find_images(path, wanted.keys)
            if images is None:
                images = self._make_once(path, wanted, verbose)
            return self._read_into_memory(wanted, verbose) if images is None else images
        except _FileChangedError:
            return None
        except OSError as error:
            warnings.warn(
                "The store of pixels must be a folder to write to. Got"
                f" {(error.strerror or str(error)).lower()!r} for {str(self.folder)!r}, so the"
                " images were read without it. Make room, name another folder, or pass"
                " store=None.",
                StoreWarning,
                stacklevel=4,
            )
            return None

    def _make_once(self, path: Path, wanted: _Wanted, verbose: int) -> NDArray[np.uint8] | None:
        """Make a sheet, unless another process, for which this one waits, has; None: no place."""
        _make_folder(self.folder)
        with (
            suppress(_NoPlaceError),
            hold_lock(self.folder / f"{path.name[:2]}.lock"),
            ExitStack() as files,
        ):
            if (images := _find_images(path, wanted.keys)) is not None:
                return images
            draft = self._write_draft(wanted, files, verbose)
            with hold_lock(self.folder / "room.lock"):
                draft.publish(path)
                return _find_images(path, wanted.keys)
        return None

    def _write_draft(self, wanted: _Wanted, files: ExitStack, verbose: int) -> Draft:
        origins = _find_origins(self.folder, wanted.keys, files)
        drafts: list[Draft] = []  # one, once the shape of the images is known

        def keep(index: int, pixels: NDArray[np.uint8]) -> None:
            if not drafts:
                drafts.append(self._begin(wanted.keys, pixels.shape, files))
            drafts[0].add(index, pixels)

        read_each(wanted.sources, partial(_read_image, wanted, origins), keep, verbose=verbose)
        return drafts[0]

    def _begin(self, keys: list[bytes], shape: tuple[int, ...], files: ExitStack) -> Draft:
        n_bytes = sheet_size((len(keys), *shape))
        with hold_lock(self.folder / "room.lock"):
            if not make_room(self.folder, n_bytes, self.max_bytes):
                raise _NoPlaceError
            return files.enter_context(closing(Draft(self.folder, keys, shape)))

    def _read_into_memory(self, wanted: _Wanted, verbose: int) -> NDArray[np.uint8]:
        """Read as without a store, but for what it holds already."""
        images = ImagesInMemory(len(wanted.keys))
        with ExitStack() as files:
            origins = _find_origins(self.folder, wanted.keys, files)
            read = partial(_read_image, wanted, origins)
            read_each(wanted.sources, read, images.add, verbose=verbose)
        return images.finish()


def _name_files(sources: list[ImageSource], settings: Mapping[str, Any]) -> _Wanted | None:
    """Return the keys of a list; None if one of its images is not known by path and times."""
    try:
        stamps = [_take_stamp(source) for source in sources]
        here = os.fsencode(os.getcwd())
        reading = f"{name_decoder()} {sorted(settings.items())} ".encode()
        keys = [
            _hash(reading + f"{stamp} ".encode() + os.path.join(here, os.fsencode(source)))
            for source, stamp in zip(sources, stamps, strict=True)
        ]
    except (OSError, ValueError, TypeError):
        return None
    return _Wanted(sources, stamps, keys, partial(decode_image, **settings))


def _take_stamp(source: ImageSource) -> _Stamp:
    if isinstance(source, bytes):
        raise TypeError("bytes have no time")
    status = os.stat(source)
    # The third changes with any write, even by programs that set the time of the second.
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _make_folder(folder: Path) -> None:
    """Make the folder for its user alone, and ask programs that keep backups to pass it by."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return
    (folder / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=KEY_SIZE).digest()


def _find_images(path: Path, keys: list[bytes]) -> NDArray[np.uint8] | None:
    """Return the map of a sheet that is there and whole."""
    sheet = open_sheet(path)
    if sheet is None:
        return None
    with closing(sheet), suppress(OSError):
        return sheet.map_rows() if sheet.keys == b"".join(keys) else None
    return None


def _find_origins(folder: Path, keys: list[bytes], files: ExitStack) -> _Origins:
    """Return the sheet and the row that hold a key, for the keys that other sheets hold."""
    wanted, found, n_open = set(keys), _Origins(), 0
    for path in list_sheets(folder):
        if not wanted or n_open == _MAX_ORIGINS:
            break
        sheet = open_sheet(path)
        if sheet is None:
            continue
        rows = {key: row for row, key in enumerate(sheet.list_keys()) if key in wanted}
        if not rows:
            sheet.close()
            continue
        files.enter_context(closing(sheet))
        n_open += 1
        found |= {key: (sheet, row) for key, row in rows.items()}
        wanted -= rows.keys()
    return found


def _read_image(wanted: _Wanted, origins: _Origins, index: int) -> NDArray[np.uint8]:
    sheet, row = origins.get(wanted.keys[index], (None, 0))
    if sheet is not None and (pixels := sheet.read_row(row)) is not None:
        return pixels
    source = wanted.sources[index]
    pixels = wanted.decode(source)
    try:
        same = _take_stamp(source) == wanted.stamps[index]
    except OSError:
        same = False
    if not same:
        raise _FileChangedError
    return pixels
