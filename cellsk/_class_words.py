"""Class names that are nearly equal, and words for a missing value."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence

from cellsk._checks import count_noun, list_some, name_some
from cellsk.exceptions import LabelWarning

__all__ = ["find_similar_names", "guess_positive", "is_missing_word", "warn_class_names"]

# What spreadsheets, pandas and R write into an empty cell.
_MISSING_WORDS = {
    *("", "na", "n/a", "<na>", "#n/a", "#n/a n/a", "#na", "nan", "-nan", "nat", "none", "<none>"),
    *("null", "(null)", "<null>", "#null!", "nil", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
}

# Whole words of the class that sensitivity is about, and of the other one.
_POSITIVE_WORDS = {
    *("malignant", "malignancy", "tumor", "tumors", "tumour", "tumours", "tumoral", "tumorous"),
    *("cancer", "cancerous", "carcinoma", "adenocarcinoma", "melanoma", "lymphoma", "sarcoma"),
    *(
        "metastasis",
        "metastases",
        "metastatic",
        "neoplasm",
        "neoplastic",
        "dysplasia",
        "dysplastic",
    ),
    *("positive", "pos", "infected", "infection", "parasitized", "parasitised", "parasite"),
    *("abnormal", "abnormality", "diseased", "disease", "pathologic", "pathological", "affected"),
    *("lesion", "lesional", "mutant", "mutated", "sick", "case", "cases", "defect", "defective"),
}
_NEGATIVE_WORDS = {
    *("benign", "normal", "healthy", "negative", "neg", "control", "controls", "none", "wildtype"),
    *("uninfected", "unaffected", "uninvolved", "noninfected", "nontumor", "noncancer", "wt"),
    *("noncancerous", "nonmalignant", "nondiseased", "unparasitized", "undiseased"),
}
_NEGATIONS = {"no", "non", "not", "without", "free", "un", "absent", "absence"}


def guess_positive(names: Sequence[str]) -> str | None:
    """Return the class that sensitivity is about, if exactly one of two names says so.

    Parameters
    ----------
    names : sequence of str
        Names of two classes.

    Returns
    -------
    name : str or None
        The class with a word such as "malignant" or "infected", as a whole word that is not
        negated; else the class beside one such as "benign" or "normal".
    """
    kinds = [_find_kind(name) for name in names]
    for kind, place in ((1, 0), (-1, 1)):
        if len(names) == 2 and kinds.count(kind) == 1:
            return names[(kinds.index(kind) + place) % 2]
    return None


def _find_kind(name: str) -> int:
    """Return 1 for the name of a positive class, -1 for a negative one, and 0 for others."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", name))
    words = set(re.findall(r"[^\W\d_]+", spaced.casefold()))
    if words & (_NEGATIVE_WORDS | _NEGATIONS):
        return -1
    return int(bool(words & _POSITIVE_WORDS) or name.strip().endswith("+"))


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
