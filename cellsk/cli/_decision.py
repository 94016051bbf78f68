"""The decision of a model on images, which need not be the most probable class."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Decider"]


class Threshold(NamedTuple):
    """From which probability on a model says which class."""

    value: float
    label: Any

    def describe(self) -> str:
        """Return it in a sentence."""
        if self.value > 1:
            return f"Threshold of the model: no probability is enough for {self.label!s}."
        return f"Threshold of the model: {self.label!s} from a probability of {self.value:.4g} on."


class Decider:
    """Predicts with a model: probabilities, and the labels of its own ``predict``.

    Where ``predict`` follows from the probabilities, they are computed once.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.classes = model.classes_
        self._last = _last_step(model)
        self.threshold = _find_threshold(self._last)

    def predict(self, paths: Sequence[str]) -> tuple[NDArray, NDArray]:
        """Return probabilities and labels of images."""
        from sklearn.pipeline import Pipeline

        if self._decides_by_probability():
            proba = self._model.predict_proba(paths)
            return proba, self._decide(proba)
        model, X = self._model, paths
        if isinstance(model, Pipeline) and len(model) > 1:  # read and prepare images once
            X, model = model[:-1].transform(paths), model[-1]
        return model.predict_proba(X), model.predict(X)

    def _decides_by_probability(self) -> bool:
        from sklearn.calibration import CalibratedClassifierCV

        from cellsk.neural_network import CellClassifier

        return self.threshold is not None or isinstance(
            self._last, CellClassifier | CalibratedClassifierCV
        )

    def _decide(self, proba: NDArray) -> NDArray:
        if self.threshold is None:
            return self.classes[proba.argmax(axis=1)]
        judge = copy.copy(self._last)
        judge.estimator_ = _make_known(self.classes)
        return judge.predict(proba)


def _last_step(model: Any) -> Any:
    from sklearn.pipeline import Pipeline

    return _last_step(model[-1]) if isinstance(model, Pipeline) else model


def _find_threshold(model: Any) -> Threshold | None:
    """Return the threshold on a probability by which a model decides, if it does."""
    from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

    kinds = FixedThresholdClassifier | TunedThresholdClassifierCV
    if not isinstance(model, kinds) or model.response_method == "decision_function":
        return None
    value = getattr(model, "best_threshold_", None)
    if value is None:
        value = 0.5 if model.threshold == "auto" else model.threshold
    label = getattr(model, "pos_label", None)
    if label is None and hasattr(model, "_curve_scorer"):
        label = model._curve_scorer._get_pos_label()
    return Threshold(float(value), model.classes_[1] if label is None else label)


def _make_known(classes: NDArray) -> Any:
    """Return a classifier whose images are probabilities already."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Known(ClassifierMixin, BaseEstimator):
        def __init__(self) -> None:
            self.classes_ = classes

        def fit(self, X: NDArray, y: NDArray) -> Known:
            return self

        def predict_proba(self, X: NDArray) -> NDArray:
            return X

    return Known()
