"""The equivariant architecture: the same prediction for an image in all eight orientations."""

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

__all__ = ["build_equivariant"]

STEM_SIZE, HALVING_SIZE = 6, 4  # of kernels. Even ones halve an even side with equal margins.
SEEDS_PER_STAGE = 4


def build_equivariant(
    meta: Mapping[str, Any],
    *,
    filters: Sequence[int] = (4, 8, 16),
    dropout: float = 0.2,
    learning_rate: float = 2e-3,
    weight_decay: float = 0.02,
    rescale: float = 1 / 255,
    seed: int | None = None,
) -> keras.Model:
    """Build and compile a residual network of group-equivariant convolutions (p4m).

    Each kernel is used in eight orientations, so a pattern that was learned once is found in all
    of them. The mean over orientations makes the probabilities of a square image exactly those of
    the image turned by a quarter or mirrored. Each entry of ``filters`` is a residual block; a
    convolution of stride 2 stands before each. It has 70,000 weights by default.

    Parameters
    ----------
    meta : mapping
        What scikeras learned from the data, as for `build_cnn`.
    filters : sequence of int
        Number of filters of each block in one orientation. There are eight. Multiples of two
        are much faster.
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
    T. S. Cohen and M. Welling, "Group equivariant convolutional networks", ICML 2016.

    B. S. Veeling et al., "Rotation equivariant CNNs for digital pathology", MICCAI 2018.
    """
    import keras

    from cellsk.neural_network.networks._group_layers import GroupPooling

    layers = keras.layers
    _, *shape = meta["X_shape_"]
    seeds = draw_layer_seeds(seed, SEEDS_PER_STAGE * len(filters) + 2)
    image = keras.Input(tuple(shape), name="image")
    values = resize_images(image, multiple=2 ** len(filters))
    values = layers.Rescaling(2 * rescale, -1.0, name="rescale")(values)
    for number, count in enumerate(filters, start=1):
        size = STEM_SIZE if number == 1 else HALVING_SIZE
        values = _convolve(values, count, size, f"halve_{number}", seeds, stride=2)
        values = _add_block(values, count, f"block_{number}", seeds)
    values = layers.GlobalAveragePooling2D(name="pool")(values)
    values = GroupPooling(name="pool_symmetries")(values)
    if dropout:
        values = layers.Dropout(dropout, seed=next(seeds), name="dropout")(values)
    output = make_output_layer(meta["n_classes_"], next(seeds))
    model = keras.Model(image, output(values), name="equivariant")
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
    """Add a group convolution, normalization, and ReLU if wanted."""
    import keras

    from cellsk.neural_network.networks._group_layers import GroupBatchNormalization, GroupConv2D

    convolution = GroupConv2D(
        count,
        size,
        strides=stride,
        lifts=name == "halve_1",
        kernel_initializer=keras.initializers.HeNormal(next(seeds)),
        name=name,
    )
    values = GroupBatchNormalization(name=f"{name}_norm")(convolution(values))
    return keras.layers.ReLU(name=f"{name}_relu")(values) if activate else values


def _add_block(
    values: keras.KerasTensor, count: int, name: str, seeds: Iterator[int]
) -> keras.KerasTensor:
    """Add two convolutions, and the sum with their input."""
    import keras

    changed = _convolve(values, count, 3, f"{name}_conv_1", seeds)
    changed = _convolve(changed, count, 3, f"{name}_conv_2", seeds, activate=False)
    added = keras.layers.Add(name=f"{name}_add")([values, changed])
    return keras.layers.ReLU(name=f"{name}_relu")(added)
