"""The seed architecture: convolutions with max-pooling, and one hidden dense layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from cellsk._checks import check_count, check_number, count_noun, show_value
from cellsk.exceptions import InputError
from cellsk.neural_network.networks._compiling import (
    compile_network,
    draw_layer_seeds,
    make_output_layer,
)

if TYPE_CHECKING:
    import keras

__all__ = ["MAX_FILTERS", "build_cnn", "check_filters"]

MAX_FILTERS = 10_000  # of a convolution
MAX_CONVOLUTIONS = 100
MAX_WEIGHTS = 2**31 - 1  # 9 GB, and 34 GB with the gradients and the moments of Adam

POOL_SIZE = 2
LAYOUT = "channels_last"  # a caller may have set another one for Keras

# Height and width of a kernel, and of the pool behind it.
Window: TypeAlias = tuple[tuple[int, int], tuple[int, int]]


def check_filters(filters: Any) -> tuple[int, ...]:
    """Return the filter counts as a tuple of positive ints.

    Raises
    ------
    InputError
        If ``filters`` is not a sequence of 1 to 100 whole numbers from 1 to 10,000.
    """
    try:
        counts = tuple(check_count("filters", count, maximum=MAX_FILTERS) for count in filters)
    except (TypeError, ValueError):
        counts = ()
    if not counts or isinstance(filters, str | bytes):
        raise InputError(
            f"must be one positive integer per convolution, up to {MAX_FILTERS:,}, such as"
            " (32, 64)",
            show_value(filters),
            parameter="filters",
        )
    if len(counts) > MAX_CONVOLUTIONS:
        raise InputError(
            f"must have at most {MAX_CONVOLUTIONS} convolutions",
            f"{len(counts):,}",
            parameter="filters",
        )
    return counts


def build_cnn(
    meta: Mapping[str, Any],
    *,
    filters: Sequence[int] = (32, 64),
    kernel_size: int = 3,
    dense_units: int = 64,
    dropout: float = 0.0,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    rescale: float = 1 / 255,
    seed: int | None = None,
) -> keras.Model:
    """Build and compile the CNN: convolution blocks, one dense layer, class probabilities.

    Each entry of ``filters`` adds a convolution without padding, ReLU, and max-pooling
    by two. After them come a dense ReLU layer, dropout if ``dropout`` is positive, and one
    sigmoid unit for two classes or a softmax for more. The default is the network

    ``Conv 32 3x3 - pool 2x2 - Conv 64 3x3 - pool 2x2 - Dense 64 - sigmoid``

    trained with Adam on the cross-entropy. The first layer rescales the pixels, so the input
    is pixels as they were read.

    scikeras calls this function with ``meta``. :class:`CellClassifier` does it for you.

    Parameters
    ----------
    meta : mapping
        What scikeras learned from the data. The function uses ``"X_shape_"``, the shape
        (n_samples, height, width, channels), and ``"n_classes_"``.
    filters : sequence of int, default=(32, 64)
        Number of filters of each convolution; its length is the depth.
    kernel_size : int, default=3
        Height and width of the convolution windows, in pixels.
    dense_units : int, default=64
        Units of the dense layer.
    dropout : float, default=0.0
        Fraction of the dense layer's outputs dropped in training, in [0, 1).
    learning_rate : float, default=1e-3
        Step size of Adam.
    weight_decay : float, default=0.0
        Decay of the weights in each step, times the step size (AdamW).
    rescale : float, default=1/255
        Factor of the first layer.
    seed : int, default=None
        Seed of the initial weights and of dropout. None draws a new seed from the
        operating system. The function does not read or change global random state.

    Returns
    -------
    model : keras.Model
        Compiled model from images of shape (n, height, width, channels) to
        probabilities of shape (n, 1) for two classes, (n, n_classes) for more.

    Raises
    ------
    InputError
        If an argument is out of range, the images are too small for the depth, or the network
        has more than two billion weights.

    See Also
    --------
    CellClassifier : The scikit-learn estimator around it.

    Notes
    -----
    If a side of the images is one pixel long (rows of features), windows and pools are one
    pixel long on that side, and the other side never becomes shorter than one pixel.

    The initial weights are those of Glorot and Bengio. From each filter of the first convolution
    its mean is subtracted, so that a plain area gives zero, however bright it is. Otherwise the
    brightness of the pixels, which are not negative, dominates all units: many become zero for
    every image in the first steps, and the loss may not fall for many epochs.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", AISTATS 2010, for the initial weights.

    L. Huang et al., "Centered weight normalization in accelerating training of deep neural
    networks", ICCV 2017, for weights whose mean is zero.

    Examples
    --------
    >>> from cellsk import build_cnn
    >>> model = build_cnn({"X_shape_": (0, 96, 96, 3), "n_classes_": 2}, seed=0)
    >>> model.output_shape
    (None, 1)
    >>> f"{model.count_params():,}"
    '2,001,985'
    """
    import keras

    filters = check_filters(filters)
    # Keras refuses the scalars of NumPy, which a grid over np.arange has.
    kernel_size = check_count("kernel_size", kernel_size)
    dense_units = check_count("dense_units", dense_units)
    dropout = check_number("dropout", dropout, low=0, high=1, closed="left")
    check_number("learning_rate", learning_rate, low=0)
    _, *image_shape = meta["X_shape_"]
    windows = list(_windows((image_shape[0], image_shape[1]), filters, kernel_size))
    _check_size(image_shape, filters, windows, dense_units)
    seeds = draw_layer_seeds(seed, len(filters) + 3)
    model = keras.Sequential(
        [
            keras.Input(shape=tuple(image_shape), name="image"),
            keras.layers.Rescaling(float(rescale), name="rescale"),
            *_convolutions(filters, windows, seeds),
            keras.layers.Flatten(data_format=LAYOUT, name="flatten"),
            *_head(dense_units, dropout, seeds),
            make_output_layer(meta["n_classes_"], next(seeds)),
        ],
        name="cell_cnn",
    )
    _center_filters(model.get_layer("conv_1"))
    compile_network(model, learning_rate, weight_decay)
    return model


def _convolutions(
    filters: Sequence[int], windows: Sequence[Window], seeds: Iterator[int]
) -> Iterator[keras.Layer]:
    """Yield a convolution and a pool for each filter count."""
    import keras

    for depth, (count, (kernel, pool)) in enumerate(zip(filters, windows, strict=True), start=1):
        yield keras.layers.Conv2D(
            count,
            kernel,
            activation="relu",
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
            data_format=LAYOUT,
            name=f"conv_{depth}",
        )
        yield keras.layers.MaxPooling2D(pool, data_format=LAYOUT, name=f"pool_{depth}")


def _center_filters(convolution: keras.layers.Conv2D) -> None:
    """Subtract its mean from each filter, unless its window is a row or a single pixel."""
    import keras

    if min(convolution.kernel_size) > 1:
        kernel = convolution.kernel
        means = keras.ops.mean(kernel, axis=(0, 1, 2), keepdims=True)
        kernel.assign(kernel - means)


def _head(dense_units: int, dropout: float, seeds: Iterator[int]) -> Iterator[keras.Layer]:
    """Yield the dense layer, and dropout if there is any."""
    import keras

    initializer = keras.initializers.GlorotUniform
    yield keras.layers.Dense(
        dense_units, activation="relu", kernel_initializer=initializer(next(seeds)), name="dense"
    )
    if dropout:
        yield keras.layers.Dropout(dropout, seed=next(seeds), name="dropout")


def _windows(size: tuple[int, int], filters: Sequence[int], kernel_size: int) -> Iterator[Window]:
    """Yield kernel and pool of each block. They become smaller to fit on rows of features."""
    _check_depth(size, filters, kernel_size)
    height, width = size
    for _ in filters:
        kernel = (min(kernel_size, height), min(kernel_size, width))
        height, width = height - kernel[0] + 1, width - kernel[1] + 1
        pool = (min(POOL_SIZE, height), min(POOL_SIZE, width))
        height, width = height // pool[0], width // pool[1]
        yield kernel, pool


def _check_depth(size: tuple[int, int], filters: Sequence[int], kernel_size: int) -> None:
    """Raise if images of ``size`` (height, width) are too small for the depth.

    Raises
    ------
    InputError
        If they are. Rows of features, one pixel high, are never too small.
    """
    needed = _smallest_side(len(filters), kernel_size)
    if 1 < min(size) < needed:
        raise InputError(
            f"Images must be at least {needed} x {needed} pixels for"
            f" {count_noun(len(filters), 'convolution')} with a kernel size of {kernel_size}",
            f"{size[0]} x {size[1]}",
            "Pass fewer filters, a smaller kernel_size, or larger images.",
            code="images-too-small",
            values={
                "needed": needed,
                "size": tuple(map(int, size)),
                "n_convolutions": len(filters),
                "kernel_size": kernel_size,
            },
        )


def _check_size(
    image_shape: Sequence[int], filters: Sequence[int], windows: Sequence[Window], dense_units: int
) -> None:
    """Raise if the network has too many weights, before it takes memory for them.

    Raises
    ------
    InputError
        If it has. Biases and the last layer, which are few, are not counted.
    """
    height, width, depth = image_shape
    n_weights = 0
    for count, (kernel, pool) in zip(filters, windows, strict=True):
        n_weights += kernel[0] * kernel[1] * depth * count
        height, width = (height - kernel[0] + 1) // pool[0], (width - kernel[1] + 1) // pool[1]
        depth = count
    n_weights += height * width * depth * dense_units
    if n_weights > MAX_WEIGHTS:
        raise InputError(
            f"The network must have at most {MAX_WEIGHTS:,} weights",
            f"about {n_weights:,}",
            "Pass fewer filters or dense_units, or smaller images.",
            code="network-too-large",
        )


def _smallest_side(depth: int, kernel_size: int) -> int:
    """Return the image side of which ``depth`` convolutions and pools leave one pixel."""
    side = 1
    for _ in range(depth):
        side = side * POOL_SIZE + kernel_size - 1
    return side
