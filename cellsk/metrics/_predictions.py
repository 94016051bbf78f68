"""Checked labels, probabilities and predicted classes of the same images."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import count_noun, name_some, show_value
from cellsk.exceptions import InputError

__all__ = ["Predictions", "check_binary", "check_clusters", "check_predictions"]

_LARGEST_ROW_ERROR = 1e-2  # allows float16 networks, and tables rounded to three digits
_PROBA_RULE = (
    "must be an array of shape (n_samples, n_classes), with at least two classes, whose rows are"
    " numbers in [0, 1] that sum to 1"
)


class Predictions(NamedTuple):
    """Labels, probabilities and predicted classes of the same images, as codes."""

    y: NDArray[np.intp]
    proba: NDArray[np.float64]
    predicted: NDArray[np.intp]
    positive: int | None

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.proba.shape[1])

    @property
    def normalized(self) -> NDArray[np.float64]:
        """Probabilities whose rows sum to 1, for the losses.

        Do not use them to order images: the division can make equal probabilities different.
        """
        return self.proba / self.proba.sum(axis=1, keepdims=True)


def check_predictions(
    y: ArrayLike, proba: ArrayLike, predicted: ArrayLike | None, positive: int | None
) -> Predictions:
    """Return checked arrays. If ``predicted`` is None, it is the most probable class.

    Probabilities are not changed, so that equal ones stay equal. With two classes those of the
    positive class are kept, and the others are set to the complement.

    Raises
    ------
    ValueError
        If an array has another shape or holds other values, or ``positive`` is not a class.
    """
    shares = _check_proba(proba)
    n_samples, n_classes = shares.shape
    codes = _check_codes("y", y, n_samples, n_classes)
    code = _check_positive(positive, n_classes)
    decided = (
        shares.argmax(axis=1)
        if predicted is None
        else _check_codes("predicted", predicted, n_samples, n_classes)
    )
    if code is not None:
        shares = shares.copy()
        shares[:, 1 - code] = 1.0 - shares[:, code]
    return Predictions(codes, shares, decided, code)


def check_binary(y: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which images are positive, and their scores.

    Raises
    ------
    ValueError
        If ``y`` is not 0 and 1, a score is not finite, or the lengths differ.
    """
    labels, scores = np.asarray(y), np.asarray(score, dtype=np.float64)
    if labels.ndim != 1 or not np.isin(labels, (0, 1)).all():
        raise InputError(
            "must be one-dimensional, with 0 (negative) and 1 (positive)",
            _describe_array(labels),
            "Pass y == positive.",
            parameter="y",
        )
    if scores.shape != labels.shape or not np.isfinite(scores).all():
        raise InputError(
            f"must have one finite number for each of the {count_noun(len(labels), 'image')} of y",
            _describe_array(scores),
            parameter="score",
        )
    return labels.astype(bool), scores


def check_clusters(
    clusters: ArrayLike | None, n_samples: int
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the distinct clusters, and the index of the cluster of each image.

    Without clusters each image is a cluster.

    Raises
    ------
    ValueError
        If there is not one for each image.
    """
    if clusters is None:
        return np.arange(n_samples), np.arange(n_samples)
    values = np.asarray(clusters)
    if values.shape != (n_samples,):
        raise InputError(
            f"must have one patient for each of the {count_noun(n_samples, 'image')}",
            _describe_array(values),
            "Pass None if the images are independent.",
            parameter="clusters",
        )
    return np.unique(values, return_inverse=True)


def _check_proba(proba: ArrayLike) -> NDArray[np.float64]:
    shares = np.asarray(proba, dtype=np.float64)
    if shares.ndim != 2 or shares.shape[1] < 2 or not shares.shape[0]:
        got = f"shape {shares.shape}"
        raise InputError(_PROBA_RULE, got, "Pass the result of predict_proba.", parameter="proba")
    # Comparisons with NaN are false, so NaN counts as wrong.
    right = np.all((shares >= 0) & (shares <= 1), axis=1)
    right &= np.abs(shares.sum(axis=1) - 1) <= _LARGEST_ROW_ERROR
    if not right.all():
        first = int(np.flatnonzero(~right)[0])
        raise InputError(
            _PROBA_RULE,
            f"{count_noun(int((~right).sum()), 'wrong row')}, the first at {first}:"
            f" {shares[first].tolist()}",
            "Pass the result of predict_proba.",
            parameter="proba",
        )
    return shares


def _check_codes(name: str, codes: ArrayLike, n_samples: int, n_classes: int) -> NDArray[np.intp]:
    values = np.asarray(codes)
    whole = values.dtype.kind in "iub"
    if values.shape != (n_samples,) or not whole or values.min() < 0 or values.max() >= n_classes:
        raise InputError(
            f"must have one class for each of the {count_noun(n_samples, 'image')}, as a whole"
            f" number from 0 to {n_classes - 1}",
            _describe_array(values),
            "Pass np.searchsorted(classes, labels).",
            parameter=name,
            code="codes-invalid",
        )
    return values.astype(np.intp)


def _check_positive(positive: int | None, n_classes: int) -> int | None:
    if n_classes > 2 and positive is not None:
        raise InputError(
            "must be None for more than two classes",
            show_value(positive),
            "Pass y == positive and predicted == positive for the numbers of one class.",
            parameter="positive",
            code="positive-of-many-classes",
        )
    if n_classes == 2 and positive not in (0, 1):
        raise InputError(
            "must be the code of the positive class, 0 or 1",
            show_value(positive),
            parameter="positive",
        )
    return None if positive is None else int(positive)


def _describe_array(values: NDArray[Any]) -> str:
    if values.ndim != 1 or not len(values):
        return f"shape {values.shape}"
    shown = np.unique(values.astype(str))
    return f"{len(values):,} of type {values.dtype}: {name_some(shown.tolist(), 4)}"
