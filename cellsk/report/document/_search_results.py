"""Plain results of a search: what its report needs to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import check_count, check_number, count_noun, show_value
from cellsk.exceptions import InputError, InputTypeError
from cellsk.report.document._guessing import score_guessing
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
    # The score of guessing, and for each row the folds in which it predicted one class only.
    guessing: float | None = None
    one_class_folds: list[int | None] | None = None


def read_candidates(
    candidates: Sequence[Mapping[str, Any]],
    *,
    scoring: str,
    name: str,
    estimator: str,
    cv: str | None,
    test_fraction: float | None,
    y: ArrayLike | None = None,
) -> SearchResults:
    """Return plain results from one mapping for each candidate.

    Raises
    ------
    TypeError, ValueError
        When candidates are not as `SearchReport.from_results` describes them.
    """
    if not isinstance(scoring, str):
        raise InputTypeError(
            "must be the name of a score", show_value(scoring), parameter="scoring"
        )
    if not isinstance(candidates, Iterable):
        raise InputTypeError(
            "must be a list of mappings", show_value(candidates), parameter="candidates"
        )
    rows = [_check_candidate(number, one) for number, one in enumerate(candidates)]
    if not any(len(row.scores) for row in rows):
        raise InputError(
            "must hold at least one candidate with a score",
            f"{count_noun(len(rows), 'candidate')} without any",
            parameter="candidates",
        )
    fit_seconds = np.array([row.fit_seconds for row in rows])
    weights = [row.n_weights for row in rows if row.n_weights is not None]
    counted = len(weights) == len(rows)
    return SearchResults(
        name=name,
        score=scoring,
        params=[row.params for row in rows],
        scores=_stack_scores([row.scores for row in rows]),
        fit_seconds=fit_seconds,
        score_seconds=np.array([row.score_seconds for row in rows]),
        sizes=[*weights] if counted else fit_seconds.tolist(),
        size_unit="weights" if counted else "fit seconds",
        test_fraction=check_test_fraction(test_fraction),
        estimator=estimator,
        cv=cv,
        guessing=score_guessing(scoring, y),
    )


def check_test_fraction(value: float | None) -> float | None:
    """Return the share of test images, checked.

    Raises
    ------
    TypeError, ValueError
        When it is not a number between 0 and 1.
    """
    return None if value is None else check_number("test_fraction", value, low=0, high=1)


class _Candidate(NamedTuple):
    """One candidate, checked."""

    params: dict[str, Any]
    scores: NDArray[np.float64]
    fit_seconds: float
    score_seconds: float
    n_weights: int | None


def _check_candidate(number: int, one: Any) -> _Candidate:
    if not isinstance(one, Mapping) or not set(_KEYS) <= set(one):
        got = ", ".join(map(str, one)) if isinstance(one, Mapping) else type(one).__name__
        raise InputTypeError(
            "must be a list of mappings with params, scores and fit_seconds",
            f"one with {got or 'nothing'}",
            "Pass one mapping for each candidate.",
            parameter="candidates",
            code="plain-candidates",
        )
    name = f"candidates[{number}]"
    n_weights, score_seconds = one.get("n_weights"), one.get("score_seconds")
    return _Candidate(
        _check_params(f"{name}['params']", one["params"]),
        _check_scores(f"{name}['scores']", one["scores"]),
        _check_seconds(f"{name}['fit_seconds']", one["fit_seconds"]),
        np.nan
        if score_seconds is None
        else _check_seconds(f"{name}['score_seconds']", score_seconds),
        None if n_weights is None else check_count(f"{name}['n_weights']", n_weights, minimum=0),
    )


def _check_params(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InputTypeError(
            "must be a mapping of names to values", show_value(value), parameter=name
        )
    return dict(value)


def _check_seconds(name: str, value: Any) -> float:
    return check_number(name, value, low=0, closed="left")


def _check_scores(name: str, value: Any) -> NDArray[np.float64]:
    """Return the scores of the folds. NaN means that a fold failed."""
    rule = "must be one number for each fold, or NaN for a fold that failed"
    try:
        scores = np.array([np.nan if score is None else score for score in value])
        if scores.dtype.kind not in "fiu":
            raise TypeError
        scores = scores.astype(float)
    except (TypeError, ValueError):
        raise InputTypeError(rule, show_value(value), parameter=name) from None
    if scores.ndim != 1 or np.isinf(scores).any():
        raise InputError(rule, show_value(value), parameter=name)
    return scores


def _stack_scores(rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return one row for each candidate. Folds that a candidate was not scored on are NaN."""
    scores = np.full((len(rows), max(map(len, rows))), np.nan)
    for row, values in zip(scores, rows, strict=True):
        row[: len(values)] = values
    return scores
