"""The probabilities that a trained network predicts."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cellsk._config import is_on
from cellsk.neural_network._memory_maps import find_map, release_pages
from cellsk.neural_network._onnx import OnnxNetwork
from cellsk.neural_network.networks import find_brightest

if TYPE_CHECKING:
    import keras

__all__ = ["SYMMETRIES", "TracedNetwork", "compute_outputs", "iter_views", "read_probabilities"]

SYMMETRIES = (None, "dihedral")  # whose views of an image are averaged

BATCH_SIZE, BATCH_VALUES = 64, 2**21
CHUNK_BYTES = 2**25  # of images, after which the pages of a memory map are released
PROBE_SIZE, TOLERANCE = 8, 1e-5


class TracedNetwork:
    """A network as a TensorFlow function, traced once for any number of images.

    Without a function, Python would run each layer of each batch.
    """

    def __init__(self, model: keras.Model, dtype: DTypeLike) -> None:
        import tensorflow as tf

        self._dtype = np.dtype(dtype)
        called = weakref.proxy(model)  # the model keeps this object, so it must not keep the model

        @tf.autograph.experimental.do_not_convert
        def call(images: tf.Tensor) -> tf.Tensor:
            return called(images, training=False)

        signature = [tf.TensorSpec((None, *model.input_shape[1:]), self._dtype)]
        self._run = tf.function(call, input_signature=signature).get_concrete_function()

    def is_current(self, model: keras.Model, dtype: DTypeLike) -> bool:
        """Return whether pixels have this dtype. Weights are read each time."""
        return self._dtype == dtype

    def __call__(self, images: NDArray) -> NDArray[np.float32]:
        """Return the output of the network, one row per image."""
        import tensorflow as tf

        size = max(1, min(BATCH_SIZE, BATCH_VALUES // images[0].size))
        batches = (images[start : start + size] for start in range(0, len(images), size))
        return np.concatenate([self._run(tf.constant(batch)).numpy() for batch in batches])


Network: TypeAlias = OnnxNetwork | TracedNetwork

_networks: weakref.WeakKeyDictionary[keras.Model, Network] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def iter_views(images: NDArray) -> Iterator[NDArray]:
    """Yield the images in all symmetries that keep their shape: eight, or four.

    Rows of features, which are images one pixel high, have one view only.
    """
    if images.shape[1] == 1:
        yield images
        return
    is_square = images.shape[1] == images.shape[2]
    for turns in range(0, 4, 1 if is_square else 2):
        turned = np.rot90(images, turns, axes=(1, 2))
        yield turned
        yield turned[:, :, ::-1]


def read_probabilities(
    model: keras.Model, images: NDArray, symmetries: str | None = None
) -> NDArray[np.float64]:
    """Return one column per class, the mean over the views of an image. Each row sums to one."""
    views = [images] if symmetries is None else list(iter_views(images))
    outputs = [compute_outputs(model, view).astype(np.float64) for view in views]
    proba = np.mean(outputs, axis=0)
    if proba.shape[1] == 1:
        return np.hstack([1 - proba, proba])
    return proba / proba.sum(axis=1, keepdims=True)


def compute_outputs(model: keras.Model, images: NDArray) -> NDArray[np.float32]:
    """Return the output of a network, one row per image.

    ONNX Runtime computes it if it is installed and agrees with TensorFlow. Otherwise TensorFlow
    does.
    """
    network, pages = _find_network(model, images.dtype), find_map(images)
    size = max(1, CHUNK_BYTES // images[0].nbytes)
    found = []
    for start in range(0, len(images), size):
        found.append(network(images[start : start + size]))
        release_pages(pages)
    return np.concatenate(found)


def _find_network(model: keras.Model, dtype: DTypeLike) -> Network:
    """Return the object that computes this model. It is kept as long as the model exists."""
    with _lock:
        network = _networks.get(model)
        if network is None or not network.is_current(model, dtype):
            network = _networks[model] = _make_network(model, dtype)
        return network


def _make_network(model: keras.Model, dtype: DTypeLike) -> Network:
    import tensorflow as tf

    if not is_on("CELLSK_ONNX") or tf.config.list_physical_devices("GPU"):
        return TracedNetwork(model, dtype)
    try:
        network = OnnxNetwork(model, dtype)
        probe = _draw_probe(model, dtype)
        expected = model(probe, training=False).numpy()
        error, largest = np.abs(network(probe, 1) - expected).max(), np.abs(expected).max()
        agrees = error <= TOLERANCE * max(1, largest)
    except Exception:  # not installed, too old, or an unknown layer: TensorFlow always works
        agrees = False
    return network if agrees else TracedNetwork(model, dtype)


def _draw_probe(model: keras.Model, dtype: DTypeLike) -> NDArray:
    """Return noise from dark to bright. It is fixed, so that each process decides the same."""
    levels = np.linspace(0, find_brightest(model), PROBE_SIZE).reshape(-1, 1, 1, 1)
    noise = np.random.default_rng(0).random((PROBE_SIZE, *model.input_shape[1:]))
    return (levels * noise).astype(dtype)
