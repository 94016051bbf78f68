"""The page of an evaluation: one self-contained html file, and its short form for Jupyter."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellsk.metrics import SCORE_NAMES
from cellsk.model_selection import write_manifest
from cellsk.report.document._shown import prepare
from cellsk.report.render._charts import draw_charts, is_error_falling
from cellsk.report.render._matrix import build_matrix, describe_pictures
from cellsk.report.render._score_rows import choose_cards, group_rows, list_rows
from cellsk.report.render._shown_rows import choose_rows
from cellsk.report.render._templates import as_markup, read_asset, render_fragment, render_template
from cellsk.report.words._errors import describe_errors
from cellsk.report.words._phrases import (
    ONE_CLASS,
    count_statuses,
    say_patient_threshold,
    say_splits,
)
from cellsk.report.words._sentences import say_origin, summarize
from cellsk.report.words._values import describe_score
from cellsk.report.words._verdict import call_of_folds, is_better_than_guessing, list_cautions

__all__ = ["choose_rows", "render_page", "render_summary"]

Document = Mapping[str, Any]
MOST_CARRIED = 20_000  # lines of the manifest, about 150 bytes each: a page is to open on a phone


def render_page(document: Document, pictures: Mapping[int, str]) -> str:
    """Return an evaluation as one html page that needs no network.

    Parameters
    ----------
    document : mapping
        An evaluation document.
    pictures : mapping of int to str
        Pictures of some rows as data URIs, as :func:`make_thumbnails` makes them. The rows of
        :func:`choose_rows` are shown; those without a picture are named.

    Returns
    -------
    page : str
        The same document and pictures give the same page.
    """
    document = prepare(document)
    return render_template(
        "report.html.jinja",
        {
            "document": document,
            "sections": _list_sections(document),
            **_start(document),
            "families": group_rows(list_rows(document)),
            "charts": draw_charts(document),
            "matrix": build_matrix(document, pictures),
            "errors": describe_pictures(document, document["confident_errors"], pictures),
            "suspects": describe_pictures(document, _list_other_suspects(document), pictures),
            "error_words": describe_errors(document),
            "called": call_of_folds(document),
            "error_falls": is_error_falling(document["curves"]["coverage"]),
            "compared": _list_compared(document),
            "labels": {name: describe_score(name, document["data"]).label for name in SCORE_NAMES},
            "subgroups": _group_subgroups(document["subgroups"]),
            "manifest_uri": _as_download(document["manifest"]),
            "splits": say_splits(document),
            "one_class": ONE_CLASS,
            "patient_threshold": say_patient_threshold(document),
            "statuses": {
                name: count_statuses(items) for name, items in document["checklists"].items()
            },
        },
    )


def render_summary(document: Document) -> str:
    """Return the sentences and first numbers of an evaluation as a piece of html.

    Parameters
    ----------
    document : mapping
        An evaluation document.

    Returns
    -------
    html : str
        For Jupyter, which sets it into a page of its own.
    """
    document = prepare(document)
    return render_fragment(
        "summary.html.jinja",
        {
            "document": document,
            **_start(document),
            "css": as_markup(read_asset("summary.css")),
        },
    )


def _start(document: Document) -> dict[str, Any]:
    """Return what comes first, on the page as in Jupyter."""
    return {
        "origin": say_origin(document),
        "cautions": list_cautions(document),
        "sentences": summarize(document),
        "cards": choose_cards(document),
    }


def _list_sections(document: Document) -> dict[str, str]:
    """Return the sections that a document has something for, in order: id and name."""
    sections = {
        "numbers": ("Numbers", True),
        "leakage": ("Leakage", document["leakage"]),
        "decisions": ("Decisions", True),
        "ranking": ("Ranking", True),
        "probabilities": ("Probabilities", True),
        "referral": ("Referral", True),
        "classes": ("Classes", document["per_class"]),
        "subgroups": ("Subgroups", document["subgroups"]),
        "patients": ("Patients", document["patients"]),
        "errors": ("Errors", document["confident_errors"] or document["label_errors"]),
        "folds": ("Folds", True),
        "training": ("Training", any(fold["history"] for fold in document["folds"])),
        "data": ("Data", True),
        "method": ("Method", True),
        "use": ("Use and limits", True),
        "checklists": ("Checklists", document["checklists"]),
    }
    return {name: title for name, (title, wanted) in sections.items() if wanted}


def _list_other_suspects(document: Document) -> list[int]:
    """Return probable label errors that are not among the errors, where they are marked."""
    if not is_better_than_guessing(document):
        return []
    shown = set(document["confident_errors"])
    return [row for row in document["label_errors"] if row not in shown]


def _list_compared(document: Document) -> list[str]:
    """Return the score or two by which subgroups and folds are compared."""
    wanted = (
        ("balanced_accuracy", "f1")
        if document["data"]["positive"] is None
        else ("roc_auc", "sensitivity", "specificity")
    )
    return [name for name in wanted if name in document["numbers"]]


def _group_subgroups(subgroups: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the subgroups of each column."""
    columns: dict[str, list[Any]] = {}
    for entry in subgroups:
        columns.setdefault(entry["column"], []).append(entry)
    return columns


def _as_download(manifest: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the fold manifest as a file that the page carries, if it is not too long."""
    if not 0 < len(manifest) <= MOST_CARRIED:
        return None
    with tempfile.TemporaryDirectory(prefix="cellsk-") as folder:
        path = Path(folder) / "folds.csv"
        write_manifest(path, manifest)
        return "data:text/csv;base64," + base64.b64encode(path.read_bytes()).decode()
