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
    from cellsk._image_bytes import DecodeError
    from cellsk.preprocessing._reader import _list_failures, _list_misfits, _show_progress

    failures: list[tuple[str, DecodeError]] = []
    sizes: list[tuple[str, tuple[int, int]]] = []
    for path in _show_progress(paths.tolist(), int(sys.stderr.isatty())):
        try:
            height, width, _ = decode_image(path, image_size=image_size).shape
            sizes.append((str(path), (height, width)))
        except DecodeError as error:
            failures.append((str(path), error))
    if failures:
        raise _list_failures(failures, len(paths))
    misfits = [(path, size) for path, size in sizes if size != sizes[0][1]]
    if misfits:
        raise _list_misfits(misfits, len(paths), sizes[0][1])
