"""Operating points: the threshold for a wanted sensitivity or specificity."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from cellsk.model_selection._inner_split import InnerKFold
from cellsk.model_selection._operating_point_classifier import OperatingPointClassifierCV
from cellsk.model_selection._operating_point_scorer import (
    check_positive,
    check_target,
    make_operating_point_scorer,
)

__all__ = ["OperatingPointClassifierCV", "make_operating_point_scorer", "tune_threshold"]


def tune_threshold(
    estimator: Any,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    sensitivity: float | None = None,
    specificity: float | None = None,
    pos_label: Any,
    n_splits: int = 3,
    random_state: int = 0,
) -> OperatingPointClassifierCV:
    """Return the classifier with a threshold to be tuned for a wanted sensitivity.

    Parameters
    ----------
    estimator : classifier or pipeline
        Has `predict_proba`.
    y : array-like of shape (n,)
        Labels of the images that it will be fitted on: looked at before hours of work.
    groups : array-like of shape (n,), default=None
        Patient of each. Then ``fit(X, y, groups=groups)`` keeps them together in tuning; it
        needs ``sklearn.config_context(enable_metadata_routing=True)``.
    sensitivity : float, default=None
        Share of the positive images to recognise, in (0, 1]. Give this, or `specificity`.
    specificity : float, default=None
        Share of the other images to recognise, in (0, 1].
    pos_label : str, int or bool
        Label of the positive class.
    n_splits : int, default=3
        Folds to tune on; fewer, where a class has fewer patients.
    random_state : int, default=0
        Seed of the folds.

    Returns
    -------
    tuned : OperatingPointClassifierCV
        Not fitted yet. A :class:`~sklearn.model_selection.TunedThresholdClassifierCV`.

    Raises
    ------
    TypeError, ValueError
        When a parameter is not as above, there are not two classes, or one of them has a
        single patient.

    Examples
    --------
    >>> from sklearn import config_context
    >>> from sklearn.linear_model import LogisticRegression
    >>> from cellsk import make_cells
    >>> from cellsk.model_selection import tune_threshold
    >>> cells = make_cells(120, n_patients=12, image_size=(16, 16), random_state=0)
    >>> colours = cells.images.mean(axis=(1, 2)) / 255
    >>> careful = tune_threshold(
    ...     LogisticRegression(), cells.y, cells.groups, sensitivity=0.9, pos_label=1
    ... )
    >>> with config_context(enable_metadata_routing=True):
    ...     careful = careful.fit(colours, cells.y, groups=cells.groups)
    >>> careful.predict(colours).shape
    (120,)
    """
    check_target(sensitivity, specificity)
    labels = check_positive(y, pos_label)
    cv = InnerKFold(n_splits, grouped=groups is not None, random_state=random_state)
    cv.get_n_splits(None, labels, groups)
    return OperatingPointClassifierCV(
        estimator,
        sensitivity=sensitivity,
        specificity=specificity,
        pos_label=pos_label,
        cv=cv,
    )
