"""The curves of an evaluation, thinned for display."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsk.metrics import coverage_curve, pr_points, reliability_curve, roc_points
from cellsk.report.document._numbers import Judged

__all__ = ["build_curves", "rank_confident_errors"]

N_SCORE_BINS = 20
MAX_ERRORS = 24


def build_curves(judged: Judged, names: list[str]) -> dict[str, Any]:
    """Return ROC, precision-recall, reliability, score histogram and coverage as lists."""
    sides = (
        [(names[judged.positive], judged.against_rest(judged.positive))]
        if judged.positive is not None
        else [(name, judged.against_rest(code)) for code, name in enumerate(names)]
    )
    drawable = [(name, side) for name, side in sides if 0 < side.y.sum() < len(side.y)]
    return {
        "roc": [
            {"name": name} | plain_lists(roc_points(side.y, side.proba[:, 1]))
            for name, side in drawable
        ],
        "precision_recall": [
            {"name": name, "prevalence": float(side.y.mean())}
            | plain_lists(pr_points(side.y, side.proba[:, 1]))
            for name, side in drawable
        ],
        "reliability": plain_lists(
            reliability_curve(judged.y, judged.proba, positive=judged.positive)
        ),
        "histogram": _count_scores(judged, names),
        "coverage": plain_lists(coverage_curve(judged.y, judged.proba, judged.predicted)),
    }


def rank_confident_errors(judged: Judged) -> list[int]:
    """Return the rows that were wrong with the highest probability, worst first."""
    wrong = np.flatnonzero(judged.predicted != judged.y)
    stated = judged.proba[wrong, judged.predicted[wrong]]
    return wrong[np.argsort(-stated, kind="stable")][:MAX_ERRORS].tolist()


def plain_lists(value: Any) -> Any:
    """Return arrays within as lists, NumPy numbers as Python's, and NaN as None."""
    if isinstance(value, dict):
        return {key: plain_lists(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain_lists(inner) for inner in value]
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value


def _count_scores(judged: Judged, names: list[str]) -> dict[str, Any]:
    scores: NDArray = (
        judged.proba.max(axis=1) if judged.positive is None else judged.proba[:, judged.positive]
    )
    edges = np.linspace(0, 1, N_SCORE_BINS + 1)
    return {
        "edges": edges.round(6).tolist(),
        "classes": [
            {"name": name, "counts": np.histogram(scores[judged.y == code], edges)[0].tolist()}
            for code, name in enumerate(names)
        ],
    }
