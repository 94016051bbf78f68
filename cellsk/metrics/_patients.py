"""Labels and probabilities of patients, from those of their images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import check_option
from cellsk.exceptions import InputError
from cellsk.metrics._predictions import Predictions, check_clusters, check_predictions

__all__ = ["AGGREGATIONS", "aggregate_patients"]

AGGREGATIONS = ("mean", "max", "vote")


def aggregate_patients(
    y: ArrayLike,
    proba: ArrayLike,
    clusters: ArrayLike,
    *,
    method: str = "mean",
    positive: int | None = None,
    predicted: ArrayLike | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[Any], int]:
    """Return one label and one row of probabilities for each patient.

    A diagnosis is made for a patient, not for an image. There are several ways to combine the
    images of a patient, and each has a name, so that a report can state it.

    Parameters
    ----------
    y : array-like of shape (n_samples,), dtype int
        True classes of the images, as codes: columns of ``proba``.

    proba : array-like of shape (n_samples, n_classes)
        Predicted probabilities of the images.

    clusters : array-like of shape (n_samples,)
        Patient of each image.

    method : {"mean", "max", "vote"}, default="mean"
        - ``"mean"``: the mean of the images' probabilities.
        - ``"max"``: the highest probability of the positive class among the images. For two
          classes only. It increases with the number of images.
        - ``"vote"``: the fraction of images that were predicted as each class.

    positive : int, default=None
        Code of the positive class. Needed for two classes, None for more.

    predicted : array-like of shape (n_samples,), dtype int, default=None
        Predicted classes of the images, which ``"vote"`` counts. None uses the most probable
        class.

    Returns
    -------
    y_patient : ndarray of shape (n_patients,), dtype int
        True classes. With two classes a patient is positive if any of its images is.

    proba_patient : ndarray of shape (n_patients, n_classes)
        Probabilities, or fractions of votes.

    patient_ids : ndarray of shape (n_patients,)
        The patients, in ascending order.

    mixed : int
        Number of patients whose images have different labels. With two classes they are
        positive. With more classes there is no such rule, and they are left out.

    Raises
    ------
    ValueError
        If an array has another shape or holds other values, ``method`` is unknown, or
        ``method`` or ``positive`` does not fit the number of classes.

    Examples
    --------
    Patient 7 has one malignant image (class 1) of two, patient 9 none:

    >>> from cellsk.metrics import aggregate_patients
    >>> proba = [[0.8, 0.2], [0.1, 0.9], [0.9, 0.1], [0.6, 0.4]]
    >>> y, proba, patients, mixed = aggregate_patients(
    ...     [0, 1, 0, 0], proba, [7, 7, 9, 9], positive=1
    ... )
    >>> y.tolist(), proba[:, 1].round(2).tolist(), patients.tolist(), mixed
    ([1, 0], [0.55, 0.25], [7, 9], 1)
    """
    check_option("method", method, AGGREGATIONS)
    rows = check_predictions(y, proba, predicted, positive)
    if method == "max" and rows.positive is None:
        raise InputError(
            "must be 'mean' or 'vote' for more than two classes",
            f"'max' for {rows.n_classes} classes",
            "Pass 'mean' or 'vote'.",
            parameter="method",
        )
    patients, places = check_clusters(clusters, len(rows.y))
    labels = _sum_places(np.eye(rows.n_classes)[rows.y], places, len(patients)) > 0
    several = labels.sum(axis=1) > 1
    y_patient = labels.argmax(axis=1) if rows.positive is None else _find_positive(labels, rows)
    shares = _combine(rows, places, len(patients), method)
    kept = ~several if rows.positive is None else np.ones(len(patients), dtype=bool)
    return y_patient[kept], shares[kept], patients[kept], int(several.sum())


def _find_positive(labels: NDArray[np.bool_], rows: Predictions) -> NDArray[np.intp]:
    assert rows.positive is not None
    return np.where(labels[:, rows.positive], rows.positive, 1 - rows.positive)


def _combine(
    rows: Predictions, places: NDArray[np.intp], n_patients: int, method: str
) -> NDArray[np.float64]:
    if method == "max":
        assert rows.positive is not None
        highest = np.zeros(n_patients)
        np.maximum.at(highest, places, rows.proba[:, rows.positive])
        shares = np.empty((n_patients, 2))
        shares[:, rows.positive], shares[:, 1 - rows.positive] = highest, 1.0 - highest
        return shares
    images = rows.normalized if method == "mean" else np.eye(rows.n_classes)[rows.predicted]
    count = np.bincount(places, minlength=n_patients)
    return _sum_places(images, places, n_patients) / count[:, np.newaxis]


def _sum_places(
    values: NDArray[np.float64], places: NDArray[np.intp], n_patients: int
) -> NDArray[np.float64]:
    sums = [np.bincount(places, weights=column, minlength=n_patients) for column in values.T]
    return np.column_stack(sums)
