"""Batches of images as TensorFlow datasets, in an order that only the seed decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["LabelledImages", "training_batches", "validation_batches"]

VALIDATION_BATCH_SIZE = 256


class LabelledImages(NamedTuple):
    """Images (n, height, width, channels), class codes (n,) and weights (n,)."""

    images: Any
    codes: Any
    weights: Any

    def take(self, rows: NDArray) -> LabelledImages:
        """Return a copy of some rows."""
        return LabelledImages(*(part[rows] for part in self))

    def as_tensors(self) -> LabelledImages:
        """Return the same as TensorFlow tensors, in the memory of the CPU."""
        import tensorflow as tf

        with tf.device("cpu"):
            return LabelledImages(*(tf.constant(part) for part in self))


def training_batches(
    data: LabelledImages, rows: NDArray, *, batch_size: int, seed: int
) -> tf.data.Dataset:
    """Batches of endless passes over ``rows`` of the tensors, each in a new order.

    Rows are picked out of the whole array, so that a training part is never copied. The
    orders follow from seed and epoch alone: shuffling a dataset would read the global seed.
    """
    import tensorflow as tf

    plain = tf.autograph.experimental.do_not_convert  # there is no Python control flow in them

    @plain
    def shuffle(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(members, tf.stack([first, epoch]))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    @plain
    def pick(batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(tf.gather(part, batch) for part in data)

    members, first = tf.constant(rows.astype(np.int32)), tf.constant(seed, tf.int64)
    # Endless, or Keras takes the end of the last epoch for a shortage.
    epochs = tf.data.Dataset.range(np.iinfo(np.int64).max)
    return epochs.flat_map(shuffle).map(pick).prefetch(2)


def validation_batches(data: LabelledImages) -> tf.data.Dataset:
    """Batches of one pass over the tensors, in their order."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(tuple(data)).batch(VALIDATION_BATCH_SIZE)
