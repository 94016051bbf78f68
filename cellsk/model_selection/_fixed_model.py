"""A fixed model: its own threshold and calibration, and its predictions of a test set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from cellsk.exceptions import InputTypeError
from cellsk.model_selection._decision import LabelPredictor
from cellsk.model_selection._operating_point import OperatingPointClassifierCV
from cellsk.model_selection._out_of_fold import OutOfFold, predict_with
from cellsk.model_selection._routing import iter_estimators
from cellsk.preprocessing import ImageReader, StainNormalizer

__all__ = [
    "FixedModel",
    "check_fitted",
    "describe_fixed",
    "list_readers",
    "predict_fixed",
    "resize_as_in_training",
]


class FixedModel(NamedTuple):
    """What was chosen in the training of a model, each None if it was not.

    Attributes
    ----------
    sensitivity, specificity : float or None
        Target for which the threshold was chosen.
    pos_label : object
        Label that the target is about.
    threshold : float or None
        Probability from which the model predicts a label.
    calibration : str or None
        Method by which the probabilities were calibrated.
    """

    sensitivity: float | None
    specificity: float | None
    pos_label: Any
    threshold: float | None
    calibration: str | None


def check_fitted(model: Any) -> None:
    """Raise unless a model is a fitted classifier with probabilities.

    Raises
    ------
    NotFittedError
        When it is not fitted.
    TypeError
        When it is not such a classifier.
    """
    name = type(model).__name__
    if isinstance(model, type) or not hasattr(model, "fit"):
        raise InputTypeError(
            "must be a fitted classifier, pipeline or search, or a model file",
            f"the class {model.__name__}" if isinstance(model, type) else name,
            "Pass a fitted estimator, or the path of a model file.",
            parameter="model",
            code="model-type",
        )
    check_is_fitted(model)
    if not hasattr(model, "predict_proba") or not hasattr(model, "classes_"):
        raise InputTypeError(
            "must have predict_proba and classes_",
            name,
            "Pass a classifier that predicts probabilities.",
            parameter="model",
            code="model-without-probabilities",
        )


def describe_fixed(model: Any) -> FixedModel:
    """Return the threshold and the calibration of a fitted model."""
    layers = list(iter_estimators(_unwrap(model)))
    tuned = next((one for one in layers if isinstance(one, OperatingPointClassifierCV)), None)
    calibrated = next((one for one in layers if isinstance(one, CalibratedClassifierCV)), None)
    threshold = LabelPredictor(_unwrap(model)).threshold
    return FixedModel(
        sensitivity=getattr(tuned, "sensitivity", None),
        specificity=getattr(tuned, "specificity", None),
        pos_label=getattr(tuned, "pos_label", None),
        threshold=None if threshold is None else threshold.value,
        calibration=getattr(calibrated, "method", None),
    )


def predict_fixed(model: Any, X: NDArray) -> OutOfFold:
    """Return the predictions of all images by one fitted model. It has no folds.

    Raises
    ------
    TypeError, ValueError
        When the probabilities are not finite, or a label is not one of `classes_`.
    """
    inner = _unwrap(model)
    proba, predicted = predict_with(inner, X)
    return OutOfFold(proba, predicted, np.zeros(len(X), dtype=np.intp), [])


def list_readers(model: Any) -> list[ImageReader]:
    """Return all readers inside a fitted model: in its parameters, and in what it has fitted."""
    return [part for part in _iter_parts(model) if isinstance(part, ImageReader)]


def resize_as_in_training(model: Any) -> tuple[int, int] | None:
    """Let the readers of a fitted model resize images to the size that it was trained on.

    Without an ``image_size``, a reader takes images as they are, and the network then refuses
    those of another size than in training.

    Parameters
    ----------
    model : fitted classifier or pipeline
        The ``image_size`` of its readers is changed.

    Returns
    -------
    size : (int, int) or None
        Height and width. None if the readers have a size already, or if it is not known which
        size they gave in training, because the step after them does not keep it. A
        `StainNormalizer` between them does not change it.
    """
    readers = list_readers(model)
    sizes = {_find_size(part) for part in _iter_parts(model) if isinstance(part, Pipeline)} - {None}
    if any(reader.image_size is not None for reader in readers) or len(sizes) != 1:
        return None
    size = sizes.pop()
    for reader in readers:
        reader.set_params(image_size=size)
    return size


def _find_size(pipeline: Pipeline) -> tuple[int, int] | None:
    """Return height and width of the images that the step after a reader got in its fit."""
    (_, reader), *others = pipeline.steps
    if not isinstance(reader, ImageReader):
        return None
    after = next((step for _, step in others if not isinstance(step, StainNormalizer)), None)
    shape = getattr(after, "image_shape_", None)
    return None if shape is None else (int(shape[0]), int(shape[1]))


def _iter_parts(model: Any) -> Iterator[Any]:
    """Yield each object of cellsk and scikit-learn inside a fitted model."""
    seen: set[int] = set()
    waiting = [_unwrap(model)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif type(value).__module__.startswith(("cellsk.", "sklearn.")) and id(value) not in seen:
            seen.add(id(value))
            yield value
            waiting += getattr(value, "__dict__", {}).values()


def _unwrap(model: Any) -> Any:
    """Return the model that a fitted search chose, or the model itself."""
    return getattr(model, "best_estimator_", model)
