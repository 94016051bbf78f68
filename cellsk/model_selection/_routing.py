"""Groups on their way to every part of an estimator that splits images."""

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

from cellsk.exceptions import SplitWarning

__all__ = [
    "check_inner_splits",
    "check_unfitted",
    "parts_of",
    "request_groups",
    "splits_by_group",
    "takes_groups",
    "warn_if_groups_are_lost",
]


def request_groups(estimator: Any) -> Any:
    """Return a clone in which every part whose ``fit`` takes groups asks for them.

    scikit-learn hands metadata on to those that ask. A part that was told not to ask
    (``set_fit_request(groups=False)``) is left alone.

    Parameters
    ----------
    estimator : estimator
        A classifier, pipeline or search.

    Returns
    -------
    asking : estimator
        An unfitted clone, for use under ``config_context(enable_metadata_routing=True)``.

    Examples
    --------
    >>> from cellsk import CellClassifier
    >>> from cellsk.model_selection._routing import request_groups, takes_groups
    >>> takes_groups(CellClassifier()), takes_groups(request_groups(CellClassifier()))
    (False, True)
    """
    asking = clone(estimator)
    with config_context(enable_metadata_routing=True):
        for part in parts_of(asking):
            if _could_take_groups(part) and _request_of(part) is None:
                part.set_fit_request(groups=True)
    return asking


def takes_groups(estimator: Any) -> bool:
    """Whether ``fit`` of the estimator, or of a part that it hands them to, asks for groups."""
    # A pipeline fits its transformers by fit_transform, which its own router does not count.
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else []
    return _consumes(estimator, "fit") or any(takes_groups(step) for step in steps)


def splits_by_group(estimator: Any) -> bool:
    """Whether a splitter within the estimator cannot do without groups."""
    return any(_keeps_groups(cv) for _, cv in _inner_splitters(estimator))


def _consumes(part: Any, method: str) -> bool:
    if part is None or isinstance(part, str):  # a step that passes through
        return False
    try:
        with config_context(enable_metadata_routing=True):
            return bool(get_routing_for_object(part).consumes(method, ["groups"]))
    except NotImplementedError:  # some of scikit-learn's own cannot hand anything on
        return False


def check_inner_splits(estimator: Any, *, grouped: bool) -> None:
    """Look at the splitters within an estimator: those of a search, say.

    Raises
    ------
    ValueError
        When one names rows of all images, which mean nothing inside another split, or cannot
        be given groups.

    Warns
    -----
    SplitWarning
        When groups are known, and a splitter inside does not keep them together.
    """
    for part, cv in _inner_splitters(estimator):
        name = type(part).__name__
        if isinstance(cv, PredefinedSplit) or not (
            cv is None or isinstance(cv, int | float) or hasattr(cv, "split")
        ):
            raise ValueError(
                "cv of a search that is evaluated must be a splitter, since it splits the "
                "training side of each fold. Got "
                f"{'a PredefinedSplit' if hasattr(cv, 'split') else 'a list of splits'} in {name}. "
                "Use cv=choose_cv(y, groups)."
            )
        if _keeps_groups(cv) and getattr(part, "ensemble", True) is False:
            raise ValueError(
                "scikit-learn hands groups to the folds of a calibration with ensemble=True only. "
                f"Got ensemble=False in {name}, with {cv}. Pass ensemble=True."
            )
        if grouped and not _keeps_groups(cv):
            warnings.warn(
                f"Splits within an estimator should keep patients together. Got cv={cv} in "
                f"{name}, which may part them: its choices are made on numbers that are too good. "
                "Use cv=choose_cv(y, groups).",
                SplitWarning,
                stacklevel=3,
            )


def check_unfitted(estimator: Any) -> None:
    """Refuse what would not be fitted anew in each fold.

    Raises
    ------
    ValueError
        When a part is frozen: it may have learned from the images that test it.
    """
    for part in parts_of(estimator):
        if isinstance(part, FrozenEstimator):
            raise ValueError(
                "Each part of an estimator must be fitted anew in each fold. Got a FrozenEstimator "
                f"around {type(part.estimator).__name__}, which may have learned from the images "
                "that test it. Pass the estimator itself."
            )


def warn_if_groups_are_lost(estimator: Any) -> None:
    """Warn when a part would take groups, and what stands around it hands none on.

    Warns
    -----
    SplitWarning
        When that is so.
    """
    lost = [type(part).__name__ for part in parts_of(estimator) if _could_take_groups(part)]
    if lost and not takes_groups(request_groups(estimator)):
        warnings.warn(
            "Groups must reach every part that splits images. "
            f"Got {type(estimator).__name__}, which hands none on to {lost[0]}: what that holds "
            "out, for early stopping say, parts patients. Use a scikit-learn Pipeline or search.",
            SplitWarning,
            stacklevel=3,
        )


def _inner_splitters(estimator: Any) -> Iterator[tuple[Any, Any]]:
    """Each part that has a ``cv``, and that, but for words such as "prefit"."""
    for part in parts_of(estimator):
        cv = part.get_params(deep=False).get("cv", "none")
        if not isinstance(cv, str):
            yield part, cv


def _keeps_groups(cv: Any) -> bool:
    return hasattr(cv, "split") and _consumes(cv, "split")


def parts_of(estimator: Any) -> Iterator[Any]:
    """The estimator, and every estimator among its parameters and their candidates."""
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


def _request_of(part: Any) -> Any:
    return part.get_metadata_routing().fit.requests.get("groups")
