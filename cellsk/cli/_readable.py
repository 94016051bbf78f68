"""All images of a folder are read once before hours of work, not fold by fold within."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["check_images"]


def check_images(paths: NDArray[np.str_], image_size: tuple[int, int] | None) -> None:
    """Decode each file as the reader will, and keep nothing.

    Raises
    ------
    ImageReadError
        When files cannot be decoded, with their number among all.
    ValueError
        When the images differ in size, and are not resized.
    """
    from cellsk._codec import decode_image
    from cellsk.preprocessing import read_each

    sources = paths.tolist()
    read_each(
        sources,
        lambda index: decode_image(sources[index], image_size=image_size),
        lambda index, pixels: None,
        verbose=int(sys.stderr.isatty()),
    )
