"""A folder of decoded pixels, shared by folds, candidates and processes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsk._codec import ImageSource, name_decoder
from cellsk._config import is_on
from cellsk._files import make_private_folder
from cellsk._image_bytes import take_stamp
from cellsk.exceptions import InputError, InputTypeError, StoreWarning
from cellsk.preprocessing._pixel_file import (
    KEY_SIZE,
    PixelDraft,
    PixelFile,
    file_size,
    open_pixel_file,
)
from cellsk.preprocessing._sources import ImagesInMemory, read_each
from cellsk.preprocessing._store_files import free_space, hold_lock, list_pixel_files

__all__ = ["Decode", "Store", "check_store", "open_store"]

_MAX_OPEN_FILES = 16  # to copy rows from

Decode: TypeAlias = Callable[[ImageSource], NDArray[np.uint8]]
_Stamp: TypeAlias = tuple[int, ...]
_StoredRows: TypeAlias = dict[bytes, tuple[PixelFile, int]]


class _FileChangedError(Exception):
    """A file has changed since its key was computed."""


class _NoSpaceError(Exception):
    """A list does not fit into the store."""


class _ImageList(NamedTuple):
    """A list of image files with their keys, and how to decode one of them."""

    sources: list[Any]
    stamps: list[_Stamp]
    keys: list[bytes]
    decode: Decode
    verbose: int


def check_store(store: Any) -> None:
    """Raise unless ``store`` can be the path of a folder, or None.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or empty.
    """
    rule = "must be the path of a folder, or None"
    if store is not None and not isinstance(store, str | os.PathLike):
        raise InputTypeError(rule, repr(store), parameter="store")
    if store == "":
        raise InputError(
            rule, "''", "Pass '.' for the current folder.", parameter="store", code="store-empty"
        )


def open_store(folder: str | os.PathLike[str] | None, max_bytes: int) -> Store | None:
    """Return the store in a folder. Return None without a folder, or if stores are off.

    Raises
    ------
    NotADirectoryError
        If the path is not a folder.
    ValueError
        If the environment variable is neither "on" nor "off".
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
    """A folder of pixel files, each with the pixels of one list of images.

    Attributes
    ----------
    folder : Path
        Created when it is first needed, for its owner only.
    max_bytes : int
        Limit of the total size of its files.
    """

    folder: Path
    max_bytes: int

    def read(
        self,
        sources: list[ImageSource],
        settings: Mapping[str, Any],
        decode: Decode,
        *,
        verbose: int = 0,
        in_memory: bool = True,
    ) -> NDArray[np.uint8] | None:
        """Return the images as a read-only map of a pixel file, which is written if missing.

        Parameters
        ----------
        sources : list of (str, path-like or bytes)
            The images.
        settings : mapping
            All settings that change the pixels of an image.
        decode : callable
            Returns the pixels of one source.
        verbose : int, default=0
            1 or more shows a progress bar while files are decoded.
        in_memory : bool, default=True
            Whether to return an array in memory if the list exceeds ``max_bytes``.

        Returns
        -------
        images : ndarray of shape (n_images, height, width, channels) or None
            None if the store cannot keep the list: if it holds bytes, if files are missing
            or change meanwhile, or if the folder cannot be written.

        Raises
        ------
        ImageReadError, ValueError
            As `read_each`.

        Warns
        -----
        StoreWarning
            If the folder cannot be written.
        """
        images = _list_keys(sources, settings, decode, verbose)
        if images is None:
            return None
        path = self.folder / f"{_hash(b''.join(images.keys)).hex()}.pixels"
        try:
            found = _find_images(path, images.keys)
            if found is None:
                found = self._write_once(path, images)
            return self._read_into_memory(images) if found is None and in_memory else found
        except _FileChangedError:
            return None
        except OSError as error:
            self._warn(error)
            return None

    def _warn(self, error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        warnings.warn(
            StoreWarning(
                "The store of pixels must be a folder that can be written",
                f"{reason!r} for {str(self.folder)!r}, so the images are read without it",
                "Free some space, name another folder, or pass store=None.",
                code="store-unwritable",
                values={"folder": str(self.folder), "reason": reason},
            ),
            stacklevel=5,
        )

    def _write_once(self, path: Path, images: _ImageList) -> NDArray[np.uint8] | None:
        """Write a pixel file, or wait for the process that writes it. Return None without space."""
        make_private_folder(self.folder)
        with (
            suppress(_NoSpaceError),
            hold_lock(self.folder / f"{path.name[:2]}.lock"),
            ExitStack() as files,
        ):
            if (found := _find_images(path, images.keys)) is not None:
                return found
            draft = self._write_draft(images, files)
            with hold_lock(self.folder / "space.lock"):
                draft.publish(path)
                return _find_images(path, images.keys)
        return None

    def _write_draft(self, images: _ImageList, files: ExitStack) -> PixelDraft:
        stored = _find_rows(self.folder, images.keys, files)
        drafts: list[PixelDraft] = []  # one, as soon as the shape of the images is known

        def keep(index: int, pixels: NDArray[np.uint8]) -> None:
            if not drafts:
                drafts.append(self._begin(images.keys, pixels.shape, files))
            drafts[0].add(index, pixels)

        _read_list(images, stored, keep)
        return drafts[0]

    def _begin(self, keys: list[bytes], shape: tuple[int, ...], files: ExitStack) -> PixelDraft:
        n_bytes = file_size((len(keys), *shape))
        with hold_lock(self.folder / "space.lock"):
            if not free_space(self.folder, n_bytes, self.max_bytes):
                raise _NoSpaceError
            return files.enter_context(closing(PixelDraft(self.folder, keys, shape)))

    def _read_into_memory(self, images: _ImageList) -> NDArray[np.uint8]:
        """Return the images as an array. Rows that other lists hold are not decoded again."""
        array = ImagesInMemory(len(images.keys))
        with ExitStack() as files:
            _read_list(images, _find_rows(self.folder, images.keys, files), array.add)
        return array.finish()


def _list_keys(
    sources: list[ImageSource], settings: Mapping[str, Any], decode: Decode, verbose: int
) -> _ImageList | None:
    """Return the keys of a list, or None if an image cannot be identified by path and time."""
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
    return _ImageList(sources, stamps, keys, decode, verbose)


def _take_stamp(source: ImageSource) -> _Stamp:
    if isinstance(source, bytes):
        raise TypeError("bytes have no time")
    return take_stamp(source)


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=KEY_SIZE).digest()


def _find_images(path: Path, keys: list[bytes]) -> NDArray[np.uint8] | None:
    """Return the map of an undamaged pixel file with these keys."""
    file = open_pixel_file(path)
    if file is None:
        return None
    with closing(file), suppress(OSError):
        return file.map_rows() if file.keys == b"".join(keys) else None
    return None


def _find_rows(folder: Path, keys: list[bytes], files: ExitStack) -> _StoredRows:
    """Return the pixel file and the row of each key that the store holds already."""
    missing, found, n_open = set(keys), _StoredRows(), 0
    for path in list_pixel_files(folder):
        if not missing or n_open == _MAX_OPEN_FILES:
            break
        file = open_pixel_file(path)
        if file is None:
            continue
        rows = {key: row for row, key in enumerate(file.list_keys()) if key in missing}
        if not rows:
            file.close()
            continue
        files.enter_context(closing(file))
        n_open += 1
        found |= {key: (file, row) for key, row in rows.items()}
        missing -= rows.keys()
    return found


def _read_list(
    images: _ImageList, stored: _StoredRows, keep: Callable[[int, NDArray[np.uint8]], None]
) -> None:
    all_stored = len(stored) == len(set(images.keys))
    read_each(
        images.sources,
        lambda index: _read_image(images, stored, index),
        keep,
        verbose=None if all_stored else images.verbose,
    )


def _read_image(images: _ImageList, stored: _StoredRows, index: int) -> NDArray[np.uint8]:
    file, row = stored.get(images.keys[index], (None, 0))
    if file is not None and (pixels := file.read_row(row)) is not None:
        return pixels
    source = images.sources[index]
    pixels = images.decode(source)
    try:
        same = _take_stamp(source) == images.stamps[index]
    except OSError:
        same = False
    if not same:
        raise _FileChangedError
    return pixels
