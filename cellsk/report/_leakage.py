"""Comparison with folds that ignore patients."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np

from cellsk.exceptions import InputError
from cellsk.model_selection import OutOfFold, choose_cv, predict_out_of_fold, requires_groups
from cellsk.report._reading import share_pixels
from cellsk.report._settings import EvaluationData, Settings, make_estimator
from cellsk.report.document import (
    Leakage,
    compare_predictions,
    make_predictions,
    make_resampling,
)
from cellsk.report.words import describe_leakage

__all__ = ["measure_leakage"]


def measure_leakage(
    data: EvaluationData, settings: Settings, grouped: OutOfFold, n_splits: int
) -> Leakage:
    """Evaluate again with folds that ignore patients, and compare on the same images.

    The second evaluation ignores patients everywhere: in the folds, in early stopping, and in a
    search.

    Raises
    ------
    ValueError
        When patients are unknown.
    """
    if data.labels.groups is None:
        raise InputError(
            "leakage_gap compares folds by patient with folds by image",
            "no groups",
            "Pass groups=... to evaluate.",
            code="leakage-without-patients",
        )
    random = _predict_without_patients(data, settings, n_splits)
    found = compare_predictions(
        make_predictions(data.labels, grouped),
        make_predictions(data.labels, random),
        make_resampling(settings),
    )
    n_patients = len(np.unique(data.labels.groups))
    return {**found, "sentence": describe_leakage(found, n_patients)}


def _predict_without_patients(data: EvaluationData, settings: Settings, n_splits: int) -> OutOfFold:
    labels = data.labels
    n_splits = min(n_splits, int(np.bincount(labels.codes).min()))
    splitter = choose_cv(labels.y, None, n_splits, random_state=settings.random_state)
    # An inner splitter that requires groups gets one for each image, which ignores patients.
    each_alone = np.arange(len(labels.y)) if requires_groups(settings.estimator) else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the first evaluation raised them
        with share_pixels(data, settings) as shared:
            return predict_out_of_fold(
                partial(make_estimator, shared.settings, labels.pos_label),
                data.X,
                labels.y,
                list(splitter.split(labels.y, labels.y)),
                groups=each_alone,
                n_jobs=settings.n_jobs,
            )
