"""Exact intervals, shown where the bootstrap has none."""

from __future__ import annotations

from collections.abc import Mapping

from cellsk.report.document import EvaluationDocument, Number, Numbers, Opinion

__all__ = ["EXACT", "add_exact_intervals"]

EXACT = "exact, assuming independent images"


def add_exact_intervals(document: EvaluationDocument) -> EvaluationDocument:
    """Return a document for display, with exact intervals where the bootstrap has none.

    If all images of a class are predicted correctly, so are those of each resample, and the
    bootstrap has no interval. Then the exact binomial interval is shown, with a `note`.

    Parameters
    ----------
    document : dict
        An evaluation document. It is not changed.

    Returns
    -------
    shown : dict
        With the same fields.
    """
    opinions = document["second_opinions"]
    shown = document.copy()
    shown["left_out"] = document.get("left_out") or []
    shown["numbers"] = _add(document["numbers"], opinions)
    point = document["operating_point"]
    if point is not None:
        point = point.copy()
        point["achieved"] = _add(point["achieved"], opinions)
        shown["operating_point"] = point
    leakage = document["leakage"]
    if leakage is not None:
        # The scores with folds by patient come from the same predictions as the numbers.
        leakage = leakage.copy()
        leakage["grouped"] = _add(leakage["grouped"], opinions)
        shown["leakage"] = leakage
    return shown


def _add(numbers: Numbers, opinions: Mapping[str, Opinion]) -> dict[str, Number]:
    exact = {"sensitivity", "specificity"} & set(opinions)
    return {
        name: _replace_interval(number, opinions[name])
        if name in exact and _lacks_interval(number)
        else number
        for name, number in numbers.items()
    }


def _replace_interval(number: Number, opinion: Opinion) -> Number:
    return {
        "value": number["value"],
        "low": opinion["low"],
        "high": opinion["high"],
        "note": EXACT,
    }


def _lacks_interval(number: Number) -> bool:
    return number["value"] is not None and number["low"] is None and number["high"] is None
