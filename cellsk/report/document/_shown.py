"""A document as people are shown it: exact intervals where the bootstrap has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["EXACT", "prepare"]

Document = Mapping[str, Any]
EXACT = "exact, images taken as independent"


def prepare(document: Document) -> dict[str, Any]:
    """Return a document for display; the one that came stays as it is.

    Where all images of a class are right, so they are in each resample, and the bootstrap gives
    no interval. The exact binomial one of `second_opinions` stands in for it, with a `note`.
    Files that were left out beforehand are an empty list where the document has none, and the
    limits tell what folds by site leave open.

    Parameters
    ----------
    document : mapping
        An evaluation document.

    Returns
    -------
    shown : dict
        With the same fields.
    """
    shown = dict(document)
    shown["left_out"] = document.get("left_out") or []
    shown["numbers"] = _fill(document["numbers"], document)
    if document["operating_point"] is not None:
        achieved = _fill(document["operating_point"]["achieved"], document)
        shown["operating_point"] = {**document["operating_point"], "achieved": achieved}
    if document["leakage"] is not None:
        # Folds by patient are those of the evaluation itself: the same predictions.
        grouped = _fill(document["leakage"]["grouped"], document)
        shown["leakage"] = {**document["leakage"], "grouped": grouped}
    return shown


def _fill(numbers: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """Return the numbers, those without an interval with the exact one of the same share."""
    opinions = document["second_opinions"]
    return {
        name: {**entry, "low": opinions[name]["low"], "high": opinions[name]["high"], "note": EXACT}
        if _lacks_interval(entry) and name in ("sensitivity", "specificity") and name in opinions
        else entry
        for name, entry in numbers.items()
    }


def _lacks_interval(entry: Mapping[str, Any]) -> bool:
    return entry["value"] is not None and entry["low"] is None and entry["high"] is None
