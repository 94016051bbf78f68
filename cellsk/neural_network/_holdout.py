"""The images that are held out of training for early stopping."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from cellsk._checks import count_noun
from cellsk.exceptions import InputError, SmallHoldOutWarning
from cellsk.neural_network._batches import LabeledImages, Subset

__all__ = ["FEW_IMAGES", "hold_out", "split_rows", "warn_if_small"]

# With fewer images of a class, one image changes the accuracy of that class by a fifth or more.
FEW_IMAGES = 5


def split_rows(
    classes: NDArray,
    data: LabeledImages,
    groups: NDArray | None,
    own: Subset | None,
    fraction: float | None,
    seed: int,
) -> tuple[Subset, Subset | None]:
    """Return the images that train, and those for early stopping, or None.

    Images of weight zero are in neither. If the caller passed hold-out images, ``own``, these
    are used, and no image is held out. Nor is one without a ``fraction`` to hold out.

    Raises
    ------
    InputError
        If no split keeps each group on one side and each class in training.
    """
    rows = np.flatnonzero(data.weights)
    if own is not None or fraction is None:
        return Subset(data, rows), own
    groups = None if groups is None else groups[rows]
    training, held_out = hold_out(data.codes[rows], groups, fraction, seed)
    warn_if_small(classes, data.codes[rows[held_out]])
    watched = Subset(data, rows[held_out]) if len(held_out) else None
    return Subset(data, rows[training]), watched


def hold_out(
    codes: NDArray, groups: NDArray | None, fraction: float, seed: int
) -> tuple[NDArray, NDArray]:
    """Split rows into training and hold-out. Each class is in both, each group in one.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Class code of each row.
    groups : ndarray of shape (n,), or None
        Patient or slide of each row.
    fraction : float
        Fraction of the rows to hold out.
    seed : int
        Seed of the draw.

    Returns
    -------
    training, held_out : ndarray of int
        Sorted rows of each side. A class with a single row stays in training.

    Raises
    ------
    InputError
        If no split keeps each group on one side and each class in training.
    """
    if groups is None:
        held_out = _draw_by_class(codes, fraction, np.random.default_rng(seed))
    else:
        held_out = _choose_fold(codes, groups, fraction, seed)
    return np.setdiff1d(np.arange(len(codes)), held_out), np.sort(held_out)


def warn_if_small(classes: NDArray, codes: NDArray) -> None:
    """Warn if the hold-out has too few images of a class."""
    counts = np.bincount(codes, minlength=len(classes))
    if counts.min() >= FEW_IMAGES:
        return
    listed = ", ".join(
        f"{count} of {label!r}" for label, count in zip(classes.tolist(), counts, strict=True)
    )
    warnings.warn(
        SmallHoldOutWarning(
            f"Early stopping should use at least {FEW_IMAGES} images of each class",
            f"{count_noun(len(codes), 'image')}: {listed}",
            "Fit on more images, raise validation_fraction, pass X_val and y_val, or set "
            "early_stopping=False.",
            code="small-hold-out",
            values={
                "n_images": len(codes),
                "counts": dict(zip(map(str, classes.tolist()), counts.tolist(), strict=True)),
            },
        ),
        stacklevel=5,  # the caller of fit: split_rows, fit and its decorator are between
    )


def _draw_by_class(codes: NDArray, fraction: float, generator: np.random.Generator) -> NDArray:
    drawn = []
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        count = min(max(1, round(fraction * len(rows))), len(rows) - 1)
        drawn.append(generator.choice(rows, count, replace=False))
    return np.concatenate(drawn)


def _choose_fold(codes: NDArray, groups: NDArray, fraction: float, seed: int) -> NDArray:
    """Return the fold of whole groups with every class whose size is nearest to ``fraction``."""
    totals = np.bincount(codes)

    def rank(fold: NDArray) -> tuple[int, float]:
        shares = np.bincount(codes[fold], minlength=len(totals)) / np.maximum(totals, 1)
        return int(np.sum((shares == 0) & (totals > 0))), float(np.abs(shares - fraction).sum())

    best: NDArray | None = None
    n_groups = len(np.unique(groups))
    for n_splits in range(min(max(2, round(1 / fraction)), n_groups), 1, -1):
        folds = [fold for fold in _folds(codes, groups, n_splits, seed) if len(fold)]
        keeping = [fold for fold in folds if _has_all_classes(np.delete(codes, fold), codes)]
        best = min([*keeping, *([] if best is None else [best])], key=rank, default=None)
        if best is not None and rank(best)[0] == 0:
            break
    if best is None:
        raise InputError(
            "Early stopping must hold out all images of some patients, and keep every class in"
            " training",
            f"{count_noun(n_groups, 'patient')}, for which no such split exists",
            "Pass X_val and y_val, or set early_stopping=False.",
            code="no-hold-out-by-group",
            values={"n_groups": n_groups},
        )
    return best


def _folds(codes: NDArray, groups: NDArray, n_splits: int, seed: int) -> Iterator[NDArray]:
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    # scikit-learn warns about unbalanced folds and refuses rare classes. We choose among all folds.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            yield from [fold for _, fold in splitter.split(codes, codes, groups)]
        except ValueError:
            yield from [np.flatnonzero(groups == group) for group in np.unique(groups)]


def _has_all_classes(codes: NDArray, all_codes: NDArray) -> bool:
    return len(np.unique(codes)) == len(np.unique(all_codes))
