"""Folders, zip files and single files that hold images."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cellsk._checks import count_noun, name_some
from cellsk._zip_files import list_zip, split_zip_path
from cellsk.datasets._image_files import ImageFiles, find_images
from cellsk.datasets._image_kinds import (
    classify_file,
    has_image_name,
    has_read_name,
    is_clutter,
)
from cellsk.exceptions import InputError, InputTypeError

__all__ = ["ImageSource", "check_inputs", "find_sources", "make_relative"]

_RULE = "must be an existing folder of images, a zip file of them, or an image"


@dataclass
class ImageSource:
    """The images of one folder, of one zip file, or of all single files.

    Attributes
    ----------
    name : str
        The folder, the zip file, or the first of the files.
    found : ImageFiles
        Their paths are relative to the folder. A single file has that of the folder that it is in,
        with its name: ``"benign/a.png"``.
    paths : list of str
        Path of each image.
    are_files : bool
        Whether the images are single files.
    """

    name: str
    found: ImageFiles
    paths: list[str]
    are_files: bool = False


def check_inputs(folder: Any) -> list[str]:
    """Return one path, or several, as a list.

    Raises
    ------
    TypeError, ValueError
        If it is something else.
    """
    single = isinstance(folder, str | os.PathLike)
    items = [folder] if single or not hasattr(folder, "__iter__") else list(folder)
    for item in items:
        if not isinstance(item, str | os.PathLike) or not isinstance(os.fspath(item), str):
            raise InputTypeError(
                "must be a str or Path, or a list of them",
                f"{item!r} ({type(item).__name__})",
                "Pass the folder that holds the images.",
                parameter="folder",
            )
    if not items:
        raise InputError(_RULE, "an empty list", "Pass at least one.", parameter="folder")
    return [os.fspath(item) for item in items]


def find_sources(inputs: Sequence[str], *, follow_links: bool = False) -> list[ImageSource]:
    """Return the images of all inputs, each of which is listed once.

    Raises
    ------
    FileNotFoundError, PermissionError
        If an input does not exist or cannot be opened.
    ValueError
        If it is neither a folder, a zip file nor an image, or holds images of another one.
    """
    sources, files = [], []
    for path in inputs:
        if has_read_name(path) and os.path.isfile(path):
            files.append(path)
        elif os.path.isdir(path) or (not os.path.exists(path) and split_zip_path(path) is None):
            found = find_images(path, follow_links=follow_links)
            sources.append(ImageSource(path, found, _join(path, found.paths)))
        elif (place := split_zip_path(path)) is not None and not _is_file_in_zip(*place):
            sources.append(_find_zipped(path, *place))
        else:
            files.append(path)
    if files:
        sources.append(_describe_files(files))
    if len(sources) > 1 or files:
        _check_once([path for source in sources for path in source.paths])
    return sources


def _join(folder: str, paths: list[str]) -> list[str]:
    return [os.path.join(folder, *path.split("/")) for path in paths]


def _is_file_in_zip(outer: str, inner: str) -> bool:
    return bool(inner) and inner in list_zip(outer)


def _find_zipped(path: str, outer: str, inner: str) -> ImageSource:
    """Return the images below a folder in a zip file.

    A zip file often has one folder at the top, with its name. This is then the folder.
    """
    prefix = f"{inner}/" if inner else ""
    names = [name.removeprefix(prefix) for name in list_zip(outer) if name.startswith(prefix)]
    if not names:
        raise FileNotFoundError(
            f"folder {_RULE}. Got {path!r}, which is not in the zip file {outer!r}."
        )
    names = [name for name in names if not any(map(is_clutter, name.split("/")))]
    stem = os.path.splitext(os.path.basename(outer))[0]
    images = [name for name in names if has_image_name(name)]
    if not inner and images and all(name.startswith(f"{stem}/") for name in images):
        path = os.path.join(path, stem)
        names = [name.removeprefix(f"{stem}/") for name in names if name.startswith(f"{stem}/")]
    found = ImageFiles(folders=sorted({name.split("/")[0] for name in names if "/" in name}))
    for name, full in sorted(zip(names, _join(path, names), strict=True)):
        found.add(name, classify_file(name.split("/")[-1], full))
    return ImageSource(path, found, _join(path, found.paths))


def _describe_files(files: list[str]) -> ImageSource:
    found = ImageFiles()
    paths = []
    folders = {here: os.path.realpath(here) for here in set(map(os.path.dirname, files))}
    for path in files:
        if classify_file(os.path.basename(path), path) != "read" or not _is_regular(path):
            raise InputError(
                _RULE,
                f"{path!r}, which is another file",
                "Pass an image, or the folder that holds it.",
                parameter="folder",
                code="not-images",
            )
        here, name = os.path.split(path)
        found.paths.append(f"{os.path.basename(folders[here])}/{name}")
        paths.append(path)
    found.folders = sorted({name.split("/")[0] for name in found.paths})
    return ImageSource(files[0], found, paths, are_files=True)


def _is_regular(path: str) -> bool:
    """Return whether a path is a regular file, or one in a zip file, and not a pipe or a device."""
    return os.path.isfile(path) or not os.path.exists(path)


def _check_once(paths: list[str]) -> None:
    """Refuse images that are in several inputs."""
    folders = {here: os.path.realpath(here) for here in set(map(os.path.dirname, paths))}
    places: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        here, name = os.path.split(path)
        places[os.path.normcase(os.path.join(folders[here], name))].append(path)
    twice = [same for same in places.values() if len(same) > 1]
    if twice:
        raise InputError(
            "Each image must be listed once",
            f"{count_noun(len(twice), 'image')} more than once. First: {name_some(twice[0])}",
            "Leave out the folder or file that is inside of another one.",
            code="images-repeated",
        )


def make_relative(path: str, folders: Sequence[str]) -> str:
    """Return a path relative to the folder that it is in, with forward slashes."""
    for folder in folders:
        prefix = os.path.join(folder, "")
        if path.startswith(prefix):
            return path.removeprefix(prefix).replace(os.sep, "/")
    return path.replace(os.sep, "/")
