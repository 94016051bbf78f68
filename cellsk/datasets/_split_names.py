"""Folders that are splits or data sets, and not classes."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence

from cellsk._checks import name_some
from cellsk._class_words import guess_positive
from cellsk.exceptions import InputError

__all__ = ["check_class_values", "check_not_splits", "find_splits"]

_TRAIN = "train|training|trn|tr|derivation|discovery|seen"
_TEST = (
    "tests?|testing|tst|ts|te|holdout|heldout|holdback|evaluation|eval|unseen|replication"
    "|internal|external"
)
_VALID = "validation|validate|valid|val|vali|dev|devel|development|tune|tuning|unlabell?ed"
_PARTS = "folds?|kfold|cv|splits?|parts?|partitions?|subsets?|batch|batches"
_FILLERS = (
    "sets?|data|datas|dataset|images?|imgs?|cells?|patch|patches|tiles?|files?|cohort|the|v?[0-9]+"
)
_SPLIT = re.compile(rf"(?:(?P<split>{_TRAIN}|{_TEST}|{_VALID}|{_PARTS})|{_FILLERS})+")
_TRAIN_NAME = re.compile(rf"(?:{_FILLERS})*(?:{_TRAIN})")
_TEST_NAME = re.compile(rf"(?:{_FILLERS})*(?:{_TEST})")
_IMAGES = re.compile(r"(?:raw|input|original)?(?:images?|imgs?|pictures?|photos?|raw|inputs?)")
_ANNOTATIONS = re.compile(
    r"(?:images?|img|binary|inst|instance|cell|nuclei)?(?:masks?|labels?|annotations?|annots?|gt"
    r"|groundtruths?|targets?|segs?|segmentations?|contours?|overlays?|thumbs|thumbnails?|bbox(?:es)?"
    r"|heatmaps?|previews?|metadata|xmls?|jsons?)"
)
_NUMBERED_SET = re.compile(r"(?:data)?set[0-9]+")
_MANY_NAMES = 20  # more names below are patients or slides
_MANY_FOLDERS = 10  # more folders are rarely classes


def _squeeze(name: str) -> str:
    """Return a name in lower case without separators, and without a letter that numbers it."""
    text = unicodedata.normalize("NFKC", name).strip()
    text = re.sub(r"(?<=[a-z])[A-Z]$|(?<=[\W_])[A-Za-z]$", "", text)
    return re.sub(r"[\W_]+", "", text.casefold())


def _is_split(name: str) -> bool:
    text = _squeeze(name)
    found = _SPLIT.fullmatch(text)
    return _NUMBERED_SET.fullmatch(text) is not None or (
        found is not None and found["split"] is not None
    )


def find_splits(names: Collection[str]) -> list[str]:
    """Return the names that are splits, such as "train" and "test_set", unless they are classes.

    They are splits if all names are, or if one is for training and another one is a split too.

    Parameters
    ----------
    names : collection of str
        At least two different names, or else none of them is a split.

    Returns
    -------
    splits : list of str
        Sorted. Empty if the names may be classes.
    """
    splits = sorted({name for name in names if _is_split(name)})
    if len(splits) < 2:
        return []
    training = any(_TRAIN_NAME.match(_squeeze(name)) for name in splits)
    return splits if len(splits) == len(set(names)) or training else []


def check_not_splits(folder: str, paths: Sequence[str], *, level: object = None) -> None:
    """Raise if the first folders of the images are splits or data sets, and not classes.

    Parameters
    ----------
    folder : str
        The folder that holds them.
    paths : sequence of str
        Image files relative to the folder, with forward slashes.
    level : object, default=None
        The folder level of the groups, if the caller names one. The folders below the classes
        are patients if it is theirs.

    Raises
    ------
    ValueError
        If they are.
    """
    below: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        first, *inner = path.split("/")
        below[first] |= {inner[0] if len(inner) > 1 else ""}
    splits = find_splits(below)
    if splits:
        raise _describe_splits(folder, splits)
    images = [name for name in below if _IMAGES.fullmatch(_squeeze(name))]
    others = [name for name in below if _ANNOTATIONS.fullmatch(_squeeze(name))]
    if images and others and len(images) + len(others) == len(below):
        raise _describe_parts(folder, images, others)
    if level not in (1, -1) and _are_data_sets(list(below.values())):
        raise _describe_data_sets(folder, sorted(below), sorted(set.union(*below.values())))


def _describe_splits(folder: str, splits: list[str]) -> InputError:
    train, test = choose_splits(splits)
    first, second = os.path.join(folder, train), os.path.join(folder, test)
    return InputError(
        "must contain one sub-folder per class, such as 'benign' and 'malignant'",
        f"{folder!r}, with {name_some(splits)}, which look like splits, not classes",
        f"Pass one of them: evaluate and train a model on {first!r}, then test it on {second!r}."
        " If they are classes, name them with classes=.",
        parameter="folder",
        code="splits-not-classes",
        values={"train": first, "test": second},
    )


def choose_splits(splits: Sequence[str]) -> tuple[str, str]:
    """Return the split to train on, and another one to test on."""
    train = next((name for name in splits if _TRAIN_NAME.match(_squeeze(name))), splits[0])
    others = [name for name in splits if name != train]
    test = next((name for name in others if _TEST_NAME.match(_squeeze(name))), others[0])
    return train, test


def _are_data_sets(below: list[set[str]]) -> bool:
    """Return whether folders hold folders of the same names, which look like classes.

    Patients and slides may have the same names in each class too, but these have numbers.
    """
    if len(below) > 1 and all(map(_are_opposites, below)):
        return True
    names = set.union(*below)
    if len(below) < 2 or "" in names or not 2 <= len(names) <= _MANY_NAMES:
        return False
    numbered = any(re.search(r"\d", name) for name in names)
    if find_splits(names) or (numbered and not _are_codes(names, len(below))):
        return False
    full = sum(len(inner) > 1 for inner in below)
    return (
        full >= 2
        and 2 * full >= len(below)
        and all(sum(name in inner for inner in below) > 1 for name in names)
    )


def _are_opposites(names: set[str]) -> bool:
    """Return whether names are clearly classes, such as "benign" and "malignant"."""
    return len(names) == 2 and "" not in names and guess_positive(sorted(names)) is not None


def _are_codes(names: set[str], n_folders: int) -> bool:
    """Return whether names are 0, 1 and so on; or, in many folders, 1, 2 and so on."""
    firsts = (0, 1) if n_folders >= _MANY_FOLDERS else (0,)
    return any(names == {str(first + number) for number in range(len(names))} for first in firsts)


def _describe_data_sets(folder: str, sets: list[str], names: list[str]) -> InputError:
    return InputError(
        "must contain one sub-folder per class, such as 'benign' and 'malignant'",
        f"{folder!r}, whose folders {name_some(sets)} hold {name_some(names)}, which look like the"
        " classes",
        f"Pass one of them: {os.path.join(folder, sets[0])!r}. If {name_some(sets)} are the"
        " classes, name them with classes=.",
        parameter="folder",
        code="data-sets-not-classes",
        values={"first": os.path.join(folder, sets[0])},
    )


def _describe_parts(folder: str, images: list[str], others: list[str]) -> InputError:
    first = os.path.join(folder, images[0])
    return InputError(
        "must contain one sub-folder per class, such as 'benign' and 'malignant'",
        f"{folder!r}, with {name_some(images)} beside {name_some(others)}, which look like images"
        " and their annotations, not classes",
        f"Pass {first!r}, and labels='labels.csv' if the classes are in a csv file.",
        parameter="folder",
        code="parts-not-classes",
        values={"first": first},
    )


def check_class_values(names: Collection[str], source: str, column: str) -> None:
    """Raise if the values of a column of labels are splits.

    Raises
    ------
    ValueError
        If they are.
    """
    splits = find_splits(names)
    if splits:
        raise InputError(
            f"The labels of {source!r} must be classes, such as 'benign' and 'malignant'",
            f"column {column!r} with {name_some(splits)}, which look like splits",
            "Pass label_column= with the column of the classes. If they are classes, name them"
            " with classes=.",
            code="splits-not-labels",
        )
