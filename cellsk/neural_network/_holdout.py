"""The inner hold-out that early stopping watches."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from cellsk._checks import count_noun
from cellsk.exceptions import SmallHoldOutWarning

__all__ = ["hold_out", "warn_if_small"]

# With fewer images of a class, one image moves that class's share by a fifth or more.
FEW_IMAGES = 5


def hold_out(
    codes: NDArray, groups: NDArray | None, fraction: float, seed: int
) -> tuple[NDArray, NDArray]:
    """Split rows into training and hold-out: each class in both, each group in one.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Class code of each row.
    groups : ndarray of shape (n,), or None
        Patient or slide of each row.
    fraction : float
        Share of the rows to hold out.
    seed : int
        Seed of the draw.

    Returns
    -------
    training, held_out : ndarray of int
        Sorted rows of each side. A class of one row stays in training.

    Raises
    ------
    ValueError
        When the groups cannot be parted so that training keeps every class.
    """
    if groups is None:
        held_out = _draw_by_class(codes, fraction, np.random.default_rng(seed))
    else:
        held_out = _choose_fold(codes, groups, fraction, seed)
    return np.setdiff1d(np.arange(len(codes)), held_out), np.sort(held_out)


def warn_if_small(classes: NDArray, codes: NDArray) -> None:
    """Warn, in numbers, when the hold-out has too few images of a class."""
    counts = np.bincount(codes, minlength=len(classes))
    if counts.min() >= FEW_IMAGES:
        return
    listed = ", ".join(
        f"{count} of {label!r}" for label, count in zip(classes.tolist(), counts, strict=True)
    )
    warnings.warn(
        f"Early stopping should watch at least {FEW_IMAGES} images of each class. "
        f"Got {count_noun(len(codes), 'image')}: {listed}. Fit on more images, raise "
        "validation_fraction, pass X_val and y_val, or set early_stopping=False.",
        SmallHoldOutWarning,
        stacklevel=5,  # the caller of fit: part_rows, fit and its decorator lie between
    )


def _draw_by_class(codes: NDArray, fraction: float, generator: np.random.Generator) -> NDArray:
    drawn = []
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        count = min(max(1, round(fraction * len(rows))), len(rows) - 1)
        drawn.append(generator.choice(rows, count, replace=False))
    return np.concatenate(drawn)


def _choose_fold(codes: NDArray, groups: NDArray, fraction: float, seed: int) -> NDArray:
    """The fold of whole groups that has every class and comes nearest to ``fraction``."""
    totals = np.bincount(codes)

    def rank(fold: NDArray) -> tuple[int, float]:
        shares = np.bincount(codes[fold], minlength=len(totals)) / np.maximum(totals, 1)
        return int(np.sum((shares == 0) & (totals > 0))), float(np.abs(shares - fraction).sum())

    best: NDArray | None = None
    n_groups = len(np.unique(groups))
    for n_splits in range(min(max(2, round(1 / fraction)), n_groups), 1, -1):
        folds = [fold for fold in _folds(codes, groups, n_splits, seed) if len(fold)]
        keeping = [fold for fold in folds if _has_all(np.delete(codes, fold), codes)]
        best = min([*keeping, *([] if best is None else [best])], key=rank, default=None)
        if best is not None and rank(best)[0] == 0:
            break
    if best is None:
        raise ValueError(
            "Early stopping must hold out whole groups and keep every class in training. Got "
            f"{count_noun(n_groups, 'group')}, which cannot be parted so. "
            "Pass X_val and y_val, or set early_stopping=False."
        )
    return best


def _folds(codes: NDArray, groups: NDArray, n_splits: int, seed: int) -> Iterator[NDArray]:
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    # scikit-learn warns of lopsided folds, or refuses rare classes: we pick among what there is.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            yield from [fold for _, fold in splitter.split(codes, codes, groups)]
        except ValueError:
            yield from [np.flatnonzero(groups == group) for group in np.unique(groups)]


def _has_all(part: NDArray, whole: NDArray) -> bool:
    return len(np.unique(part)) == len(np.unique(whole))
