"""The document of a search: every number that its report shows, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from cellsk.exceptions import InputError
from cellsk.report.document._candidates import (
    LEVEL,
    list_candidates,
    mark_choices,
    order_parameters,
)
from cellsk.report.document._guessing import compare_with_guessing
from cellsk.report.document._search_results import SearchResults
from cellsk.report.document._search_types import Candidate, SearchDocument

__all__ = ["build_search_document"]

INTERVAL_METHOD = "t interval over folds, variance corrected after Nadeau and Bengio (2003)"
# Scores of scikit-learn that lie between 0 and 1, by the start of their names.
_BETWEEN_0_AND_1 = (
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


def build_search_document(results: SearchResults) -> SearchDocument:
    """Return the document of a search, without a nested evaluation.

    Raises
    ------
    ValueError
        When the best candidate has no score.
    """
    bounds = [0.0, 1.0] if results.score.startswith(_BETWEEN_0_AND_1) else None
    candidates = list_candidates(results, bounds)
    _check_scored(results, candidates)
    best, smallest = mark_choices(candidates, results.size_unit)
    return {
        "schema": "cellsk-search-1",
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "search": {
            "name": results.name,
            "estimator": results.estimator,
            "cv": results.cv,
            "n_folds": results.scores.shape[1],
            "resource": results.resource,
            "score": results.score,
            "bounds": bounds,
            "size_unit": results.size_unit,
        },
        "interval": {
            "level": LEVEL,
            "method": INTERVAL_METHOD,
            "test_fraction": results.test_fraction,
        },
        "parameters": order_parameters(candidates),
        "candidates": candidates,
        "best": best,
        "one_standard_error": smallest,
        "iterations": results.iteration_list,
        "n_failed": sum(candidate["mean"] is None for candidate in candidates),
        "guessing": compare_with_guessing(candidates[best], results.guessing),
        "nested": None,
        "versions": {name: version(name) for name in ("cellsk", "scikit-learn", "keras")},
    }


def _check_scored(results: SearchResults, candidates: Sequence[Candidate]) -> None:
    """Refuse a search whose best candidate, or the one that it chose itself, has no score."""
    failed = [one["row"] for one in candidates if one["mean"] is None]
    if candidates[0]["mean"] is not None and results.best_row not in failed:
        return
    raise InputError(
        "A search must have scored its best candidate in every fold",
        f"a mean {results.score.replace('_', ' ')} of NaN for {len(failed):,} of its"
        f" {len(candidates):,} candidates, on {results.scores.shape[1]} folds: a fold may lack a"
        " class",
        "Use fewer folds, or cv=InnerKFold() from cellsk.model_selection, which makes fewer folds"
        " if a class has few patients. error_score='raise' shows what failed.",
        code="best-candidate-unscored",
    )
