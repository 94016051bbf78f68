"""A threshold for a target sensitivity or specificity, tuned on all folds together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.metrics import make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.utils import assert_all_finite, column_or_1d, indexable, resample
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _num_samples, check_is_fitted

from cellsk._checks import count_noun
from cellsk.exceptions import InputError
from cellsk.model_selection._inner_split import InnerKFold
from cellsk.model_selection._operating_point_scorer import (
    check_positive,
    check_target,
    count_correct,
)

__all__ = ["OperatingPointClassifierCV", "tune_threshold"]

_ROUNDING = 1e-12
_N_CHECKED = 256  # images, to check whether probabilities differ


def _make_thresholds() -> NDArray[np.float64]:
    """Return even steps of probability and of log-odds, and a value above 1."""
    # Steps of log-odds separate probabilities close to 0 and 1.
    steps = [np.linspace(0, 1, 501), expit(np.linspace(-20, 20, 801)), [np.nextafter(1, 2)]]
    return np.unique(np.concatenate(steps))


class OperatingPointClassifierCV(TunedThresholdClassifierCV):
    """Classifier whose threshold is chosen for a target sensitivity or specificity.

    The threshold is tuned on folds within the images given to `fit`. Each image is predicted
    by a model that did not see it, and the counts of all folds are added. Among the thresholds
    that reach the target sensitivity, the one with the highest specificity is chosen (or the
    reverse). Then the classifier is fitted on all images. Use :func:`tune_threshold` to make
    one.

    Parameters
    ----------
    estimator : classifier or pipeline
        Has `predict_proba`. It is cloned.
    sensitivity : float, default=None
        Target fraction of positive images that are predicted positive, in (0, 1]. Pass this
        or `specificity`.
    specificity : float, default=None
        Target fraction of other images that are not predicted positive, in (0, 1].
    pos_label : str, int or bool
        Label of the positive class.
    cv : int, splitter or iterable, default=None
        Folds for tuning. None is five stratified folds. Use :func:`tune_threshold` for folds
        that keep patients together.
    n_jobs : int, default=None
        Number of folds at the same time. None is one.

    Attributes
    ----------
    best_threshold_ : float
        `predict` returns the positive label from this probability on.
    best_score_ : float
        The specificity reached in tuning, or the sensitivity if `specificity` was the target.
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
    The scores of the tuning chose the threshold, so they are too good to report: `evaluate`
    shows the result of a threshold on other images. There the sensitivity is below the target
    about as often as above it: the target is not guaranteed.

    scikit-learn averages a score over the folds. With a mean of rates, a fold with three
    positive images would count as much as one with thirty. Here the images of all folds are
    counted together. If several thresholds are equally good, as between two classes that are
    separated without error, the middle one is chosen.

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

    # Parameters of TunedThresholdClassifierCV that are fixed for an operating point.
    response_method = "predict_proba"
    thresholds = _make_thresholds()
    refit = True
    store_cv_results = True
    random_state = None

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
        """Scorer that counts the correct predictions of each class."""
        return make_scorer(count_correct, pos_label=self.pos_label)

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
            If a parameter is not as above, there are not two classes, a fold lacks one, or
            all probabilities are the same.
        """
        name, target = check_target(self.sensitivity, self.specificity)
        X, y = _check_data(X, y, self.pos_label)
        super().fit(X, y, **params)
        # A private attribute of scikit-learn, which `predict` does not need. A model file
        # cannot hold its function; without it, nothing is removed.
        self.__dict__.pop("_curve_scorer", None)
        _check_not_constant(self.estimator_, X)
        self._choose(name, target)
        return self

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the label of each image, by the threshold.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Images or paths.

        Returns
        -------
        y : ndarray of shape (n,)
            The positive label if its probability is at least `best_threshold_`.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        """
        check_is_fitted(self, "best_threshold_")
        column = int(np.flatnonzero(self.classes_ == self.pos_label)[0])
        reached = self.estimator_.predict_proba(X)[:, column] >= self.best_threshold_
        return self.classes_[np.where(reached, column, 1 - column)]

    def _choose(self, name: str, target: float) -> None:
        """Convert mean counts over the folds to rates, and choose the threshold."""
        thresholds, counts = self.cv_results_["thresholds"], self.cv_results_["scores"]
        if not (counts.real[0] and counts.imag[-1]):
            raise InputError(
                "must test images of both classes",
                "test sides of one class only",
                "Use tune_threshold(estimator, y, groups), which chooses the folds.",
                parameter="cv",
                code="cv-tests-one-class",
            )
        # With the lowest threshold all images are positive, with the highest none.
        rates = {
            "sensitivity": counts.real / counts.real[0],
            "specificity": counts.imag / counts.imag[-1],
        }
        other = "specificity" if name == "sensitivity" else "sensitivity"
        best = _find_best(rates[name], rates[other], target)
        self.best_threshold_ = float(thresholds[best])
        self.best_score_ = float(rates[other][best])
        self.cv_results_ = {"thresholds": thresholds, **rates}


def _check_data(X: ArrayLike, y: ArrayLike, pos_label: Any) -> tuple[Any, NDArray]:
    """Return images and labels that can be indexed, or raise as scikit-learn does."""
    labels = column_or_1d(y, warn=True)
    X, labels = indexable(X, labels)
    assert_all_finite(labels, input_name="y")
    if labels.dtype.kind == "c" or getattr(X, "dtype", np.dtype(float)).kind == "c":
        raise InputError("Complex data not supported", "complex numbers", "Pass real numbers.")
    check_classification_targets(labels)
    return X, check_positive(labels, pos_label)


def _find_best(wanted: NDArray, other: NDArray, target: float) -> int:
    """Return the row with the highest ``other`` that reaches the target, or the middle of ties."""
    # The lowest and the highest threshold are included, so one of them reaches the target.
    rows = np.flatnonzero(wanted >= target - _ROUNDING)
    for rate in (other, wanted):
        rows = rows[rate[rows] >= rate[rows].max() - _ROUNDING]
    return int(rows[len(rows) // 2])


def _check_not_constant(estimator: Any, X: Any) -> None:
    n_checked = min(_num_samples(X), _N_CHECKED)
    rows = resample(X, replace=False, n_samples=n_checked, random_state=0)
    proba = estimator.predict_proba(rows)[:, 0]
    if np.isclose(proba.min(), proba.max()):
        raise InputError(
            "A threshold can be tuned only if probabilities differ",
            f"the same probability, {proba[0]:.3g}, for all of {count_noun(n_checked, 'image')}:"
            " the model has learned nothing",
            "Train it longer or with other settings, or leave out sensitivity and specificity.",
            code="probabilities-constant",
        )


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
    """Return an unfitted classifier that tunes its threshold for a target sensitivity.

    Parameters
    ----------
    estimator : classifier or pipeline
        Has `predict_proba`.
    y : array-like of shape (n,)
        Labels of the images that it will be fitted on. They are checked before fitting.
    groups : array-like of shape (n,), default=None
        Patient of each image. Then ``fit(X, y, groups=groups)`` keeps patients together in
        tuning, and needs ``sklearn.config_context(enable_metadata_routing=True)``.
    sensitivity : float, default=None
        Target fraction of positive images that are predicted positive, in (0, 1]. Pass this
        or `specificity`.
    specificity : float, default=None
        Target fraction of other images that are not predicted positive, in (0, 1].
    pos_label : str, int or bool
        Label of the positive class.
    n_splits : int, default=3
        Number of folds for tuning. There are fewer if a class has fewer patients.
    random_state : int, default=0
        Seed of the folds.

    Returns
    -------
    tuned : OperatingPointClassifierCV
        Not fitted. A :class:`~sklearn.model_selection.TunedThresholdClassifierCV`.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not as above, there are not two classes, or one of them has a
        single patient.

    Examples
    --------
    >>> from sklearn import config_context
    >>> from sklearn.linear_model import LogisticRegression
    >>> from cellsk import make_cells
    >>> from cellsk.model_selection import tune_threshold
    >>> cells = make_cells(120, n_patients=12, image_size=(16, 16), random_state=0)
    >>> colors = cells.images.mean(axis=(1, 2)) / 255
    >>> careful = tune_threshold(
    ...     LogisticRegression(), cells.y, cells.groups, sensitivity=0.9, pos_label=1
    ... )
    >>> with config_context(enable_metadata_routing=True):
    ...     careful = careful.fit(colors, cells.y, groups=cells.groups)
    >>> careful.predict(colors).shape
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
