"""Checks of what ``evaluate`` is given."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import check_count, check_number, check_option, count_noun
from cellsk.exceptions import PatientsUnknownWarning, SplitWarning
from cellsk.model_selection import check_rows, is_missing
from cellsk.report._class_names import find_positive, name_classes
from cellsk.report._settings import Cells, Settings

if TYPE_CHECKING:
    from cellsk.audit import AuditReport

__all__ = [
    "check_cells",
    "check_for_two_classes",
    "check_settings",
    "warn_if_thin",
    "warn_of_copies",
]

CALIBRATIONS = (None, "sigmoid", "isotonic", "temperature")
AGGREGATIONS = ("mean", "max", "vote")
# With five of a class, an interval of 95 % covered the truth in 89 % of simulated studies, with
# two in 65 %.
FEW_PATIENTS = 5


def check_settings(settings: Settings) -> Settings:
    """Return everything that is not data, checked and as plain values.

    Raises
    ------
    TypeError, ValueError
        When one is not as ``evaluate`` describes it.
    """
    _check_estimator(settings.estimator)
    if settings.sensitivity is not None and settings.specificity is not None:
        raise ValueError(
            "Only one of sensitivity and specificity can be wanted. "
            f"Got {settings.sensitivity} and {settings.specificity}. Leave one of them out."
        )
    plain: dict[str, Any] = {}
    for name in ("sensitivity", "specificity", "prevalence", "max_uncertainty"):
        if getattr(settings, name) is not None:
            closed = "right" if name.endswith("ity") else "neither"
            plain[name] = check_number(name, getattr(settings, name), low=0, high=1, closed=closed)
    check_option("calibrate", settings.calibrate, CALIBRATIONS)
    check_option("aggregation", settings.aggregation, AGGREGATIONS)
    plain["n_resamples"] = check_count("n_resamples", settings.n_resamples, minimum=100)
    plain["confidence_level"] = check_number(
        "confidence_level", settings.confidence_level, low=0, high=1
    )
    plain["random_state"] = check_count("random_state", settings.random_state, minimum=0)
    if settings.n_jobs is not None and not isinstance(settings.n_jobs, Integral):
        raise TypeError(
            f"n_jobs must be a whole number, or None for one. Got {settings.n_jobs!r}. "
            "Pass -1 for all cores."
        )
    return settings._replace(**plain)


def _check_estimator(estimator: Any) -> None:
    if isinstance(estimator, type):
        raise TypeError(
            f"estimator must be an instance. Got the class {estimator.__name__}. "
            f"Pass {estimator.__name__}()."
        )
    if getattr(estimator, "refit", None) is False:
        raise TypeError(
            "A search must fit the best of its candidates, which then predicts. "
            f"Got {type(estimator).__name__} with refit=False. Pass refit=True."
        )
    # A stack has predict_proba only when it is fitted: what it gives is looked at then.
    if not hasattr(estimator, "fit") or not (
        hasattr(estimator, "predict_proba") or hasattr(estimator, "final_estimator")
    ):
        raise TypeError(
            "estimator must have fit and predict_proba. "
            f"Got {type(estimator).__name__}. Wrap it in CalibratedClassifierCV, or use "
            "a classifier that gives probabilities."
        )


def check_cells(
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None,
    sites: ArrayLike | None,
    subgroups: Mapping[str, ArrayLike] | None,
    target_names: Sequence[str] | None,
    pos_label: Any,
) -> Cells:
    """Check images, labels and what goes with them.

    Raises
    ------
    TypeError, ValueError
        When lengths differ, a value is missing, there is one class only, or the positive
        class is not named.
    """
    images = _as_images(X)
    labels, known, places = check_rows(y, groups, sites)
    if len(labels) != len(images):
        raise ValueError(
            f"y must hold one label for each of {count_noun(len(images), 'image')}. "
            f"Got {len(labels):,}. Pass cells.y that belongs to cells.paths."
        )
    classes, codes = np.unique(labels, return_inverse=True)
    names = name_classes(classes, codes, images, target_names)
    columns = subgroups if subgroups is not None else {}
    if not hasattr(columns, "keys"):
        raise TypeError(
            "subgroups must map names to columns, such as {'site': sites}. "
            f"Got {type(columns).__name__}. Pass a dict or a data frame."
        )
    return Cells(
        X=images,
        y=labels,
        classes=classes,
        codes=codes,
        names=names,
        positive=find_positive(classes, names, pos_label, given_names=target_names is not None),
        groups=known,
        clusters=None if known is None else np.unique(known, return_inverse=True)[1],
        sites=places,
        subgroups={str(name): _as_subgroup(name, columns[name], len(codes)) for name in columns},
    )


def check_for_two_classes(cells: Cells, settings: Settings) -> None:
    """Refuse what means something for two classes only.

    Raises
    ------
    ValueError
        When an operating point, a prevalence or the largest probability is wanted of more.
    """
    wanted = {
        "sensitivity": settings.sensitivity,
        "specificity": settings.specificity,
        "prevalence": settings.prevalence,
        "aggregation='max'": True if settings.aggregation == "max" else None,
    }
    for name, value in wanted.items():
        if value is not None and cells.positive is None:
            raise ValueError(
                f"{name} is for two classes. Got {len(cells.classes)} classes. Leave it out."
            )


def warn_if_thin(cells: Cells) -> None:
    """Warn when patients are unknown, or few.

    Warns
    -----
    PatientsUnknownWarning
        When there are no groups.
    SplitWarning
        When there are few.
    """
    if cells.clusters is None:
        warnings.warn(
            "groups should name the patient of each image. Got none: images of one patient may be "
            "in training and test, and then all numbers are too good and all intervals too "
            "narrow. Name them with groups=... (on the command line --group-pattern or "
            "--groups-csv), unless each image is of another patient.",
            PatientsUnknownWarning,
            stacklevel=3,
        )
        return
    counts = [
        len(np.unique(cells.clusters[cells.codes == code])) for code in range(len(cells.names))
    ]
    if min(counts) < FEW_PATIENTS:
        warnings.warn(
            f"Intervals need at least {FEW_PATIENTS} patients of each class to come near what "
            f"they say. Got {count_noun(min(counts), 'patient')} with images of class "
            f"{cells.names[counts.index(min(counts))]!r}: the true intervals are wider. "
            "Add patients.",
            SplitWarning,
            stacklevel=3,
        )


def warn_of_copies(audit: AuditReport, folds: NDArray) -> None:
    """Warn when copies of an image are in different folds.

    Parameters
    ----------
    audit : AuditReport
        What was found.
    folds : ndarray of shape (n,)
        Fold of each image.

    Warns
    -----
    SplitWarning
        When there are such copies.
    """
    sets = [*audit.duplicate_sets, *audit.near_duplicate_sets]
    parted = {
        row for rows in sets if len(set(folds[rows])) > 1 for row in np.asarray(rows).tolist()
    }
    if parted:
        warnings.warn(
            "Copies of an image must stay on one side of a split. "
            f"Got {count_noun(len(parted), 'image')} with an equal or nearly equal one in another "
            "fold, which makes numbers too good. Evaluate the paths, y and groups of "
            "audit_images(paths, y, groups).clean(), which keep copies together.",
            SplitWarning,
            stacklevel=3,
        )


def _as_images(X: ArrayLike) -> NDArray:
    if isinstance(X, list | tuple):
        X = _as_column(X)
    images = np.asarray(X)
    if images.dtype == object and images.ndim == 1:
        images = _as_column(list(images))
    if images.dtype.kind == "T":
        images = images.astype(str)
    if images.ndim == 0:
        raise ValueError("X must hold one path or image for each label. Got one single value.")
    return images


def _as_column(items: Sequence[Any]) -> NDArray:
    """Paths as text, whatever kind of path; images of one shape as one array."""
    if all(isinstance(item, str | os.PathLike) for item in items):
        return np.array([os.fspath(item) for item in items])
    if all(isinstance(item, bytes) for item in items):
        column = np.empty(len(items), dtype=object)  # as text they would lose zeros at the end
        column[:] = items
        return column
    shapes = {np.shape(item) for item in items}
    if len(shapes) > 1:
        raise ValueError(
            "X must hold paths, or images of one shape. "
            f"Got {len(shapes)} shapes, such as {sorted(shapes)[0]} and {sorted(shapes)[-1]}. "
            "Pass paths and an ImageReader(image_size=...) in a pipeline, which resizes them."
        )
    return np.array([np.asarray(item) for item in items])


def _as_subgroup(name: str, values: Any, n: int) -> NDArray:
    """A column of text; what is missing becomes a value of its own."""
    column = np.asarray(values, dtype=object)
    if column.shape != (n,):
        raise ValueError(
            f"subgroups must hold one value for each of {count_noun(n, 'image')}. "
            f"Got shape {column.shape} for {name!r}. Pass a column of the same images."
        )
    missing = [is_missing(value, "subgroups") for value in column.tolist()]
    return np.array(
        ["unknown" if gone else str(value) for gone, value in zip(missing, column, strict=True)]
    )
