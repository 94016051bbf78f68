"""Candidates of a search: scores with intervals, and the one-standard-error rule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cellsk.inspection import value_key
from cellsk.report.document._estimator import hide_folders, shorten_repr
from cellsk.report.document._search_results import SearchResults
from cellsk.report.document._search_types import (
    Candidate,
    FoldStatistics,
    Parameter,
    SizeUnit,
)
from cellsk.report.document._types import PlainValue

__all__ = ["list_candidates", "mark_choices", "order_parameters", "plain_value"]

LEVEL = 0.95
MAX_LENGTH = 60  # of a parameter's value
# Shorter differences of fit times, in seconds or as a share, may be due to chance.
MIN_SECONDS = 0.1
MIN_SHARE = 0.1


def list_candidates(
    results: SearchResults, bounds: Sequence[float] | None = None
) -> list[Candidate]:
    """Return one plain mapping for each candidate, the best first.

    A halving search has one row for each candidate and iteration. Rows of the last iteration
    come first, because they alone were scored on most images. Failed candidates come last.
    """
    means = results.scores.mean(axis=1)
    iterations = np.zeros(len(means), int) if results.iterations is None else results.iterations
    order = np.lexsort((np.arange(len(means)), -np.nan_to_num(means, nan=-np.inf), -iterations))
    params = _list_plain_params(results.params)
    return [
        {
            "row": row,
            "rank": rank,
            "params": params[row],
            "iteration": None if results.iterations is None else int(results.iterations[row]),
            "n_resources": None if results.n_resources is None else int(results.n_resources[row]),
            **_describe_folds(results.scores[row], results.test_fraction, bounds),
            "fit_seconds": _as_finite(results.fit_seconds[row]),
            "score_seconds": _as_finite(results.score_seconds[row]),
            "size": results.sizes[row],
            "within_one_standard_error": False,
            "one_class_folds": None
            if results.one_class_folds is None
            else results.one_class_folds[row],
        }
        for rank, row in enumerate(order.tolist(), start=1)
    ]


def _list_plain_params(params: Sequence[Mapping[str, Any]]) -> list[dict[str, PlainValue]]:
    """Return parameters as plain values, numbered where different values look the same.

    Examples are files with the same name in different folders, and unnamed functions.
    """
    known: dict[tuple[str, str], list[str]] = {}
    rows = []
    for candidate in params:
        row = {name: plain_value(value) for name, value in candidate.items()}
        for name, plain in row.items():
            if not isinstance(plain, str):
                continue
            value = candidate[name]
            alike = known.setdefault((name, plain), [])
            exact = str(value) if isinstance(value, str) else repr(value)
            if exact not in alike:
                alike.append(exact)
            if alike.index(exact):
                row[name] = f"{plain} ({alike.index(exact) + 1})"
        rows.append(row)
    return rows


def _describe_folds(
    scores: NDArray, test_fraction: float | None, bounds: Sequence[float] | None
) -> FoldStatistics:
    """Return mean, spread and interval. They are None if a fold failed.

    Folds share training images, so their spread understates the variance of the mean. Nadeau and
    Bengio (2003) add the ratio of test to training images to 1 / n_folds. Without that ratio, or
    with one fold, there is no interval.
    """
    n, mean = len(scores), float(scores.mean())
    found: FoldStatistics = {
        "mean": None,
        "low": None,
        "high": None,
        "sd": None,
        "standard_error": None,
        "folds": [_as_finite(score) for score in scores],
    }
    if not math.isfinite(mean):
        return found
    found["mean"], found["sd"] = mean, float(scores.std())
    if n > 1:
        spread = float(scores.std(ddof=1))
        found["standard_error"] = spread / math.sqrt(n)
        if test_fraction is not None:
            ratio = test_fraction / (1 - test_fraction)
            half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * spread * math.sqrt(1 / n + ratio)
            low, high = (-math.inf, math.inf) if bounds is None else bounds
            found["low"], found["high"] = max(mean - half, low), min(mean + half, high)
    return found


def mark_choices(candidates: Sequence[Candidate], unit: SizeUnit = "weights") -> tuple[int, int]:
    """Mark the candidates within one standard error of the best, and return two places.

    The first place is that of the best candidate, which must have a score. The second is that of
    the smallest candidate within one standard error of it (Breiman et al., 1984). Fit times that
    may differ by chance count as equal.
    """
    best = candidates[0]
    assert best["mean"] is not None
    bound = best["mean"] - (best["standard_error"] or 0.0)
    near = []
    for place, candidate in enumerate(candidates):
        comparable = candidate["iteration"] == best["iteration"]
        within = candidate["mean"] is not None and candidate["mean"] >= bound - 1e-12
        candidate["within_one_standard_error"] = comparable and within
        if comparable and within:
            near.append(place)
    smallest = min(candidates[place]["size"] for place in near)
    noise = max(MIN_SECONDS, MIN_SHARE * smallest) if unit == "fit seconds" else 0
    # Among candidates of equal size the first has the best score.
    return 0, next(place for place in near if candidates[place]["size"] <= smallest + noise)


def order_parameters(candidates: Sequence[Candidate]) -> list[Parameter]:
    """Return the parameters of the search: filter counts first, then by name."""
    params = [candidate["params"] for candidate in candidates]
    names = sorted(
        {name for one in params for name in one},
        key=lambda name: (name.split("__")[-1] != "filters", name),
    )
    shorts = [name.split("__")[-1] for name in names]
    return [
        _describe_parameter(name, short if shorts.count(short) == 1 else name, params)
        for name, short in zip(names, shorts, strict=True)
    ]


def _describe_parameter(
    name: str, short: str, params: Sequence[Mapping[str, PlainValue]]
) -> Parameter:
    occurring = [one[name] for one in params if name in one]
    values = list({value_key(value): value for value in occurring}.values())
    numeric = all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )
    try:
        values.sort(key=_sort_key)
    except TypeError:  # for example None among numbers
        values.sort(key=lambda value: (value is not None, str(value)))
    return {"name": name, "short": short, "values": values, "numeric": numeric}


def _sort_key(value: PlainValue) -> Any:
    """Order lists, such as filter counts, by length first: shallow networks before deep ones."""
    return (len(value), value) if isinstance(value, list) else value


def plain_value(value: Any) -> PlainValue:
    """Return a parameter's value as JSON knows it. Other objects become a short text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        # With quotes, hide_folders takes spaces as part of the path.
        return _shorten(hide_folders(f"'{value}'")[1:-1])
    if isinstance(value, np.ndarray | list | tuple):
        return [plain_value(item) for item in value]
    if hasattr(value, "get_params"):
        return _shorten(type(value).__name__)
    return shorten_repr(value, MAX_LENGTH)


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"


def _as_finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
