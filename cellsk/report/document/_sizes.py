"""How large each candidate of a search is: weights of its network, or else its fit time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import clone

from cellsk.neural_network import POOL_SIZE, CellClassifier

__all__ = ["count_weights", "measure_sizes"]


def measure_sizes(
    search: Any, candidates: Sequence[Mapping[str, Any]], fit_seconds: Sequence[float]
) -> tuple[str, list[float]]:
    """Return the size of each candidate of a search, all in the same unit, and the unit.

    Where each of them ends in a :class:`CellClassifier`, and the search was refitted so that the
    size of the images is known, these are the weights of the network. Else it is the mean fit
    time, which also says how much a candidate asks for.
    """
    fitted = _find_classifier(getattr(search, "best_estimator_", None))
    if hasattr(fitted, "image_shape_"):
        networks = [_make_network(search.estimator, params) for params in candidates]
        if None not in networks:
            shape, n_classes = fitted.image_shape_, len(fitted.classes_)
            return "weights", [
                count_weights(
                    shape,
                    n_classes,
                    filters=network.filters,
                    kernel_size=network.kernel_size,
                    dense_units=network.dense_units,
                )
                for network in networks
            ]
    return "fit seconds", [float(seconds) for seconds in fit_seconds]


def _make_network(estimator: Any, params: Mapping[str, Any]) -> Any:
    # Clones of the values as well: the candidates' own estimators stay as they are.
    copies = {name: clone(value, safe=False) for name, value in params.items()}
    return _find_classifier(clone(estimator).set_params(**copies))


def count_weights(
    image_shape: Sequence[int],
    n_classes: int,
    *,
    filters: Sequence[int],
    kernel_size: int,
    dense_units: int,
) -> int:
    """Return the weights of the network that ``build_cnn`` makes, without making it.

    Examples
    --------
    >>> from cellsk.report.document._sizes import count_weights
    >>> f"{count_weights((96, 96, 3), 2, filters=(32, 64), kernel_size=3, dense_units=64):,}"
    '2,001,985'
    """
    height, width, channels = image_shape
    total = 0
    for count in filters:
        # On plain rows, one pixel high, windows and pools are one pixel long that way.
        window = min(kernel_size, height), min(kernel_size, width)
        total += count * (channels * window[0] * window[1] + 1)
        height, width, channels = height - window[0] + 1, width - window[1] + 1, count
        height, width = height // min(POOL_SIZE, height), width // min(POOL_SIZE, width)
    n_outputs = 1 if n_classes <= 2 else n_classes
    total += dense_units * (height * width * channels + 1)
    return total + n_outputs * (dense_units + 1)


def _find_classifier(estimator: Any) -> Any:
    """Return the CellClassifier at the end of pipelines and wrappers, or None."""
    while estimator is not None and not isinstance(estimator, CellClassifier):
        steps = getattr(estimator, "steps", None)
        if isinstance(steps, list):
            estimator = steps[-1][1]
        else:
            estimator = getattr(estimator, "estimator_", getattr(estimator, "estimator", None))
    return estimator
