"""Checked inputs of an audit: training and test images in the same arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import count_noun
from cellsk.audit._fingerprints import Fingerprints
from cellsk.exceptions import InputError, InputTypeError

__all__ = ["AuditData", "check_column", "check_test_columns", "encode_labels", "list_sources"]

_RULE = "must be a list of image files, or an array of images (n, height, width, 1 or 3)"


@dataclass(frozen=True)
class AuditData:
    """Images and their labels and groups. Rows from ``n_images`` on are test images.

    Attributes
    ----------
    names : list of str
        Names for messages: paths from the common folder, or "image 17".
    n_images : int
        Number of images that are not test images.
    prints : Fingerprints
    y : ndarray of shape (n,), dtype int64
        Index into ``target_names``; -1 if unknown.
    groups : ndarray of shape (n,), dtype str
        "" if unknown.
    target_names : list of str
    proba : ndarray of shape (n_images, n_classes) or None
    """

    names: list[str]
    n_images: int
    prints: Fingerprints
    y: NDArray[np.int64]
    groups: NDArray[np.str_]
    target_names: list[str]
    proba: NDArray[np.float64] | None

    @property
    def labeled(self) -> bool:
        """Whether the labels of the images are known."""
        return bool((self.y[: self.n_images] >= 0).all())

    @property
    def grouped(self) -> bool:
        """Whether the groups of the images are known."""
        return bool((self.groups[: self.n_images] != "").all())

    @property
    def in_test(self) -> NDArray[np.bool_]:
        """Whether each row is a test image."""
        return np.arange(len(self.y)) >= self.n_images


def list_sources(name: str, images: Any) -> list[Any]:
    """Return a list of paths, contents of files or uint8 arrays.

    Raises
    ------
    TypeError, ValueError
        If ``images``, the parameter called ``name``, is something else.
    """
    if isinstance(images, (str, bytes, os.PathLike)) or not hasattr(images, "__len__"):
        got = f"a single {type(images).__name__}"
        raise InputTypeError(_RULE, got, "Pass a list.", parameter=name)
    if len(images) == 0:
        raise InputError(_RULE, "no image", "Pass at least one.", parameter=name)
    if isinstance(images, np.ndarray) and images.dtype.kind in "uif":
        return _list_arrays(name, images)
    wrong = [item for item in images if not isinstance(item, (str, os.PathLike, bytes))]
    if wrong:
        got = f"{type(wrong[0]).__name__} among them"
        raise InputTypeError(_RULE, got, "Pass paths only.", parameter=name)
    return [item if isinstance(item, bytes) else os.fspath(item) for item in images]


def _list_arrays(name: str, images: NDArray[Any]) -> list[NDArray[np.uint8]]:
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):
        raise InputError(_RULE, f"shape {images.shape}", "Reshape it.", parameter=name)
    if images.dtype == np.uint8:
        return list(images)
    if images.dtype.kind == "f" and images.min() >= 0 and images.max() <= 1:
        return list(np.rint(images * 255).astype(np.uint8))
    raise InputError(
        _RULE,
        f"dtype {images.dtype} with values from {images.min():g} to {images.max():g}",
        "Pass uint8, or floats from 0 to 1.",
        parameter=name,
    )


def check_test_columns(test_paths: Any, test_y: Any, test_groups: Any) -> None:
    """Raise if labels or groups of test images come without the images.

    Raises
    ------
    ValueError
        If they do.
    """
    if test_paths is None and (test_y is not None or test_groups is not None):
        raise InputError(
            "test_y and test_groups must belong to test_paths",
            "no test_paths",
            "Pass test_paths, or leave them out.",
            code="test-images-missing",
        )


def encode_labels(
    y: ArrayLike | None,
    test_y: ArrayLike | None,
    target_names: Sequence[str] | None,
    counts: tuple[int, int],
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the class of each image, first training and then test, and the class names.

    Raises
    ------
    ValueError
        If a length differs, a label is missing, or the names do not fit.
    """
    sides = [
        check_column(name, column, count)
        for name, column, count in zip(("y", "test_y"), (y, test_y), counts, strict=True)
    ]
    known = [side for side in sides if side is not None]
    if not known:
        return np.full(sum(counts), -1, dtype=np.int64), []
    if target_names is not None and all(side.dtype.kind in "iu" for side in known):
        names = [str(name) for name in target_names]
        _check_codes(np.concatenate(known), names)
        codes = [side.astype(np.int64) if side is not None else None for side in sides]
    else:
        values = np.unique(np.concatenate(known))
        names = [str(value) for value in values.tolist()]
        codes = [None if side is None else np.searchsorted(values, side) for side in sides]
    filled = [
        np.full(count, -1, dtype=np.int64) if side is None else side
        for side, count in zip(codes, counts, strict=True)
    ]
    return np.concatenate(filled).astype(np.int64), names


def check_column(name: str, column: ArrayLike | None, count: int) -> NDArray[Any] | None:
    """Return one value for each image, or None for None.

    Raises
    ------
    ValueError
        If the length differs or a value is missing.
    """
    if column is None:
        return None
    values = np.asarray(column)
    if values.shape != (count,):
        raise InputError(
            "must have one value for each image",
            f"shape {values.shape} for {count_noun(count, 'image')}",
            "Pass one for each.",
            parameter=name,
        )
    missing = [value is None or value != value or value == "" for value in values.tolist()]
    if any(missing):
        raise InputError(
            "must have no missing value",
            f"{sum(missing):,} of {count:,} missing",
            "Fill them in, or leave these images out.",
            parameter=name,
        )
    return values.astype(str) if values.dtype.kind == "O" else values


def _check_codes(codes: NDArray[Any], names: list[str]) -> None:
    if codes.min() < 0 or codes.max() >= len(names):
        raise InputError(
            "must be indices into target_names",
            f"{codes.min()} to {codes.max()} and {count_noun(len(names), 'name')}",
            "Pass a name for each class.",
            parameter="y",
        )
