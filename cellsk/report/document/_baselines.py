"""Scores of simple classifiers, and their differences from those of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from numpy.typing import NDArray

from cellsk.report.document._numbers import Predictions, Resampling, number
from cellsk.report.document._types import BaselineName, Baselines, Numbers

__all__ = ["BaselineRun", "compare_baselines"]


class BaselineRun(NamedTuple):
    """Predictions of a simple classifier on the same folds, or why there are none."""

    name: BaselineName
    proba: NDArray | None
    predicted: NDArray | None
    reason: str = ""


def compare_baselines(
    model: Predictions, runs: Sequence[BaselineRun] | None, resampling: Resampling
) -> Baselines | None:
    """Return the scores of each baseline, and the model's minus them.

    The intervals of the differences come from a bootstrap that draws the same patients for both.
    """
    if runs is None:
        return None
    scores = model.scores()
    samples = resampling.samples(model) if model.n_units > 1 else None
    found: Baselines = {"compared": [], "left_out": []}
    for run in runs:
        if run.proba is None or run.predicted is None:
            found["left_out"].append({"name": run.name, "reason": run.reason})
            continue
        predictions = model._replace(proba=run.proba, predicted=run.predicted)
        numbers, difference = _compare(predictions, scores, samples, resampling)
        found["compared"].append({"name": run.name, "numbers": numbers, "difference": difference})
    return found


def _compare(
    predictions: Predictions,
    of_model: Mapping[str, float],
    samples: Mapping[str, NDArray] | None,
    resampling: Resampling,
) -> tuple[Numbers, Numbers]:
    """Return the scores of a baseline, and the differences."""
    scores = predictions.scores()
    gaps = {name: of_model[name] - scores[name] for name in scores}
    if samples is None:
        return (
            {name: number(value) for name, value in scores.items()},
            {name: number(gap) for name, gap in gaps.items()},
        )
    own = resampling.samples(predictions)
    return (
        {name: number(scores[name], resampling.interval(own[name])) for name in scores},
        {
            name: number(gaps[name], resampling.interval(samples[name] - own[name]))
            for name in scores
        },
    )
