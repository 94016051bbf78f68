"""The step size over a training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

__all__ = ["compute_cosine", "follow_cosine"]

FIRST = 0.1  # of the largest step size, at the begin of the warm-up


def compute_cosine(step: int, n_steps: int, n_rising: int) -> float:
    """Return the step size of a step, as a fraction of the largest one.

    It rises in a line over the first ``n_rising`` steps, and then falls to zero along a cosine.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Examples
    --------
    >>> from cellsk.neural_network._schedule import compute_cosine
    >>> [round(compute_cosine(step, 10, 2), 2) for step in (0, 1, 2, 6, 9)]
    [0.1, 0.55, 1.0, 0.5, 0.04]
    """
    if step < n_rising:
        return FIRST + (1 - FIRST) * step / n_rising
    return 0.5 + 0.5 * math.cos(math.pi * (step - n_rising) / (n_steps - n_rising))


def follow_cosine(model: keras.Model, epochs: int, steps: int) -> keras.callbacks.Callback:
    """Return a callback that sets the step size of the optimizer before each call of a step.

    It does not belong to the optimizer's settings, because a network for each number of steps
    would have to be compiled.
    """
    import keras

    optimizer = model.optimizer
    largest = float(optimizer.learning_rate.numpy())
    begun = [0]  # steps of the epochs before

    def begin_epoch(epoch: int, logs: dict[str, float] | None = None) -> None:
        begun[0] = epoch * steps

    def begin_batch(batch: int, logs: dict[str, float] | None = None) -> None:
        rising = steps if epochs > 1 else 0
        optimizer.learning_rate = largest * compute_cosine(begun[0] + batch, epochs * steps, rising)

    def end(logs: dict[str, float] | None = None) -> None:
        optimizer.learning_rate = largest

    return keras.callbacks.LambdaCallback(
        on_epoch_begin=begin_epoch, on_train_batch_begin=begin_batch, on_train_end=end
    )
