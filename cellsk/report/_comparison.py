"""Comparison of two reports on the same images."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellsk.exceptions import InputError, InputTypeError
from cellsk.model_selection import OutOfFold
from cellsk.report._settings import EvaluationData, Settings
from cellsk.report.document import (
    Comparison,
    EvaluationDocument,
    make_predictions,
    make_resampling,
    subtract_predictions,
)
from cellsk.report.words import describe_comparison

__all__ = ["check_report", "compare_reports"]


def compare_reports(
    data: tuple[EvaluationData, EvaluationData],
    out_of_fold: tuple[OutOfFold, OutOfFold],
    documents: tuple[EvaluationDocument, EvaluationDocument],
    settings: Settings,
) -> Comparison:
    """Return the scores of two reports on the same images, and their paired differences.

    Raises
    ------
    ValueError
        When the images, labels, patients or classes differ.
    """
    _check_same(*(one.labels for one in data), *(one.X for one in data))
    first, second = (
        make_predictions(one.labels, found) for one, found in zip(data, out_of_fold, strict=True)
    )
    difference = subtract_predictions(first, second, make_resampling(settings))
    return {
        "first": documents[0]["numbers"],
        "second": documents[1]["numbers"],
        "difference": difference,
        "sentence": describe_comparison(documents, difference),
    }


def check_report(other: Any, kind: type) -> None:
    """Raise unless it is a report.

    Raises
    ------
    TypeError
        When it is something else.
    """
    if not isinstance(other, kind):
        raise InputTypeError(
            "must be a report of evaluate or evaluate_model",
            type(other).__name__,
            "Pass the report of the other model.",
            parameter="other",
            code="report-type",
        )


def _check_same(one: Any, other: Any, X: Any, Y: Any) -> None:
    pairs = {
        "images": (X, Y),
        "classes": (one.names, other.names),
        "labels": (one.codes, other.codes),
        "patients": (one.clusters, other.clusters),
        "positive class": (one.positive, other.positive),
    }
    for what, (here, there) in pairs.items():
        if not np.array_equal(np.asarray(here), np.asarray(there)):
            raise InputError(
                "Reports can only be compared on the same images, in the same order",
                f"other {what}",
                "Pass the same images, labels and groups to both.",
                code="reports-differ",
            )
