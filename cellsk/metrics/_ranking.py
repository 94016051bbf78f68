"""RankedScore: ROC AUC and average precision under many weightings at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RankedScore"]


class RankedScore:
    """Images in the order of a score, ready to be weighted.

    Only thresholds at which a positive image is found add to either number: for each tie of
    equal scores that holds one, the positive and the negative weight above it and at its end
    are all that is needed. Weights are whole numbers, so both are exact, ties included.

    Parameters
    ----------
    found : ndarray of shape (n_samples,), dtype bool
        Which images are positive.
    score : ndarray of shape (n_samples,)
        Higher for images that look positive.
    clusters : ndarray of shape (n_samples,)
        Cluster of each image, from 0.
    """

    def __init__(
        self, found: NDArray[np.bool_], score: NDArray[np.float64], clusters: NDArray[np.intp]
    ) -> None:
        order = np.argsort(-score, kind="stable")
        falling, positive = score[order], found[order]
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
        """Return ROC AUC and average precision of each weighting, NaN with one class only.

        ``times`` has the shape (n_weightings, n_clusters): how often each cluster counts.
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
        # Half of the negatives at the same score count as beaten.
        beaten_twice = 2 * n_negative * n_positive - _sum_products(here, fp_twice)
        precision = tp_end / np.maximum(called_end, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            area = beaten_twice / (2 * n_positive * n_negative)
            mean = _sum_products(here, precision) / n_positive
        return area, np.where(n_negative > 0, mean, np.nan)


def _accumulate(times: NDArray[np.int64], clusters: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return the running sums of the images' weights, beginning with 0."""
    sums = np.zeros((len(times), len(clusters) + 1), dtype=np.int64)
    np.cumsum(times.take(clusters, axis=1), axis=1, out=sums[:, 1:])
    return sums


def _sum_products(left: NDArray[np.int64], right: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.einsum("ij,ij->i", left, right))
