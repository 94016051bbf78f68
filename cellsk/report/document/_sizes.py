"""Sizes of the candidates of a search: weights of the network, or fit times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import clone

from cellsk.neural_network import CellClassifier, count_weights

__all__ = ["measure_sizes"]


def measure_sizes(
    search: Any, candidates: Sequence[Mapping[str, Any]], fit_seconds: Sequence[float]
) -> tuple[str, list[float]]:
    """Return the size of each candidate of a search, all in the same unit, and the unit.

    If each of them ends in a :class:`CellClassifier`, and the search was refitted so that the
    size of the images is known, the size is the number of weights of the network. Otherwise it is
    the mean fit time, which also shows how much a candidate asks for.
    """
    weights = _count_all(search, candidates)
    if weights is not None:
        return "weights", weights
    return "fit seconds", [float(seconds) for seconds in fit_seconds]


def _count_all(search: Any, candidates: Sequence[Mapping[str, Any]]) -> list[float] | None:
    """Return the weights of each candidate's network, or None if one of them is not known."""
    fitted = _find_classifier(getattr(search, "best_estimator_", None))
    if not hasattr(fitted, "image_shape_"):
        return None
    classifiers = [_make_classifier(search.estimator, params) for params in candidates]
    if None in classifiers:
        return None
    try:
        return [
            count_weights(classifier, fitted.image_shape_, len(fitted.classes_))
            for classifier in classifiers
        ]
    except ValueError:  # a network that cannot be built: its fits have failed in the search
        return None


def _make_classifier(estimator: Any, params: Mapping[str, Any]) -> Any:
    # The values are cloned too, so that the estimators of the candidates do not change.
    copies = {name: clone(value, safe=False) for name, value in params.items()}
    return _find_classifier(clone(estimator).set_params(**copies))


def _find_classifier(estimator: Any) -> Any:
    """Return the CellClassifier at the end of pipelines and wrappers, or None."""
    while estimator is not None and not isinstance(estimator, CellClassifier):
        steps = getattr(estimator, "steps", None)
        if isinstance(steps, list):
            estimator = steps[-1][1]
        else:
            estimator = getattr(estimator, "estimator_", getattr(estimator, "estimator", None))
    return estimator
