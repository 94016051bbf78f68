"""Plain results of a fitted search of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import (
    BaseShuffleSplit,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.utils.validation import check_is_fitted

from cellsk._checks import check_option
from cellsk.exceptions import InputError, InputTypeError
from cellsk.model_selection import SEVERAL_CLASSES, InnerKFold
from cellsk.report.document._estimator import shorten_repr
from cellsk.report.document._guessing import count_one_class_folds, score_guessing
from cellsk.report.document._search_results import SearchResults, check_test_fraction
from cellsk.report.document._search_types import Iteration
from cellsk.report.document._sizes import measure_sizes

__all__ = ["read_search"]

MAX_LENGTH = 2000  # of the representation of an estimator or a splitter
# Splitters that put each image into one test side. TimeSeriesSplit, a KFold by its base class,
# is not among them.
_PARTITIONS = (
    KFold,
    GroupKFold,
    StratifiedKFold,
    StratifiedGroupKFold,
    LeaveOneOut,
    LeaveOneGroupOut,
    InnerKFold,
)


def read_search(
    search: Any, *, metric: str | None, test_fraction: float | None, y: ArrayLike | None = None
) -> SearchResults:
    """Return the plain results of a fitted search.

    Raises
    ------
    TypeError
        When it is not a search of scikit-learn.
    NotFittedError
        When it is not fitted.
    ValueError
        When it has several scores and none is named, or the labels do not fit.
    """
    if not hasattr(search, "fit") or not hasattr(search, "refit"):
        raise InputTypeError(
            "must be a fitted search of scikit-learn, such as GridSearchCV",
            type(search).__name__,
            "Pass the object whose fit ran the search, or use SearchReport.from_results.",
            parameter="search",
            code="search-type",
        )
    check_is_fitted(search, "cv_results_")
    results, column = search.cv_results_, _choose_metric(search, metric)
    fraction = check_test_fraction(test_fraction)
    score, n_folds = _name_score(search, column), int(search.n_splits_)
    unit, sizes = measure_sizes(search, results["params"], results["mean_fit_time"])
    return SearchResults(
        name=type(search).__name__,
        score=score,
        params=results["params"],
        scores=_read_scores(results, column, n_folds),
        fit_seconds=np.asarray(results["mean_fit_time"], dtype=float),
        score_seconds=np.asarray(results["mean_score_time"], dtype=float),
        sizes=sizes,
        size_unit="weights" if unit == "weights" else "fit seconds",
        test_fraction=find_test_fraction(search) if fraction is None else fraction,
        estimator=shorten_repr(search.estimator, MAX_LENGTH),
        cv=shorten_repr(search.cv, MAX_LENGTH) if hasattr(search.cv, "split") else None,
        resource=getattr(search, "resource", None),
        iterations=np.asarray(results["iter"], dtype=int) if "iter" in results else None,
        n_resources=np.asarray(results["n_resources"], dtype=int) if "iter" in results else None,
        iteration_list=_list_iterations(search),
        best_row=_find_best_row(search, column),
        label_one=_find_label_one(search),
        guessing=score_guessing(
            score, y, _find_scorer(search, column), getattr(search, "classes_", ())
        ),
        one_class_folds=count_one_class_folds(results, n_folds),
    )


def _read_scores(results: Mapping[str, Any], column: str, n_folds: int) -> NDArray[np.float64]:
    folds = [results[f"split{fold}_test_{column}"] for fold in range(n_folds)]
    return np.column_stack(folds).astype(float)


def _choose_metric(search: Any, metric: str | None) -> str:
    """Return the ending of the columns of ``cv_results_`` that hold the score."""
    prefix = "mean_test_"
    known = [name.removeprefix(prefix) for name in search.cv_results_ if name.startswith(prefix)]
    known = [name for name in known if name != SEVERAL_CLASSES] or known
    if metric is not None:
        return str(check_option("metric", metric, known))
    if len(known) == 1:
        return known[0]
    if isinstance(search.refit, str) and search.refit in known:
        return search.refit
    raise InputError(
        "must name the score to rank by, because the search has several",
        f"none, with scores {', '.join(known)} and refit={search.refit!r}",
        f"Pass for example metric={known[0]!r}.",
        parameter="metric",
        code="metric-unnamed",
        values={"metrics": known},
    )


def _name_score(search: Any, column: str) -> str:
    """Return the scikit-learn name of the score."""
    if column != "score":
        return column
    if search.scoring is None:
        return "accuracy"
    return search.scoring if isinstance(search.scoring, str) else "score"


def _find_scorer(search: Any, column: str) -> Any:
    scorer = getattr(search, "scorer_", None)
    return scorer.get(column) if isinstance(scorer, Mapping) else scorer


def _find_best_row(search: Any, column: str) -> int | None:
    """Return the row that the search chose, if it chose by this score."""
    best = getattr(search, "best_index_", None)
    return int(best) if best is not None and column in ("score", search.refit) else None


def _find_label_one(search: Any) -> int:
    """Return the place of the label 1 among two classes. Without a fit, assume the second."""
    labels = list(getattr(search, "classes_", ()))
    return labels.index(1) if len(labels) == 2 and 1 in labels else 1


def _list_iterations(search: Any) -> list[Iteration] | None:
    if not hasattr(search, "n_resources_"):
        return None
    pairs = zip(search.n_resources_, search.n_candidates_, strict=True)
    return [
        {"iteration": number, "n_resources": int(resources), "n_candidates": int(count)}
        for number, (resources, count) in enumerate(pairs)
    ]


def find_test_fraction(search: Any) -> float | None:
    """Return the share of test images in a split, averaged over the splits.

    None if the splitter does not define it. A size given in images would need the number of images,
    which a fitted search does not keep.
    """
    cv, n_folds = search.cv, int(search.n_splits_)
    if cv is None or isinstance(cv, (Integral, *_PARTITIONS)):
        return 1 / n_folds
    if isinstance(cv, RepeatedKFold | RepeatedStratifiedKFold):
        return float(cv.n_repeats / n_folds)
    if isinstance(cv, PredefinedSplit):
        # Images of fold -1 are in every training side.
        return float(np.mean(np.asarray(cv.test_fold) != -1)) / n_folds
    if isinstance(cv, BaseShuffleSplit):
        return _read_sizes(cv)
    return _average_test_share(cv) if isinstance(cv, Sequence | np.ndarray) else None


def _read_sizes(cv: Any) -> float | None:
    """Return the share that test_size and train_size define together."""
    test, train = cv.test_size, cv.train_size
    if test is None and train is None:
        test = getattr(cv, "_default_test_size", None)
    counted = [isinstance(size, Integral) for size in (test, train) if size is not None]
    if len(counted) == 2 and counted[0] == counted[1]:
        return float(test / (test + train))
    if any(counted) or not counted:
        return None
    return float(test) if train is None else 1 - float(train)


def _average_test_share(splits: Iterable[tuple[ArrayLike, ArrayLike]]) -> float:
    shares = []
    for train, test in splits:
        n_train, n_test = _count_rows(train), _count_rows(test)
        shares.append(n_test / (n_train + n_test))
    return float(np.mean(shares))


def _count_rows(side: ArrayLike) -> int:
    rows = np.asarray(side)
    return int(np.count_nonzero(rows)) if rows.dtype == bool else len(rows)
