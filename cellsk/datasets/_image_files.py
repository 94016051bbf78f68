"""Search for the image files below a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from cellsk._codec import EXTENSIONS

_CLUTTER = {"thumbs.db", "__macosx", "desktop.ini"}


@dataclass
class ImageFiles:
    """Image files and sub-folders of a folder.

    Attributes
    ----------
    paths : list of str
        Image files, relative to the folder, with forward slashes, sorted as plain text.
    folders : list of str
        Sub-folders of the first level, sorted.
    n_other : int
        Number of other files.
    n_outside : int
        Number of symbolic links that lead out of the folder, or nowhere. They are not followed.
    """

    paths: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    n_other: int = 0
    n_outside: int = 0


def find_images(folder: str) -> ImageFiles:
    """Return the image files below ``folder``, each once, in the same order on every machine.

    Hidden files and folders, ``Thumbs.db``, ``desktop.ini`` and ``__MACOSX`` are ignored.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, PermissionError
        If the folder, or one below it, cannot be listed.
    """
    _check_folder(folder)
    search = _Search(folder)
    search.walk("", search.root)
    search.follow_links()
    search.found.paths.sort()
    search.found.folders.sort()
    return search.found


def _check_folder(folder: str) -> None:
    rule = f"folder must be an existing folder of images. Got {folder!r}, which"
    if not os.path.exists(folder):
        raise FileNotFoundError(
            f"{rule} does not exist. Check the path, which starts at the current folder."
        )
    if not os.path.isdir(folder):
        raise NotADirectoryError(f"{rule} is a file. Pass the folder that holds it.")


class _Search:
    """One walk over a folder: first its files, then the targets of its links."""

    def __init__(self, folder: str) -> None:
        self.root = os.path.realpath(folder)
        self.found = ImageFiles()
        self._seen: set[str] = set()
        self._links: list[tuple[str, str]] = []

    def walk(self, relative: str, real: str) -> None:
        """Add the files of the folder ``real`` under the name ``relative``."""
        self._seen.add(real)
        if relative and "/" not in relative:
            self.found.folders.append(relative)
        for entry in _list_folder(real):
            inner = f"{relative}/{entry.name}" if relative else entry.name
            if entry.name.startswith(".") or entry.name.lower() in _CLUTTER:
                continue
            if entry.is_symlink():
                self._links.append((inner, entry.path))
            elif entry.is_dir():
                if entry.path not in self._seen:
                    self.walk(inner, entry.path)
            elif entry.is_file():
                self._add_file(inner, entry.path)

    def follow_links(self) -> None:
        """Add the targets of the links that are in the folder and not yet added."""
        while self._links:
            batch, self._links = sorted(self._links), []
            for relative, link in batch:
                self._follow_link(relative, os.path.realpath(link))

    def _follow_link(self, relative: str, real: str) -> None:
        if not real.startswith(os.path.join(self.root, "")) and real != self.root:
            self.found.n_outside += 1
        elif os.path.isdir(real):
            if real not in self._seen:
                self.walk(relative, real)
        elif os.path.isfile(real):
            self._add_file(relative, real)
        else:
            self.found.n_outside += 1

    def _add_file(self, relative: str, real: str) -> None:
        if not relative.lower().endswith(EXTENSIONS):
            self.found.n_other += 1
        elif real not in self._seen:
            self._seen.add(real)
            self.found.paths.append(relative)


def _list_folder(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except PermissionError:
        raise PermissionError(
            f"Every sub-folder must be readable. Got {folder!r}, which this user may not open."
            " Change its permissions, or move it away."
        ) from None
