"""A faster training step for the networks that it computes equally."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk.exceptions import FastStepWarning
from cellsk.neural_network.networks import (
    Node,
    Operation,
    OutsideTableError,
    find_slow_setting,
    read_model,
)

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["can_speed_up", "speed_up"]

# Largest difference of a probability from Keras' own forward pass. A wrong operation differs by
# 2e-3 or more in float32; the rounding of bfloat16 alone makes up to 1e-2.
TOLERANCES = {"float32": 1e-4, "bfloat16": 0.05}

# The settings of Adam that the faster update uses; all others must be empty.
ADAM = frozenset(
    {"name", "learning_rate", "weight_decay", "beta_1", "beta_2", "epsilon", "ema_momentum"}
)

_warned: set[str] = set()


def can_speed_up(model: keras.Model) -> bool:
    """Return whether the fast step computes what Keras' own step computes for this network.

    It does so for layers that have a faster operation in the table of layers, with the settings
    that the operation needs, trained by a plain Adam or AdamW.
    """
    import keras

    optimizer = model.optimizer
    if type(optimizer) not in (keras.optimizers.Adam, keras.optimizers.AdamW):
        return False
    if any(value for name, value in optimizer.get_config().items() if name not in ADAM):
        return False
    try:
        nodes = read_model(model).nodes[1:]
    except OutsideTableError:
        return False
    return nodes[-1].kind == "Dense" and not any(
        node.entry.fast is None or find_slow_setting(node.entry, node.config) for node in nodes
    )


def speed_up(model: keras.Model, precision: str, images: NDArray) -> bool:
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
    model : keras.Model
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
        # The caller of fit: eight functions and the decorator of fit are between.
        stacklevel=11,
    )


def _check_forward_pass(model: keras.Model, precision: str, images: NDArray) -> None:
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
def _noisy_biases(model: keras.Model) -> Iterator[None]:
    """Move the biases from zero, which would hide mistakes; then restore the state.

    The state includes that of random layers, which draw the same numbers in each check.
    """
    biases = [variable for variable in model.trainable_variables if variable.ndim == 1]
    changed = [*biases, *model.non_trainable_variables]
    state = [np.array(variable.value.numpy()) for variable in changed]
    generator = np.random.default_rng(0)
    for bias in biases:
        bias.assign(bias + generator.normal(0, 0.05, bias.shape))
    try:
        yield
    finally:
        for variable, value in zip(changed, state, strict=True):
            variable.assign(value)


def _replace_call(model: keras.Model, precision: str) -> None:
    import tensorflow as tf

    usual = model.call
    image, *nodes = read_model(model).nodes
    steps = list(_plan(model, nodes, precision))

    def call(inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        if not training:
            return usual(inputs, training=training, mask=mask)
        values = {image.name: tf.cast(inputs, "float32")}  # as the network does
        for step in steps:
            values[step.output] = step.operation(*(values[name] for name in step.inputs))
        return values[steps[-1].output]

    model.call = call


class Step(NamedTuple):
    """An operation, the layers whose outputs it takes, and the layer whose output it returns."""

    operation: Operation
    inputs: tuple[str, ...]
    output: str


def _plan(model: keras.Model, nodes: Sequence[Node], precision: str) -> Iterator[Step]:
    """Yield the operation of each layer, or of several layers together."""
    layers = {layer.name: layer for layer in model.layers}
    uses = Counter(name for node in nodes for name in node.inputs)
    while nodes:
        chain = list(_follow(nodes, uses))
        plan = chain[0].entry.fast
        assert plan is not None  # can_speed_up has looked at each layer
        operation, count = plan([layers[node.name] for node in chain], precision)
        yield Step(operation, chain[0].inputs, chain[count - 1].name)
        nodes = nodes[count:]


def _follow(nodes: Sequence[Node], uses: Mapping[str, int]) -> Iterator[Node]:
    """Yield the first node, and those behind it that alone get the output of the one before."""
    yield nodes[0]
    for before, node in pairwise(nodes):
        if node.inputs != (before.name,) or uses[before.name] > 1:
            return
        yield node


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
            if adam.weight_decay:
                variable.value.assign_sub(variable.value * (rate * adam.weight_decay))
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
