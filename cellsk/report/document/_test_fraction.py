"""The share of images in the test sides of a search, as far as its splitter tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import (
    BaseShuffleSplit,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from cellsk.model_selection import InnerKFold

__all__ = ["find_test_fraction"]

# Each image is in one test side. TimeSeriesSplit, of the same base class, is not of them.
_PARTITIONS = (
    KFold,
    GroupKFold,
    StratifiedKFold,
    StratifiedGroupKFold,
    LeaveOneOut,
    LeaveOneGroupOut,
    InnerKFold,
)


def find_test_fraction(search: Any) -> float | None:
    """Return the share of test images among those of a split, in the mean of the splits.

    None where the splitter does not say: a size in images needs their number, which a fitted
    search does not keep, and of other splitters nothing is known.
    """
    cv, n_folds = search.cv, int(search.n_splits_)
    if cv is None or isinstance(cv, (Integral, *_PARTITIONS)):
        return 1 / n_folds
    if isinstance(cv, RepeatedKFold | RepeatedStratifiedKFold):
        return float(cv.n_repeats / n_folds)
    if isinstance(cv, PredefinedSplit):
        # Images of fold -1 are in every training side.
        return float(np.mean(np.asarray(cv.test_fold) != -1)) / n_folds
    if isinstance(cv, BaseShuffleSplit):
        return _read_sizes(cv)
    return _measure_sides(cv) if isinstance(cv, Sequence | np.ndarray) else None


def _read_sizes(cv: Any) -> float | None:
    """Return what test_size and train_size say together."""
    test, train = cv.test_size, cv.train_size
    if test is None and train is None:
        test = getattr(cv, "_default_test_size", None)
    counted = [isinstance(size, Integral) for size in (test, train) if size is not None]
    if len(counted) == 2 and counted[0] == counted[1]:
        return float(test / (test + train))
    if any(counted) or not counted:
        return None
    return float(test) if train is None else 1 - float(train)


def _measure_sides(splits: Iterable[tuple[ArrayLike, ArrayLike]]) -> float:
    shares = []
    for train, test in splits:
        n_train, n_test = _count_rows(train), _count_rows(test)
        shares.append(n_test / (n_train + n_test))
    return float(np.mean(shares))


def _count_rows(side: ArrayLike) -> int:
    rows = np.asarray(side)
    return int(np.count_nonzero(rows)) if rows.dtype == bool else len(rows)
