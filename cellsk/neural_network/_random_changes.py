"""Random changes of a batch of images: symmetries, colors, blur and noise.

A batch has the shape (n, height, width, channels), and a seed has two integers. The same seed
gives the same numbers. Each image gets its own, and all images are changed at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = [
    "Colors",
    "Pixels",
    "blur_images",
    "change_colors",
    "draw_colors",
    "draw_stains",
    "turn_images",
]

# Optical densities in red, green and blue of the two stains (Ruifrok & Johnston 2001).
HEMATOXYLIN, EOSIN = (0.65, 0.70, 0.29), (0.07, 0.99, 0.11)

# Ranges of the changes. A factor is drawn from 1 - range to 1 + range, and any other number from
# -range to range. Densities and exposure are natural logarithms, the hue is in radians.
STAIN_FACTOR, STAIN_SHIFT = 0.2, 0.05
EXPOSURE, CONTRAST, SATURATION, HUE = 0.1, 0.15, 0.2, 0.15
NOISE = 0.01  # standard deviation, as a fraction of the pixel

BLUR = (0.25, 0.5, 0.25)  # weights of the blurred copy, in each direction
BLURS = (0.0, 0.1, 0.2, 0.3)  # shares of the blurred copy
N_FIELDS = 4  # of noise, which all images of a batch mix
WHITE = 255
OFFSET = 0.5  # added to pixels, so that black has a logarithm


class Pixels(NamedTuple):
    """The dtype of images, and the largest value of a pixel. The smallest is 0."""

    dtype: np.dtype
    maximum: float


class Colors(NamedTuple):
    """Matrices (n, channels, channels) and shifts (n, channels) for the logarithms of pixels.

    A row of channels is multiplied by the matrix from the left. The logarithm of white is zero.
    """

    matrices: tf.Tensor
    shifts: tf.Tensor


def turn_images(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Turn and mirror each image by one of the eight symmetries of the square.

    Images that are not square have four symmetries. Rows of features, one pixel high, have one.
    """
    import tensorflow as tf

    height, width = images.shape[1:3]
    if height == 1:
        return images
    count, n_kinds = tf.shape(images)[0], 8 if height == width else 4
    kinds = tf.random.stateless_uniform([count], seed, 0, n_kinds, tf.int32)
    # To turn all images in all ways, and choose, would take twice as long.
    rows = tf.dynamic_partition(tf.range(count), kinds, n_kinds)
    turned = [_turn(tf.gather(images, some), kind) for kind, some in enumerate(rows)]
    return tf.ensure_shape(tf.dynamic_stitch(rows, turned), images.shape)


def _turn(images: tf.Tensor, kind: int) -> tf.Tensor:
    import tensorflow as tf

    axes = [axis for axis in (1, 2) if kind & axis]
    mirrored = tf.reverse(images, axes) if axes else images
    # tf.transpose of uint8 prints an error of oneDNN, though its result is right.
    return tf.stack(tf.unstack(mirrored, axis=1), axis=2) if kind & 4 else mirrored


def blur_images(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Mix each image with a share of a blurred copy. The first share is none. Return floats."""
    import tensorflow as tf

    count = tf.shape(images)[0]
    levels = tf.random.stateless_uniform([count], seed, 0, len(BLURS), tf.int32)
    rows = tf.dynamic_partition(tf.range(count), levels, len(BLURS))
    sharp, *others = (tf.gather(images, some) for some in rows)
    blurred = [_blur(some, share) for some, share in zip(others, BLURS[1:], strict=True)]
    parts = [tf.cast(sharp, tf.float32), *blurred]
    return tf.ensure_shape(tf.dynamic_stitch(rows, parts), images.shape)


def _blur(images: tf.Tensor, share: float) -> tf.Tensor:
    """Mix images with a share of a blurred copy. Pixels beyond the edge repeat those on it."""
    import tensorflow as tf

    kernel = share * np.outer(BLUR, BLUR)
    kernel[1, 1] += 1 - share
    kernels = np.tile(kernel[..., np.newaxis, np.newaxis], (images.shape[-1], 1))
    # tf.pad would take five times as long.
    padded = tf.concat([images[:, :1], images, images[:, -1:]], axis=1)
    padded = tf.concat([padded[:, :, :1], padded, padded[:, :, -1:]], axis=2)
    blurred = tf.nn.depthwise_conv2d(
        tf.cast(padded, tf.float32), tf.constant(kernels, tf.float32), [1, 1, 1, 1], "VALID"
    )
    # Of no images at all, TensorFlow returns the height and width of the padded ones.
    height, width = images.shape[1:3]
    return blurred[:, :height, :width]


def draw_stains(images: tf.Tensor, seed: tf.Tensor) -> Colors:
    """Draw a factor and a shift for hematoxylin, eosin and what is left of both."""
    import tensorflow as tf

    stains = _stain_matrix()
    # The part of a stain in the channels, as a matrix: to the stain's amount, and back.
    parts = np.einsum("ck,kd->kcd", np.linalg.inv(stains), stains)
    drawn = _draw(images, seed, 6)
    factors, shifts = STAIN_FACTOR * drawn[:, :3], STAIN_SHIFT * drawn[:, 3:]
    matrices = tf.eye(3) + tf.tensordot(factors, tf.constant(parts, tf.float32), 1)
    return Colors(matrices, -shifts @ tf.constant(stains, tf.float32))


def _stain_matrix() -> NDArray[np.float64]:
    """Return unit densities of hematoxylin, eosin and the residual, which is normal to both."""
    stains = np.array([HEMATOXYLIN, EOSIN, np.cross(HEMATOXYLIN, EOSIN)])
    return stains / np.linalg.norm(stains, axis=1, keepdims=True)


def draw_colors(images: tf.Tensor, seed: tf.Tensor) -> Colors:
    """Draw exposure and contrast, and for RGB images saturation and hue. Gray stays gray."""
    import tensorflow as tf

    depth = images.shape[-1]
    exposure, contrast, saturation, hue = tf.unstack(_draw(images, seed, 4), axis=1)
    contrast = 1 + CONTRAST * contrast
    if depth != 3:
        matrices = contrast[:, tf.newaxis, tf.newaxis] * tf.eye(depth)
    else:
        # A rotation about the gray axis, and a factor of the distance from it.
        gray = np.full((3, 3), 1 / 3)
        across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
        parts = tf.constant(np.stack([gray, np.eye(3) - gray, across]), tf.float32)
        saturation, hue = contrast * (1 + SATURATION * saturation), HUE * hue
        factors = [contrast, saturation * tf.cos(hue), saturation * tf.sin(hue)]
        matrices = tf.tensordot(tf.stack(factors, axis=1), parts, 1)
    return Colors(matrices, tf.tile(EXPOSURE * exposure[:, tf.newaxis], (1, depth)))


def change_colors(
    images: tf.Tensor, colors: Colors, pixels: Pixels, *, noise_seed: tf.Tensor | None = None
) -> tf.Tensor:
    """Map the logarithms of the pixels, and add noise to them.

    In logarithms, a stain is a sum, exposure a shift, and contrast a factor. Black stays black.
    """
    import tensorflow as tf

    _, height, width, depth = images.shape
    scale = WHITE / pixels.maximum
    floats = tf.cast(images, tf.float32)
    scaled = floats if scale == 1 else floats * scale
    logs = tf.reshape(tf.math.log(scaled + OFFSET), (-1, height * width, depth))
    white = math.log(WHITE + OFFSET)
    shifts = colors.shifts + white * (1 - tf.reduce_sum(colors.matrices, axis=1))
    mixed = tf.reshape(logs @ colors.matrices, (-1, height * width * depth))
    changed = tf.exp(mixed + _spread(shifts, height * width, noise_seed))
    if pixels.dtype == np.uint8:
        changed = tf.saturate_cast(changed, tf.uint8)  # rounds down, as OFFSET needs
    else:
        changed = tf.clip_by_value((changed - OFFSET) / scale, 0, pixels.maximum)
    return tf.reshape(changed, (-1, height, width, depth))


def _spread(shifts: tf.Tensor, n_pixels: int, noise_seed: tf.Tensor | None) -> tf.Tensor:
    """Return the shifts (n, channels) and noise for all pixels, as rows (n, pixels * channels).

    One product of matrices makes both, which takes a third of the time of a broadcast sum. Each
    image mixes some fields of normal noise with normal factors, so its strength is random, too.
    """
    import tensorflow as tf

    depth = shifts.shape[-1]
    fields = tf.tile(tf.eye(depth), (1, n_pixels))
    if noise_seed is None:
        return shifts @ fields
    field_seed, factor_seed = tf.unstack(tf.random.split(noise_seed))
    noise = tf.random.stateless_normal([N_FIELDS, n_pixels, 1], field_seed)
    noise = tf.reshape(tf.tile(noise, (1, 1, depth)), (N_FIELDS, n_pixels * depth))
    deviation = NOISE / math.sqrt(N_FIELDS)
    factors = tf.random.stateless_normal([tf.shape(shifts)[0], N_FIELDS], factor_seed, 0, deviation)
    return tf.concat([shifts, factors], 1) @ tf.concat([fields, noise], 0)


def _draw(images: tf.Tensor, seed: tf.Tensor, count: int) -> tf.Tensor:
    """Return ``count`` uniform numbers from -1 to 1 for each image."""
    import tensorflow as tf

    return tf.random.stateless_uniform([tf.shape(images)[0], count], seed, -1, 1)
