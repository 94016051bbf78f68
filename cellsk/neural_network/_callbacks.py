"""The callbacks of scikit-learn in a fit, called in each epoch that Keras runs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.callback import CallbackContext

from cellsk.neural_network._batches import Subset

if TYPE_CHECKING:
    import keras
    from scikeras.wrappers import KerasClassifier

__all__ = ["FitTask"]

EPOCH = "epoch"  # the name of an epoch's task in the logs of callbacks


class FitTask:
    """One fit as a task of scikit-learn's callbacks, with a subtask for each epoch.

    Arguments of a callback are made when it needs them. A callback that only counts, such as a
    progress bar, copies neither images nor weights.

    Parameters
    ----------
    classifier : CellClassifier
        The classifier in its fit.
    context : sklearn.callback.CallbackContext
        The context of the fit.
    subset : Subset
        The images that train. The hold-out of early stopping is left out, because its score is
        in the history.
    sample_weight : array-like of shape (n,), or None
        Weights as the caller passed them. Scorers get these.
    """

    def __init__(
        self,
        classifier: Any,
        context: CallbackContext,
        subset: Subset,
        sample_weight: ArrayLike | None,
    ) -> None:
        self._context = context
        self._classifier = classifier
        self._data, self._rows = subset
        self._sample_weight = sample_weight

    def begin(self) -> None:
        """Call the callbacks at the beginning of the fit."""
        self._context.call_on_fit_task_begin(**self._arguments())

    def end(self) -> None:
        """Call the callbacks when the classifier is fitted."""
        self._context.call_on_fit_task_end(**self._arguments(), reconstruction_attributes={})

    def watch(self, network: KerasClassifier) -> list[keras.callbacks.Callback]:
        """Return a Keras callback that calls them in each epoch, or none if there are none."""
        # scikit-learn has no public name for the callbacks that are set.
        if not getattr(self._classifier, "_skl_callbacks", None):
            return []
        return [_make_listener(_Epochs(self._context, self._arguments(), network))]

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments of each hook. scikit-learn calls the functions if one is needed."""
        return {
            "estimator": self._classifier,
            "X": self._select_images,
            "y": lambda: self._classifier.classes_[self._data.codes[self._rows]],
            "metadata": None if self._sample_weight is None else self._select_weights,
        }

    def _select_images(self) -> NDArray:
        images = self._data.images
        return images if len(self._rows) == len(images) else images[self._rows]

    def _select_weights(self) -> dict[str, NDArray]:
        # A single number is the weight of every image.
        weights = np.broadcast_to(np.asarray(self._sample_weight, float), len(self._data.codes))
        return {"sample_weight": weights[self._rows]}


class _Epochs:
    """The epochs of one fit. Each is a task, and provides a network that can predict."""

    def __init__(
        self, context: CallbackContext, material: Mapping[str, Any], network: KerasClassifier
    ) -> None:
        self._context = context
        self._arguments = material
        self._network = network
        self._history: dict[str, list[float]] = {}
        self._arguments["estimator"].history_ = self._history  # for callbacks that show it

    def begin(self, trainer: keras.Model) -> None:
        self._trainer = trainer
        self._epoch = self._context.subcontext(task_name=EPOCH)
        self._epoch.call_on_fit_task_begin(
            **self._arguments, reconstruction_attributes=self._fitted_so_far
        )

    def end(self, logs: Mapping[str, float]) -> bool:
        """Call the callbacks, and return whether one of them stops the training."""
        for name, value in logs.items():
            self._history.setdefault(name, []).append(float(value))
        return self._epoch.call_on_fit_task_end(
            **self._arguments, reconstruction_attributes=self._fitted_so_far
        )

    def _fitted_so_far(self) -> dict[str, Any]:
        """Return the attributes of a classifier that is fitted with the present weights."""
        history = {name: list(log) for name, log in self._history.items()}
        epochs_run = len(history.get("loss", []))
        network = copy.copy(self._network)
        network.model_ = _copy_model(self._trainer)
        network.history_ = history
        return {
            "keras_classifier_": network,
            "history_": history,
            "n_iter_": epochs_run,
            "best_epoch_": epochs_run,
        }


def _make_listener(epochs: _Epochs) -> keras.callbacks.Callback:
    import keras

    class Listener(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            epochs.begin(self.model)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epochs.end(logs or {}):
                self.model.stop_training = True

    return Listener()


def _copy_model(model: keras.Model) -> keras.Model:
    """Return a copy that only predicts. The next epoch does not change it."""
    import keras

    def copy_layer(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.Dropout):
            # Its random state would have a new name, which TensorFlow never forgets.
            config["rate"] = 0.0
        return type(layer).from_config(config)

    copied = keras.models.clone_model(model, clone_function=copy_layer)
    copied.set_weights(model.get_weights())
    return copied
