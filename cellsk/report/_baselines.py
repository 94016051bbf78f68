"""Simple classifiers on the folds of an evaluation, for comparison."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from cellsk._steps import count_steps
from cellsk.exceptions import InputError
from cellsk.model_selection import (
    Folds,
    iter_estimators,
    make_baselines,
    measure_features,
    predict_out_of_fold,
)
from cellsk.preprocessing import ImageReader
from cellsk.report._settings import EvaluationData, EvaluationLabels, Settings, make_estimator
from cellsk.report.document import BaselineRun, hide_folders

__all__ = ["run_baselines"]

_NAMES = ("mean_color", "texture_forest")


def run_baselines(
    data: EvaluationData, settings: Settings, folds: Folds, images: NDArray | None
) -> list[BaselineRun]:
    """Predict each image by simple classifiers, on the folds of the model.

    Parameters
    ----------
    data : EvaluationData
        Images, or their paths, and labels.
    settings : Settings
        Thresholds and calibration are chosen for the baselines as for the model.
    folds : Folds
        The same for all.
    images : ndarray of shape (n, height, width, channels) or None
        The pixels, if the paths were read into a store.

    Returns
    -------
    runs : list of BaselineRun
        Guessing, mean color, and forest. Without images there is a reason instead.
    """
    guessing = _guess(data.take(folds.tested).labels)
    try:
        pixels = _find_images(data, settings, images)
        first = next(pixels)
        counted = count_steps(_chain(first, pixels), "measuring", len(data.X), "images")
        features = measure_features(counted)
    except (InputError, OSError, TypeError, ValueError) as error:
        reason = hide_folders(getattr(error, "got", "") or str(error))
        return [guessing, *(_leave_out(name, f"no image features: {reason}") for name in _NAMES)]
    n_train = min(len(train) for train, _ in folds.splits)
    made = make_baselines(first.shape[2], n_train, settings.random_state)
    return [
        guessing,
        *(
            _predict(name, made[name], features, data.labels, settings, folds)
            for name in count_steps(_NAMES, "simple classifier", len(_NAMES))
        ),
    ]


def _chain(first: NDArray, others: Iterator[NDArray]) -> Iterator[NDArray]:
    yield first
    yield from others


def _leave_out(name: Any, reason: str) -> BaselineRun:
    return BaselineRun(name, None, None, reason)


def _guess(labels: EvaluationLabels) -> BaselineRun:
    """Return the shares of the classes as the probabilities of each image.

    The shares are those of all tested images. Shares of the training sides would be higher where
    those of the test sides are lower, and so worse than guessing.
    """
    shares = np.bincount(labels.codes, minlength=len(labels.names)) / len(labels.codes)
    proba = np.tile(shares, (len(labels.codes), 1))
    return BaselineRun("guessing", proba, proba.argmax(axis=1))


def _predict(
    name: Any,
    estimator: Any,
    features: NDArray,
    labels: EvaluationLabels,
    settings: Settings,
    folds: Folds,
) -> BaselineRun:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about folds and patients: the model has raised them
            found = predict_out_of_fold(
                partial(make_estimator, settings._replace(estimator=estimator), labels.pos_label),
                features,
                labels.y,
                folds.splits,
                groups=labels.groups,
                n_jobs=settings.n_jobs,
            )
    except ValueError as error:  # for example a calibration that its folds do not allow
        return _leave_out(name, str(error))
    return BaselineRun(name, found.proba, found.predicted)


def _find_images(
    data: EvaluationData, settings: Settings, images: NDArray | None
) -> Iterator[NDArray[np.uint8]]:
    """Yield the images, one at a time."""
    if images is None and data.labels.images_are_paths:
        yield from _read_images(data.X, settings)
        return
    pixels = data.X if images is None else images
    if pixels.ndim == 3:
        pixels = pixels[..., np.newaxis]
    is_images = pixels.ndim == 4 and pixels.dtype.kind in "fuib" and pixels.shape[-1] in (1, 3, 4)
    if not is_images or pixels.size == 0:
        raise InputError(
            "The baselines need images", f"an array of shape {data.X.shape} of {data.X.dtype}"
        )
    scale = 1.0 if pixels.dtype == np.uint8 else _find_scale(pixels)
    for image in pixels:
        yield image if scale == 1.0 and image.dtype == np.uint8 else _scale(image, scale)


def _find_scale(pixels: NDArray) -> float:
    """Return the factor to the range from 0 to 255, from the largest value."""
    highest = float(pixels.max())
    if not np.isfinite(highest) or float(pixels.min()) < 0:
        raise InputError("The baselines need images", "negative or undefined values")
    return 1.0 if 1 < highest <= 255 else 255 / (highest or 1.0)


def _scale(image: NDArray, scale: float) -> NDArray[np.uint8]:
    return np.clip(image * scale, 0, 255).astype(np.uint8)


def _read_images(paths: NDArray, settings: Settings) -> Iterator[NDArray[np.uint8]]:
    """Decode the images one by one, where no store holds them."""
    inner = iter_estimators(settings.estimator)
    found = next((one for one in inner if isinstance(one, ImageReader)), ImageReader())
    reader = clone(found).set_params(store=None, verbose=False)
    for path in paths:
        yield reader.transform([path])[0]
