"""The numbers of a model card: all images, and parts of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellsk._checks import count_noun
from cellsk.report.render._markdown_text import escape, write_table
from cellsk.report.words._phrases import (
    ONE_CLASS,
    count_defined,
    name_level,
    name_score,
    say_patient_threshold,
    write_range,
)
from cellsk.report.words._values import describe_score, write_interval, write_number, write_share

__all__ = ["NUMBER_SECTIONS", "pick_present", "write_leakage"]

Document = Mapping[str, Any]
_OF_PARTS = ("roc_auc", "accuracy", "sensitivity", "specificity")
_SIDES = ("grouped", "random", "gap")
_AT_POINT = ("sensitivity", "specificity", "ppv", "npv")


def pick_present(names: Sequence[str], numbers: Mapping[str, Any]) -> list[str]:
    """Return those of the names that there are."""
    return [name for name in names if name in numbers]


def _write_numbers(document: Document) -> list[str]:
    interval = document["interval"]
    rows = []
    for name, number in document["numbers"].items():
        words, fold = describe_score(name, document["data"]), document["mean_of_folds"][name]
        rows.append(
            (
                words.label,
                write_number(number["value"]),
                write_interval(number) + (f", {number['note']}" if "note" in number else ""),
                write_number(words.chance) if words.chance is not None else None,
                " ".join((write_number(fold["mean"]), count_defined(name, document))).strip(),
                write_number(fold["sd"]),
                words.meaning,
            )
        )
    header = [
        "Score",
        "Value",
        name_level(document),
        "Guessing",
        "Mean of folds",
        "SD of folds",
        "What it says",
    ]
    units = count_noun(interval["n_units"], interval["unit"])
    return [
        "## Numbers",
        "",
        "Over all images together, as each was predicted when it was held out.",
        "",
        *write_table(header, rows),
        "",
        f"Intervals: percentiles of a {interval['method']} ({units}, "
        f"{interval['n_resamples']:,} resamples).",
        *_write_opinions(document),
        *_write_prevalence(document),
    ]


def _write_opinions(document: Document) -> list[str]:
    if not document["second_opinions"]:
        return []
    rows = [
        (name_score(name, document), write_range(number), number["method"])
        for name, number in document["second_opinions"].items()
    ]
    return [
        "",
        "Second opinions, by formulas that take images as independent. Trust the wider interval:",
        "",
        *write_table(["Score", name_level(document), "Method"], rows),
    ]


def _write_prevalence(document: Document) -> list[str]:
    stated = document["at_prevalence"]
    if stated is None:
        return []
    scores = [f"{name_score(n, document)} {write_range(stated[n])}" for n in ("ppv", "npv")]
    share = f"{100 * stated['prevalence']:g} %"
    return ["", f"If {share} of the images were positive: {', '.join(scores)}."]


def _write_classes(document: Document) -> list[str]:
    if not document["per_class"]:
        return []
    names = list(document["per_class"][0]["numbers"])
    rows = [
        (one["name"], f"{one['n_images']:,}", *(write_range(one["numbers"][n]) for n in names))
        for one in document["per_class"]
    ]
    header = ["Class", "Images", *(name_score(name, document) for name in names)]
    return ["## Each class against the rest", "", *write_table(header, rows)]


def _write_patients(document: Document) -> list[str]:
    found = document["patients"]
    if found is None:
        return []
    rows = [(name_score(n, document), write_range(v)) for n, v in found["numbers"].items()]
    told = [
        f"The images of a patient taken together ({found['aggregation']}): "
        f"{count_noun(found['n_patients'], 'patient')}."
    ]
    if found["n_mixed"]:
        positive = document["data"]["positive"]
        fate = "was left out" if positive is None else f"counts as {positive}"
        mixed = count_noun(found["n_mixed"], "patient")
        told.append(f"Images of several classes had {mixed}; such a patient {fate}.")
    told += [note] if (note := say_patient_threshold(document)) else []
    return [
        "## By patient",
        "",
        escape(" ".join(told)),
        "",
        *(write_table(["Score", name_level(document)], rows) if rows else [ONE_CLASS]),
    ]


def _write_point(document: Document) -> list[str]:
    point = document["operating_point"]
    if point is None:
        return []
    names = pick_present(_AT_POINT, point["achieved"])
    rows = [
        (name_score(n, document), *(write_range(point[k][n]) for k in ("achieved", "untuned")))
        for n in names
    ]
    thresholds = ", ".join(write_number(value) for value in point["thresholds"])
    return [
        "## Operating point",
        "",
        f"Wanted: a {point['wanted']} of {point['target']:g}. Thresholds, each chosen within the "
        f"training side of its fold: {thresholds}.",
        "",
        *write_table(["Score", "At these thresholds", "Untuned"], rows),
    ]


def _write_subgroups(document: Document) -> list[str]:
    groups = document["subgroups"]
    if not groups:
        return []
    names = pick_present(_OF_PARTS, groups[0]["numbers"])
    rows = [
        (
            f"{one['column']}: {one['value']}",
            f"{one['n_images']:,}",
            one["n_groups"],
            *(write_range(one["numbers"][name]) for name in names),
        )
        for one in groups
    ]
    header = ["Subgroup", "Images", "Patients", *(name_score(name, document) for name in names)]
    return ["## Subgroups", "", *write_table(header, rows)]


def _write_referral(document: Document) -> list[str]:
    found = document["referral"]
    if found is None:
        return []
    kept, share = count_noun(found["n_kept"], "image"), write_share(found["coverage"])
    left = (
        f"{kept} ({share}) are left to the model, and {write_share(found['error'])} of them are "
        "wrong."
        if found["n_kept"]
        else "None is left to the model."
    )
    rows = [(name_score(n, document), write_range(v)) for n, v in found["numbers"].items()]
    return [
        "## Referral to a pathologist",
        "",
        f"{count_noun(found['n_referred'], 'image')} uncertain by more than "
        f"{found['max_uncertainty']:g} are referred. {left}",
        *(["", *write_table(["Score", name_level(document)], rows)] if rows else []),
    ]


def write_leakage(document: Document) -> list[str]:
    found = document["leakage"]
    if found is None:
        return []
    rows = [
        (
            name_score(name, document),
            *(write_range(found[side][name]) for side in _SIDES),
        )
        for name in found["gap"]
    ]
    header = ["Score", "Folds by patient", "Folds by image", "Gap"]
    return [
        "## What ignoring patients would have claimed",
        "",
        escape(found["sentence"]),
        "",
        *write_table(header, rows),
    ]


NUMBER_SECTIONS = (
    _write_numbers,
    _write_classes,
    _write_patients,
    _write_point,
    _write_referral,
    _write_subgroups,
)
