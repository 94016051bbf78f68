"""Out-of-fold predictions: each image judged by a model that never saw its patient."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from cellsk.model_selection._routing import request_groups, takes_groups

__all__ = ["FoldRecord", "OutOfFold", "predict_out_of_fold"]

MakeEstimator = Callable[[NDArray, "NDArray | None"], Any]


class FoldRecord(NamedTuple):
    """What is known of one fold's model once the model itself is gone."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    fit_seconds: float
    predict_seconds: float
    threshold: float | None
    best_params: dict[str, Any] | None
    history: dict[str, list[float]] | None
    best_epoch: int | None
    unseen: list[int]  # classes that were not in training


class OutOfFold(NamedTuple):
    """One prediction for each image, made by the model of the fold that held it out."""

    proba: NDArray[np.float64]
    predicted: NDArray[np.intp]
    fold: NDArray[np.intp]
    records: list[FoldRecord]


class _Warned(NamedTuple):
    """A warning in a form that travels between processes."""

    text: str
    category: type[Warning]
    filename: str
    line: int


class _FoldResult(NamedTuple):
    proba: NDArray[np.float64]
    predicted: NDArray[np.intp]
    record: FoldRecord
    warned: list[_Warned]


def predict_out_of_fold(
    make_estimator: MakeEstimator,
    X: NDArray,
    y: NDArray,
    splits: Sequence[tuple[NDArray, NDArray]],
    *,
    groups: NDArray | None = None,
    n_jobs: int | None = None,
) -> OutOfFold:
    """Fit a new model on each training side, and predict its test side.

    Parameters
    ----------
    make_estimator : callable
        Given labels and groups of a training side, returns the estimator to fit there.
    X : ndarray of shape (n, ...)
        Paths, or images.
    y : ndarray of shape (n,)
        Labels.
    splits : sequence of (train, test)
        Rows of each side; each row is in test once.
    groups : ndarray of shape (n,), default=None
        Patients, handed to every part of the estimator that takes groups.
    n_jobs : int, default=None
        Folds at the same time; None is one.

    Returns
    -------
    out_of_fold : OutOfFold
        `proba` of shape (n, n_classes) with columns as in ``np.unique(y)``, `predicted`
        codes of shape (n,), `fold` counted from 0, and a record of each fold.

    Raises
    ------
    ValueError, TypeError
        What a fit raises, with a note that names the fold.
    """
    classes = np.unique(y)
    # All of them before the first is fitted: what cannot be is said at once.
    estimators = [
        make_estimator(y[train], None if groups is None else groups[train]) for train, _ in splits
    ]
    with config_context(enable_metadata_routing=True):
        results = Parallel(n_jobs=n_jobs)(
            delayed(_predict_fold)(estimator, X, y, groups, train, test, classes, number)
            for number, (estimator, (train, test)) in enumerate(
                zip(estimators, splits, strict=True), start=1
            )
        )
    _warn_again(results)
    return _gather(results, len(y), len(classes))


def _predict_fold(
    estimator: Any,
    X: NDArray,
    y: NDArray,
    groups: NDArray | None,
    train: NDArray,
    test: NDArray,
    classes: NDArray,
    number: int,
) -> _FoldResult:
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", UserWarning)
            known = None if groups is None else groups[train]
            asking = request_groups(estimator)
            result = _fit_and_predict(asking, X, y, known, train, test, classes)
        told = [_Warned(str(w.message), w.category, w.filename, w.lineno) for w in warned]
        return result._replace(warned=told)
    except Exception as error:
        error.add_note(f"This was in fold {number}.")
        raise


def _fit_and_predict(
    estimator: Any,
    X: NDArray,
    y: NDArray,
    groups: NDArray | None,
    train: NDArray,
    test: NDArray,
    classes: NDArray,
) -> _FoldResult:
    routed = {"groups": groups} if groups is not None and takes_groups(estimator) else {}
    start = time.perf_counter()
    fitted = clone(estimator).fit(X[train], y[train], **routed)
    middle = time.perf_counter()
    columns = _find_codes(classes, getattr(fitted, "classes_", None), "have classes_ that are")
    proba = np.zeros((len(test), len(classes)))
    proba[:, columns] = _read_proba(fitted, X[test], len(columns))
    predicted = _find_codes(classes, fitted.predict(X[test]), "predict")
    end = time.perf_counter()
    record = FoldRecord(
        train=train,
        test=test,
        fit_seconds=middle - start,
        predict_seconds=end - middle,
        unseen=sorted(set(range(len(classes))) - set(columns.tolist())),
        **_describe_fitted(fitted),
    )
    return _FoldResult(proba, predicted, record, [])


def _find_codes(classes: NDArray, labels: Any, what: str) -> NDArray[np.intp]:
    """Codes of labels; what is no label is a fault of the estimator, and no other class."""
    found = [] if labels is None else np.asarray(labels).tolist()
    code_of = {label: code for code, label in enumerate(classes.tolist())}
    try:
        codes = [code_of[label] for label in found]
    except (KeyError, TypeError):
        codes = []
    if not codes:
        raise ValueError(
            f"An estimator must {what} labels of y, such as {classes.tolist()[0]!r}. "
            f"Got {found[:3]!r}. Use a classifier."
        )
    return np.array(codes, dtype=np.intp)


def _read_proba(fitted: Any, images: NDArray, n_classes: int) -> NDArray:
    if not hasattr(fitted, "predict_proba"):
        raise TypeError(
            f"estimator must have predict_proba once it is fitted. Got {type(fitted).__name__} "
            "without it. Use a last step that gives probabilities."
        )
    proba = np.asarray(fitted.predict_proba(images))
    if proba.shape != (len(images), n_classes) or not np.isfinite(proba).all():
        raise ValueError(
            "predict_proba must give a finite probability of each class for each image. "
            f"Got shape {proba.shape} for {len(images)} images of {n_classes} classes"
            f"{'' if np.isfinite(proba).all() else ', with values that are not finite'}. "
            "Look at what the estimator learned: a training may have diverged."
        )
    return proba


def _describe_fitted(fitted: Any) -> dict[str, Any]:
    """Threshold, parameters and history, wherever in the estimator they are."""
    found: dict[str, Any] = dict.fromkeys(("threshold", "best_params", "history", "best_epoch"))
    layer = fitted
    while layer is not None:
        _check_search(layer)
        for name in found:
            value = getattr(layer, {"threshold": "best_threshold_"}.get(name, f"{name}_"), None)
            if value is not None and found[name] is None:
                found[name] = value
        layer = _step_inwards(layer)
    if found["threshold"] is not None:
        found["threshold"] = float(found["threshold"])
    if found["best_epoch"] is not None:
        found["best_epoch"] = int(found["best_epoch"])
    found["history"] = _as_history(found["history"])
    return found


def _as_history(value: Any) -> dict[str, list[float]] | None:
    """Name and values of each curve; None where an attribute of that name is something else."""
    try:
        return {str(name): [float(v) for v in values] for name, values in dict(value).items()}
    except (TypeError, ValueError):
        return None


def _check_search(layer: Any) -> None:
    """Refuse a search that had nothing to choose by.

    Raises
    ------
    ValueError
        When the score of its best candidate is not defined.
    """
    best = getattr(layer, "best_score_", None)
    if isinstance(best, float) and np.isnan(best):
        raise ValueError(
            "A search within a fold must score its candidates. Got no score that is defined in "
            f"{type(layer).__name__}: a class may be missing from its inner folds. Use fewer inner "
            "folds, or cv=InnerKFold() of cellsk.model_selection, which takes as many as there "
            "are patients for."
        )


def _step_inwards(layer: Any) -> Any:
    """The fitted estimator inside a search, a threshold, a calibration or a pipeline."""
    for name in ("best_estimator_", "estimator_"):
        if hasattr(layer, name):
            return getattr(layer, name)
    if hasattr(layer, "calibrated_classifiers_"):
        return layer.calibrated_classifiers_[0].estimator
    steps = getattr(layer, "steps", None)
    return steps[-1][1] if isinstance(steps, list) else None


def _gather(results: Sequence[_FoldResult], n: int, n_classes: int) -> OutOfFold:
    proba = np.full((n, n_classes), np.nan)
    predicted = np.zeros(n, dtype=np.intp)
    fold = np.zeros(n, dtype=np.intp)
    for number, result in enumerate(results):
        rows = result.record.test
        proba[rows], predicted[rows], fold[rows] = result.proba, result.predicted, number
    return OutOfFold(proba, predicted, fold, [result.record for result in results])


def _warn_again(results: Sequence[_FoldResult]) -> None:
    """Give the warnings of all folds here, each text once, in whatever process they arose."""
    told: set[str] = set()
    for result in results:
        for warned in result.warned:
            if warned.text not in told:
                told.add(warned.text)
                warnings.warn_explicit(warned.text, warned.category, warned.filename, warned.line)
