"""Columns of labels, patients and sites: missing values, and one form of each name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, list_some, show_value
from cellsk._class_words import (
    drop_invisible,
    is_missing_word,
    warn_similar_names,
)
from cellsk.exceptions import InputError

__all__ = [
    "check_column",
    "check_filled",
    "is_missing",
    "normalize_name",
    "refuse_masked",
    "warn_patient_names",
]

_REMEDIES = {
    "class": "Fill them in, or leave these images out.",
    "patient": "Fill them in, leave these images out, or pass {name}=None if the images are"
    " independent.",
    "site": "Fill them in, or pass {name}=None.",
}
_WHOLE = re.compile(r"([+-]?\d+)\.0*")
_MAX_EXACT = 2**53  # whole numbers up to here are exact as floats


def check_column(name: str, values: Any) -> NDArray:
    """Return one name for each image, all of one type. Names of patients have one form.

    Parameters
    ----------
    name : str
        Name of the parameter: y, groups, sites, or one that ends so.
    values : array-like of shape (n,)
        The column.

    Returns
    -------
    column : ndarray of shape (n,)
        Of numbers or text. Names of patients and sites are without blanks at the ends, with
        composed accents, and whole numbers without decimals: "1" for "1.0".

    Raises
    ------
    ValueError
        If the values are not a column of names, or some are missing.
    """
    word = _find_word(name)
    rule = f"must have one {word} per image"
    if values is None or isinstance(values, str | bytes):
        raise InputError(rule, repr(values), "Pass a list or an array of names.", parameter=name)
    column = _as_array(values)
    if column.ndim != 1:
        got = f"an array of shape {column.shape}"
        raise InputError(rule, got, "Pass one column.", parameter=name)
    if not len(column):
        raise InputError(rule, "no image", "Pass at least two, of two classes.", parameter=name)
    check_filled(name, column)
    unified = _unify(name, column)
    return unified if word == "class" else _normalize(unified)


def check_filled(name: str, values: Any) -> None:
    """Raise if a value is missing: None, NaN, masked, or a word such as "NA".

    Raises
    ------
    ValueError
        With the number of the values, and the first rows.
    """
    word = _find_word(name)
    column = _as_array(values).ravel()
    missing = _find_missing(column, word)
    if missing:
        first = [f"{name}[{row}]" for row in missing[:3]]
        raise InputError(
            f"must name the {word} of every image",
            f"{len(missing):,} of {count_noun(len(column), 'image')} without one. First:"
            f" {list_some(first, len(missing))}, with {show_value(column[missing[0]])}",
            _REMEDIES[word].format(name=name),
            parameter=name,
            code=f"{name}-incomplete",
        )


def refuse_masked(name: str, images: Any) -> None:
    """Raise if images, or one of a list of images, have masked values.

    Raises
    ------
    ValueError
        If they have.
    """
    several = isinstance(images, list | tuple) and any(map(np.ma.is_masked, images))
    if several or np.ma.is_masked(images):
        raise InputError(
            "must have no masked values",
            "a masked array with some",
            "Fill them in, or leave these images out.",
            parameter=name,
            code="images-masked",
        )


def is_missing(value: Any, name: str) -> bool:
    """Return whether a value of a column is missing.

    A class may be called "None", but a patient of that name is a missing value.
    """
    if isinstance(value, str):
        if _find_word(name) != "class":
            return is_missing_word(value, patient=True)
        return not drop_invisible(value).strip()
    # Comparisons with pandas.NA return pandas.NA, which has no truth value.
    if value is None or value is np.ma.masked or type(value).__name__ == "NAType":
        return True
    return bool(np.ndim(value) == 0 and value != value)


def normalize_name(name: str) -> str:
    """Return the one form of the name of a patient, which is equal for equal patients.

    Examples
    --------
    >>> from cellsk._columns import normalize_name
    >>> normalize_name(" P1 "), normalize_name("1.0")
    ('P1', '1')
    """
    if not name.isascii():
        name = unicodedata.normalize("NFC", name).strip(
            "\ufeff\u200b\u200c\u200d\u2060\u200e\u200f"
        )
    name = name.strip()
    whole = _WHOLE.fullmatch(name)
    return whole[1] if whole else name


def warn_patient_names(groups: NDArray | Sequence[str], *, stacklevel: int = 3) -> None:
    """Warn if the names of patients are nearly equal.

    Warns
    -----
    LabelWarning
        With the names.
    """
    names = map(str, np.unique(np.asarray(groups)).tolist())
    warn_similar_names(names, "patient", "patients", stacklevel=stacklevel + 1)


def _find_word(name: str) -> str:
    """Return what a parameter names: a class, a patient or a site."""
    return (
        "class"
        if name.startswith("y") or name.endswith("_y")
        else ("patient" if name.endswith("groups") and name != "subgroups" else "site")
    )


def _as_array(values: Any) -> NDArray:
    """Return an array in which missing values stay what they are."""
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.filled(values.astype(object), np.nan)
    return np.asarray(values, dtype=None if hasattr(values, "dtype") else object)


def _find_missing(column: NDArray, word: str) -> list[int]:
    if column.dtype.kind in "biu":
        return []
    values = column.tolist()
    texts = {value for value in values if isinstance(value, str)}
    name = {"class": "y", "patient": "groups", "site": "sites"}[word]
    lost = {text for text in texts if is_missing(text, name)}
    return [
        row
        for row, value in enumerate(values)
        if (value in lost if isinstance(value, str) else is_missing(value, name))
    ]


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


def _normalize(column: NDArray) -> NDArray:
    """Return a column of patients in one form: whole numbers as int, and text as one text."""
    if column.dtype.kind == "f":
        whole = (column == np.floor(column)) & (np.abs(column) <= _MAX_EXACT)
        return column.astype(np.int64) if whole.all() else column
    if column.dtype.kind != "U":
        return column
    names, codes = np.unique(column, return_inverse=True)
    return np.array([normalize_name(name) for name in names.tolist()])[codes]
