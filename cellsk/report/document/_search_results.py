"""Plain results of a search: what its report needs to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import check_number
from cellsk.exceptions import InputError, InputTypeError
from cellsk.report.document._search_types import Iteration, SizeUnit

__all__ = ["SearchResults", "check_test_fraction", "read_candidates"]

_KEYS = ("params", "scores", "fit_seconds")


class SearchResults(NamedTuple):
    """Results of a search as plain values, one row for each candidate.

    Scores have the shape (n_rows, n_folds) and are NaN where a fold failed. A halving search has
    one row for each candidate and iteration.
    """

    name: str
    score: str
    params: Sequence[Mapping[str, Any]]
    scores: NDArray[np.float64]
    fit_seconds: NDArray[np.float64]
    score_seconds: NDArray[np.float64]
    sizes: list[float]
    size_unit: SizeUnit
    test_fraction: float | None
    estimator: str
    cv: str | None
    resource: str | None = None
    iterations: NDArray[np.intp] | None = None
    n_resources: NDArray[np.intp] | None = None
    iteration_list: list[Iteration] | None = None
    # The row that the search itself chose by this score, if it is known.
    best_row: int | None = None
    # Place of the label 1 among two classes: the second of 0 and 1, or of -1 and 1.
    label_one: int = 1


def read_candidates(
    candidates: Sequence[Mapping[str, Any]],
    *,
    scoring: str,
    name: str,
    estimator: str,
    cv: str | None,
    test_fraction: float | None,
) -> SearchResults:
    """Return plain results from one mapping for each candidate.

    Raises
    ------
    TypeError, ValueError
        When candidates are not as `SearchReport.from_results` describes them.
    """
    rows = [_check_candidate(one) for one in candidates]
    if not rows or not max(len(row["scores"]) for row in rows):
        raise InputError(
            "must hold at least one candidate with a score", f"{len(rows)}", parameter="candidates"
        )
    fit_seconds = np.array([row["fit_seconds"] for row in rows], dtype=float)
    counted = all(row.get("n_weights") is not None for row in rows)
    return SearchResults(
        name=name,
        score=scoring,
        params=[row["params"] for row in rows],
        scores=_stack_scores([row["scores"] for row in rows]),
        fit_seconds=fit_seconds,
        score_seconds=np.array([row.get("score_seconds", np.nan) for row in rows], dtype=float),
        sizes=[row["n_weights"] for row in rows] if counted else fit_seconds.tolist(),
        size_unit="weights" if counted else "fit seconds",
        test_fraction=check_test_fraction(test_fraction),
        estimator=estimator,
        cv=cv,
    )


def check_test_fraction(value: float | None) -> float | None:
    """Return the share of test images, checked.

    Raises
    ------
    TypeError, ValueError
        When it is not a number between 0 and 1.
    """
    return None if value is None else check_number("test_fraction", value, low=0, high=1)


def _check_candidate(one: Any) -> Mapping[str, Any]:
    if not isinstance(one, Mapping) or not set(_KEYS) <= set(one):
        got = ", ".join(map(str, one)) if isinstance(one, Mapping) else type(one).__name__
        raise InputTypeError(
            "must be a list of mappings with params, scores and fit_seconds",
            f"one with {got}",
            "Pass one mapping for each candidate.",
            parameter="candidates",
            code="plain-candidates",
        )
    return one


def _stack_scores(rows: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return one row for each candidate. Folds that a candidate was not scored on are NaN."""
    scores = np.full((len(rows), max(map(len, rows))), np.nan)
    for row, values in zip(scores, rows, strict=True):
        row[: len(values)] = values
    return scores
