"""The training of a network, with early stopping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from cellsk.exceptions import InputError, InputTypeError
from cellsk.neural_network._augmentation import Augment
from cellsk.neural_network._batches import Subset, training_batches, validation_batches
from cellsk.neural_network._runtime import silence_retracing
from cellsk.neural_network._schedule import follow_cosine
from cellsk.neural_network._trainers import prepare_trainer

if TYPE_CHECKING:
    import keras

__all__ = ["Callbacks", "Training", "make_callbacks", "train"]

# Keras callbacks, or classes of them. The type is a string, because Keras is imported late.
Callbacks: TypeAlias = "Sequence[keras.callbacks.Callback | type] | None"

CHECK_SIZE = 8  # images on which the fast step is compared with Keras' own
STEPS_PER_CALL = 4  # more steps are not faster, and Ctrl-C waits for them


class Training(NamedTuple):
    """How a training went.

    Attributes
    ----------
    history : dict of str to list of float
        Loss and accuracy of each epoch.
    best_epoch : int
        The epoch whose weights were kept, counted from 1.
    precision : str
        "float32" or "bfloat16": what it multiplied in.
    stopped : bool
        Whether early stopping ended it, and not a callback or the number of epochs.
    """

    history: dict[str, list[float]]
    best_epoch: int
    precision: str
    stopped: bool


def train(
    network: keras.Model,
    subset: Subset,
    watched: Subset | None,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    augment: Augment | None = None,
    patience: int | None,
    schedule: str,
    callbacks: Callbacks,
    precision: str,
    watchers: Sequence[keras.callbacks.Callback] = (),
    verbose: int,
) -> Training:
    """Train ``network`` on a subset of the images. With ``patience``, keep the best weights.

    ``augment`` changes the images of the subset, not those that are watched.
    With the schedule "cosine" all epochs are run, because the last ones are the best.
    ``watchers`` are called after all ``callbacks``, which do not keep the network.

    Raises
    ------
    InputError
        If the loss becomes NaN or infinite.
    """
    import keras

    stopping = keras.callbacks.EarlyStopping(
        monitor="val_loss",
        mode="min",
        patience=epochs if schedule == "cosine" else patience or 0,
        restore_best_weights=True,
    )
    given = make_callbacks(callbacks)
    called = [*given, *([] if patience is None else [stopping]), *watchers]
    images = subset.data.images[subset.rows[:CHECK_SIZE]]
    steps = 1 if verbose == 1 else STEPS_PER_CALL  # a bar shows each step
    with (
        _forget_network(given),
        silence_retracing(),
        training_batches(subset, batch_size=batch_size, seed=seed, augment=augment) as epoch_data,
        validation_batches(watched) as watched_batches,
        prepare_trainer(network, precision, images, reuse=not callbacks, steps=steps) as trainer,
    ):
        batches, number = epoch_data
        count = keras.callbacks.LambdaCallback(on_epoch_begin=lambda n, _: number.assign(n))
        n_steps = int(batches.cardinality())
        rates = [follow_cosine(trainer.model, epochs, n_steps)] if schedule == "cosine" else []
        result = trainer.model.fit(
            batches,
            epochs=epochs,
            # With this, Keras makes one iterator per epoch. Without it, it makes two.
            steps_per_epoch=n_steps,
            validation_data=watched_batches,
            callbacks=[count, *rates, *called],
            shuffle=False,  # the batches are in random order
            verbose=verbose,
        )
        history = {name: [float(value) for value in log] for name, log in result.history.items()}
        _check_finite(history["loss"])
    epochs_run = len(history["loss"])
    best_epoch = epochs_run if patience is None else stopping.best_epoch + 1
    return Training(history, best_epoch, trainer.precision, stopping.stopped_epoch > 0)


def make_callbacks(callbacks: Callbacks) -> list[keras.callbacks.Callback]:
    """Return Keras callbacks: the given instances, and new instances of classes.

    Raises
    ------
    InputTypeError
        If one of them is not a Keras callback.
    """
    if callbacks is None:
        return []
    import keras

    entries = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    made = [entry() if isinstance(entry, type) else entry for entry in entries]
    if not all(isinstance(callback, keras.callbacks.Callback) for callback in made):
        raise InputTypeError(
            "must be a list of Keras callbacks, or of classes that need no argument",
            repr(callbacks),
            parameter="callbacks",
        )
    return made


@contextmanager
def _forget_network(callbacks: Sequence[keras.callbacks.Callback]) -> Iterator[None]:
    """Remove the network from callbacks at the end, so that clones do not copy it."""
    import keras

    try:
        yield
    finally:
        for callback in callbacks:
            keras.callbacks.Callback.set_model(callback, None)


def _check_finite(losses: list[float]) -> None:
    finite = np.isfinite(losses)
    if not finite.all():
        epoch = int(np.argmin(finite)) + 1
        raise InputError(
            "Training must keep the loss finite",
            f"{losses[epoch - 1]} in epoch {epoch}",
            "Pass a smaller learning_rate.",
            code="training-diverged",
            values={"epoch": epoch},
        )
