"""Name, representation and parameters of an estimator, without the folders of the machine."""

from __future__ import annotations

import re
from typing import Any

from cellsk.neural_network import CellClassifier, choose_settings
from cellsk.report.document._types import EstimatorSummary

__all__ = ["describe_estimator", "hide_folders", "shorten_repr"]

MAX_LENGTH = 200
# Quoted paths may contain spaces. The slashes of a web address are left alone.
_PATHS = (
    re.compile(r"(?<=['\"])(?:/|[A-Za-z]:[\\/])[^'\"\n]*[\\/](?P<last>[^'\"\n\\/]+)(?=['\"])"),
    re.compile(
        r"(?<![\w.:/\\-])(?:/|[A-Za-z]:[\\/])(?:[^\s'\",;:()\\/]+[\\/])+(?P<last>[^\s'\",;()\\/]+)"
    ),
)


def describe_estimator(estimator: Any) -> EstimatorSummary:
    """Return name, representation and parameters. Nested estimators appear by their parameters."""
    parameters = {
        name: shorten_repr(value)
        for name, value in sorted(_read_parameters(estimator).items())
        if not _holds_estimators(value)
    }
    return {
        "name": _name_estimator(estimator),
        "repr": shorten_repr(estimator, 2000),
        "parameters": parameters,
    }


def _read_parameters(estimator: Any) -> dict[str, Any]:
    """Return all parameters. Where a classifier has "auto", return what that means for it."""
    found = estimator.get_params(deep=True)
    inner = [("", estimator), *((f"{name}__", value) for name, value in found.items())]
    for prefix, classifier in inner:
        if isinstance(classifier, CellClassifier):
            chosen = choose_settings(classifier)._asdict()
            found |= {f"{prefix}{name}": value for name, value in chosen.items()}
    return found


def _name_estimator(estimator: Any) -> str:
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list):
        return " > ".join(_name_estimator(step) for _, step in steps)
    inner = getattr(estimator, "estimator", None)
    name = type(estimator).__name__
    return f"{name}({_name_estimator(inner)})" if hasattr(inner, "fit") else name


def _holds_estimators(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_holds_estimators(inner) for inner in value)
    return hasattr(value, "get_params")


def shorten_repr(value: Any, limit: int = MAX_LENGTH) -> str:
    """Return the representation of a value without addresses and folders, cut to ``limit``."""
    # The address of an object differs from run to run.
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    text = re.sub(r"(['\"])\n\s+\1", "", text)  # scikit-learn splits long strings
    text = " ".join(hide_folders(text).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def hide_folders(text: str) -> str:
    """Replace each absolute path in a text by its last part.

    Reports are given to others, who should not see folders or user names of the machine.
    """
    for path in _PATHS:
        text = path.sub(r"\g<last>", text)
    return text
