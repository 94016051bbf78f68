"""Images in the form in which matplotlib draws them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import name_some
from cellsk.exceptions import InputError

_SHAPE = "must be gray or RGB: (height, width), or (height, width, 1 or 3)"
_RANGE = "must be uint8, or numbers from 0 to 1 or from 0 to 255"


def as_pictures(images: Sequence[NDArray] | NDArray) -> list[NDArray[np.float64]]:
    """Return images with values from 0 to 1, of shape (height, width[, 3]).

    All of them are multiplied by one factor, so that their brightness can be compared.

    Raises
    ------
    ValueError
        When an image has another shape, or values outside of both ranges.
    """
    arrays = [np.asarray(image) for image in images]
    if not arrays:
        raise InputError("must hold at least one image", "none", "Pass some.", parameter="images")
    for array in arrays:
        if array.ndim not in (2, 3) or 0 in array.shape or array.shape[2:] not in ((), (1,), (3,)):
            raise InputError(
                _SHAPE, f"shape {array.shape}", "Pass one image per entry.", parameter="images"
            )
    factor = _find_factor(arrays)
    return [
        (array[..., 0] if array.shape[2:] == (1,) else array).astype(np.float64) * factor
        for array in arrays
    ]


def _find_factor(arrays: list[NDArray]) -> float:
    dtypes = {array.dtype for array in arrays}
    if not all(dtype.kind in "buif" for dtype in dtypes):
        got = f"dtype {name_some(sorted(dtypes))}"
        raise InputError(_RANGE, got, "Pass pixels.", parameter="images")
    if dtypes == {np.dtype(np.uint8)}:
        return 1 / 255
    lowest = min(float(array.min()) for array in arrays)
    highest = max(float(array.max()) for array in arrays)
    if not (lowest >= 0 and highest <= 255):  # NaN fails this, too
        got = f"values from {lowest:g} to {highest:g}"
        raise InputError(_RANGE, got, "Rescale them first.", parameter="images")
    return 1.0 if highest <= 1 else 1 / 255
