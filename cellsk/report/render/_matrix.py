"""The confusion matrix as cells that open the images behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cellsk.report.render._shown_rows import MOST_PICTURES, sample_cells
from cellsk.report.words._values import name_class, write_number
from cellsk.report.words._verdict import is_better_than_guessing

__all__ = ["Cell", "Picture", "build_matrix", "describe_pictures"]

Document = Mapping[str, Any]


class Picture(NamedTuple):
    """One image and what was said of it: how sure it was of its call, and of its own label."""

    file: str
    source: str | None
    group: str | None
    fold: int
    label: str
    predicted: str
    sure: float
    own: float
    at_threshold: str
    doubted: bool


class Cell(NamedTuple):
    """One cell: images of one class that were called one class."""

    key: str
    label: str
    predicted: str
    n_images: int
    share: float | None
    depth: int
    right: bool
    pictures: list[Picture]


def build_matrix(document: Document, pictures: Mapping[int, str]) -> list[list[Cell]]:
    """Return the cells, one row for each true class.

    The depth of a cell, from 0 to 10, is the share of its class that it holds.
    """
    names = [entry["name"] for entry in document["data"]["classes"]]
    first = len(document["confident_errors"]) + len(document["label_errors"])
    sampled = sample_cells(document, MOST_PICTURES - first)
    matrix = []
    for code, counts in enumerate(document["confusion_matrix"]):
        total = sum(counts)
        matrix.append(
            [
                Cell(
                    f"{code}-{other}",
                    names[code],
                    names[other],
                    count,
                    count / total if total else None,
                    round(10 * count / total) if total else 0,
                    code == other,
                    describe_pictures(document, sampled.get((code, other), []), pictures),
                )
                for other, count in enumerate(counts)
            ]
        )
    return matrix


def describe_pictures(
    document: Document, rows: list[int], pictures: Mapping[int, str]
) -> list[Picture]:
    """Return what is to be said of some images, with the picture where there is one."""
    found = document["predictions"]
    doubted = set(document["label_errors"]) if is_better_than_guessing(document) else set()
    names = [entry["name"] for entry in document["data"]["classes"]]
    return [
        Picture(
            found["file"][row],
            pictures.get(row),
            None if found["group"] is None else found["group"][row],
            found["fold"][row],
            names[found["label"][row]],
            names[found["predicted"][row]],
            found["proba"][row][found["predicted"][row]],
            found["proba"][row][found["label"][row]],
            _say_threshold(document, row),
            row in doubted,
        )
        for row in rows
    ]


def _say_threshold(document: Document, row: int) -> str:
    """Return what was compared for one image where a threshold was tuned; else nothing.

    Of an image called malignant with a probability of 0.35 nothing else explains why.
    """
    found = document["predictions"]
    threshold = document["folds"][found["fold"][row] - 1]["threshold"]
    classes = list(enumerate(document["data"]["classes"]))
    positive = next((code for code, entry in classes if entry["positive"]), None)
    if threshold is None or positive is None:
        return ""
    name, score = classes[positive][1]["name"], found["proba"][row][positive]
    side = "at least" if found["predicted"][row] == positive else "below"
    return (
        f"{name_class(name)} {write_number(score, 2)}, {side} the threshold"
        f" {write_number(threshold, 2)}"
    )
