"""The facts of an evaluation: every number once, as plain values."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from os.path import basename
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from cellsk.model_selection import FoldRecord, Folds, OutOfFold
from cellsk.report._settings import EvaluationLabels, Settings
from cellsk.report.document._baselines import BaselineRun, compare_baselines
from cellsk.report.document._estimator import describe_estimator, hide_folders
from cellsk.report.document._evidence import TestSet, build_evidence
from cellsk.report.document._numbers import (
    Predictions,
    Resampling,
    as_finite,
    compute_numbers,
    compute_opinions,
    make_predictions,
    make_resampling,
    refer_uncertain,
    score_at_prevalence,
    score_classes,
    score_patients,
    score_subgroups,
)
from cellsk.report.document._types import (
    Audit,
    CrossValidation,
    Data,
    EvaluationFacts,
    Fold,
    FoldMean,
    Interval,
    NeverTested,
    Numbers,
    OperatingPoint,
    Remark,
)

if TYPE_CHECKING:
    from cellsk.audit import AuditReport

__all__ = ["SCHEMA", "build_facts"]

SCHEMA = "cellsk-evaluation-4"
PACKAGES = ("cellsk", "scikit-learn", "numpy", "keras", "tensorflow", "scikeras", "pillow")
AT_THRESHOLD = ("sensitivity", "specificity", "ppv", "npv")


def build_facts(
    labels: EvaluationLabels,
    settings: Settings,
    design: Folds | TestSet,
    out_of_fold: OutOfFold,
    audit: AuditReport | None,
    warnings: Sequence[Remark],
    left_out: Sequence[tuple[str, str]] = (),
    baselines: Sequence[BaselineRun] | None = None,
) -> EvaluationFacts:
    """Return everything that was measured, as plain values that JSON knows.

    The fields are described in ``evaluation.schema.json``. The design is that of a
    cross-validation, or the test set of a fixed model.
    """
    predictions, resampling = make_predictions(labels, out_of_fold), make_resampling(settings)
    fold_list = _describe_folds(predictions, out_of_fold, design)
    numbers = compute_numbers(predictions, resampling)
    return {
        "schema": SCHEMA,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": _describe_data(labels),
        "cv": _describe_cv(design) if isinstance(design, Folds) else None,
        "training": design.training if isinstance(design, TestSet) else None,
        "interval": _describe_interval(predictions, settings),
        "numbers": numbers,
        "second_opinions": compute_opinions(predictions, settings.confidence_level),
        "at_prevalence": score_at_prevalence(predictions, settings.prevalence, resampling),
        "folds": fold_list,
        "mean_of_folds": _average(fold_list),
        "confusion_matrix": confusion_matrix(
            predictions.y, predictions.predicted, labels=range(len(labels.names))
        ).tolist(),
        "per_class": score_classes(predictions, labels.names, resampling),
        "subgroups": score_subgroups(predictions, labels.subgroups, resampling),
        "patients": score_patients(predictions, settings, resampling),
        "operating_point": _describe_operating_point(
            predictions, settings, _list_thresholds(fold_list, design), resampling, numbers
        ),
        "referral": refer_uncertain(predictions, settings.max_uncertainty, resampling),
        "calibration": None if settings.calibrate is None else {"method": settings.calibrate},
        **build_evidence(labels, design, out_of_fold, predictions),
        "audit": _read_audit(audit),
        "left_out": [_hide_left_out(str(name), str(reason)) for name, reason in left_out],
        "warnings": list(warnings),
        "estimator": describe_estimator(settings.estimator),
        "versions": _list_versions(),
        "seed": settings.random_state,
        "seconds": None,
        "leakage": None,
        "baselines": compare_baselines(predictions, baselines, resampling),
    }


def _describe_data(labels: EvaluationLabels) -> Data:
    clusters, codes = labels.clusters, labels.codes
    return {
        "n_images": len(codes),
        "n_groups": None if clusters is None else len(np.unique(clusters)),
        "images_are": "paths" if labels.images_are_paths else "arrays",
        "classes": [
            {
                "name": name,
                "n_images": int((codes == code).sum()),
                "n_groups": None if clusters is None else len(np.unique(clusters[codes == code])),
                "positive": code == labels.positive,
            }
            for code, name in enumerate(labels.names)
        ],
        "positive": None if labels.positive is None else labels.names[labels.positive],
        "prevalence": None if labels.positive is None else float((codes == labels.positive).mean()),
    }


def _describe_cv(folds: Folds) -> CrossValidation:
    return {
        "never_tested": _describe_never_tested(folds),
        "description": folds.description,
        "n_folds": len(folds.splits),
        "source": folds.source,
        "groups_kept_together": folds.groups_kept_together,
        "sites_kept_together": folds.sites_kept_together,
        "random_state": folds.random_state,
    }


def _describe_never_tested(folds: Folds) -> NeverTested | None:
    rows = np.flatnonzero(folds.codes < 0)
    if not len(rows):
        return None
    groups = folds.rows.groups
    train = np.concatenate([side for side, _ in folds.splits])
    return {
        "n_images": len(rows),
        "n_groups": None
        if groups is None
        else len(np.setdiff1d(groups[rows], groups[folds.tested])),
        "n_unused": len(np.setdiff1d(rows, train)),
        "files": [folds.files[row] for row in rows.tolist()],
    }


def _describe_interval(predictions: Predictions, settings: Settings) -> Interval:
    known = predictions.clusters is not None
    return {
        "level": settings.confidence_level,
        "method": f"bootstrap over {'patients' if known else 'images'}",
        "n_resamples": settings.n_resamples,
        "unit": "patient" if known else "image",
        "n_units": predictions.n_units,
    }


def _describe_folds(
    predictions: Predictions, out_of_fold: OutOfFold, design: Folds | TestSet
) -> list[Fold]:
    if isinstance(design, TestSet):
        return []
    groups = design.rows.groups
    return [
        _describe_fold(number, record, predictions.take(out_of_fold.fold == number - 1), groups)
        for number, record in enumerate(out_of_fold.records, start=1)
    ]


def _describe_fold(
    number: int, record: FoldRecord, test: Predictions, groups: NDArray | None
) -> Fold:
    def count_groups(rows: NDArray) -> int | None:
        return None if groups is None else len(np.unique(groups[rows]))

    return {
        "fold": number,
        "n_train": len(record.train),
        "n_test": len(record.test),
        "n_train_groups": count_groups(record.train),
        "n_test_groups": count_groups(record.test),
        "test_counts": np.bincount(test.y, minlength=test.proba.shape[1]).tolist(),
        "scores": {name: as_finite(value) for name, value in test.scores().items()},
        "fit_seconds": record.fit_seconds,
        "predict_seconds": record.predict_seconds,
        "threshold": record.threshold,
        "best_params": record.best_params
        and {name: str(value) for name, value in record.best_params.items()},
        "history": None
        if record.history is None
        else {name: [as_finite(v) for v in values] for name, values in record.history.items()},
        "best_epoch": record.best_epoch,
    }


def _average(folds: Sequence[Fold]) -> dict[str, FoldMean]:
    averages: dict[str, FoldMean] = {}
    for name in folds[0]["scores"] if folds else ():
        scores = (fold["scores"][name] for fold in folds)
        known = [score for score in scores if score is not None]
        spread = float(np.std(known, ddof=1)) if len(known) > 1 else None
        averages[name] = {"mean": float(np.mean(known)) if known else None, "sd": spread}
    return averages


def _list_thresholds(folds: Sequence[Fold], design: Folds | TestSet) -> list[float | None]:
    """Return the threshold of each fold, or that of a fixed model."""
    if isinstance(design, TestSet):
        return [design.threshold]
    return [fold["threshold"] for fold in folds]


def _describe_operating_point(
    predictions: Predictions,
    settings: Settings,
    thresholds: list[float | None],
    resampling: Resampling,
    numbers: Numbers,
) -> OperatingPoint | None:
    if settings.wanted is None:
        return None
    untuned = predictions._replace(predicted=predictions.proba.argmax(axis=1))
    return {
        "wanted": settings.wanted[0],
        "target": settings.wanted[1],
        "thresholds": thresholds,
        "achieved": {name: numbers[name] for name in AT_THRESHOLD},
        "untuned": compute_numbers(untuned, resampling, AT_THRESHOLD),
    }


def _read_audit(audit: AuditReport | None) -> Audit | None:
    if audit is None:
        return None
    found = audit.to_dict()
    return {
        "n_images": found["n_images"],
        "n_test_images": found["n_test_images"],
        "seconds": found["seconds"],
        "findings": found["findings"],
    }


def _hide_left_out(name: str, reason: str) -> list[str]:
    """Return name and reason of a file that was left out, without the folders of the machine."""
    short = basename(name)
    return [short, hide_folders(reason.replace(name, short))]


def _list_versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        found[package] = version(package)
    return found
