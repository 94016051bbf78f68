"""The images of all competitors: as files in folders, and as uint8 arrays."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cellsk import ImageReader, list_images, make_cells

SHORT_COUNT, SHORT_SIZE = 64, (32, 32)
DRAWN_COUNT, DRAWN_SIZE = 2000, (96, 96)


class Images(NamedTuple):
    """Folders with one sub-folder per class, and a file with the same images as arrays."""

    source: str
    train: str
    valid: str
    arrays: str
    n_train: int
    n_valid: int
    image_size: tuple[int, int]


class Arrays(NamedTuple):
    """Images (n, height, width, 3) and labels, for training and for scores."""

    X: np.ndarray
    y: np.ndarray
    X_valid: np.ndarray
    y_valid: np.ndarray


def prepare_images(options: argparse.Namespace, work: Path) -> Images:
    """Read train/ and valid/ of ``--data``, or draw cells of different patients as jpg files."""
    folder = work
    if options.data is None or options.short:
        count, size = (SHORT_COUNT, SHORT_SIZE) if options.short else (DRAWN_COUNT, DRAWN_SIZE)
        draw_folder(work / "train", count, size)
        draw_folder(work / "valid", count // 2, size, seed=1)
        source = "drawn cells"
    else:
        folder, source = options.data.resolve(), options.data.resolve().name
    train, valid = list_images(folder / "train"), list_images(folder / "valid")
    X, X_valid = (ImageReader().transform(listed.paths) for listed in (train, valid))
    arrays = work / "arrays.npz"
    np.savez(arrays, X=X, y=train.y, X_valid=X_valid, y_valid=valid.y)
    return Images(
        source,
        str(folder / "train"),
        str(folder / "valid"),
        str(arrays),
        len(X),
        len(X_valid),
        X.shape[1:3],
    )


def draw_folder(folder: Path, count: int, size: tuple[int, int], seed: int = 0) -> None:
    """Draw cells as jpg files in one sub-folder per class."""
    make_cells(count, folder=folder, image_size=size, extension="jpg", random_state=seed)


def load_arrays(file: str) -> Arrays:
    """Return the arrays that :func:`prepare_images` has saved."""
    with np.load(file) as parts:
        return Arrays(**parts)
