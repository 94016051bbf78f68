"""Networks that do the training: traced once, and lent to one fit after another."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cellsk._config import is_on
from cellsk.neural_network._fast_step import speed_up
from cellsk.neural_network._precision import FAST

if TYPE_CHECKING:
    import keras

__all__ = ["borrow_trainer"]

MAX_BYTES = 2**28
BYTES_PER_WEIGHT = 12  # the weight itself, and Adam's two moments

_idle: OrderedDict[str, keras.Sequential] = OrderedDict()


@contextmanager
def borrow_trainer(
    network: keras.Sequential, precision: str, *, reuse: bool, steps: int
) -> Iterator[keras.Sequential]:
    """Lend a network like ``network`` to train; when that ends well, take over its state.

    To compile a network and trace its training step takes a second, and its graph some
    megabytes. So a trainer is kept after use, and starts from the weights, the seeds and the
    fresh optimizer that the next fit brings: it gives the same numbers as a new one.

    It trains ``steps`` batches in one call, which spares Keras' Python between them.

    Without ``reuse`` it is a new one, is not kept, and trains one batch in each call, as a
    caller's callbacks may change it or look at each step. With ``CELLSK_FAST=off`` so it is,
    and it is a plain network of Keras. Within a ``tf.distribute`` strategy it belongs to that.
    """
    import tensorflow as tf

    reuse = reuse and is_on(FAST) and not tf.distribute.has_strategy()
    steps = steps if reuse else 1
    kind = f"{precision} {steps} {_describe(network)}"
    trainer = _idle.pop(kind, None) if reuse else None
    if trainer is None:
        trainer = _make_trainer(network, precision)
        trainer.steps_per_execution = steps
    _start_from(network, trainer)
    yield trainer
    _hand_over(trainer, network)
    if reuse:
        _idle[kind] = trainer
        _forget_oldest()


def _describe(network: keras.Sequential) -> str:
    """Layers and settings, without the seeds, which are values and not structure."""
    return re.sub(r'"seed": \d+', '"seed": 0', json.dumps(network.get_config()))


def _make_trainer(network: keras.Sequential, precision: str) -> keras.Sequential:
    trainer = type(network).from_config(network.get_config())
    trainer.compile_from_config(network.get_compile_config())
    trainer.optimizer.build(trainer.trainable_variables)
    if is_on(FAST):
        speed_up(trainer, precision)
    return trainer


def _start_from(network: keras.Sequential, trainer: keras.Sequential) -> None:
    """Take over weights and states of random layers, and begin the optimization anew."""
    for mine, given in zip(trainer.variables, network.variables, strict=True):
        mine.assign(given)
    for variable in trainer.optimizer.variables:
        variable.assign(variable * 0)
    trainer.optimizer.learning_rate = float(network.optimizer.learning_rate.numpy())


def _hand_over(trainer: keras.Sequential, network: keras.Sequential) -> None:
    """Leave ``network`` as if it had been trained itself: with the optimizer's state, too."""
    network.optimizer.build(network.trainable_variables)
    mine = [*network.variables, *network.optimizer.variables]
    trained = [*trainer.variables, *trainer.optimizer.variables]
    for variable, value in zip(mine, trained, strict=True):
        variable.assign(value)


def _forget_oldest() -> None:
    while sum(map(_count_bytes, _idle.values())) > MAX_BYTES:
        _idle.popitem(last=False)


def _count_bytes(trainer: keras.Sequential) -> int:
    return int(trainer.count_params()) * BYTES_PER_WEIGHT
