"""Which images a page shows: the errors that matter, and a sample of every cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import check_count

__all__ = ["choose_rows", "sample_cells"]

MOST_OF_A_CELL = 16
MOST_PICTURES = 200


def choose_rows(document: Mapping[str, Any], limit: int = MOST_PICTURES) -> list[int]:
    """Return the rows whose pictures a page shows.

    First the most confident errors and the probable label errors, then as many of each cell
    of the confusion matrix, spread from the surest prediction to the least sure.

    Parameters
    ----------
    document : mapping
        An evaluation document.
    limit : int, default=200
        How many rows at most.

    Returns
    -------
    rows : list of int
        Each once. The same document gives the same rows.

    Raises
    ------
    TypeError, ValueError
        When `limit` is no whole number of at least 0.
    """
    check_count("limit", limit, minimum=0)
    first = [*document["confident_errors"], *document["label_errors"]]
    sampled = [row for rows in sample_cells(document, limit - len(first)).values() for row in rows]
    return list(dict.fromkeys([*first, *sampled]))[:limit]


def sample_cells(
    document: Mapping[str, Any], limit: int = MOST_PICTURES
) -> dict[tuple[int, int], list[int]]:
    """Return rows of each cell (true code, predicted code), the surest prediction first.

    Each cell that holds images gives at least one, and the same number as the others, as far
    as it has them; all together about ``limit``.
    """
    found = document["predictions"]
    label, predicted = (np.asarray(found[name], dtype=int) for name in ("label", "predicted"))
    sure = surest(found["proba"], predicted)
    cells: dict[tuple[int, int], NDArray[np.intp]] = {}
    for pair in np.unique(np.column_stack([label, predicted]), axis=0).tolist():
        rows = np.flatnonzero((label == pair[0]) & (predicted == pair[1]))
        cells[pair[0], pair[1]] = rows[np.argsort(-sure[rows], kind="stable")]
    share = _find_share([len(rows) for rows in cells.values()], limit)
    return {cell: _spread(rows, share) for cell, rows in cells.items()}


def surest(proba: Sequence[Sequence[float]], predicted: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the probability that each image was given for the class it was called."""
    return np.asarray(proba, dtype=float)[np.arange(len(predicted)), predicted]


def _find_share(sizes: list[int], limit: int) -> int:
    """Return the largest number from each cell with which all together stay within ``limit``."""
    shares = range(MOST_OF_A_CELL, 1, -1)
    fits = (share for share in shares if sum(min(size, share) for size in sizes) <= limit)
    return next(fits, 1)


def _spread(rows: NDArray[np.intp], n_rows: int) -> list[int]:
    """Return ``n_rows`` of ``rows`` at even distances, both ends among them."""
    if n_rows >= len(rows):
        return [int(row) for row in rows]
    places = np.linspace(0, len(rows) - 1, n_rows).round().astype(int)
    return [int(rows[place]) for place in places]
