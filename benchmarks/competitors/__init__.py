"""Competitors that train the seed network, one framework per module, as its documentation shows.

A competitor is a function from a :class:`Task` to a :class:`Trial`. It imports the framework and
prepares the data; only the ``fit`` of the trial is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Task", "Trial", "make_epoch_clock"]


class Task(NamedTuple):
    """The data and the parameters of a fit."""

    train: str
    valid: str
    arrays: str
    image_size: tuple[int, int]
    epochs: int
    batch_size: int
    seed: int


class Trial(NamedTuple):
    """A fit, its predictions, and the times at which its epochs ended.

    `predict` returns the labels of the validation images, and the probability of the second
    class of each. `epoch_ends` are seconds of time.perf_counter.
    """

    fit: Callable[[], Any]
    predict: Callable[[Any], tuple[np.ndarray, np.ndarray]]
    epoch_ends: list[float]


def make_epoch_clock(ends: list[float]) -> Any:
    """Return a Keras callback class that records the time at which each epoch ends."""
    import keras

    class EpochClock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            ends.append(time.perf_counter())

    return EpochClock
