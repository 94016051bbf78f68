"""One training of the network: batches in, best weights kept, history out."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from cellsk.neural_network._batches import Part, training_batches, validation_batches
from cellsk.neural_network._runtime import quiet_tracing
from cellsk.neural_network._trainers import prepare_trainer

if TYPE_CHECKING:
    import keras

__all__ = ["Callbacks", "Training", "copy_callbacks", "train"]

# Keras callbacks, or classes of them; a string for the type, as Keras loads late.
Callbacks: TypeAlias = "Sequence[keras.callbacks.Callback | type] | None"

CHECK_SIZE = 8  # images on which the fast step is compared with Keras' own
STEPS_PER_CALL = 4  # more are no faster, and Ctrl-C waits for them


class Training(NamedTuple):
    """History of a training, the epoch whose weights were kept, from 1, and the precision."""

    history: dict[str, list[float]]
    best_epoch: int
    precision: str


def train(
    network: keras.Sequential,
    part: Part,
    watched: Part | None,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    patience: int | None,
    callbacks: Callbacks,
    precision: str,
    watchers: Sequence[keras.callbacks.Callback] = (),
    verbose: int,
) -> Training:
    """Train ``network`` on a part of the images; with ``patience``, keep the best weights.

    ``watchers`` are called after all ``callbacks``, and are not copied.

    Raises
    ------
    ValueError
        When the loss leaves the finite numbers.
    """
    import keras

    stopping = keras.callbacks.EarlyStopping(
        monitor="val_loss", mode="min", patience=patience or 0, restore_best_weights=True
    )
    called = [*copy_callbacks(callbacks), *([] if patience is None else [stopping]), *watchers]
    images = part.data.images[part.rows[:CHECK_SIZE]]
    steps = 1 if verbose == 1 else STEPS_PER_CALL  # a bar shows each step
    with (
        quiet_tracing(),
        training_batches(part, batch_size=batch_size, seed=seed) as (batches, number),
        validation_batches(watched) as watched_batches,
        prepare_trainer(network, precision, images, reuse=not callbacks, steps=steps) as trainer,
    ):
        count = keras.callbacks.LambdaCallback(on_epoch_begin=lambda n, _: number.assign(n))
        result = trainer.model.fit(
            batches,
            epochs=epochs,
            validation_data=watched_batches,
            callbacks=[count, *called],
            shuffle=False,  # the batches are in random order
            verbose=verbose,
        )
        history = {name: [float(value) for value in log] for name, log in result.history.items()}
        _check_finite(history["loss"])
    epochs_run = len(history["loss"])
    best_epoch = epochs_run if patience is None else stopping.best_epoch + 1
    return Training(history, best_epoch, trainer.precision)


def copy_callbacks(callbacks: Callbacks) -> list[keras.callbacks.Callback]:
    """Return fresh Keras callbacks: copies of instances, instances of classes.

    Raises
    ------
    TypeError
        When one is no Keras callback.
    """
    if callbacks is None:
        return []
    import keras

    entries = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    made = [entry() if isinstance(entry, type) else entry for entry in entries]
    if not all(isinstance(callback, keras.callbacks.Callback) for callback in made):
        raise TypeError(
            "callbacks must be a list of Keras callbacks, or of classes that need no argument. "
            f"Got {callbacks!r}."
        )
    return [copy.deepcopy(callback) for callback in made]


def _check_finite(losses: list[float]) -> None:
    finite = np.isfinite(losses)
    if not finite.all():
        epoch = int(np.argmin(finite)) + 1
        raise ValueError(
            f"Training must keep the loss finite. Got {losses[epoch - 1]} in epoch {epoch}. "
            "Pass a smaller learning_rate."
        )
