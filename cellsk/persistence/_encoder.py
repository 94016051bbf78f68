"""The encoder of estimators as JSON and binary members. It refuses all other values."""

from __future__ import annotations

import math
from collections import Counter
from types import NoneType
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import MetadataRequest

from cellsk.exceptions import ModelFileError
from cellsk.neural_network import CellClassifier, ImageEmbedder
from cellsk.persistence._archive import refuse
from cellsk.persistence._arrays import MAX_TEXT, can_store, write_array
from cellsk.persistence._classes import name_class, name_metric
from cellsk.persistence._json import LONGEST_INT, MAX_DEPTH, MAX_LONG_INTS, is_long
from cellsk.persistence._network import network_settings, pack_network
from cellsk.persistence._states import get_requests, get_state, param_names

__all__ = ["BUILT_IN_TYPES", "Encoder"]

BUILT_IN_TYPES = {kind.__name__: kind for kind in (bool, int, float, str, object)}

_RULE = (
    "A model file holds estimators of cellsk and scikit-learn whose parameters and fitted "
    "attributes can be written as JSON and arrays."
)
_REMEDIES = {
    "augmentation": "Call set_params(augmentation=None) first: predictions need no augmentation.",
    "callbacks": "Call set_params(callbacks=None) first: predictions need no callbacks.",
    "memory": "Call set_params(memory=None) first: the cache belongs to one machine.",
    "random_state": "Call set_params(random_state=0) first, or pass another whole number.",
}
_CALL_REMEDY = "Remove this step, and call the function yourself before predict."
_OTHER_REMEDY = "Remove it from the estimator, or replace it by an estimator that can be saved."


class _Place(NamedTuple):
    """The position of a value in the estimator, for messages, and its depth."""

    label: str
    name: str
    depth: int

    def attribute(self, name: str) -> _Place:
        return _Place(f"{self.label}.{name}", name, self.depth + 1)

    def item(self, key: object) -> _Place:
        return _Place(f"{self.label}[{key!r}]", self.name, self.depth + 1)


class Encoder:
    """Turns one estimator into a tree for JSON, and collects the binary members.

    Parameters
    ----------
    prefix : str, default=""
        Beginning of the names of the members.

    Attributes
    ----------
    members : dict of str to bytes
        Arrays and networks, by the name that the tree gives them.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.members: dict[str, bytes] = {}
        self._numbers: dict[int, int] = {}  # of the estimators already encoded, by id
        self._met: list[Any] = []  # kept in memory, so that no id is used twice
        self._counts: Counter[str] = Counter()
        self._n_long_ints = 0

    def encode_root(self, estimator: Any) -> dict[str, Any]:
        """Return the tree of an estimator.

        Raises
        ------
        ModelFileError
            If it is not an estimator, or a part of it cannot be encoded.
        """
        place = _Place(type(estimator).__name__, "", 0)
        if not isinstance(estimator, BaseEstimator):
            raise refuse(_RULE, _describe(estimator), "Pass a fitted estimator or pipeline.")
        return self._encode_instance(estimator, place)

    def _encode(self, value: Any, place: _Place) -> Any:
        if place.depth > MAX_DEPTH:
            raise _refuse_value(value, place, ", nested too deeply,")
        kind = type(value)
        if kind in (NoneType, bool, str):
            return value
        if kind is int and self._allows(value):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"$": "float", "value": repr(value)}
        if kind is list:
            return self._encode_items(value, place)
        return self._encode_tagged(value, kind, place)

    def _allows(self, number: int) -> bool:
        self._n_long_ints += is_long(number)
        return number.bit_length() <= LONGEST_INT and self._n_long_ints <= MAX_LONG_INTS

    def _encode_tagged(self, value: Any, kind: type, place: _Place) -> dict[str, Any]:
        if kind is tuple:
            return {"$": "tuple", "items": self._encode_tuple(value, place)}
        if kind in (dict, Bunch):
            return {"$": kind.__name__.lower(), "items": self._encode_pairs(value, place)}
        if kind is slice:
            ends = [self._encode(end, place) for end in (value.start, value.stop, value.step)]
            return {"$": "slice", "items": ends}
        if isinstance(value, np.generic | np.dtype | np.ndarray):
            return self._encode_numpy(value, place)
        if isinstance(value, type):
            return _encode_type(value, place)
        if kind is MetadataRequest:
            return {"$": "requests", "methods": get_requests(value)}
        if (metric := name_metric(value)) is not None:
            return {"$": "metric", "name": metric}
        return self._encode_instance(value, place)

    def _encode_items(self, items: Any, place: _Place) -> list[Any]:
        return [
            self._encode(item, place.item(item[0] if _is_step(item) else index))
            for index, item in enumerate(items)
        ]

    def _encode_tuple(self, value: tuple[Any, ...], place: _Place) -> list[Any]:
        if not _is_step(value):
            return self._encode_items(value, place)
        inside = place._replace(depth=place.depth + 1)  # messages name a step by its name alone
        return [self._encode(item, inside) for item in value]

    def _encode_pairs(self, pairs: dict[Any, Any], place: _Place) -> list[list[Any]]:
        for key in pairs:
            if not isinstance(key, str | int | float | np.generic | NoneType):
                raise _refuse_value(key, place, " as a key")
        return [
            [self._encode(key, place), self._encode(value, place.item(key))]
            for key, value in pairs.items()
        ]

    def _encode_numpy(self, value: Any, place: _Place) -> dict[str, Any]:
        if isinstance(value, np.ndarray):
            return self._encode_array(value, place)
        dtype = value if isinstance(value, np.dtype) else value.dtype
        if not can_store(dtype) or dtype.itemsize > 4 * MAX_TEXT:
            raise _refuse_value(value, place)
        if isinstance(value, np.dtype):
            return {"$": "dtype", "value": dtype.str}
        return {"$": "scalar", "dtype": dtype.str, "value": self._encode(value.item(), place)}

    def _encode_array(self, array: np.ndarray, place: _Place) -> dict[str, Any]:
        if type(array) not in (np.ndarray, np.memmap):
            raise _refuse_value(array, place)
        if array.dtype == object:
            items = self._encode_items(array.ravel().tolist(), place)
            return {"$": "object_array", "shape": list(array.shape), "items": items}
        if not can_store(array.dtype):
            raise _refuse_value(array, place, f" of dtype {array.dtype}")
        name = self._next_name("array", "npy")
        self.members[name] = write_array(np.asarray(array))
        return {"$": "array", "member": name}

    def _encode_instance(self, instance: Any, place: _Place) -> dict[str, Any]:
        if id(instance) in self._numbers:
            return {"$": "same", "number": self._numbers[id(instance)]}
        name = name_class(type(instance))
        if name is None:
            raise _refuse_value(instance, place)
        _check_search(instance, place)
        number = self._numbers[id(instance)] = len(self._numbers)
        self._met.append(instance)
        node: dict[str, Any] = {"$": "estimator", "number": number, "class": name}
        state = get_state(instance)
        if state.get("memory") is not None:
            raise _refuse_value(state["memory"], place.attribute("memory"))
        if isinstance(instance, CellClassifier) and "keras_classifier_" in state:
            inside = place.attribute("keras_classifier_")
            node["network"] = self._encode_wrapper(state.pop("keras_classifier_"), inside)
        if isinstance(instance, ImageEmbedder) and "network_" in state:
            inside = place.attribute("network_")
            node["network"] = {"member": self._pack(state.pop("network_"), inside.label)}
        encoded = {key: self._encode(item, place.attribute(key)) for key, item in state.items()}
        params = set(param_names(type(instance)))
        node["params"] = {key: item for key, item in encoded.items() if key in params}
        node["attributes"] = {key: item for key, item in encoded.items() if key not in params}
        return node

    def _encode_wrapper(self, wrapper: Any, place: _Place) -> dict[str, Any]:
        member = self._pack(wrapper.model_, f"{place.label}.model_")
        return {"member": member, "settings": self._encode(network_settings(wrapper), place)}

    def _pack(self, model: Any, label: str) -> str:
        name = self._next_name("network", "keras")
        try:
            self.members[name] = pack_network(model)
        except ModelFileError as error:
            raise ModelFileError(
                f"{label} cannot be saved. {error.rule}",
                error.got,
                error.remedy,
                code=error.code,
            ) from None
        return name

    def _next_name(self, stem: str, suffix: str) -> str:
        self._counts[stem] += 1
        return f"{self._prefix}{stem}-{self._counts[stem] - 1}.{suffix}"


def _is_step(item: Any) -> bool:
    """Return whether it is a (name, estimator) pair of a pipeline or another composition."""
    return type(item) is tuple and len(item) in (2, 3) and hasattr(item[1], "get_params")


def _encode_type(kind: type, place: _Place) -> dict[str, Any]:
    if BUILT_IN_TYPES.get(kind.__name__) is kind:
        return {"$": "type", "name": kind.__name__}
    if issubclass(kind, np.generic) and kind not in (np.str_,):
        try:
            dtype = np.dtype(kind)
        except TypeError:  # an abstract one
            dtype = np.dtype(object)
        if can_store(dtype) and dtype.type is kind:
            return {"$": "type", "dtype": dtype.str}
    raise _refuse_value(kind, place)


def _check_search(instance: Any, place: _Place) -> None:
    if isinstance(instance, BaseEstimator) and hasattr(instance, "multimetric_"):
        raise refuse(
            "A model file holds one fitted model, not the results of a search.",
            f"a fitted {type(instance).__name__} in {place.label}",
            "Save search.best_estimator_.",
            code="search-not-saved",
        )


def _refuse_value(value: Any, place: _Place, state: str = "") -> ModelFileError:
    remedy = _REMEDIES.get(place.name)
    if remedy is None:
        foreign = isinstance(value, BaseEstimator | BaseCrossValidator | BaseShuffleSplit)
        remedy = _CALL_REMEDY if callable(value) and not foreign else _OTHER_REMEDY
    code = f"{place.name.replace('_', '-')}-not-saved" if place.name in _REMEDIES else "not-saved"
    return refuse(_RULE, f"{_describe(value)}{state} in {place.label}", remedy, code=code)


def _describe(value: Any) -> str:
    kind = type(value)
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        return f"the {kind.__name__} {name!r}"
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"an object of type {module}{kind.__qualname__}"
