"""The document of a search: every number that its report shows, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils.validation import check_is_fitted

from cellsk._checks import check_option
from cellsk.report.document._candidates import (
    list_candidates,
    mark_choices,
    order_parameters,
)
from cellsk.report.document._estimator import in_short
from cellsk.report.document._nested import read_nested
from cellsk.report.document._sizes import measure_sizes
from cellsk.report.document._test_fraction import find_test_fraction

__all__ = ["build_search_document"]

LEVEL = 0.95
MAX_WORDS = 2000  # of an estimator, or a splitter, written out
INTERVAL_METHOD = "t interval over folds, variance corrected after Nadeau and Bengio (2003)"
# Scores of scikit-learn that lie between 0 and 1, by how their names begin.
_SHARES = (
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "f1",
    "jaccard",
    "precision",
    "recall",
    "roc_auc",
    "top_k_accuracy",
)


def build_search_document(
    search: Any, *, nested: Any, metric: str | None, test_fraction: float | None
) -> dict[str, Any]:
    """Return the document of a fitted search.

    Raises
    ------
    TypeError
        When it is no search of scikit-learn, or `nested` is no evaluation.
    NotFittedError
        When it is not fitted.
    ValueError
        When it has several scores and none is named, or the best one is NaN.
    """
    _check_search(search)
    metric = _choose_metric(search, metric)
    results = search.cv_results_
    unit, sizes = measure_sizes(search, results["params"], results["mean_fit_time"])
    fraction = find_test_fraction(search) if test_fraction is None else test_fraction
    score = _name_score(search, metric)
    bounds = [0.0, 1.0] if score.startswith(_SHARES) else None
    candidates = list_candidates(
        results,
        metric,
        search.n_splits_,
        sizes,
        test_fraction=fraction,
        level=LEVEL,
        bounds=bounds,
    )
    _check_scored(search, metric, score, candidates)
    best, smallest = mark_choices(candidates, unit)
    return {
        "schema": "cellsk-search-1",
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "search": _describe_search(search) | {"score": score, "bounds": bounds, "size_unit": unit},
        "interval": {"level": LEVEL, "method": INTERVAL_METHOD, "test_fraction": fraction},
        "parameters": order_parameters(candidates),
        "candidates": candidates,
        "best": best,
        "one_standard_error": smallest,
        "iterations": _list_iterations(search),
        "n_failed": sum(candidate["mean"] is None for candidate in candidates),
        "nested": read_nested(nested, score, search),
        "versions": {name: version(name) for name in ("cellsk", "scikit-learn", "keras")},
    }


def _describe_search(search: Any) -> dict[str, Any]:
    return {
        "name": type(search).__name__,
        "estimator": in_short(search.estimator, MAX_WORDS),
        "cv": in_short(search.cv, MAX_WORDS) if hasattr(search.cv, "split") else None,
        "n_folds": int(search.n_splits_),
        "resource": getattr(search, "resource", None),
    }


def _check_search(search: Any) -> None:
    if not isinstance(search, BaseSearchCV):
        raise TypeError(
            "search must be a fitted search of scikit-learn, such as GridSearchCV. Got"
            f" {type(search).__name__}. Pass the object whose fit ran the search."
        )
    check_is_fitted(search, "cv_results_")


def _check_scored(
    search: Any, metric: str, score: str, candidates: Sequence[Mapping[str, Any]]
) -> None:
    """Refuse a search whose best candidate, by its own choice or ours, has no score."""
    failed = [one for one in candidates if one["mean"] is None]
    # By the score that it was refitted for, the search itself says which one is the best.
    chosen = getattr(search, "best_index_", None) if metric in ("score", search.refit) else None
    if candidates[0]["mean"] is not None and chosen not in [one["row"] for one in failed]:
        return
    raise ValueError(
        "A search must have scored its best candidate in every fold. Got a mean"
        f" {score.replace('_', ' ')} of NaN for {len(failed):,} of its {len(candidates):,}"
        f" candidates, on {int(search.n_splits_)} folds: a fold may lack a class. Take fewer"
        " folds, or cv=InnerKFold() from cellsk.model_selection, which takes fewer folds where a"
        " class has few patients. error_score='raise' shows what failed."
    )


def _choose_metric(search: Any, metric: str | None) -> str:
    """Return the ending of the columns of ``cv_results_`` that hold the score."""
    prefix = "mean_test_"
    known = [name.removeprefix(prefix) for name in search.cv_results_ if name.startswith(prefix)]
    if metric is not None:
        return str(check_option("metric", metric, known))
    if len(known) == 1:
        return known[0]
    if isinstance(search.refit, str) and search.refit in known:
        return search.refit
    raise ValueError(
        "A search with several scores needs one to rank its candidates by. Got"
        f" {', '.join(known)}, and refit={search.refit!r}. Pass metric={known[0]!r}, say."
    )


def _name_score(search: Any, metric: str) -> str:
    """Return what the score is called, in the words of scikit-learn."""
    if metric != "score":
        return metric
    if search.scoring is None:
        return "accuracy"
    return search.scoring if isinstance(search.scoring, str) else "score"


def _list_iterations(search: Any) -> list[dict[str, int]] | None:
    if not hasattr(search, "n_resources_"):
        return None
    pairs = zip(search.n_resources_, search.n_candidates_, strict=True)
    return [
        {"iteration": number, "n_resources": int(resources), "n_candidates": int(count)}
        for number, (resources, count) in enumerate(pairs)
    ]
