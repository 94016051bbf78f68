"""Names of the classes, and which of them is the positive one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import name_some

__all__ = ["find_positive", "name_classes"]


def name_classes(
    classes: NDArray, codes: NDArray, X: NDArray, target_names: Sequence[str] | None
) -> list[str]:
    """Return a name for each class, for people to read.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels, sorted.
    codes : ndarray of shape (n,)
        Index into `classes` of each image.
    X : ndarray of shape (n, ...)
        Paths, or images.
    target_names : sequence of str, default=None
        Name of each class, in the order of `classes`. None takes the labels if they are
        strings. For other labels it takes the folder that all paths of a class have in
        common and no path of another class has, if every class has one; else the labels.

    Returns
    -------
    names : list of str

    Raises
    ------
    ValueError
        When there are not as many different names as classes.
    """
    if target_names is not None:
        names = [str(name) for name in target_names]
        if len(set(names)) != len(names) or len(names) != len(classes):
            raise ValueError(
                f"target_names must be {len(classes)} different names, one for each class in y. "
                f"Got {names}. Pass them in the order of the labels {classes.tolist()}."
            )
        return names
    if classes.dtype.kind in "iub" and X.ndim == 1 and X.dtype.kind == "U":
        return _name_by_folder(codes, X) or [str(label) for label in classes]
    return [str(label) for label in classes]


def _name_by_folder(codes: NDArray, paths: NDArray) -> list[str] | None:
    folders: list[tuple[str, ...]] = [PurePath(path).parts[:-1] for path in paths.tolist()]
    common, present = [], []
    for code in range(codes.max() + 1):
        own = [set(folders[row]) for row in np.flatnonzero(codes == code)]
        common.append(set.intersection(*own))
        present.append(set.union(*own))
    names = []
    for code, shared in enumerate(common):
        others = set().union(*(present[other] for other in range(len(present)) if other != code))
        first = folders[np.flatnonzero(codes == code)[0]]
        telling = [part for part in first if part in shared - others]
        if not telling:
            return None
        names.append(telling[0])
    return names


def find_positive(
    classes: NDArray, names: Sequence[str], pos_label: Any, *, given_names: bool
) -> int | None:
    """Return the code of the positive class of two; None for more than two.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels, sorted.
    names : sequence of str
        Their names.
    pos_label : str, int or bool
        Label or name of the positive class. None is 1, where the labels are 0 and 1.
    given_names : bool
        Whether the caller passed the names.

    Raises
    ------
    ValueError
        When it is not named and not plain, or no class has this label or name, or it is
        named with more than two classes.
    """
    if len(classes) > 2:
        if pos_label is not None:
            raise ValueError(
                f"pos_label is for two classes. Got {len(classes)} classes: {name_some(names)}. "
                "Leave it out: each class is then compared with all others."
            )
        return None
    if pos_label is None:
        if classes.dtype.kind in "iub" and classes.tolist() == [0, 1]:
            return 1
        raise ValueError(
            "pos_label must name the class that sensitivity is about, such as 'malignant'. "
            f"Got None, with classes {name_some(names)}. Pass pos_label={str(names[1])!r}, say."
        )
    for code, (label, name) in enumerate(zip(classes.tolist(), names, strict=True)):
        if pos_label in (label, name):
            return code
    remedy = "" if given_names else " Or pass target_names=cells.target_names."
    raise ValueError(
        f"pos_label must be the label or the name of a class: {name_some(names)}. "
        f"Got {pos_label!r}.{remedy}"
    )
