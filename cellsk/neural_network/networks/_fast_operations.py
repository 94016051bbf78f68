"""Cheaper training operations with the results of layers of Keras.

Each function takes the layers from its own on, and the precision. It returns an operation, and the
number of layers that the operation computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = [
    "Operation",
    "plan_call",
    "plan_convolution",
    "plan_dense",
    "plan_dropout",
    "plan_flatten",
]

Operation: TypeAlias = "Callable[[tf.Tensor], tf.Tensor]"
Layers: TypeAlias = "Sequence[keras.Layer]"


def plan_call(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Call the layer itself."""
    return layers[0], 1


def plan_dropout(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Call the dropout layer as in training."""
    return partial(layers[0], training=True), 1


def plan_convolution(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Convolve and pool, with ReLU after the pool, if both follow; else call the layer."""
    import keras

    conv, pool = layers[0], layers[1] if len(layers) > 1 else None
    if type(pool) is keras.layers.MaxPooling2D and conv.activation is keras.activations.relu:
        return partial(_convolve_and_pool, conv, pool, precision), 2
    return conv, 1


def plan_flatten(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Reshape."""
    return _flatten, 1


def plan_dense(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Multiply in the precision; the last layer is called itself, in float32."""
    return (layers[0] if len(layers) == 1 else partial(_multiply, layers[0], precision)), 1


def _convolve_and_pool(
    conv: keras.layers.Conv2D, pool: keras.layers.MaxPooling2D, precision: str, images: tf.Tensor
) -> tf.Tensor:
    import tensorflow as tf

    kernel, bias = (tf.cast(weight.value, precision) for weight in (conv.kernel, conv.bias))
    values = tf.nn.conv2d(tf.cast(images, precision), kernel, 1, "VALID")
    shrink = partial(tf.nn.max_pool2d, ksize=pool.pool_size, strides=pool.strides, padding="VALID")
    add_bias = partial(tf.nn.bias_add, bias=bias)
    if precision == "float32":
        return tf.nn.relu(add_bias(shrink(values)))
    return tf.nn.relu(shrink(add_bias(values)))


def _flatten(values: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.reshape(values, (-1, values.shape[1:].num_elements()))


def _multiply(dense: keras.layers.Dense, precision: str, values: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    kernel, bias = (tf.cast(weight.value, precision) for weight in (dense.kernel, dense.bias))
    return dense.activation(tf.nn.bias_add(tf.cast(values, precision) @ kernel, bias))
