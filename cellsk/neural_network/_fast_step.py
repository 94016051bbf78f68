"""A faster training step for the networks that it computes equally."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cellsk.exceptions import FastStepWarning

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["can_speed_up", "speed_up"]

Step: TypeAlias = "Callable[[tf.Tensor], tf.Tensor]"

# Largest difference of a probability from Keras' own forward pass. A wrong operation differs by
# 2e-3 or more in float32; the rounding of bfloat16 alone makes up to 1e-2.
TOLERANCES = {"float32": 1e-4, "bfloat16": 0.05}

# The only values that these settings may have. Settings that are not listed must be empty (None
# or False), except those of FREE.
PLAIN: Mapping[str, Mapping[str, Any]] = {
    "Rescaling": {},
    "Conv2D": {
        "strides": (1, 1),
        "padding": "valid",
        "data_format": "channels_last",
        "dilation_rate": (1, 1),
        "groups": 1,
        "use_bias": True,
    },
    "MaxPooling2D": {"padding": "valid", "data_format": "channels_last"},
    "Flatten": {"data_format": "channels_last"},
    "Dense": {"use_bias": True},
    "Dropout": {},
}
FREE: Mapping[str, frozenset[str]] = {
    "Rescaling": frozenset({"scale", "offset"}),
    "Conv2D": frozenset({"filters", "kernel_size", "activation"}),
    "MaxPooling2D": frozenset({"pool_size", "strides"}),
    "Flatten": frozenset(),
    "Dense": frozenset({"units", "activation"}),
    "Dropout": frozenset({"rate", "seed"}),
}
FREE_ANYWHERE = frozenset({"name", "trainable", "dtype", "kernel_initializer", "bias_initializer"})
ACTIVATIONS = frozenset({"linear", "relu", "sigmoid", "softmax"})
# The settings of Adam that the faster update uses; all others must be empty.
ADAM = frozenset({"name", "learning_rate", "beta_1", "beta_2", "epsilon", "ema_momentum"})

_warned: set[str] = set()


def can_speed_up(model: keras.Model) -> bool:
    """Return whether the fast step computes what Keras' own step computes for this network.

    It does so for a chain of layers with the settings of ``PLAIN``, trained by a plain Adam.
    """
    import keras

    return (
        type(model) is keras.Sequential
        and all(map(_is_plain, model.layers))
        and type(model.layers[-1]) is keras.layers.Dense
        and type(model.optimizer) is keras.optimizers.Adam
        and not any(v for k, v in model.optimizer.get_config().items() if k not in ADAM)
    )


def _is_plain(layer: keras.Layer) -> bool:
    import keras

    name = type(layer).__name__
    if name not in PLAIN or type(layer) is not getattr(keras.layers, name):
        return False
    config = layer.get_config()
    return (
        all(config.get(key) == value for key, value in PLAIN[name].items())
        and not any(config[k] for k in config.keys() - PLAIN[name] - FREE[name] - FREE_ANYWHERE)
        and config.get("activation", "linear") in ACTIVATIONS
        and layer.dtype_policy.name == "float32"
    )


def speed_up(model: keras.Sequential, precision: str, images: NDArray) -> bool:
    """Patch ``model`` so that training is faster. Inference and the layers are unchanged.

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

    Parameters
    ----------
    model : keras.Sequential
        The network. Its optimizer is built if it is not yet.
    precision : str
        "float32" or "bfloat16".
    images : ndarray
        A few images that train, on which the forward pass is compared with Keras' own.

    Returns
    -------
    done : bool
        False if the fast step does not cover this network, or cannot be used with this version
        of Keras. The model is then as Keras made it.

    Warns
    -----
    FastStepWarning
        If the fast step covers this network, but cannot be used. It comes once in a process.
    """
    import tensorflow as tf

    if not can_speed_up(model):
        return False
    try:
        _check_forward_pass(model, precision, images)
        model.optimizer.build(model.trainable_variables)
        update = _plan_update(model.optimizer, model.trainable_variables)
    except tf.errors.ResourceExhaustedError:
        raise
    except Exception as error:  # another version of Keras may fail in too many ways to list
        _warn_once(f"{type(error).__name__}: {error}")
        return False
    _replace_call(model, precision)
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        model.optimizer.apply = update
    return True


def _warn_once(reason: str) -> None:
    if reason in _warned:
        return
    _warned.add(reason)
    warnings.warn(
        FastStepWarning(
            "Training should use the fast step",
            f"Keras {version('keras')}, with which it cannot be used ({reason})",
            "Training uses Keras' own step in float32, which is slower and gives right numbers. "
            "Install a version of Keras that cellsk supports, or set CELLSK_FAST to 'off'.",
            code="fast-step-unusable",
        ),
        # The caller of fit: six functions and the decorator of fit are between.
        stacklevel=9,
    )


def _check_forward_pass(model: keras.Sequential, precision: str, images: NDArray) -> None:
    """Raise if the fast step computes other probabilities than Keras on these images.

    Raises
    ------
    ArithmeticError
        If they differ by more than rounding.
    """

    def compute() -> NDArray:
        with _noisy_biases(model):
            return np.asarray(model(images, training=True))

    expected = compute()
    for tried in dict.fromkeys(("float32", precision)):
        _replace_call(model, tried)
        try:
            found = compute()
        finally:
            del model.call
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCES[tried]:
            raise ArithmeticError(f"its forward pass in {tried} differs by {difference:.1g}")


@contextmanager
def _noisy_biases(model: keras.Sequential) -> Iterator[None]:
    """Give the biases other values than zero, which would hide mistakes; then restore the state.

    The state includes that of random layers, which draw the same numbers in each check.
    """
    biases = [variable for variable in model.trainable_variables if variable.ndim == 1]
    changed = [*biases, *model.non_trainable_variables]
    state = [np.array(variable.value.numpy()) for variable in changed]
    generator = np.random.default_rng(0)
    for bias in biases:
        bias.assign(generator.normal(0, 0.05, bias.shape))
    try:
        yield
    finally:
        for variable, value in zip(changed, state, strict=True):
            variable.assign(value)


def _replace_call(model: keras.Sequential, precision: str) -> None:
    usual, steps = model.call, list(_plan(model.layers, precision))

    def call(inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        if not training:
            return usual(inputs, training=training, mask=mask)
        for step in steps:
            inputs = step(inputs)
        return inputs

    model.call = call


def _plan(layers: Sequence[keras.Layer], precision: str) -> Iterator[Step]:
    """Yield the operation of each layer, or of a convolution and its pool together."""
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
        elif type(layer) is keras.layers.Dropout:
            yield partial(layer, training=True)
        else:
            yield layer


def _is_block(layer: keras.Layer, after: keras.Layer | None) -> bool:
    import keras

    return (
        type(layer) is keras.layers.Conv2D
        and type(after) is keras.layers.MaxPooling2D
        and layer.activation is keras.activations.relu
    )


def _convolve_and_pool(
    conv: keras.layers.Conv2D, pool: keras.layers.MaxPooling2D, precision: str, images: tf.Tensor
) -> tf.Tensor:
    import tensorflow as tf

    kernel, bias = (tf.cast(part.value, precision) for part in (conv.kernel, conv.bias))
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

    kernel, bias = (tf.cast(part.value, precision) for part in (dense.kernel, dense.bias))
    return dense.activation(tf.nn.bias_add(tf.cast(values, precision) @ kernel, bias))


def _plan_update(
    adam: keras.optimizers.Adam, variables: Sequence[keras.Variable]
) -> Callable[[Sequence[tf.Tensor], Sequence[keras.Variable]], None]:
    """Return what takes the place of ``adam.apply``: TensorFlow's own operation for Adam.

    Raises
    ------
    LookupError
        If the two moments of a variable are not among the optimizer's variables.
    """
    import tensorflow as tf

    moments = _find_moments(adam, variables)

    def apply(gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable]) -> None:
        count = tf.cast(adam.iterations.value + 1, "float32")
        rate, first, second, epsilon = (
            tf.cast(value, "float32")
            for value in (adam.learning_rate, adam.beta_1, adam.beta_2, adam.epsilon)
        )
        for gradient, variable in zip(gradients, variables, strict=True):
            momentum, velocity = moments[variable.path]
            tf.raw_ops.ResourceApplyAdam(
                var=variable.value.handle,
                m=momentum.value.handle,
                v=velocity.value.handle,
                beta1_power=tf.pow(first, count),
                beta2_power=tf.pow(second, count),
                lr=rate,
                beta1=first,
                beta2=second,
                epsilon=epsilon,
                grad=gradient,
            )
        adam.iterations.assign_add(1)

    return apply


def _find_moments(
    adam: keras.optimizers.Adam, variables: Sequence[keras.Variable]
) -> dict[str, tuple[keras.Variable, keras.Variable]]:
    """Return momentum and velocity of each variable by its path. Keras names them after it."""
    known = {variable.path: variable for variable in adam.variables}
    if len(known) != len(adam.variables) or len({v.path for v in variables}) != len(variables):
        raise LookupError("two variables have the same path")
    stems = {v.path: f"{adam.name}/{v.path.replace('/', '_')}" for v in variables}
    return {
        path: (known[f"{stem}_momentum"], known[f"{stem}_velocity"]) for path, stem in stems.items()
    }
