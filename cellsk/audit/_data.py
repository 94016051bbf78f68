"""Checked inputs of an audit: training and test images in the same arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import count_noun
from cellsk._columns import check_column as check_names
from cellsk._columns import refuse_masked
from cellsk.audit._fingerprints import Fingerprints
from cellsk.exceptions import InputError, InputTypeError

__all__ = [
    "AuditData",
    "check_column",
    "check_folders",
    "check_test_columns",
    "encode_labels",
    "list_sources",
]

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
    if (
        getattr(images, "ndim", 1) == 2
    ):  # iterating over a data frame gives the names of its columns
        got = f"a table of shape {images.shape}"
        raise InputError(_RULE, got, "Pass the column of the paths.", parameter=name)
    refuse_masked(name, images)
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
    sides: tuple[NDArray[Any] | None, NDArray[Any] | None],
    target_names: Sequence[str] | None,
    test_target_names: Sequence[str] | None,
    counts: tuple[int, int],
) -> tuple[NDArray[np.int64], list[str], int]:
    """Return the class of each image, first training and then test, and the class names.

    Classes of training and test are the same if their names are.

    Parameters
    ----------
    sides : (ndarray or None, ndarray or None)
        Labels of the training and of the test images.
    target_names, test_target_names : sequence of str, or None
        Names of whole numbers. Without those of the test, all are indices into target_names.
    counts : (int, int)
        Number of training and of test images.

    Returns
    -------
    codes : ndarray of int64
    names : list of str
        Classes of the training images first.
    n_train_names : int

    Raises
    ------
    ValueError
        If the names do not fit, or the two sides have no common kind of label.
    """
    test_names = target_names if test_target_names is None else test_target_names
    train, test = (
        _name_codes(name, side, names)
        for name, side, names in zip(
            ("y", "test_y"), sides, (target_names, test_names), strict=True
        )
    )
    if train is not None and test is not None and train.dtype.kind != test.dtype.kind:
        train, test = _match_kinds(train, test)
    order: list[Any] = [] if train is None else np.unique(train).tolist()
    if sides[0] is not None and target_names is not None and sides[0].dtype.kind in "iu":
        order = [str(name) for name in target_names]
    n_train_names = len(order)
    if test is not None:
        order += [value for value in np.unique(test).tolist() if value not in set(order)]
    place = {value: code for code, value in enumerate(order)}
    codes = [
        [-1] * count if side is None else [place[value] for value in side.tolist()]
        for side, count in zip((train, test), counts, strict=True)
    ]
    names = [str(value) for value in order]
    return np.array(codes[0] + codes[1], dtype=np.int64), names, n_train_names or len(names)


def _name_codes(
    parameter: str, side: NDArray[Any] | None, names: Sequence[str] | None
) -> NDArray[Any] | None:
    """Return the names of whole numbers, or the labels as they are."""
    if side is None or names is None or side.dtype.kind not in "iu":
        return side
    listed = [str(name) for name in names]
    _check_codes(parameter, side, listed)
    return np.array(listed)[side.astype(np.int64)]


def _match_kinds(train: NDArray[Any], test: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return numbers and names as text, if some of them are equal, or numbers as one type.

    Raises
    ------
    ValueError
        If none is equal, as for codes and names of classes.
    """
    if "U" not in (train.dtype.kind, test.dtype.kind):
        return train, test
    texts = train.astype(str), test.astype(str)
    if not np.isin(*texts).any():
        raise InputError(
            "must be of the same kind as y, so that classes can be matched by name",
            f"{test[0]!s} in test_y and {train[0]!s} in y",
            "Pass the names of both, or target_names and test_target_names for codes.",
            parameter="test_y",
            code="label-kinds",
        )
    return texts


def check_folders(
    train: Sequence[Any],
    test: Sequence[Any],
    sides: tuple[NDArray[Any] | None, NDArray[Any] | None],
    target_names: Sequence[str] | None,
) -> None:
    """Raise if a code is another class in the test than in training, by the folders.

    `list_images` numbers the classes of each folder, so codes shift if one has no images.

    Raises
    ------
    ValueError
        If they are.
    """
    if any(side is None or side.dtype.kind not in "iu" for side in sides):
        return
    here = target_names if target_names is not None else _read_folders(train, sides[0])
    there = _read_folders(test, sides[1])
    if here is None or there is None:
        return
    known = [str(name) for name in here]
    for code, name in enumerate(there):
        shifted = name in known and known.index(name) != code
        if shifted or (len(there) > 1 and target_names is None and name not in known[code:]):
            other = repr(known[code]) if code < len(known) else "no class"
            raise InputError(
                "must have the codes of y, but classes without images shift them",
                f"code {code} for images in the folder {name!r}, which is {other} in y",
                "Pass target_names=train.target_names and test_target_names=test.target_names of"
                " list_images.",
                parameter="test_y",
                code="label-codes-shifted",
            )


def _read_folders(sources: Sequence[Any], codes: Any) -> list[str] | None:
    """Return the names of the class folders, if the codes are their numbers in order."""
    if not all(isinstance(source, str) for source in sources):
        return None
    folders = [os.path.dirname(os.path.abspath(source)) for source in sources]
    common = os.path.commonpath(folders)
    parts = [os.path.relpath(folder, common).split(os.sep)[0] for folder in folders]
    names = sorted(set(parts))
    if names == [os.curdir]:
        names, parts = [os.path.basename(common)], [os.path.basename(common)] * len(parts)
    agree = all(
        0 <= code < len(names) and names[code] == part
        for code, part in zip(codes.tolist(), parts, strict=True)
    )
    return names if agree else None


def check_column(name: str, column: ArrayLike | None, count: int) -> NDArray[Any] | None:
    """Return one value for each image, or None for None.

    Raises
    ------
    ValueError
        If the length differs or a value is missing.
    """
    if column is None:
        return None
    shape = np.shape(column)
    if shape != (count,):
        raise InputError(
            "must have one value for each image",
            f"shape {shape} for {count_noun(count, 'image')}",
            "Pass one for each.",
            parameter=name,
        )
    return check_names(name, column)


def _check_codes(parameter: str, codes: NDArray[Any], names: list[str]) -> None:
    if codes.min() < 0 or codes.max() >= len(names):
        raise InputError(
            "must be indices into target_names",
            f"{codes.min()} to {codes.max()} and {count_noun(len(names), 'name')}",
            "Pass a name for each class.",
            parameter=parameter,
            code="label-codes",
        )
