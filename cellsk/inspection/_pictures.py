"""Images as matplotlib draws them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import name_some

_RULE = "images must be grey or RGB: (height, width), or (height, width, 1 or 3)."
_RANGE_RULE = "images must be uint8, or numbers from 0 to 1 or from 0 to 255."


def as_pictures(images: Sequence[NDArray] | NDArray) -> list[NDArray[np.float64]]:
    """Return images with values from 0 to 1, of shape (height, width[, 3]).

    The brightness of all is changed by one factor, so that they can be compared.

    Raises
    ------
    ValueError
        When one has another shape, or values that are no brightness.
    """
    arrays = [np.asarray(image) for image in images]
    if not arrays:
        raise ValueError("images must hold at least one image. Got none. Pass some.")
    for array in arrays:
        if array.ndim not in (2, 3) or 0 in array.shape or array.shape[2:] not in ((), (1,), (3,)):
            raise ValueError(f"{_RULE} Got shape {array.shape}. Pass one image per entry.")
    factor = _find_factor(arrays)
    return [
        (array[..., 0] if array.shape[2:] == (1,) else array).astype(np.float64) * factor
        for array in arrays
    ]


def _find_factor(arrays: list[NDArray]) -> float:
    dtypes = {array.dtype for array in arrays}
    if not all(dtype.kind in "buif" for dtype in dtypes):
        raise ValueError(f"{_RANGE_RULE} Got dtype {name_some(sorted(dtypes))}. Pass pixels.")
    if dtypes == {np.dtype(np.uint8)}:
        return 1 / 255
    lowest = min(float(array.min()) for array in arrays)
    highest = max(float(array.max()) for array in arrays)
    if not (lowest >= 0 and highest <= 255):  # written so that NaN fails
        raise ValueError(
            f"{_RANGE_RULE} Got values from {lowest:g} to {highest:g}. Rescale them first."
        )
    return 1.0 if highest <= 1 else 1 / 255
