"""Labels and weights of images, checked and encoded as class codes."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import assert_all_finite, check_array, check_consistent_length, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from cellsk._checks import count_noun, name_some, show_value
from cellsk._class_words import warn_class_names
from cellsk._columns import check_column, check_filled, warn_patient_names
from cellsk.exceptions import InputError
from cellsk.neural_network._batches import LabeledImages, Subset
from cellsk.neural_network._inputs import validate_images

__all__ = ["check_groups", "encode_images", "encode_validation"]


def encode_images(
    classifier: Any, X: Any, y: ArrayLike | None, sample_weight: ArrayLike | None, *, reset: bool
) -> LabeledImages:
    """Return images, class codes, and weights of mean one, all checked.

    With ``reset`` the classifier learns the shape of the images and its classes. Otherwise they
    must equal those of its fit.

    Raises
    ------
    InputError, TypeError, ValueError
        If the classifier cannot take the images, the labels or the weights.
    """
    images = validate_images(classifier, X, classifier.image_shape, reset=reset)
    labels = _check_labels(images, y)
    weights = _check_weights(images, labels, sample_weight, classifier.class_weight)
    if reset:
        classifier.classes_ = _find_classes(labels[weights > 0])
    return _encode(classifier.classes_, images, labels, weights)


def encode_validation(
    classifier: Any, X: Any, y: ArrayLike | None, sample_weight: ArrayLike | None
) -> Subset | None:
    """Return the caller's hold-out images that have a weight, or None if there are none.

    Raises
    ------
    InputError, TypeError, ValueError
        If images or labels are missing, or differ in kind from those of the fit.
    """
    if X is None and y is None and sample_weight is None:
        return None
    if X is None or y is None:
        missing = "X_val" if X is None else "y_val"
        raise InputError(
            "X_val and y_val must come together",
            f"no {missing}",
            "Pass both.",
            code="validation-pair-incomplete",
        )
    data = encode_images(classifier, X, y, sample_weight, reset=False)
    return Subset(data, np.flatnonzero(data.weights))


def check_groups(groups: ArrayLike | None, images: NDArray) -> NDArray | None:
    """Return one group per image, or None.

    Raises
    ------
    InputError, ValueError
        If there are more or fewer groups than images, or some are missing.
    """
    if groups is None:
        return None
    labels = check_column("groups", groups)
    check_consistent_length(images, labels)
    warn_patient_names(labels, stacklevel=5)
    return labels


def _check_labels(images: NDArray, y: ArrayLike | None) -> NDArray:
    if y is None:
        raise InputError(
            "CellClassifier requires y to be passed, but the target y is None",
            remedy="Pass one class label per image.",
            code="labels-missing",
        )
    check_filled("y", y)
    labels = column_or_1d(y, warn=True)
    if labels.dtype.kind == "T":  # scikit-learn does not take StringDType
        labels = labels.astype(str)
    check_consistent_length(images, labels)
    if labels.dtype.kind in "fc":
        assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    return labels


def _check_weights(
    images: NDArray, labels: NDArray, sample_weight: ArrayLike | None, class_weight: Any
) -> NDArray:
    """Return the weight of each image times the weight of its class."""
    weights = _convert_weights(sample_weight, len(images))
    counted = weights > 0
    # Classes are balanced among the images that have a weight.
    of_class = compute_sample_weight(class_weight, labels[counted])
    if not (np.isfinite(of_class).all() and (of_class > 0).all()):
        raise InputError(
            "must hold positive, finite weights",
            show_value(class_weight),
            "Leave out the images of a class that must not count.",
            parameter="class_weight",
        )
    weights[counted] *= of_class
    return weights


def _convert_weights(sample_weight: ArrayLike | None, count: int) -> NDArray[np.float64]:
    name = "sample_weight"
    if sample_weight is None or isinstance(sample_weight, Number):
        weights = np.full(count, 1 if sample_weight is None else sample_weight, np.float64)
    else:
        weights = check_array(
            sample_weight, ensure_2d=False, dtype=np.float64, copy=True, input_name=name
        )
    if weights.shape != (count,):
        rule = f"must have one weight for each of {count_noun(count, 'image')}"
        raise InputError(rule, f"shape {weights.shape}", parameter=name)
    if weights.min() < 0:
        raise InputError("must not hold negative values", f"{weights.min():g}", parameter=name)
    if not weights.any():
        raise InputError("must hold at least one non-zero weight", "none", parameter=name)
    return weights


def _find_classes(labels: NDArray) -> NDArray:
    classes = np.unique(labels)
    if len(classes) < 2:
        raise InputError(
            "must hold at least two classes",
            f"one class only: {name_some(classes.tolist())}",
            "Add images of another class.",
            parameter="y",
            code="one-class",
        )
    warn_class_names(classes.tolist(), stacklevel=6)
    return classes


def _encode(classes: NDArray, images: NDArray, labels: NDArray, weights: NDArray) -> LabeledImages:
    unknown = np.setdiff1d(labels[weights > 0], classes)
    if len(unknown):
        raise InputError(
            f"must hold the classes of y, {name_some(classes.tolist(), 10)}",
            f"also {name_some(unknown.tolist())}",
            parameter="y_val",
        )
    codes = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    scaled = weights / weights[weights > 0].mean()
    return LabeledImages(images, codes.astype(np.int32), scaled.astype(np.float32))
