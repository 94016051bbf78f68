"""Batches of images as TensorFlow datasets, in an order that only the seed decides."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk.neural_network._mapped import find_map, release_pages

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Epochs", "LabelledImages", "Part", "training_batches", "validation_batches"]

VALIDATION_BATCH_SIZE = 32  # 256 took 350 MB more at 96x96, and was no faster

# The images of the fits that run, and the map of a file that they are, by pipeline.
_lent: dict[int, tuple[Any, Any]] = {}
_numbers = itertools.count()


class LabelledImages(NamedTuple):
    """Images (n, height, width, channels), class codes (n,) and weights (n,)."""

    images: Any
    codes: Any
    weights: Any


class Part(NamedTuple):
    """Some rows of labelled images. The images are not copied: they may lie on disk."""

    data: LabelledImages
    rows: NDArray


class Epochs(NamedTuple):
    """Batches of one epoch, and the variable that says which epoch the next pass over them is."""

    batches: tf.data.Dataset
    number: tf.Variable


@contextmanager
def training_batches(part: Part, *, batch_size: int, seed: int) -> Iterator[Epochs]:
    """Batches of the part, in a new order each epoch; to be read in the body.

    The orders follow from seed and epoch alone: shuffling a dataset would read the global
    seed.
    """
    import tensorflow as tf

    @tf.autograph.experimental.do_not_convert  # there is no Python control flow in it
    def shuffle(_: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(members, tf.stack([first, number]))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    with tf.device("cpu"):
        number = tf.Variable(0, dtype=tf.int64)
        members, first = tf.constant(part.rows.astype(np.int32)), tf.constant(seed, tf.int64)
    steps = math.ceil(len(part.rows) / batch_size)
    with _lend(part.data) as pick:
        batches = tf.data.Dataset.range(1).flat_map(shuffle).map(pick).prefetch(2)
        counted = batches.apply(tf.data.experimental.assert_cardinality(steps))
        yield Epochs(counted.with_options(_untuned()), number)


@contextmanager
def validation_batches(part: Part | None) -> Iterator[tf.data.Dataset | None]:
    """Batches of one pass over the part, if there is one, in its order; to be read in the body."""
    if part is None:
        yield None
        return
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices(part.rows.astype(np.int32))
    with _lend(part.data) as pick:
        batches = rows.batch(VALIDATION_BATCH_SIZE).map(pick)
        yield batches.prefetch(1).with_options(_untuned())


def _untuned() -> tf.data.Options:
    """Leave out the thread that tunes a pipeline: the fit would wait for it to wake up.

    It sleeps 10 ms, then twice as long each time, up to a minute, and does not hear that the
    pipeline has ended.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return options


@contextmanager
def _lend(data: LabelledImages) -> Iterator[Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
    """What makes a batch of row numbers, while the body runs."""
    import tensorflow as tf

    @tf.autograph.experimental.do_not_convert
    def pick(rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        # A tensor of all images would be a copy of them.
        images = tf.numpy_function(_take, [number, rows], data.images.dtype, stateful=False)
        images.set_shape((None, *data.images.shape[1:]))
        return images, tf.gather(codes, rows), tf.gather(weights, rows)

    number = next(_numbers)
    with tf.device("cpu"):
        codes, weights = tf.constant(data.codes), tf.constant(data.weights)
    _lent[number] = data.images, find_map(data.images)
    try:
        yield pick
    finally:
        del _lent[number]


def _take(number: int, rows: NDArray) -> NDArray:
    """Return the images of these rows.

    TensorFlow keeps each Python function that a pipeline calls for good, and with it all that
    it holds. So this one holds nothing, and finds the images by a number.
    """
    images, pages = _lent[int(number)]
    taken = np.take(images, rows, axis=0)
    release_pages(pages)
    return taken
