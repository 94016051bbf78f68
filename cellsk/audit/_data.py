"""What an audit looks at: train and test images in one row of arrays, checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import count_noun
from cellsk.audit._fingerprints import Fingerprints

__all__ = ["AuditData", "check_images", "check_test_columns", "encode_labels"]

_RULE = "paths must be a list of image files, or an array of images (n, height, width, 1 or 3)."


@dataclass(frozen=True)
class AuditData:
    """Images, and what is known of them; rows from ``n_images`` on are of the test side.

    Attributes
    ----------
    names : list of str
        For people: paths from the common folder, or "image 17".
    n_images : int
        Number of images that are not of the test side.
    prints : Fingerprints
    y : ndarray of shape (n,), dtype int64
        Index into ``target_names``, -1 where unknown.
    groups : ndarray of shape (n,), dtype str
        "" where unknown.
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
    def labelled(self) -> bool:
        """Whether the labels of the images are known."""
        return bool((self.y[: self.n_images] >= 0).all())

    @property
    def grouped(self) -> bool:
        """Whether the groups of the images are known."""
        return bool((self.groups[: self.n_images] != "").all())

    @property
    def in_test(self) -> NDArray[np.bool_]:
        """Whether each row is of the test side."""
        return np.arange(len(self.y)) >= self.n_images


def check_images(name: str, images: Any) -> list[Any]:
    """Return files or uint8 arrays as a list, or raise.

    Raises
    ------
    TypeError, ValueError
        When it is neither.
    """
    rule = _RULE.replace("paths", name, 1)
    if isinstance(images, (str, bytes, os.PathLike)) or not hasattr(images, "__len__"):
        raise TypeError(f"{rule} Got a single {type(images).__name__}. Pass a list.")
    if len(images) == 0:
        raise ValueError(f"{rule} Got no image at all. Pass at least one.")
    if isinstance(images, np.ndarray) and images.dtype.kind in "uif":
        return _check_arrays(rule, images)
    wrong = [item for item in images if not isinstance(item, (str, os.PathLike, bytes))]
    if wrong:
        raise TypeError(f"{rule} Got {type(wrong[0]).__name__} among them. Pass paths only.")
    return [item if isinstance(item, bytes) else os.fspath(item) for item in images]


def _check_arrays(rule: str, images: NDArray[Any]) -> list[NDArray[np.uint8]]:
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):
        raise ValueError(f"{rule} Got shape {images.shape}. Reshape it.")
    if images.dtype == np.uint8:
        return list(images)
    if images.dtype.kind == "f" and images.min() >= 0 and images.max() <= 1:
        return list(np.rint(images * 255).astype(np.uint8))
    raise ValueError(
        f"{rule} Got dtype {images.dtype} with values from {images.min():g} to"
        f" {images.max():g}. Pass uint8, or floats from 0 to 1."
    )


def check_test_columns(test_paths: Any, test_y: Any, test_groups: Any) -> None:
    """Raise if labels or groups of test images come without the images.

    Raises
    ------
    ValueError
        When they do.
    """
    if test_paths is None and (test_y is not None or test_groups is not None):
        raise ValueError(
            "test_y and test_groups must belong to test_paths. Got them without it. Pass"
            " test_paths, or leave them out."
        )


def encode_labels(
    y: ArrayLike | None,
    test_y: ArrayLike | None,
    target_names: Sequence[str] | None,
    counts: tuple[int, int],
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the class of each image of train, then test, and the names of the classes.

    Raises
    ------
    ValueError
        When a length differs, a label is missing, or the names do not fit.
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
    """Return one value for each image, or raise; ``None`` stays.

    Raises
    ------
    ValueError
        When the length differs or a value is missing.
    """
    if column is None:
        return None
    values = np.asarray(column)
    if values.shape != (count,):
        raise ValueError(
            f"{name} must have one value for each image. Got shape {values.shape} for"
            f" {count_noun(count, 'image')}. Pass one for each."
        )
    missing = [value is None or value != value or value == "" for value in values.tolist()]
    if any(missing):
        raise ValueError(
            f"{name} must have no missing value. Got {sum(missing):,} of {count:,} missing. Fill"
            " them in, or leave these images out."
        )
    return values.astype(str) if values.dtype.kind == "O" else values


def _check_codes(codes: NDArray[Any], names: list[str]) -> None:
    if codes.min() < 0 or codes.max() >= len(names):
        raise ValueError(
            f"y must be indices into target_names. Got {codes.min()} to {codes.max()} and"
            f" {count_noun(len(names), 'name')}. Pass a name for each class."
        )
