"""The size at which a network looks at images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

__all__ = ["MAX_SIDE", "choose_image_size", "resize_images"]

MAX_SIDE = 128  # pixels. Training takes four times as long for images twice as large.


def choose_image_size(height: int, width: int, multiple: int = 1) -> tuple[int, int]:
    """Return the height and width at which a network without pretrained weights sees images.

    Images are not enlarged, apart from rounding, and keep their shape. The longer side is at most
    ``MAX_SIDE`` pixels, and both sides are multiples of ``multiple``.

    Examples
    --------
    >>> from cellsk.neural_network.networks._image_sizes import choose_image_size
    >>> choose_image_size(96, 96), choose_image_size(200, 400), choose_image_size(50, 50, 8)
    ((96, 96), (64, 128), (48, 48))
    """
    scale = min(1, MAX_SIDE / max(height, width))
    rounded = (max(1, round(side * scale / multiple)) * multiple for side in (height, width))
    new_height, new_width = rounded
    return new_height, new_width


def resize_images(image: keras.KerasTensor, multiple: int = 1) -> keras.KerasTensor:
    """Return the input of a network, resized by a layer if it has another size."""
    import keras

    _, height, width, _ = image.shape
    size = choose_image_size(height, width, multiple)
    if size == (height, width):
        return image
    return keras.layers.Resizing(*size, data_format="channels_last", name="resize")(image)
