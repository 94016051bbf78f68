"""Routing of groups to every part of an estimator that splits images."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from inspect import signature
from typing import Any

from sklearn import config_context
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import PredefinedSplit
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from cellsk.exceptions import InputError, SplitWarning

__all__ = [
    "check_inner_splits",
    "check_unfitted",
    "iter_estimators",
    "request_groups",
    "requires_groups",
    "takes_groups",
    "warn_if_groups_are_lost",
]


def request_groups(estimator: Any) -> Any:
    """Return a clone in which every part whose ``fit`` takes groups requests them.

    scikit-learn passes metadata to parts that request them. A part with
    ``set_fit_request(groups=False)`` is not changed.

    Parameters
    ----------
    estimator : estimator
        A classifier, pipeline or search.

    Returns
    -------
    requesting : estimator
        An unfitted clone, for use under ``config_context(enable_metadata_routing=True)``.

    Examples
    --------
    >>> from cellsk import CellClassifier
    >>> from cellsk.model_selection._routing import request_groups, takes_groups
    >>> takes_groups(CellClassifier()), takes_groups(request_groups(CellClassifier()))
    (False, True)
    """
    requesting = clone(estimator)
    with config_context(enable_metadata_routing=True):
        for part in iter_estimators(requesting):
            if _could_take_groups(part) and _find_request(part) is None:
                part.set_fit_request(groups=True)
    return requesting


def takes_groups(estimator: Any) -> bool:
    """Whether ``fit`` of the estimator, or of one of its parts, requests groups."""
    # A pipeline fits its transformers by fit_transform, which its own router does not count.
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else []
    return _consumes(estimator, "fit") or any(takes_groups(step) for step in steps)


def requires_groups(estimator: Any) -> bool:
    """Whether a splitter within the estimator cannot split without groups."""
    return any(_keeps_groups(cv) for _, cv in _iter_splitters(estimator))


def _consumes(part: Any, method: str) -> bool:
    if part is None or isinstance(part, str):  # a step such as "passthrough"
        return False
    try:
        with config_context(enable_metadata_routing=True):
            return bool(get_routing_for_object(part).consumes(method, ["groups"]))
    except NotImplementedError:  # some estimators of scikit-learn do not support routing
        return False


def check_inner_splits(estimator: Any, *, grouped: bool) -> None:
    """Check the splitters within an estimator, such as that of a search.

    Raises
    ------
    ValueError
        If one names rows of all images, which have no meaning inside another split, or cannot
        receive groups.

    Warns
    -----
    SplitWarning
        If groups are known, and a splitter inside does not keep them together.
    """
    for part, cv in _iter_splitters(estimator):
        name = type(part).__name__
        if isinstance(cv, PredefinedSplit) or not (
            cv is None or isinstance(cv, int | float) or hasattr(cv, "split")
        ):
            kind = "a PredefinedSplit" if hasattr(cv, "split") else "a list of splits"
            raise InputError(
                "The cv of a search that is evaluated must be a splitter, as it splits the"
                " training side of each fold",
                f"{kind} in {name}",
                "Use cv=choose_cv(y, groups).",
                code="search-cv-not-splitter",
            )
        if _keeps_groups(cv) and getattr(part, "ensemble", True) is False:
            raise InputError(
                "scikit-learn passes groups to the folds of a calibration only with ensemble=True",
                f"ensemble=False in {name}, with {cv}",
                "Pass ensemble=True.",
                code="calibration-loses-groups",
            )
        if grouped and not _keeps_groups(cv):
            warning = SplitWarning(
                "Splits within an estimator should keep patients together",
                f"cv={cv} in {name}, which may put a patient on both sides, so it chooses by"
                " scores that are too good",
                "Use cv=choose_cv(y, groups).",
                code="search-splits-patients",
                values={"part": name},
            )
            warnings.warn(warning, stacklevel=3)


def check_unfitted(estimator: Any) -> None:
    """Raise if a part would not be fitted again in each fold.

    Raises
    ------
    ValueError
        If a part is frozen: it may have learned from the images that test it.
    """
    for part in iter_estimators(estimator):
        if isinstance(part, FrozenEstimator):
            raise InputError(
                "Each step of an estimator must be fitted again in each fold",
                f"a FrozenEstimator around {type(part.estimator).__name__}, which may have learned"
                " from the images that test it",
                f"Pass the {type(part.estimator).__name__} itself instead of the FrozenEstimator.",
                code="frozen-estimator",
            )


def warn_if_groups_are_lost(estimator: Any) -> None:
    """Warn if a part takes groups, but an estimator around it does not pass them on.

    Warns
    -----
    SplitWarning
        If that is so.
    """
    lost = [type(part).__name__ for part in iter_estimators(estimator) if _could_take_groups(part)]
    if lost and not takes_groups(request_groups(estimator)):
        warning = SplitWarning(
            "Groups must reach every step that splits images",
            f"{type(estimator).__name__}, which does not pass them to {lost[0]}: the images that"
            " it sets aside, such as the hold-out for early stopping, may show patients of its"
            " training images",
            "Put the step into a scikit-learn Pipeline or search, which pass the groups on.",
            code="groups-lost",
            values={"part": lost[0]},
        )
        warnings.warn(warning, stacklevel=3)


def _iter_splitters(estimator: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each part that has a ``cv``, and its ``cv``, except words such as "prefit"."""
    for part in iter_estimators(estimator):
        cv = part.get_params(deep=False).get("cv", "none")
        if not isinstance(cv, str):
            yield part, cv


def _keeps_groups(cv: Any) -> bool:
    return hasattr(cv, "split") and _consumes(cv, "split")


def iter_estimators(estimator: Any) -> Iterator[Any]:
    """Yield the estimator, and every estimator among its parameters and their candidates."""
    seen: set[int] = set()
    waiting = [estimator]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif hasattr(value, "get_params") and not isinstance(value, type):
            if id(value) in seen:
                continue
            seen.add(id(value))
            yield value
            waiting += value.get_params(deep=False).values()


def _could_take_groups(part: Any) -> bool:
    return (
        hasattr(part, "fit")
        and hasattr(part, "set_fit_request")
        and "groups" in signature(part.fit).parameters
    )


def _find_request(part: Any) -> Any:
    return part.get_metadata_routing().fit.requests.get("groups")
