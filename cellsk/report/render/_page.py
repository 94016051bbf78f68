"""The page of an evaluation: one self-contained html file, and a summary for Jupyter."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cellsk.metrics import SCORE_NAMES
from cellsk.model_selection import write_manifest
from cellsk.report.checklists import count_statuses
from cellsk.report.document import (
    EvaluationDocument,
    EvaluationFacts,
    FoldMean,
    ManifestRow,
    Number,
    Opinion,
    Subgroup,
)
from cellsk.report.render._charts import draw_charts
from cellsk.report.render._pictures import build_matrix, describe_pictures
from cellsk.report.render._templates import as_markup, read_asset, render_fragment, render_template
from cellsk.report.words import (
    ScoreWords,
    add_exact_intervals,
    count_defined,
    describe_baselines,
    describe_errors,
    describe_folds,
    describe_mixed_patients,
    describe_never_tested,
    describe_score,
    describe_test,
    describe_training,
    explain_left_out_baselines,
    explain_no_patient_scores,
    explain_patient_threshold,
    explain_test,
    has_several_folds,
    is_better_than_chance,
    is_error_falling,
    is_one_split,
    list_baseline_rows,
    list_cautions,
    list_compared_scores,
    list_questions,
    list_single_prediction_folds,
    list_test_rows,
    list_warnings,
    name_design,
    name_score,
    name_training,
    suggest_next,
    summarize,
    warn_of_shared_images,
    write_origin,
)

__all__ = ["render_page", "render_summary"]

MAX_MANIFEST_ROWS = 20_000  # about 150 bytes each: the page must open on a phone
# The cards at the top, for two classes and for more.
_CARDS_OF_TWO = ("roc_auc", "sensitivity", "specificity", "balanced_accuracy")
_CARDS_OF_MANY = ("balanced_accuracy", "roc_auc", "f1", "mcc")
_COMMON = ("method", "use", "checklists")  # sections that are about both parts
_COMPARED_OF_TWO = ("roc_auc", "sensitivity", "specificity")
_COMPARED_OF_MANY = ("balanced_accuracy", "f1")


class ScoreRow(NamedTuple):
    """One score: words, value and interval, values of the folds, interval by a formula."""

    name: str
    words: ScoreWords
    entry: Number
    folds: list[float]
    mean: FoldMean | None
    mean_over: str
    opinion: Opinion | None


def render_page(
    document: EvaluationDocument,
    pictures: Mapping[int, str],
    test_pictures: Mapping[int, str] | None = None,
    *,
    maps: Mapping[int, str] | None = None,
) -> str:
    """Return an evaluation as one html page that needs no network.

    Parameters
    ----------
    document : dict
        An evaluation document.
    pictures : mapping of int to str
        Pictures of some rows as data URIs, as :func:`make_thumbnails` makes them. The rows of
        :func:`choose_rows` are shown; rows without a picture show the name of the file.
    test_pictures : mapping of int to str, default=None
        The same for the test set, if the document has one.
    maps : mapping of int to str, default=None
        Maps of the areas that support the prediction, of some errors of a model that is tested.

    Returns
    -------
    page : str
        The same document and pictures give the same page.
    """
    test = document["test"]
    return render_template(
        "report.html.jinja",
        {
            "document": document,
            "prefix": "",
            "parts": _render_parts(document, pictures, test_pictures or {}, maps or {}),
            "origin": write_origin(document),
            "cautions": list_cautions(document),
            "next": suggest_next(document),
            "test_cautions": [] if test is None else list_cautions(test["report"]),
            "test_sentence": describe_test(document),
            "test_rows": list_test_rows(document),
            "about_test": explain_test(document),
            "shared_images": "" if test is None else warn_of_shared_images(test),
            "questions": () if test is None else list_questions(document, test),
        },
    )


class Part(NamedTuple):
    """Sections that belong together. The title of the only part is ""."""

    title: str
    prefix: str
    sections: dict[str, str]
    html: Any


def _render_parts(
    document: EvaluationDocument,
    pictures: Mapping[int, str],
    test_pictures: Mapping[int, str],
    maps: Mapping[int, str],
) -> list[Part]:
    """Return the evaluation, or else the evaluation, the test set, and what is about both."""
    test = document["test"]
    found = _describe_part(document, pictures, maps if test is None else {})
    sections = _list_sections(document)
    if test is None:
        return [_render_part(found, sections)]
    tested = test["report"]
    own, common = _take_common(sections)
    limits = [*document["limits"], *tested["limits"]]
    shown = {"limits": list({limit["text"]: limit for limit in limits}.values())}
    return [
        _render_part(found | {"cautions_shown": True}, own, name_design(document)),
        _render_part(
            _describe_part(tested, test_pictures, maps)
            | {"prefix": "test-", "of_part": ", test set"},
            _take_common(_list_sections(tested))[0],
            "Test set",
        ),
        _render_part(found | {"with_head": False} | shown, common, "Method and limits"),
    ]


def _take_common(sections: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the sections of one part, and those that are about both."""
    common = {name: title for name, title in sections.items() if name in _COMMON}
    return {name: sections[name] for name in sections if name not in common}, common


def _render_part(found: Mapping[str, Any], sections: dict[str, str], title: str = "") -> Part:
    context = {**found, "sections": sections, "part_title": title}
    html = as_markup(render_fragment("part.html.jinja", context))
    return Part(title, found["prefix"], sections, html)


def _describe_part(
    document: EvaluationDocument, pictures: Mapping[int, str], maps: Mapping[int, str]
) -> dict[str, Any]:
    """Return the content of all sections of an evaluation, or of a test."""
    document = add_exact_intervals(document)
    return {
        "document": document,
        "prefix": "",
        "of_part": "",
        "with_head": True,
        "cautions_shown": False,
        "limits": document["limits"],
        **_describe_start(document),
        "families": _group_by_family(_list_rows(document)),
        "charts": draw_charts(document),
        "matrix": build_matrix(document, pictures),
        "errors": describe_pictures(document, document["confident_errors"], pictures, maps),
        "suspects": describe_pictures(document, _list_other_suspects(document), pictures),
        "error_captions": describe_errors(document),
        "single_predictions": list_single_prediction_folds(document),
        "error_falls": is_error_falling(document["curves"]["coverage"]),
        "compared": _list_compared(document),
        "baseline_rows": list_baseline_rows(document),
        "baseline_scores": list_compared_scores(document),
        "baselines_left_out": explain_left_out_baselines(document),
        "about_baselines": describe_baselines(),
        "labels": {name: name_score(name) for name in SCORE_NAMES},
        "subgroups": _group_by_column(document["subgroups"]),
        "manifest_uri": _write_download(document["manifest"]),
        "design": _describe_design(document),
        "never_tested": describe_never_tested(document["cv"]),
        "training_images": name_training(document),
        "no_patient_scores": explain_no_patient_scores(document),
        "mixed_patients": describe_mixed_patients(document),
        "patient_threshold": explain_patient_threshold(document),
        "statuses": {name: count_statuses(items) for name, items in document["checklists"].items()},
    }


def render_summary(document: EvaluationDocument) -> str:
    """Return the sentences and first numbers of an evaluation as html for Jupyter.

    Parameters
    ----------
    document : dict
        An evaluation document.

    Returns
    -------
    html : str
        A fragment that Jupyter inserts into its own page.
    """
    document = add_exact_intervals(document)
    return render_fragment(
        "summary.html.jinja",
        {
            "document": document,
            **_describe_start(document),
            "test_sentence": describe_test(document),
            "test_rows": list_test_rows(document),
            "css": as_markup(read_asset("summary.css")),
        },
    )


def _describe_design(document: EvaluationDocument) -> str:
    cv = document["cv"]
    return describe_training(document) if cv is None else describe_folds(cv)


def _describe_start(document: EvaluationDocument) -> dict[str, Any]:
    """Return the start of the page, which the summary for Jupyter shares."""
    wanted = _CARDS_OF_MANY if document["data"]["positive"] is None else _CARDS_OF_TWO
    return {
        "origin": write_origin(document),
        "several_folds": has_several_folds(document),
        "cautions": list_cautions(document),
        "next": suggest_next(document),
        "warnings": list_warnings(document),
        "sentences": summarize(document),
        "cards": [_make_row(document, name) for name in wanted if name in document["numbers"]],
    }


def _list_sections(document: EvaluationDocument) -> dict[str, str]:
    """Return the sections for which the document has content, in order: id and title."""
    sections = {
        "numbers": ("Scores", True),
        "baselines": ("Baselines", document["baselines"]),
        "leakage": ("Patients ignored", document["leakage"]),
        "decisions": ("Decisions", True),
        "ranking": ("Ranking", True),
        "probabilities": ("Probabilities", True),
        "referral": ("Referral", True),
        "classes": ("Classes", document["per_class"]),
        "subgroups": ("Subgroups", document["subgroups"]),
        "patients": ("Patients", document["patients"]),
        "errors": ("Errors", document["confident_errors"] or document["label_errors"]),
        "folds": ("Split" if is_one_split(document) else "Folds", document["folds"]),
        "training": ("Training", any(fold["history"] for fold in document["folds"])),
        "data": ("Data", True),
        "method": ("Method", True),
        "use": ("Use and limits", True),
        "checklists": ("Checklists", document["checklists"]),
    }
    return {name: title for name, (title, present) in sections.items() if present}


def _list_rows(facts: EvaluationFacts) -> list[ScoreRow]:
    return [_make_row(facts, name) for name in facts["numbers"]]


def _make_row(facts: EvaluationFacts, name: str) -> ScoreRow:
    number = facts["numbers"][name]
    drawn_folds = facts["folds"] if has_several_folds(facts) else []
    folds = [fold["scores"].get(name) for fold in drawn_folds]
    values = [value for value in folds if value is not None]
    drawn = [value for value in (*values, number["value"], number["high"]) if value is not None]
    return ScoreRow(
        name,
        describe_score(name, facts["data"], max(drawn, default=None)),
        number,
        values,
        facts["mean_of_folds"].get(name),
        count_defined(name, facts["folds"]),
        facts["second_opinions"].get(name),
    )


def _group_by_family(rows: Iterable[ScoreRow]) -> dict[str, list[ScoreRow]]:
    families: dict[str, list[ScoreRow]] = {"Decisions": [], "Ranking": [], "Probabilities": []}
    for row in rows:
        families[row.words.family].append(row)
    return {family: rows for family, rows in families.items() if rows}


def _group_by_column(subgroups: Sequence[Subgroup]) -> dict[str, list[Subgroup]]:
    columns: dict[str, list[Subgroup]] = {}
    for entry in subgroups:
        columns.setdefault(entry["column"], []).append(entry)
    return columns


def _list_other_suspects(facts: EvaluationFacts) -> list[int]:
    """Return the labels that may be wrong and are not among the errors, where they are marked."""
    if not is_better_than_chance(facts):
        return []
    shown = set(facts["confident_errors"])
    return [row for row in facts["label_errors"] if row not in shown]


def _list_compared(facts: EvaluationFacts) -> list[str]:
    """Return the scores by which subgroups and folds are compared."""
    wanted = _COMPARED_OF_MANY if facts["data"]["positive"] is None else _COMPARED_OF_TWO
    return [name for name in wanted if name in facts["numbers"]]


def _write_download(manifest: Sequence[ManifestRow]) -> str | None:
    """Return the fold manifest as a data URI, or None if it is empty or too long."""
    if not 0 < len(manifest) <= MAX_MANIFEST_ROWS:
        return None
    with tempfile.TemporaryDirectory(prefix="cellsk-") as folder:
        path = Path(folder) / "folds.csv"
        write_manifest(path, manifest)
        return "data:text/csv;base64," + base64.b64encode(path.read_bytes()).decode()
