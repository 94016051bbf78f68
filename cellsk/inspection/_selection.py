"""Choice of the images to show, with the names of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from cellsk._checks import check_count
from cellsk.exceptions import InputError


class Choice(NamedTuple):
    """Rows to show, and the names of their classes."""

    rows: NDArray[np.intp]
    labels: list[str] | None
    predictions: list[str] | None


def choose(
    n: int,
    labels: ArrayLike | None,
    predictions: ArrayLike | None,
    target_names: Sequence[str] | None,
    n_images: int,
    random_state: int | np.random.RandomState | None,
) -> Choice:
    """Choose at most ``n_images`` of ``n`` rows, the same number of each label.

    Rows are sorted by label and then by place. With ``random_state=None`` they are evenly
    spaced.

    Raises
    ------
    TypeError, ValueError
        When labels or predictions are not one class for each row.
    """
    true = _check_classes("labels", labels, n)
    predicted = _check_classes("predictions", predictions, n)
    if true is not None and predicted is not None:
        true, predicted = _match_kinds(true, predicted)
    codes = np.zeros(n, np.intp) if true is None else np.unique(true, return_inverse=True)[1]
    rows = _choose_rows(codes, check_count("n_images", n_images), random_state)
    return Choice(
        rows,
        _name("labels", true, rows, target_names),
        _name("predictions", predicted, rows, target_names),
    )


def _check_classes(name: str, classes: ArrayLike | None, n: int) -> NDArray | None:
    if classes is None:
        return None
    array = np.asarray(classes)
    if array.shape != (n,):
        raise InputError(
            f"must hold one class for each of the {n:,} images",
            f"shape {array.shape}",
            "Pass a list of that length.",
            parameter=name,
        )
    return array


def _match_kinds(labels: NDArray, predictions: NDArray) -> tuple[NDArray, NDArray]:
    """Return both with the same dtype, so that 1, 1.0 and True get the same name."""
    named = [array.dtype.kind in "OUST" for array in (labels, predictions)]
    if named[0] != named[1]:
        raise InputError(
            "labels and predictions must both be names or both be numbers",
            f"{labels.tolist()[0]!r} and {predictions.tolist()[0]!r}",
            "Translate the numbers: np.array(target_names)[numbers].",
            code="names-and-numbers",
        )
    if named[0]:
        return labels, predictions
    dtype = np.result_type(labels, predictions)
    return labels.astype(dtype), predictions.astype(dtype)


def _choose_rows(
    codes: NDArray[np.intp], n_images: int, random_state: int | np.random.RandomState | None
) -> NDArray[np.intp]:
    counts = np.bincount(codes)
    rng = None if random_state is None else check_random_state(random_state)
    chosen = []
    for code, share in enumerate(_share_out(n_images, counts)):
        rows = np.flatnonzero(codes == code)
        if rng is not None:
            chosen.append(np.sort(rng.choice(rows, share, replace=False)))
        elif share == 1:
            chosen.append(rows[[0]])
        else:
            chosen.append(rows[np.linspace(0, len(rows) - 1, share).astype(np.intp)])
    return np.concatenate(chosen)


def _share_out(n_images: int, counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how many images of each label to take: one of each in turn."""
    shares = np.zeros_like(counts)
    while shares.sum() < min(n_images, counts.sum()):
        open_labels = np.flatnonzero(shares < counts)
        shares[open_labels[: n_images - shares.sum()]] += 1
    return shares


def _name(
    name: str, classes: NDArray | None, rows: NDArray[np.intp], target_names: Sequence[str] | None
) -> list[str] | None:
    """Return the names of the classes of the chosen rows."""
    if classes is None:
        return None
    if target_names is None or classes.dtype.kind in "OUST":
        return [str(value) for value in classes[rows].tolist()]
    if classes.dtype.kind not in "biu" or classes.min() < 0 or classes.max() >= len(target_names):
        raise InputError(
            f"must be whole numbers from 0 to {len(target_names) - 1}, the places in target_names",
            f"{np.unique(classes)[:5].tolist()}",
            "Pass all target_names, or names as labels.",
            parameter=name,
        )
    return [str(target_names[int(value)]) for value in classes[rows]]
