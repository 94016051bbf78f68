"""The operations of one training step of the seed network, each timed alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

__all__ = ["BATCH_SIZE", "measure_operations"]

BATCH_SIZE = 32
STRIDES = [1, 1, 1, 1]
WARM_UP = 3
Operations: TypeAlias = dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]


def list_operations(dtype: str, side: int) -> Operations:
    """Return the operations of one step, each a function and the tensors to call it with."""
    import tensorflow as tf

    def draw(*shape: int) -> Any:
        return tf.cast(tf.random.normal(shape), dtype)

    n, conv_1, pool_1 = BATCH_SIZE, side - 2, (side - 2) // 2
    conv_2, pool_2 = pool_1 - 2, (pool_1 - 2) // 2
    flat = pool_2 * pool_2 * 64
    pixels = tf.cast(tf.random.uniform((n, side, side, 3), 0, 256, tf.int32), tf.uint8)
    image, kernel_1, bias_1 = draw(n, side, side, 3), draw(3, 3, 3, 32), draw(32)
    map_1, small_1 = draw(n, conv_1, conv_1, 32), draw(n, pool_1, pool_1, 32)
    kernel_2, bias_2 = draw(3, 3, 32, 64), draw(64)
    map_2, small_2 = draw(n, conv_2, conv_2, 64), draw(n, pool_2, pool_2, 64)
    features, weights, bias, hidden = draw(n, flat), draw(flat, 64), draw(64), draw(n, 64)
    return {
        "rescale": (lambda x: tf.cast(x, dtype) * tf.cast(1 / 255, dtype), (pixels,)),
        "conv 1, bias, ReLU": (_convolve, (image, kernel_1, bias_1)),
        "pool 1 and its gradient": (_pool_both_ways, (map_1, small_1)),
        "conv 2, bias, ReLU": (_convolve, (small_1, kernel_2, bias_2)),
        "pool 2 and its gradient": (_pool_both_ways, (map_2, small_2)),
        "dense, bias, ReLU": (lambda x, w, b: tf.nn.relu(x @ w + b), (features, weights, bias)),
        "output and loss, with gradients": (_lose, (hidden, draw(64, 1), draw(1))),
        "dense, gradients of kernel and bias": (_dense_gradients, (features, hidden)),
        "dense, gradient of input": (
            lambda d, w: tf.matmul(d, w, transpose_b=True),
            (hidden, weights),
        ),
        "ReLU 2, gradient": (_relu_gradient, (map_2, map_2)),
        "conv 2, gradients of kernel and bias": (_kernel_gradients, (small_1, map_2)),
        "conv 2, gradient of input": (
            lambda w, d: _input_gradient(w, d, small_1.shape),
            (kernel_2, map_2),
        ),
        "ReLU 1, gradient": (_relu_gradient, (map_1, map_1)),
        "conv 1, gradients of kernel and bias": (_kernel_gradients, (image, map_1)),
        "Adam": (_make_adam(flat), ()),
        **({} if dtype == "float32" else {"casts of weights and gradients": _list_casts(weights)}),
    }


def _convolve(images: Any, kernel: Any, bias: Any) -> Any:
    import tensorflow as tf

    return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(images, kernel, 1, "VALID"), bias))


def _pool_both_ways(maps: Any, gradient: Any) -> Any:
    import tensorflow as tf

    pooled = tf.nn.max_pool2d(maps, 2, 2, "VALID")
    return pooled, tf.gradients(pooled, maps, gradient)[0]


def _lose(hidden: Any, weights: Any, bias: Any) -> Any:
    import tensorflow as tf

    logits = tf.cast(hidden @ weights + bias, tf.float32)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.ones_like(logits), logits)
    return tf.gradients(tf.reduce_mean(losses), [hidden, weights, bias])


def _dense_gradients(features: Any, gradient: Any) -> Any:
    import tensorflow as tf

    return tf.matmul(features, gradient, transpose_a=True), tf.reduce_sum(gradient, 0)


def _relu_gradient(gradient: Any, maps: Any) -> Any:
    import tensorflow as tf

    return tf.raw_ops.ReluGrad(gradients=gradient, features=maps)


def _kernel_gradients(images: Any, gradient: Any) -> Any:
    import tensorflow as tf

    kernel = tf.raw_ops.Conv2DBackpropFilter(
        input=images,
        filter_sizes=[3, 3, images.shape[-1], gradient.shape[-1]],
        out_backprop=gradient,
        strides=STRIDES,
        padding="VALID",
    )
    return kernel, tf.raw_ops.BiasAddGrad(out_backprop=gradient)


def _input_gradient(kernel: Any, gradient: Any, shape: Any) -> Any:
    import tensorflow as tf

    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=list(shape),
        filter=kernel,
        out_backprop=gradient,
        strides=STRIDES,
        padding="VALID",
    )


def _make_adam(flat: int) -> Callable[[], Any]:
    """Return the update of all weights, which stay float32 in both precisions."""
    import tensorflow as tf

    shapes = [(3, 3, 3, 32), (32,), (3, 3, 32, 64), (64,), (flat, 64), (64,), (64, 1), (1,)]
    slots = [[tf.Variable(tf.random.uniform(shape)) for _ in range(4)] for shape in shapes]

    def update() -> Any:
        for weight, mean, square, gradient in slots:
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=0.9,
                beta2_power=0.999,
                lr=1e-3,
                beta1=0.9,
                beta2=0.999,
                epsilon=1e-7,
                grad=gradient,
            )
        return tf.constant(0)

    return update


def _list_casts(weights: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return the casts of the dense kernel to bfloat16 and of its gradient back."""
    import tensorflow as tf

    return (
        lambda w, g: (tf.cast(w, tf.bfloat16), tf.cast(g, tf.float32)),
        (tf.cast(weights, tf.float32), weights),
    )


def measure_operations(dtype: str, side: int, calls: int) -> dict[str, list[float]]:
    """Return the milliseconds of each call of each operation, without those of an empty call.

    The operations run in turns, as in a step. So other load on the machine affects all of them,
    and no operation finds its tensors in the cache.
    """
    import tensorflow as tf

    tf.random.set_seed(0)
    operations = list_operations(dtype, side)
    traced = [_trace(*operation) for operation in operations.values()]
    empty = _trace(tf.identity, (tf.zeros(1),))
    times = [[_time(run) for run in [empty, *traced]] for _ in range(calls + WARM_UP)][WARM_UP:]
    nothing = statistics.median(cycle[0] for cycle in times)
    return {
        name: [max(cycle[position] - nothing, 0.0) for cycle in times]
        for position, name in enumerate(operations, start=1)
    }


def _trace(function: Callable[..., Any], tensors: tuple[Any, ...]) -> Callable[[], Any]:
    import tensorflow as tf

    # Arguments, because TensorFlow would compute results of captured constants only once.
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
    return partial(tf.function(function).get_concrete_function(*specs), *tensors)


def _time(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000
