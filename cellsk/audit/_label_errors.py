"""Probable label errors, from out-of-fold probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk.exceptions import InputError

__all__ = ["find_label_errors"]


def find_label_errors(y: ArrayLike, proba: ArrayLike) -> NDArray[np.int64]:
    """Return the rows whose labels may be wrong, the most doubtful first.

    This is confident learning. The threshold of a class is the mean probability of this class
    among the images labeled with it. An image is a probable error if it reaches the threshold
    of another class, that class is the most probable of those whose threshold it reaches, and
    its label is not the most probable class of all.
    The rows are ranked by the probability of the label minus the highest other probability.

    Parameters
    ----------
    y : array-like of shape (n_samples,), dtype int
        Classes, as indices into the columns of ``proba``.
    proba : array-like of shape (n_samples, n_classes)
        Out-of-fold probabilities, from models trained without the image and its patient. With
        probabilities of training images hardly any error is found.

    Returns
    -------
    rows : ndarray of shape (n_errors,), dtype int64

    Raises
    ------
    ValueError
        If the shapes differ, a label has no column, or a probability is not finite.

    Notes
    -----
    A mark is a reason to look at the image, not a proof. Labels of 900 PatchCamelyon patches were
    exchanged at random, and marked from out-of-fold probabilities of a random forest on color and
    texture (means of three seeds). If 5% of the labels were wrong, 33% of the marks were right, 57%
    of the first 20, and 60% of the wrong labels were marked. If 10% were wrong, these were 48%, 80%
    and 67%. If none was wrong, 40 images were marked all the same. Results with 600 drawn cells
    were similar: 36% and 55% of the marks were right.

    A class without images has no threshold, so no image is an error in favor of it. Rare
    kinds of images also look like label errors: look at each image before you change its
    label, and do not change labels of a test set because a model disagrees with them.

    References
    ----------
    .. [1] C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident learning: estimating
       uncertainty in dataset labels", Journal of Artificial Intelligence Research 70 (2021).

    Examples
    --------
    >>> from cellsk.audit import find_label_errors
    >>> proba = [[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9], [0.95, 0.05]]
    >>> find_label_errors([0, 0, 1, 1, 1], proba)
    array([4])
    """
    codes, table = _check_proba(np.asarray(y), np.asarray(proba, dtype=np.float64))
    classes = np.arange(table.shape[1])
    own = table[np.arange(len(codes)), codes]
    counts = np.bincount(codes, minlength=len(classes))
    sums = np.bincount(codes, weights=own, minlength=len(classes))
    threshold = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    # As in the paper, up to rounding: an image may reach its threshold exactly.
    confident = np.where(table >= threshold - 1e-6, table, -1.0)
    other = confident.argmax(axis=1)
    wrong = (confident.max(axis=1) >= 0) & (other != codes) & (table.argmax(axis=1) != codes)
    rest = np.where(classes == codes[:, np.newaxis], -1.0, table).max(axis=1)
    rows = np.flatnonzero(wrong)
    return rows[np.argsort((own - rest)[rows], kind="stable")]


def _check_proba(
    y: NDArray[np.int64], proba: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if proba.ndim != 2 or y.shape != proba.shape[:1] or len(y) == 0 or y.dtype.kind not in "iu":
        raise InputError(
            "must have one row for each label, and y must be whole numbers",
            f"proba of shape {proba.shape} and y of shape {y.shape}, {y.dtype}",
            "Pass both for the same images.",
            parameter="proba",
        )
    if y.min() < 0 or y.max() >= proba.shape[1]:
        raise InputError(
            "Each label must have a column in proba",
            f"labels {y.min()} to {y.max()} and {proba.shape[1]} columns",
            "Pass the classes in the order of predict_proba.",
            code="label-without-column",
        )
    if not np.isfinite(proba).all():
        raise InputError(
            "must be finite", "NaN or infinity", "Predict these images.", parameter="proba"
        )
    return y.astype(np.int64), proba
