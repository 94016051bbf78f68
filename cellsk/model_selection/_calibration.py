"""Calibration of probabilities on patients that the classifier did not see."""

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
    """Return an unfitted classifier that calibrates its probabilities by patient.

    Networks are often overconfident. Calibration learns how often predicted probabilities are
    right, on images that were not used for training. These images must be of other patients
    than the training images, or the calibrated probabilities are overconfident for new
    patients.

    Parameters
    ----------
    estimator : classifier or pipeline
        Has `decision_function` or `predict_proba`.
    y : array-like of shape (n,)
        Labels of the images that it will be fitted on. They are checked before fitting.
    groups : array-like of shape (n,), default=None
        Patient of each image. Then ``fit(X, y, groups=groups)`` keeps patients together,
        and needs ``sklearn.config_context(enable_metadata_routing=True)``.
    method : {"sigmoid", "isotonic", "temperature"}, default="sigmoid"
        "sigmoid" fits two numbers (Platt). "temperature" fits one, which does not change the
        order of the images or the labels at a threshold of 0.5. "isotonic" fits a step
        function, and needs about a thousand images.
    n_splits : int, default=3
        Number of folds, each of which trains one network. There are fewer if a class has
        fewer patients.
    random_state : int, default=0
        Seed of the folds.

    Returns
    -------
    calibrated : sklearn.calibration.CalibratedClassifierCV
        Not fitted. It predicts the mean of `n_splits` classifiers, each calibrated on the
        patients that it did not see.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not as above, there is one class only, or a class has a single
        patient.

    See Also
    --------
    tune_threshold : Adds a threshold for a target sensitivity.

    Notes
    -----
    The mean of several classifiers usually also has better scores, and prediction takes as
    many times longer.

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
    >>> colors = cells.images.mean(axis=(1, 2)) / 255
    >>> calibrated = calibrate(LogisticRegression(), cells.y, cells.groups)
    >>> with config_context(enable_metadata_routing=True):
    ...     calibrated = calibrated.fit(colors, cells.y, groups=cells.groups)
    >>> len(calibrated.calibrated_classifiers_)
    3
    """
    check_option("method", method, CALIBRATION_METHODS)
    cv = InnerKFold(n_splits, grouped=groups is not None, random_state=random_state)
    cv.get_n_splits(None, np.asarray(y), groups)
    # ensemble=False would not pass groups to the splitter.
    return CalibratedClassifierCV(estimator, method=method, cv=cv, ensemble=True)
