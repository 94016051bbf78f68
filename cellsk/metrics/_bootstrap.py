"""Bootstrap samples of scores, and their intervals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import check_count, check_number
from cellsk.metrics._names import list_score_names
from cellsk.metrics._predictions import check_clusters, check_predictions
from cellsk.metrics._weighted import WeightedScores

__all__ = ["bootstrap_scores", "percentile_interval"]

# Number of weights at a time, which fits into the cache of a processor.
_CHUNK_WEIGHTS = 2**16


def bootstrap_scores(
    y: ArrayLike,
    proba: ArrayLike,
    predicted: ArrayLike,
    *,
    positive: int | None = None,
    clusters: ArrayLike | None = None,
    n_resamples: int = 2000,
    random_state: int | np.random.Generator | None = 0,
) -> dict[str, NDArray[np.float64]]:
    """Return the scores of resampled patients, for confidence intervals.

    Images of one patient resemble each other, so patients are resampled with replacement, each
    with all of its images. The scores then vary as they would with other patients. Intervals
    from resampled images would be too narrow.

    Parameters
    ----------
    y : array-like of shape (n_samples,), dtype int
        True classes, as codes: columns of ``proba``.

    proba : array-like of shape (n_samples, n_classes)
        Predicted probabilities.

    predicted : array-like of shape (n_samples,), dtype int
        Predicted classes, as codes.

    positive : int, default=None
        Code of the positive class. Needed for two classes, None for more.

    clusters : array-like of shape (n_samples,), default=None
        Patient of each image. None resamples images, which must then be independent.

    n_resamples : int, default=2000
        Number of resamples.

    random_state : int, numpy Generator or None, default=0
        Seed of the resamples. None uses another seed each time.

    Returns
    -------
    samples : dict of str to ndarray of shape (n_resamples,)
        The value of each score of :func:`compute_scores` in each resample, which is the
        value of that function with the number of draws as ``sample_weight``, including NaN.
        With a single patient all values are NaN, as other patients cannot be predicted.

    Raises
    ------
    TypeError, ValueError
        If an array has another shape or holds other values, or ``positive`` does not fit the
        number of classes, or ``n_resamples`` is not a count.

    See Also
    --------
    percentile_interval : Computes the interval of such samples.
    compute_scores : Computes the scores.

    Notes
    -----
    The draws depend only on the clusters, ``n_resamples`` and ``random_state``, not on the
    predictions. So subtract the samples of two classifiers on the same images to get samples
    of their difference. The first 500 of 2,000 resamples are those of 500.

    Intervals of few patients are too narrow, as the bootstrap has no other patients. In
    simulated studies 95% intervals included the true ROC AUC in 77% of studies with 6 patients,
    88% with 10, 92% with 20, and 96% with 80. If every resample gives the same value, as with a
    sensitivity of 1, the interval has no width, which does not mean certainty: use
    :func:`binomial_interval`. The calibration error of resamples is too high.

    Time is proportional to images and resamples: 2,000 resamples of 50,000 images of two
    classes take about 2 s of processor time.

    References
    ----------
    .. [1] Efron, B. & Tibshirani, R. J. (1993). An introduction to the bootstrap. Chapman &
       Hall.
    .. [2] Field, C. A. & Welsh, A. H. (2007). Bootstrapping clustered data. Journal of the
       Royal Statistical Society B 69(3), 369-390.

    Examples
    --------
    Four patients, each with two images:

    >>> from cellsk.metrics import bootstrap_scores, percentile_interval
    >>> y = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> shares = [0.1, 0.2, 0.3, 0.7, 0.4, 0.9, 0.8, 0.6]
    >>> proba = [[1 - share, share] for share in shares]
    >>> predicted = [share > 0.5 for share in shares]
    >>> patients = ["a", "a", "b", "b", "c", "c", "d", "d"]
    >>> samples = bootstrap_scores(y, proba, predicted, positive=1, clusters=patients)
    >>> low, high = percentile_interval(samples["accuracy"])
    >>> low, high
    (0.5, 1.0)
    """
    rows = check_predictions(y, proba, predicted, positive)
    n_resamples = check_count("n_resamples", n_resamples)
    names, places = check_clusters(clusters, len(rows.y))
    if len(names) < 2:
        return {name: np.full(n_resamples, np.nan) for name in list_score_names(rows.n_classes)}
    scores = WeightedScores(rows, places, len(names))
    generator = np.random.default_rng(random_state)
    at_once = max(1, _CHUNK_WEIGHTS // len(rows.y))
    parts = [scores.score(t) for t in _draw(generator, len(names), n_resamples, at_once)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _draw(
    generator: np.random.Generator, n_clusters: int, n_resamples: int, at_once: int
) -> Iterator[NDArray[np.int64]]:
    """Yield the number of draws of each cluster, several resamples at a time.

    Each resample is drawn separately, so that the draws do not depend on ``at_once``.
    """
    for first in range(0, n_resamples, at_once):
        yield np.array(
            [
                np.bincount(generator.integers(n_clusters, size=n_clusters), minlength=n_clusters)
                for _ in range(min(at_once, n_resamples - first))
            ]
        )


def percentile_interval(samples: ArrayLike, confidence_level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of bootstrap samples.

    Parameters
    ----------
    samples : array-like of shape (n_resamples,)
        Values of one score. NaN values are left out: the interval is that of the resamples in
        which the score is defined.

    confidence_level : float, default=0.95
        Between 0 and 1.

    Returns
    -------
    low, high : float
        NaN if fewer than half of the samples are defined, or if there is not one sample
        outside of each limit, which takes 40 samples for a 95% interval.

    Raises
    ------
    TypeError, ValueError
        If ``confidence_level`` is not between 0 and 1.

    See Also
    --------
    bootstrap_scores : Computes the samples.

    References
    ----------
    .. [1] Efron, B. & Tibshirani, R. J. (1993). An introduction to the bootstrap, chapter 13.
       Chapman & Hall.

    Examples
    --------
    >>> from cellsk.metrics import percentile_interval
    >>> [round(limit) for limit in percentile_interval(range(1001))]
    [25, 975]
    """
    level = check_number("confidence_level", confidence_level, low=0, high=1)
    values = np.asarray(samples, dtype=np.float64).ravel()
    defined = values[~np.isnan(values)]
    outside = (1 - level) / 2
    # With a tolerance, as 40 * 0.025 may be less than 1 by rounding.
    if len(defined) * outside < 1 - 1e-9 or len(defined) * 2 < len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [outside, 1 - outside])
    return float(low), float(high)
