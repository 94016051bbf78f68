"""Labels and weights of images, checked and turned into class codes."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    column_or_1d,
)
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from cellsk._checks import count_noun, name_some
from cellsk.exceptions import InputError
from cellsk.neural_network._batches import LabelledImages

__all__ = [
    "check_groups",
    "check_labels",
    "check_validation_pair",
    "check_weights",
    "encode_labels",
    "find_classes",
]


def check_labels(images: NDArray, y: ArrayLike | None) -> NDArray:
    """Return y as one label per image, or raise.

    Raises
    ------
    ValueError
        When y is missing, of another length, not finite, or not of classes.
    """
    if y is None:
        raise ValueError(
            "CellClassifier requires y to be passed, but the target y is None. "
            "Pass one class label per image."
        )
    labels = column_or_1d(y, warn=True)
    check_consistent_length(images, labels)
    if labels.dtype.kind == "O":
        _refuse_missing("y", "class", labels)
    elif labels.dtype.kind in "fc":
        assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    return labels


def check_weights(
    images: NDArray, labels: NDArray, sample_weight: ArrayLike | None, class_weight: Any
) -> NDArray:
    """Return the weight of each image, its class's weight multiplied in, or raise.

    Raises
    ------
    ValueError
        When weights are negative, not finite, or all zero.
    """
    weights = _read_weights(sample_weight, len(images))
    counted = weights > 0
    # Classes are balanced among the images that count.
    weights[counted] *= compute_sample_weight(class_weight, labels[counted])
    return weights


def _read_weights(sample_weight: ArrayLike | None, count: int) -> NDArray[np.float64]:
    if sample_weight is None or isinstance(sample_weight, Number):
        weights = np.full(count, 1 if sample_weight is None else sample_weight, np.float64)
    else:
        weights = check_array(
            sample_weight, ensure_2d=False, dtype=np.float64, copy=True, input_name="sample_weight"
        )
    if weights.shape != (count,):
        raise InputError(
            f"must have one weight for each of {count_noun(count, 'image')}",
            f"shape {weights.shape}",
            parameter="sample_weight",
        )
    if weights.min() < 0:
        raise InputError(
            "must not hold negative values", f"{weights.min():g}", parameter="sample_weight"
        )
    if not weights.any():
        raise InputError(
            "must hold at least one non-zero weight", "none", parameter="sample_weight"
        )
    return weights


def check_groups(groups: ArrayLike | None, images: NDArray) -> NDArray | None:
    """Return one group per image, or None, or raise.

    Raises
    ------
    ValueError
        When there are more or fewer groups than images, or some are missing.
    """
    if groups is None:
        return None
    labels = column_or_1d(groups)
    check_consistent_length(images, labels)
    _refuse_missing("groups", "patient or slide", labels)
    return labels


def _refuse_missing(name: str, kind: str, values: NDArray) -> None:
    missing = [value is None or not _equals_itself(value) for value in values.tolist()]
    if any(missing):
        raise ValueError(
            f"{name} must name a {kind} for each image. "
            f"Got {count_noun(sum(missing), 'missing value')}. Leave these images out."
        )


def _equals_itself(value: Any) -> bool:
    try:
        return bool(value == value)
    except TypeError:  # pandas.NA
        return False


def check_validation_pair(X: Any, y: Any, sample_weight: Any) -> bool:
    """Return whether there are validation images, or raise.

    Raises
    ------
    ValueError
        When images, labels or weights come without the others.
    """
    if X is None and y is None and sample_weight is None:
        return False
    if X is None or y is None:
        missing = "X_val" if X is None else "y_val"
        raise ValueError(f"X_val and y_val must come together. Got no {missing}. Pass both.")
    return True


def find_classes(labels: NDArray) -> NDArray:
    """Return the sorted class labels, or raise.

    Raises
    ------
    ValueError
        When there are fewer than two.
    """
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(
            "y must hold at least two classes, or nothing can be told apart. "
            f"Got one class only: {name_some(classes.tolist())}. Add images of another class."
        )
    return classes


def encode_labels(
    classes: NDArray, images: NDArray, labels: NDArray, weights: NDArray
) -> LabelledImages:
    """Return images, class codes and weights of mean one, or raise.

    Raises
    ------
    ValueError
        When a label is none of ``classes``.
    """
    unknown = np.setdiff1d(labels[weights > 0], classes)
    if len(unknown):
        raise ValueError(
            f"y_val must hold the classes of y, {name_some(classes.tolist(), 10)}. "
            f"Got also {name_some(unknown.tolist())}."
        )
    codes = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    scaled = weights / weights[weights > 0].mean()
    return LabelledImages(images, codes.astype(np.int32), scaled.astype(np.float32))
