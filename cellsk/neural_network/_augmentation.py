"""The augmentation of training images: one of the presets, or a Keras layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from cellsk._checks import check_option, count_noun
from cellsk.exceptions import InputError, InputTypeError
from cellsk.neural_network._inputs import validate_images
from cellsk.neural_network._random_changes import (
    Pixels,
    blur_images,
    change_colors,
    draw_colors,
    draw_stains,
    turn_images,
)
from cellsk.neural_network._runtime import draw_seeds
from cellsk.neural_network.networks import AUTO, choose_settings, draw_layer_seeds

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = [
    "AUGMENTATIONS",
    "Augment",
    "Augmentation",
    "build_augmentation",
    "check_augmentation",
    "draw_versions",
]

AUGMENTATIONS = ("dihedral", "stain", "microscopy")

# The value of the parameter: None, a name, or a layer. Keras is imported late.
Augmentation: TypeAlias = "str | keras.layers.Layer | None"
# From a batch of images and a seed of two integers to a batch of the same shape, dtype and range.
Augment: TypeAlias = "Callable[[tf.Tensor, tf.Tensor], tf.Tensor]"


def check_augmentation(augmentation: Any) -> None:
    """Check the value of the parameter.

    Raises
    ------
    InputError, InputTypeError
        If it is not None, the name of a preset, or a Keras layer.
    """
    if augmentation is None or isinstance(augmentation, str):
        check_option("augmentation", augmentation, (None, *AUGMENTATIONS, AUTO))
        return
    import keras

    if not isinstance(augmentation, keras.layers.Layer):
        raise InputTypeError(
            "must be None, 'dihedral', 'stain', 'microscopy', 'auto', or a Keras layer",
            repr(augmentation),
            "Pass an instance, such as keras.layers.RandomRotation(0.1).",
            parameter="augmentation",
        )


def build_augmentation(
    augmentation: Augmentation, images: NDArray, pixel_max: float, seed: int
) -> Augment | None:
    """Return the function that changes a batch of images, or None if nothing is changed.

    Parameters
    ----------
    augmentation : str, keras.layers.Layer or None
        The value of the parameter. A layer is copied, and not changed.
    images : ndarray of shape (n, height, width, channels)
        The images to train on, uint8 or float32.
    pixel_max : float
        Largest value that a pixel may have.
    seed : int
        Seed of a layer that has none. A preset takes its seed with each batch.

    Raises
    ------
    InputError
        If the augmentation is not for such images.
    """
    if augmentation is None:
        return None
    if not isinstance(augmentation, str):
        return _wrap_layer(augmentation, images, pixel_max, seed)
    if augmentation == "dihedral":
        return turn_images
    _check_positive(augmentation, images)
    if augmentation == "stain":
        _check_colored(images)
    change = _change_stains if augmentation == "stain" else _change_optics
    return partial(_turn_and_change, change, Pixels(images.dtype, pixel_max))


def draw_versions(
    classifier: Any, X: Any, n_versions: int, random_state: Any
) -> tuple[NDArray, NDArray]:
    """Return images as the classifier gets them, and versions (n, n_versions, ...) of them.

    Raises
    ------
    TypeError, ValueError
        If the classifier has no augmentation, or it is not for such images.
    """
    import tensorflow as tf

    check_augmentation(classifier.augmentation)
    is_fitted = hasattr(classifier, "pixel_max_")
    shown = classifier if is_fitted else clone(classifier)
    images = validate_images(shown, X, shown.image_shape, reset=not is_fitted)
    augmentation = choose_settings(classifier).augmentation
    if augmentation is None:
        raise InputError(
            "must change images in training",
            "None",
            "Pass CellClassifier(augmentation='dihedral').",
            parameter="augmentation",
            code="no-augmentation",
        )
    (seed,) = draw_seeds(random_state, 1)
    augment = build_augmentation(augmentation, images, shown.pixel_max_, seed)
    assert augment is not None
    batch = tf.constant(images)
    seeds = [tf.constant([seed, version], tf.int64) for version in range(n_versions)]
    return images, np.stack([augment(batch, drawn).numpy() for drawn in seeds], axis=1)


def _turn_and_change(
    change: Callable[..., tf.Tensor], pixels: Pixels, images: tf.Tensor, seed: tf.Tensor
) -> tf.Tensor:
    import tensorflow as tf

    turn_seed, change_seed = tf.unstack(tf.random.split(seed))
    return change(turn_images(images, turn_seed), pixels, change_seed)


def _change_stains(images: tf.Tensor, pixels: Pixels, seed: tf.Tensor) -> tf.Tensor:
    return change_colors(images, draw_stains(images, seed), pixels)


def _change_optics(images: tf.Tensor, pixels: Pixels, seed: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    color_seed, blur_seed, noise_seed = tf.unstack(tf.random.split(seed, 3))
    colors = draw_colors(images, color_seed)
    return change_colors(blur_images(images, blur_seed), colors, pixels, noise_seed=noise_seed)


def _wrap_layer(layer: keras.layers.Layer, images: NDArray, pixel_max: float, seed: int) -> Augment:
    """Return a function that calls a copy of the layer as in training."""
    import tensorflow as tf

    copied = _copy_layer(layer, seed)
    first = copied(tf.constant(images[:1], tf.float32), training=True)  # builds it
    if tuple(first.shape[1:]) != images.shape[1:]:
        raise InputError(
            "must keep the shape of the images",
            f"{tuple(first.shape[1:])} for images of shape {images.shape[1:]}",
            "Resize images with ImageReader(image_size=...).",
            parameter="augmentation",
            code="augmentation-shape",
        )
    if copied.weights:
        raise InputError(
            "must have no weights, because only random changes belong in an augmentation",
            f"{type(layer).__name__} with {count_noun(len(copied.weights), 'weight array')}",
            "Pass layers such as keras.layers.RandomRotation.",
            parameter="augmentation",
            code="augmentation-weights",
        )
    low = 0.0 if images.dtype == np.uint8 or images.min() >= 0 else -pixel_max

    def change(batch: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
        changed = tf.cast(copied(tf.cast(batch, tf.float32), training=True), tf.float32)
        rounded = tf.round(changed) if images.dtype == np.uint8 else changed
        clipped = tf.clip_by_value(rounded, low, pixel_max)
        return tf.ensure_shape(tf.cast(clipped, images.dtype), batch.shape)

    return change


def _copy_layer(layer: keras.layers.Layer, seed: int) -> keras.layers.Layer:
    """Return a new layer with the same settings. Random layers without a seed get one."""
    try:
        config = layer.get_config()
        states = _list_seedless(config)
        for state, number in zip(states, draw_layer_seeds(seed, len(states)), strict=True):
            state["seed"] = number
        return type(layer).from_config(config)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise InputTypeError(
            "must be a layer that can be copied",
            f"{type(layer).__name__}, which Keras cannot make again from its settings",
            "Write its get_config, and register it with keras.saving.",
            parameter="augmentation",
            code="augmentation-not-copied",
        ) from error


def _list_seedless(node: Any) -> list[dict[str, Any]]:
    """Return the parts of a configuration whose seed is None."""
    if isinstance(node, dict):
        inner = [found for value in node.values() for found in _list_seedless(value)]
        return [node, *inner] if node.get("seed", 0) is None else inner
    if isinstance(node, list | tuple):
        return [found for value in node for found in _list_seedless(value)]
    return []


def _check_positive(augmentation: str, images: NDArray) -> None:
    if images.dtype != np.uint8 and images.min() < 0:
        raise InputError(
            f"{augmentation!r} needs pixels of at least 0, which are intensities of light",
            f"{images.min():g}",
            "Pass images before they are standardized, or augmentation='dihedral'.",
            code="augmentation-negative",
            values={"augmentation": augmentation},
        )


def _check_colored(images: NDArray) -> None:
    got = ""
    if images.shape[-1] != 3:
        got = count_noun(images.shape[-1], "channel")
    elif not any(np.ptp(image, axis=-1).any() for image in images):
        got = "gray images only"
    if got:
        raise InputError(
            "'stain' needs RGB images with colors",
            got,
            "Pass augmentation='microscopy', which is for other images, too.",
            code="augmentation-not-rgb",
        )
