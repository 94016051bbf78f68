"""The numbers of an evaluation, each with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk.metrics import (
    aggregate_patients,
    binomial_interval,
    bootstrap_scores,
    compute_scores,
    delong_interval,
    find_uncertainty,
    percentile_interval,
    predictive_values,
)

__all__ = [
    "Judged",
    "Resampling",
    "add_prevalence",
    "number",
    "numbers_of",
    "patient_numbers",
    "per_class",
    "plain",
    "refer",
    "second_opinions",
    "subgroup_numbers",
]

# With 6 patients an interval of 95 % covers the truth in 77 % of studies; with fewer, in less.
FEWEST_IN_SUBGROUP = 6
Number = dict[str, float | None]
ONE_AGAINST_REST = (
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "roc_auc",
    "average_precision",
)


class Judged(NamedTuple):
    """Images with their true classes and what the models of the folds said of them."""

    y: NDArray[np.intp]
    proba: NDArray[np.float64]
    predicted: NDArray[np.intp]
    clusters: NDArray[np.intp] | None
    positive: int | None

    def take(self, rows: NDArray) -> Judged:
        """Return some of the images."""
        clusters = None if self.clusters is None else self.clusters[rows]
        return Judged(self.y[rows], self.proba[rows], self.predicted[rows], clusters, self.positive)

    def against_rest(self, code: int) -> Judged:
        """Return one class against all others, as two classes of which it is the second."""
        score = self.proba[:, code]
        return Judged(
            (self.y == code).astype(np.intp),
            np.column_stack([1 - score, score]),
            (self.predicted == code).astype(np.intp),
            self.clusters,
            1,
        )

    @property
    def n_units(self) -> int:
        """Patients if they are known, else images."""
        return len(self.y) if self.clusters is None else len(np.unique(self.clusters))


class Resampling(NamedTuple):
    """How the bootstrap draws."""

    n_resamples: int
    level: float
    seed: int

    def samples(self, judged: Judged) -> Mapping[str, NDArray]:
        """Return the scores of each resample."""
        return bootstrap_scores(
            judged.y,
            judged.proba,
            judged.predicted,
            positive=judged.positive,
            clusters=judged.clusters,
            n_resamples=self.n_resamples,
            random_state=self.seed,
        )

    def interval(self, samples: NDArray) -> tuple[float, float]:
        """Return the percentile interval of one score, NaN where it would have no width.

        If all images are right, they are so in each resample: that is no certainty.
        """
        low, high = percentile_interval(samples, self.level)
        return (low, high) if low < high else (np.nan, np.nan)


def number(value: float, interval: tuple[float, float] = (np.nan, np.nan)) -> Number:
    """Return a value and its interval in a form that JSON knows: None for NaN."""
    return {"value": plain(value), "low": plain(interval[0]), "high": plain(interval[1])}


def plain(value: float) -> float | None:
    """Return a float, or None for what is not a finite number."""
    return float(value) if np.isfinite(value) else None


def numbers_of(
    judged: Judged,
    resampling: Resampling,
    names: Iterable[str] | None = None,
    *,
    fewest: int = 2,
) -> dict[str, Number]:
    """Return each score with its interval; with fewer patients or images there is none."""
    scores = compute_scores(judged.y, judged.proba, judged.predicted, positive=judged.positive)
    if judged.n_units < fewest:
        return {name: number(scores[name]) for name in names or scores}
    samples = resampling.samples(judged)
    return {
        name: number(scores[name], resampling.interval(samples[name])) for name in names or scores
    }


def per_class(judged: Judged, names: list[str], resampling: Resampling) -> list[dict[str, Any]]:
    """Return the scores of each class against all others; empty for two classes."""
    if judged.positive is not None:
        return []
    return [
        {
            "name": name,
            "n_images": int((judged.y == code).sum()),
            "numbers": numbers_of(judged.against_rest(code), resampling, ONE_AGAINST_REST),
        }
        for code, name in enumerate(names)
    ]


def second_opinions(judged: Judged, level: float) -> dict[str, Any]:
    """Return intervals by formulas, which take images as independent; two classes only."""
    if judged.positive is None:
        return {}
    truth, said = judged.y == judged.positive, judged.predicted == judged.positive
    auc, *interval = delong_interval(truth, judged.proba[:, judged.positive], level)
    exact = "exact binomial (Clopper-Pearson), images taken as independent"
    found = {
        "roc_auc": number(auc, (interval[0], interval[1]))
        | {"method": "DeLong, images taken as independent"}
    }
    for name, among, right in (
        ("sensitivity", truth, said),
        ("specificity", ~truth, ~said),
    ):
        hits, n = int((among & right).sum()), int(among.sum())
        if n:
            found[name] = number(hits / n, binomial_interval(hits, n, level)) | {"method": exact}
    return found


def add_prevalence(
    judged: Judged, prevalence: float | None, resampling: Resampling
) -> dict[str, Any] | None:
    """Return PPV and NPV as they would be at another prevalence."""
    if prevalence is None or judged.positive is None:
        return None
    scores = compute_scores(judged.y, judged.proba, judged.predicted, positive=judged.positive)
    values = predictive_values(scores["sensitivity"], scores["specificity"], prevalence)
    samples = resampling.samples(judged) if judged.n_units > 1 else None
    drawn = (
        ([np.nan], [np.nan])
        if samples is None
        else predictive_values(samples["sensitivity"], samples["specificity"], prevalence)
    )
    found: dict[str, Any] = {"prevalence": prevalence}
    for name, value, sample in zip(("ppv", "npv"), values, drawn, strict=True):
        found[name] = number(float(value), resampling.interval(np.asarray(sample)))
    return found


def refer(
    judged: Judged, max_uncertainty: float | None, resampling: Resampling
) -> dict[str, Any] | None:
    """Return what is left to the classifier when uncertain images go to a pathologist."""
    if max_uncertainty is None:
        return None
    kept = np.flatnonzero(find_uncertainty(judged.proba) <= max_uncertainty)
    part = judged.take(kept)
    return {
        "max_uncertainty": max_uncertainty,
        "n_kept": len(kept),
        "n_referred": len(judged.y) - len(kept),
        "coverage": len(kept) / len(judged.y),
        "error": plain(np.mean(part.predicted != part.y)) if len(kept) else None,
        "numbers": numbers_of(part, resampling) if len(kept) else {},
    }


def patient_numbers(judged: Judged, method: str, resampling: Resampling) -> dict[str, Any] | None:
    """Return the scores of patients, their images' probabilities taken together."""
    if judged.clusters is None:
        return None
    y, proba, _, mixed = aggregate_patients(
        judged.y,
        judged.proba,
        judged.clusters,
        method=method,
        positive=judged.positive,
        predicted=judged.predicted,
    )
    patients = Judged(y, proba, _decide(proba, judged.positive), None, judged.positive)
    # Where every patient has images of several classes, the class is not the patient's own.
    told_apart = len(np.unique(y)) > 1
    return {
        "aggregation": method,
        "n_patients": len(y),
        "n_mixed": int(mixed),
        "counts": np.bincount(y, minlength=proba.shape[1]).tolist(),
        "numbers": numbers_of(patients, resampling) if told_apart else {},
    }


def _decide(proba: NDArray, positive: int | None) -> NDArray[np.intp]:
    """The likelier class; a tie, which votes often end in, is called positive."""
    if positive is None:
        return proba.argmax(axis=1)
    return np.where(proba[:, positive] >= 0.5, positive, 1 - positive)


def subgroup_numbers(
    judged: Judged, columns: Mapping[str, NDArray], resampling: Resampling
) -> list[dict[str, Any]]:
    """Return the scores within each value of each column."""
    found = []
    for column, values in columns.items():
        for value in np.unique(values).tolist():
            part = judged.take(np.flatnonzero(values == value))
            found.append(
                {
                    "column": column,
                    "value": value,
                    "n_images": len(part.y),
                    "n_groups": None if part.clusters is None else part.n_units,
                    "numbers": numbers_of(part, resampling, fewest=FEWEST_IN_SUBGROUP),
                }
            )
    return found
