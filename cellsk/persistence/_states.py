"""The state of an estimator: its parameters, attributes and metadata requests."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import MetadataRequest

from cellsk.persistence._archive import refuse

__all__ = ["fill_request", "get_requests", "get_state", "new_instance", "param_names", "set_state"]

# Attributes that callbacks of scikit-learn leave on an estimator. A model does not need them.
_CALLBACK_STATE = frozenset(
    {"_skl_callbacks", "_skl_callbacks_to_teardown", "_callback_fit_ctx", "_parent_callback_ctx"}
)
# The places where pixels and features are kept on the machine that saves.
_STORE = frozenset({"store", "max_store_bytes", "cache", "max_cache_bytes"})
_RULE = "Estimators in a model file must only have attributes of their class."


def param_names(kind: type) -> list[str]:
    """Return the names of the constructor's parameters."""
    skipped = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = list(inspect.signature(kind).parameters.values())
    return [parameter.name for parameter in parameters if parameter.kind not in skipped]


def get_state(instance: Any) -> dict[str, Any]:
    """Return parameters and attributes as pickle does, without callbacks and store.

    Raises
    ------
    ModelFileError
        If `set_state` would refuse one of the names.
    """
    own = isinstance(instance, BaseEstimator)
    state = dict(instance.__getstate__() if own else vars(instance))
    state = {name: value for name, value in state.items() if name not in _CALLBACK_STATE | _STORE}
    _check_names(type(instance), state)
    return state


def new_instance(kind: Any) -> Any:
    """Return an instance without running its constructor, as pickle does."""
    return kind.__new__(kind)


def set_state(instance: Any, state: dict[str, Any]) -> None:
    """Give ``instance`` its state. Parameters newer than the file get their defaults.

    Raises
    ------
    ModelFileError
        If an attribute would replace a method, or settings of scikit-learn.
    """
    kind: Any = type(instance)
    _check_names(kind, state)
    if state.get("memory") is not None:  # fit would read pickles from that folder
        raise refuse("memory must be None in a model file.", f"one for {kind.__name__}")
    for name in ("store", "cache"):  # predicting would write pixels or features to that folder
        if state.get(name) is not None:
            raise refuse(f"{name} must be None in a model file.", f"one for {kind.__name__}")
    if isinstance(instance, BaseEstimator):
        for name, default in _list_defaults(kind):
            state.setdefault(name, default)
        instance.__setstate__(state)
    else:
        vars(instance).update(state)


@cache
def _list_defaults(kind: Any) -> list[tuple[str, Any]]:
    parameters = inspect.signature(kind).parameters.items()
    return [(name, p.default) for name, p in parameters if p.default is not inspect.Parameter.empty]


def get_requests(request: MetadataRequest) -> dict[str, dict[str, Any]]:
    """Return what `set_fit_request` and the like have set: method, argument, alias."""
    methods = {name: asked for name, asked in vars(request).items() if name != "owner"}
    return {name: dict(asked.requests) for name, asked in methods.items() if asked.requests}


def fill_request(owner: Any, requests: Mapping[str, Mapping[str, Any]]) -> MetadataRequest:
    """Return the metadata request that `get_requests` described.

    Raises
    ------
    ModelFileError
        If it names something that is not a method.
    """
    request = MetadataRequest(owner=owner)
    for method, arguments in requests.items():
        if method == "owner" or method not in vars(request):
            raise refuse("Metadata must be requested by a method.", f"{method[:100]!r}")
        for argument, alias in arguments.items():
            getattr(request, method).add_request(param=argument, alias=alias)
    return request


def _check_names(kind: type, names: Iterable[str]) -> None:
    for name in names:
        taken = hasattr(kind, name) and (name.startswith("_") or callable(getattr(kind, name)))
        if taken or not name.isidentifier() or name.startswith("__"):
            raise refuse(_RULE, f"{name[:100]!r} for {kind.__name__}")
