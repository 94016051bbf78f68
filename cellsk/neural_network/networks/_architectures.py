"""The architectures: a name, and the function that builds the network."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from cellsk._checks import check_option
from cellsk.neural_network.networks._seed import build_cnn

if TYPE_CHECKING:
    import keras

__all__ = ["ARCHITECTURES", "check_architecture", "count_weights", "select_settings"]

Builder: TypeAlias = "Callable[..., keras.Model]"

# A builder takes the images' shape and the number of classes in a mapping, as scikeras gives it,
# and as keywords `rescale`, `seed`, and those parameters of CellClassifier that it uses. It returns
# a compiled network that gives each layer a name and a seed.
ARCHITECTURES: dict[str, Builder] = {"seed": build_cnn}

# The parameters of CellClassifier that a builder may take.
_PARAMETERS = ("filters", "kernel_size", "dense_units", "dropout", "learning_rate")


def check_architecture(name: Any) -> Builder:
    """Return the builder of an architecture.

    Raises
    ------
    InputError
        If there is no architecture of that name.
    """
    return ARCHITECTURES[check_option("architecture", name, tuple(ARCHITECTURES))]


def select_settings(classifier: Any) -> dict[str, Any]:
    """Return the parameters of a classifier that its architecture uses."""
    taken = inspect.signature(check_architecture(classifier.architecture)).parameters
    settings = {name: getattr(classifier, name) for name in _PARAMETERS if name in taken}
    if "filters" in settings:
        settings["filters"] = tuple(settings["filters"])
    return settings


def count_weights(classifier: Any, image_shape: Sequence[int], n_classes: int) -> int:
    """Return the number of weights of the network that a classifier would train.

    The network is built in a graph that never runs, so it takes no memory for its weights.

    Raises
    ------
    InputError
        If the network cannot be built, as when the images are too small for it.

    Examples
    --------
    >>> from cellsk import CellClassifier
    >>> from cellsk.neural_network import count_weights
    >>> f"{count_weights(CellClassifier(), (96, 96, 3), 2):,}"
    '2,001,985'
    """
    import tensorflow as tf

    meta: Mapping[str, Any] = {"X_shape_": (0, *image_shape), "n_classes_": n_classes}
    build = check_architecture(classifier.architecture)
    with tf.Graph().as_default():
        return int(build(meta, **select_settings(classifier), seed=0).count_params())
