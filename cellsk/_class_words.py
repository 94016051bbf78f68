"""Class names that are nearly equal, and words for a missing value."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Iterable

from cellsk._checks import count_noun, list_some, name_some
from cellsk.exceptions import LabelWarning

__all__ = ["find_similar_names", "is_missing_word", "warn_class_names"]

# What spreadsheets, pandas and R write into an empty cell.
_MISSING_WORDS = {
    *("", "na", "n/a", "<na>", "#n/a", "#n/a n/a", "#na", "nan", "-nan", "nat", "none", "<none>"),
    *("null", "(null)", "<null>", "#null!", "nil", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
}


def is_missing_word(text: str) -> bool:
    """Return whether a text is empty, or a word for a missing value, such as "NA" or "nan"."""
    return text.strip().casefold() in _MISSING_WORDS


def find_similar_names(names: Iterable[str]) -> list[list[str]]:
    """Return the sets of names that differ in case, blanks, accents as composed, or zeros."""
    similar = defaultdict(set)
    for name in names:
        similar[_fold(name)].add(name)
    return [sorted(found) for found in similar.values() if len(found) > 1]


def _fold(name: str) -> str | float:
    """Return what is equal for names that mean the same: "0" and "0.0", "A b" and "a_b"."""
    text = unicodedata.normalize("NFKC", name).strip()
    try:
        number = float(text) if "_" not in text else float("nan")
        if number - number == 0:  # not NaN, not infinite
            return number
    except ValueError:
        pass
    return re.sub(r"[\s_-]+", " ", text).strip().casefold() or text


def warn_class_names(classes: Iterable[object], *, stacklevel: int = 3) -> None:
    """Warn if classes are nearly equal, or words for a missing value.

    Warns
    -----
    LabelWarning
        With the names.
    """
    names = [str(name) for name in classes if isinstance(name, str)]
    similar = find_similar_names(names)
    if similar:
        listed = [name_some(found, 4) for found in similar[:3]]
        warnings.warn(
            LabelWarning(
                "Classes should have clearly different names",
                f"{count_noun(len(similar), 'set')} of names that are nearly equal:"
                f" {list_some(listed, len(similar))}",
                "If they are one class, give them one name.",
                code="classes-nearly-equal",
                values={"names": similar},
            ),
            stacklevel=stacklevel,
        )
    missing = [name for name in names if is_missing_word(name)]
    if missing:
        warnings.warn(
            LabelWarning(
                "A class should not be a word for a missing value",
                name_some(missing),
                "Leave out the images without a label, or rename the class.",
                code="classes-missing",
                values={"names": missing},
            ),
            stacklevel=stacklevel,
        )
