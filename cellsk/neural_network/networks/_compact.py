"""The compact architecture: residual blocks with batch normalization, for training from scratch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cellsk.neural_network.networks._compiling import (
    compile_network,
    draw_layer_seeds,
    make_output_layer,
)
from cellsk.neural_network.networks._image_sizes import resize_images

if TYPE_CHECKING:
    import keras

__all__ = ["build_compact"]

MOMENTUM = 0.9  # of the moving statistics; few steps must be enough for them
SEEDS_PER_STAGE = 3


def build_compact(
    meta: Mapping[str, Any],
    *,
    filters: Sequence[int] = (32, 64, 128),
    dropout: float = 0.2,
    learning_rate: float = 2e-3,
    weight_decay: float = 0.02,
    rescale: float = 1 / 255,
    seed: int | None = None,
) -> keras.Model:
    """Build and compile a small residual network without pretrained weights.

    A convolution of stride 2 is followed by one residual block of two 3x3 convolutions for each
    entry of ``filters``; from the second one on a block halves the height and the width. The mean
    of each channel goes to the output layer. It has 310,000 weights by default.

    Parameters
    ----------
    meta : mapping
        What scikeras learned from the data, as for `build_cnn`.
    filters : sequence of int
        Number of filters of each block.
    dropout : float
        Fraction of the last features dropped in training, in [0, 1).
    learning_rate, weight_decay : float
        Step size and weight decay of AdamW.
    rescale : float
        Factor of the first layer.
    seed : int, default=None
        Seed of the initial weights and of dropout.

    Returns
    -------
    model : keras.Model
        Compiled model, with outputs as those of `build_cnn`.

    References
    ----------
    K. He et al., "Deep residual learning for image recognition", CVPR 2016.

    S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015.
    """
    import keras

    layers = keras.layers
    _, *shape = meta["X_shape_"]
    seeds = draw_layer_seeds(seed, SEEDS_PER_STAGE * len(filters) + 3)
    image = keras.Input(tuple(shape), name="image")
    values = resize_images(image, multiple=1)
    values = layers.Rescaling(2 * rescale, -1.0, name="rescale")(values)
    values = _convolve(values, filters[0], 3, "stem", seeds, stride=2)
    for number, count in enumerate(filters, start=1):
        values = _add_block(values, count, f"block_{number}", seeds, 1 if number == 1 else 2)
    values = layers.GlobalAveragePooling2D(name="pool")(values)
    if dropout:
        values = layers.Dropout(dropout, seed=next(seeds), name="dropout")(values)
    output = make_output_layer(meta["n_classes_"], next(seeds))
    model = keras.Model(image, output(values), name="compact")
    compile_network(model, learning_rate, weight_decay)
    return model


def _convolve(
    values: keras.KerasTensor,
    count: int,
    size: int,
    name: str,
    seeds: Iterator[int],
    *,
    stride: int = 1,
    activate: bool = True,
) -> keras.KerasTensor:
    """Add a convolution without bias, batch normalization, and ReLU if wanted."""
    import keras

    layers = keras.layers
    convolution = layers.Conv2D(
        count,
        size,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(next(seeds)),
        name=name,
    )
    values = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(convolution(values))
    return layers.ReLU(name=f"{name}_relu")(values) if activate else values


def _add_block(
    values: keras.KerasTensor, count: int, name: str, seeds: Iterator[int], stride: int
) -> keras.KerasTensor:
    """Add two convolutions, and the sum with their input."""
    import keras

    layers = keras.layers
    changed = _convolve(values, count, 3, f"{name}_conv_1", seeds, stride=stride)
    changed = _convolve(changed, count, 3, f"{name}_conv_2", seeds, activate=False)
    if stride > 1:
        pool = layers.AveragePooling2D(stride, padding="same", name=f"{name}_pool")
        values = pool(values)
    if values.shape[-1] != count:
        values = _convolve(values, count, 1, f"{name}_shortcut", seeds, activate=False)
    added = layers.Add(name=f"{name}_add")([values, changed])
    return layers.ReLU(name=f"{name}_relu")(added)
