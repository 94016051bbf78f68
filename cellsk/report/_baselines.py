"""Simple classifiers on the folds of an evaluation, or on its test set, for comparison."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence
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

__all__ = ["run_baselines", "run_test_baselines"]

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
    pixels = _find_images(data, settings, images)
    guessing = _guess(data.take(folds.tested).labels)
    return [guessing, *_run(pixels, data.labels, settings, folds.splits)]


def run_test_baselines(
    train: EvaluationData,
    test: EvaluationData,
    settings: Settings,
    images: tuple[NDArray | None, NDArray | None],
) -> list[BaselineRun]:
    """Fit simple classifiers on all training images, and predict each test image.

    Parameters
    ----------
    train, test : EvaluationData
        Images, or their paths, and labels.
    settings : Settings
        Thresholds and calibration are chosen for the baselines as for the model.
    images : pair of ndarray of shape (n, height, width, channels) or None
        The pixels of both, if the paths were read into a store.

    Returns
    -------
    runs : list of BaselineRun
        As `run_baselines`.
    """
    both = _join(train, test)
    pixels = _find_images(both, settings, None)
    if train.labels.images_are_paths:
        parts = zip((train, test), images, strict=True)
        pixels = (image for one, kept in parts for image in _find_images(one, settings, kept))
    rows = np.arange(len(both.labels.y))
    split = rows[: len(train.labels.y)], rows[len(train.labels.y) :]
    return [_guess(test.labels), *_run(pixels, both.labels, settings, [split])]


def _join(train: EvaluationData, test: EvaluationData) -> EvaluationData:
    """Return the images of both with what `_predict` needs of the labels."""
    parts = [train.labels, test.labels]
    groups = [one.groups for one in parts if one.groups is not None]
    labels = train.labels._replace(
        y=np.concatenate([one.classes[one.codes] for one in parts]),
        groups=np.concatenate(groups) if len(groups) == 2 else None,
    )
    return EvaluationData(np.concatenate([train.X, test.X]), labels)


def _run(
    pixels: Iterator[NDArray],
    labels: EvaluationLabels,
    settings: Settings,
    splits: Sequence[tuple[NDArray, NDArray]],
) -> list[BaselineRun]:
    """Predict the test side of each split from features. Without images give the reason."""
    try:
        first = next(pixels)
        images = itertools.chain([first], pixels)
        features = measure_features(count_steps(images, "measuring", len(labels.y), "images"))
    except (InputError, OSError, TypeError, ValueError) as error:
        reason = hide_folders(getattr(error, "got", "") or str(error))
        return [_leave_out(name, f"no image features: {reason}") for name in _NAMES]
    n_train = min(len(train) for train, _ in splits)
    made = make_baselines(first.shape[2], n_train, settings.random_state)
    return [
        _predict(name, made[name], features, labels, settings, splits)
        for name in count_steps(_NAMES, "simple classifier", len(_NAMES))
    ]


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
    splits: Sequence[tuple[NDArray, NDArray]],
) -> BaselineRun:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about folds and patients: the model has raised them
            found = predict_out_of_fold(
                partial(make_estimator, settings._replace(estimator=estimator), labels.pos_label),
                features,
                labels.y,
                splits,
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
