"""Layers that are equivariant under the eight symmetries of the square (the group p4m).

A feature map has one set of channels for each symmetry. If an image is turned by a quarter or
mirrored, its feature maps are turned or mirrored, too, and the sets of channels change places.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cellsk.neural_network.networks._layer_shapes import N_SYMMETRIES

__all__ = ["GroupBatchNormalization", "GroupConv2D", "GroupPooling", "turn"]

# The name of these layers in a file does not depend on where this module is.
register = keras.saving.register_keras_serializable(package="cellsk")


def turn(array: NDArray, symmetry: int) -> NDArray:
    """Return an array with its first two axes turned, after a reflection from symmetry 4 on."""
    return np.rot90(array[:, ::-1] if symmetry >= 4 else array, symmetry % 4)


@cache
def _find_products() -> NDArray[np.int64]:
    """Return the table of the group: which symmetry the inverse of one and another one make."""
    grid = np.arange(9).reshape(3, 3)
    places = [turn(grid, symmetry).ravel() for symmetry in range(N_SYMMETRIES)]
    inverses = [np.argsort(place) for place in places]
    products = [[inner[outer] for inner in places] for outer in inverses]
    return np.array([[_find(places, one) for one in row] for row in products])


def _find(places: list[NDArray], wanted: NDArray) -> int:
    return next(n for n, place in enumerate(places) if np.array_equal(place, wanted))


@cache
def _find_sources(size: int, n_sets: int) -> NDArray[np.int64]:
    """Return which weight is at each place of the expanded kernel.

    The set of output channels of a symmetry has the kernel turned by it. Between two feature maps,
    the sets of input channels change places, too.
    """
    grid = np.arange(size * size).reshape(size, size)
    sources = np.empty((size * size, n_sets, N_SYMMETRIES), np.int64)
    for symmetry in range(N_SYMMETRIES):
        for given in range(n_sets):
            taken = _find_products()[symmetry, given] if n_sets > 1 else 0
            sources[:, given, symmetry] = turn(grid, symmetry).ravel() * n_sets + taken
    return sources.ravel()


@register
class GroupConv2D(keras.layers.Layer):
    """Group-equivariant convolution: one kernel, turned and mirrored in eight ways.

    Parameters
    ----------
    filters : int
        Channels of each symmetry. The output has eight times as many.
    kernel_size : int
        Height and width of the kernel, in pixels.
    strides : int, default=1
        Steps between windows, in pixels. The kernel must be even for a stride of 2, and the sides
        of the images too, because otherwise the margins are not the same on both sides.
    lifts : bool, default=False
        Whether the input is an image, and not a feature map of eight sets of channels.
    kernel_initializer : keras.initializers.Initializer, default="he_normal"
        First weights.
    **kwargs : dict
        Name and dtype, as of other layers.

    References
    ----------
    T. S. Cohen and M. Welling, "Group equivariant convolutional networks", ICML 2016.

    B. S. Veeling et al., "Rotation equivariant CNNs for digital pathology", MICCAI 2018.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        strides: int = 1,
        lifts: bool = False,
        kernel_initializer: Any = "he_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.lifts = lifts
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Any) -> None:
        """Make the weights: (kernel_size, kernel_size, input channels, filters)."""
        size = self.kernel_size
        self.kernel = self.add_weight(
            shape=(size, size, input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
            name="kernel",
        )

    def expand_kernel(self) -> tf.Tensor:
        """Return the kernel of the plain convolution that computes the same."""
        size, _, channels, filters = self.kernel.shape
        n_sets = 1 if self.lifts else N_SYMMETRIES
        rows = tf.reshape(self.kernel.value, (size * size * n_sets, -1))
        taken = tf.gather(rows, _find_sources(size, n_sets))
        parts = (size, size, n_sets, N_SYMMETRIES, channels // n_sets, filters)
        ordered = tf.transpose(tf.reshape(taken, parts), (0, 1, 2, 4, 3, 5))
        return tf.reshape(ordered, (size, size, channels, N_SYMMETRIES * filters))

    def call(self, inputs: Any) -> Any:
        """Return the feature map."""
        return tf.nn.conv2d(inputs, self.expand_kernel(), self.strides, "SAME")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the feature map."""
        n, height, width, _ = input_shape
        after = (None if side is None else -(-side // self.strides) for side in (height, width))
        return n, *after, N_SYMMETRIES * self.filters

    def get_config(self) -> dict[str, Any]:
        """Return the parameters."""
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "lifts": self.lifts,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@register
class GroupBatchNormalization(keras.layers.Layer):
    """Batch normalization with one scale, shift, mean and variance for all eight symmetries.

    In training each channel is normalized by its own mean and variance in the batch. This is much
    faster than those of the eight symmetries together, and the same on average over images in all
    orientations. Predictions use the moving statistics over all symmetries, and so are equivariant.

    Parameters
    ----------
    momentum : float, default=0.9
        Weight of the old moving statistics in each step.
    epsilon : float, default=1e-3
        Number added to the variance.
    **kwargs : dict
        Name and dtype, as of other layers.
    """

    def __init__(self, *, momentum: float = 0.9, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Make the weights, one of each kind for each channel of a symmetry."""
        shape = (input_shape[-1] // N_SYMMETRIES,)
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")
        self.moving_mean = self.add_weight(
            shape=shape, initializer="zeros", trainable=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            shape=shape, initializer="ones", trainable=False, name="moving_variance"
        )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the normalized feature map."""
        gamma, beta, mean, variance = self.repeat_weights()
        run = {"x": inputs, "scale": gamma, "offset": beta, "epsilon": self.epsilon}
        if not training or not self.trainable:
            normalize = tf.raw_ops.FusedBatchNormV3
            return normalize(mean=mean, variance=variance, is_training=False, **run).y
        empty = tf.zeros(0)
        batch = tf.raw_ops.FusedBatchNormV3(mean=empty, variance=empty, is_training=True, **run)
        means, variances = (
            tf.reshape(value, (N_SYMMETRIES, -1))
            for value in (batch.batch_mean, batch.batch_variance)
        )
        spread = tf.reduce_mean(variances, 0) + tf.math.reduce_variance(means, 0)
        self._move(self.moving_mean, tf.reduce_mean(means, 0))
        self._move(self.moving_variance, spread)
        return batch.y

    def repeat_weights(self) -> tuple[tf.Tensor, ...]:
        """Return scale, shift, mean and variance of each channel of the feature map."""
        weights = (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        return tuple(tf.tile(weight.value, [N_SYMMETRIES]) for weight in weights)

    def _move(self, statistic: keras.Variable, found: tf.Tensor) -> None:
        statistic.assign(statistic.value * self.momentum + found * (1 - self.momentum))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape, which stays the same."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the parameters."""
        return super().get_config() | {"momentum": self.momentum, "epsilon": self.epsilon}


@register
class GroupPooling(keras.layers.Layer):
    """Mean over the eight symmetries, which makes features invariant.

    Its input has shape (n, eight times the channels), after a global pooling.
    """

    def call(self, inputs: Any) -> Any:
        """Return the features, of shape (n, channels)."""
        return tf.reduce_mean(tf.reshape(inputs, (-1, N_SYMMETRIES, inputs.shape[-1] // 8)), 1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the features."""
        return input_shape[0], input_shape[1] // N_SYMMETRIES

    def get_config(self) -> dict[str, Any]:
        """Return name and dtype."""
        return super().get_config()  # the default would add what only Keras' own layers have
