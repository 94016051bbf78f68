"""Stratified folds in which each patient counts once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold

from cellsk._columns import check_column
from cellsk.exceptions import InputError

__all__ = ["StratifiedPatientKFold"]


class StratifiedPatientKFold(StratifiedGroupKFold):
    """Stratified folds of whole patients, in which each patient counts once.

    :class:`~sklearn.model_selection.StratifiedGroupKFold` balances images. If a class has
    hardly more patients than there are folds, and some of them have most of its images, it may
    put two of these into one fold and leave another fold without the class. This splitter
    counts each patient once for each of its classes: the number of patients of each class is
    more equal in the folds, and the number of images is less equal.

    :func:`choose_cv` uses it only if scikit-learn's splitter leaves a class out.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    random_state : int, default=0
        Seed of the folds.

    See Also
    --------
    choose_cv : Chooses among the splitters.
    sklearn.model_selection.StratifiedGroupKFold : Balances images.

    Examples
    --------
    >>> from cellsk.model_selection import StratifiedPatientKFold
    >>> y, groups = [0, 0, 0, 1, 0, 1], ["p1", "p1", "p1", "p1", "p2", "p2"]
    >>> for _, test in StratifiedPatientKFold(2).split(y, y, groups):
    ...     print(test)
    [4 5]
    [0 1 2 3]
    """

    def __init__(self, n_splits: int = 5, *, random_state: int | None = 0) -> None:
        super().__init__(n_splits, shuffle=True, random_state=random_state)

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[NDArray, NDArray]]:
        """Yield the rows of training and test, fold by fold.

        Parameters
        ----------
        X : sequence of length n_samples
            Not used.
        y : array-like of shape (n_samples,)
            Class of each image.
        groups : array-like of shape (n_samples,)
            Patient of each image.

        Yields
        ------
        train, test : ndarray of int
            Rows of each side.

        Raises
        ------
        ValueError
            If labels or patients are missing, or there are fewer patients than folds.
        """
        if y is None or groups is None:
            missing = "y" if y is None else "groups"
            raise InputError(
                f"{type(self).__name__} needs class and patient of each image",
                f"{missing}=None",
                "Pass it to fit or split.",
                code="labels-missing" if y is None else "groups-missing",
            )
        classes = np.unique(np.asarray(y), return_inverse=True)[1]
        patients = np.unique(check_column("groups", groups), return_inverse=True)[1]
        pairs = np.unique(np.column_stack([classes, patients]), axis=0)
        for _, test in super().split(pairs, pairs[:, 0], pairs[:, 1]):
            is_test = np.isin(patients, pairs[test, 1])
            yield np.flatnonzero(~is_test), np.flatnonzero(is_test)
