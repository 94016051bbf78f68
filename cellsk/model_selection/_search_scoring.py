"""Scorers of a search: the score to rank by, and whether a fit predicted several classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import get_scorer, make_scorer

from cellsk._checks import check_option

__all__ = ["SEARCH_SCORES", "SEVERAL_CLASSES", "make_search_scoring"]

# Scores that need no positive class.
SEARCH_SCORES = (
    "roc_auc",
    "balanced_accuracy",
    "accuracy",
    "matthews_corrcoef",
    "f1_macro",
    "neg_log_loss",
)
SEVERAL_CLASSES = "several_classes_predicted"


def make_search_scoring(y: ArrayLike, scoring: str | None = None) -> dict[str, Any]:
    """Return the scorers of a search, the score to rank by first.

    Accuracy is a poor score to rank by: if 64% of the images are of one class, a network that
    predicts this class for every image reaches 0.64, and can win. ROC AUC and balanced accuracy
    give such a network the score of guessing.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    scoring : str, default=None
        One of `roc_auc`, `balanced_accuracy`, `accuracy`, `matthews_corrcoef`, `f1_macro` and
        `neg_log_loss`. None is `roc_auc` for two classes and `balanced_accuracy` for more.

    Returns
    -------
    scorers : dict of str to callable
        Pass it as `scoring` of a search of scikit-learn, with `refit` set to its first key. With
        more than two classes `roc_auc` has the key `roc_auc_ovr`. The second key is
        `several_classes_predicted`: 0 if a fit predicted the same class for all test images,
        else 1. :class:`~cellsk.SearchReport` shows it.

    Raises
    ------
    ValueError
        When `scoring` is not one of these names.

    See Also
    --------
    cellsk.SearchReport : The report of the search.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from cellsk.model_selection import make_search_scoring
    >>> X, y = make_classification(random_state=0)
    >>> scoring = make_search_scoring(y)
    >>> list(scoring)
    ['roc_auc', 'several_classes_predicted']
    >>> search = GridSearchCV(
    ...     LogisticRegression(), {"C": [0.01, 1]}, scoring=scoring, refit=next(iter(scoring))
    ... )
    >>> float(search.fit(X, y).best_score_) > 0.9
    True
    """
    n_classes = len(np.unique(np.asarray(y)))
    if scoring is None:
        scoring = "roc_auc" if n_classes == 2 else "balanced_accuracy"
    name = str(check_option("scoring", scoring, SEARCH_SCORES))
    if name == "roc_auc" and n_classes > 2:
        name = "roc_auc_ovr"
    return {name: get_scorer(name), SEVERAL_CLASSES: make_scorer(_has_several_classes)}


def _has_several_classes(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return 0 if all images were predicted to be of one class, although they are of several."""
    return float(len(np.unique(y_true)) < 2 or len(np.unique(y_pred)) > 1)
