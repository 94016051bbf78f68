"""Rows of the table of numbers: a score, its interval, and the folds it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cellsk.report.words._phrases import count_defined
from cellsk.report.words._values import ScoreWords, describe_score

__all__ = ["ScoreRow", "choose_cards", "group_rows", "list_rows"]

# What stands first on the page. Of these four, whatever a document has.
_CARDS = {
    True: ("roc_auc", "sensitivity", "specificity", "balanced_accuracy"),
    False: ("balanced_accuracy", "roc_auc", "f1", "mcc"),
}


class ScoreRow(NamedTuple):
    """One score, ready to be written: words, value and interval, values of the folds."""

    name: str
    words: ScoreWords
    entry: Mapping[str, Any]
    folds: list[float]
    mean: Mapping[str, Any] | None
    mean_over: str
    opinion: Mapping[str, Any] | None


def list_rows(document: Mapping[str, Any]) -> list[ScoreRow]:
    """Return a row for each of the pooled numbers, in their order."""
    return [_make_row(document, name) for name in document["numbers"]]


def choose_cards(document: Mapping[str, Any]) -> list[ScoreRow]:
    """Return the few rows that come first."""
    wanted = _CARDS[document["data"]["positive"] is not None]
    return [_make_row(document, name) for name in wanted if name in document["numbers"]]


def group_rows(rows: Iterable[ScoreRow]) -> dict[str, list[ScoreRow]]:
    """Return the rows of each family: decisions, ranking, probabilities."""
    families: dict[str, list[ScoreRow]] = {"Decisions": [], "Ranking": [], "Probabilities": []}
    for row in rows:
        families[row.words.family].append(row)
    return {family: rows for family, rows in families.items() if rows}


def _make_row(document: Mapping[str, Any], name: str) -> ScoreRow:
    entry = document["numbers"][name]
    folds = [fold["scores"].get(name) for fold in document["folds"]]
    values = [value for value in folds if value is not None]
    drawn = [value for value in (*values, entry["value"], entry["high"]) if value is not None]
    return ScoreRow(
        name,
        describe_score(name, document["data"], max(drawn, default=None)),
        entry,
        values,
        document["mean_of_folds"].get(name),
        count_defined(name, document),
        document["second_opinions"].get(name),
    )
