"""ImageOutlierDetector: a detector of images that are unlike the training images."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.covariance import LedoitWolf
from sklearn.model_selection import GroupKFold, KFold
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from cellsk._checks import check_number, count_noun
from cellsk.exceptions import InputError, InputTypeError
from cellsk.outliers._appearance import measure_appearance

_N_FOLDS = 5
_MIN_IMAGES = 10
_MAX_KEPT = 1000  # distances of held-out training images, as quantiles
# Smaller deviations of a feature do not matter: 5 levels of 255, or 0.04% of the pixels.
_MIN_DEVIATION = 0.02
_RULE = "X must hold images of shape (n_samples, height, width, 1 or 3), dtype uint8"


class ImageOutlierDetector(OutlierMixin, BaseEstimator):
    """Find images that are unlike the training images.

    A classifier predicts a class for any image: a blank one, a photograph, or a slide with another
    stain. Its probability does not show that. This detector compares color and texture with
    those of the training images. Fit it on them, as the reader of the classifier returns them.

    Parameters
    ----------
    flagged_fraction : float, default=0.01
        Share of images that are flagged among those that are like the training images.

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_features,)
        Mean and deviation of each feature of the training images.

    precision_ : ndarray of shape (n_features, n_features)
        Inverse of the covariance of the scaled features.

    held_out_distances_ : ndarray of shape (n_kept,)
        Distances of training images from the training images of other folds, in ascending order. If
        there are more than 1,000, 1,000 quantiles.

    threshold_ : float
        Images at a larger distance are flagged.

    flagged_p_value_ : float
        Images with at most this p-value are flagged: ``flagged_fraction`` or a little less, or with
        few training images the smallest p-value.

    n_channels_ : int
        Channels of the training images.

    Notes
    -----
    The distance is Mahalanobis' distance from the mean of the training images [1]_, with the
    covariance of Ledoit and Wolf [2]_. The features are means, deviations and histograms of the
    channels, histograms of gradients and of local binary patterns, and for RGB images histograms of
    red minus green and of blue minus green. On the PatchCamelyon subset this found changes of hue
    better than the distance from the tenth neighbor: see the page *Images unlike the training
    images*. Sides of more than 64 pixels are measured on every second, third, ... row and column.

    Each training image is held out once, in one of five folds, with the images of its patient if
    `fit` gets ``groups``. A new image is compared with these distances. This is a conformal p-value
    [3]_: if a new image is like the training images, its p-value is at most 0.01 with a
    probability of about 0.01. Without groups, images of new patients are flagged more often.
    With fewer than 99 training images, only images that are farther away than each of them are
    flagged.

    References
    ----------
    .. [1] K. Lee et al. (2018). A simple unified framework for detecting out-of-distribution
       samples and adversarial attacks. Advances in Neural Information Processing Systems 31.
    .. [2] O. Ledoit and M. Wolf (2004). A well-conditioned estimator for large-dimensional
       covariance matrices. Journal of Multivariate Analysis, 88(2).
    .. [3] S. Bates et al. (2023). Testing for outliers with conformal p-values. The Annals of
       Statistics, 51(1).

    Examples
    --------
    >>> import numpy as np
    >>> from cellsk import ImageOutlierDetector, make_cells
    >>> images = make_cells(120, image_size=(16, 16), random_state=0).images
    >>> detector = ImageOutlierDetector().fit(images)
    >>> blank = np.full((1, 16, 16, 3), 250, dtype=np.uint8)
    >>> detector.predict(blank)  # -1 is unlike the training images, 1 is like them
    array([-1])
    """

    def __init__(self, *, flagged_fraction: float = 0.01) -> None:
        self.flagged_fraction = flagged_fraction

    def fit(self, X: ArrayLike, y: Any = None, groups: ArrayLike | None = None) -> Self:
        """Learn the appearance of the training images.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width, n_channels), dtype uint8
            Gray or RGB images.
        y : None
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            Patients, whose images are held out together. They are ignored if fewer than 10 images
            are not of the same patient.

        Returns
        -------
        self : ImageOutlierDetector

        Raises
        ------
        TypeError, ValueError
            If X, groups or a parameter is not as described above.
        """
        fraction = self._check_fraction()
        images = _check_images(X)
        if len(images) < _MIN_IMAGES:
            raise InputError(
                f"At least {_MIN_IMAGES} training images are needed to compare others with",
                count_noun(len(images), "image"),
                code="too-few-images-to-compare",
            )
        features = measure_appearance(images)
        distances = _measure_held_out(features, groups)
        if len(distances) > _MAX_KEPT:
            distances = np.quantile(distances, (np.arange(_MAX_KEPT) + 0.5) / _MAX_KEPT)
        self.center_, self.scale_, self.precision_ = _fit(features)
        self.held_out_distances_ = np.sort(distances)
        rank = max(1, int(fraction * (len(distances) + 1)))
        self.threshold_ = float(self.held_out_distances_[-rank])
        self.flagged_p_value_ = rank / (len(distances) + 1)
        self.n_channels_ = images.shape[3]
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return how like the training images each image is: minus its distance.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width, n_channels), dtype uint8
            Images with the channels of the training images.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Lower is more unlike.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is not as described above.
        """
        check_is_fitted(self)
        images = _check_images(X)
        if images.shape[3] != self.n_channels_:
            raise InputError(
                f"X must hold images with {count_noun(self.n_channels_, 'channel')}, as in fit",
                count_noun(images.shape[3], "channel"),
                f"Read them with ImageReader(channels={self.n_channels_}).",
                code="detector-channels",
            )
        learned = self.center_, self.scale_, self.precision_
        return -_measure_distances(learned, measure_appearance(images))

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the scores of `score_samples`, shifted so that flagged images are below 0.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width, n_channels), dtype uint8
            As in `score_samples`.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Negative for images that are unlike the training images.
        """
        return self.score_samples(X) + self.threshold_

    def predict(self, X: ArrayLike) -> NDArray[np.intp]:
        """Return -1 for images that are unlike the training images, and 1 for others.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width, n_channels), dtype uint8
            As in `score_samples`.

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype int
            1 or -1, as for other detectors of scikit-learn.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def p_values(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the share of held-out training images that are at least as unlike as each image.

        The image itself counts, so no share is 0.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width, n_channels), dtype uint8
            As in `score_samples`.

        Returns
        -------
        p_values : ndarray of shape (n_samples,)
            From ``1 / (n_kept + 1)`` to 1. Small values are unlike the training images.
        """
        distances = -self.score_samples(X)
        kept = self.held_out_distances_
        n_farther = len(kept) - np.searchsorted(kept, distances, side="left")
        return (1 + n_farther) / (len(kept) + 1)

    def _check_fraction(self) -> float:
        return check_number("flagged_fraction", self.flagged_fraction, low=0, high=1)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


def _fit(features: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray]:
    """Return the center, the scale and the precision matrix of features."""
    center = features.mean(axis=0)
    deviation = features.std(axis=0)
    scale = np.maximum(deviation, _MIN_DEVIATION)
    covariance = LedoitWolf(assume_centered=True).fit((features - center) / scale).covariance_
    # Independent noise, so each feature has the variance 1.
    covariance += np.diag(1 - (deviation / scale) ** 2)
    return center, scale, np.linalg.inv(covariance)


def _measure_distances(
    learned: tuple[NDArray, NDArray, NDArray], features: NDArray[np.float64]
) -> NDArray[np.float64]:
    center, scale, precision = learned
    scaled = (features - center) / scale
    return np.sqrt(np.einsum("np,pq,nq->n", scaled, precision, scaled, optimize=True).clip(0))


def _measure_held_out(
    features: NDArray[np.float64], groups: ArrayLike | None
) -> NDArray[np.float64]:
    """Return the distance of each image from those of other folds, in which its patient is not."""
    splitter: Any = KFold(_N_FOLDS, shuffle=True, random_state=0)
    if groups is not None:
        check_consistent_length(features, groups)
        counts = np.unique(groups, return_counts=True)[1]
        if len(features) - counts.max() < _MIN_IMAGES:
            groups = None
        else:
            splitter = GroupKFold(min(_N_FOLDS, len(counts)))
    distances = np.empty(len(features))
    for others, held_out in splitter.split(features, groups=groups):
        distances[held_out] = _measure_distances(_fit(features[others]), features[held_out])
    return distances


def _check_images(X: Any) -> NDArray[np.uint8]:
    """Return X as gray or RGB images of 8 bits.

    Raises
    ------
    InputError, InputTypeError
        If it holds something else.
    """
    remedy = "Read image files with ImageReader."
    try:
        images = np.asarray(X)
    except ValueError:
        got = "images that differ in size"
        raise InputError(_RULE, got, remedy, code="image-layout") from None
    if images.dtype != np.uint8:
        raise InputTypeError(
            _RULE, f"values of {images.dtype}", remedy, code="detector-needs-uint8"
        )
    if images.ndim != 4 or images.size == 0 or images.shape[3] not in (1, 3):
        raise InputError(_RULE, f"shape {images.shape}", remedy, code="image-layout")
    return images
