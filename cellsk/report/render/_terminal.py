"""render_terminal: an evaluation as text for a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cellsk._checks import count_noun, pick_form
from cellsk.report.document import (
    Data,
    EvaluationDocument,
    Number,
    Referral,
    Subgroup,
)
from cellsk.report.words import (
    add_exact_intervals,
    compare_with_baselines,
    compare_with_chance,
    count_test,
    count_train,
    describe_never_tested,
    describe_test,
    describe_training,
    explain_left_out_baselines,
    explain_no_patient_scores,
    explain_patient_threshold,
    explain_test,
    is_one_split,
    list_baseline_rows,
    list_cautions,
    list_compared_scores,
    list_test_rows,
    list_warnings,
    name_class,
    name_design,
    name_level,
    name_score,
    name_training,
    suggest_next,
    write_range,
)

__all__ = ["render_terminal", "render_test"]

WIDTH = 27
# Control characters, with which a name could send commands to a terminal, and characters that
# reverse the direction of the text.
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
OF_PATIENTS = ("accuracy", "roc_auc", "sensitivity", "specificity")


def render_terminal(document: EvaluationDocument) -> str:
    """Return a summary: what was evaluated, the numbers, and the warnings; then the test set."""
    parts = [_render(document, _show_head(document))]
    if document["test"] is not None:
        parts.append(render_test(document))
    return "\n\n".join(parts)


def render_test(document: EvaluationDocument) -> str:
    """Return the test set, and its scores beside those of the cross-validation."""
    test = document["test"]
    if test is None:
        return ""
    tested = test["report"]
    first = _render(tested, ["Test set", *_show_head(tested)[1:]])
    lines = ["", describe_test(document), "", *_show_both(document), "", explain_test(document)]
    return f"{first}\n{_clean(lines)}"


def _show_both(document: EvaluationDocument) -> list[str]:
    """Return the scores of both parts and their differences."""
    name = name_design(document).lower()
    rows = [["", name, "test set", "difference"]]
    rows += [
        [row.label, *(write_range(one, 2) for one in (row.evaluated, row.tested, row.difference))]
        for row in list_test_rows(document)
    ]
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    return [
        "".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _clean(lines: Sequence[str]) -> str:
    return "\n".join(_UNSEEN.sub(" ", line) for line in lines)


def _render(document: EvaluationDocument, head: Sequence[str]) -> str:
    document = add_exact_intervals(document)
    lines = [*head, "", *_show_numbers(document)]
    lines += _show_baselines(document)
    lines += _show_prevalence(document)
    lines += _show_patients(document)
    lines += _show_subgroups(document["subgroups"], document["data"])
    lines += _show_operating_point(document)
    lines += _show_referral(document["referral"])
    if document["leakage"] is not None:
        lines += ["", document["leakage"]["sentence"]]
    if warnings := list_warnings(document):
        lines += ["", *(f"! {text}" for text in warnings)]
    return _clean(lines)


def _show_head(document: EvaluationDocument) -> list[str]:
    left_out = document["left_out"]
    lines = [
        document["title"],
        f"{_describe_images(document['data'])}.",
        _describe_design(document),
    ]
    if n := len(left_out):
        more = ", ..." if n > 1 else "."
        were = f"{count_noun(n, 'file')} {pick_form(n, 'was', 'were')}"
        lines.append(f"{were} left out before the run: {left_out[0][0]}{more}")
    cautions = [*list_cautions(document), suggest_next(document)]
    first = [one for one in (*cautions, *_compare(document)) if one]
    return [*lines, "", *first] if first else lines


def _describe_design(document: EvaluationDocument) -> str:
    if document["cv"] is None:
        return f"One trained model. {describe_training(document)}"
    cv, folds = document["cv"], document["folds"]
    untested = describe_never_tested(cv)
    if is_one_split(document):
        text = f"One split: trained on {count_train(folds[0])}, tested on {count_test(folds[0])}."
    else:
        tested = "image" if not untested else "tested image"
        text = f"{count_noun(cv['n_folds'], 'fold')}, each {tested} predicted once."
    return f"{text} {untested}".strip()


def _show_numbers(document: EvaluationDocument) -> list[str]:
    interval, numbers = document["interval"], document["numbers"]
    head = f"{name_level(interval)}, {interval['method']}"
    return [
        f"{'':{WIDTH}}{'value':>7}  {head}",
        *(_show_number(name, numbers[name]) for name in SHOWN if name in numbers),
    ]


def _describe_images(data: Data) -> str:
    classes = ", ".join(f"{entry['n_images']:,} {entry['name']}" for entry in data["classes"])
    patients = (
        "patients unknown" if data["n_groups"] is None else count_noun(data["n_groups"], "patient")
    )
    positive = "" if data["positive"] is None else f"; positive is {data['positive']}"
    return f"{count_noun(data['n_images'], 'image')} ({classes}), {patients}{positive}"


def _show_number(name: str, number: Number) -> str:
    if number["value"] is None:
        return f"{name_score(name):{WIDTH}}{'-':>7}  not defined here"
    return f"{name_score(name):{WIDTH}}{number['value']:7.3f}  {_show_interval(number)}"


def _show_interval(number: Number) -> str:
    if number["low"] is None or number["high"] is None:
        return "-"
    note = f" ({number['note']})" if "note" in number else ""
    return f"{number['low']:.3f} to {number['high']:.3f}{note}"


def _compare(document: EvaluationDocument) -> list[str]:
    """Return the comparisons with chance and with baselines that are not cautions."""
    better = compare_with_baselines(document)
    found = [compare_with_chance(document), "" if better in list_cautions(document) else better]
    return [one for one in found if one]


def _show_baselines(document: EvaluationDocument) -> list[str]:
    rows, score = list_baseline_rows(document), list_compared_scores(document)[0]
    if not rows:
        return []
    lines = ["", f"{'Baselines: ' + name_score(score):{WIDTH}}{'value':>7}  model minus baseline"]
    for row in rows[1:]:
        value, gap = _show_value(row.numbers[0]), row.difference
        lines.append(f"{row.label:{WIDTH}}{value:>7}  {_show_in_line(gap)}")
    return lines + explain_left_out_baselines(document)


def _show_prevalence(document: EvaluationDocument) -> list[str]:
    stated = document["at_prevalence"]
    if stated is None:
        return []
    positive = name_class(document["data"]["positive"] or "")
    values = f"PPV {_show_in_line(stated['ppv'])}, NPV {_show_in_line(stated['npv'])}"
    return ["", f"If {100 * stated['prevalence']:g}% of images are {positive}: {values}"]


def _show_patients(document: EvaluationDocument) -> list[str]:
    patients = document["patients"]
    if patients is None:
        return []
    head = f"By patient ({patients['aggregation']} of {patients['n_patients']} patients)"
    numbers = patients["numbers"]
    if not numbers:
        return ["", f"{head}: no scores. {explain_no_patient_scores(document)}"]
    shown = [_show_number(name, numbers[name]) for name in OF_PATIENTS if name in numbers]
    note = explain_patient_threshold(document)
    return ["", head, *shown, *([note] if note else [])]


def _show_subgroups(subgroups: list[Subgroup], data: Data) -> list[str]:
    if not subgroups:
        return []
    name = "accuracy" if data["positive"] is None else "roc_auc"
    lines = ["", f"By subgroup: {name_score(name)}"]
    for one in subgroups:
        label = f"{one['column']} {one['value']}"
        number = _show_in_line(one["numbers"].get(name))
        lines.append(f"{label:{WIDTH}} {count_noun(one['n_images'], 'image')}, {number}")
    return lines


def _show_operating_point(document: EvaluationDocument) -> list[str]:
    point = document["operating_point"]
    if point is None:
        return []
    wanted, achieved, untuned = point["wanted"], point["achieved"], point["untuned"]
    other = "specificity" if wanted == "sensitivity" else "sensitivity"
    return [
        "",
        f"Threshold chosen on {name_training(document)} for a {wanted} of {point['target']:g}:",
        *(
            f"{_show_number(name, achieved[name])} (without it {_show_value(untuned[name])})"
            for name in (wanted, other)
        ),
    ]


def _show_referral(referral: Referral | None) -> list[str]:
    if referral is None:
        return []
    n_referred = referral["n_referred"]
    error = "no image is left to the model"
    if referral["error"] is not None and referral["coverage"] is not None:
        share = 100 * referral["coverage"]
        error = f"the error of the other {share:.0f}% is {100 * referral['error']:.1f}%"
    return [
        "",
        f"{count_noun(n_referred, 'image')} {pick_form(n_referred, 'is', 'are')} referred to a"
        f" pathologist, with an uncertainty above {referral['max_uncertainty']:g}; {error}.",
    ]


def _show_value(number: Number) -> str:
    return "-" if number["value"] is None else f"{number['value']:.3f}"


def _show_in_line(number: Number | None) -> str:
    """Return a value with its interval in brackets."""
    if number is None or number["value"] is None:
        return "not defined"
    if number["low"] is None:
        return f"{_show_value(number)} (no interval)"
    return f"{_show_value(number)} ({_show_interval(number)})"
