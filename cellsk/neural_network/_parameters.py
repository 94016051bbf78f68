"""The parameters of CellClassifier, checked and passed to scikeras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cellsk._checks import check_count, check_number, check_option
from cellsk.neural_network._augmentation import check_augmentation
from cellsk.neural_network._precision import check_precision
from cellsk.neural_network._predicting import SYMMETRIES
from cellsk.neural_network._runtime import set_threads
from cellsk.neural_network._training import make_callbacks
from cellsk.neural_network.networks import (
    AUTO,
    check_architecture,
    choose_settings,
    select_settings,
)

if TYPE_CHECKING:
    from scikeras.wrappers import KerasClassifier

__all__ = ["SCHEDULES", "check_parameters", "wrap_network"]

SCHEDULES = ("constant", "cosine")

MAX_COUNT = 2**31 - 1  # TensorFlow and Keras hold such counts in 32 bits


def check_parameters(classifier: Any) -> None:
    """Check the parameters of the classifier.

    Raises
    ------
    InputError, InputTypeError
        If one of them is out of range. The message names it.
    """
    settings = choose_settings(classifier)
    check_count("epochs", settings.epochs, maximum=MAX_COUNT)
    for name in ("kernel_size", "dense_units", "batch_size", "patience"):
        check_count(name, getattr(classifier, name), maximum=MAX_COUNT)
    verbose = classifier.verbose
    check_count("verbose", int(verbose) if isinstance(verbose, bool) else verbose, minimum=0)
    check_option("early_stopping", classifier.early_stopping, (True, False, AUTO))
    check_option("schedule", classifier.schedule, (*SCHEDULES, AUTO))
    check_number("dropout", settings.dropout, low=0, high=1, closed="left")
    check_number("learning_rate", settings.learning_rate, low=0)
    check_number("weight_decay", settings.weight_decay, low=0, closed="left")
    check_number("validation_fraction", classifier.validation_fraction, low=0, high=1)
    check_option("tta", classifier.tta, SYMMETRIES)
    check_precision(classifier.precision)
    check_augmentation(classifier.augmentation)
    make_callbacks(classifier.callbacks)


def wrap_network(
    classifier: Any, rescale: float, seed: int, *, rate_factor: float = 1.0
) -> KerasClassifier:
    """Return the scikeras classifier around the architecture, not yet initialized."""
    # scikeras builds the network, holds it with its settings, and predicts for those who use
    # `keras_classifier_` by itself. Training and the predictions of CellClassifier bypass it.
    set_threads()
    from scikeras.wrappers import KerasClassifier

    settings = select_settings(classifier)
    if "learning_rate" in settings:
        settings["learning_rate"] = float(settings["learning_rate"]) * rate_factor
    return KerasClassifier(
        model=check_architecture(classifier.architecture).build,
        **{f"model__{name}": value for name, value in settings.items()},
        model__rescale=rescale,
        model__seed=seed,
        epochs=choose_settings(classifier).epochs,
        batch_size=classifier.batch_size,
        verbose=classifier.verbose,
    )
