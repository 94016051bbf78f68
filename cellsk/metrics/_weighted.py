"""Scores of the same predictions with many weightings at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from cellsk.metrics._calibration import N_BINS, confidence_and_outcome, find_bins
from cellsk.metrics._names import list_score_names
from cellsk.metrics._predictions import Predictions

__all__ = ["WeightedScores"]

_Scores = dict[str, NDArray[np.float64]]


class WeightedScores:
    """Scores of predictions whose clusters are counted several times, or not at all.

    Most scores are computed from sums over images: the confusion matrix, the losses, and the
    differences in the calibration bins. The sums of each cluster are computed once. Those of
    resamples are a product with a sparse matrix, as a dense product would use all threads of
    the linear algebra library, which slow each other down. ROC AUC and average precision need
    the images in the order of their scores, which is also computed once.

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
        self._ranked = [_RankedScore(rows.y == c, rows.proba[:, c], clusters) for c in codes]

    def score(self, times: NDArray[np.int64]) -> _Scores:
        """Return each score for each weighting.

        ``times`` of shape (n_weightings, n_clusters) is the weight of each cluster.
        """
        sums = (self._sums @ times.T.astype(np.float64, order="C")).T
        k = self.n_classes
        matrix, rest = sums[:, : k * k].reshape(-1, k, k), sums[:, k * k :]
        # 0 / 0 gives NaN, which is correct for an undefined score.
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
    """Return the sums of each cluster, as a sparse array (n_sums, n_clusters).

    They are the cells of the confusion matrix, the Brier score, the log loss, and the
    calibration bins. Each image adds to one cell, both losses and one bin, so with many
    clusters most entries are 0.
    """
    n_samples, k = rows.proba.shape
    shares = rows.normalized
    errors = ((np.eye(k)[rows.y] - shares) ** 2).sum(axis=1) / (2 if k == 2 else 1)
    smallest = np.finfo(np.float64).eps  # as log_loss of scikit-learn clips
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
    """Return the scores that are defined in the same way for two classes and more."""
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
    """Return the mean over the classes that occur, NaN for one class only."""
    count = present.sum(axis=1)
    mean = np.where(present, values, 0.0).sum(axis=1) / count
    return np.where(count > 1, mean, np.nan)


class _RankedScore:
    """ROC AUC and average precision of images with many weightings.

    Only scores of positive images change either number. For each such score, the positive and
    the negative weights above it and down to it are enough. Weights are whole numbers, so both
    numbers are exact, also with equal scores.

    Parameters
    ----------
    positive : ndarray of shape (n_samples,), dtype bool
        Whether each image is positive.
    score : ndarray of shape (n_samples,)
        Higher for images that are more probably positive.
    clusters : ndarray of shape (n_samples,)
        Cluster of each image, from 0.
    """

    def __init__(
        self, positive: NDArray[np.bool_], score: NDArray[np.float64], clusters: NDArray[np.intp]
    ) -> None:
        order = np.argsort(-score, kind="stable")
        falling, positive = score[order], positive[order]
        edge = np.flatnonzero(np.diff(falling)) + 1
        starts = np.concatenate([[0], edge])
        ends = np.concatenate([edge, [len(score)]])
        positives_before = np.concatenate([[0], np.cumsum(positive)])
        holds = positives_before[ends] > positives_before[starts]
        self._clusters = clusters[order]
        self._positive_clusters = clusters[order][positive]
        self._starts, self._ends = starts[holds], ends[holds]
        self._positive_starts = positives_before[self._starts]
        self._positive_ends = positives_before[self._ends]

    def score(self, times: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ROC AUC and average precision for each weighting, NaN with one class only.

        ``times`` of shape (n_weightings, n_clusters) is the weight of each cluster.
        """
        above = _accumulate(times, self._clusters)
        tp = _accumulate(times, self._positive_clusters)
        n_positive = tp[:, -1].astype(np.float64)
        n_negative = above[:, -1] - n_positive
        tp_end = tp.take(self._positive_ends, axis=1)
        tp_start = tp.take(self._positive_starts, axis=1)
        called_end = above.take(self._ends, axis=1)
        fp_twice = called_end - tp_end + above.take(self._starts, axis=1) - tp_start
        here = tp_end - tp_start
        # Half of the negative images with the same score count as lower.
        lower_twice = 2 * n_negative * n_positive - _sum_products(here, fp_twice)
        precision = tp_end / np.maximum(called_end, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            area = lower_twice / (2 * n_positive * n_negative)
            mean = _sum_products(here, precision) / n_positive
        return area, np.where(n_negative > 0, mean, np.nan)


def _accumulate(times: NDArray[np.int64], clusters: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return the cumulative sums of the image weights, starting with 0."""
    sums = np.zeros((len(times), len(clusters) + 1), dtype=np.int64)
    np.cumsum(times.take(clusters, axis=1), axis=1, out=sums[:, 1:])
    return sums


def _sum_products(left: NDArray[np.int64], right: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.einsum("ij,ij->i", left, right))
