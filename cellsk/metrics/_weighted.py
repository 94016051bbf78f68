"""WeightedScores: the scores of the same predictions under many weightings at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from cellsk.metrics._calibration import N_BINS, confidence_and_outcome, find_bins
from cellsk.metrics._names import list_score_names
from cellsk.metrics._predictions import Predictions
from cellsk.metrics._ranking import RankedScore

__all__ = ["WeightedScores"]

_Scores = dict[str, NDArray[np.float64]]


class WeightedScores:
    """Scores of predictions whose clusters are counted several times, or not at all.

    Most scores are made of sums over images: the confusion matrix, the losses, the gaps of the
    calibration bins. The sums of each cluster are made once; those of resamples are a product
    with a sparse matrix (a dense one would wake all threads of the linear algebra library, and
    they get in each other's way). ROC AUC and average precision need the images in the order of
    their scores, which is found once too.

    Parameters
    ----------
    rows : Predictions
        Checked predictions.
    clusters : ndarray of shape (n_samples,)
        Cluster of each image, from 0 to ``n_clusters`` - 1.
    n_clusters : int
        Number of clusters.
    """

    def __init__(self, rows: Predictions, clusters: NDArray[np.intp], n_clusters: int) -> None:
        self.n_classes = rows.n_classes
        self.positive = rows.positive
        self._sums = _sum_terms(rows, clusters, n_clusters)
        codes = range(rows.n_classes) if rows.positive is None else [rows.positive]
        self._ranked = [RankedScore(rows.y == c, rows.proba[:, c], clusters) for c in codes]

    def score(self, times: NDArray[np.int64]) -> _Scores:
        """Return each score of each weighting.

        ``times`` has the shape (n_weightings, n_clusters): how often each cluster counts.
        """
        sums = (self._sums @ times.T.astype(np.float64, order="C")).T
        k = self.n_classes
        matrix, rest = sums[:, : k * k].reshape(-1, k, k), sums[:, k * k :]
        # 0 / 0 is wanted: it is the NaN of an undefined score.
        with np.errstate(divide="ignore", invalid="ignore"):
            n = matrix.sum(axis=(1, 2))
            scores = _score_sums(matrix, rest, n)
            areas, precisions = self._rank(times)
            if self.positive is None:
                scores |= _score_many(matrix, areas, precisions)
            else:
                scores |= _score_two(matrix, self.positive)
                scores |= {"roc_auc": areas[0], "average_precision": precisions[0]}
        return {name: scores[name] for name in list_score_names(k)}

    def _rank(self, times: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ROC AUC and average precision, of shape (n_ranked, n_weightings) each."""
        ranked = [ranked.score(times) for ranked in self._ranked]
        return np.array([area for area, _ in ranked]), np.array([mean for _, mean in ranked])


def _sum_terms(rows: Predictions, clusters: NDArray[np.intp], n_clusters: int) -> Any:
    """Return what each cluster adds to the sums, as a sparse array (n_sums, n_clusters).

    The cells of the confusion matrix, then Brier score, log loss and calibration bins. Each
    image adds to one cell, both losses and one bin, so most of it is empty if there are many
    clusters.
    """
    n_samples, k = rows.proba.shape
    shares = rows.normalised
    errors = ((np.eye(k)[rows.y] - shares) ** 2).sum(axis=1) / (2 if k == 2 else 1)
    smallest = np.finfo(np.float64).eps  # log_loss of scikit-learn clips there
    true_proba = shares[np.arange(n_samples), rows.y].clip(smallest, 1 - smallest)
    confidence, outcome = confidence_and_outcome(rows)
    terms = [
        (rows.y * k + rows.predicted, np.ones(n_samples)),
        (np.full(n_samples, k * k), errors),
        (np.full(n_samples, k * k + 1), -np.log(true_proba)),
        (k * k + 2 + find_bins(confidence, N_BINS), confidence - outcome),
    ]
    places = np.concatenate([place for place, _ in terms])
    values = np.concatenate([value for _, value in terms])
    shape = (k * k + 2 + N_BINS, n_clusters)
    return coo_array((values, (places, np.tile(clusters, len(terms)))), shape=shape).tocsr()


def _score_sums(
    matrix: NDArray[np.float64], rest: NDArray[np.float64], n: NDArray[np.float64]
) -> _Scores:
    """Scores that are the same for two classes and more."""
    hits = np.trace(matrix, axis1=1, axis2=2)
    true, called = matrix.sum(axis=2), matrix.sum(axis=1)
    spread_true = n**2 - (true**2).sum(axis=1)
    spread_called = n**2 - (called**2).sum(axis=1)
    mcc = (hits * n - (true * called).sum(axis=1)) / np.sqrt(spread_true * spread_called)
    mcc = np.where((spread_called == 0) & (spread_true > 0), 0.0, mcc)
    return {
        "accuracy": hits / n,
        "mcc": mcc,
        "brier_score": rest[:, 0] / n,
        "log_loss": rest[:, 1] / n,
        "calibration_error": np.abs(rest[:, 2:]).sum(axis=1) / n,
    }


def _score_two(matrix: NDArray[np.float64], positive: int) -> _Scores:
    negative = 1 - positive
    tp, fn = matrix[:, positive, positive], matrix[:, positive, negative]
    tn, fp = matrix[:, negative, negative], matrix[:, negative, positive]
    sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
    return {
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": tp / (tp + fp),
        "npv": tn / (tn + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
    }


def _score_many(
    matrix: NDArray[np.float64],
    areas: NDArray[np.float64],
    precisions: NDArray[np.float64],
) -> _Scores:
    hits = np.diagonal(matrix, axis1=1, axis2=2)
    true, called = matrix.sum(axis=2), matrix.sum(axis=1)
    present = true > 0
    return {
        "balanced_accuracy": _average_present(hits / true, present),
        "f1": _average_present(2 * hits / (true + called), present),
        "roc_auc": _average_present(areas.T, present),
        "average_precision": _average_present(precisions.T, present),
    }


def _average_present(
    values: NDArray[np.float64], present: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the mean over the classes that occur; NaN for one class only."""
    count = present.sum(axis=1)
    mean = np.where(present, values, 0.0).sum(axis=1) / count
    return np.where(count > 1, mean, np.nan)
