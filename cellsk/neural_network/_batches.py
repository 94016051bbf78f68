"""Batches of images as TensorFlow datasets, in an order that follows from the seed alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk.neural_network._augmentation import Augment
from cellsk.neural_network._memory_maps import find_map, release_pages

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Epochs", "LabeledImages", "Subset", "training_batches", "validation_batches"]

VALIDATION_BATCH_SIZE = 32  # 256 took 350 MB more at 96x96 without being faster

# By number of a dataset: its images, and the map of a file that holds them. See `_take`.
_open_images: dict[int, tuple[Any, Any]] = {}
_numbers = itertools.count()


class LabeledImages(NamedTuple):
    """Images (n, height, width, channels), class codes (n,) and weights (n,)."""

    images: Any
    codes: Any
    weights: Any


class Subset(NamedTuple):
    """Some rows of labeled images. The images are not copied, because they may be on disk."""

    data: LabeledImages
    rows: NDArray


class Epochs(NamedTuple):
    """Batches of one epoch, and the variable with the number of the epoch to read next."""

    batches: tf.data.Dataset
    number: tf.Variable


@contextmanager
def training_batches(
    subset: Subset, *, batch_size: int, seed: int, augment: Augment | None = None
) -> Iterator[Epochs]:
    """Yield batches of the subset, in a new order in each epoch. Read them in the body.

    The orders follow from seed and epoch alone. Shuffling a dataset would read the global seed.
    ``augment`` gets the images of a batch, and a seed that follows from seed, epoch and batch.
    """
    import tensorflow as tf

    @tf.autograph.experimental.do_not_convert  # it has no Python control flow
    def shuffle(_: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(members, tf.stack([first, number]))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    @tf.autograph.experimental.do_not_convert
    def change(step: tf.Tensor, batch: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
        assert augment is not None
        images, *others = batch
        return augment(images, tf.random.fold_in(tf.stack([first, number]), step)), *others

    with tf.device("cpu"):
        number = tf.Variable(0, dtype=tf.int64)
        members, first = tf.constant(subset.rows.astype(np.int32)), tf.constant(seed, tf.int64)
    steps = math.ceil(len(subset.rows) / batch_size)
    with _open(subset.data) as pick:
        batches = tf.data.Dataset.range(1).flat_map(shuffle).map(pick)
        if augment is not None:
            batches = batches.enumerate().map(change)
        counted = batches.prefetch(2).apply(tf.data.experimental.assert_cardinality(steps))
        yield Epochs(counted.with_options(_without_tuning()), number)


@contextmanager
def validation_batches(subset: Subset | None) -> Iterator[tf.data.Dataset | None]:
    """Yield batches of one pass over the subset, in its order, or None. Read them in the body."""
    if subset is None:
        yield None
        return
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices(subset.rows.astype(np.int32))
    with _open(subset.data) as pick:
        batches = rows.batch(VALIDATION_BATCH_SIZE).map(pick)
        yield batches.prefetch(1).with_options(_without_tuning())


def _without_tuning() -> tf.data.Options:
    """Return options without the thread that tunes a dataset. A fit would wait for it to end.

    The thread sleeps 10 ms, then twice as long each time, up to a minute. It does not notice the
    end of the dataset before it wakes up. Nor does each new iterator rewrite the dataset's graph.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    return options


@contextmanager
def _open(data: LabeledImages) -> Iterator[Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
    """Yield the function that turns row numbers into a batch. It works in the body only."""
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
    _open_images[number] = data.images, find_map(data.images)
    try:
        yield pick
    finally:
        del _open_images[number]


def _take(number: int, rows: NDArray) -> NDArray:
    """Return the images of these rows.

    TensorFlow keeps each Python function that a dataset calls, and all that the function holds,
    until the process ends. This function holds nothing: it finds the images by a number.
    """
    images, pages = _open_images[int(number)]
    taken = np.take(images, rows, axis=0)
    release_pages(pages)
    return taken
