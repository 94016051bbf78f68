"""Search for the image files below a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from cellsk.datasets._image_kinds import classify_file, has_image_name, is_clutter


@dataclass
class ImageFiles:
    """Image files and sub-folders of a folder.

    Attributes
    ----------
    paths : list of str
        Image files, relative to the folder, with forward slashes, sorted as plain text.
    folders : list of str
        Sub-folders of the first level, sorted.
    unread : list of str
        Image files of kinds that are not read, sorted.
    n_other : int
        Number of other files.
    links_left : list of str
        Symbolic links that are not followed, although they lead to a folder or an image: out of
        the folder, or, if these are followed, to a folder above it or one that is listed already.
    links_repeated : list of str
        Symbolic links to an image or a folder that is listed already below another first folder,
        which may be another class.
    links_broken : list of str
        Symbolic links that lead nowhere.
    """

    paths: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    n_other: int = 0
    links_left: list[str] = field(default_factory=list)
    links_repeated: list[str] = field(default_factory=list)
    links_broken: list[str] = field(default_factory=list)

    def add(self, path: str, kind: str) -> None:
        """Add a file of a kind that `classify_file` returned."""
        if kind == "read":
            self.paths.append(path)
        elif kind == "unread":
            self.unread.append(path)
        else:
            self.n_other += 1


def find_images(folder: str, *, follow_links: bool = False) -> ImageFiles:
    """Return the image files below ``folder``, each once, in the same order on every machine.

    Hidden files and folders, and those of operating and storage systems, such as ``Thumbs.db``
    and ``@eaDir``, are ignored.

    Raises
    ------
    FileNotFoundError, PermissionError
        If the folder, or one below it, cannot be listed.
    """
    _check_folder(folder)
    search = _Search(folder, follow_links)
    search.walk("", search.root)
    search.follow_links()
    search.add_linked_files()
    found = search.found
    for names in (found.paths, found.folders, found.unread):
        names.sort()
    for names in (found.links_left, found.links_repeated, found.links_broken):
        names.sort()
    return found


def _check_folder(folder: str) -> None:
    rule = f"folder must be an existing folder of images. Got {folder!r}, which"
    if not os.path.exists(folder):
        raise FileNotFoundError(
            f"{rule} does not exist. Check the path, which starts at the current folder."
        )


class _Search:
    """One walk over a folder: first its files, then the targets of its links."""

    def __init__(self, folder: str, follow_outside: bool) -> None:
        self.root = os.path.realpath(folder)
        self.found = ImageFiles()
        self._follow_outside = follow_outside
        self._seen: set[str] = set()
        self._links: list[tuple[str, str]] = []
        self._linked: list[tuple[str, str]] = []

    def walk(self, relative: str, real: str) -> None:
        """Add the files of the folder ``real`` under the name ``relative``."""
        self._seen.add(real)
        if relative and "/" not in relative:
            self.found.folders.append(relative)
        for entry in _list_folder(real):
            inner = f"{relative}/{entry.name}" if relative else entry.name
            if is_clutter(entry.name):
                continue
            if entry.is_symlink():
                self._links.append((inner, entry.path))
            elif entry.is_dir():
                if entry.path not in self._seen:
                    self.walk(inner, entry.path)
            elif entry.is_file():
                self._seen.add(entry.path)
                self._add_file(inner, entry.path)

    def follow_links(self) -> None:
        """Follow the links to folders that are not yet listed, and collect those to files."""
        while self._links:
            batch, self._links = sorted(self._links), []
            for relative, link in batch:
                self._follow_link(relative, os.path.realpath(link))

    def add_linked_files(self) -> None:
        """Add each link to a file that is not in the list under its own name.

        Stores such as git-annex keep equal files once: each link is an image of the data set.
        """
        for relative, real in self._linked:
            if real not in self._seen:
                self._add_file(relative, real)
            else:
                self._note_repeated(relative, real)

    def _follow_link(self, relative: str, real: str) -> None:
        inside = real == self.root or real.startswith(os.path.join(self.root, ""))
        if os.path.isdir(real):
            self._follow_folder(relative, real, inside)
        elif not os.path.isfile(real):
            self.found.links_broken.append(relative)
        elif inside or self._follow_outside:
            self._linked.append((relative, real))
        elif has_image_name(relative) or has_image_name(real):
            self.found.links_left.append(relative)
        else:
            self.found.n_other += 1

    def _follow_folder(self, relative: str, real: str, inside: bool) -> None:
        above = self.root.startswith(os.path.join(real, ""))
        if real not in self._seen and not above and (inside or self._follow_outside):
            self.walk(relative, real)
        elif not inside:
            self.found.links_left.append(relative)
        elif real != self.root:
            self._note_repeated(relative, real)

    def _note_repeated(self, relative: str, real: str) -> None:
        """Note a link whose target is listed below another first folder."""
        target = os.path.relpath(real, self.root).split(os.sep)[0]
        if relative.split("/")[0] != target:
            self.found.links_repeated.append(relative)

    def _add_file(self, relative: str, real: str) -> None:
        self.found.add(relative, classify_file(relative.rsplit("/")[-1], real))


def _list_folder(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except PermissionError:
        raise PermissionError(
            f"Every sub-folder must be readable. Got {folder!r}, which this user may not open."
            " Change its permissions, or move it away."
        ) from None
