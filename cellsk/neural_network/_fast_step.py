"""The training step of a network, by cheaper operations with the same result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["speed_up"]

Step: TypeAlias = "Callable[[tf.Tensor], tf.Tensor]"


def speed_up(model: keras.Sequential, precision: str) -> None:
    """Let ``model`` train faster; what it computes elsewhere, and its layers, stay as they are.

    - ReLU comes after the max-pool, on a quarter of the values; in float32 so does the bias,
      which bfloat16 adds for less within the convolution. Rounding keeps the order of numbers,
      so the outputs are equal to the last bit; the gradient of equal maxima may go to another
      one of them.
    - With ``precision="bfloat16"`` convolutions and hidden dense layers multiply in
      bfloat16. Variables, the last layer, the loss and the update stay float32.
    - On one replica the sum of the gradients over replicas is left out: each trace of it
      registers a gradient function for good, and with it the graph of the whole step.
    - Adam updates each variable in one pass over memory instead of ten. That operation takes
      1 - beta_2 of beta_2 as float32 has it, which is 1.3e-5 from Keras' own.
    """
    import keras
    import tensorflow as tf

    usual, steps = model.call, list(_plan(model.layers, precision))

    def call(inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        if not training:
            return usual(inputs, training=training, mask=mask)
        for step in steps:
            inputs = step(inputs)
        return inputs

    model.call = call
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        model.optimizer._all_reduce_sum_gradients = list
    if type(model.optimizer) is keras.optimizers.Adam and not model.optimizer.amsgrad:
        model.optimizer.update_step = partial(_update, model.optimizer)


def _plan(layers: Sequence[keras.Layer], precision: str) -> Iterator[Step]:
    """What is done for each layer, or for a convolution and its pool at once."""
    import keras

    last = layers[-1]
    following = [*layers[1:], None]
    pooled = None
    for layer, after in zip(layers, following, strict=True):
        if layer is pooled:
            continue
        if _is_block(layer, after):
            pooled = after
            yield partial(_convolve_and_pool, layer, after, precision)
        elif type(layer) is keras.layers.Flatten:
            yield _flatten
        elif type(layer) is keras.layers.Dense and layer is not last:
            yield partial(_multiply, layer, precision)
        else:
            yield partial(layer, training=True) if _has_training(layer) else layer


def _is_block(layer: keras.Layer, after: keras.Layer | None) -> bool:
    import keras

    return (
        type(layer) is keras.layers.Conv2D
        and type(after) is keras.layers.MaxPooling2D
        and layer.activation is keras.activations.relu
    )


def _has_training(layer: keras.Layer) -> bool:
    return bool(layer._call_has_training_arg)


def _convolve_and_pool(
    conv: keras.layers.Conv2D, pool: keras.layers.MaxPooling2D, precision: str, images: tf.Tensor
) -> tf.Tensor:
    import tensorflow as tf

    kernel, bias = (tf.cast(part.value, precision) for part in (conv.kernel, conv.bias))
    values = tf.nn.conv2d(tf.cast(images, precision), kernel, conv.strides, "VALID")
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

    kernel, bias = (tf.cast(part.value, precision) for part in (dense.kernel, dense.bias))
    return dense.activation(tf.nn.bias_add(tf.cast(values, precision) @ kernel, bias))


def _update(
    adam: keras.optimizers.Adam, gradient: tf.Tensor, variable: tf.Variable, learning_rate: Any
) -> None:
    """One step of Adam, by TensorFlow's own operation for it."""
    import tensorflow as tf

    index = adam._get_variable_index(variable)
    count = tf.cast(adam.iterations.value + 1, variable.dtype)
    rate, first, second, epsilon = (
        tf.cast(value, variable.dtype)
        for value in (learning_rate, adam.beta_1, adam.beta_2, adam.epsilon)
    )
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=adam._momentums[index].value.handle,
        v=adam._velocities[index].value.handle,
        beta1_power=tf.pow(first, count),
        beta2_power=tf.pow(second, count),
        lr=rate,
        beta1=first,
        beta2=second,
        epsilon=epsilon,
        grad=gradient,
    )
