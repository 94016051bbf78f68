"""Checks of the arguments of ``evaluate``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import check_count, check_number, check_option, count_noun
from cellsk._class_words import warn_class_names
from cellsk._columns import is_missing, refuse_masked, warn_patient_names
from cellsk.exceptions import InputError, InputTypeError
from cellsk.model_selection import check_rows
from cellsk.report._class_names import find_positive, match_classes, name_classes
from cellsk.report._settings import EvaluationData, EvaluationLabels, Settings

__all__ = ["check_data", "check_settings", "check_two_class_settings"]

CALIBRATIONS = (None, "sigmoid", "isotonic", "temperature")
AGGREGATIONS = ("mean", "max", "vote")


def check_settings(settings: Settings) -> Settings:
    """Return the settings, checked, with plain numbers.

    Raises
    ------
    TypeError, ValueError
        When one is not as ``evaluate`` describes it.
    """
    _check_estimator(settings.estimator)
    if settings.sensitivity is not None and settings.specificity is not None:
        raise InputError(
            "Only one of sensitivity and specificity can be requested",
            f"{settings.sensitivity} and {settings.specificity}",
            "Leave one of them out.",
            code="two-operating-points",
        )
    checked: dict[str, Any] = {}
    for name in ("sensitivity", "specificity", "prevalence", "max_uncertainty"):
        value = getattr(settings, name)
        if value is not None:
            closed = "right" if name.endswith("ity") else "neither"
            checked[name] = check_number(name, value, low=0, high=1, closed=closed)
    check_option("calibrate", settings.calibrate, CALIBRATIONS)
    check_option("aggregation", settings.aggregation, AGGREGATIONS)
    checked["n_resamples"] = check_count("n_resamples", settings.n_resamples, minimum=100)
    level = check_number("confidence_level", settings.confidence_level, low=0, high=1)
    checked["confidence_level"] = level
    checked["random_state"] = check_count("random_state", settings.random_state, minimum=0)
    if settings.n_jobs is not None and not isinstance(settings.n_jobs, Integral):
        raise InputTypeError(
            "must be a whole number, or None for one",
            repr(settings.n_jobs),
            "Pass -1 for all cores.",
            parameter="n_jobs",
        )
    return settings._replace(**checked)


def _check_estimator(estimator: Any) -> None:
    name = type(estimator).__name__
    if isinstance(estimator, type):
        raise InputTypeError(
            "must be an instance",
            f"the class {estimator.__name__}",
            f"Pass {estimator.__name__}().",
            parameter="estimator",
            code="estimator-class",
        )
    if getattr(estimator, "refit", None) is False:
        raise InputTypeError(
            "A search must fit the best of its candidates, which then predicts",
            f"{name} with refit=False",
            "Pass refit=True.",
            code="search-without-refit",
        )
    # An unfitted stack has no predict_proba yet; its output is checked after fitting.
    if not hasattr(estimator, "fit") or not (
        hasattr(estimator, "predict_proba") or hasattr(estimator, "final_estimator")
    ):
        raise InputTypeError(
            "must have fit and predict_proba",
            name,
            "Wrap it in CalibratedClassifierCV, or use a classifier that predicts probabilities.",
            parameter="estimator",
            code="estimator-without-probabilities",
        )


def check_data(
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None,
    sites: ArrayLike | None,
    subgroups: Mapping[str, ArrayLike] | None,
    target_names: Sequence[str] | None,
    pos_label: Any,
    classes: NDArray | None = None,
) -> EvaluationData:
    """Check images, labels, groups, sites and subgroups, and name the classes.

    ``classes`` are those of a fixed model. The labels are then matched to them.

    Raises
    ------
    TypeError, ValueError
        When lengths differ, a value is missing, there is one class only, the positive class is
        not named, or a label is not a class of the model.
    """
    images = _as_images(X)
    labels, known, places = check_rows(y, groups, sites, several_classes=classes is None)
    if len(labels) != len(images):
        raise InputError(
            f"must hold one label for each of {count_noun(len(images), 'image')}",
            f"{len(labels):,}",
            "Pass the labels of these images.",
            parameter="y",
        )
    if classes is None:
        classes, codes = np.unique(labels, return_inverse=True)
        names = name_classes(classes, codes, images, target_names)
    else:
        codes, names = match_classes(labels, classes, images, target_names)
    warn_class_names(names, stacklevel=4)
    if known is not None:
        warn_patient_names(known, stacklevel=4)
    columns = subgroups if subgroups is not None else {}
    if not hasattr(columns, "keys"):
        raise InputTypeError(
            "must map names to columns, such as {'site': sites}",
            type(columns).__name__,
            "Pass a dict or a data frame.",
            parameter="subgroups",
        )
    checked = EvaluationLabels(
        y=labels,
        classes=classes,
        codes=codes,
        names=names,
        positive=find_positive(classes, names, pos_label, given_names=target_names is not None),
        groups=known,
        clusters=None if known is None else np.unique(known, return_inverse=True)[1],
        sites=places,
        subgroups={
            str(name): _as_subgroup(columns[name], str(name), len(codes)) for name in columns
        },
        images_are_paths=images.ndim == 1 and images.dtype.kind == "U",
    )
    return EvaluationData(images, checked)


def check_two_class_settings(labels: EvaluationLabels, settings: Settings) -> None:
    """Refuse settings for two classes if there are more.

    Raises
    ------
    ValueError
        When an operating point, a prevalence or the highest probability is requested.
    """
    requested = {
        "sensitivity": settings.sensitivity,
        "specificity": settings.specificity,
        "prevalence": settings.prevalence,
        "aggregation='max'": True if settings.aggregation == "max" else None,
    }
    for name, value in requested.items():
        if value is not None and labels.positive is None:
            raise InputError(
                f"{name} is for two classes",
                f"{len(labels.classes)} classes",
                "Leave it out.",
                code="two-classes-only",
                values={"setting": name, "n_classes": len(labels.classes)},
            )


def _as_images(X: ArrayLike) -> NDArray:
    refuse_masked("X", X)
    if isinstance(X, list | tuple):
        X = _as_column(X)
    images = np.asarray(X)
    if images.dtype == object and images.ndim == 1:
        images = _as_column(list(images))
    if images.dtype.kind == "T":
        images = images.astype(str)
    if images.ndim == 0:
        raise InputError(
            "must hold one path or image for each label", "one single value", parameter="X"
        )
    return images


def _as_column(items: Sequence[Any]) -> NDArray:
    """Return paths as an array of str, or images of one shape as one array."""
    if all(isinstance(item, str | os.PathLike) for item in items):
        return np.array([os.fspath(item) for item in items])
    if all(isinstance(item, bytes) for item in items):
        column = np.empty(len(items), dtype=object)  # a bytes dtype would drop zeros at the end
        column[:] = items
        return column
    shapes = {np.shape(item) for item in items}
    if len(shapes) > 1:
        raise InputError(
            "must hold paths, or images of one shape",
            f"{len(shapes)} shapes, such as {min(shapes)} and {max(shapes)}",
            "Pass paths and an ImageReader(image_size=...) in a pipeline, which resizes them.",
            parameter="X",
            code="image-shapes-differ",
        )
    return np.array([np.asarray(item) for item in items])


def _as_subgroup(values: Any, name: str, n: int) -> NDArray:
    """Return a column as str. Missing values become "unknown"."""
    column = np.asarray(values, dtype=object)
    if column.shape != (n,):
        raise InputError(
            f"must hold one value for each of {count_noun(n, 'image')}",
            f"shape {column.shape} for {name!r}",
            "Pass a column of the same images.",
            parameter="subgroups",
        )
    missing = [is_missing(value, "subgroups") for value in column.tolist()]
    return np.array(
        ["unknown" if gone else str(value) for gone, value in zip(missing, column, strict=True)]
    )
