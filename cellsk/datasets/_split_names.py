"""Folders that are splits or data sets, and not classes."""

from __future__ import annotations

import os
import re
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Collection, Sequence

from cellsk._checks import count_noun, name_some
from cellsk._class_words import guess_positive
from cellsk.exceptions import InputError, LabelWarning, SplitWarning

__all__ = ["check_class_values", "check_not_splits", "find_splits", "warn_class_folders"]

_TRAIN = "train|training|trn|tr|derivation|discovery|seen"
_TEST = (
    "tests?|testing|tst|ts|te|holdout|heldout|holdback|evaluation|eval|unseen|replication"
    "|internal|external"
)
_VALID = "validation|validate|valid|val|vali|dev|devel|development|tune|tuning|unlabell?ed"
_PARTS = (
    "folds?|kfold|cv|splits?|parts?|partitions?|subsets?|batch|batches|cross|crossval|xval"
    "|crossvalidation"
)
_FILLERS = (
    "sets?|data|datas|dataset|images?|imgs?|cells?|patch|patches|tiles?|files?|cohort|the|v?[0-9]+"
)
_KINDS = {
    kind: re.compile(rf"(?:{words})(?:sets?|data|images?|imgs?)?")
    for kind, words in (("train", _TRAIN), ("test", _TEST), ("valid", _VALID))
}
_SPLIT = re.compile(rf"(?:(?P<split>{_TRAIN}|{_TEST}|{_VALID}|{_PARTS})|{_FILLERS})+")
_TRAIN_NAME = re.compile(rf"(?:{_FILLERS})*(?:{_TRAIN})")
_TEST_NAME = re.compile(rf"(?:{_FILLERS})*(?:{_TEST})")
_NUMBER = re.compile(
    r"\d+|[a-z]|i{1,3}|iv|vi{0,3}|ix|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|first|second|third|fourth|fifth"
)
_IMAGES = re.compile(r"(?:raw|input|original)?(?:images?|imgs?|pictures?|photos?|raw|inputs?)")
_ANNOTATIONS = re.compile(
    r"(?:images?|img|binary|inst|instance|cell|nuclei)?(?:masks?|labels?|annotations?|annots?|gt"
    r"|groundtruths?|targets?|segs?|segmentations?|contours?|overlays?|thumbs|thumbnails?|bbox(?:es)?"
    r"|heatmaps?|previews?|metadata|xmls?|jsons?)"
)
_CONTAINERS = re.compile(rf"{_IMAGES.pattern}|data|dataset|cells?|patches|tiles?|files?|classes")
# The first words of names of sites and data sets, of patients, and of classes with a number.
_SOURCES = re.compile(
    r"ds|data|datasets?|sets?|hosp|hospitals?|sites?|cent(?:er|re)s?|labs?|clinics?|sources?|cohorts?"
    r"|scanners?|batch|inst|institutes?|institutions?|study|studies|vendors?|cameras?|microscopes?|plates?|wells?"
    r"|(?:19|20)\d\d"
)
_PATIENTS = re.compile(r"patients?|pats?|subjects?|subj|donors?|animals?|mouse|mice|slides?|wsi")
_PATIENT_CODES = re.compile(r"p|pt|id|tcga|case")
_CLASS_CODES = re.compile(
    r"(?:grad(?:e|ing)|g|class|cls|stage|type|cin|level|score|label|category|cat|t|isup|gleason"
    r"|her2|birads|bethesda|kategorie|klasse|stufe)\d{1,2}"
)
_DIGITS = 4  # numbers of as many digits are of patients, slides or years
_MANY_NAMES = 20  # more names below are patients or slides
_MANY_FOLDERS = 10  # more folders are rarely classes


def _split_words(name: str) -> list[str]:
    """Return the words and numbers of a name, in lower case."""
    text = unicodedata.normalize("NFKC", name).strip()
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return re.findall(r"\d+|[^\W\d_]+", text.casefold())


def _strip_number(name: str) -> tuple[str, bool]:
    """Return the words of a name in one, without what numbers it, and whether something does."""
    words = _split_words(name)
    count = len(words)
    while len(words) > 1 and _NUMBER.fullmatch(words[-1]):
        words.pop()
    return "".join(words), len(words) < count


def _squeeze(name: str) -> str:
    return _strip_number(name)[0]


def _is_split(name: str) -> bool:
    text, numbered = _strip_number(name)
    found = _SPLIT.fullmatch(text)
    return (numbered and text in ("set", "dataset")) or (
        found is not None and found["split"] is not None
    )


def _find_pairs(names: Collection[str]) -> dict[tuple[str, ...], dict[str, str]]:
    """Return what names have beside a word such as train, if another one has it beside test.

    Returns
    -------
    pairs : dict of {tuple of str: dict of {str: str}}
        The other words: for "blood_train" and "blood_test" it is ``{("blood",): {"train":
        "blood_train", "test": "blood_test"}}``.
    """
    pairs: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for name in sorted(names):
        words = _split_words(name)
        for place in {0, len(words) - 1} if words else ():
            kinds = [kind for kind, words_of in _KINDS.items() if words_of.fullmatch(words[place])]
            for kind in kinds:
                pairs[(*words[:place], *words[place + 1 :])].setdefault(kind, name)
    return {rest: found for rest, found in pairs.items() if "train" in found and len(found) > 1}


def find_splits(names: Collection[str]) -> list[str]:
    """Return the names that are splits, such as "train" and "test_set", unless they are classes.

    They are splits if all names are, if one is for training and another one is a split too, or if
    two names differ in words such as "train" and "test" only.

    Parameters
    ----------
    names : collection of str
        At least two different names, or else none of them is a split.

    Returns
    -------
    splits : list of str
        Sorted. Empty if the names may be classes.
    """
    pairs = [set(found.values()) for found in _find_pairs(names).values()]
    if pairs:
        return sorted(set.union(*pairs))
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
    below = _find_below(paths)
    splits = find_splits(below)
    if splits:
        raise _describe_splits(folder, splits)
    patients = [name for name in below if _is_patient(name)]
    if len(patients) == len(below) > 1:
        raise _describe_patients(folder, patients)
    images = [name for name in below if _IMAGES.fullmatch(_squeeze(name))]
    others = [name for name in below if _ANNOTATIONS.fullmatch(_squeeze(name))]
    if images and others and len(images) + len(others) == len(below):
        raise _describe_parts(folder, images, others)
    if level not in (1, -1) and _are_data_sets(below):
        raise _describe_data_sets(folder, sorted(below), sorted(set.union(*below.values())))


def _find_below(paths: Sequence[str]) -> dict[str, set[str]]:
    """Return the folders below each first folder. "" is an image without such a folder.

    Folders that only hold others, such as "images" or "train", are left out.
    """
    below: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        first, *inner, _ = path.split("/")
        while inner and (_CONTAINERS.fullmatch(_squeeze(inner[0])) or _is_split(inner[0])):
            inner.pop(0)
        below[first].add(inner[0] if inner else "")
    return below


def _is_patient(name: str) -> bool:
    words = _split_words(name)
    return bool(_PATIENTS.fullmatch(words[0])) and len(words) > 1 if words else False


def _describe_patients(folder: str, patients: list[str]) -> InputError:
    return InputError(
        "must contain one sub-folder per class, such as 'benign' and 'malignant'",
        f"{folder!r}, with {name_some(patients)}, which look like patients or slides, not classes",
        "Pass labels='labels.csv' with the class of each image, and groups=0 for the patients. If"
        " they are classes, name them with classes=.",
        parameter="folder",
        code="patients-not-classes",
    )


def _describe_splits(folder: str, splits: list[str]) -> InputError:
    rule = "must contain one sub-folder per class, such as 'benign' and 'malignant'"
    got = f"{folder!r}, with {name_some(splits)}, which look like splits, not classes"
    pairs = _find_pairs(splits)
    if len(pairs) > 1:
        return InputError(
            rule,
            got,
            "Move the images of each class into folders such as 'train/benign' and 'test/benign',"
            " and pass one of the two. If they are classes, name them with classes=.",
            parameter="folder",
            code="splits-with-classes",
        )
    train, test = choose_splits(splits)
    first, second = os.path.join(folder, train), os.path.join(folder, test)
    return InputError(
        rule,
        got,
        f"Pass one of them: evaluate and train a model on {first!r}, then test it on {second!r}."
        " If they are classes, name them with classes=.",
        parameter="folder",
        code="splits-not-classes",
        values={"train": first, "test": second},
    )


def choose_splits(splits: Sequence[str]) -> tuple[str, str]:
    """Return the split to train on, and another one to test on."""
    for found in _find_pairs(splits).values():
        return found["train"], found.get("test") or found["valid"]
    train = next((name for name in splits if _TRAIN_NAME.match(_squeeze(name))), splits[0])
    others = [name for name in splits if name != train]
    test = next((name for name in others if _TEST_NAME.match(_squeeze(name))), others[0])
    return train, test


def _are_data_sets(below: dict[str, set[str]]) -> bool:
    """Return whether folders hold folders of the same names, which look like classes.

    Patients and slides may have the same names in each class too, but these have numbers.
    """
    inner = list(below.values())
    if len(below) > 1 and all(map(_are_opposites, inner)):
        return True
    names = set.union(*inner)
    shared = {name for name in names if sum(name in one for one in inner) > 1}
    if "" in names or not 2 <= len(shared) <= len(names) <= _MANY_NAMES:
        return False
    full = sum(len(one & shared) > 1 for one in inner)
    if _are_opposites(set(below)) or 2 * len(shared) < len(names) or 2 * full < len(below):
        return False
    if full > 1 and all(map(_is_source, below)):
        return True
    numbered = any(re.search(r"\d", name) for name in names)
    return full > 1 and (not numbered or _are_codes(names, len(below)))


def _is_source(name: str) -> bool:
    """Return whether a name is that of a site or a data set."""
    words = _split_words(name)
    return bool(words) and _SOURCES.fullmatch(words[0]) is not None


def _are_opposites(names: set[str]) -> bool:
    """Return whether names are clearly classes, such as "benign" and "malignant"."""
    return len(names) == 2 and "" not in names and guess_positive(sorted(names)) is not None


def _are_codes(names: set[str], n_folders: int) -> bool:
    """Return whether names are such as grade1, or 0, 1 and so on; in many folders from 1 on."""
    if all(_CLASS_CODES.fullmatch("".join(_split_words(name))) for name in names):
        return True
    firsts = (0, 1) if n_folders >= _MANY_FOLDERS else (0,)
    return any(names == {str(first + number) for number in range(len(names))} for first in firsts)


def _describe_data_sets(folder: str, sets: list[str], names: list[str]) -> InputError:
    return InputError(
        "must contain one sub-folder per class, such as 'benign' and 'malignant'",
        f"{folder!r}, whose folders {name_some(sets)} hold {name_some(names)}, which look like the"
        " classes",
        f"Pass one of them, such as {os.path.join(folder, sets[0])!r}, or a list of them. If"
        f" {name_some(sets)} are the classes, name them with classes=.",
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
            "Pass label_column= with the column of the classes, or with this column if they are"
            " classes.",
            code="splits-not-labels",
        )


def warn_class_folders(
    names: Collection[str], paths: Sequence[str] = (), *, stacklevel: int = 3
) -> None:
    """Warn if classes look like patients, or if their folders hold splits.

    Parameters
    ----------
    names : collection of str
        The classes.
    paths : sequence of str, default=()
        Image files below the folders of the classes, with forward slashes.
    stacklevel : int, default=3
        As that of `warnings.warn`.

    Warns
    -----
    LabelWarning, SplitWarning
        If they do.
    """
    if _are_patient_codes(names) or _are_numbered_sources(names):
        warnings.warn(
            LabelWarning(
                "Classes should not be patients, slides, sites or dates",
                f"{count_noun(len(names), 'class', 'classes')} with the names"
                f" {name_some(sorted(names))}",
                "If they are not classes, pass labels='labels.csv' with the class of each image,"
                " and groups=0 for folders of patients.",
                code="classes-like-patients",
            ),
            stacklevel=stacklevel,
        )
    inner = {path.split("/")[1] for path in paths if path.count("/") > 1}
    splits = find_splits(inner)
    if len(splits) == len(inner) and any(_TRAIN_NAME.match(_squeeze(name)) for name in splits):
        warnings.warn(
            SplitWarning(
                "Images for training and test should be in separate folders",
                f"{name_some(splits)} below the folders of the classes, taken together",
                "To test on other images than the model is trained on, move them into folders such"
                " as 'train/benign' and 'test/benign'.",
                code="splits-below-classes",
            ),
            stacklevel=stacklevel,
        )


def _are_patient_codes(names: Collection[str]) -> bool:
    """Return whether names are such as P1, TCGA-A1-A0SB or a date, or have many digits."""
    words = list(map(_split_words, names))
    if len(names) < 2 or not all(words):
        return False
    if all(len(parts) > 2 and parts[0] == "tcga" for parts in words):
        return True
    if all(len(parts) == 3 and all(part.isdecimal() for part in parts) for parts in words):
        return True
    if not all(parts[-1].isdecimal() and len(parts) < 3 for parts in words):
        return False
    if all(_PATIENT_CODES.fullmatch(parts[0]) for parts in words):
        return True
    return len(names) > 2 and (
        all(len(parts[-1]) >= _DIGITS for parts in words) or _are_padded(words)
    )


def _are_numbered_sources(names: Collection[str]) -> bool:
    """Return whether names are such as site_a and site_b."""
    stripped = {_strip_number(name) for name in names}
    return len(names) > 1 == len(stripped) and all(
        numbered and _SOURCES.fullmatch(text) for text, numbered in stripped
    )


def _are_padded(words: list[list[str]]) -> bool:
    """Return whether names are one word with numbers of one width, such as 01 and 12."""
    if any(len(parts) != 2 for parts in words):
        return False
    numbers = {number for _, number in words}
    kinds = {(word, len(number)) for word, number in words}
    is_class = all(_CLASS_CODES.fullmatch(word + number) for word, number in words)
    padded = any(number.startswith("0") for number in numbers) and max(map(len, numbers)) > 1
    return len(kinds) == 1 and padded and not is_class
