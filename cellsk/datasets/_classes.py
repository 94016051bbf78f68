"""Classes of images: labels from folders, and the order of the class names."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np

from cellsk._checks import count_noun, name_some, pick_form
from cellsk._class_words import find_missing_words, write_apart
from cellsk._columns import normalize_name
from cellsk.datasets._image_files import ImageFiles
from cellsk.datasets._split_names import check_not_splits
from cellsk.exceptions import InputError, InputTypeError, LabelWarning

__all__ = ["match_names", "order_classes", "read_folder_labels"]

_MANY_IMAGES = 10  # from here on, the labels of classes repeat
_MAX_UNIQUE = 2 / 3  # different labels for each image
_CLASS_RULE = "must contain one sub-folder per class, such as 'benign' and 'malignant'"


def read_folder_labels(
    folder: str, found: ImageFiles, classes: Sequence[str] | None, level: object
) -> list[str] | None:
    """Return the first folder of each path, or None if there are no folders.

    Raises
    ------
    ValueError
        If the folder does not have one sub-folder per class.
    """
    if not found.folders and classes is None:
        return None
    if not found.folders:
        raise _describe_layout(
            "no-class-folders",
            f"{folder!r}, with {count_noun(len(found.paths), 'file')} and no sub-folder",
            "Pass labels='labels.csv', or the folder above.",
        )
    beside = [path for path in found.paths if "/" not in path]
    if beside:
        raise _describe_layout(
            "images-beside-classes",
            f"{folder!r}, with {count_noun(len(beside), 'image')} beside the sub-folders. First:"
            f" {beside[0]!r}",
            "Move them into a class, or pass labels=False to list all without labels.",
        )
    if classes is None:
        check_not_splits(folder, found.paths, level=level)
    names = [path.split("/")[0] for path in found.paths]
    known = set(names) if classes is None else {*names, *map(str, classes)}
    empty = sorted(set(found.folders) - known)
    if empty:
        raise _describe_layout(
            "class-folder-empty",
            f"{folder!r}, where {name_some(empty)} {pick_form(len(empty), 'holds', 'hold')} no"
            " image",
            "Add images, or move the folder away.",
        )
    if classes is None:
        _check_class_folders(folder, set(names))
    return names


def _check_class_folders(folder: str, names: set[str]) -> None:
    """Refuse folders whose names are words for a missing value."""
    missing = find_missing_words(names)
    if missing:
        raise _describe_layout(
            "class-folder-missing",
            f"{folder!r}, where {name_some(missing)} {pick_form(len(missing), 'is', 'are')} not"
            " a class, but a word for a missing value",
            "Move the folder away, or name it as a class with classes=.",
        )


def _describe_layout(code: str, got: str, remedy: str) -> InputError:
    return InputError(_CLASS_RULE, got, remedy, parameter="folder", code=code)


def order_classes(
    folder: str,
    csv_path: str | None,
    names: list[str] | None,
    classes: Sequence[str] | None,
    paths: list[str],
) -> list[str] | None:
    """Return the names of the classes in the order of their codes in ``y``.

    Raises
    ------
    TypeError, ValueError
        If there is one class only, or ``classes`` are not the classes of the images.
    """
    if names is None:
        if classes is not None:
            raise InputError(
                "must be left out if there are no labels",
                f"{classes!r} and labels=False",
                "Pass one of them.",
                parameter="classes",
                code="classes-without-labels",
            )
        return None
    found = sorted(set(names))
    if classes is not None:
        ordered = _check_classes(classes)
        _check_known(csv_path or folder, found, ordered)
        if len(ordered) > 1:
            return ordered
    if len(found) == 1:
        raise _describe_one_class(folder, csv_path, found[0], paths)
    return found


def warn_unique_labels(names: Sequence[str], *, stacklevel: int = 3) -> None:
    """Warn if few images have the label of another one: ids or measurements are not classes.

    Warns
    -----
    LabelWarning
        With the number of labels.
    """
    different = sorted(set(names))
    if len(names) >= _MANY_IMAGES and len(different) > _MAX_UNIQUE * len(names):
        warnings.warn(
            LabelWarning(
                "Classes should have several images",
                f"{count_noun(len(different), 'class', 'classes')} for"
                f" {count_noun(len(names), 'image')}, such as {name_some(different, 2)}",
                "Check that these are classes, and not ids, file names, dates or measurements.",
                code="labels-unique",
            ),
            stacklevel=stacklevel,
        )


def match_names(names: list[str] | None, classes: Sequence[str] | None) -> list[str] | None:
    """Return the labels with the names that the caller gives the classes.

    A class whose name differs only in how accents are composed, or in blanks at the ends, is the
    class of the caller, unless there are both.
    """
    if names is None or classes is None or isinstance(classes, str):
        return names
    found, wanted = set(names), set(map(str, classes))
    place: dict[str, list[str]] = {}
    for name in sorted(wanted | (found - wanted)):
        place.setdefault(normalize_name(name), []).append(name)
    same = {}
    for both in place.values():
        if len(both) == 2 and len(wanted & set(both)) == len(found & set(both)) == 1:
            same[(found & set(both)).pop()] = (wanted & set(both)).pop()
    return [same.get(name, name) for name in names]


def _check_known(source: str, found: list[str], ordered: list[str]) -> None:
    """Refuse images of a class that the caller does not name. A class may have no image."""
    unknown = sorted(set(found) - set(ordered))
    if unknown:
        listed = write_apart(found, ordered)
        raise InputError(
            f"must name all classes in {source!r}",
            f"{write_apart(ordered, found)}, and found {listed}",
            f"Pass classes={listed} in the order you want; or, for a test set, leave out the"
            f" images of {name_some(unknown)}, which a model of the classes given does not know.",
            parameter="classes",
            code="classes-differ",
            values={"classes": found, "unknown": unknown},
        )


def _check_classes(classes: Sequence[str]) -> list[str]:
    if isinstance(classes, str) or not isinstance(classes, (Sequence, np.ndarray)):
        raise InputTypeError(
            "must be a sequence of names, such as ('benign', 'malignant')",
            repr(classes),
            "Pass a tuple or list.",
            parameter="classes",
        )
    ordered = [str(name) for name in classes]
    twice = [name for name, count in Counter(ordered).items() if count > 1]
    if twice:
        raise InputError(
            "must name each class once",
            f"{tuple(ordered)}, with {name_some(twice)} more than once",
            "Remove the repetition.",
            parameter="classes",
        )
    return ordered


def _describe_one_class(
    folder: str, csv_path: str | None, name: str, paths: list[str]
) -> InputError:
    below = {path.split("/")[1] for path in paths if path.count("/") > 1}
    lower = os.path.join(folder, name) if csv_path is None and len(below) > 1 else None
    hint = f" If the classes are below {name!r}, pass {lower!r}." if lower else ""
    return InputError(
        "The images must be of at least two classes",
        f"{csv_path or folder!r}, with {count_noun(len(paths), 'image')}, all of class {name!r}."
        f" A model that always predicts {name!r} would score 100%",
        "Add the other class, or pass labels=False to list the images without labels." + hint,
        code="one-class",
        values={"hint": hint.strip()},
    )
