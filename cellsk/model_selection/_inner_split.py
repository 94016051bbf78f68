"""InnerKFold: folds within a training side, as many as its patients allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator

from cellsk._checks import check_count
from cellsk.model_selection._rows import Rows, check_rows, count_units
from cellsk.model_selection._split import pick_splitter

__all__ = ["InnerKFold"]

Split = tuple[NDArray[np.intp], NDArray[np.intp]]

_RULE = (
    "A threshold, a calibration or the candidates of a search are tried on folds within the"
    " training images, which need all classes on both sides."
)
_REMEDY = "or leave out that choice: sensitivity, specificity, calibrate, or the search."


class InnerKFold(BaseCrossValidator):
    """Folds for a choice that is made within a training side: a threshold, a calibration.

    As :class:`~sklearn.model_selection.StratifiedGroupKFold`, but for rows that are not known
    beforehand: a training side may hold so few patients of a class that some test side would
    have none of them. Then there are fewer folds, and an error where not even two would do.

    Parameters
    ----------
    max_splits : int, default=3
        Number of folds, at most.
    grouped : bool, default=True
        Whether `split` must be given groups, which stay on one side of each split.
    random_state : int, default=0
        Seed of the folds.

    See Also
    --------
    choose_cv : Folds for images that are known.
    tune_threshold : Chooses a threshold on such folds.
    calibrate : Calibrates probabilities on such folds.

    Notes
    -----
    Some seeds drawn from `random_state` are tried, always the same ones, before there is one
    fold less.

    Examples
    --------
    >>> import numpy as np
    >>> from cellsk.model_selection import InnerKFold
    >>> y, patients = np.repeat([0, 1], 10), np.repeat(["P1", "P2", "P3", "P4"], 5)
    >>> len(list(InnerKFold(max_splits=3).split(y, y, patients)))
    2
    """

    # scikit-learn hands groups to the splitters that ask for them.
    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(self, max_splits: int = 3, *, grouped: bool = True, random_state: int = 0) -> None:
        self.max_splits = max_splits
        self.grouped = grouped
        self.random_state = random_state

    def get_n_splits(
        self, X: Any = None, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> int:
        """Number of folds: at most, as long as the labels are not known.

        Parameters
        ----------
        X : object, default=None
            Not used.
        y : array-like of shape (n,), default=None
            Labels.
        groups : array-like of shape (n,), default=None
            Patients.

        Returns
        -------
        n_splits : int

        Raises
        ------
        TypeError, ValueError
            As `split`.
        """
        return self.max_splits if y is None else len(self._find_folds(y, groups))

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Split]:
        """Yield the rows to train on and the rows to try on.

        Parameters
        ----------
        X : object
            Not used.
        y : array-like of shape (n,)
            Class labels.
        groups : array-like of shape (n,), default=None
            Patient of each image.

        Yields
        ------
        train, test : ndarray of int
            Rows of each side; both hold all classes, and no patient is on both.

        Raises
        ------
        TypeError, ValueError
            When `max_splits` is no whole number of at least 2, labels or groups are missing,
            or a class has too few patients or images for two folds.
        """
        yield from self._find_folds(y, groups)

    def _find_folds(self, y: ArrayLike | None, groups: ArrayLike | None) -> list[Split]:
        most = check_count("max_splits", self.max_splits, minimum=2)
        if y is None:
            raise ValueError("Stratified folds need labels. Got y=None. Pass y.")
        if groups is None and self.grouped:
            raise ValueError(
                "Folds that keep patients together need groups in fit. Got none. Pass"
                " fit(X, y, groups=groups), within"
                " sklearn.config_context(enable_metadata_routing=True)."
            )
        rows = check_rows(y, groups)
        for n_splits in range(min(most, _count_possible(rows)), 1, -1):
            splitter = _pick_whole(rows, n_splits, self.random_state)
            if splitter is not None:
                return list(splitter.split(rows.y, rows.y, rows.groups))
        raise ValueError(
            f"{_RULE} Got patients whose images of all classes cannot be dealt out so. Add"
            f" patients, {_REMEDY}"
        )


def _count_possible(rows: Rows) -> int:
    """Return the number of patients of the rarest class, or raise where it is one."""
    counts = count_units(rows.y, rows.groups)
    if len(counts) > 1 and min(counts.values()) > 1:
        return min(counts.values())
    noun = "image" if rows.groups is None else "patient"
    listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    raise ValueError(
        f"{_RULE} That takes two {noun}s of each class. Got {listed} ({noun}s by class). Add"
        f" {noun}s, {_REMEDY}"
    )


def _pick_whole(rows: Rows, n_splits: int, seed: int) -> Any:
    """Return a splitter whose sides all hold all classes, or None."""
    try:
        splitter, lacks = pick_splitter(rows, n_splits, seed)
    except ValueError:  # a class would be missing from training
        return None
    return None if lacks else splitter
