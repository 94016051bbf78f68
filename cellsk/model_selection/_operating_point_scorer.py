"""How well a threshold keeps to a wanted sensitivity or specificity, as scikit-learn scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import make_scorer

from cellsk._checks import check_number, name_some

__all__ = ["check_positive", "check_target", "count_recognised", "make_operating_point_scorer"]

# Larger than any gain of specificity can be: one image short of the wanted sensitivity weighs
# more, with up to a million images of a class.
_PENALTY = 1e6
_ROUNDING = 1e-12


def make_operating_point_scorer(
    *, sensitivity: float | None = None, specificity: float | None = None, pos_label: Any
) -> Any:
    """Return a scorer that is high where a wanted sensitivity is reached at little cost.

    For searches and for scikit-learn's own threshold tuning. The score is the specificity,
    less a penalty that outweighs it for each part of the wanted sensitivity that is missing:
    whatever reaches it is better than all that does not, and among those that do not, the
    nearest is best. With `specificity` it is the other way round.

    Parameters
    ----------
    sensitivity : float, default=None
        Share of the positive images to recognise, in (0, 1]. Give this, or `specificity`.
    specificity : float, default=None
        Share of the other images to recognise, in (0, 1].
    pos_label : str, int or bool
        Label of the positive class.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)``, greater is better. Not a number where a class is missing.

    Raises
    ------
    TypeError, ValueError
        When not exactly one of the two is given, or it is no number in (0, 1].

    See Also
    --------
    tune_threshold : Tunes a threshold on the counts of all folds together.

    Notes
    -----
    A mean of this score over folds is best where *every* fold reaches the wanted sensitivity.
    On small folds this is a stricter aim than reaching it over all images. No score that is
    a mean over folds of something computed within each can hold the pooled sensitivity to a
    target; :func:`tune_threshold` pools, and for a threshold is the better choice.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import TunedThresholdClassifierCV
    >>> from cellsk import make_operating_point_scorer
    >>> X, y = make_classification(400, flip_y=0.2, random_state=0)
    >>> scorer = make_operating_point_scorer(sensitivity=0.95, pos_label=1)
    >>> tuned = TunedThresholdClassifierCV(LogisticRegression(), scoring=scorer).fit(X, y)
    >>> bool(tuned.best_threshold_ < 0.5)
    True
    """
    name, target = check_target(sensitivity, specificity)
    return make_scorer(_score_operating_point, pos_label=pos_label, wanted=name, target=target)


def check_target(sensitivity: float | None, specificity: float | None) -> tuple[str, float]:
    """Return which of the two is wanted, and its value, or raise.

    Raises
    ------
    TypeError, ValueError
        When not exactly one is given, or it is no number in (0, 1].
    """
    if (sensitivity is None) == (specificity is None):
        raise ValueError(
            "Exactly one of sensitivity and specificity must be given. Got"
            f" sensitivity={sensitivity!r} and specificity={specificity!r}. Pass, for example,"
            " sensitivity=0.95."
        )
    name = "specificity" if sensitivity is None else "sensitivity"
    value = specificity if sensitivity is None else sensitivity
    return name, check_number(name, value, low=0, high=1, closed="right")


def check_positive(y: ArrayLike, pos_label: Any) -> NDArray:
    """Return the labels as an array if they are of two classes, one of them ``pos_label``.

    Raises
    ------
    ValueError
        When they are not.
    """
    labels = np.asarray(y)
    classes = np.unique(labels).tolist()
    if len(classes) != 2:
        raise ValueError(
            "An operating point lies between two classes. Got"
            f" {len(classes)}: {name_some(classes)}. Leave out sensitivity and specificity, or pass"
            " images of two classes."
        )
    if pos_label not in classes:
        raise ValueError(
            f"pos_label must be one of the labels. Got {pos_label!r}, and labels"
            f" {classes[0]!r} and {classes[1]!r}."
        )
    return labels


def count_recognised(y_true: ArrayLike, y_pred: ArrayLike, *, pos_label: Any) -> complex:
    """Return recognised positives as real, others as imaginary part.

    The tuning of scikit-learn averages one number over the folds; this one carries both counts.
    """
    labels = np.asarray(y_true)
    positive, right = labels == pos_label, labels == np.asarray(y_pred)
    n_positive = np.count_nonzero(positive & right)
    return complex(n_positive, np.count_nonzero(right) - n_positive)


def _score_operating_point(
    y_true: ArrayLike, y_pred: ArrayLike, *, pos_label: Any, wanted: str, target: float
) -> float:
    labels = np.asarray(y_true)
    n_positive = np.count_nonzero(labels == pos_label)
    if n_positive in (0, len(labels)):
        return float("nan")
    counts = count_recognised(labels, y_pred, pos_label=pos_label)
    rates = [counts.real / n_positive, counts.imag / (len(labels) - n_positive)]
    reached, paid = rates if wanted == "sensitivity" else rates[::-1]
    missing = max(target - reached, 0.0)
    return float(paid - _PENALTY * missing * (missing > _ROUNDING))
