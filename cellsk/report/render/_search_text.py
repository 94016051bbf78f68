"""The report of a search as text for a terminal, and as Markdown."""

from __future__ import annotations

from cellsk._checks import count_noun
from cellsk.report.document import Candidate, SearchDocument
from cellsk.report.render._markdown import escape, write_list, write_table
from cellsk.report.words import (
    describe_interval,
    describe_search,
    list_short_names,
    name_level,
    name_score,
    name_search_score,
    summarize_search,
    tabulate_candidates,
    write_params,
    write_search_origin,
    write_search_title,
)

__all__ = ["render_search_card", "render_search_table", "render_search_terminal"]

MAX_ROWS = 30


def render_search_terminal(document: SearchDocument) -> str:
    """Return a search as text: title, table and sentences."""
    header, rows = tabulate_candidates(document, MAX_ROWS)
    left_out = len(document["candidates"]) - MAX_ROWS
    more = [f"and {count_noun(left_out, 'candidate')} more: see frame()"] if left_out > 0 else []
    title = [write_search_title(document), write_search_origin(document)]
    table = _align([header, *rows])
    return "\n".join([*title, "", *table, *more, "", *describe_search(document)])


def render_search_table(document: SearchDocument, remedy: str | None = None) -> str:
    """Return all candidates as a table with interval and spread, and the sentences below."""
    summary = summarize_search(document, remedy)
    header = ["rank", *list_short_names(document), name_search_score(document)]
    header += ["CI low", "CI high", "SD", "fit seconds", "remark"]
    rows = []
    for candidate, found in zip(document["candidates"], summary["candidates"], strict=True):
        row = [str(candidate["rank"]), *write_params(document, candidate)]
        rows.append([*row, *_list_cells(candidate), found["remark"]])
    if guessing := document["guessing"]:
        empty = [""] * len(document["parameters"])
        rows.append(["-", *empty, f"{guessing['value']:.3f}", *"----", "guessing"])
    if not any(row[-1] for row in rows):
        header, rows = header[:-1], [row[:-1] for row in rows]
    level = name_level(document["interval"])
    legend = f"CI: {level}, approximate. SD: standard deviation of the folds."
    return "\n".join([*_align([header, *rows]), legend, *summary["summary"]])


def _list_cells(candidate: Candidate) -> list[str]:
    numbers = (
        candidate["mean"],
        candidate["low"],
        candidate["high"],
        candidate["sd"],
        candidate["fit_seconds"],
    )
    return ["-" if number is None else f"{number:.3f}" for number in numbers]


def _align(rows: list[list[str]]) -> list[str]:
    """Return rows as lines: columns aligned to the right, the last one to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join(
            [*(text.rjust(width) for text, width in zip(row, widths, strict=False)), row[-1]]
        ).rstrip()
        for row in rows
    ]


def render_search_card(document: SearchDocument) -> str:
    """Return a search as Markdown, with the same numbers."""
    header, rows = tabulate_candidates(document)
    lines = [f"# {escape(write_search_title(document))}", ""]
    lines += [escape(write_search_origin(document)), ""]
    lines += [*write_list(describe_search(document)), "", *write_table(header, rows), ""]
    if document["nested"] is not None:
        nested = [
            [name_score(name), *map(_write_cell, (number["value"], number["low"], number["high"]))]
            for name, number in document["nested"]["numbers"].items()
        ]
        lines += ["## Nested evaluation", ""]
        lines += [*write_table(["Score", "Value", "Low", "High"], nested), ""]
    lines += [escape(describe_interval(document)), ""]
    return "\n".join(lines)


def _write_cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
