"""Input arrays, checked and shaped as images (n, height, width, channels)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array, validate_data

from cellsk._checks import check_count
from cellsk._columns import refuse_masked
from cellsk.exceptions import InputError, PixelRangeWarning

__all__ = ["check_image_shape", "find_pixel_max", "validate_images"]

# [0, 1] in fit and [0, 255] in predict differ by a factor of 255. Bright images differ less.
# The square is for [0, 255] in fit and [0, 1] in predict.
MAX_RANGE_RATIO = 10
KINDS = {"uint8": "uint8, from 0 to 255", "float32": "other than uint8"}
LAYOUT = "X must hold images of shape (n_samples, height, width, channels)"


def check_image_shape(value: Any) -> tuple[int, int, int] | None:
    """Return ``image_shape`` as (height, width, channels), or None.

    Raises
    ------
    InputError
        If it is neither None nor two or three positive whole numbers.
    """
    if value is None:
        return None
    try:
        sizes = [check_count("image_shape", size) for size in value]
        height, width, channels = sizes if len(sizes) == 3 else (*sizes, 1)
    except (TypeError, ValueError):
        raise InputError(
            "must be two or three positive integers, (height, width) or "
            "(height, width, channels), in pixels",
            repr(value),
            parameter="image_shape",
        ) from None
    return height, width, channels


def validate_images(
    estimator: Any, X: Any, image_shape: Sequence[int] | None = None, *, reset: bool
) -> NDArray:
    """Return X as uint8 or float32 images of shape (n, height, width, channels).

    X may hold 4-D images, 3-D gray images, or flattened 2-D rows. With ``reset`` the estimator
    learns ``image_shape_``, ``image_dtype_``, ``pixel_max_`` and ``n_features_in_``. Otherwise
    X is compared with them.

    Raises
    ------
    InputError, TypeError, ValueError
        If X does not hold images, or its images differ in kind from those of the fit.
    """
    _refuse_paths(X)
    refuse_masked("X", X)
    array = check_array(
        _stack_images(X),
        dtype=[np.float32, np.uint8],
        allow_nd=True,
        estimator=estimator,
        input_name="X",
    )
    if array.ndim == 2:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    shape = check_image_shape(image_shape) if reset else estimator.image_shape_
    images = _shape_images(array, shape)
    if shape is not None and images.shape[1:] != tuple(shape):
        raise _explain_shape(images.shape[1:], shape, reset=reset)
    if reset:
        _learn(estimator, images, named=array.ndim == 2)
    else:
        _check_pixels(estimator, images)
    return images


def find_pixel_max(images: NDArray) -> float:
    """Return what the first layer divides by: 255 for uint8, else the largest value, or 1."""
    if images.dtype == np.uint8:
        return 255.0
    return float(max(images.max(), -images.min())) or 1.0


def _refuse_paths(X: Any) -> None:
    rows = getattr(X, "array", X)  # of a pandas Series
    # The dimensions of a list are not known before it is an array, which takes time.
    is_list = isinstance(rows, list | tuple) or (
        hasattr(rows, "__getitem__") and np.ndim(rows) == 1
    )
    first = rows[0] if is_list and len(rows) else None
    if isinstance(first, str | bytes | PurePath):
        raise InputError(
            LAYOUT,
            f"file names, such as {str(first)!r}",
            "Put a reader in front: Pipeline([('reader', ImageReader()), "
            "('classifier', CellClassifier())]).",
            code="images-are-paths",
        )


def _stack_images(X: Any) -> Any:
    """Return a list of arrays, or a tensor, as one array that keeps the dtype.

    Return anything else as it is. scikit-learn turns lists into floats, and pixels of uint8
    would lose their range.
    """
    dtype = getattr(X, "dtype", None)
    is_foreign = dtype is None and hasattr(X, "__array__")
    if is_foreign or (dtype is not None and not isinstance(dtype, np.dtype)):  # a tensor
        X, dtype = np.asarray(X), None
    is_list = isinstance(X, list | tuple) or (dtype is not None and dtype.kind == "O")
    rows = list(getattr(X, "array", X)) if is_list else []
    if not rows or not all(map(_is_array, rows)):
        return X
    images = [np.asarray(row) for row in rows]
    shapes = list(dict.fromkeys(image.shape for image in images))
    if len(shapes) > 1:
        raise InputError(
            "X must hold images of one shape",
            f"{shapes[0]} and {shapes[1]}",
            "Pass paths to an ImageReader(image_size=...), which resizes them.",
            code="image-shapes-differ",
        )
    return np.stack(images)


def _is_array(row: Any) -> bool:
    """Return whether it is an array with a dtype, or an image of Pillow, and not a number."""
    return any(hasattr(row, name) for name in ("dtype", "__array_interface__")) and np.ndim(row) > 0


def _shape_images(array: NDArray, image_shape: Sequence[int] | None) -> NDArray:
    if array.ndim == 2:
        return _unflatten(array, image_shape or (1, array.shape[1], 1))
    if array.ndim == 3:
        return array[..., np.newaxis]
    if array.ndim != 4:
        raise InputError(
            LAYOUT,
            f"shape {array.shape}",
            "Gray images may have three axes, flattened images two.",
            code="image-axes",
        )
    if array.shape[1] in (1, 3) and array.shape[3] > 4:
        raise InputError(
            LAYOUT,
            f"shape {array.shape}, which looks as if channels came first",
            "Pass numpy.moveaxis(X, 1, -1).",
            code="channels-first",
        )
    return array


def _unflatten(array: NDArray, image_shape: Sequence[int]) -> NDArray:
    if array.shape[1] != np.prod(image_shape):
        raise InputError(
            f"Each row of X must hold the {np.prod(image_shape)} values of one image of "
            f"shape {tuple(image_shape)}",
            f"rows of {array.shape[1]}",
            "Pass the right image_shape.",
            code="row-length",
        )
    return array.reshape(-1, *image_shape)


def _learn(estimator: Any, images: NDArray, *, named: bool) -> None:
    if not named and hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_
    estimator.image_shape_ = images.shape[1:]
    estimator.image_dtype_ = str(images.dtype)
    estimator.pixel_max_ = find_pixel_max(images)
    estimator.n_features_in_ = int(np.prod(images.shape[1:]))


def _check_pixels(estimator: Any, images: NDArray) -> None:
    """Compare the kind and the range of pixels with those of the fit."""
    if str(images.dtype) != estimator.image_dtype_:
        raise InputError(
            f"Pixels must be {KINDS[estimator.image_dtype_]}, as in fit",
            KINDS[str(images.dtype)],
            "Pass the same kind of numbers to fit and predict.",
            code="pixel-kind",
        )
    found = find_pixel_max(images)
    # Dark images have lower values than those of the fit, but not all at most 1.
    too_low = images.any() and found <= 1 and estimator.pixel_max_ > MAX_RANGE_RATIO**2
    if too_low or found > MAX_RANGE_RATIO * estimator.pixel_max_:
        warnings.warn(
            PixelRangeWarning(
                f"Pixels should be in the range of those in fit, up to {estimator.pixel_max_:g}",
                f"up to {found:g}",
                "Pass images on the same scale.",
                code="pixel-range",
                values={"fitted": estimator.pixel_max_, "found": found},
            ),
            stacklevel=4,
        )


def _explain_shape(got: Sequence[int], expected: Sequence[int], *, reset: bool) -> InputError:
    height, width, channels = map(int, expected)
    return InputError(
        f"X must hold images of shape {tuple(expected)}, "
        f"{'as given by image_shape' if reset else 'as in fit'}",
        f"{tuple(got)}",
        f"Read them with ImageReader(image_size=({height}, {width}), channels={channels}).",
        code="image-shape",
        values={"expected": (height, width, channels), "got": tuple(map(int, got))},
    )
