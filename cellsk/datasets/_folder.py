"""list_images: paths, labels and groups of the images in a folder."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np
from sklearn.utils import Bunch

from cellsk._checks import count_noun, name_failures, name_some
from cellsk.datasets._groups import check_group_source, match_groups, take_folder_level
from cellsk.datasets._image_files import ImageFiles, find_images
from cellsk.datasets._labels_csv import read_labels_csv
from cellsk.exceptions import ImageReadWarning

_CLASS_RULE = "folder must contain one sub-folder per class, such as 'benign' and 'malignant'."
_SPLIT_NAMES = {"train", "training", "valid", "validation", "val", "test", "testing"}


def list_images(
    folder: str | os.PathLike[str],
    *,
    labels: str | os.PathLike[str] | bool | None = None,
    classes: Sequence[str] | None = None,
    group_pattern: str | re.Pattern[str] | None = None,
    groups: str | int | None = None,
    verify: bool = False,
) -> Bunch:
    """List the images of a folder with their labels and groups.

    Three layouts are understood: one sub-folder per class, with the images anywhere
    below it; images with a csv file of labels; and images without labels. Nothing is
    guessed and nothing is lost in silence: what does not fit the layout is an error. No
    pixels are read, unless ``verify`` asks for it.

    Parameters
    ----------
    folder : str or path-like
        Folder of PNG, JPEG, TIFF or BMP files, known by their extension in any case.
        Hidden files and folders, ``Thumbs.db``, ``desktop.ini`` and ``__MACOSX`` are left
        out, and so are symbolic links that leave the folder. A file that is reached in
        several ways counts once.

    labels : str, path-like or False, default=None
        Where the labels come from:

        - ``None``: the name of the first sub-folder of each image. A folder without
          sub-folders is unlabelled.
        - path of a csv file with a header, as given or inside of ``folder``. The images are
          in the column named path, filename, file, image or id (else the first), by name or
          relative path, with or without extension; the labels in the column named label,
          class, target, diagnosis or y (else the next). Each image needs one row.
        - ``False``: no labels, whatever the sub-folders.

    classes : sequence of str, default=None
        All classes, in the order in which ``y`` counts them: ``("benign", "malignant")``
        makes malignant 1. ``None`` is alphabetical.

    group_pattern : str or compiled regular expression, default=None
        Searched in the path of each image relative to ``folder``, with forward slashes, to
        find its patient or slide: the named group ``group``, else the first group, else
        all that matched.

    groups : str or int, default=None
        Another source of groups: the name of a column of the csv file, or a folder level.
        0 is the first folder below ``folder``, -1 the folder that holds the image.

    verify : bool, default=False
        Whether to decode each file, and leave out, with one warning, what cannot be.

    Returns
    -------
    images : Bunch
        Dictionary-like, with the attributes

        paths : ndarray of shape (n_samples,), dtype str
            ``folder`` joined with the relative path. Sorted by relative path as plain
            text with forward slashes, so in the same order on every machine.
        y : ndarray of shape (n_samples,), dtype int64, or None
            Index into ``target_names``; ``None`` without labels.
        target_names : list of str, or None
            Names of the classes.
        groups : ndarray of shape (n_samples,), dtype str, or None
            Patient or slide of each image.
        unreadable : list of (str, str), or None
            Path and reason of each file that ``verify`` left out; ``None`` without it.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, PermissionError
        When the folder or the csv file is missing or cannot be opened.
    TypeError, ValueError
        When a parameter is not as described, there is no image or only one class, or the
        layout, the csv file or the pattern does not cover the images.

    Warns
    -----
    ImageReadWarning
        When ``verify`` leaves files out.

    See Also
    --------
    cellsk.preprocessing.ImageReader : Reads the paths into an array.
    cellsk.datasets.make_cells : Draws cells, in this layout if wanted.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from cellsk.datasets import list_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("benign/p1_a.png", "benign/p2_a.png", "malignant/p3_a.png"):
    ...         path = Path(folder) / name
    ...         path.parent.mkdir(exist_ok=True)
    ...         path.touch()
    ...     cells = list_images(folder, group_pattern=r"(p\\d+)_")
    >>> cells.y
    array([0, 0, 1])
    >>> cells.target_names
    ['benign', 'malignant']
    >>> cells.groups
    array(['p1', 'p2', 'p3'], dtype='<U2')
    """
    folder = _check_folder_name(folder)
    csv_path = _check_labels(labels, folder)
    check_group_source(group_pattern, groups, csv_path)
    found = find_images(folder)
    _check_any_image(folder, found)
    names: list[str] | None
    group_names: list[str] | None = None
    if csv_path is not None:
        column = groups if isinstance(groups, str) else None
        names, group_names = read_labels_csv(csv_path, folder, found.paths, column)
    else:
        names = None if labels is False else _read_folder_labels(folder, found, classes)
    if group_pattern is not None:
        group_names = match_groups(group_pattern, found.paths)
    elif groups is not None and not isinstance(groups, str):
        group_names = take_folder_level(groups, found.paths)
    target_names = _order_classes(folder, csv_path, names, classes, found.paths)
    paths = [os.path.join(folder, *path.split("/")) for path in found.paths]
    unreadable = _find_unreadable(paths) if verify else None
    return _pack(paths, names, target_names, group_names, unreadable)


def _pack(
    paths: list[str],
    names: list[str] | None,
    target_names: list[str] | None,
    group_names: list[str] | None,
    unreadable: list[tuple[str, str]] | None,
) -> Bunch:
    """Return the Bunch, without the files that cannot be read."""
    lost = {path for path, _ in unreadable or []}
    kept = np.array([path not in lost for path in paths])
    y = None
    if names is not None and target_names is not None:
        place = {name: index for index, name in enumerate(target_names)}
        y = np.array([place[name] for name in names], dtype=np.int64)
        _check_classes_left(y, kept, target_names, unreadable or [])
        y = y[kept]
    if not kept.any():
        raise ValueError(
            f"At least one image must be readable. Got {count_noun(len(paths), 'image')}, and"
            f" none can be decoded. First: {name_failures(unreadable or [])}. Copy them again."
        )
    if unreadable:
        _warn_unreadable(unreadable, len(paths))
    return Bunch(
        paths=np.array(paths)[kept],
        y=y,
        target_names=target_names,
        groups=None if group_names is None else np.array(group_names)[kept],
        unreadable=unreadable,
    )


# Parameters -------------------------------------------------------------------------


def _check_folder_name(folder: str | os.PathLike[str]) -> str:
    if not isinstance(folder, (str, os.PathLike)) or not isinstance(os.fspath(folder), str):
        raise TypeError(
            f"folder must be a str or Path. Got {folder!r} ({type(folder).__name__}). Pass the"
            " folder that holds the images."
        )
    return os.fspath(folder)


def _check_labels(labels: object, folder: str) -> str | None:
    """Return the path of the csv file, if labels come from one."""
    if labels is None or labels is False:
        return None
    if not isinstance(labels, (str, os.PathLike)):
        raise TypeError(
            "labels must be the path of a csv file, None (one sub-folder per class), or False"
            f" (no labels). Got {labels!r}. Pass one of these."
        )
    inside = os.path.join(folder, labels)
    if not os.path.exists(labels) and os.path.exists(inside):
        return os.fspath(inside)
    return os.fspath(labels)


def _check_any_image(folder: str, found: ImageFiles) -> None:
    if found.paths:
        return
    links = count_noun(found.n_outside, "symbolic link")
    raise ValueError(
        f"folder must contain images: png, jpg, jpeg, tif, tiff or bmp. Got {folder!r}, with"
        f" {count_noun(found.n_other, 'other file')} and no image"
        f"{f', not counting {links} out of it' if found.n_outside else ''}. Pass the folder that"
        " holds the images."
    )


# Labels -----------------------------------------------------------------------------


def _read_folder_labels(
    folder: str, found: ImageFiles, classes: Sequence[str] | None
) -> list[str] | None:
    """Return the first folder of each path, or None if there are no folders."""
    if not found.folders and classes is None:
        return None
    if not found.folders:
        raise ValueError(
            f"{_CLASS_RULE} Got {folder!r}, with {count_noun(len(found.paths), 'file')} and no"
            " sub-folder. Pass labels='labels.csv', or the folder above."
        )
    beside = [path for path in found.paths if "/" not in path]
    if beside:
        raise ValueError(
            f"{_CLASS_RULE} Got {folder!r}, with {count_noun(len(beside), 'image')} beside the"
            f" sub-folders. First: {beside[0]!r}. Move them into a class, or pass labels=False"
            " to list all without labels."
        )
    names = [path.split("/")[0] for path in found.paths]
    empty = sorted(set(found.folders) - set(names))
    if empty:
        raise ValueError(
            f"{_CLASS_RULE} Got {folder!r}, where {name_some(empty)} hold"
            f"{'s' if len(empty) == 1 else ''} no image. Add its images, or move it away."
        )
    if classes is None and len(set(names)) > 1 and {n.lower() for n in names} <= _SPLIT_NAMES:
        raise ValueError(
            f"{_CLASS_RULE} Got {folder!r}, with {name_some(found.folders)}, which look like"
            f" splits, not classes. Pass one of them: {os.path.join(folder, names[0])!r}."
        )
    return names


def _order_classes(
    folder: str,
    csv_path: str | None,
    names: list[str] | None,
    classes: Sequence[str] | None,
    paths: list[str],
) -> list[str] | None:
    """Return the names of the classes in the order of ``y``."""
    if names is None:
        if classes is not None:
            raise ValueError(
                f"classes must be left out where there are no labels. Got {classes!r} and"
                " labels=False. Pass one of them."
            )
        return None
    ordered = None if classes is None else _check_classes(classes)
    found = sorted(set(names))
    if len(found) == 1:
        raise _describe_one_class(folder, csv_path, found[0], paths)
    if ordered is not None and sorted(ordered) != found:
        raise ValueError(
            f"classes must name all classes in {csv_path or folder!r}, and no other. Got"
            f" {tuple(ordered)}, and found {tuple(found)}. Pass classes={tuple(found)} in the"
            " order you want."
        )
    return ordered or found


def _check_classes(classes: Sequence[str]) -> list[str]:
    if isinstance(classes, str) or not isinstance(classes, (Sequence, np.ndarray)):
        raise TypeError(
            "classes must be a sequence of names, such as ('benign', 'malignant'). Got"
            f" {classes!r}. Pass a tuple or list."
        )
    ordered = [str(name) for name in classes]
    twice = [name for name, count in Counter(ordered).items() if count > 1]
    if twice:
        raise ValueError(
            f"classes must name each class once. Got {tuple(ordered)}, with {name_some(twice)}"
            " more than once. Remove the repetition."
        )
    return ordered


def _describe_one_class(
    folder: str, csv_path: str | None, name: str, paths: list[str]
) -> ValueError:
    below = {path.split("/")[1] for path in paths if path.count("/") > 1}
    remedy = "Add the other class, or pass labels=False to list the images without labels."
    if csv_path is None and len(below) > 1:
        remedy += f" If the classes are below {name!r}, pass {os.path.join(folder, name)!r}."
    return ValueError(
        f"Images of at least two classes must be there. Got {csv_path or folder!r}, with"
        f" {count_noun(len(paths), 'image')}, all of class {name!r}: nothing can be told apart,"
        f" and a model that always says {name!r} would score 100 %. {remedy}"
    )


# Verification -----------------------------------------------------------------------


def _find_unreadable(paths: list[str]) -> list[tuple[str, str]]:
    """Return path and reason of each file that cannot be decoded."""
    from cellsk._codec import DecodeError, verify_image

    unreadable = []
    for path in paths:
        try:
            verify_image(path)
        except DecodeError as error:
            unreadable.append((path, str(error)))
    return unreadable


def _check_classes_left(
    y: np.ndarray, kept: np.ndarray, target_names: list[str], unreadable: list[tuple[str, str]]
) -> None:
    lost = [name for index, name in enumerate(target_names) if not kept[y == index].any()]
    if lost:
        raise ValueError(
            f"Each class must keep at least one readable image. Got {name_some(lost)} with none."
            f" First: {name_failures(unreadable)}. Copy the files again from where they came."
        )


def _warn_unreadable(unreadable: list[tuple[str, str]], n_images: int) -> None:
    warnings.warn(
        f"{len(unreadable):,} of {count_noun(n_images, 'image')} cannot be decoded, and are left"
        f" out. First: {name_failures(unreadable)}. All are in the attribute unreadable.",
        ImageReadWarning,
        stacklevel=4,
    )
