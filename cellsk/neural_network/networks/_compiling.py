"""The outputs of a network, and how it is compiled: the same for each architecture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

__all__ = ["compile_network", "count_outputs", "draw_layer_seeds", "make_output_layer"]


def count_outputs(n_classes: int) -> int:
    """Return one for two classes, else one for each class."""
    return 1 if n_classes <= 2 else int(n_classes)


def make_output_layer(n_classes: int, seed: int) -> keras.Layer:
    """Return the layer of the probabilities: one sigmoid unit, or a softmax over the classes."""
    import keras

    n_outputs = count_outputs(n_classes)
    return keras.layers.Dense(
        n_outputs,
        activation="sigmoid" if n_outputs == 1 else "softmax",
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        name="probability",
    )


def compile_network(model: keras.Model, learning_rate: float, weight_decay: float = 0) -> None:
    """Compile a network of probabilities with Adam or AdamW on the cross-entropy."""
    import keras

    n_outputs = model.output_shape[-1]
    # TensorFlow keeps 35 kB for each new name of a variable for good; so no "adam_2".
    settings = {"learning_rate": float(learning_rate), "name": "adam"}
    if weight_decay:
        optimizer = keras.optimizers.AdamW(weight_decay=float(weight_decay), **settings)
    else:
        optimizer = keras.optimizers.Adam(**settings)
    model.compile(
        optimizer=optimizer,
        loss="binary_crossentropy" if n_outputs == 1 else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    # Keras exports a network only after a call. Training and predictions here do not call it.
    model(keras.KerasTensor(model.input_shape))


def draw_layer_seeds(seed: int | None, count: int) -> Iterator[int]:
    """Return a seed for each layer, so that Keras draws none from global state."""
    state = np.random.SeedSequence(seed).generate_state(count)
    return (int(word) >> 1 for word in state)
