"""Curves, predictions and errors of an evaluation: the evidence behind its numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cellsk.audit import find_label_errors
from cellsk.metrics import coverage_curve, pr_points, reliability_curve, roc_points
from cellsk.model_selection import Folds, OutOfFold
from cellsk.report._settings import EvaluationLabels
from cellsk.report.document._curve_types import (
    Curves,
    Histogram,
    PrecisionRecallCurve,
    RocCurve,
)
from cellsk.report.document._numbers import Predictions
from cellsk.report.document._types import Evidence, PredictionLists, TrainingSet

__all__ = ["TestSet", "build_evidence"]

N_SCORE_BINS = 20
MAX_ERRORS = 24


class TestSet(NamedTuple):
    """The images that a fixed model is tested on, and what is known of its training.

    Attributes
    ----------
    files : list of str
        Name of each image.
    threshold : float or None
        Threshold of the model, if it has one.
    training : dict or None
        Its training images, and which of them are in the test set too.
    """

    files: list[str]
    threshold: float | None
    training: TrainingSet | None


def build_evidence(
    labels: EvaluationLabels,
    design: Folds | TestSet,
    out_of_fold: OutOfFold,
    predictions: Predictions,
) -> Evidence:
    """Return curves, the predictions of all images, errors, and the fold manifest."""
    files, manifest = design.files, []
    if not isinstance(design, TestSet):
        files = [files[row] for row in design.tested.tolist()]
        manifest = design.manifest() if design.is_repeatable else []
    return {
        "curves": _build_curves(predictions, labels.names),
        "predictions": _list_predictions(labels, out_of_fold, files),
        "confident_errors": _rank_confident_errors(predictions),
        "label_errors": find_label_errors(predictions.y, predictions.proba)[:MAX_ERRORS].tolist(),
        "manifest": [{**row} for row in manifest],
    }


def _build_curves(predictions: Predictions, names: list[str]) -> Curves:
    """Return ROC, precision-recall, reliability, score histogram and coverage as lists."""
    codes = range(len(names)) if predictions.positive is None else [predictions.positive]
    sides = [(names[code], predictions.against_rest(code)) for code in codes]
    drawable = [(name, side) for name, side in sides if 0 < side.y.sum() < len(side.y)]
    return {
        "roc": [_read_roc(name, side) for name, side in drawable],
        "precision_recall": [_read_precision_recall(name, side) for name, side in drawable],
        "reliability": plain_lists(
            reliability_curve(predictions.y, predictions.proba, positive=predictions.positive)
        ),
        "histogram": _count_scores(predictions, names),
        "coverage": plain_lists(
            coverage_curve(predictions.y, predictions.proba, predictions.predicted)
        ),
    }


def _read_roc(name: str, side: Predictions) -> RocCurve:
    points = plain_lists(roc_points(side.y, side.proba[:, 1]))
    return {"name": name, "fpr": points["fpr"], "tpr": points["tpr"], "area": points["area"]}


def _read_precision_recall(name: str, side: Predictions) -> PrecisionRecallCurve:
    points = plain_lists(pr_points(side.y, side.proba[:, 1]))
    return {
        "name": name,
        "recall": points["recall"],
        "precision": points["precision"],
        "area": points["area"],
        "prevalence": float(side.y.mean()),
    }


def _list_predictions(
    labels: EvaluationLabels, out_of_fold: OutOfFold, files: list[str]
) -> PredictionLists:
    """Return every image with its fold, label, predicted class and probabilities."""
    return {
        "file": files,
        "group": None if labels.groups is None else [str(group) for group in labels.groups],
        "fold": (out_of_fold.fold + 1).tolist() if out_of_fold.records else [],
        "label": labels.codes.tolist(),
        "predicted": out_of_fold.predicted.tolist(),
        "proba": out_of_fold.proba.round(6).tolist(),
    }


def _rank_confident_errors(predictions: Predictions) -> list[int]:
    """Return the rows of wrong predictions with the highest probability, worst first."""
    wrong = np.flatnonzero(predictions.predicted != predictions.y)
    stated = predictions.proba[wrong, predictions.predicted[wrong]]
    return wrong[np.argsort(-stated, kind="stable")][:MAX_ERRORS].tolist()


def plain_lists(value: Any) -> Any:
    """Return nested arrays as lists, NumPy numbers as Python numbers, and NaN as None."""
    if isinstance(value, dict):
        return {key: plain_lists(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain_lists(inner) for inner in value]
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value


def _count_scores(predictions: Predictions, names: list[str]) -> Histogram:
    scores = (
        predictions.proba.max(axis=1)
        if predictions.positive is None
        else predictions.proba[:, predictions.positive]
    )
    edges = np.linspace(0, 1, N_SCORE_BINS + 1)
    return {
        "edges": edges.round(6).tolist(),
        "classes": [
            {"name": name, "counts": np.histogram(scores[predictions.y == code], edges)[0].tolist()}
            for code, name in enumerate(names)
        ],
    }
