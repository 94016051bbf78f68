"""What a reader must know first: one class called for all, guessing, and few patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cellsk.report.words._values import name_class, write_interval, write_number

__all__ = [
    "call_of_folds",
    "is_better_than_guessing",
    "list_cautions",
    "say_against_guessing",
    "say_one_call",
]

Document = Mapping[str, Any]


def say_one_call(document: Document) -> str:
    """Return that all images were called one class, if they were; else nothing."""
    columns = [sum(counts) for counts in zip(*document["confusion_matrix"], strict=True)]
    if sum(count > 0 for count in columns) != 1:
        return ""
    (name,) = (
        entry["name"]
        for entry, count in zip(document["data"]["classes"], columns, strict=True)
        if count
    )
    return f"It called all images {name_class(name)}."


def call_of_folds(document: Document) -> dict[int, str]:
    """Return, for each fold whose images were all called one class, the name of that class."""
    found = document["predictions"]
    names = [entry["name"] for entry in document["data"]["classes"]]
    called: dict[int, set[int]] = {}
    for fold, code in zip(found["fold"], found["predicted"], strict=True):
        called.setdefault(fold, set()).add(code)
    return {
        fold: name_class(names[min(codes)]) for fold, codes in called.items() if len(codes) == 1
    }


def say_against_guessing(document: Document) -> str:
    """Return whether the numbers are better than guessing, and by what; nothing if undefined.

    For two classes by ROC AUC, which guessing brings to 0.5; for more by balanced accuracy,
    which it brings to 1 divided by their number.
    """
    label, entry, chance = _find_judged(document)
    if entry is None or entry["value"] is None:
        return ""
    guessing = write_number(chance, 1 if chance == 0.5 else 2)
    if entry["low"] is None or entry["high"] is None:
        if _is_exactly_better(document):
            return (
                "Better than guessing, by the exact intervals of sensitivity and specificity,"
                " images taken as independent."
            )
        if entry["value"] <= chance:
            return f"Not better than guessing: {label} is {write_number(entry['value'], 2)}."
        return f"Whether it is better than guessing cannot be told: {label} has no interval here."
    interval = f"the interval of {label}, {write_interval(entry, 2)},"
    if entry["low"] > chance:
        return f"Better than guessing: {interval} lies above {guessing}."
    if entry["high"] < chance:
        return f"Worse than guessing: {interval} lies below {guessing}. Check the labels."
    return f"Not shown to be better than guessing: {interval} includes {guessing}."


def is_better_than_guessing(document: Document) -> bool:
    """Return whether the interval stays above what guessing reaches."""
    _, entry, chance = _find_judged(document)
    if entry is None or entry["value"] is None:
        return False
    return _is_exactly_better(document) if entry["low"] is None else entry["low"] > chance


def list_cautions(document: Document) -> list[str]:
    """Return what stands before all numbers: one class called for all, and few patients."""
    return [sentence for sentence in (say_one_call(document), _say_few(document)) if sentence]


def _say_few(document: Document) -> str:
    """Return the first sentence of the limit on few patients, unless a warning says it."""
    if any("true intervals are wider" in sentence for sentence in document["warnings"]):
        return ""
    few: Iterable[str] = (
        sentence
        for sentence in document["limits"]
        if sentence.startswith(("Only ", "With ")) and "too narrow" in sentence
    )
    limit = next(iter(few), "")
    return limit and limit.split(". ")[0].split(": in ")[0].rstrip(".") + "."


def _find_judged(document: Document) -> tuple[str, Mapping[str, Any] | None, float]:
    numbers = document["numbers"]
    if document["data"]["positive"] is not None:
        return "ROC AUC", numbers.get("roc_auc"), 0.5
    n_classes = len(document["data"]["classes"])
    return "balanced accuracy", numbers.get("balanced_accuracy"), 1 / n_classes


def _is_exactly_better(document: Document) -> bool:
    """Whether sensitivity and specificity together exceed 1, which guessing does not.

    For a ROC AUC without an interval, as where every image is right.
    """
    opinions = document["second_opinions"]
    lows = [opinions.get(name, {}).get("low") for name in ("sensitivity", "specificity")]
    return None not in lows and sum(lows) > 1
