"""Checked inputs of an evaluation: images, labels and settings."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk.model_selection import calibrate, tune_threshold

__all__ = ["EvaluationData", "EvaluationLabels", "Settings", "make_estimator"]


class EvaluationLabels(NamedTuple):
    """Labels, class names, patients and sites of the images, checked."""

    y: NDArray
    classes: NDArray
    codes: NDArray
    names: list[str]
    positive: int | None
    groups: NDArray | None
    clusters: NDArray | None
    sites: NDArray | None
    subgroups: dict[str, NDArray]
    images_are_paths: bool

    @property
    def class_names(self) -> NDArray:
        """Class name of each image."""
        return np.array(self.names)[self.codes]

    @property
    def pos_label(self) -> Any:
        """Label of the positive class. None for more than two classes."""
        return None if self.positive is None else self.classes[self.positive]

    def take(self, rows: NDArray) -> EvaluationLabels:
        """Return the labels of some images. The classes stay the same."""
        groups = None if self.groups is None else self.groups[rows]
        return self._replace(
            y=self.y[rows],
            codes=self.codes[rows],
            groups=groups,
            clusters=None if groups is None else np.unique(groups, return_inverse=True)[1],
            sites=None if self.sites is None else self.sites[rows],
            subgroups={name: column[rows] for name, column in self.subgroups.items()},
        )


class EvaluationData(NamedTuple):
    """Images, or their paths, with their labels."""

    X: NDArray
    labels: EvaluationLabels

    def take(self, rows: NDArray) -> EvaluationData:
        """Return some images with their labels."""
        if len(rows) == len(self.labels.y):
            return self
        return EvaluationData(self.X[rows], self.labels.take(rows))


class Settings(NamedTuple):
    """The parameters of ``evaluate`` that are not data."""

    estimator: Any
    sensitivity: float | None
    specificity: float | None
    calibrate: str | None
    prevalence: float | None
    max_uncertainty: float | None
    aggregation: str
    n_resamples: int
    confidence_level: float
    random_state: int
    n_jobs: int | None

    @property
    def wanted(self) -> tuple[str, float] | None:
        """Name and target of the operating point. None if there is none."""
        if self.sensitivity is not None:
            return "sensitivity", self.sensitivity
        return None if self.specificity is None else ("specificity", self.specificity)


def make_estimator(settings: Settings, pos_label: Any, y: NDArray, groups: NDArray | None) -> Any:
    """Return the unfitted estimator of one fold, with calibration and threshold around it.

    Both depend on the labels and groups of the training images alone.
    """
    estimator, seed = settings.estimator, settings.random_state
    if settings.calibrate is not None:
        estimator = calibrate(estimator, y, groups, method=settings.calibrate, random_state=seed)
    if settings.wanted is not None:
        estimator = tune_threshold(
            estimator,
            y,
            groups,
            sensitivity=settings.sensitivity,
            specificity=settings.specificity,
            pos_label=pos_label,
            random_state=seed,
        )
    return estimator
