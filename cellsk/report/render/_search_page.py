"""The page of a search, and its summary for Jupyter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cellsk.inspection import draw_search_charts, list_searched
from cellsk.report.document import Candidate, Number, SearchDocument
from cellsk.report.render._charts import Chart, LegendEntry
from cellsk.report.render._templates import as_markup, read_asset, render_fragment, render_template
from cellsk.report.words import (
    ScoreWords,
    describe_search,
    explain_no_interval,
    mark_candidate,
    name_candidate,
    name_resource,
    name_score,
    name_search_score,
    pick_best,
    pick_choice,
    read_number,
    tabulate_candidates,
    write_params,
    write_search_origin,
    write_search_title,
    write_size,
    write_value,
)

__all__ = ["render_search_page", "render_search_summary"]

N_OPEN, N_IN_SUMMARY = 30, 10  # candidates; further ones are folded, or left out in Jupyter
# Values stay on one line, unless they are longer than a line.
_CSS = (
    ".setting { min-width: max-content; } .short { max-width: 36rem; }"
    "td.setting { white-space: nowrap; max-width: 16rem; overflow: hidden; }"
)


class Card(NamedTuple):
    """A number that is shown large, as on the page of an evaluation."""

    words: ScoreWords
    entry: Number
    folds: list[float]


class CandidateRow(NamedTuple):
    """A row of the table of candidates."""

    candidate: Candidate
    written: list[str]
    entry: Number
    folds: list[float]
    mark: str


def render_search_page(document: SearchDocument) -> str:
    """Return a search as one html page that needs no network."""
    nested = document["nested"]
    return render_template(
        "search.html.jinja",
        {
            "document": document,
            "title": write_search_title(document),
            "origin": write_search_origin(document),
            "sentences": describe_search(document),
            "score": name_search_score(document),
            "cards": _choose_cards(document),
            "charts": _draw_charts(document),
            "legend": _make_legend(document),
            "no_interval": explain_no_interval(document),
            "rows": _list_rows(document),
            "n_open": N_OPEN,
            "resource": name_resource(document),
            "scale": _find_scale(document),
            "guessing": _find_chance(document),
            "nested_rows": []
            if nested is None
            else [(name_score(name), number) for name, number in nested["numbers"].items()],
            "chosen": _list_chosen(document),
        },
        css=_CSS,
    )


def render_search_summary(document: SearchDocument) -> str:
    """Return sentences and the first candidates as html for Jupyter."""
    header, rows = tabulate_candidates(document, N_IN_SUMMARY)
    return render_fragment(
        "search_summary.html.jinja",
        {
            "title": write_search_title(document),
            "origin": write_search_origin(document),
            "sentences": describe_search(document),
            "header": header,
            "rows": rows,
            "n_left_out": max(len(document["candidates"]) - N_IN_SUMMARY, 0),
            "css": as_markup(read_asset("summary.css")),
        },
    )


def _find_scale(document: SearchDocument) -> tuple[float, float]:
    """Return the scale of the score: its bounds, or the range of the candidates."""
    if document["search"]["bounds"] is not None:
        low, high = document["search"]["bounds"]
        return low, high
    ends = [
        end
        for one in document["candidates"]
        for end in (one["mean"], one["low"], one["high"])
        if end is not None
    ]
    ends += [document["guessing"]["value"]] if document["guessing"] else []
    return (min(ends), max(ends)) if ends and min(ends) < max(ends) else (0.0, 1.0)


def _find_chance(document: SearchDocument) -> float | None:
    return None if document["guessing"] is None else document["guessing"]["value"]


def _choose_cards(document: SearchDocument) -> list[Card]:
    scale, nested = _find_scale(document), document["nested"]
    best, choice = pick_best(document), pick_choice(document)
    cards = [_make_card(document, "Best", best, scale)]
    if choice is not best:
        cards.append(_make_card(document, "Smallest as good", choice, scale))
    if nested is not None and nested["number"] is not None:
        meaning = (
            f"{name_search_score(document)} of the whole search, on"
            f" {nested['interval']['unit']}s that had no influence on the choice"
        )
        words = ScoreWords("Nested", meaning, "Search", scale, _find_chance(document))
        cards.append(Card(words, nested["number"], []))
    return cards


def _make_card(
    document: SearchDocument, label: str, one: Candidate, scale: tuple[float, float]
) -> Card:
    meaning = f"{name_search_score(document)} of {name_candidate(document, one)};"
    meaning += f" {write_size(document, one)}"
    words = ScoreWords(label, meaning, "Search", scale, _find_chance(document))
    return Card(words, read_number(one), _pick_known(one["folds"]))


def _pick_known(scores: Sequence[float | None]) -> list[float]:
    return [score for score in scores if score is not None]


def _list_rows(document: SearchDocument) -> list[CandidateRow]:
    return [
        CandidateRow(
            one,
            write_params(document, one),
            read_number(one),
            _pick_known(one["folds"]),
            mark_candidate(document, place),
        )
        for place, one in enumerate(document["candidates"])
    ]


def _list_chosen(document: SearchDocument) -> list[str]:
    """Return the parameters that the search chose in each fold of the nested evaluation."""
    if document["nested"] is None:
        return []
    return [
        "; ".join(f"{name.split('__')[-1]} {write_value(value)}" for name, value in chosen.items())
        or "not known"
        for chosen in document["nested"]["best_params"]
    ]


def _draw_charts(document: SearchDocument) -> list[Chart]:
    """Return score and fit time against each parameter, the score first."""
    interval = "" if explain_no_interval(document) else ", with its interval"
    shorts = {one["name"]: one["short"] for one in document["parameters"]}
    score = name_search_score(document)
    captions = {}
    for name in list_searched(document):
        captions[name, "score"] = (
            f"{score[0].upper()}{score[1:]} by {shorts[name]}",
            f"Mean over the folds of each candidate{interval}.",
        )
        captions[name, "fit_seconds"] = (
            f"Fit time by {shorts[name]}",
            "Mean time in seconds to fit a candidate in one fold.",
        )
    drawn = draw_search_charts(document, captions)
    return [
        Chart(title, as_markup(drawn[key]), text, []) for key, (title, text) in captions.items()
    ]


def _make_legend(document: SearchDocument) -> list[LegendEntry]:
    legend = [LegendEntry(2, 0, "best")]
    if pick_choice(document) is not pick_best(document):
        legend.append(LegendEntry(3, 0, "smallest as good"))
    return [*legend, LegendEntry(1, 0, "other candidates")]
