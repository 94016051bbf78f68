"""The report of a search as a page, a piece of html, Markdown, and text for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cellsk._checks import count_noun
from cellsk.inspection import draw_search, figure_to_svg, list_searched, make_chart
from cellsk.report.render._charts import Chart
from cellsk.report.render._markdown_text import escape, write_list, write_table
from cellsk.report.render._templates import as_markup, read_asset, render_fragment, render_template
from cellsk.report.words._search import (
    describe_search,
    explain_no_interval,
    mark_candidate,
    name_candidate,
    name_resource,
    name_score,
    tabulate,
    write_size,
    write_value,
)
from cellsk.report.words._values import ScoreWords, describe_score

__all__ = [
    "render_search_markdown",
    "render_search_page",
    "render_search_summary",
    "render_search_terminal",
]

Document = Mapping[str, Any]
N_SHOWN = 30  # candidates; a page folds the others away, and a terminal leaves them out
# Values stay on one line, as long as they are no longer than a line.
_CSS = (
    ".setting { min-width: max-content; } .short { max-width: 36rem; }"
    "td.setting { white-space: nowrap; max-width: 16rem; overflow: hidden; }"
)


class Card(NamedTuple):
    """A number to be shown large, as the cards of an evaluation's page are."""

    words: ScoreWords
    entry: Mapping[str, Any]
    folds: list[float]


def render_search_page(document: Document) -> str:
    """Return a search as one html page that needs no network."""
    return render_template(
        "search.html.jinja",
        {
            "document": document,
            "title": _write_title(document),
            "origin": _write_origin(document),
            "sentences": describe_search(document),
            "score": name_score(document),
            "cards": _choose_cards(document),
            "charts": _draw_charts(document),
            "legend": _make_legend(document),
            "no_interval": explain_no_interval(document),
            "rows": _list_rows(document),
            "n_shown": N_SHOWN,
            "resource": name_resource(document),
            "scale": _find_scale(document),
            "nested_rows": _list_nested(document),
            "chosen": _list_chosen(document),
        },
        css=_CSS,
    )


def render_search_summary(document: Document) -> str:
    """Return sentences and the first candidates as a piece of html, for Jupyter."""
    header, rows = tabulate(document, 10)
    return render_fragment(
        "search_summary.html.jinja",
        {
            "title": _write_title(document),
            "origin": _write_origin(document),
            "sentences": describe_search(document),
            "header": header,
            "rows": rows,
            "n_left_out": max(len(document["candidates"]) - 10, 0),
            "css": as_markup(read_asset("summary.css")),
        },
    )


def render_search_markdown(document: Document) -> str:
    """Return a search as Markdown: the same numbers."""
    header, rows = tabulate(document)
    lines = [f"# {escape(_write_title(document))}", "", escape(_write_origin(document)), ""]
    lines += [*write_list(describe_search(document)), "", *write_table(header, rows), ""]
    if document["nested"] is not None:
        nested = [
            [row["label"], *(_three(row["entry"][key]) for key in ("value", "low", "high"))]
            for row in _list_nested(document)
        ]
        lines += ["## Nested evaluation", ""]
        lines += [*write_table(["Score", "Value", "Low", "High"], nested), ""]
    lines += [escape(_describe_interval(document)), ""]
    return "\n".join(lines)


def render_search_terminal(document: Document) -> str:
    """Return a search as text."""
    header, rows = tabulate(document, N_SHOWN)
    cells = [header, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    table = [
        "  ".join(
            [*(text.rjust(width) for text, width in zip(row[:-1], widths, strict=False)), row[-1]]
        ).rstrip()
        for row in cells
    ]
    left_out = len(document["candidates"]) - N_SHOWN
    more = [f"and {count_noun(left_out, 'candidate')} more: see frame()"] if left_out > 0 else []
    title = [_write_title(document), _write_origin(document)]
    return "\n".join([*title, "", *table, *more, "", *describe_search(document)])


def _write_title(document: Document) -> str:
    names = [one["short"] for one in document["parameters"] if len(one["values"]) > 1]
    if not names:
        return "A search"
    return f"A search over {names[0] if len(names) == 1 else _join(names)}"


def _join(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _write_origin(document: Document) -> str:
    search = document["search"]
    folds = count_noun(search["n_folds"], "fold")
    n = len({str(one["params"]) for one in document["candidates"]})
    splitter = f" of {search['cv']}" if search["cv"] else ""
    return f"{search['name']}: {count_noun(n, 'candidate')}, each scored on {folds}{splitter}."


def _describe_interval(document: Document) -> str:
    reason = explain_no_interval(document)
    if reason:
        return f"No intervals: {reason}"
    level, method = document["interval"]["level"], document["interval"]["method"]
    return f"{100 * level:g} % intervals: {method}. They are approximate."


def _find_scale(document: Document) -> tuple[float, float]:
    """Return where the score lies: between its bounds, or what the candidates span."""
    if document["search"]["bounds"] is not None:
        low, high = document["search"]["bounds"]
        return low, high
    ends = [
        one[key]
        for one in document["candidates"]
        for key in ("mean", "low", "high")
        if one[key] is not None
    ]
    return (min(ends), max(ends)) if ends and min(ends) < max(ends) else (0.0, 1.0)


def _choose_cards(document: Document) -> list[Card]:
    places = [("Best", document["best"])]
    if document["one_standard_error"] != document["best"]:
        places.append(("Smallest as good", document["one_standard_error"]))
    scale = _find_scale(document)
    cards = []
    for label, place in places:
        one = document["candidates"][place]
        meaning = f"{name_score(document)} of {name_candidate(document, one)};"
        meaning += f" {write_size(document, one)}"
        folds = [score for score in one["folds"] if score is not None]
        cards.append(Card(ScoreWords(label, meaning, "Search", scale), _as_entry(one), folds))
    nested = document["nested"]
    if nested is not None and nested["number"] is not None:
        meaning = (
            f"{name_score(document)} of the whole search, on {nested['interval']['unit']}s"
            " that had no part in the choice"
        )
        cards.append(Card(ScoreWords("Nested", meaning, "Search", scale), nested["number"], []))
    return cards


def _as_entry(candidate: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": candidate["mean"], "low": candidate["low"], "high": candidate["high"]}


def _list_rows(document: Document) -> list[dict[str, Any]]:
    return [
        {
            "candidate": one,
            "written": [
                write_value(one["params"][parameter["name"]])
                if parameter["name"] in one["params"]
                else ""
                for parameter in document["parameters"]
            ],
            "entry": _as_entry(one),
            "folds": [score for score in one["folds"] if score is not None],
            "mark": mark_candidate(document, place),
        }
        for place, one in enumerate(document["candidates"])
    ]


def _list_nested(document: Document) -> list[dict[str, Any]]:
    if document["nested"] is None:
        return []
    data: dict[str, Any] = {"classes": [], "positive": None, "prevalence": None}
    return [
        {"label": describe_score(name, data).label, "entry": entry}
        for name, entry in document["nested"]["numbers"].items()
    ]


def _list_chosen(document: Document) -> list[str]:
    """Return what the search chose in each fold of the nested evaluation."""
    if document["nested"] is None:
        return []
    return [
        "; ".join(f"{name.split('__')[-1]} {write_value(value)}" for name, value in chosen.items())
        or "not kept"
        for chosen in document["nested"]["best_params"]
    ]


def _draw_charts(document: Document) -> list[Chart]:
    """Return score and fit time against each parameter, the score first."""
    charts = []
    interval = "" if explain_no_interval(document) else ", with its interval"
    for name in list_searched(document):
        short = next(one["short"] for one in document["parameters"] if one["name"] == name)
        for quantity, words in (("score", name_score(document)), ("fit_seconds", "fit time")):
            figure, axes = make_chart()
            draw_search(axes, document, name, quantity)
            title = f"{words[0].upper()}{words[1:]} by {short}"
            caption = (
                f"Mean over the folds of each candidate{interval}."
                if quantity == "score"
                else "Mean seconds to fit a candidate in one fold."
            )
            svg = figure_to_svg(figure, title=title, description=caption)
            charts.append(Chart(title, as_markup(svg), caption, []))
    return charts


def _make_legend(document: Document) -> list[dict[str, Any]]:
    legend = [{"colour": 2, "dashes": 0, "text": "best"}]
    if document["one_standard_error"] != document["best"]:
        legend.append({"colour": 3, "dashes": 0, "text": "smallest as good"})
    return [*legend, {"colour": 1, "dashes": 0, "text": "other candidates"}]


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
