"""Batches of images as TensorFlow datasets, in an order that only the seed decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["LabelledImages", "Part", "training_batches", "validation_batches"]

VALIDATION_BATCH_SIZE = 32  # 256 took 350 MB more at 96x96, and was no faster


class LabelledImages(NamedTuple):
    """Images (n, height, width, channels), class codes (n,) and weights (n,)."""

    images: Any
    codes: Any
    weights: Any


class Part(NamedTuple):
    """Some rows of labelled images. The images are not copied: they may lie on disk."""

    data: LabelledImages
    rows: NDArray


def training_batches(part: Part, *, batch_size: int, seed: int) -> tf.data.Dataset:
    """Batches of endless passes over the part, each in a new order.

    The orders follow from seed and epoch alone: shuffling a dataset would read the global
    seed.
    """
    import tensorflow as tf

    @tf.autograph.experimental.do_not_convert  # there is no Python control flow in it
    def shuffle(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(members, tf.stack([first, epoch]))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    members, first = tf.constant(part.rows.astype(np.int32)), tf.constant(seed, tf.int64)
    # Endless, or Keras takes the end of the last epoch for a shortage.
    epochs = tf.data.Dataset.range(np.iinfo(np.int64).max)
    batches = epochs.flat_map(shuffle).map(_pick(part.data)).prefetch(2)
    return batches.with_options(_untuned())


def validation_batches(part: Part) -> tf.data.Dataset:
    """Batches of one pass over the part, in its order."""
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices(part.rows.astype(np.int32))
    batches = rows.batch(VALIDATION_BATCH_SIZE).map(_pick(part.data)).prefetch(1)
    return batches.with_options(_untuned())


def _untuned() -> tf.data.Options:
    """Leave out the thread that tunes a pipeline: the fit would wait for it to wake up.

    It sleeps 10 ms, then twice as long each time, up to a minute, and does not hear that the
    pipeline has ended.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def _pick(data: LabelledImages) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
    """What makes a batch of row numbers."""
    import tensorflow as tf

    def take(rows: NDArray) -> NDArray:
        return np.take(data.images, rows, axis=0)

    @tf.autograph.experimental.do_not_convert
    def pick(rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        # A tensor of all images would be a copy of them.
        images = tf.numpy_function(take, [rows], data.images.dtype, stateful=False)
        images.set_shape((None, *data.images.shape[1:]))
        return images, tf.gather(codes, rows), tf.gather(weights, rows)

    with tf.device("cpu"):
        codes, weights = tf.constant(data.codes), tf.constant(data.weights)
    return pick
