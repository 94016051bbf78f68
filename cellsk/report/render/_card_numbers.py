"""The numbers of a model card: of all images, of classes, patients, subgroups and referral."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cellsk._checks import count_noun, pick_form
from cellsk.report.document import EvaluationDocument, Number, Opinion
from cellsk.report.render._markdown import escape, write_table
from cellsk.report.words import (
    count_defined,
    describe_baselines,
    describe_mixed_patients,
    describe_score,
    explain_left_out_baselines,
    explain_no_patient_scores,
    explain_patient_threshold,
    has_several_folds,
    is_one_split,
    list_baseline_rows,
    list_compared_scores,
    list_scores,
    name_level,
    name_score,
    name_training,
    write_interval,
    write_number,
    write_range,
    write_share,
)

__all__ = ["NUMBER_SECTIONS", "pick_present", "write_leakage"]

_OF_SUBGROUPS = ("roc_auc", "accuracy", "sensitivity", "specificity")
_AT_THRESHOLD = ("sensitivity", "specificity", "ppv", "npv")


def pick_present(names: Sequence[str], present: Iterable[str]) -> list[str]:
    """Return those of the names that are present, in their order."""
    known = set(present)
    return [name for name in names if name in known]


def _write_numbers(document: EvaluationDocument) -> list[str]:
    interval = document["interval"]
    header = ["Score", "Value", name_level(interval), "Chance level"]
    header += ["Mean of folds", "SD of folds"] if has_several_folds(document) else []
    header += ["Meaning"]
    rows = [_write_score(document, name, number) for name, number in document["numbers"].items()]
    units = count_noun(interval["n_units"], interval["unit"])
    folds = has_several_folds(document)
    tested = " Each image was predicted when it was on the test side." if folds else ""
    over = "all images of the test side" if is_one_split(document) else "all images together"
    return [
        "## Scores",
        "",
        f"Scores over {over}.{tested}",
        "",
        *write_table(header, rows),
        "",
        f"SD: standard deviation. Intervals: percentiles of a {interval['method']} ({units}, drawn "
        f"again with replacement {interval['n_resamples']:,} times).",
        *_write_opinions(document),
        *_write_prevalence(document),
    ]


def _write_score(document: EvaluationDocument, name: str, number: Number) -> tuple[object, ...]:
    words = describe_score(name, document["data"])
    return (
        words.label,
        write_number(number["value"]),
        write_interval(number) + (f", {number['note']}" if "note" in number else ""),
        write_number(words.chance) if words.chance is not None else None,
        *_write_fold_mean(document, name),
        words.meaning,
    )


def _write_fold_mean(document: EvaluationDocument, name: str) -> list[str]:
    """Return mean and standard deviation over the folds, or nothing if there are not several."""
    if not has_several_folds(document):
        return []
    fold = document["mean_of_folds"][name]
    mean = f"{write_number(fold['mean'])} {count_defined(name, document['folds'])}"
    return [mean.strip(), write_number(fold["sd"])]


def _write_opinions(document: EvaluationDocument) -> list[str]:
    opinions = document["second_opinions"]
    if not opinions:
        return []
    return [
        "",
        "Intervals by formulas that assume independent images. Rely on the wider interval:",
        "",
        *write_table(
            ["Score", name_level(document["interval"]), "Method"],
            [_write_opinion(name, opinion) for name, opinion in opinions.items()],
        ),
    ]


def _write_opinion(name: str, opinion: Opinion) -> tuple[str, str, str]:
    return name_score(name), write_range(opinion), opinion["method"]


def _write_prevalence(document: EvaluationDocument) -> list[str]:
    stated = document["at_prevalence"]
    if stated is None:
        return []
    ppv = f"{name_score('ppv')} {write_range(stated['ppv'])}"
    npv = f"{name_score('npv')} {write_range(stated['npv'])}"
    return ["", f"At a prevalence of {100 * stated['prevalence']:g}%: {ppv}, {npv}."]


def _write_baselines(document: EvaluationDocument) -> list[str]:
    rows, names = list_baseline_rows(document), list_compared_scores(document)
    if not rows:
        return []
    header = ["Classifier", *map(name_score, names), f"Difference in {name_score(names[0])}"]
    cells = [
        (
            f"{row.label}: {row.meaning}",
            *map(write_range, row.numbers),
            "" if row.difference is None else write_range(row.difference),
        )
        for row in rows
    ]
    lines = ["## Baselines", "", describe_baselines(), "", *write_table(header, cells)]
    left_out = explain_left_out_baselines(document)
    return [*lines, "", escape(" ".join(left_out))] if left_out else lines


def _write_classes(document: EvaluationDocument) -> list[str]:
    classes = document["per_class"]
    if not classes:
        return []
    names = list(classes[0]["numbers"])
    rows = [
        (one["name"], f"{one['n_images']:,}", *(score for _, score in list_scores(one["numbers"])))
        for one in classes
    ]
    header = ["Class", "Images", *map(name_score, names)]
    return ["## Each class against the rest", "", *write_table(header, rows)]


def _write_patients(document: EvaluationDocument) -> list[str]:
    found = document["patients"]
    if found is None:
        return []
    sentences = [
        f"{count_noun(found['n_patients'], 'patient')}, each with one probability from all images"
        f" of the patient ({found['aggregation']}).",
        describe_mixed_patients(document) if found["numbers"] else "",
        explain_patient_threshold(document) if found["numbers"] else "",
        explain_no_patient_scores(document),
    ]
    lines = ["## By patient", "", escape(" ".join(filter(None, sentences)))]
    if found["numbers"]:
        header = ["Score", name_level(document["interval"])]
        lines += ["", *write_table(header, list_scores(found["numbers"]))]
    return lines


def _write_point(document: EvaluationDocument) -> list[str]:
    point = document["operating_point"]
    if point is None:
        return []
    rows = [
        (name_score(n), write_range(point["achieved"][n]), write_range(point["untuned"][n]))
        for n in pick_present(_AT_THRESHOLD, point["achieved"])
    ]
    thresholds = ", ".join(write_number(value) for value in point["thresholds"])
    chosen = f"Threshold, chosen on {name_training(document)}"
    if has_several_folds(document):
        chosen = "Thresholds, each chosen on the training side of its fold"
    return [
        "## Operating point",
        "",
        f"Target: a {point['wanted']} of {point['target']:g}. {chosen}: {thresholds}.",
        "",
        *write_table(["Score", "With the chosen threshold", "Without it"], rows),
    ]


def _write_subgroups(document: EvaluationDocument) -> list[str]:
    groups = document["subgroups"]
    if not groups:
        return []
    names = pick_present(_OF_SUBGROUPS, groups[0]["numbers"])
    rows = [
        (
            f"{one['column']}: {one['value']}",
            f"{one['n_images']:,}",
            one["n_groups"],
            *(write_range(one["numbers"][name]) for name in names),
        )
        for one in groups
    ]
    header = ["Subgroup", "Images", "Patients", *map(name_score, names)]
    return ["## Subgroups", "", *write_table(header, rows)]


def _write_referral(document: EvaluationDocument) -> list[str]:
    found = document["referral"]
    if found is None:
        return []
    n_kept, n_referred = found["n_kept"], found["n_referred"]
    left = "No image is left to the model."
    if n_kept:
        kept, share = count_noun(n_kept, "image"), write_share(found["coverage"])
        left = (
            f"{kept} ({share}) {pick_form(n_kept, 'is', 'are')} left to the model, with an error of"
            f" {write_share(found['error'])}."
        )
    lines = [
        "## Referral to a pathologist",
        "",
        f"{count_noun(n_referred, 'image')} with an uncertainty above"
        f" {found['max_uncertainty']:g} {pick_form(n_referred, 'is', 'are')} referred. {left}",
    ]
    if found["numbers"]:
        header = ["Score", name_level(document["interval"])]
        lines += ["", *write_table(header, list_scores(found["numbers"]))]
    return lines


def write_leakage(document: EvaluationDocument) -> list[str]:
    """Return the section on folds that ignore patients."""
    found = document["leakage"]
    if found is None:
        return []
    rows = [
        (
            name_score(name),
            write_range(found["grouped"][name]),
            write_range(found["random"][name]),
            write_range(found["gap"][name]),
        )
        for name in found["gap"]
    ]
    header = ["Score", "Folds by patient", "Folds by image", "Difference"]
    return [
        "## Scores when patients are ignored",
        "",
        escape(found["sentence"]),
        "",
        *write_table(header, rows),
    ]


NUMBER_SECTIONS = (
    _write_numbers,
    _write_baselines,
    _write_classes,
    _write_patients,
    _write_point,
    _write_referral,
    _write_subgroups,
)
