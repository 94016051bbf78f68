"""The backbones: pretrained networks, and how one of them becomes a network of features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cellsk.neural_network.networks._lite import (
    LITE,
    LITE_CENTER,
    LITE_SCALE,
    N_LITE_LEVELS,
    connect_lite,
    read_lite_weights,
    set_lite_weights,
)

if TYPE_CHECKING:
    import keras

__all__ = ["BACKBONES", "Backbone", "build_backbone", "describe_backbone"]

POOL = "channels_last"


class Backbone(NamedTuple):
    """A pretrained network of which cellsk knows the layers and the weights.

    Attributes
    ----------
    connect : callable
        Returns the output of each level from images whose pixels are rescaled.
    set_weights : callable
        Sets the pretrained weights of a model that has these layers.
    scale, offset : float
        Pixels from 0 to 255 times ``scale``, plus ``offset``, are what it was trained on.
    n_levels : int
        Number of levels.
    levels : tuple of int
        Those whose features are used if the caller does not choose.
    source : str
        What it was trained on, and the package and the license of its weights.
    """

    connect: Callable[[keras.KerasTensor], list[keras.KerasTensor]]
    set_weights: Callable[[keras.Model], None]
    scale: float
    offset: float
    n_levels: int
    levels: tuple[int, ...]
    source: str


def _load_lite(name: str, model: keras.Model) -> None:
    set_lite_weights(model, read_lite_weights(name))


BACKBONES = {
    name: Backbone(
        partial(connect_lite, name=name, folded=True),
        partial(_load_lite, name),
        1 / LITE_SCALE,
        -LITE_CENTER / LITE_SCALE,
        N_LITE_LEVELS,
        (2, 4, 5),
        f"trained on ImageNet; weights from {scale.package} 0.1.0, Apache 2.0",
    )
    for name, scale in LITE.items()
}


def describe_backbone(name: str) -> str:
    """Return the name of a backbone, what it was trained on, and the license of its weights."""
    known = BACKBONES.get(name)
    return f"{name} ({known.source})" if known else name


def build_backbone(
    name: str,
    image_shape: Sequence[int],
    size: tuple[int, int],
    levels: Sequence[int],
    pixel_max: float = 255.0,
) -> keras.Model:
    """Build a network from images to the features of a backbone, with its weights.

    Parameters
    ----------
    name : str
        A key of ``BACKBONES``.
    image_shape : sequence of int
        Height, width and channels of an image: 3 for RGB, or 1 for gray.
    size : tuple of int
        Height and width, in pixels, to which images are resized.
    levels : sequence of int
        Levels of the backbone. Features are the means of each channel, level after level.
    pixel_max : float, default=255.0
        Pixel value that is white.

    Returns
    -------
    model : keras.Model
        Network from images to features of shape (n, n_features).

    Raises
    ------
    InputError
        If the weights are not installed.
    """
    import keras

    backbone = BACKBONES[name]
    image = keras.Input(tuple(image_shape), name="image")
    rescale = keras.layers.Rescaling(
        255 * backbone.scale / pixel_max, offset=backbone.offset, name="rescale"
    )
    outputs = backbone.connect(rescale(_resize(image, size)))
    means = [_average(outputs[level], level) for level in levels]
    features = keras.layers.Concatenate(name="features")(means) if means[1:] else means[0]
    model = keras.Model(image, features, name=name)
    backbone.set_weights(model)
    model.trainable = False
    return model


def _resize(image: keras.KerasTensor, size: tuple[int, int]) -> keras.KerasTensor:
    """Resize by bilinear interpolation, after a mean over windows if images are twice as large."""
    from keras import layers

    windows = tuple(max(1, old // new) for old, new in zip(image.shape[1:3], size, strict=True))
    if max(windows) > 1:
        image = layers.AveragePooling2D(windows, data_format=POOL, name="shrink")(image)
    if image.shape[1:3] != size:
        resizing = layers.Resizing(*size, data_format=POOL, name="resize")
        image = resizing(image, training=None)
    return image


def _average(values: keras.KerasTensor, level: int) -> keras.KerasTensor:
    from keras import layers

    return layers.GlobalAveragePooling2D(data_format=POOL, name=f"level_{level}")(values)
