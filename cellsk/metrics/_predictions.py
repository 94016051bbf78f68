"""Predictions: labels, probabilities and decisions of the same images, checked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import count_noun, name_some

__all__ = ["Predictions", "check_binary", "check_clusters", "check_predictions"]

_LARGEST_ROW_ERROR = 1e-2  # float16 networks pass, and tables rounded to three digits
_PROBA_RULE = (
    "proba must be an array of shape (n_samples, n_classes), of two classes or more, whose rows"
    " hold numbers in [0, 1] that sum to 1."
)


class Predictions(NamedTuple):
    """Labels, probabilities and decisions of the same images, as codes of the classes."""

    y: NDArray[np.intp]
    proba: NDArray[np.float64]
    predicted: NDArray[np.intp]
    positive: int | None

    @property
    def n_classes(self) -> int:
        """Number of classes: the columns of ``proba``."""
        return int(self.proba.shape[1])

    @property
    def normalised(self) -> NDArray[np.float64]:
        """Probabilities whose rows sum to 1, for the losses.

        Never for an order: dividing can part equal probabilities by a last digit.
        """
        return self.proba / self.proba.sum(axis=1, keepdims=True)


def check_predictions(
    y: ArrayLike, proba: ArrayLike, predicted: ArrayLike | None, positive: int | None
) -> Predictions:
    """Return checked arrays; without ``predicted`` the decision is the likeliest class.

    Probabilities are kept to the bit, so that equal ones stay equal; with two classes those of
    the positive class, and the other is made its complement.

    Raises
    ------
    ValueError
        When an array has another shape or holds other values, or ``positive`` is no class.
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
        When ``y`` is not 0 and 1, or a score is not finite, or the lengths differ.
    """
    labels, scores = np.asarray(y), np.asarray(score, dtype=np.float64)
    if labels.ndim != 1 or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            "y must be a row of 0 (negative) and 1 (positive). Got"
            f" {_describe_array(labels)}. Pass y == positive."
        )
    if scores.shape != labels.shape or not np.isfinite(scores).all():
        raise ValueError(
            f"score must hold one finite number for each of the {count_noun(len(labels), 'image')}"
            f" of y. Got {_describe_array(scores)}."
        )
    return labels.astype(bool), scores


def check_clusters(
    clusters: ArrayLike | None, n_samples: int
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the distinct clusters, and the place of each image's among them.

    Without clusters each image is its own.

    Raises
    ------
    ValueError
        When there is not one for each image.
    """
    if clusters is None:
        return np.arange(n_samples), np.arange(n_samples)
    values = np.asarray(clusters)
    if values.shape != (n_samples,):
        raise ValueError(
            f"clusters must hold one patient for each of the {count_noun(n_samples, 'image')}."
            f" Got {_describe_array(values)}. Pass None if the images are independent."
        )
    return np.unique(values, return_inverse=True)


def _check_proba(proba: ArrayLike) -> NDArray[np.float64]:
    shares = np.asarray(proba, dtype=np.float64)
    if shares.ndim != 2 or shares.shape[1] < 2 or not shares.shape[0]:
        raise ValueError(
            f"{_PROBA_RULE} Got shape {shares.shape}. Pass what predict_proba returned."
        )
    # NaN compares false, and so counts as wrong.
    right = np.all((shares >= 0) & (shares <= 1), axis=1)
    right &= np.abs(shares.sum(axis=1) - 1) <= _LARGEST_ROW_ERROR
    if not right.all():
        first = int(np.flatnonzero(~right)[0])
        raise ValueError(
            f"{_PROBA_RULE} Got {count_noun(int((~right).sum()), 'row')} that do not, the first at"
            f" {first}: {shares[first].tolist()}. Pass what predict_proba returned."
        )
    return shares


def _check_codes(name: str, codes: ArrayLike, n_samples: int, n_classes: int) -> NDArray[np.intp]:
    values = np.asarray(codes)
    rule = (
        f"{name} must hold one class for each of the {count_noun(n_samples, 'image')}, as a whole"
        f" number from 0 to {n_classes - 1}."
    )
    whole = values.dtype.kind in "iub"
    if values.shape != (n_samples,) or not whole or values.min() < 0 or values.max() >= n_classes:
        raise ValueError(
            f"{rule} Got {_describe_array(values)}. Pass np.searchsorted(classes, labels)."
        )
    return values.astype(np.intp)


def _check_positive(positive: int | None, n_classes: int) -> int | None:
    if n_classes > 2 and positive is not None:
        raise ValueError(
            f"positive must be None for more than two classes. Got {positive!r}. Pass"
            " y == positive and predicted == positive for the numbers of one class."
        )
    if n_classes == 2 and positive not in (0, 1):
        raise ValueError(
            f"positive must say which of the two classes is the positive one: 0 or 1. Got"
            f" {positive!r}."
        )
    return None if positive is None else int(positive)


def _describe_array(values: NDArray[Any]) -> str:
    if values.ndim != 1 or not len(values):
        return f"shape {values.shape}"
    shown = np.unique(values.astype(str))
    return f"{len(values):,} of type {values.dtype}: {name_some(shown.tolist(), 4)}"
