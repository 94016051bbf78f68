"""Cheaper training operations with the results of layers of Keras.

Each function takes a layer with the layers behind it, as far as each is the only one that gets the
output of the layer before it, and the precision. It returns an operation of the layer's inputs, and
the number of layers that the operation computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = [
    "Operation",
    "plan_activation",
    "plan_average",
    "plan_call",
    "plan_concatenation",
    "plan_convolution",
    "plan_dense",
    "plan_depthwise",
    "plan_dropout",
    "plan_flatten",
    "plan_group_convolution",
    "plan_group_normalization",
    "plan_normalization",
    "plan_padding",
    "plan_pool",
    "plan_relu",
    "plan_sum",
]

Operation: TypeAlias = "Callable[..., tf.Tensor]"
Layers: TypeAlias = "Sequence[keras.Layer]"


def plan_call(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Call the layer itself."""
    return layers[0], 1


def plan_dropout(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Call the dropout layer as in training."""
    return partial(layers[0], training=True), 1


def plan_convolution(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Convolve, and also pool with ReLU after the pool, if both follow."""
    if _is_pooled(layers):
        return partial(_convolve_and_pool, layers[0], layers[1], precision), 2
    return partial(_convolve, layers[0], precision), 1


def _is_pooled(layers: Layers) -> bool:
    """Return whether a convolution with ReLU is followed by a max-pool, both without margins."""
    import keras

    conv, *after = layers
    return bool(
        after
        and type(after[0]) is keras.layers.MaxPooling2D
        and conv.activation is keras.activations.relu
        and conv.bias is not None
        and {conv.padding, after[0].padding} == {"valid"}
        and conv.strides == (1, 1)
    )


def plan_depthwise(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Convolve each channel by itself."""
    return partial(_convolve_each, layers[0], precision), 1


def plan_normalization(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Normalize images in one operation; call the layer for values without height and width."""
    norm = layers[0]
    return (partial(_normalize, norm, precision) if len(norm.input.shape) == 4 else
            partial(norm, training=True)), 1  # fmt: skip


def plan_activation(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Apply the activation in the precision of its input."""
    return layers[0].activation, 1


def plan_concatenation(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Join the channels in the precision of the inputs."""
    return _concatenate, 1


def plan_padding(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Add the margins in the precision of the input."""
    return partial(_pad, layers[0].padding), 1


def plan_relu(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Apply ReLU in the precision of its input."""
    return partial(_rectify, layers[0].max_value), 1


def plan_sum(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Add in the precision of the inputs."""
    return _add, 1


def plan_pool(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Pool in the precision of the input."""
    import keras

    is_maximum = type(layers[0]) is keras.layers.MaxPooling2D
    return partial(_pool, layers[0], is_maximum), 1


def plan_average(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Average each channel in float32."""
    return _average, 1


def plan_group_convolution(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Convolve by the expanded kernel in the precision."""
    return partial(_convolve_group, layers[0], precision), 1


def plan_group_normalization(layers: Layers, precision: str) -> tuple[Operation, int]:
    """Call the layer in the precision of its input."""
    layer = layers[0]
    # A call of the layer itself would turn its input into float32.
    return partial(layer.call, training=True), 1


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


def _convolve(conv: keras.layers.Conv2D, precision: str, images: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    kernel = tf.cast(conv.kernel.value, precision)
    values = tf.nn.conv2d(tf.cast(images, precision), kernel, conv.strides, conv.padding.upper())
    if conv.bias is not None:
        values = tf.nn.bias_add(values, tf.cast(conv.bias.value, precision))
    return conv.activation(values)


def _convolve_group(layer: Any, precision: str, images: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    kernel = tf.cast(layer.expand_kernel(), precision)
    return tf.nn.conv2d(tf.cast(images, precision), kernel, layer.strides, "SAME")


def _convolve_each(
    conv: keras.layers.DepthwiseConv2D, precision: str, images: tf.Tensor
) -> tf.Tensor:
    import tensorflow as tf

    kernel = tf.cast(conv.kernel.value, precision)
    strides = (1, *conv.strides, 1)
    values = tf.nn.depthwise_conv2d(
        tf.cast(images, precision), kernel, strides, conv.padding.upper()
    )
    if conv.bias is not None:
        values = tf.nn.bias_add(values, tf.cast(conv.bias.value, precision))
    return conv.activation(values)


def _normalize(
    norm: keras.layers.BatchNormalization, precision: str, images: tf.Tensor
) -> tf.Tensor:
    """Normalize by the batch, and move the statistics as Keras does.

    TensorFlow returns the variance of n values divided by n - 1, and Keras divides by n.
    """
    import tensorflow as tf

    run = partial(
        tf.raw_ops.FusedBatchNormV3,
        x=tf.cast(images, precision),
        scale=norm.gamma.value,
        offset=norm.beta.value,
        epsilon=norm.epsilon,
    )
    if not norm.trainable:
        moving = {"mean": norm.moving_mean.value, "variance": norm.moving_variance.value}
        return run(**moving, is_training=False).y
    empty = tf.zeros(0)
    batch = run(mean=empty, variance=empty, is_training=True)
    count = tf.cast(tf.reduce_prod(tf.shape(images)[:3]), "float32")
    shrunk = batch.batch_variance * tf.maximum(count - 1, 1) / count
    for moving, found in ((norm.moving_mean, batch.batch_mean), (norm.moving_variance, shrunk)):
        moving.assign(moving * norm.momentum + found * (1 - norm.momentum))
    return batch.y


def _rectify(limit: float | None, values: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.nn.relu(values) if limit is None else tf.clip_by_value(values, 0, limit)


def _add(*values: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.add_n([tf.cast(value, values[0].dtype) for value in values])


def _concatenate(*values: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.concat([tf.cast(value, values[0].dtype) for value in values], axis=-1)


def _pad(margins: Sequence[tuple[int, int]], images: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.pad(images, ((0, 0), *margins, (0, 0)))


def _pool(pool: keras.layers.Layer, is_maximum: bool, images: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    shrink = tf.nn.max_pool2d if is_maximum else tf.nn.avg_pool2d
    return shrink(images, pool.pool_size, pool.strides, pool.padding.upper())


def _average(images: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.reduce_mean(tf.cast(images, "float32"), axis=(1, 2))


def _flatten(values: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.reshape(values, (-1, values.shape[1:].num_elements()))


def _multiply(dense: keras.layers.Dense, precision: str, values: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    kernel, bias = (tf.cast(weight.value, precision) for weight in (dense.kernel, dense.bias))
    return dense.activation(tf.nn.bias_add(tf.cast(values, precision) @ kernel, bias))
