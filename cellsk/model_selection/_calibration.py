"""Calibration: probabilities that mean what they say, on patients apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.calibration import CalibratedClassifierCV

from cellsk._checks import check_option
from cellsk.model_selection._inner_split import InnerKFold

__all__ = ["CALIBRATION_METHODS", "calibrate"]

CALIBRATION_METHODS = ("sigmoid", "isotonic", "temperature")


def calibrate(
    estimator: Any,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    method: str = "sigmoid",
    n_splits: int = 3,
    random_state: int = 0,
) -> CalibratedClassifierCV:
    """Return the classifier with probabilities to be calibrated, patients kept apart.

    A network is often too sure of itself. Calibration learns, on images that the network did
    not train on, how often each stated probability comes true. If they were of the same
    patients, it would learn how sure the network may be of patients that it knows.

    Parameters
    ----------
    estimator : classifier or pipeline
        Has `decision_function` or `predict_proba`.
    y : array-like of shape (n,)
        Labels of the images that it will be fitted on: looked at before hours of work.
    groups : array-like of shape (n,), default=None
        Patient of each. Then ``fit(X, y, groups=groups)`` keeps them apart; it needs
        ``sklearn.config_context(enable_metadata_routing=True)``.
    method : {"sigmoid", "isotonic", "temperature"}, default="sigmoid"
        "sigmoid" fits two numbers (Platt), and "temperature" one, which leaves the order of the
        images and, at a threshold of a half, the labels as they are. "isotonic" fits a
        staircase, and takes about a thousand images.
    n_splits : int, default=3
        Folds, each of which trains one network; fewer, where a class has fewer patients.
    random_state : int, default=0
        Seed of the folds.

    Returns
    -------
    calibrated : sklearn.calibration.CalibratedClassifierCV
        Not fitted yet. It predicts with the mean of `n_splits` classifiers, each calibrated on
        the patients that it did not see.

    Raises
    ------
    TypeError, ValueError
        When a parameter is not as above, there is one class only, or a class has a single
        patient.

    See Also
    --------
    tune_threshold : A threshold on top of it, for a wanted sensitivity.

    Notes
    -----
    Averaging several classifiers changes scores too, mostly for the better, and takes their
    number of times as long to predict.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin
    Classifiers, MIT Press, 1999.

    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
    networks", ICML 2017.

    Examples
    --------
    >>> from sklearn import config_context
    >>> from sklearn.linear_model import LogisticRegression
    >>> from cellsk import make_cells
    >>> from cellsk.model_selection import calibrate
    >>> cells = make_cells(120, n_patients=12, image_size=(16, 16), random_state=0)
    >>> colours = cells.images.mean(axis=(1, 2)) / 255
    >>> calibrated = calibrate(LogisticRegression(), cells.y, cells.groups)
    >>> with config_context(enable_metadata_routing=True):
    ...     calibrated = calibrated.fit(colours, cells.y, groups=cells.groups)
    >>> len(calibrated.calibrated_classifiers_)
    3
    """
    check_option("method", method, CALIBRATION_METHODS)
    cv = InnerKFold(n_splits, grouped=groups is not None, random_state=random_state)
    cv.get_n_splits(None, np.asarray(y), groups)
    # Not ensemble=False: it would not hand groups on to the splitter.
    return CalibratedClassifierCV(estimator, method=method, cv=cv, ensemble=True)
