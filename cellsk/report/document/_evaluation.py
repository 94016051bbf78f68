"""The document of an evaluation: every number once, as plain values."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from os.path import basename
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from cellsk._checks import count_noun
from cellsk.audit import find_label_errors
from cellsk.metrics import compute_scores
from cellsk.model_selection import FoldRecord, Folds, OutOfFold
from cellsk.report._settings import Cells, Settings
from cellsk.report.checklists._checklists import answer_checklists
from cellsk.report.document._curves import build_curves, rank_confident_errors
from cellsk.report.document._estimator import describe_estimator, hide_folders
from cellsk.report.document._numbers import (
    Judged,
    Resampling,
    add_prevalence,
    numbers_of,
    patient_numbers,
    per_class,
    plain,
    refer,
    second_opinions,
    subgroup_numbers,
)

if TYPE_CHECKING:
    from cellsk.audit import AuditReport

__all__ = ["SCHEMA", "build_document", "judge", "resampling_of"]

SCHEMA = "cellsk-evaluation-1"
MAX_LABEL_ERRORS = 24
FEW_UNITS = 20
PACKAGES = ("cellsk", "scikit-learn", "numpy", "keras", "tensorflow", "scikeras", "pillow")
AT_THRESHOLD = ("sensitivity", "specificity", "ppv", "npv")
INTENDED_USE = (
    "Research: to say how well a method tells these classes apart in images like these. "
    "Not a medical device. No diagnosis, and no decision about a patient, may rest on it."
)


def judge(cells: Cells, out_of_fold: OutOfFold) -> Judged:
    """Return the images with what was said of them."""
    return Judged(
        cells.codes, out_of_fold.proba, out_of_fold.predicted, cells.clusters, cells.positive
    )


def resampling_of(settings: Settings) -> Resampling:
    """Return how the bootstrap draws."""
    return Resampling(settings.n_resamples, settings.confidence_level, settings.random_state)


def build_document(
    cells: Cells,
    settings: Settings,
    folds: Folds,
    out_of_fold: OutOfFold,
    audit: AuditReport | None,
    sentences: Sequence[str],
    left_out: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return everything that a report shows, ready for JSON.

    The fields are described in ``evaluation.schema.json``.
    """
    judged, resampling = judge(cells, out_of_fold), resampling_of(settings)
    fold_parts = [
        _describe_fold(judged, record, number)
        for number, record in enumerate(out_of_fold.records, start=1)
    ]
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "title": f"How well can {_join(cells.names)} be told apart?",
        "data": _describe_data(cells),
        "cv": _describe_cv(folds),
        "interval": _describe_interval(judged, settings),
        **_count_all(judged, cells, settings, resampling),
        "folds": fold_parts,
        "mean_of_folds": _average(fold_parts),
        "operating_point": _describe_operating_point(judged, settings, fold_parts, resampling),
        **_show_evidence(judged, cells, folds, out_of_fold),
        "audit": audit.to_dict() if audit is not None else None,
        "warnings": list(sentences),
        "left_out": [
            [basename(str(name)), hide_folders(str(why).replace(str(name), basename(str(name))))]
            for name, why in left_out
        ],
        "estimator": describe_estimator(settings),
        "versions": _list_versions(),
        "seed": settings.random_state,
        "seconds": None,
        "leakage": None,
        "intended_use": INTENDED_USE,
    }
    document["limits"] = list_limits(document)
    document["checklists"] = answer_checklists(document)
    return document


def _count_all(
    judged: Judged, cells: Cells, settings: Settings, resampling: Resampling
) -> dict[str, Any]:
    """The numbers of all folds taken together."""
    return {
        "numbers": numbers_of(judged, resampling),
        "second_opinions": second_opinions(judged, settings.confidence_level),
        "at_prevalence": add_prevalence(judged, settings.prevalence, resampling),
        "confusion_matrix": confusion_matrix(
            judged.y, judged.predicted, labels=range(len(cells.names))
        ).tolist(),
        "per_class": per_class(judged, cells.names, resampling),
        "subgroups": subgroup_numbers(judged, cells.subgroups, resampling),
        "patients": patient_numbers(judged, settings.aggregation, resampling),
        "referral": refer(judged, settings.max_uncertainty, resampling),
        "calibration": settings.calibrate and {"method": settings.calibrate},
    }


def _show_evidence(
    judged: Judged, cells: Cells, folds: Folds, out_of_fold: OutOfFold
) -> dict[str, Any]:
    """What stands behind the numbers: curves, and every image."""
    manifest = folds.manifest(cells.labels.tolist())
    files = [row["file"] for row in manifest]
    return {
        "curves": build_curves(judged, cells.names),
        "predictions": _list_predictions(cells, out_of_fold, files),
        "confident_errors": rank_confident_errors(judged),
        "label_errors": find_label_errors(judged.y, judged.proba)[:MAX_LABEL_ERRORS].tolist(),
        "manifest": manifest,
    }


def list_limits(document: dict[str, Any]) -> list[str]:
    """Return what the numbers do not say, in sentences."""
    level = f"{100 * document['interval']['level']:g} %"
    limits = [
        "The numbers are of images like these: same preparation, stain, scanner and mix of "
        "classes. Elsewhere they can be worse; only images from there can tell.",
        f"The {level} intervals say how the numbers would vary with other "
        f"{document['interval']['unit']}s, given these trained models. They leave out the "
        "luck of training and of the folds.",
    ]
    if document["data"]["positive"] is not None:
        limits.append(
            "Predictive values depend on the share of positives, which in a collection is seldom "
            "that of the clinic."
        )
    if document["cv"]["sites_kept_together"]:
        limits.append(
            "Each site is in one fold. What is held out within training (for early stopping, a "
            "threshold, a calibration) may part sites, and the intervals take the "
            f"{document['interval']['unit']}s of a site as independent."
        )
    unit = document["interval"]["unit"]
    rarest, count = _find_rarest(document["data"])
    if count < FEW_UNITS:
        limits.insert(
            0,
            f"Only {count_noun(count, unit)} of class {rarest}: the intervals are too narrow. In "
            "simulations, those of 95 % covered the truth in 65 % of studies with 2 patients of a "
            "class, and in 89 % with 5.",
        )
    if document["data"]["n_groups"] is None:
        limits.insert(
            0,
            "Patients are unknown. If some have several images here, all numbers are too good and "
            "all intervals too narrow.",
        )
    return limits


def _find_rarest(data: dict[str, Any]) -> tuple[str, int]:
    """The class with the fewest patients (or images, where patients are unknown)."""
    key = "n_images" if data["n_groups"] is None else "n_groups"
    rarest = min(data["classes"], key=lambda entry: entry[key])
    return rarest["name"], rarest[key]


def _join(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _describe_data(cells: Cells) -> dict[str, Any]:
    clusters, codes = cells.clusters, cells.codes
    return {
        "n_images": len(codes),
        "n_groups": None if clusters is None else len(np.unique(clusters)),
        "images_are": "paths" if cells.are_paths else "arrays",
        "classes": [
            {
                "name": name,
                "n_images": int((codes == code).sum()),
                "n_groups": None if clusters is None else len(np.unique(clusters[codes == code])),
                "positive": code == cells.positive,
            }
            for code, name in enumerate(cells.names)
        ],
        "positive": None if cells.positive is None else cells.names[cells.positive],
        "prevalence": None if cells.positive is None else float((codes == cells.positive).mean()),
    }


def _describe_cv(folds: Folds) -> dict[str, Any]:
    return {
        "description": folds.description,
        "n_folds": len(folds.splits),
        "source": folds.source,
        "groups_kept_together": folds.groups_kept_together,
        "sites_kept_together": folds.sites_kept_together,
        "random_state": folds.random_state,
    }


def _describe_interval(judged: Judged, settings: Settings) -> dict[str, Any]:
    unit = "image" if judged.clusters is None else "patient"
    return {
        "level": settings.confidence_level,
        "method": f"bootstrap over {unit}s",
        "n_resamples": settings.n_resamples,
        "unit": unit,
        "n_units": judged.n_units,
    }


def _describe_fold(judged: Judged, record: FoldRecord, number: int) -> dict[str, Any]:
    part = judged.take(record.test)
    scores = compute_scores(part.y, part.proba, part.predicted, positive=part.positive)

    def n_groups(rows: NDArray) -> int | None:
        return None if judged.clusters is None else len(np.unique(judged.clusters[rows]))

    return {
        "fold": number,
        "n_train": len(record.train),
        "n_test": len(record.test),
        "n_train_groups": n_groups(record.train),
        "n_test_groups": n_groups(record.test),
        "test_counts": np.bincount(part.y, minlength=judged.proba.shape[1]).tolist(),
        "scores": {name: plain(value) for name, value in scores.items()},
        "fit_seconds": record.fit_seconds,
        "predict_seconds": record.predict_seconds,
        "threshold": record.threshold,
        "best_params": record.best_params
        and {name: str(value) for name, value in record.best_params.items()},
        "history": record.history
        and {name: [plain(v) for v in values] for name, values in record.history.items()},
        "best_epoch": record.best_epoch,
    }


def _average(folds: Sequence[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    averages = {}
    for name in folds[0]["scores"]:
        known = [fold["scores"][name] for fold in folds if fold["scores"][name] is not None]
        spread = float(np.std(known, ddof=1)) if len(known) > 1 else None
        averages[name] = {"mean": float(np.mean(known)) if known else None, "sd": spread}
    return averages


def _describe_operating_point(
    judged: Judged, settings: Settings, folds: Sequence[dict[str, Any]], resampling: Resampling
) -> dict[str, Any] | None:
    if settings.wanted is None:
        return None
    untuned = judged._replace(predicted=judged.proba.argmax(axis=1))
    return {
        "wanted": settings.wanted[0],
        "target": settings.wanted[1],
        "thresholds": [fold["threshold"] for fold in folds],
        "achieved": numbers_of(judged, resampling, AT_THRESHOLD),
        "untuned": numbers_of(untuned, resampling, AT_THRESHOLD),
    }


def _list_predictions(cells: Cells, out_of_fold: OutOfFold, files: Sequence[str]) -> dict[str, Any]:
    return {
        "file": list(files),
        "group": None if cells.groups is None else [str(group) for group in cells.groups],
        "fold": (out_of_fold.fold + 1).tolist(),
        "label": cells.codes.tolist(),
        "predicted": out_of_fold.predicted.tolist(),
        "proba": out_of_fold.proba.round(6).tolist(),
    }


def _list_versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        found[package] = version(package)
    return found
