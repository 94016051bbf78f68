"""OperatingPointClassifierCV: a threshold tuned on the counts of all folds together."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.metrics import make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from cellsk._checks import count_noun
from cellsk.model_selection._operating_point_scorer import (
    check_positive,
    check_target,
    count_recognised,
)

__all__ = ["OperatingPointClassifierCV"]

_ROUNDING = 1e-12
_N_LOOKED_AT = 256  # images, to see whether probabilities differ at all


def _make_thresholds() -> NDArray[np.float64]:
    """Even steps, and even steps of log-odds, for networks that are nearly sure; and above 1."""
    sure = expit(np.linspace(-20, 20, 801))
    return np.unique(np.concatenate([np.linspace(0, 1, 501), sure, [np.nextafter(1, 2)]]))


class OperatingPointClassifierCV(TunedThresholdClassifierCV):
    """Classifier whose threshold is chosen for a wanted sensitivity or specificity.

    Tuning happens on folds within the images given to `fit`: each is judged by a model that
    did not see it, the counts of all folds are added, and the threshold with the highest
    specificity is taken among those that reach the wanted sensitivity (or the other way
    round). Then the classifier is fitted on all images. Make it with :func:`tune_threshold`.

    Parameters
    ----------
    estimator : classifier or pipeline
        Has `predict_proba`. It is cloned.
    sensitivity : float, default=None
        Share of the positive images to recognise, in (0, 1]. Give this, or `specificity`.
    specificity : float, default=None
        Share of the other images to recognise, in (0, 1].
    pos_label : str, int or bool
        Label of the positive class.
    cv : int, splitter or iterable, default=None
        Folds to tune on; None is five, stratified. Use :func:`tune_threshold` for folds that
        keep patients together.
    n_jobs : int, default=None
        Folds to fit at the same time. None is one.

    Attributes
    ----------
    best_threshold_ : float
        `predict` gives the positive label from this probability on.
    best_score_ : float
        The specificity reached in tuning (sensitivity, if `specificity` was wanted).
    cv_results_ : dict of str to ndarray
        `thresholds`, with `sensitivity` and `specificity` at each, in tuning.
    estimator_ : classifier
        The classifier, fitted on all images.
    classes_ : ndarray of shape (2,)
        Class labels.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : Tunes for one score.

    Notes
    -----
    Numbers of the tuning chose the threshold and are too good to report: `evaluate` shows
    what a threshold does on images that had no part in it. There the sensitivity falls below
    the wanted one about as often as above: it is aimed at, not promised.

    scikit-learn takes the mean of a score over the folds. A mean of rates would let a fold with
    three positive images count as much as one with thirty; here images are counted, so
    that the folds are pooled. Where several thresholds do equally well, as between two
    classes that are told apart without error, it is the middle one.

    References
    ----------
    J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve", Radiology 143, 1982.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from cellsk import OperatingPointClassifierCV
    >>> X, y = make_classification(400, flip_y=0.2, random_state=0)
    >>> careful = OperatingPointClassifierCV(LogisticRegression(), sensitivity=0.95, pos_label=1)
    >>> careful = careful.fit(X, y)
    >>> careful.best_threshold_ < 0.5
    True
    """

    best_threshold_: float
    best_score_: float
    cv_results_: dict[str, NDArray]

    # What TunedThresholdClassifierCV leaves open, and an operating point does not.
    response_method = "predict_proba"
    thresholds = _make_thresholds()
    refit = True
    store_cv_results = True
    random_state = None

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        name: TunedThresholdClassifierCV._parameter_constraints[name]
        for name in ("estimator", "cv", "n_jobs")
    }

    def __init__(
        self,
        estimator: Any,
        *,
        sensitivity: float | None = None,
        specificity: float | None = None,
        pos_label: Any = None,
        cv: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.sensitivity = sensitivity
        self.specificity = specificity
        self.pos_label = pos_label
        self.cv = cv
        self.n_jobs = n_jobs

    @property
    def scoring(self) -> Any:
        """Counts of images recognised, of either class."""
        return make_scorer(count_recognised, pos_label=self.pos_label)

    def fit(self, X: ArrayLike, y: ArrayLike, **params: Any) -> OperatingPointClassifierCV:
        """Choose the threshold, and fit the classifier on all images.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Images or paths, as the estimator takes them.
        y : array-like of shape (n,)
            Labels of two classes.
        **params : dict
            Metadata to route, such as `groups`.

        Returns
        -------
        self : OperatingPointClassifierCV

        Raises
        ------
        TypeError, ValueError
            When a parameter is not as above, there are not two classes, a fold lacks one, or
            all probabilities are the same.
        """
        name, target = check_target(self.sensitivity, self.specificity)
        check_positive(y, self.pos_label)
        super().fit(X, y, **params)
        # Our own `predict` needs no scorer, and a model file can hold none of ours.
        self.__dict__.pop("_curve_scorer", None)
        _check_not_constant(self.estimator_, X)
        self._choose(name, target)
        return self

    def predict(self, X: ArrayLike) -> NDArray:
        """Label of each image, by the threshold.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Images or paths.

        Returns
        -------
        y : ndarray of shape (n,)
            The positive label where its probability is at least `best_threshold_`.

        Raises
        ------
        NotFittedError
            When there was no `fit`.
        """
        check_is_fitted(self, "best_threshold_")
        column = int(np.flatnonzero(self.classes_ == self.pos_label)[0])
        reached = self.estimator_.predict_proba(X)[:, column] >= self.best_threshold_
        return self.classes_[np.where(reached, column, 1 - column)]

    def _choose(self, name: str, target: float) -> None:
        """From mean counts over the folds to shares, and from these to the threshold."""
        thresholds, counts = self.cv_results_["thresholds"], self.cv_results_["scores"]
        if not (counts.real[0] and counts.imag[-1]):
            raise ValueError(
                "cv must try images of both classes. Got test sides of one class only. Use"
                " tune_threshold(estimator, y, groups), which chooses the folds."
            )
        # The lowest threshold recognises all positives, the highest all others.
        rates = {
            "sensitivity": counts.real / counts.real[0],
            "specificity": counts.imag / counts.imag[-1],
        }
        other = "specificity" if name == "sensitivity" else "sensitivity"
        best = _find_best(rates[name], rates[other], target)
        self.best_threshold_ = float(thresholds[best])
        self.best_score_ = float(rates[other][best])
        self.cv_results_ = {"thresholds": thresholds, **rates}


def _find_best(wanted: NDArray, other: NDArray, target: float) -> int:
    """Return where ``other`` is highest among those that reach the target; the middle of ties."""
    # Both ends are among the thresholds, so that at one of them all is reached.
    rows = np.flatnonzero(wanted >= target - _ROUNDING)
    for rate in (other, wanted):
        rows = rows[rate[rows] >= rate[rows].max() - _ROUNDING]
    return int(rows[len(rows) // 2])


def _check_not_constant(estimator: Any, X: Any) -> None:
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    rows = np.unique(np.linspace(0, n - 1, min(n, _N_LOOKED_AT)).astype(int))
    proba = estimator.predict_proba(_safe_indexing(X, rows))[:, 0]
    if np.isclose(proba.min(), proba.max()):
        raise ValueError(
            "A threshold can be tuned only where probabilities differ. Got the same one,"
            f" {proba[0]:.3g}, for all of {count_noun(len(rows), 'image')}: the classifier has"
            " learned nothing. Train it for longer or otherwise, or leave out sensitivity and"
            " specificity."
        )
