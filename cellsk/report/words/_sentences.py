"""What a run found, in sentences that say each number with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellsk.report.words._values import name_class, write_count, write_number
from cellsk.report.words._verdict import say_against_guessing

__all__ = ["say_origin", "summarize"]

Document = Mapping[str, Any]


def summarize(document: Document) -> list[str]:
    """Return the findings of an evaluation in plain sentences.

    Parameters
    ----------
    document : mapping
        An evaluation document.

    Returns
    -------
    sentences : list of str
        The first says how the numbers came about, the second whether they are better than
        guessing, the others what they are. What is not defined is not said.
    """
    found = [_say_folds(document), say_against_guessing(document)]
    if document["data"]["positive"] is None:
        found += [_say_right(document), _say_extremes(document)]
    else:
        found += [_say_decisions(document), _say_ranking(document), _say_prevalence(document)]
    return [sentence for sentence in found if sentence]


def say_origin(document: Document) -> str:
    """Return what was evaluated: ``"Pipeline · 600 images of 12 patients · 5 folds"``."""
    data = document["data"]
    images = write_count(data["n_images"], "image")
    if data["n_groups"] is not None:
        images += f" of {write_count(data['n_groups'], 'patient')}"
    folds = write_count(document["cv"]["n_folds"], "fold")
    return " · ".join((document["estimator"]["name"], images, folds, document["created"][:10]))


def _say_folds(document: Document) -> str:
    images = write_count(document["data"]["n_images"], "image")
    if document["cv"]["groups_kept_together"]:
        patients = write_count(document["data"]["n_groups"], "patient")
        return (
            f"Each of {images} of {patients} was predicted once, by a model that had seen no"
            " image of that patient."
        )
    return (
        f"Each of {images} was predicted once, by a model that had not seen it. Patients are"
        " not known: the model may well have seen other images of the same patient."
    )


def _say_decisions(document: Document) -> str:
    numbers, (positive, negative) = document["numbers"], _name_two(document)
    found, spared = (_of_hundred(numbers.get(name)) for name in ("sensitivity", "specificity"))
    words = []
    if found:
        words.append(f"of 100 {positive} images it finds {found}")
    if spared:
        words.append(f"of 100 {negative} images it calls {spared} {negative}")
    text = "; ".join(words)
    if not text:
        return ""
    exact = any("note" in numbers.get(name, {}) for name in ("sensitivity", "specificity"))
    note = " Exact intervals take images as independent." if exact else ""
    return f"{text[0].upper()}{text[1:]}.{note}"


def _say_ranking(document: Document) -> str:
    (positive, negative), pairs = (
        _name_two(document),
        _of_hundred(document["numbers"].get("roc_auc")),
    )
    if not pairs:
        return ""
    return (
        f"Shown one {positive} and one {negative} image, it gives the {positive} one the higher"
        f" score in {pairs} of 100 pairs."
    )


def _say_prevalence(document: Document) -> str:
    """Say what a positive call is worth, here or at the prevalence that was stated."""
    at, (positive, _) = document["at_prevalence"], _name_two(document)
    right = _of_hundred(at["ppv"]) if at else ""
    if right:
        return (
            f"Where {100 * at['prevalence']:.3g} in 100 images are {positive}, {right} of 100"
            f" {positive} calls would be right."
        )
    here, share = _of_hundred(document["numbers"].get("ppv")), document["data"]["prevalence"]
    if not here or share is None:
        return ""
    return (
        f"Here {write_number(100 * share, 0)} in 100 images are {positive}, and {here} of 100"
        f" {positive} calls are right; where fewer are {positive}, fewer calls are right."
    )


def _say_right(document: Document) -> str:
    right = _of_hundred(document["numbers"].get("balanced_accuracy"))
    if not right:
        return ""
    n_classes = len(document["data"]["classes"])
    return (
        f"Of 100 images, with as many of each of the {n_classes} classes, it names {right}"
        f" right; guessing would name {100 / n_classes:.0f}."
    )


def _say_extremes(document: Document) -> str:
    """Name the class that is found best, and the one that is found worst."""
    found = [
        (entry["numbers"]["sensitivity"]["value"], entry["name"], entry["numbers"]["sensitivity"])
        for entry in document["per_class"]
        if entry["numbers"]["sensitivity"]["value"] is not None
    ]
    if len(found) < 2:
        return ""
    (_, worst, low), *_, (_, best, high) = sorted(found, key=lambda one: one[:2])
    return (
        f"It finds {name_class(best)} best, {_of_hundred(high)} of 100, and"
        f" {name_class(worst)} worst, {_of_hundred(low)} of 100."
    )


def _name_two(document: Document) -> tuple[str, str]:
    positive = document["data"]["positive"]
    names = [entry["name"] for entry in document["data"]["classes"]]
    negative = next((name for name in names if name != positive), "other")
    return name_class(positive), name_class(negative)


def _of_hundred(entry: Mapping[str, Any] | None) -> str:
    """Return a share as a count of a hundred: ``"87 (80 to 92)"``; empty if not defined."""
    if entry is None or entry["value"] is None:
        return ""
    if entry["low"] is None or entry["high"] is None:
        return _in_hundred(entry["value"])
    note = ", exact" if "note" in entry else ""
    low, high = _in_hundred(entry["low"]), _in_hundred(entry["high"])
    return f"{_in_hundred(entry['value'])} ({low} to {high}{note})"


def _in_hundred(share: float) -> str:
    """Return a share of a hundred, rounded as on the cards: 0.925 is 93 where they say 0.93."""
    return f"{100 * float(f'{share:.2f}'):.0f}"
