"""Labels, patients and sites of images: checked before anything is split."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import type_of_target

from cellsk._checks import check_count, count_noun

__all__ = [
    "Rows",
    "as_text",
    "check_rows",
    "check_seed",
    "count_units",
    "is_missing",
    "name_classes",
]

# What a missing value becomes when a column of names is turned into text.
_MISSING_AS_TEXT = ("", "nan", "NaN", "None", "<NA>", "NaT")
_REMEDIES = {
    "y": "Fill them in, or leave these images out.",
    "groups": "Fill them in, or pass groups=None if the images are independent.",
    "sites": "Fill them in, or pass sites=None.",
}
_WORDS = {"y": "class", "groups": "patient", "sites": "site"}


class Rows(NamedTuple):
    """What is known of each image, in arrays of one length."""

    y: NDArray
    groups: NDArray | None
    sites: NDArray | None


def check_rows(y: ArrayLike, groups: ArrayLike | None, sites: ArrayLike | None = None) -> Rows:
    """Return labels, groups and sites as arrays, or raise.

    Raises
    ------
    ValueError
        When one is not a column of names, has empty places or another length, or when ``y``
        holds fewer than two classes.
    """
    labels = _check_column("y", y)
    columns = [
        None if values is None else _check_column(name, values)
        for name, values in (("groups", groups), ("sites", sites))
    ]
    for name, column in zip(("groups", "sites"), columns, strict=True):
        if column is not None and len(column) != len(labels):
            raise ValueError(
                f"{name} must hold one {_WORDS[name]} per image, as y holds one class. Got"
                f" {len(column):,} for {count_noun(len(labels), 'label')}. Pass columns of the"
                " same images."
            )
    _check_classes(labels)
    return Rows(labels, *columns)


def check_seed(value: Any) -> int:
    """Return ``random_state`` as a seed: itself, or a draw from it, so that folds stay fixed.

    Raises
    ------
    TypeError, ValueError
        When it is neither None, nor a RandomState, nor a whole number that can be a seed.
    """
    if value is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(value, np.random.RandomState):
        return int(value.randint(2**31 - 1))
    seed = check_count("random_state", value, minimum=0)
    if seed >= 2**32:
        raise ValueError(f"random_state must be below 2**32. Got {seed}. Pass a smaller one.")
    return seed


def count_units(labels: NDArray, units: NDArray | None) -> dict[Any, int]:
    """Return the number of distinct units (patients, sites) of each class; None counts images."""
    kept = np.arange(len(labels)) if units is None else units
    return {name: len(np.unique(kept[labels == name])) for name in name_classes(labels)}


def name_classes(labels: NDArray) -> list[Any]:
    """Return the distinct labels in order, as plain Python values."""
    return np.unique(labels).tolist()


def as_text(values: ArrayLike) -> list[str]:
    """Return names as text that can be written; bytes of a path that are no text as '\\udce9'."""
    texts = [str(value) for value in np.asarray(values).tolist()]
    return [text.encode("utf-8", "backslashreplace").decode("utf-8") for text in texts]


def _check_column(name: str, values: Any) -> NDArray:
    """Return one name per image; missing ones raise before NumPy makes text of them."""
    rule = f"{name} must hold one {_WORDS[name]} per image."
    if values is None or isinstance(values, str | bytes):
        raise ValueError(f"{rule} Got {values!r}. Pass a list or an array of names.")
    column = np.asarray(values, dtype=None if hasattr(values, "dtype") else object)
    if column.ndim != 1:
        raise ValueError(f"{rule} Got an array of shape {column.shape}. Pass one column.")
    if not len(column):
        raise ValueError(f"{rule} Got no image at all. Pass at least two, of two classes.")
    missing = [row for row, value in enumerate(column.tolist()) if is_missing(value, name)]
    if missing:
        raise ValueError(
            f"{name} must name the {_WORDS[name]} of every image. Got {len(missing):,} of"
            f" {count_noun(len(column), 'image')} without one. First: X[{missing[0]}], with"
            f" {column.tolist()[missing[0]]!r}. {_REMEDIES[name]}"
        )
    return _unify(name, column)


def is_missing(value: Any, name: str) -> bool:
    """Whether a value names nothing."""
    if isinstance(value, str):
        # A class may be called 'None'; a patient of that name is a lost value.
        return not value.strip() or (name != "y" and value in _MISSING_AS_TEXT)
    # pandas.NA answers every comparison with itself, which has no truth value.
    return value is None or type(value).__name__ == "NAType" or value != value


def _unify(name: str, column: NDArray) -> NDArray:
    """Return an array of one kind, as NumPy and scikit-learn need to sort it."""
    if column.dtype.kind in "biufU":
        return column
    kinds = {"text" if isinstance(value, str) else "number" for value in column}
    try:
        unified = np.array(column.tolist())
    except (TypeError, ValueError):
        unified = column
    if len(kinds) > 1 or unified.ndim != 1 or unified.dtype.kind not in "biufU":
        raise ValueError(
            f"{name} must hold names of one kind, all text or all numbers. Got"
            f" {' and '.join(sorted({type(value).__name__ for value in column}))}. Turn them"
            " into text."
        )
    return unified


def _check_classes(labels: NDArray) -> None:
    if type_of_target(labels) not in ("binary", "multiclass"):
        raise ValueError(
            "y must hold classes, not measurements. Got numbers such as"
            f" {labels.tolist()[0]!r}. Pass names or whole numbers."
        )
    names = name_classes(labels)
    if len(names) < 2:
        raise ValueError(
            f"y must hold at least two classes. Got one, {names[0]!r}, on all"
            f" {count_noun(len(labels), 'image')}. Add images of another class."
        )
