"""Candidates of a search: score with interval, fit time, size, and who is as good as the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cellsk.inspection import value_key
from cellsk.report.document._estimator import hide_folders, in_short

__all__ = ["list_candidates", "mark_choices", "order_parameters", "plain_value"]

MAX_WORDS = 60
# Fit times that differ by less, in seconds or as a share, may differ by chance alone.
MIN_SECONDS = 0.1
MIN_SHARE = 0.1


def list_candidates(
    results: Mapping[str, Any],
    metric: str,
    n_folds: int,
    sizes: Sequence[float],
    *,
    test_fraction: float | None,
    level: float = 0.95,
    bounds: Sequence[float] | None = None,
) -> list[dict[str, Any]]:
    """Return one plain mapping for each row of ``cv_results_``, the best first.

    A halving search has a row for each candidate and iteration: those of the last iteration
    come first, which alone were scored on most images. Candidates that failed come last.
    """
    folds = np.column_stack([results[f"split{k}_test_{metric}"] for k in range(n_folds)])
    means = np.asarray(results[f"mean_test_{metric}"], dtype=float)
    iterations = np.asarray(results.get("iter", np.zeros(len(means))), dtype=int)
    written = _write_params(results["params"])
    order = np.lexsort((np.arange(len(means)), -np.nan_to_num(means, nan=-np.inf), -iterations))
    return [
        {
            "row": int(row),
            "rank": rank,
            "params": written[row],
            "iteration": int(iterations[row]) if "iter" in results else None,
            "n_resources": int(results["n_resources"][row]) if "iter" in results else None,
            **_clip(_describe_folds(folds[row], test_fraction, level), bounds),
            "fit_seconds": _known(results["mean_fit_time"][row]),
            "score_seconds": _known(results["mean_score_time"][row]),
            "size": sizes[row],
        }
        for rank, row in enumerate(order.tolist(), start=1)
    ]


def _write_params(params: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return parameters as plain values; those that would read alike are numbered.

    Files of the same name, or two functions without one, are two values all the same.
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
            own = str(value) if isinstance(value, str) else repr(value)
            if own not in alike:
                alike.append(own)
            if alike.index(own):
                row[name] = f"{plain} ({alike.index(own) + 1})"
        rows.append(row)
    return rows


def _describe_folds(scores: NDArray, test_fraction: float | None, level: float) -> dict[str, Any]:
    """Return mean, spread and interval; None where a fold failed, or there is only one.

    The folds share training images, so that their spread makes the mean look surer than it is.
    Nadeau and Bengio (2003) add the ratio of test to training images to 1 / n_folds. Where that
    is not known, there is no interval.
    """
    n = len(scores)
    mean = float(scores.mean())
    described: dict[str, Any] = dict.fromkeys(("mean", "low", "high", "sd", "standard_error"))
    described["folds"] = [_known(score) for score in scores]
    if not math.isfinite(mean):
        return described
    described |= {"mean": mean, "sd": float(scores.std())}
    if n > 1:
        spread = float(scores.std(ddof=1))
        described["standard_error"] = spread / math.sqrt(n)
        if test_fraction is not None:
            ratio = test_fraction / (1 - test_fraction)
            half = stats.t.ppf((1 + level) / 2, n - 1) * spread * math.sqrt(1 / n + ratio)
            described |= {"low": mean - half, "high": mean + half}
    return described


def _clip(described: dict[str, Any], bounds: Sequence[float] | None) -> dict[str, Any]:
    """Keep an interval within what the score can be."""
    if bounds is not None and described["low"] is not None:
        described["low"] = max(described["low"], bounds[0])
        described["high"] = min(described["high"], bounds[1])
    return described


def mark_choices(candidates: Sequence[dict[str, Any]], unit: str = "weights") -> tuple[int, int]:
    """Say which candidates are within one standard error of the best; return two places.

    The places are those of the best, which comes first and must have a score, and of the smallest
    of those as good as it (Breiman et al., 1984). Where sizes are fit times, those that may
    differ by chance count as one size.
    """
    for candidate in candidates:
        candidate["within_one_standard_error"] = False
    best = candidates[0]
    bound = best["mean"] - (best["standard_error"] or 0.0)
    near = []
    for place, candidate in enumerate(candidates):
        if candidate["mean"] is None or candidate["iteration"] != best["iteration"]:
            continue
        if candidate["mean"] >= bound - 1e-12:
            candidate["within_one_standard_error"] = True
            near.append(place)
    smallest = min(candidates[place]["size"] for place in near)
    noise = max(MIN_SECONDS, MIN_SHARE * smallest) if unit == "fit seconds" else 0
    # Of equals in size the better one, which comes first.
    return 0, next(place for place in near if candidates[place]["size"] <= smallest + noise)


def order_parameters(candidates: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the parameters that were searched: filter counts first, then by name.

    Each has its short name, its values in order, and whether they are numbers.
    """
    names = {name for candidate in candidates for name in candidate["params"]}
    ordered = sorted(names, key=lambda name: (not is_filters(name), name))
    shorts = [name.split("__")[-1] for name in ordered]
    return [
        {
            "name": name,
            "short": short if shorts.count(short) == 1 else name,
            **_order_values(candidates, name),
        }
        for name, short in zip(ordered, shorts, strict=True)
    ]


def is_filters(name: str) -> bool:
    """Whether a parameter, however deep within an estimator, is the filter counts."""
    return name.split("__")[-1] == "filters"


def _order_values(candidates: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    occurring = [one["params"][name] for one in candidates if name in one["params"]]
    values = list({value_key(value): value for value in occurring}.values())
    numeric = all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )
    try:
        # Of filter counts the shallow networks first.
        values.sort(key=lambda value: (len(value), value) if isinstance(value, list) else value)
    except TypeError:  # None among numbers, say
        values.sort(key=lambda value: (value is not None, str(value)))
    return {"values": values, "numeric": numeric}


def plain_value(value: Any) -> Any:
    """Return a parameter's value as JSON knows it; what is neither number nor text by name."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        # As a quoted text, in which the blanks of a path are part of it.
        return _shorten(hide_folders(f"'{value}'")[1:-1])
    if isinstance(value, np.ndarray | list | tuple):
        return [plain_value(item) for item in value]
    if hasattr(value, "get_params"):
        return _shorten(type(value).__name__)
    return in_short(value, MAX_WORDS)


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_WORDS else f"{text[: MAX_WORDS - 1]}…"


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
