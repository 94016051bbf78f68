"""A cache of compiled networks, reused by successive fits."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk._config import is_on
from cellsk.neural_network._fast_step import speed_up
from cellsk.neural_network._precision import FAST

if TYPE_CHECKING:
    import keras

__all__ = ["Trainer", "prepare_trainer"]

MAX_BYTES = 2**28
BYTES_PER_WEIGHT = 12  # the weight itself, and Adam's two moments


class Trainer(NamedTuple):
    """A compiled network that trains in place of another one.

    Attributes
    ----------
    model : keras.Model
        The network.
    precision : str
        "float32" or "bfloat16": what training really multiplies in.
    start : dict of int to ndarray
        First values of the optimizer's variables, by position. Those left out are zero.
    """

    model: keras.Model
    precision: str
    start: dict[int, NDArray]


_idle: OrderedDict[str, Trainer] = OrderedDict()
_idle_lock = threading.Lock()  # fits in several threads share the trainers


@contextmanager
def prepare_trainer(
    network: keras.Model, precision: str, images: NDArray, *, reuse: bool, steps: int
) -> Iterator[Trainer]:
    """Yield a copy of ``network`` that trains. If the body ends well, ``network`` gets its state.

    Compiling a network and tracing its training step takes a second, and its graph some
    megabytes. So a trainer is kept after use. It starts from the weights, the random states and
    the fresh optimizer of the next network, so it gives the same numbers as a new one.

    Parameters
    ----------
    network : keras.Model
        Compiled network that is to be trained.
    precision : str
        "float32" or "bfloat16". A network that trains by Keras' own step trains in float32.
    images : ndarray
        A few images that train, on which the fast step of a new trainer is checked.
    reuse : bool
        Whether the trainer may be one that was used before, and is kept. The callbacks of a
        caller may change it, so these need a new one.
    steps : int
        Batches that it trains in one call, which spares Keras' Python between them. It is one
        if the trainer is not reused.

    Notes
    -----
    With ``CELLSK_FAST=off`` the trainer is new, and a plain network of Keras. Within a
    ``tf.distribute`` strategy it is new, and belongs to the strategy. A network with code that
    its configuration does not hold, such as a caller's loss, is trained itself.
    """
    import tensorflow as tf

    description = _describe(network)
    if description is None:
        yield Trainer(network, "float32", {})
        return
    reuse = reuse and is_on(FAST) and not tf.distribute.has_strategy()
    steps = steps if reuse else 1
    key = f"{precision} {steps} {description}"
    with _idle_lock:
        trainer = _idle.pop(key, None) if reuse else None
    if trainer is None:
        trainer = _make_trainer(network, precision, images)
        trainer.model.steps_per_execution = steps
    _start_from(network, trainer)
    yield trainer
    _copy_state(trainer.model, network)
    if reuse:
        with _idle_lock:
            _idle[key] = trainer
            _forget_oldest()


def _describe(network: keras.Model) -> str | None:
    """Return all that decides the numbers, or None if a description cannot hold it.

    Weights, seeds and the learning rate are left out: these are values that a trainer takes over.
    """
    compiled = network.get_compile_config()
    if not compiled or not type(network).__module__.startswith("keras."):
        return None
    parts = [type(network).__name__, network.get_config(), compiled]
    if _holds_code(parts):
        return None
    settings = compiled["optimizer"]["config"]
    if isinstance(settings.get("learning_rate"), float):  # and not a schedule
        settings["learning_rate"] = 0.0
    try:
        return re.sub(r'"seed": \d+', '"seed": 0', json.dumps(parts))
    except TypeError:
        return None


def _holds_code(node: Any) -> bool:
    """Return whether a configuration names functions or classes of neither Keras nor cellsk."""
    if isinstance(node, dict):
        foreign = (
            not str(node.get("registered_name") or "cellsk>").startswith("cellsk>")
            or not str(node.get("module", "keras")).startswith(("keras", "cellsk."))
            or node.get("class_name") == "__lambda__"
        )
        return bool(foreign) or any(map(_holds_code, node.values()))
    return isinstance(node, list | tuple) and any(map(_holds_code, node))


def _make_trainer(network: keras.Model, precision: str, images: NDArray) -> Trainer:
    import tensorflow as tf

    model = type(network).from_config(network.get_config())
    model.compile_from_config(network.get_compile_config())
    model.optimizer.build(model.trainable_variables)
    start = {}
    for number, variable in enumerate(model.optimizer.variables):
        value = np.array(variable.value.numpy())
        if value.any():
            start[number] = value
    fast = is_on(FAST) and speed_up(model, precision, images)
    if is_on(FAST) and not tf.distribute.has_strategy():
        _build_metrics(model, images)
    return Trainer(model, precision if fast else "float32", start)


def _build_metrics(model: keras.Model, images: NDArray) -> None:
    """Create the variables of the metrics, which each epoch resets.

    If the training step created them, TensorFlow would trace it twice.
    """
    outputs = model(images, training=False)
    model.compute_metrics(images, np.zeros(len(images)), outputs, np.ones(len(images)))


def _start_from(network: keras.Model, trainer: Trainer) -> None:
    """Take over weights and states of random layers, and begin the optimization anew."""
    model = trainer.model
    for mine, given in zip(model.variables, network.variables, strict=True):
        mine.assign(given)
    for number, variable in enumerate(model.optimizer.variables):
        variable.assign(trainer.start.get(number, variable * 0))
    if isinstance(network.optimizer.get_config().get("learning_rate"), float):
        model.optimizer.learning_rate = float(network.optimizer.learning_rate.numpy())


def _copy_state(model: keras.Model, network: keras.Model) -> None:
    """Leave ``network`` as if it had been trained itself, with the optimizer's state."""
    network.optimizer.build(network.trainable_variables)
    mine = [*network.variables, *network.optimizer.variables]
    trained = [*model.variables, *model.optimizer.variables]
    for variable, value in zip(mine, trained, strict=True):
        variable.assign(value)


def _forget_oldest() -> None:
    while sum(map(_count_bytes, _idle.values())) > MAX_BYTES:
        _idle.popitem(last=False)


def _count_bytes(trainer: Trainer) -> int:
    return int(trainer.model.count_params()) * BYTES_PER_WEIGHT
