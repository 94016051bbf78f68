"""Probabilities and labels of a fitted model, in one pass over the images if possible."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline

from cellsk.neural_network import CellClassifier

__all__ = ["LabelPredictor", "Threshold"]


class Threshold(NamedTuple):
    """Probability from which a model predicts a label."""

    value: float
    label: Any

    def describe(self) -> str:
        """Return the threshold in a sentence."""
        if self.value > 1:
            return f"Threshold of the model: it never predicts {self.label!s}."
        return (
            f"Threshold of the model: it predicts {self.label!s} from a probability of"
            f" {self.value:.4g} on."
        )


class LabelPredictor:
    """Predicts probabilities, and the labels of the model's own ``predict``.

    A label is not always the most probable class: a tuned threshold may decide. If the labels
    follow from the probabilities, the images go through the model once.

    Parameters
    ----------
    model : classifier or pipeline
        Fitted, with ``predict_proba``.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels, in the order of the probabilities.
    threshold : Threshold or None
        Threshold on a probability, if the model has one.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.classes = model.classes_
        self._last = _find_last_step(model)
        self.threshold = _find_threshold(self._last)

    def predict(self, X: Any) -> tuple[NDArray, NDArray]:
        """Return the probabilities and the labels of images or paths."""
        if self.threshold is not None:
            proba = self._model.predict_proba(X)
            return proba, _apply_threshold(self._last, proba)
        if isinstance(self._last, CellClassifier | CalibratedClassifierCV):
            proba = self._model.predict_proba(X)
            return proba, self.classes[proba.argmax(axis=1)]
        model = self._model
        if isinstance(model, Pipeline) and len(model) > 1:  # read and prepare images once
            X, model = model[:-1].transform(X), model[-1]
        return model.predict_proba(X), model.predict(X)


def _find_last_step(model: Any) -> Any:
    return _find_last_step(model[-1]) if isinstance(model, Pipeline) else model


def _find_threshold(model: Any) -> Threshold | None:
    """Return the threshold on a probability that decides between two classes, or None."""
    kinds = FixedThresholdClassifier | TunedThresholdClassifierCV
    if not isinstance(model, kinds) or model.response_method == "decision_function":
        return None
    value = getattr(model, "best_threshold_", None)
    if value is None:
        value = 0.5 if model.threshold == "auto" else model.threshold
    # The label that is predicted if the scores of both classes exceed every threshold.
    label = _apply_threshold(model, np.full((1, 2), np.inf))[0]
    return Threshold(float(value), label)


def _apply_threshold(model: Any, proba: NDArray) -> NDArray:
    """Return the labels that a classifier with a threshold predicts from probabilities."""
    same = copy.copy(model)
    same.estimator_ = _Identity(model.classes_)
    return same.predict(proba)


class _Identity(ClassifierMixin, BaseEstimator):
    """A fitted classifier that takes probabilities and returns them."""

    def __init__(self, classes: NDArray) -> None:
        self.classes = classes
        self.classes_ = classes

    def fit(self, X: NDArray, y: NDArray) -> _Identity:
        """Do nothing."""
        return self

    def predict_proba(self, X: NDArray) -> NDArray:
        """Return the probabilities as they are."""
        return X
