"""Probabilities out of a trained network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

__all__ = ["read_probabilities"]

BATCH_SIZE = 128


def read_probabilities(model: keras.Model, images: NDArray) -> NDArray[np.float64]:
    """Return one column per class, each row summing to one.

    The model is called as it is, batch by batch: to trace a predict function, as
    ``model.predict`` does, takes longer than most predictions.
    """
    starts = range(0, len(images), BATCH_SIZE)
    batches = (images[start : start + BATCH_SIZE] for start in starts)
    output = np.concatenate([np.asarray(model(batch, training=False)) for batch in batches])
    proba = output.astype(np.float64)
    if proba.shape[1] == 1:
        return np.hstack([1 - proba, proba])
    return proba / proba.sum(axis=1, keepdims=True)
