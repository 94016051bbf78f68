"""A report as a few lines of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cellsk._checks import count_noun
from cellsk.metrics import SCORE_NAMES
from cellsk.report.document._shown import prepare
from cellsk.report.words._phrases import ONE_CLASS, list_left_out, say_patient_threshold
from cellsk.report.words._values import name_class
from cellsk.report.words._verdict import list_cautions, say_against_guessing

__all__ = ["render_terminal"]

WIDTH = 27
# Control characters, with which a name could command a terminal, and those that turn the
# direction of the text around.
_UNSEEN = re.compile("[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
SHOWN = (
    "accuracy",
    "balanced_accuracy",
    "roc_auc",
    "average_precision",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "mcc",
    "brier_score",
    "calibration_error",
)


def render_terminal(document: Mapping[str, Any]) -> str:
    """Return the summary: what was evaluated, the numbers, and what to beware of."""
    document = prepare(document)
    lines = [*_show_head(document), "", *_show_numbers(document)]
    lines += _show_prevalence(document)
    lines += _show_patients(document)
    lines += _show_subgroups(document)
    lines += _show_operating_point(document["operating_point"])
    lines += _show_referral(document["referral"])
    if document["leakage"] is not None:
        lines += ["", document["leakage"]["sentence"]]
    if document["warnings"]:
        lines += ["", *(f"! {sentence}" for sentence in document["warnings"])]
    return "\n".join(_UNSEEN.sub(" ", line) for line in lines)


def _show_head(document: Mapping[str, Any]) -> list[str]:
    left_out = list_left_out(document)
    lines = [
        document["title"],
        f"{_describe_images(document['data'])}.",
        f"{count_noun(document['cv']['n_folds'], 'fold')}, each image predicted once.",
    ]
    if left_out:
        lines.append(f"{count_noun(len(left_out), 'file')} left out beforehand: {left_out[0][0]}")
        lines[-1] += ", ..." if len(left_out) > 1 else "."
    said = [*list_cautions(document), say_against_guessing(document)]
    return [*lines, *(["", *kept] if (kept := [one for one in said if one]) else [])]


def _show_numbers(document: Mapping[str, Any]) -> list[str]:
    interval, numbers = document["interval"], document["numbers"]
    head = f"{100 * interval['level']:g} % interval, {interval['method']}"
    return [
        f"{'':{WIDTH}}{'value':>7}  {head}",
        *(_show(name, numbers[name]) for name in SHOWN if name in numbers),
    ]


def _describe_images(data: Mapping[str, Any]) -> str:
    classes = ", ".join(f"{entry['n_images']:,} {entry['name']}" for entry in data["classes"])
    patients = (
        "patients unknown" if data["n_groups"] is None else count_noun(data["n_groups"], "patient")
    )
    positive = "" if data["positive"] is None else f"; positive is {data['positive']}"
    return f"{count_noun(data['n_images'], 'image')} ({classes}), {patients}{positive}"


def _show(name: str, entry: Mapping[str, Any]) -> str:
    words = SCORE_NAMES[name][0] if name in SCORE_NAMES else name
    if entry["value"] is None:
        return f"{words:{WIDTH}}{'-':>7}  not defined here"
    return f"{words:{WIDTH}}{entry['value']:7.3f}  {_write_interval(entry)}"


def _write_interval(entry: Mapping[str, Any]) -> str:
    if entry["low"] is None or entry["high"] is None:
        return "-"
    note = f" ({entry['note']})" if "note" in entry else ""
    return f"{entry['low']:.3f} to {entry['high']:.3f}{note}"


def _show_prevalence(document: Mapping[str, Any]) -> list[str]:
    at = document["at_prevalence"]
    if at is None:
        return []
    positive = name_class(document["data"]["positive"])
    values = ", ".join(f"{name.upper()} {_in_short(at[name])}" for name in ("ppv", "npv"))
    return ["", f"Where {100 * at['prevalence']:g} % of images are {positive}: {values}"]


def _show_patients(document: Mapping[str, Any]) -> list[str]:
    patients = document["patients"]
    if patients is None:
        return []
    head = f"By patient ({patients['aggregation']} of {patients['n_patients']} patients)"
    if not patients["numbers"]:
        return ["", f"{head}: {ONE_CLASS[0].lower()}{ONE_CLASS[1:]}"]
    names = ("accuracy", "roc_auc", "sensitivity", "specificity")
    shown = [
        _show(name, patients["numbers"][name]) for name in names if name in patients["numbers"]
    ]
    note = say_patient_threshold(document)
    return ["", head, *shown, *([note] if note else [])]


def _show_subgroups(document: Mapping[str, Any]) -> list[str]:
    groups = document["subgroups"]
    if not groups:
        return []
    name = "accuracy" if document["data"]["positive"] is None else "roc_auc"
    return [
        "",
        f"By subgroup: {SCORE_NAMES[name][0]}",
        *(
            f"{_name_subgroup(one):{WIDTH}} {count_noun(one['n_images'], 'image')}, "
            f"{_in_short(one['numbers'].get(name))}"
            for one in groups
        ),
    ]


def _name_subgroup(one: Mapping[str, Any]) -> str:
    return f"{one['column']} {one['value']}"


def _show_operating_point(point: Mapping[str, Any] | None) -> list[str]:
    if point is None:
        return []
    price = "specificity" if point["wanted"] == "sensitivity" else "sensitivity"
    reached, paid = point["achieved"][point["wanted"]], point["achieved"][price]
    untuned = point["untuned"]
    return [
        "",
        f"Threshold chosen within training for a {point['wanted']} of {point['target']:g}:",
        f"{_show(point['wanted'], reached)} (untuned {_three(untuned[point['wanted']])})",
        f"{_show(price, paid)} (untuned {_three(untuned[price])})",
    ]


def _show_referral(referral: Mapping[str, Any] | None) -> list[str]:
    if referral is None:
        return []
    said = (
        f"{referral['n_referred']:,} referred to a pathologist, uncertain by more than "
        f"{referral['max_uncertainty']:g}; of the other {100 * referral['coverage']:.0f} %"
    )
    wrong = (
        "nothing is left"
        if referral["error"] is None
        else f"{100 * referral['error']:.1f} % are wrong"
    )
    return ["", f"{said} {wrong}."]


def _three(entry: Mapping[str, Any]) -> str:
    return "-" if entry["value"] is None else f"{entry['value']:.3f}"


def _in_short(entry: Mapping[str, Any] | None) -> str:
    """Return a value with its interval behind it, in brackets."""
    if entry is None or entry["value"] is None:
        return "not defined"
    if entry["low"] is None:
        return f"{_three(entry)} (no interval)"
    return f"{_three(entry)} ({_write_interval(entry)})"
