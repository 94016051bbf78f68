"""A scorer for a target sensitivity or specificity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import make_scorer

from cellsk._checks import check_number, count_noun, name_some, show_value
from cellsk.exceptions import InputError

__all__ = ["check_positive", "check_target", "count_correct", "make_operating_point_scorer"]

# One image below the target sensitivity costs more than any gain of specificity, with up to a
# million images of a class.
_PENALTY = 1e6
_ROUNDING = 1e-12


def make_operating_point_scorer(
    *, sensitivity: float | None = None, specificity: float | None = None, pos_label: Any
) -> Any:
    """Return a scorer for searches with a target sensitivity or specificity.

    Use it for searches and for scikit-learn's threshold tuning. The score is the specificity,
    minus a large penalty that is proportional to the missing sensitivity. So a candidate that
    reaches the target is better than all that do not, and among those that do not, the nearest
    is best. With `specificity` the two are exchanged.

    Parameters
    ----------
    sensitivity : float, default=None
        Target fraction of positive images that are predicted positive, in (0, 1]. Pass this
        or `specificity`.
    specificity : float, default=None
        Target fraction of other images that are not predicted positive, in (0, 1].
    pos_label : str, int or bool
        Label of the positive class.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)``; greater is better. NaN if a class is missing.

    Raises
    ------
    TypeError, ValueError
        If not exactly one of the two is given, or it is not a number in (0, 1].

    See Also
    --------
    tune_threshold : Tunes a threshold on the counts of all folds together.

    Notes
    -----
    A mean of this score over folds is best if *every* fold reaches the target sensitivity. On
    small folds this is a stricter goal than the sensitivity over all images, which no mean over
    folds can control. For a threshold use :func:`tune_threshold`, which pools the folds.

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
    return make_scorer(_score_operating_point, pos_label=pos_label, target_name=name, target=target)


def check_target(sensitivity: float | None, specificity: float | None) -> tuple[str, float]:
    """Return the name of the target and its value.

    Raises
    ------
    TypeError, ValueError
        If not exactly one is given, or it is not a number in (0, 1].
    """
    if (sensitivity is None) == (specificity is None):
        raise InputError(
            "Exactly one of sensitivity and specificity must be given",
            f"sensitivity={sensitivity!r} and specificity={specificity!r}",
            "Pass, for example, sensitivity=0.95.",
            code="one-target-needed",
        )
    name = "specificity" if sensitivity is None else "sensitivity"
    value = specificity if sensitivity is None else sensitivity
    return name, check_number(name, value, low=0, high=1, closed="right")


def check_positive(y: ArrayLike, pos_label: Any) -> NDArray:
    """Return the labels as an array if they are of two classes, one of them ``pos_label``.

    Raises
    ------
    ValueError
        If they are not.
    """
    labels = np.asarray(y)
    classes = np.unique(labels).tolist()
    if len(classes) != 2:
        rule = "An operating point needs two classes"
        if len(classes) > 2:  # what scikit-learn expects of a classifier of two classes
            rule += (
                ". Only binary classification is supported. The type of the target is multiclass"
            )
        raise InputError(
            rule,
            f"{count_noun(len(classes), 'class', 'classes')}: {name_some(classes)}",
            "Leave out sensitivity and specificity, or pass images of two classes.",
            code="operating-point-needs-two-classes",
        )
    if pos_label not in classes:
        raise InputError(
            "must be one of the labels",
            f"{show_value(pos_label)}, and labels {classes[0]!r} and {classes[1]!r}",
            "Pass one of these labels.",
            parameter="pos_label",
            code="pos-label-unknown",
            values={"labels": classes},
        )
    return labels


def count_correct(y_true: ArrayLike, y_pred: ArrayLike, *, pos_label: Any) -> complex:
    """Return the number of true positives as real part, of true negatives as imaginary part.

    The tuning of scikit-learn averages one number over the folds, which has to hold both.
    """
    labels = np.asarray(y_true)
    positive, correct = labels == pos_label, labels == np.asarray(y_pred)
    n_positive = np.count_nonzero(positive & correct)
    return complex(n_positive, np.count_nonzero(correct) - n_positive)


def _score_operating_point(
    y_true: ArrayLike, y_pred: ArrayLike, *, pos_label: Any, target_name: str, target: float
) -> float:
    labels = np.asarray(y_true)
    n_positive = np.count_nonzero(labels == pos_label)
    if n_positive in (0, len(labels)):
        return float("nan")
    counts = count_correct(labels, y_pred, pos_label=pos_label)
    rates = [counts.real / n_positive, counts.imag / (len(labels) - n_positive)]
    reached, other = rates if target_name == "sensitivity" else rates[::-1]
    missing = max(target - reached, 0.0)
    return float(other - _PENALTY * missing * (missing > _ROUNDING))
