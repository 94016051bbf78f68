"""Test images that are unlike the training images, and the accuracy without them."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from cellsk._checks import count_noun
from cellsk.exceptions import UnlikeTrainingWarning
from cellsk.model_selection import OutOfFold, list_readers
from cellsk.outliers import ImageOutlierDetector
from cellsk.persistence import read_detector
from cellsk.report._reading import FixedPixels
from cellsk.report._settings import EvaluationData

__all__ = ["find_detector", "fit_detector", "warn_if_images_are_unlike"]

_MIN_IMAGES = 10
_SIGNIFICANCE = 0.01


def find_detector(model: Any) -> ImageOutlierDetector | None:
    """Return the detector in a model file, or None if there is none."""
    return read_detector(model) if isinstance(model, str | os.PathLike) else None


def fit_detector(images: NDArray | None, groups: NDArray | None) -> ImageOutlierDetector | None:
    """Return a detector of images unlike these, or None if they are too few, or not images."""
    if images is None or len(images) < _MIN_IMAGES or images.shape[-1] not in (1, 3):
        return None
    return ImageOutlierDetector().fit(images, groups=groups)


def warn_if_images_are_unlike(
    detector: ImageOutlierDetector,
    model: Any,
    data: EvaluationData,
    pixels: FixedPixels,
    predictions: OutOfFold,
) -> None:
    """Warn if more test images are unlike the training images than are by chance.

    Nothing is compared if the pixels are not of the kind that the detector was fitted on.

    Warns
    -----
    UnlikeTrainingWarning
        With their number, and the accuracy with and without them.
    """
    images = _find_images(model, data, pixels)
    if images is None or images.shape[-1] != detector.n_channels_:
        return
    is_unlike = detector.predict(images) == -1
    n_unlike, n_images = int(is_unlike.sum()), len(images)
    fraction = detector.flagged_p_value_
    if binom.sf(n_unlike - 1, n_images, fraction) >= _SIGNIFICANCE:
        return
    labels = data.labels
    is_correct = predictions.predicted == labels.classes[labels.codes]
    without = "" if is_unlike.all() else f", without them {is_correct[~is_unlike].mean():.3f}"
    warnings.warn(
        UnlikeTrainingWarning(
            "Test images should be like the training images",
            f"{n_unlike:,} of {count_noun(n_images, 'image')} unlike them in color and texture,"
            f" where {n_images * fraction:.1f} would be by chance. The accuracy is"
            f" {is_correct.mean():.3f}{without}",
            "Look at them: ImageOutlierDetector gives them the lowest p-values.",
            code="images-unlike-training",
            values={"n_images": n_unlike},
        ),
        stacklevel=2,
    )


def _find_images(model: Any, data: EvaluationData, pixels: FixedPixels) -> NDArray[np.uint8] | None:
    """Return the pixels as the reader of the model returns them, or None if there are none."""
    images: Any = pixels.images
    if images is None and data.labels.images_are_paths:
        readers = list_readers(model)
        images = readers[0].transform(data.X) if readers else None
    elif images is None:
        images = data.X
    is_images = images is not None and images.ndim == 4 and images.dtype == np.uint8
    return images if is_images else None
