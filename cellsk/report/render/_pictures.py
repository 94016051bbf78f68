"""The images that a page shows: errors, and a sample of each cell of the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import check_count
from cellsk.report.document import EvaluationFacts
from cellsk.report.words import is_better_than_chance, list_names, name_class, write_number

__all__ = ["Cell", "Picture", "build_matrix", "choose_rows", "describe_pictures", "sample_cells"]

MAX_IN_CELL = 16
MAX_PICTURES = 200


class Picture(NamedTuple):
    """One image, its label, and its prediction.

    ``confidence`` is the probability of the predicted class, ``label_probability`` that of the
    label. ``map`` shows the areas that support the predicted class.
    """

    file: str
    source: str | None
    group: str | None
    fold: int | None
    label: str
    predicted: str
    confidence: float | None
    label_probability: float | None
    at_threshold: str
    suspected: bool
    map: str | None


class Cell(NamedTuple):
    """One cell of the confusion matrix: images of one class, predicted to be of one class."""

    key: str
    label: str
    predicted: str
    n_images: int
    share: float | None
    depth: int
    right: bool
    pictures: list[Picture]


def build_matrix(facts: EvaluationFacts, pictures: Mapping[int, str]) -> list[list[Cell]]:
    """Return the cells, one row for each true class.

    The depth of a cell, from 0 to 10, is its share of the class.
    """
    names = list_names(facts["data"])
    n_errors = len(facts["confident_errors"]) + len(facts["label_errors"])
    sampled = sample_cells(facts, MAX_PICTURES - n_errors)
    matrix = []
    for code, counts in enumerate(facts["confusion_matrix"]):
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
                    describe_pictures(facts, sampled.get((code, other), []), pictures),
                )
                for other, count in enumerate(counts)
            ]
        )
    return matrix


def describe_pictures(
    facts: EvaluationFacts,
    rows: Sequence[int],
    pictures: Mapping[int, str],
    maps: Mapping[int, str] | None = None,
) -> list[Picture]:
    """Return the captions of some images, with the picture and the map if there are any."""
    found = facts["predictions"]
    suspected = set(facts["label_errors"]) if is_better_than_chance(facts) else set()
    names = list_names(facts["data"])
    described = []
    for row in rows:
        label, predicted, proba = found["label"][row], found["predicted"][row], found["proba"][row]
        described.append(
            Picture(
                found["file"][row],
                pictures.get(row),
                None if found["group"] is None else found["group"][row],
                found["fold"][row] if found["fold"] else None,
                names[label],
                names[predicted],
                proba[predicted],
                proba[label],
                _explain_threshold(facts, row),
                row in suspected,
                (maps or {}).get(row),
            )
        )
    return described


def _explain_threshold(facts: EvaluationFacts, row: int) -> str:
    """Return the comparison with the threshold for one image, or "" if none was tuned.

    Without it, nobody could understand why an image with a probability of 0.35 is predicted
    malignant.
    """
    found = facts["predictions"]
    point = facts["operating_point"]
    if facts["folds"]:
        threshold = facts["folds"][found["fold"][row] - 1]["threshold"]
    else:
        threshold = None if point is None else point["thresholds"][0]
    classes = list(enumerate(facts["data"]["classes"]))
    positive = next((code for code, entry in classes if entry["positive"]), None)
    if threshold is None or positive is None:
        return ""
    name, score = classes[positive][1]["name"], found["proba"][row][positive]
    side = "at least" if found["predicted"][row] == positive else "below"
    return (
        f"{name_class(name)} {write_number(score, 2)}, {side} the threshold"
        f" {write_number(threshold, 2)}"
    )


def choose_rows(facts: EvaluationFacts, limit: int = MAX_PICTURES) -> list[int]:
    """Return the rows whose pictures a page shows.

    First the most confident errors and the labels that may be wrong, then the same number from
    each cell of the confusion matrix, from the highest to the lowest probability.

    Parameters
    ----------
    facts : dict
        An evaluation document.
    limit : int, default=200
        Maximal number of rows.

    Returns
    -------
    rows : list of int
        Each once. The same document gives the same rows.

    Raises
    ------
    TypeError, ValueError
        When `limit` is not a whole number of at least 0.
    """
    check_count("limit", limit, minimum=0)
    errors = [*facts["confident_errors"], *facts["label_errors"]]
    sampled = [row for rows in sample_cells(facts, limit - len(errors)).values() for row in rows]
    return list(dict.fromkeys([*errors, *sampled]))[:limit]


def sample_cells(
    facts: EvaluationFacts, limit: int = MAX_PICTURES
) -> dict[tuple[int, int], list[int]]:
    """Return rows of each cell (true code, predicted code), the highest probability first.

    Each cell with images gives at least one row, and the same number as the others if it has as
    many; all together about ``limit``.
    """
    found = facts["predictions"]
    label, predicted = np.asarray(found["label"], int), np.asarray(found["predicted"], int)
    proba = np.asarray(found["proba"], dtype=float)
    confidence = proba[np.arange(len(predicted)), predicted]
    cells: dict[tuple[int, int], NDArray[np.intp]] = {}
    for pair in np.unique(np.column_stack([label, predicted]), axis=0).tolist():
        rows = np.flatnonzero((label == pair[0]) & (predicted == pair[1]))
        cells[pair[0], pair[1]] = rows[np.argsort(-confidence[rows], kind="stable")]
    share = _find_share([len(rows) for rows in cells.values()], limit)
    return {cell: _space_evenly(rows, share) for cell, rows in cells.items()}


def _find_share(sizes: list[int], limit: int) -> int:
    """Return the largest number of rows from each cell that stays within ``limit`` in total."""
    shares = range(MAX_IN_CELL, 1, -1)
    fits = (share for share in shares if sum(min(size, share) for size in sizes) <= limit)
    return next(fits, 1)


def _space_evenly(rows: NDArray[np.intp], n_rows: int) -> list[int]:
    """Return ``n_rows`` evenly spaced rows, with both ends."""
    if n_rows >= len(rows):
        return [int(row) for row in rows]
    places = np.linspace(0, len(rows) - 1, n_rows).round().astype(int)
    return [int(rows[place]) for place in places]
