"""Out-of-fold predictions, by models trained without the patient of each image."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from cellsk._steps import count_steps
from cellsk.exceptions import InputError, InputTypeError
from cellsk.model_selection._decision import LabelPredictor
from cellsk.model_selection._routing import request_groups, takes_groups

__all__ = ["FoldRecord", "OutOfFold", "fit_with_groups", "predict_out_of_fold", "predict_with"]

MakeEstimator = Callable[[NDArray, "NDArray | None"], Any]


class FoldRecord(NamedTuple):
    """Facts about the model of one fold that are kept without the model."""

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
    """One prediction for each tested image, by the model of the fold that tests it."""

    proba: NDArray[np.float64]
    predicted: NDArray[np.intp]
    fold: NDArray[np.intp]
    records: list[FoldRecord]


class _Warned(NamedTuple):
    """A warning and its place, which can be sent between processes."""

    warning: Warning
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
        Returns the estimator to fit, given labels and groups of a training side.
    X : ndarray of shape (n, ...)
        Paths or images.
    y : ndarray of shape (n,)
        Labels.
    splits : sequence of (train, test)
        Rows of each side. Each row is in test at most once.
    groups : ndarray of shape (n,), default=None
        Patients, passed to every part of the estimator that takes groups.
    n_jobs : int, default=None
        Number of folds at the same time. None is one.

    Returns
    -------
    out_of_fold : OutOfFold
        For the n_tested rows that are in test, in order: `proba` of shape (n_tested, n_classes)
        with columns as in ``np.unique(y)``, `predicted` codes of shape (n_tested,), and `fold`
        counted from 0. Then a record of each fold.

    Raises
    ------
    ValueError, TypeError
        The error of a fit, with a note that names the fold.
    """
    classes = np.unique(y)
    # Make all estimators before the first fit, so that their errors come before the work.
    estimators = [
        make_estimator(y[train], None if groups is None else groups[train]) for train, _ in splits
    ]
    folds = enumerate(zip(estimators, splits, strict=True), start=1)
    with config_context(enable_metadata_routing=True):
        results = Parallel(n_jobs=n_jobs)(
            delayed(_predict_fold)(estimator, X, y, groups, fold, classes, number)
            for number, (estimator, fold) in count_steps(folds, "fold", len(splits))
        )
    _repeat_warnings(results)
    return _gather(results)


def _predict_fold(
    estimator: Any,
    X: NDArray,
    y: NDArray,
    groups: NDArray | None,
    fold: tuple[NDArray, NDArray],
    classes: NDArray,
    number: int,
) -> _FoldResult:
    train, test = fold
    with _record_warnings(number) as warned:
        start = time.perf_counter()
        known = None if groups is None else groups[train]
        fitted = fit_with_groups(estimator, X[train], y[train], known)
        middle = time.perf_counter()
        proba, predicted, codes = _predict(fitted, X[test], classes)
        record = FoldRecord(
            train=train,
            test=test,
            fit_seconds=middle - start,
            predict_seconds=time.perf_counter() - middle,
            unseen=sorted(set(range(len(classes))) - set(codes.tolist())),
            **_describe_fitted(fitted),
        )
    return _FoldResult(proba, predicted, record, warned)


def fit_with_groups(estimator: Any, X: NDArray, y: NDArray, groups: NDArray | None) -> Any:
    """Return a fitted clone. Groups are passed to every step that takes them.

    Raises
    ------
    TypeError, ValueError
        Those of the fit.
    """
    with config_context(enable_metadata_routing=True):
        requesting = request_groups(estimator)
        routed = {"groups": groups} if groups is not None and takes_groups(requesting) else {}
        return clone(requesting).fit(X, y, **routed)


@contextmanager
def _record_warnings(number: int) -> Iterator[list[_Warned]]:
    """Yield a list that is filled with the warnings of the body. Its errors name the fold."""
    recorded: list[_Warned] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            yield recorded
    except Exception as error:
        error.add_note(f"This was in fold {number}.")
        raise
    recorded += [
        _Warned(w.message, w.filename, w.lineno) for w in caught if isinstance(w.message, Warning)
    ]


def _predict(
    fitted: Any, images: NDArray, classes: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    """Return probabilities of all classes, predicted codes, and the codes that are known."""
    if not hasattr(fitted, "predict_proba"):
        raise InputTypeError(
            "must have predict_proba once it is fitted",
            f"{type(fitted).__name__} without it",
            "Use a last step that gives probabilities.",
            parameter="estimator",
            code="no-probabilities",
        )
    known = _find_codes(classes, getattr(fitted, "classes_", None), "have classes_ that are")
    proba, labels = LabelPredictor(fitted).predict(images)
    filled = np.zeros((len(images), len(classes)))
    filled[:, known] = _check_proba(np.asarray(proba), (len(images), len(known)))
    return filled, _find_codes(classes, labels, "predict"), known


def predict_with(fitted: Any, images: NDArray) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the probabilities and the predicted codes of a fitted model, by its own classes.

    Raises
    ------
    ValueError, TypeError
        When they are not finite probabilities and labels of `classes_`.
    """
    proba, predicted, _ = _predict(fitted, images, fitted.classes_)
    return proba, predicted


def _find_codes(classes: NDArray, labels: Any, what: str) -> NDArray[np.intp]:
    """Return the codes of labels. An unknown label is a fault of the estimator."""
    found = [] if labels is None else np.asarray(labels).tolist()
    code_of = {label: code for code, label in enumerate(classes.tolist())}
    try:
        codes = [code_of[label] for label in found]
    except (KeyError, TypeError):
        codes = []
    if not codes:
        raise InputError(
            f"An estimator must {what} labels of y, such as {classes.tolist()[0]!r}",
            repr(found[:3]),
            "Use a classifier.",
            code="not-a-classifier",
        )
    return np.array(codes, dtype=np.intp)


def _check_proba(proba: NDArray, shape: tuple[int, int]) -> NDArray:
    is_finite = bool(np.isfinite(proba).all())
    if proba.shape != shape or not is_finite:
        raise InputError(
            "The model must give a finite probability of each class for each image",
            f"shape {proba.shape} for {shape[0]} images of {shape[1]} classes"
            f"{'' if is_finite else ', with NaN or infinity'}",
            "Check what it learned: a training may have diverged.",
            code="probabilities-invalid",
        )
    return proba


def _describe_fitted(fitted: Any) -> dict[str, Any]:
    """Return threshold, parameters and history, from any layer of the estimator."""
    found: dict[str, Any] = dict.fromkeys(("threshold", "best_params", "history", "best_epoch"))
    layer = fitted
    while layer is not None:
        _check_search(layer)
        for name in found:
            value = getattr(layer, {"threshold": "best_threshold_"}.get(name, f"{name}_"), None)
            if value is not None and found[name] is None:
                found[name] = value
        layer = _find_inner_estimator(layer)
    if found["threshold"] is not None:
        found["threshold"] = float(found["threshold"])
    if found["best_epoch"] is not None:
        found["best_epoch"] = int(found["best_epoch"])
    found["history"] = _convert_history(found["history"])
    return found


def _convert_history(value: Any) -> dict[str, list[float]] | None:
    """Return the curves by name, or None if the attribute is something else."""
    try:
        return {str(name): [float(v) for v in values] for name, values in dict(value).items()}
    except (TypeError, ValueError):
        return None


def _check_search(layer: Any) -> None:
    """Raise if the best candidate of a search has no score.

    Raises
    ------
    ValueError
        If the score is NaN.
    """
    best = getattr(layer, "best_score_", None)
    if isinstance(best, float) and np.isnan(best):
        raise InputError(
            "A search within a fold must score its candidates",
            f"only NaN in {type(layer).__name__}: a class may be missing from its inner folds",
            "Use fewer inner folds, or cv=InnerKFold() of cellsk.model_selection, which makes as"
            " many folds as the patients allow.",
            code="search-scores-undefined",
        )


def _find_inner_estimator(layer: Any) -> Any:
    """Return the estimator inside a search, a threshold, a calibration or a pipeline."""
    for name in ("best_estimator_", "estimator_"):
        if hasattr(layer, name):
            return getattr(layer, name)
    if hasattr(layer, "calibrated_classifiers_"):
        return layer.calibrated_classifiers_[0].estimator
    steps = getattr(layer, "steps", None)
    return steps[-1][1] if isinstance(steps, list) else None


def _gather(results: Sequence[_FoldResult]) -> OutOfFold:
    """Return the predictions of all folds, in the order of the rows."""
    sizes = [len(result.record.test) for result in results]
    order = np.argsort(np.concatenate([result.record.test for result in results]))
    return OutOfFold(
        np.concatenate([result.proba for result in results])[order],
        np.concatenate([result.predicted for result in results])[order],
        np.repeat(np.arange(len(results)), sizes)[order],
        [result.record for result in results],
    )


def _repeat_warnings(results: Sequence[_FoldResult]) -> None:
    """Give each warning of the folds once in this process, at its original place."""
    seen = set()
    for warned in (warned for result in results for warned in result.warned):
        warning = warned.warning
        key = (type(warning), getattr(warning, "code", ""), str(warning))
        if key not in seen:
            seen.add(key)
            warnings.warn_explicit(warning, type(warning), warned.filename, warned.line)
