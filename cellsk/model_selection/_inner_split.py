"""Folds within a training side, as many as its patients allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator

from cellsk._checks import check_count, count_noun
from cellsk.exceptions import InputError
from cellsk.model_selection._rows import Rows, check_rows, count_units
from cellsk.model_selection._splitter import choose_splitter

__all__ = ["InnerKFold"]

Split = tuple[NDArray[np.intp], NDArray[np.intp]]

_RULE = (
    "A threshold, a calibration or a search needs folds within the training images, with all"
    " classes on both sides"
)


class InnerKFold(BaseCrossValidator):
    """Folds within a training side, on which a threshold or a calibration is chosen.

    They are those of :class:`~sklearn.model_selection.StratifiedGroupKFold`, but for rows that
    are not known in advance. If a training side has too few patients of a class for each test
    side, there are fewer folds. If two folds are impossible, there is an error.

    Parameters
    ----------
    max_splits : int, default=3
        Largest number of folds.
    grouped : bool, default=True
        Whether `split` requires groups, which stay on one side of each split.
    random_state : int, default=0
        Seed of the folds.

    See Also
    --------
    choose_cv : Chooses folds for all images.
    tune_threshold : Chooses a threshold on such folds.
    calibrate : Calibrates probabilities on such folds.

    Notes
    -----
    Several seeds drawn from `random_state`, always the same ones, are tried before the number
    of folds is reduced.

    Examples
    --------
    >>> import numpy as np
    >>> from cellsk.model_selection import InnerKFold
    >>> y, patients = np.repeat([0, 1], 10), np.repeat(["P1", "P2", "P3", "P4"], 5)
    >>> len(list(InnerKFold(max_splits=3).split(y, y, patients)))
    2
    """

    # scikit-learn passes groups to the splitters that request them.
    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(self, max_splits: int = 3, *, grouped: bool = True, random_state: int = 0) -> None:
        self.max_splits = max_splits
        self.grouped = grouped
        self.random_state = random_state

    def get_n_splits(
        self, X: Any = None, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of folds, or the largest number if there are no labels.

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
        """Yield the training and the test rows of each fold.

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
            Rows of each side. Both have all classes, and no patient is on both.

        Raises
        ------
        TypeError, ValueError
            If `max_splits` is not a whole number of at least 2, labels or groups are missing,
            or a class has too few patients or images for two folds.
        """
        yield from self._find_folds(y, groups)

    def _find_folds(self, y: ArrayLike | None, groups: ArrayLike | None) -> list[Split]:
        most = check_count("max_splits", self.max_splits, minimum=2)
        if y is None:
            raise InputError(
                "Stratified folds need labels", "y=None", "Pass y to fit.", code="labels-missing"
            )
        if groups is None and self.grouped:
            raise InputError(
                "Folds that keep patients together need groups in fit",
                "no groups",
                "Pass fit(X, y, groups=groups), within"
                " sklearn.config_context(enable_metadata_routing=True).",
                code="groups-missing",
            )
        rows = check_rows(y, groups)
        for n_splits in range(min(most, _count_possible(rows)), 1, -1):
            splitter = _find_complete_splitter(rows, n_splits, self.random_state)
            if splitter is not None:
                return list(splitter.split(rows.y, rows.y, rows.groups))
        raise _describe("patient", "patients that cannot be divided in this way")


def _count_possible(rows: Rows) -> int:
    """Return the number of patients of the rarest class, or raise if it is one."""
    counts = count_units(rows.y, rows.groups)
    if len(counts) > 1 and min(counts.values()) > 1:
        return min(counts.values())
    noun = "image" if rows.groups is None else "patient"
    listed = ", ".join(f"{count_noun(count, noun)} of {name}" for name, count in counts.items())
    raise _describe(noun, f"{listed}. Two {noun}s of each class are needed")


def _describe(noun: str, got: str) -> InputError:
    return InputError(
        _RULE,
        got,
        f"Add {noun}s, or leave out what needs these folds: sensitivity, specificity, calibrate, or"
        " the search.",
        code="inner-folds-impossible",
        values={"unit": noun},
    )


def _find_complete_splitter(rows: Rows, n_splits: int, seed: int) -> Any:
    """Return a splitter whose sides all have all classes, or None."""
    try:
        splitter, notes = choose_splitter(rows, n_splits, seed)
    except InputError:  # a class would be missing from training
        return None
    return None if notes else splitter
