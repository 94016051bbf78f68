"""An estimator in words: its name and the parameters that matter."""

from __future__ import annotations

import re
from typing import Any

from cellsk.report._settings import Settings

__all__ = ["describe_estimator", "hide_folders", "in_short"]

MAX_LENGTH = 200
# Within quotes a path may hold blanks. The slashes of a web address are left alone.
_PATHS = (
    re.compile(r"(?<=['\"])(?:/|[A-Za-z]:[\\/])[^'\"\n]*[\\/](?P<last>[^'\"\n\\/]+)(?=['\"])"),
    re.compile(
        r"(?<![\w.:/\\-])(?:/|[A-Za-z]:[\\/])(?:[^\s'\",;:()\\/]+[\\/])+(?P<last>[^\s'\",;()\\/]+)"
    ),
)


def describe_estimator(settings: Settings) -> dict[str, Any]:
    """Return name, representation and parameters; nested estimators by their own parameters."""
    estimator = settings.estimator
    parameters = {
        name: in_short(value)
        for name, value in sorted(estimator.get_params(deep=True).items())
        if not _holds_estimators(value)
    }
    return {
        "name": _name_of(estimator),
        "repr": in_short(estimator, 2000),
        "parameters": parameters,
    }


def _name_of(estimator: Any) -> str:
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list):
        return " > ".join(_name_of(step) for _, step in steps)
    inner = getattr(estimator, "estimator", None)
    name = type(estimator).__name__
    return f"{name}({_name_of(inner)})" if hasattr(inner, "fit") else name


def _holds_estimators(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_holds_estimators(inner) for inner in value)
    return hasattr(value, "get_params")


def in_short(value: Any, limit: int = MAX_LENGTH) -> str:
    """Return the representation of a value without addresses and folders, and not too long."""
    # The address of an object says nothing, and differs from run to run.
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    text = re.sub(r"(['\"])\n\s+\1", "", text)  # scikit-learn breaks long texts in two
    text = " ".join(hide_folders(text).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def hide_folders(text: str) -> str:
    """Return a text in which each absolute path is its last part alone.

    A report is handed over; the folders of the machine, and who works there, are not.
    """
    for path in _PATHS:
        text = path.sub(r"\g<last>", text)
    return text
