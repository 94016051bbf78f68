"""What a fit trains on, and what early stopping watches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk.neural_network._batches import LabelledImages, Part
from cellsk.neural_network._holdout import hold_out, warn_if_small
from cellsk.neural_network._inputs import check_images
from cellsk.neural_network._labels import (
    check_labels,
    check_validation_pair,
    check_weights,
    encode_labels,
    find_classes,
)

__all__ = ["encode_images", "encode_validation", "part_rows"]


def encode_images(
    classifier: Any, X: Any, y: ArrayLike | None, sample_weight: ArrayLike | None, *, reset: bool
) -> LabelledImages:
    """Return images, class codes and weights, checked.

    With ``reset`` the classifier learns the images' shape and its classes; without, they
    must be those of its fit.

    Raises
    ------
    TypeError, ValueError
        When images, labels or weights are not what the classifier takes.
    """
    images = check_images(classifier, X, classifier.image_shape, reset=reset)
    labels = check_labels(images, y)
    weights = check_weights(images, labels, sample_weight, classifier.class_weight)
    if reset:
        classifier.classes_ = find_classes(labels[weights > 0])
    return encode_labels(classifier.classes_, images, labels, weights)


def encode_validation(
    classifier: Any, X: Any, y: ArrayLike | None, sample_weight: ArrayLike | None
) -> Part | None:
    """Return the caller's validation images that have a weight, or None.

    Raises
    ------
    TypeError, ValueError
        When images or labels come alone, or are not like those of the fit.
    """
    if not check_validation_pair(X, y, sample_weight):
        return None
    data = encode_images(classifier, X, y, sample_weight, reset=False)
    return Part(data, np.flatnonzero(data.weights))


def part_rows(
    classifier: Any,
    data: LabelledImages,
    groups: NDArray | None,
    own: Part | None,
    seed: int,
) -> tuple[Part, Part | None]:
    """Return what to train on, and what to watch; images of weight zero are in neither.

    Raises
    ------
    ValueError
        When the groups cannot be parted so that training keeps every class.
    """
    rows = np.flatnonzero(data.weights)
    if own is not None or not classifier.early_stopping:
        return Part(data, rows), own
    groups = None if groups is None else groups[rows]
    training, watched = hold_out(data.codes[rows], groups, classifier.validation_fraction, seed)
    warn_if_small(classifier.classes_, data.codes[rows[watched]])
    return Part(data, rows[training]), Part(data, rows[watched]) if len(watched) else None
