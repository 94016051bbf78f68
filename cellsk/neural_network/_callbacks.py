"""What scikit-learn's callbacks are told of a fit, and of each epoch that Keras runs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.callback import CallbackContext

from cellsk.neural_network._batches import Part

if TYPE_CHECKING:
    import keras
    from scikeras.wrappers import KerasClassifier

__all__ = ["FitTask"]

EPOCH = "epoch"  # the name of an epoch's task in the logs of callbacks


class FitTask:
    """One fit as scikit-learn's callbacks see it: a task with a subtask for each epoch.

    What a callback may ask for is made when it asks: a callback that only counts, such
    as a progress bar, copies neither images nor weights.

    Parameters
    ----------
    classifier : CellClassifier
        The classifier in its fit.
    context : sklearn.callback.CallbackContext
        The context of the fit.
    part : Part
        The images that train: the hold-out of early stopping is left out, as its score is
        in the history already.
    sample_weight : array-like of shape (n,), or None
        Weights as the caller gave them, which scorers get.
    """

    def __init__(
        self,
        classifier: Any,
        context: CallbackContext,
        part: Part,
        sample_weight: ArrayLike | None,
    ) -> None:
        self._context = context
        self._classifier = classifier
        self._data, self._rows = part
        self._sample_weight = sample_weight

    def begin(self) -> None:
        """Tell the callbacks that the fit begins."""
        self._context.call_on_fit_task_begin(**self._material())

    def end(self) -> None:
        """Tell the callbacks that the classifier is fitted."""
        self._context.call_on_fit_task_end(**self._material(), reconstruction_attributes={})

    def watch(self, network: KerasClassifier) -> list[keras.callbacks.Callback]:
        """Return what tells the callbacks of each epoch: nothing, when there are none."""
        if not getattr(self._classifier, "_skl_callbacks", None):
            return []
        return [_make_listener(_Epochs(self._context, self._material(), network))]

    def _material(self) -> dict[str, Any]:
        """What each hook gets; scikit-learn calls the functions only if a hook asks."""
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
        # One number is a weight, too: that of every image.
        weights = np.broadcast_to(np.asarray(self._sample_weight, float), len(self._data.codes))
        return {"sample_weight": weights[self._rows]}


class _Epochs:
    """The epochs of one fit: each is a task, and leaves a network that can predict."""

    def __init__(
        self, context: CallbackContext, material: Mapping[str, Any], network: KerasClassifier
    ) -> None:
        self._context = context
        self._material = material
        self._network = network
        self._history: dict[str, list[float]] = {}

    def begin(self, trainer: keras.Model) -> None:
        self._trainer = trainer
        self._epoch = self._context.subcontext(task_name=EPOCH)
        self._epoch.call_on_fit_task_begin(
            **self._material, reconstruction_attributes=self._fitted_so_far
        )

    def end(self, logs: Mapping[str, float]) -> bool:
        """Tell the callbacks, and return whether one of them asks to stop."""
        for name, value in logs.items():
            self._history.setdefault(name, []).append(float(value))
        return self._epoch.call_on_fit_task_end(
            **self._material, reconstruction_attributes=self._fitted_so_far
        )

    def _fitted_so_far(self) -> dict[str, Any]:
        """What makes a fitted classifier of the network as it stands now."""
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
    """A copy that only predicts: not compiled, and not changed by the next epoch."""
    import keras

    def copy_layer(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.Dropout):
            # Its random state would have a name of its own, which TensorFlow keeps for good.
            config["rate"] = 0.0
        return type(layer).from_config(config)

    copied = keras.models.clone_model(model, clone_function=copy_layer)
    copied.set_weights(model.get_weights())
    return copied
