"""Names of the classes, and the positive class."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence, Set
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_some
from cellsk._class_words import guess_positive, write_apart
from cellsk._columns import normalize_name
from cellsk.exceptions import InputError, LabelWarning

__all__ = ["find_positive", "match_classes", "name_classes"]


def name_classes(
    classes: NDArray, codes: NDArray, X: NDArray, target_names: Sequence[str] | None
) -> list[str]:
    """Return a name for each class.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels, sorted.
    codes : ndarray of shape (n,)
        Index of each image's class in `classes`.
    X : ndarray of shape (n, ...)
        Paths, or images.
    target_names : sequence of str, default=None
        Name of each class, in the order of `classes`. None takes the labels if they are
        strings. For other labels it takes a folder that all paths of a class contain and no path
        of another class contains, if every class has one. Else it takes the labels.

    Returns
    -------
    names : list of str

    Raises
    ------
    ValueError
        When there are not as many different names as classes, or they contradict the labels or
        the folders.
    """
    if target_names is not None:
        names = _check_names(target_names, classes)
        _check_folders(codes, X, names, classes)
        return names
    if classes.dtype.kind in "iub" and _are_paths(X):
        return _name_by_folder(codes, X) or [str(label) for label in classes]
    return [str(label) for label in classes]


def _are_paths(X: NDArray) -> bool:
    return X.ndim == 1 and X.dtype.kind == "U"


def _check_names(target_names: Sequence[str], classes: NDArray) -> list[str]:
    """Return the names of the classes, or raise if they do not fit the labels."""
    ordered = not isinstance(target_names, str | Set | Mapping)
    names = [str(name) for name in target_names]
    if not ordered or len(set(names)) != len(names) or len(names) != len(classes):
        raise InputError(
            f"must be a list of {len(classes)} different names, one for each class in y",
            f"{names}" if ordered else f"a {type(target_names).__name__}",
            f"Pass them in the order of the labels {classes.tolist()}.",
            parameter="target_names",
            code="class-names",
        )
    labels = [str(label) for label in classes.tolist()]
    for label, name in zip(labels, names, strict=True):
        if name != label and name in labels:
            raise InputError(
                "must be in the order of the labels",
                f"{name!r} as the name of {label!r}",
                f"Pass them in the order {labels}, or leave them out.",
                parameter="target_names",
                code="class-names-shifted",
            )
    return names


def _check_folders(codes: NDArray, X: NDArray, names: list[str], classes: NDArray) -> None:
    """Raise if all images with a label are in a folder with the name of another class."""
    if not _are_paths(X) or not len(codes):
        return
    folders = [set(PurePath(path).parts[:-1]) for path in X.tolist()]
    present = np.unique(codes).tolist()
    shared = {
        code: set.intersection(*(folders[row] for row in np.flatnonzero(codes == code)))
        for code in present
    }
    everywhere = set.intersection(*shared.values()) if len(present) > 1 else set()
    for code in present:
        own = shared[code] - everywhere
        others = [name for name in names if name in own and name != names[code]]
        if others and names[code] not in own:
            raise InputError(
                "must name the classes as their folders do",
                f"{names[code]!r} as the name of {classes[code]}, and all images with this label"
                f" are in the folder {others[0]!r}",
                "The labels of list_images shift if a class has no images. Pass"
                " list_images(test, classes=train.target_names).",
                parameter="target_names",
                code="label-codes-shifted",
            )


def match_classes(
    labels: NDArray, classes: NDArray, X: NDArray, target_names: Sequence[str] | None
) -> tuple[NDArray[np.intp], list[str]]:
    """Return the code of each label among the classes of a model, and the names of its classes.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Labels of the model, or names of its classes.
    classes : ndarray of shape (n_classes,)
        Labels of the model.
    X : ndarray of shape (n, ...)
        Paths, or images.
    target_names : sequence of str, default=None
        Name of each class, in the order of `classes`. None takes the labels, or for numbers the
        folders, as in `name_classes`, if every class has images.

    Returns
    -------
    codes : ndarray of shape (n,)
    names : list of str

    Raises
    ------
    ValueError
        When a label is not a class of the model, or the names contradict the labels or folders.

    Warns
    -----
    LabelWarning
        When numbers without names leave out classes of the model.
    """
    names = [str(label) for label in classes.tolist()]
    if target_names is not None:
        names = _check_names(target_names, classes)
    code_of: dict[Any, int] = {name: code for code, name in enumerate(names)}
    code_of |= {label: code for code, label in enumerate(classes.tolist())}
    code_of |= _match_written(labels, code_of)
    unknown = sorted({label for label in labels.tolist() if label not in code_of}, key=str)
    if unknown:
        n_unknown = int(np.isin(labels, unknown).sum())
        others = _list_apart(unknown, names)
        raise InputError(
            "The test set may only have classes that the model knows",
            f"{count_noun(n_unknown, 'image')} of class {others}, and the model knows"
            f" {_list_apart(names, unknown)}",
            "Leave these images out, or give the classes the names of the model.",
            code="class-unknown-to-model",
        )
    codes = np.array([code_of[label] for label in labels.tolist()], dtype=np.intp)
    if target_names is not None:
        _check_folders(codes, X, names, classes)
    elif len(np.unique(codes)) == len(classes):
        names = name_classes(classes, codes, X, None)
    elif labels.dtype.kind in "iub":
        _warn_unnamed_codes(np.unique(codes).tolist(), classes)
    return codes, names


def _match_written(labels: NDArray, code_of: Mapping[Any, int]) -> dict[Any, int]:
    """Return the code of labels that are written as a class: 1 or "1.0" for "1".

    Accents may be composed in another way. A label that fits two classes is left out.
    """
    forms: dict[str, set[int]] = {}
    for name, code in code_of.items():
        forms.setdefault(normalize_name(str(name)), set()).add(code)
    unknown = {label for label in labels.tolist() if label not in code_of}
    fits = {label: forms.get(normalize_name(str(label)), set()) for label in unknown}
    return {label: min(codes) for label, codes in fits.items() if len(codes) == 1}


def _list_apart(names: Sequence[Any], others: Sequence[Any]) -> str:
    """Return names, with codes for letters if one looks like another name."""
    texts = list(map(str, names))
    return write_apart(texts, list(map(str, others)))[1:-1].rstrip(",")


def _warn_unnamed_codes(present: list[int], classes: NDArray) -> None:
    """Warn that numbers may be other classes than in training, because some are missing."""
    warnings.warn(
        LabelWarning(
            "Labels that are numbers should have names if classes have no images, because"
            " list_images then numbers the others differently",
            f"{count_noun(len(present), 'class', 'classes')} of the"
            f" {len(classes)} classes of the model, and no target_names",
            "Pass target_names=train.target_names, and list the test set with list_images(test,"
            " classes=train.target_names).",
            code="codes-without-names",
        ),
        stacklevel=5,
    )


def _name_by_folder(codes: NDArray, paths: NDArray) -> list[str] | None:
    folders: list[tuple[str, ...]] = [PurePath(path).parts[:-1] for path in paths.tolist()]
    common, present = [], []
    for code in range(codes.max() + 1):
        of_class = [set(folders[row]) for row in np.flatnonzero(codes == code)]
        common.append(set.intersection(*of_class))
        present.append(set.union(*of_class))
    names = []
    for code, shared in enumerate(common):
        others = set().union(*(present[other] for other in range(len(present)) if other != code))
        first = folders[np.flatnonzero(codes == code)[0]]
        unique = [folder for folder in first if folder in shared - others]
        if not unique:
            return None
        names.append(unique[0])
    return names


def _check_second_is_positive(names: Sequence[str]) -> None:
    """Refuse to take 1 as positive if the names of 0 and 1 say the opposite."""
    if guess_positive(names) == names[0]:
        raise InputError(
            "must be named if class 0 has the name of a positive class",
            f"None, with {names[0]!r} as class 0 and {names[1]!r} as class 1",
            f"Pass pos_label={names[0]!r} or pos_label={names[1]!r}.",
            parameter="pos_label",
            code="positive-class-unclear",
            values={"names": list(names)},
        )


def find_positive(
    classes: NDArray, names: Sequence[str], pos_label: Any, *, given_names: bool
) -> int | None:
    """Return the code of the positive class. None for more than two classes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels, sorted.
    names : sequence of str
        Their names.
    pos_label : str, int or bool
        Label or name of the positive class. None is 1 if the labels are 0 and 1, and their names
        do not say the opposite.
    given_names : bool
        Whether the caller passed the names.

    Raises
    ------
    ValueError
        When it is not named and the labels are not 0 and 1, when no class has this label or name,
        or when it is named with more than two classes.
    """
    if len(classes) > 2:
        if pos_label is not None:
            raise InputError(
                "is for two classes",
                f"{len(classes)} classes: {name_some(names)}",
                "Leave it out: each class is then compared with all others.",
                parameter="pos_label",
            )
        return None
    if pos_label is None:
        if classes.dtype.kind in "iub" and classes.tolist() == [0, 1]:
            _check_second_is_positive(names)
            return 1
        raise InputError(
            "must name the class that sensitivity is about, such as 'malignant'",
            f"None, with classes {name_some(names)}",
            f"Pass for example pos_label={str(names[1])!r}.",
            parameter="pos_label",
            code="positive-class-unnamed",
            values={"names": list(names)},
        )
    for code, (label, name) in enumerate(zip(classes.tolist(), names, strict=True)):
        if pos_label in (label, name):
            return code
    raise InputError(
        f"must be the label or the name of a class: {name_some(names)}",
        f"{pos_label!r}",
        "" if given_names else "Or pass target_names=cells.target_names.",
        parameter="pos_label",
        code="positive-class-unknown",
        values={"names": list(names)},
    )
