"""Explanation: which places of an image raise the log-odds of a class, by several methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from cellsk._checks import check_option, name_some
from cellsk.exceptions import InputError, InputTypeError
from cellsk.model_selection import LabelPredictor
from cellsk.neural_network import CAM_METHODS, CellClassifier, compute_cam, compute_occlusion
from cellsk.preprocessing import ImageReader

__all__ = ["METHOD_NAMES", "Explanation", "explain_images"]

METHOD_NAMES = {"grad_cam": "Grad-CAM", "hires_cam": "HiResCAM", "occlusion": "occlusion"}
# A map of single features is full of holes. The width of a nucleus joins them.
_SMOOTHING = 1 / 32  # standard deviation, as a fraction of the shorter side
_READING = ("image_size", "channels", "page", "value_range")  # what decides a reader's pixels


class Explanation(NamedTuple):
    """Images, their predictions, and the heat of each method.

    Attributes
    ----------
    images : ndarray of shape (n, height, width, channels)
        Pixels, as the classifier gets them from its reader.
    proba : ndarray of shape (n, n_classes)
        Probabilities of the estimator.
    predicted, explained : ndarray of shape (n,)
        Codes of the predicted classes, and of the classes that are explained.
    heat : dict of str to ndarray of shape (n, height, width)
        By method. Positive where the place supports the class.
    """

    images: NDArray
    proba: NDArray
    predicted: NDArray[np.intp]
    explained: NDArray[np.intp]
    heat: dict[str, NDArray[np.float32]]


class _Part(NamedTuple):
    """One classifier inside an estimator, and the fitted steps in front of it."""

    steps: tuple[Any, ...]
    classifier: Any

    def transform(self, X: Any) -> Any:
        for step in self.steps:
            X = step.transform(X)
        return X


def explain_images(
    estimator: Any,
    X: ArrayLike,
    *,
    target: Any = None,
    methods: str | Sequence[str] | None = None,
    layer: str | None = None,
    patch_size: int | None = None,
    fill: str = "mean",
) -> Explanation:
    """Return the heat of each image. The parameters are those of `GradCAMDisplay.from_estimator`.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not as described there, or the estimator has no such classifier.
    """
    check_is_fitted(estimator)
    parts = list(_iter_parts(estimator, ()))
    wanted = _check_methods(methods, parts)
    proba, labels = LabelPredictor(estimator).predict(X)
    predicted = _find_codes(estimator.classes_, labels)
    explained = (
        predicted if target is None else _read_target(target, estimator.classes_, len(proba))
    )
    images, parts = _read_images(parts, X)
    heat = {}
    for method in wanted:
        try:
            if method == "occlusion":
                predict = _make_predict(parts)
                found = compute_occlusion(
                    predict, images, explained, patch_size=patch_size, fill=fill
                )
            else:
                found = _compute_cams(parts, images, explained, method, layer)
        except InputError as error:
            if methods is None and error.code == "cam-network-unknown":
                continue
            raise
        heat[method] = found
    return Explanation(images, proba, predicted, explained, heat)


def _iter_parts(model: Any, steps: tuple[Any, ...]) -> Iterator[_Part]:
    """Yield the classifiers inside pipelines, searches, thresholds, calibrations and votes."""
    if isinstance(model, Pipeline):
        before = (step for _, step in model.steps[:-1] if step not in (None, "passthrough"))
        yield from _iter_parts(model[-1], (*steps, *before))
        return
    for inner in _list_inner(model):
        yield from _iter_parts(inner, steps)
    if not _list_inner(model):
        yield _Part(steps, model)


def _list_inner(model: Any) -> list[Any]:
    """Return the fitted estimators whose predictions a wrapper passes on, or averages."""
    if isinstance(model, CalibratedClassifierCV):
        return [one.estimator for one in model.calibrated_classifiers_]
    if isinstance(model, VotingClassifier):
        return list(model.estimators_)
    if isinstance(model, FrozenEstimator):
        return [model.estimator]
    inner = getattr(model, "best_estimator_", None) or getattr(model, "estimator_", None)
    return [inner] if hasattr(inner, "predict_proba") else []


def _check_methods(methods: str | Sequence[str] | None, parts: Sequence[_Part]) -> list[str]:
    """Return the methods. None is all that the classifiers allow."""
    others = [part.classifier for part in parts if not isinstance(part.classifier, CellClassifier)]
    if methods is None:
        return ["occlusion"] if others else ["hires_cam", "occlusion"]
    names = [methods] if isinstance(methods, str) else list(methods)
    wanted = list(dict.fromkeys(check_option("methods", one, tuple(METHOD_NAMES)) for one in names))
    if not wanted:
        raise InputError("must name at least one method", "none", parameter="methods")
    if others and set(wanted) & set(CAM_METHODS):
        raise InputTypeError(
            "A class activation map needs an estimator that predicts by a CellClassifier",
            f"a {type(others[0]).__name__}",
            "Pass methods='occlusion', which works for every classifier.",
            code="cam-needs-network",
        )
    return wanted


def _find_codes(classes: NDArray, labels: ArrayLike) -> NDArray[np.intp]:
    places = {label: code for code, label in enumerate(classes.tolist())}
    return np.array([places[label] for label in np.asarray(labels).tolist()], np.intp)


def _read_target(target: Any, classes: NDArray, n_images: int) -> NDArray[np.intp]:
    """Return the code of the class to explain, of each image."""
    labels = np.asarray(target)
    if labels.ndim == 0:
        labels = np.repeat(labels, n_images)
    unknown = [label for label in labels.ravel().tolist() if label not in classes.tolist()]
    if labels.shape != (n_images,) or unknown:
        raise InputError(
            "must be a class of the estimator, or one for each image",
            repr(unknown[0]) if unknown else f"shape {labels.shape} for {n_images:,} images",
            f"Pass some of {name_some(classes.tolist(), 9)}.",
            parameter="target",
            code="target-unknown",
        )
    return _find_codes(classes, labels)


def _read_images(parts: Sequence[_Part], X: Any) -> tuple[NDArray, list[_Part]]:
    """Return the pixels that all parts get from their readers, and the parts without readers."""
    readers = [
        part.steps[0] if part.steps and isinstance(part.steps[0], ImageReader) else None
        for part in parts
    ]
    settings = [reader and [getattr(reader, name) for name in _READING] for reader in readers]
    if any(one != settings[0] for one in settings):
        raise InputError(
            "The classifiers inside an estimator must read images in the same way",
            "readers with different parameters",
            "Explain each of them separately.",
            code="readers-differ",
        )
    if readers[0] is None:
        images = np.asarray(X)
    else:
        images = readers[0].transform(X)
        parts = [part._replace(steps=part.steps[1:]) for part in parts]
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4:
        raise InputError(
            "must hold images of shape (n_samples, height, width, channels), or paths if the"
            " estimator reads them",
            f"shape {images.shape}",
            parameter="X",
            code="explain-needs-images",
        )
    return images, list(parts)


def _make_predict(parts: Iterable[_Part]) -> Callable[[NDArray], NDArray]:
    def predict(images: NDArray) -> NDArray:
        return np.mean(
            [part.classifier.predict_proba(part.transform(images)) for part in parts], axis=0
        )

    return predict


def _compute_cams(
    parts: Iterable[_Part], images: NDArray, codes: NDArray, method: str, layer: str | None
) -> NDArray[np.float32]:
    """Return the mean of the maps of all networks, smoothed."""
    maps = [
        compute_cam(part.classifier, part.transform(images), codes, method=method, layer=layer)
        for part in parts
    ]
    spread = _SMOOTHING * min(images.shape[1:3])
    return gaussian_filter(np.mean(maps, axis=0), (0, spread, spread))
