"""Class names that are nearly equal, and words for a missing value."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal

from cellsk._checks import count_noun, list_some, name_some
from cellsk.exceptions import LabelWarning

__all__ = [
    "drop_invisible",
    "find_missing_words",
    "find_similar_names",
    "fold_name",
    "guess_positive",
    "is_missing_word",
    "name_apart",
    "warn_class_names",
    "warn_similar_names",
    "write_apart",
]

_NUMBER = re.compile(r"[+-]?(\d{1,25}(\.\d{0,25})?|\.\d{1,25})(e[+-]?\d{1,3})?")

# What spreadsheets, pandas and R write into a cell without a value, and what people write.
_MISSING_WORDS = {
    *("na", "n/a", "<na>", "#n/a", "#n/a n/a", "#na", "nan", "-nan", "nat", "none", "<none>"),
    *("null", "(null)", "<null>", "#null!", "nil", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
    *("n.a.", "n.a", "n. a.", "na.", "n/d", "n.d.", "\\n", "not available", "not applicable"),
    *("#ref!", "#div/0!", "#value!", "#name?", "#num!", "#error!", "#spill!", "#calc!", "no data"),
}
# These may be classes, but they do not name a patient.
_UNKNOWN_WORDS = {
    *("unknown", "unk", "unkn", "missing", "undefined", "not known", "not specified", "no patient"),
    *("unknown patient", "patient unknown", "anonymous", "unbekannt", "inconnu", "desconocido"),
}
# Letters of Cyrillic and Greek that look like those of Latin, and what they look like.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u03bf\u0391\u0392\u0395\u039c\u039d\u039f"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425",
    "aeopcyxijsoABEMNOABEKMHOPCTX",
)

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


def is_missing_word(text: str, *, patient: bool = False) -> bool:
    """Return whether a text is empty, or a word for a missing value, such as "NA" or "?".

    A text of punctuation and invisible characters is one, too. With ``patient``, so is a word such
    as "unknown", which may be a class but not a person.
    """
    word = drop_invisible(text).strip().casefold()
    if word in _MISSING_WORDS or (patient and word in _UNKNOWN_WORDS):
        return True
    kinds = {unicodedata.category(character) for character in word}
    return all(kind[0] in "PZ" or kind in ("Cc", "Cf") for kind in kinds)


def find_missing_words(names: Iterable[str]) -> list[str]:
    """Return the names that are words for a missing value. "-" is a class beside "+"."""
    listed = sorted(set(names))
    signs = any(name.strip() and not name.strip().strip("+") for name in listed)
    return [
        name
        for name in listed
        if is_missing_word(name) and not (signs and re.fullmatch(r"\s*[-\u2212]+\s*", name))
    ]


def drop_invisible(text: str) -> str:
    """Return text without the characters that have no width, such as a soft hyphen."""
    if text.isascii():
        return text
    return "".join(
        character
        for character in text
        if unicodedata.category(character) != "Cf" and not "\ufe00" <= character <= "\ufe0f"
    )


def find_similar_names(names: Iterable[str]) -> list[list[str]]:
    """Return the sets of names that mean the same or look the same, as by `fold_name`."""
    similar = defaultdict(set)
    for name in names:
        similar[fold_name(name)].add(name)
    return [sorted(found) for found in similar.values() if len(found) > 1]


def fold_name(name: str) -> str:
    """Return what is equal for names that are nearly equal.

    They differ in case, blanks, dashes, accents as composed, leading zeros, characters without
    width, letters of other alphabets that look the same, or as numbers: "0", "0.0" and "False".
    """
    text = _flatten(name).strip().casefold()
    text = {"false": "0", "true": "1"}.get(text, text)
    if _NUMBER.fullmatch(text):
        with suppress(ArithmeticError):
            return str(Decimal(text).normalize() + 0)
    text = re.sub(r"(?<![\d.])0+(?=\d)", "", text)
    return re.sub(r"[\s_-]+", " ", text).strip() or text


def _flatten(name: str) -> str:
    """Return what is equal for names that look the same."""
    text = drop_invisible(unicodedata.normalize("NFKC", name)).translate(_LOOKALIKES)
    dashes = {sign for sign in text if unicodedata.category(sign) == "Pd" or sign == "\u2212"}
    return "".join("-" if sign in dashes else sign for sign in text)


def name_apart(names: Sequence[str], limit: int = 4) -> str:
    """Return the first few names, with codes for letters if some of the names look the same."""
    same = len(set(map(_flatten, names))) < len(set(names))
    return list_some([(ascii if same else repr)(name) for name in names[:limit]], len(names))


def write_apart(names: Sequence[str], others: Sequence[str]) -> str:
    """Return names as Python writes a tuple, with codes if one looks like another name."""
    every = {*names, *others}
    same = len(set(map(_flatten, every))) < len(every)
    return (ascii if same else repr)(tuple(names))


def warn_similar_names(
    names: Iterable[str], noun: str, plural: str, *, stacklevel: int = 3
) -> None:
    """Warn if names are nearly equal.

    Warns
    -----
    LabelWarning
        With the names.
    """
    similar = find_similar_names(names)
    if similar:
        listed = [name_apart(found) for found in similar[:3]]
        warnings.warn(
            LabelWarning(
                f"{plural.capitalize()} should have clearly different names",
                f"{count_noun(len(similar), 'set')} of names that are nearly equal:"
                f" {list_some(listed, len(similar))}",
                f"If they are one {noun}, give them one name.",
                code=f"{plural}-nearly-equal",
                values={"names": similar},
            ),
            stacklevel=stacklevel,
        )


def warn_class_names(classes: Iterable[object], *, stacklevel: int = 3) -> None:
    """Warn if classes are nearly equal, or words for a missing value.

    Warns
    -----
    LabelWarning
        With the names.
    """
    names = [str(name) for name in classes if isinstance(name, str)]
    warn_similar_names(names, "class", "classes", stacklevel=stacklevel + 1)
    missing = find_missing_words(names)
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
