"""The architectures: how each network is built, and its default settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from cellsk._checks import check_option
from cellsk.neural_network.networks._compact import build_compact
from cellsk.neural_network.networks._equivariant import build_equivariant
from cellsk.neural_network.networks._seed import build_cnn, check_filters

if TYPE_CHECKING:
    import keras

__all__ = [
    "ARCHITECTURES",
    "AUTO",
    "Architecture",
    "Settings",
    "check_architecture",
    "choose_settings",
    "count_weights",
    "register_layers",
    "select_settings",
]

Builder: TypeAlias = "Callable[..., keras.Model]"

AUTO = "auto"


class Settings(NamedTuple):
    """The parameters of CellClassifier whose defaults belong to the architecture.

    Attributes
    ----------
    filters, dropout, augmentation, learning_rate, weight_decay, epochs, early_stopping, schedule
        The same as in CellClassifier. These defaults are those of the seed network.
    """

    filters: tuple[int, ...] = (32, 64)
    dropout: float = 0.0
    augmentation: Any = None
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    epochs: int = 30
    early_stopping: bool = True
    schedule: str = "constant"


class Architecture(NamedTuple):
    """A network by name.

    Attributes
    ----------
    build : callable
        Takes the images' shape and the number of classes in a mapping, as scikeras gives it, and as
        keywords `rescale`, `seed`, and those parameters of CellClassifier that it uses. Returns a
        compiled network, in which each layer has a name and a seed.
    settings : Settings
        How it is built and trained where a parameter is "auto".
    has_own_layers : bool
        Whether it has layers of cellsk, which Keras must know before it reads such a network.
    """

    build: Builder
    settings: Settings = Settings()
    has_own_layers: bool = False


ARCHITECTURES: dict[str, Architecture] = {
    "seed": Architecture(build_cnn),
    "compact": Architecture(
        build_compact,
        Settings(
            filters=(32, 64, 128),
            dropout=0.2,
            augmentation="microscopy",
            learning_rate=2e-3,
            weight_decay=0.02,
            epochs=30,
            early_stopping=False,
            schedule="cosine",
        ),
    ),
    "equivariant": Architecture(
        build_equivariant,
        Settings(
            filters=(4, 8, 16),
            dropout=0.2,
            augmentation="microscopy",
            learning_rate=2e-3,
            weight_decay=0.02,
            epochs=30,
            early_stopping=False,
            schedule="cosine",
        ),
        has_own_layers=True,
    ),
}

# The parameters of CellClassifier that a builder may take.
_PARAMETERS = ("filters", "kernel_size", "dense_units", "dropout", "learning_rate", "weight_decay")


def check_architecture(name: Any) -> Architecture:
    """Return an architecture.

    Raises
    ------
    InputError
        If there is no architecture of that name.
    """
    return ARCHITECTURES[check_option("architecture", name, tuple(ARCHITECTURES))]


def register_layers() -> None:
    """Register the layers of cellsk with Keras, which then can read networks that have them."""
    import cellsk.neural_network.networks._group_layers  # noqa: F401


def choose_settings(classifier: Any) -> Settings:
    """Return the settings of a classifier, with those of its architecture where it has "auto".

    Raises
    ------
    InputError
        If there is no architecture of that name, or the filters are not counts.

    Examples
    --------
    >>> from cellsk import CellClassifier
    >>> from cellsk.neural_network import choose_settings
    >>> choose_settings(CellClassifier(epochs=5)).filters
    (32, 64)
    """
    usual = check_architecture(classifier.architecture).settings
    given = {name: getattr(classifier, name) for name in Settings._fields}
    chosen = {name: value for name, value in given.items() if not _is_auto(value)}
    if "filters" in chosen:
        chosen["filters"] = check_filters(chosen["filters"])
    return usual._replace(**chosen)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == AUTO


def select_settings(classifier: Any) -> dict[str, Any]:
    """Return the parameters of a classifier that the builder of its architecture uses."""
    taken = inspect.signature(check_architecture(classifier.architecture).build).parameters
    chosen = choose_settings(classifier)._asdict()
    values = {name: chosen.get(name, getattr(classifier, name)) for name in _PARAMETERS}
    return {name: value for name, value in values.items() if name in taken}


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
    build = check_architecture(classifier.architecture).build
    with tf.Graph().as_default():
        return int(build(meta, **select_settings(classifier), seed=0).count_params())
