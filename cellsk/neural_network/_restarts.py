"""Restarts of a training whose hold-out loss stays at that of guessing."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cellsk._checks import count_noun
from cellsk.exceptions import WeakModelWarning
from cellsk.neural_network._augmentation import build_augmentation
from cellsk.neural_network._batches import Subset
from cellsk.neural_network._callbacks import FitTask
from cellsk.neural_network._holdout import FEW_IMAGES
from cellsk.neural_network._parameters import wrap_network
from cellsk.neural_network._precision import choose_precision
from cellsk.neural_network._training import Training, train
from cellsk.neural_network.networks import choose_settings

if TYPE_CHECKING:
    from scikeras.wrappers import KerasClassifier

__all__ = ["Attempt", "Seeds", "train_with_restarts", "warn_if_guessing"]

MAX_RESTARTS = 2
RATE_FACTOR = 0.3  # of the learning rate, for each restart
# A network that outputs nearly the shares of the classes has by chance a loss up to 2% lower.
MARGIN = 0.05


class Seeds(NamedTuple):
    """Seeds of the initial weights, and of the order of the images."""

    weights: int
    order: int


class Attempt(NamedTuple):
    """A network, how it was trained, and the loss of guessing on its hold-out."""

    network: KerasClassifier
    training: Training
    guessing: float

    @property
    def loss(self) -> float:
        """The loss on the hold-out in the epoch that was kept. Zero without a hold-out."""
        losses = self.training.history.get("val_loss")
        return losses[self.training.best_epoch - 1] if losses else 0.0

    @property
    def is_guessing(self) -> bool:
        """Whether the loss is that of a network which always outputs the shares of the classes."""
        return self.loss > (1 - MARGIN) * self.guessing > 0


def train_with_restarts(
    classifier: Any, subset: Subset, watched: Subset | None, task: FitTask, seeds: Seeds
) -> Attempt:
    """Train a network, and then others as long as the best of them is guessing.

    Each restart draws other initial weights, and has a lower learning rate. All of them share the
    epochs of the classifier, so a fit never runs more. There is a restart only if early stopping
    ended the training, not a callback, and if enough epochs are left for it to do so again.

    Parameters
    ----------
    classifier : CellClassifier
        The classifier in its fit. It gets `precision_` and `n_restarts_`.
    subset : Subset
        The images that train.
    watched : Subset or None
        The hold-out.
    task : FitTask
        The fit as scikit-learn's callbacks see it.
    seeds : Seeds
        Seeds of the first network. Those of the others follow from them.

    Returns
    -------
    best : Attempt
        The one with the lowest loss on the hold-out.

    Raises
    ------
    InputError
        If the loss becomes NaN or infinite.
    """
    settings = choose_settings(classifier)
    guessing = _guess_loss(subset, watched) if settings.early_stopping and watched else 0.0
    left = int(settings.epochs)
    attempts: list[Attempt] = []
    while len(attempts) <= MAX_RESTARTS:
        classifier.n_restarts_ = len(attempts)
        factor = RATE_FACTOR ** len(attempts)
        network, training = _train_once(
            classifier, subset, watched, task, seeds, rate_factor=factor, epochs=left
        )
        attempts.append(Attempt(network, training, guessing))
        left -= len(training.history["loss"])
        if not (attempts[-1].is_guessing and training.stopped and left > classifier.patience):
            break
        seeds = _draw_next(seeds)
    return min(attempts, key=lambda attempt: attempt.loss)


def warn_if_guessing(classifier: Any, attempt: Attempt) -> None:
    """Warn if the network is guessing after more epochs than `patience`."""
    epochs_run = len(attempt.training.history["loss"])
    if not attempt.is_guessing or epochs_run <= classifier.patience:
        return
    count = classifier.n_restarts_
    after = f" after {count_noun(count, 'restart')}" if count else ""
    warnings.warn(
        WeakModelWarning(
            "The loss on the hold-out must be lower than that of the shares of the classes",
            f"{attempt.loss:.3f}{after}, where the shares have {attempt.guessing:.3f}",
            "Do not use this model. Check the labels with audit_images, add images, or raise"
            " patience and epochs.",
            code="loss-of-guessing",
            values={"loss": attempt.loss, "guessing": attempt.guessing},
        ),
        stacklevel=4,  # the caller of fit: fit and its decorator are between
    )


def _train_once(
    classifier: Any,
    subset: Subset,
    watched: Subset | None,
    task: FitTask,
    seeds: Seeds,
    *,
    rate_factor: float,
    epochs: int,
) -> tuple[KerasClassifier, Training]:
    settings = choose_settings(classifier)
    data, pixel_max = subset.data, classifier.pixel_max_
    augment = build_augmentation(settings.augmentation, data.images, pixel_max, seeds.order)
    rescale = 1 / pixel_max
    network = wrap_network(classifier, rescale, seeds.weights, rate_factor=rate_factor)
    network.initialize(data.images, classifier.classes_[data.codes])
    classifier.precision_ = choose_precision(classifier.precision, network.model_)
    training = train(
        network.model_,
        subset,
        watched,
        epochs=epochs,
        batch_size=classifier.batch_size,
        seed=seeds.order,
        augment=augment,
        patience=classifier.patience if settings.early_stopping and watched else None,
        schedule=settings.schedule,
        callbacks=classifier.callbacks,
        precision=classifier.precision_,
        watchers=task.watch(network),
        verbose=classifier.verbose,
    )
    network.history_ = training.history
    return network, training


def _draw_next(seeds: Seeds) -> Seeds:
    return Seeds(*np.random.SeedSequence(seeds).generate_state(2).tolist())


def _guess_loss(subset: Subset, watched: Subset) -> float:
    """Return the loss on the hold-out of a network that always outputs the shares of the classes.

    Zero, which no loss is below, if the hold-out has too few images of a class for a comparison.
    """
    codes, weights = (part[subset.rows] for part in subset.data[1:])
    held_codes, held_weights = (part[watched.rows] for part in watched.data[1:])
    counts = np.bincount(codes, weights)
    if np.bincount(held_codes, minlength=len(counts)).min() < FEW_IMAGES:
        return 0.0
    # Keras divides the sum of the weighted losses by the number of images.
    return float(np.mean(held_weights * -np.log(counts / counts.sum())[held_codes]))
