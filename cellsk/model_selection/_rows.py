"""Labels, patients and sites of images, checked before images are split."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import type_of_target

from cellsk._checks import check_count, count_noun, show_value
from cellsk.exceptions import InputError

__all__ = [
    "Rows",
    "as_text",
    "check_rows",
    "check_seed",
    "count_units",
    "is_missing",
    "list_classes",
]

# Texts of missing values in a column of names.
_MISSING_AS_TEXT = ("", "nan", "NaN", "None", "<NA>", "NaT")
_REMEDIES = {
    "y": "Fill them in, or leave these images out.",
    "groups": "Fill them in, or pass groups=None if the images are independent.",
    "sites": "Fill them in, or pass sites=None.",
}
_WORDS = {"y": "class", "groups": "patient", "sites": "site"}


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
    labels = _check_column("y", y)
    columns = [
        None if values is None else _check_column(name, values)
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


def _check_column(name: str, values: Any) -> NDArray:
    """Return one name per image. Missing names raise before NumPy converts them to text."""
    rule = f"must have one {_WORDS[name]} per image"
    if values is None or isinstance(values, str | bytes):
        raise InputError(rule, repr(values), "Pass a list or an array of names.", parameter=name)
    column = np.asarray(values, dtype=None if hasattr(values, "dtype") else object)
    if column.ndim != 1:
        got = f"an array of shape {column.shape}"
        raise InputError(rule, got, "Pass one column.", parameter=name)
    if not len(column):
        raise InputError(rule, "no image", "Pass at least two, of two classes.", parameter=name)
    missing = [row for row, value in enumerate(column.tolist()) if is_missing(value, name)]
    if missing:
        raise InputError(
            f"must name the {_WORDS[name]} of every image",
            f"{len(missing):,} of {count_noun(len(column), 'image')} without one. First:"
            f" X[{missing[0]}], with {column.tolist()[missing[0]]!r}",
            _REMEDIES[name],
            parameter=name,
            code=f"{name}-incomplete",
        )
    return _unify(name, column)


def is_missing(value: Any, name: str) -> bool:
    """Whether a value is missing."""
    if isinstance(value, str):
        # A class may be called 'None', but a patient of that name is a missing value.
        return not value.strip() or (name != "y" and value in _MISSING_AS_TEXT)
    # Comparisons with pandas.NA return pandas.NA, which has no truth value.
    return value is None or type(value).__name__ == "NAType" or value != value


def _unify(name: str, column: NDArray) -> NDArray:
    """Return an array of one type, which NumPy and scikit-learn can sort."""
    if column.dtype.kind in "biufU":
        return column
    kinds = {"text" if isinstance(value, str) else "number" for value in column}
    try:
        unified = np.array(column.tolist())
    except (TypeError, ValueError):
        unified = column
    if len(kinds) > 1 or unified.ndim != 1 or unified.dtype.kind not in "biufU":
        raise InputError(
            "must have names of one type, all text or all numbers",
            " and ".join(sorted({type(value).__name__ for value in column})),
            "Convert them to text.",
            parameter=name,
        )
    return unified


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
