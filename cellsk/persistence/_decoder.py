"""The decoder of JSON and binary members as estimators of allowed classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from cellsk.exceptions import ModelFileError
from cellsk.neural_network import CellClassifier, ImageEmbedder
from cellsk.persistence._archive import refuse
from cellsk.persistence._arrays import parse_dtype, read_array
from cellsk.persistence._classes import find_class, find_metric
from cellsk.persistence._encoder import BUILT_IN_TYPES
from cellsk.persistence._json import LONGEST_INT, MAX_DEPTH, MAX_LONG_INTS, is_long
from cellsk.persistence._network import unpack_backbone, unpack_network
from cellsk.persistence._states import fill_request, new_instance, set_state

__all__ = ["Decoder"]

_RULE = "estimator.json must describe an estimator, as cellsk does."

_MAX_ESTIMATORS = 10_000
_SCALARS = {"b": bool, "i": int, "u": int, "f": float, "U": str}  # by the kind of a dtype
_KEYS = (str, int, float, NoneType, np.generic)
_FLOATS = ("nan", "inf", "-inf")

# The errors of a tree in a wrong form.
_FORM_ERRORS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError)


class Decoder:
    """Builds the estimator that a tree describes.

    Parameters
    ----------
    members : mapping of str to bytes
        Arrays and networks, by name.
    max_bytes : int
        Largest array of images that may be made to initialize a network.
    """

    def __init__(self, members: Mapping[str, bytes], max_bytes: int) -> None:
        self._members = members
        self._max_bytes = max_bytes
        self._instances: dict[int, Any] = {}
        self._used: set[str] = set()
        self._n_long_ints = 0

    def decode_root(self, tree: Mapping[str, Any]) -> BaseEstimator:
        """Return the estimator, with all members used.

        Raises
        ------
        ModelFileError
            If the tree has another form, or names a class that is not allowed.
        """
        try:
            estimator = self._decode(tree, 0)
        except ModelFileError:
            raise
        except _FORM_ERRORS:
            raise refuse(_RULE, "a tree of another form") from None
        if not isinstance(estimator, BaseEstimator):
            raise refuse(_RULE, f"an object of type {type(estimator).__name__}")
        if unused := sorted(self._members.keys() - self._used):
            raise refuse(
                "Each member of a model file must be used.", f"{unused[0]!r}, which is not"
            )
        return estimator

    def _decode(self, node: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise refuse(_RULE, "one nested too deeply")
        if isinstance(node, list):
            return [self._decode(item, depth + 1) for item in node]
        if is_long(node):
            self._check_long_int(node)
        if not isinstance(node, dict):
            return node
        decode = getattr(self, f"_decode_{_tag(node)}")
        return decode(node, depth + 1)

    def _check_long_int(self, number: int) -> None:
        self._n_long_ints += 1
        if number.bit_length() > LONGEST_INT or self._n_long_ints > MAX_LONG_INTS:
            raise refuse(
                f"A model file may hold {MAX_LONG_INTS:,} whole numbers of 61 to "
                f"{LONGEST_INT:,} bits, and none that is longer.",
                "more" if self._n_long_ints > MAX_LONG_INTS else "a longer one",
            )

    def _member(self, name: str) -> bytes:
        if name in self._used:
            raise refuse("Each member of a model file must be used once.", f"{name!r} twice")
        self._used.add(name)
        return self._members[name]

    def _decode_float(self, node: dict[str, Any], _: int) -> float:
        if node["value"] not in _FLOATS:
            raise refuse(_RULE, f"a float {str(node['value'])[:20]!r}")
        return float(node["value"])

    def _decode_tuple(self, node: dict[str, Any], depth: int) -> tuple[Any, ...]:
        return tuple(self._decode(item, depth) for item in node["items"])

    def _decode_dict(self, node: dict[str, Any], depth: int) -> dict[Any, Any]:
        content = {}
        for key, value in node["items"]:
            decoded = self._decode(key, depth)
            if not isinstance(decoded, _KEYS):  # tuples of many kinds can have the same hash
                raise refuse(_RULE, f"a key of type {type(decoded).__name__}")
            content[decoded] = self._decode(value, depth)
        return content

    def _decode_bunch(self, node: dict[str, Any], depth: int) -> Bunch:
        return Bunch(**self._decode_dict(node, depth))

    def _decode_slice(self, node: dict[str, Any], depth: int) -> slice:
        start, stop, step = (self._decode(item, depth) for item in node["items"])
        return slice(start, stop, step)

    def _decode_dtype(self, node: dict[str, Any], _: int) -> np.dtype:
        return parse_dtype(node["value"])

    def _decode_scalar(self, node: dict[str, Any], depth: int) -> Any:
        dtype = parse_dtype(node["dtype"])
        value = self._decode(node["value"], depth)
        if type(value) is not _SCALARS[dtype.kind]:
            raise refuse(_RULE, f"a {dtype} scalar of type {type(value).__name__}")
        if dtype.kind == "U" and dtype.itemsize > 4 * max(1, len(str(value))):
            raise refuse(_RULE, f"a {dtype} scalar of {len(str(value))} characters")
        return np.array(value, dtype=dtype)[()]

    def _decode_type(self, node: dict[str, Any], _: int) -> type:
        if "dtype" in node:
            return parse_dtype(node["dtype"]).type
        return BUILT_IN_TYPES[node["name"]]

    def _decode_array(self, node: dict[str, Any], _: int) -> NDArray:
        return read_array(self._member(node["member"]))

    def _decode_object_array(self, node: dict[str, Any], depth: int) -> NDArray:
        items = self._decode(node["items"], depth)
        shape = tuple(int(size) for size in node["shape"])
        if min(shape, default=0) < 0 or math.prod(shape) != len(items):
            raise refuse(_RULE, f"{len(items):,} items for shape {str(shape)[:100]}")
        array = np.empty(len(items), dtype=object)
        for index, item in enumerate(items):  # one by one, because NumPy would unpack sequences
            array[index] = item
        return array.reshape(shape)

    def _decode_metric(self, node: dict[str, Any], _: int) -> Any:
        return find_metric(node["name"])

    def _decode_same(self, node: dict[str, Any], _: int) -> Any:
        return self._instances[node["number"]]

    def _decode_estimator(self, node: dict[str, Any], depth: int) -> Any:
        kind = find_class(node["class"])
        number = node["number"]
        if type(number) is not int or not 0 <= number < _MAX_ESTIMATORS:
            raise refuse(
                f"A model file may hold at most {_MAX_ESTIMATORS:,} estimators, numbered from 0.",
                f"the number {str(number)[:20]}",
            )
        if number in self._instances:
            raise refuse(_RULE, f"two estimators of number {number}")
        instance = self._instances[number] = new_instance(kind)
        state = {}
        for name, value in {**node["params"], **node["attributes"]}.items():
            requests = isinstance(value, dict) and _tag(value) == "requests"
            state[name] = (
                fill_request(instance, value["methods"]) if requests else self._decode(value, depth)
            )
        set_state(instance, state)
        if "network" in node:
            self._restore_network(instance, node["network"], depth)
        return instance

    def _restore_network(self, instance: Any, node: dict[str, Any], depth: int) -> None:
        if not isinstance(instance, CellClassifier | ImageEmbedder):
            raise refuse(_RULE, f"a network for {type(instance).__name__}")
        data = self._member(node["member"])
        if isinstance(instance, ImageEmbedder):
            instance.network_ = unpack_backbone(instance, data)
            return
        settings = self._decode(node["settings"], depth)
        instance.keras_classifier_ = unpack_network(instance, data, settings, self._max_bytes)


_TAGS = frozenset(
    name.removeprefix("_decode_") for name in vars(Decoder) if name.startswith("_decode_")
)


def _tag(node: dict[str, Any]) -> str:
    tag = node["$"]
    if tag not in _TAGS | {"requests"}:
        raise refuse(_RULE, f"the unknown kind of value {str(tag)[:100]!r}")
    return tag
