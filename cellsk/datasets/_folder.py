"""Paths, labels and groups of the images in a folder."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from cellsk._checks import count_noun, name_failures, name_some, pick_form, show_value
from cellsk._class_words import warn_class_names
from cellsk._columns import warn_patient_names
from cellsk.datasets._classes import (
    match_names,
    order_classes,
    read_folder_labels,
    warn_unique_labels,
)
from cellsk.datasets._csv_table import ImageLookup, locate_csv
from cellsk.datasets._groups import check_group_source, match_groups, read_folder_level
from cellsk.datasets._image_files import ImageFiles
from cellsk.datasets._image_warnings import name_endings, warn_left_out
from cellsk.datasets._labels_csv import CsvColumns, CsvLabels, read_labels_csv
from cellsk.datasets._sources import ImageSource, check_inputs, find_sources
from cellsk.datasets._split_names import check_class_values, warn_class_folders
from cellsk.exceptions import ImageReadWarning, InputError, InputTypeError

__all__ = ["list_images"]

_SETTINGS = {"page", "value_range", "max_pixels"}  # of a reader, which decide what it refuses
_MOST_NAMED = 10  # files that were left out


def list_images(
    folder: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    labels: str | os.PathLike[str] | bool | None = None,
    label_column: str | None = None,
    image_column: str | None = None,
    classes: Sequence[str] | None = None,
    group_pattern: str | re.Pattern[str] | None = None,
    groups: str | int | None = None,
    verify: Any = False,
    follow_links: bool = False,
) -> Bunch:
    """List the images of a folder with their labels and groups.

    Three layouts are supported: one sub-folder per class, with the images anywhere below
    it; images with a csv file of labels; and images without labels. Nothing is guessed, and
    no image is silently left out: files that do not fit the layout raise an error. Folders such
    as ``train`` and ``test`` are not classes, unless ``classes`` names them. Pixels are read only
    with ``verify``.

    Parameters
    ----------
    folder : str or path-like, or a sequence of them
        Folder of PNG, JPEG, TIFF, BMP, WebP or JPEG 2000 files, recognized by their extension
        in upper or lower case. A file without an extension, or with that of an image of another
        kind, is recognized by its first bytes. Images of other kinds, such as GIF or DICOM, are
        left out with one warning. Hidden files and folders, and those of operating and storage
        systems, such as ``Thumbs.db`` and ``@eaDir``, are ignored. A link to a file or folder
        that is listed already adds nothing; if that is in another class, a warning counts it.

        A zip file of such a folder is read in place: nothing is extracted, and its images have
        paths such as ``data.zip/benign/a.png``. An image is in the class of the folder that it is
        in. Several folders, zip files and images are joined: classes have the same name
        everywhere, and each image must be in one of them only. Single images come last.

    labels : str, path-like or False, default=None
        Source of the labels:

        - ``None``: the name of the first sub-folder of each image. A folder without
          sub-folders is unlabeled.
        - path of a csv file with a header, as given or inside of ``folder``. Each image needs
          one row, which names it by name or relative path, with or without extension. Its
          label is in one column, or in a one-hot table: columns of 0 and 1, with exactly one 1
          in each row. The class is then the name of the column.
        - ``False``: no labels. Sub-folders are then not classes.

    label_column : str, default=None
        Column of the csv file that holds the labels. ``None`` takes a column with a known name:
        label, class, target, diagnosis, category, or y if there is no x. It is an error if two
        such columns do not agree. Without one, it takes the only
        column left after images, patients, sites, coordinates, splits and persons. Else the
        columns left are a one-hot table, or it is an error.

    image_column : str, default=None
        Column of the csv file that names the images. ``None`` takes a column with a known name,
        such as path, filename, image_id or id; else the only column whose cells all name images.

    classes : sequence of str, default=None
        All classes, in the order of their codes in ``y``: with ``("benign", "malignant")``
        malignant is 1. A class may have no image: for a test set, pass the ``target_names`` of
        the training set, so that the codes are the same. ``None`` sorts the classes that are
        found alphabetically.

    group_pattern : str or compiled regular expression, default=None
        Searched in the path of each image relative to ``folder``, with forward slashes, to
        find its patient or slide: the text inside the first parentheses, or inside
        ``(?P<group>...)``, or without parentheses the whole match. ``r"(P\\d+)"`` finds ``P01``
        in ``benign/P01-S1-0047.png``.

    groups : str or int, default=None
        Another source of groups: the name of a column of the csv file, or a folder level.
        0 is the first folder below ``folder``, -1 the folder that contains the image.

    verify : bool or ImageReader, default=False
        Whether to decode each file, and leave out those that an :class:`ImageReader` refuses, with
        one warning: damaged files, and those that need a setting, such as a page. True is a reader
        with its defaults. Pass your own reader if it has such settings.

    follow_links : bool, default=False
        Whether to follow symbolic links that lead out of the folder, as those of git-annex, DVC
        and shared storage do. Loops end: links to a folder above ``folder`` are not followed.
        Links that are not followed give one warning with their number.

    Returns
    -------
    images : Bunch
        Dictionary-like, with the attributes

        paths : ndarray of shape (n_samples,), dtype str
            ``folder`` joined with the relative path. Sorted by relative path as plain
            text with forward slashes, so the order is the same on every machine.
        folders : list of str
            The folders, zip files, or folders in them, to which paths are relative.
        y : ndarray of shape (n_samples,), dtype int64, or None
            Index into ``target_names``; ``None`` without labels.
        target_names : list of str, or None
            Names of the classes.
        label_columns : list of str, or None
            Columns of the csv file that hold the labels; ``None`` without one.
        groups : ndarray of shape (n_samples,), dtype str, or None
            Patient or slide of each image.
        unreadable : list of (str, str), or None
            Path and reason of each file that ``verify`` left out; ``None`` without it.
        not_read : list of str
            Paths of the image files of kinds that are not read.

    Raises
    ------
    FileNotFoundError, PermissionError
        If the folder or the csv file is missing or cannot be opened.
    TypeError, ValueError
        If a parameter is not as described, there is no image or only one class without
        ``classes``, or the layout, the csv file or the pattern does not cover the images.

    Warns
    -----
    ImageReadWarning
        If files are left out: by ``verify``, because they are of a kind that is not read, or
        behind symbolic links.
    LabelWarning
        If names of classes or of patients are nearly equal, such as "Benign" and "benign", or
        classes look like patients, such as "P01" and "P02".
    SplitWarning
        If the folders of the classes hold splits, such as "train" and "test".

    See Also
    --------
    cellsk.preprocessing.ImageReader : Reads the paths into an array.
    cellsk.datasets.make_cells : Draws cells, optionally as files in this layout.

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
    inputs = check_inputs(folder)
    csv_path = _check_labels(labels, inputs)
    check_group_source(group_pattern, groups, csv_path)
    _check_verify(verify)
    named = CsvColumns(image_column, label_column, groups if isinstance(groups, str) else None)
    _check_columns(named, csv_path)
    sources = find_sources(inputs, follow_links=follow_links)
    for source in sources:
        warn_left_out(source.name, source.found, follow_links=follow_links)
        _check_any_image(source.name, source.found)
    relative = [path for source in sources for path in source.found.paths]
    names: list[str] | None
    group_names: list[str] | None
    if csv_path is not None:
        names, group_names, columns = _read_csv(csv_path, sources, named, classes)
    else:
        names = None if labels is False else _read_folders(sources, classes, groups)
        group_names = columns = None
    if group_pattern is not None:
        group_names = match_groups(group_pattern, relative)
    elif groups is not None and not isinstance(groups, str):
        group_names = _read_level(groups, relative, names)
    names = match_names(names, classes)
    target_names = order_classes(sources[0].name, csv_path, names, classes, relative)
    if classes is None:
        _warn_classes(target_names, names, None if csv_path else relative, named)
    if group_names is not None:
        warn_patient_names(group_names)
    paths = [path for source in sources for path in source.paths]
    unreadable = _find_unreadable(paths, verify) if verify is not False else None
    listed = _pack(paths, names, target_names, group_names, unreadable)
    listed.label_columns = columns
    listed.not_read = [
        os.path.join(source.name, *path.split("/"))
        for source in sources
        for path in source.found.unread
    ]
    listed.folders = [source.name for source in sources if not source.are_files]
    return listed


def _read_level(level: int, paths: list[str], names: list[str] | None) -> list[str]:
    """Return the folder of each image at a level, which must not be that of the classes."""
    groups = read_folder_level(level, paths)
    if groups == names:
        raise InputError(
            "must be a folder level of patients",
            f"{level}, which is the level of the classes",
            "Pass another level: 1 is the folder below, -1 the one that contains the image.",
            parameter="groups",
            code="groups-are-classes",
        )
    return groups


def _warn_classes(
    target_names: list[str] | None,
    names: list[str] | None,
    folders: Sequence[str] | None,
    named: CsvColumns,
) -> None:
    """Warn of labels that may not be classes. ``folders`` are paths of images in class folders."""
    warn_class_names(target_names or [], stacklevel=4)
    warn_unique_labels(names or [], stacklevel=4)
    if named.label is None:
        warn_class_folders(target_names or [], folders or (), stacklevel=4)


def _read_folders(
    sources: list[ImageSource], classes: Sequence[str] | None, level: object
) -> list[str] | None:
    """Return the class of each image by the folders, or None if no source has folders.

    Raises
    ------
    ValueError
        If a source does not have one sub-folder per class, and others do.
    """
    names = [read_folder_labels(one.name, one.found, classes, level) for one in sources]
    found = sorted({name for some in names for name in some or []})
    for source, some in zip(sources, names, strict=True):
        if found and some is None:
            read_folder_labels(source.name, source.found, found, level)  # raises
    return [name for some in names for name in some or []] or None


def _pack(
    paths: list[str],
    names: list[str] | None,
    target_names: list[str] | None,
    group_names: list[str] | None,
    unreadable: list[tuple[str, str]] | None,
) -> Bunch:
    """Return the Bunch without the files that cannot be decoded."""
    lost = {path for path, _ in unreadable or []}
    kept = np.array([path not in lost for path in paths])
    y = None
    if names is not None and target_names is not None:
        place = {name: index for index, name in enumerate(target_names)}
        y = np.array([place[name] for name in names], dtype=np.int64)
        _check_classes_left(y, kept, target_names, unreadable or [])
        y = y[kept]
    if not kept.any():
        raise InputError(
            "At least one image must be readable",
            f"{count_noun(len(paths), 'image')}, and none can be decoded. First:"
            f" {name_failures(unreadable or [])}",
            "Copy them again.",
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


def _read_csv(
    csv_path: str,
    sources: list[ImageSource],
    named: CsvColumns,
    classes: Sequence[str] | None,
) -> CsvLabels:
    """Return labels and groups of a csv file, whose labels are classes and not splits."""
    allowed = () if classes is None else tuple(map(str, classes))
    first = sources[0]
    lookup = ImageLookup(first.name, first.found.paths)
    are_files = any(source.are_files for source in sources)
    if are_files or len(sources) > 1:
        lookup = ImageLookup(
            first.name,
            [path for source in sources for path in source.paths],
            [path for source in sources for path in source.found.paths],
        )
    # A csv file may have more rows than the images that are named one by one.
    read = read_labels_csv(csv_path, lookup, named, allowed, other_images=are_files)
    if classes is None and named.label is None:
        check_class_values(set(read.labels), csv_path, read.columns[0])
    return read


# Parameters -------------------------------------------------------------------------


def _check_labels(labels: object, inputs: list[str]) -> str | None:
    """Return the path of the csv file, if labels come from one."""
    if labels is None or labels is False:
        return None
    if not isinstance(labels, (str, os.PathLike)):
        raise InputTypeError(
            "must be the path of a csv file, None (one sub-folder per class), or False (no labels)",
            repr(labels),
            "Pass one of these.",
            parameter="labels",
        )
    return locate_csv(labels, inputs)


def _check_verify(verify: Any) -> None:
    if not isinstance(verify, bool) and (isinstance(verify, type) or not _is_reader(verify)):
        raise InputTypeError(
            "must be True, False, or an ImageReader", show_value(verify), parameter="verify"
        )


def _is_reader(verify: Any) -> bool:
    return hasattr(verify, "get_params") and verify.get_params().keys() >= _SETTINGS


def _check_columns(named: CsvColumns, csv_path: str | None) -> None:
    for parameter, column in (("image_column", named.image), ("label_column", named.label)):
        if column is not None and not isinstance(column, str):
            raise InputTypeError(
                "must be the name of a column, or None",
                repr(column),
                "Pass a str.",
                parameter=parameter,
            )
        if column is not None and csv_path is None:
            raise InputError(
                "must be left out if the labels do not come from a csv file",
                repr(column),
                "Pass labels='labels.csv' too.",
                parameter=parameter,
                code="column-needs-csv",
            )


def _check_any_image(folder: str, found: ImageFiles) -> None:
    if found.paths:
        return
    n_links = len(found.links_left) + len(found.links_broken)
    links = f", not counting {count_noun(n_links, 'symbolic link')}" if n_links else ""
    unread = f", {name_endings(found.unread)}" if found.unread else ""
    image = "image that is read" if found.unread else "image"
    raise InputError(
        "must contain images: png, jpeg, tiff, bmp, webp or jp2",
        f"{folder!r}, with {count_noun(found.n_other, 'other file')}{unread} and no {image}{links}",
        "Pass the folder that holds the images.",
        parameter="folder",
    )


# Verification -----------------------------------------------------------------------


def _find_unreadable(paths: list[str], verify: Any) -> list[tuple[str, str]]:
    """Return path and reason of each file that a reader refuses."""
    from cellsk._codec import IGNORE_PILLOW_WARNINGS, DecodeError, decode_image

    given = {} if verify is True else verify.get_params()
    settings = {name: given[name] for name in _SETTINGS & given.keys()}
    unreadable = []
    with IGNORE_PILLOW_WARNINGS:
        for path in paths:
            try:
                decode_image(path, **settings)
            except DecodeError as error:
                unreadable.append((path, str(error)))
    return unreadable


def _check_classes_left(
    y: np.ndarray, kept: np.ndarray, target_names: list[str], unreadable: list[tuple[str, str]]
) -> None:
    # A class without images is allowed: the caller has named it.
    lost = [target_names[code] for code in np.unique(y) if not kept[y == code].any()]
    if lost:
        raise InputError(
            "Each class must keep at least one readable image",
            f"{name_some(lost)} with none. First: {name_failures(unreadable)}",
            "Copy the files again from their source.",
        )


def _warn_unreadable(unreadable: list[tuple[str, str]], n_images: int) -> None:
    verb = pick_form(len(unreadable), "was", "were")
    warnings.warn(
        ImageReadWarning(
            f"{len(unreadable):,} of {count_noun(n_images, 'image')} cannot be decoded and {verb}"
            f" left out. First: {name_failures(unreadable, _MOST_NAMED)}",
            remedy="The attribute unreadable lists them all.",
            code="images-left-out",
            values={"n_unreadable": len(unreadable), "n_images": n_images},
        ),
        stacklevel=4,
    )
