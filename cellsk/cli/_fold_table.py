"""The scores of each fold, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellsk.report import EvaluationReport

__all__ = ["build_fold_table", "describe_fold_table"]

SCORES = ("accuracy", "balanced_accuracy", "roc_auc")


def build_fold_table(report: EvaluationReport) -> dict[str, Any]:
    """Return the scores of each fold, their mean and their standard deviation.

    A score is None in a fold that lacks a class that it needs; the mean leaves this fold out. One
    fold has no standard deviation.
    """
    cv = report.document["cv"]
    folds = [
        {
            "fold": fold["fold"],
            "n_test": fold["n_test"],
            **{name: fold["scores"][name] for name in SCORES},
            "best_epoch": fold["best_epoch"],
        }
        for fold in report.document["folds"]
    ]
    return {
        "patients_kept_together": cv is not None and cv["groups_kept_together"],
        "folds": folds,
        **_summarize(folds),
    }


def _summarize(folds: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    import numpy as np

    known = {name: [fold[name] for fold in folds if fold[name] is not None] for name in SCORES}
    return {
        "mean": {name: float(np.mean(values)) for name, values in known.items() if values},
        "standard_deviation": {
            name: float(np.std(values))
            for name, values in known.items()
            if len(folds) > 1 and values
        },
    }


def describe_fold_table(table: dict[str, Any]) -> str:
    """Return the folds, their mean and their standard deviation as aligned text."""
    rows = [
        [fold["fold"], fold["n_test"], *(fold[name] for name in SCORES), fold["best_epoch"]]
        for fold in table["folds"]
    ]
    pooled = (("mean", "mean"), ("SD", "standard_deviation")) if len(rows) > 1 else ()
    rows += [[label, "", *(table[key].get(name) for name in SCORES), ""] for label, key in pooled]
    header = ["fold", "images", "accuracy", "balanced accuracy", "ROC AUC", "epoch kept"]
    return _align(header, rows)


def _align(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return right-aligned columns; floats have three decimals."""
    cells = [list(header)] + [[_format(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(
        "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def _format(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
