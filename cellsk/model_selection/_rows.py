"""Labels, patients and sites of images, checked before images are split."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import type_of_target

from cellsk._checks import check_count, count_noun, show_value
from cellsk._columns import check_column
from cellsk.exceptions import InputError

__all__ = [
    "Rows",
    "as_text",
    "check_rows",
    "check_seed",
    "count_units",
    "list_classes",
]

_WORDS = {"groups": "patient", "sites": "site"}


class Rows(NamedTuple):
    """Label, group and site of each image, in arrays of one length."""

    y: NDArray
    groups: NDArray | None
    sites: NDArray | None


def check_rows(
    y: ArrayLike,
    groups: ArrayLike | None,
    sites: ArrayLike | None = None,
    *,
    several_classes: bool = True,
) -> Rows:
    """Return labels, groups and sites as checked arrays.

    Raises
    ------
    ValueError
        If one is not a column of names, or has missing values or another length, or if
        ``y`` has fewer than two classes although ``several_classes`` are needed.
    """
    labels = check_column("y", y)
    columns = [
        None if values is None else check_column(name, values)
        for name, values in (("groups", groups), ("sites", sites))
    ]
    for name, column in zip(("groups", "sites"), columns, strict=True):
        if column is not None and len(column) != len(labels):
            raise InputError(
                f"must have one {_WORDS[name]} per image, as y has one class",
                f"{len(column):,} for {count_noun(len(labels), 'label')}",
                "Pass columns of the same images.",
                parameter=name,
            )
    if several_classes:
        _check_classes(labels)
    return Rows(labels, *columns)


def check_seed(value: Any) -> int:
    """Return ``random_state`` as a fixed seed: the number itself, or a draw from it.

    Raises
    ------
    TypeError, ValueError
        If it is not None, a RandomState, or a whole number that can be a seed.
    """
    if value is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(value, np.random.RandomState):
        return int(value.randint(2**31 - 1))
    seed = check_count("random_state", value, minimum=0)
    if seed >= 2**32:
        raise InputError(
            "must be below 2**32", f"{seed}", "Pass a smaller one.", parameter="random_state"
        )
    return seed


def count_units(labels: NDArray, units: NDArray | None) -> dict[Any, int]:
    """Return the number of patients or sites of each class. None counts images."""
    kept = np.arange(len(labels)) if units is None else units
    return {name: len(np.unique(kept[labels == name])) for name in list_classes(labels)}


def list_classes(labels: NDArray) -> list[Any]:
    """Return the distinct labels in order, as plain Python values."""
    return np.unique(labels).tolist()


def as_text(values: ArrayLike) -> list[str]:
    """Return names as text that can be written, with '\\udce9' for bytes that are not text."""
    texts = [str(value) for value in np.asarray(values).tolist()]
    return [text.encode("utf-8", "backslashreplace").decode("utf-8") for text in texts]


def _check_classes(labels: NDArray) -> None:
    if type_of_target(labels) not in ("binary", "multiclass"):
        raise InputError(
            "must have classes, not measurements",
            f"numbers such as {show_value(labels[0])}",
            "Pass names or whole numbers.",
            parameter="y",
        )
    names = list_classes(labels)
    if len(names) < 2:
        raise InputError(
            "must have at least two classes",
            f"one, {names[0]!r}, for all {count_noun(len(labels), 'image')}",
            "Add images of another class.",
            parameter="y",
        )
