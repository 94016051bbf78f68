"""The test of a fitted model, and of the model that an evaluation fits on all of its images."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import ArrayLike, NDArray

from cellsk.audit import AuditReport, audit_measured, make_training_fingerprints
from cellsk.model_selection import (
    OutOfFold,
    describe_fixed,
    fit_with_groups,
    name_images,
    predict_fixed,
)
from cellsk.outliers import ImageOutlierDetector
from cellsk.report._baselines import run_test_baselines
from cellsk.report._inputs import check_data
from cellsk.report._reading import SharedPixels, share_fixed_pixels, share_pixels
from cellsk.report._report_document import complete_document
from cellsk.report._settings import EvaluationData, EvaluationLabels, Settings, make_estimator
from cellsk.report._training import Training, compare_training, warn_if_training_is_shared
from cellsk.report._unlike import fit_detector, warn_if_images_are_unlike
from cellsk.report._warnings import KeptWarnings, warn_if_patients_are_few
from cellsk.report.document import BaselineRun, EvaluationDocument, TestSet, build_facts

__all__ = ["Tested", "fit_all", "fit_and_test", "match_test_data", "run_test"]


class Tested(NamedTuple):
    """The document of a test, the predictions, problems of the images, and the model."""

    document: EvaluationDocument
    predictions: OutOfFold
    audit: AuditReport | None
    model: Any


def run_test(
    data: EvaluationData,
    settings: Settings,
    model: Any,
    training: Training | None,
    *,
    audit: bool,
    left_out: Sequence[tuple[str, str]],
    compare: Callable[[NDArray | None], list[BaselineRun]] | None = None,
    detector: ImageOutlierDetector | None = None,
) -> Tested:
    """Predict a test set by a fitted model, and describe what was found.

    The estimator in the settings is the one to show. ``compare`` gets the pixels, if they were
    kept, and returns the predictions of simple classifiers. The detector is that of images unlike
    the training images.
    """
    X, labels = data
    kept, shared, found = KeptWarnings(), None, None
    with kept.collect():
        warn_if_patients_are_few(labels)
    with share_fixed_pixels(model, data) as pixels:
        with kept.collect():
            pixels.warn_if_resized()
            if training is not None:
                shared = compare_training(training, model, data, pixels)
                warn_if_training_is_shared(shared)
        if audit and labels.images_are_paths:
            found = audit_measured(
                X,
                labels.codes,
                labels.groups,
                target_names=labels.names,
                measured=pixels.fingerprints,
            )
        with kept.collect():
            predictions = predict_fixed(model, X)
            if detector is not None:
                warn_if_images_are_unlike(detector, model, data, pixels, predictions)
        runs = None if compare is None else compare(pixels.images)
    test_set = TestSet(name_images(X), describe_fixed(model).threshold, shared)
    facts = build_facts(
        labels, settings, test_set, predictions, found, kept.remarks, left_out, runs
    )
    return Tested(complete_document(facts), predictions, found, model)


def match_test_data(
    labels: EvaluationLabels,
    X: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None,
    subgroups: Mapping[str, ArrayLike] | None,
) -> EvaluationData:
    """Return a checked test set with the classes of an evaluation.

    Raises
    ------
    TypeError, ValueError
        When lengths differ, a value is missing, or a label is not a class of the evaluation.
    """
    return check_data(
        X,
        y,
        groups=groups,
        sites=None,
        subgroups=subgroups,
        target_names=labels.names,
        pos_label=labels.pos_label,
        classes=labels.classes,
    )


def fit_all(data: EvaluationData, settings: Settings) -> Any:
    """Fit the estimator on all images, with its calibration and threshold.

    Raises
    ------
    TypeError, ValueError
        Those of the fit.
    """
    labels = data.labels
    estimator = make_estimator(settings, labels.pos_label, labels.y, labels.groups)
    return fit_with_groups(estimator, data.X, labels.y, labels.groups)


def fit_and_test(
    train: EvaluationData,
    test: EvaluationData,
    settings: Settings,
    *,
    audit: bool,
    baselines: bool,
    left_out: Sequence[tuple[str, str]],
) -> Tested:
    """Fit the estimator on all training images, and score it once on the test set.

    Threshold and calibration are chosen on the training images. With ``baselines``, simple
    classifiers are fitted and scored on the same images.
    """
    start = time.perf_counter()
    with share_pixels(train, settings) as shared:
        model = fit_all(train, shared.settings)
        training = _describe_training(train, shared)

        def compare(images: NDArray | None) -> list[BaselineRun]:
            return run_test_baselines(train, test, settings, (shared.images, images))

        tested = run_test(
            test,
            settings,
            model,
            training,
            audit=audit,
            left_out=left_out,
            compare=compare if baselines else None,
            detector=fit_detector(shared.images, train.labels.groups),
        )
    tested.document["seconds"] = time.perf_counter() - start
    return tested


def _describe_training(train: EvaluationData, shared: SharedPixels) -> Training | None:
    """Return fingerprints of the pixels that were kept, or else of the files.

    Features that are not images have none.
    """
    groups = train.labels.groups
    if train.X.ndim == 2:
        return None
    if shared.images is None:
        return Training(make_training_fingerprints(train.X, groups), "given")
    prints = make_training_fingerprints(shared.images, groups, paths=train.X)
    return Training(prints, "evaluation")
