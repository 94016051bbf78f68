"""The classes and metrics that a model file may name."""

from __future__ import annotations

import inspect
import re
from functools import cache
from importlib import import_module
from typing import Any

import sklearn
import sklearn.metrics
from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit

from cellsk.persistence._archive import refuse

__all__ = ["find_class", "find_metric", "name_class", "name_metric"]

_ROOMS = {
    "cellsk": frozenset({"model_selection", "neural_network", "outliers", "preprocessing"}),
    # The public sub-packages. Importing sklearn.experimental changes other modules.
    "sklearn": frozenset(sklearn.__all__) - {"experimental", "externals"}
    | {"feature_extraction.image", "feature_extraction.text"},
}
_KINDS = (BaseEstimator, BaseCrossValidator, BaseShuffleSplit)
# Private classes inside fitted public ones, and their modules.
_INTERNALS = {
    "sklearn.calibration._CalibratedClassifier": "sklearn.calibration",
    "sklearn.calibration._SigmoidCalibration": "sklearn.calibration",
    "sklearn.calibration._TemperatureScaling": "sklearn.calibration",
    "sklearn.metrics._CurveScorer": "sklearn.metrics._scorer",
    "sklearn.metrics._Scorer": "sklearn.metrics._scorer",
}
# It holds the site of each patient, which must not be shared with a model.
_KNOWS_PATIENTS = frozenset({"cellsk.model_selection.PreservedSiteKFold"})
_METRIC_MODULES = ("_classification", "_ranking", "_regression")
_CLASS_NAME = re.compile(r"(cellsk|sklearn)\.([a-z_]+|[a-z_]+\.[a-z]+)\.(\w+)", re.ASCII)


def name_class(kind: type) -> str | None:
    """Return the public name of an allowed class, or None."""
    rooms = kind.__module__.split(".")
    names = (".".join([*rooms[:depth], kind.__qualname__]) for depth in (2, 3))
    return next((name for name in names if _look_up(name) is kind), None)


def find_class(name: Any) -> type:
    """Return the class of a name in a file. Only modules of the allow list are imported.

    Raises
    ------
    ModelFileError
        If it is not a public estimator or splitter of cellsk or scikit-learn.
    """
    kind = _look_up(name) if isinstance(name, str) else None
    if kind is None:
        raise refuse(
            "A model file may hold estimators of cellsk and scikit-learn only.",
            f"{str(name)[:100]!r}",
            "If it is in these packages, install the versions that manifest.json names.",
        )
    return kind


def name_metric(function: Any) -> str | None:
    """Return the name of a public metric of scikit-learn, or None."""
    name = getattr(function, "__name__", "")
    return name if inspect.isfunction(function) and _metrics().get(name) is function else None


def find_metric(name: Any) -> Any:
    """Return the public metric of scikit-learn of a name in a file.

    Raises
    ------
    ModelFileError
        If there is none.
    """
    if name not in (known := _metrics()):
        raise refuse("A scorer must name a metric of scikit-learn.", f"{str(name)[:100]!r}")
    return known[name]


@cache
def _metrics() -> dict[str, Any]:
    modules = {f"sklearn.metrics.{module}" for module in _METRIC_MODULES}
    public = {name: getattr(sklearn.metrics, name) for name in sklearn.metrics.__all__}
    return {
        name: value
        for name, value in public.items()
        if inspect.isfunction(value) and value.__module__ in modules
    }


def _look_up(name: str) -> type | None:
    parts = _CLASS_NAME.fullmatch(name)
    if parts is None or parts[2] not in _ROOMS[parts[1]]:
        return None
    room = f"{parts[1]}.{parts[2]}"
    try:
        kind = getattr(import_module(_INTERNALS.get(name, room)), parts[3], None)
    except ImportError:  # a class that sklearn.experimental must enable first
        return None
    if not isinstance(kind, type) or not f"{kind.__module__}.".startswith(f"{room}."):
        return None
    if name in _KNOWS_PATIENTS:
        return None
    if name in _INTERNALS:
        return kind
    public = not parts[3].startswith("_") and issubclass(kind, _KINDS)
    return kind if public and not inspect.isabstract(kind) else None
