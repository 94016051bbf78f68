"""evaluate: cross-validated scores with intervals, in one call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from cellsk.audit import AuditReport, Fingerprint, audit_measured
from cellsk.model_selection import (
    Folds,
    OutOfFold,
    check_inner_splits,
    check_unfitted,
    predict_out_of_fold,
    resolve_cv,
    warn_if_groups_are_lost,
)
from cellsk.report._baselines import run_baselines
from cellsk.report._evaluation_report import EvaluationReport
from cellsk.report._inputs import check_data, check_settings, check_two_class_settings
from cellsk.report._reading import share_pixels
from cellsk.report._report_document import complete_document
from cellsk.report._settings import EvaluationData, Settings, make_estimator
from cellsk.report._warnings import (
    KeptWarnings,
    warn_if_copies_are_split,
    warn_if_model_is_weak,
    warn_if_patients_are_few,
)
from cellsk.report.document import EvaluationDocument, build_facts

__all__ = ["evaluate"]


def evaluate(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    cv: Any = None,
    n_splits: int = 5,
    pos_label: Any = None,
    target_names: Sequence[str] | None = None,
    sites: ArrayLike | None = None,
    subgroups: Mapping[str, ArrayLike] | None = None,
    sensitivity: float | None = None,
    specificity: float | None = None,
    calibrate: str | None = None,
    prevalence: float | None = None,
    max_uncertainty: float | None = None,
    aggregation: str = "mean",
    audit: bool = True,
    baselines: bool = True,
    left_out: Sequence[tuple[str, str]] | None = None,
    n_resamples: int = 2000,
    confidence_level: float = 0.95,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> EvaluationReport:
    """Evaluate an estimator by cross-validation, with an interval for each score.

    Each image is predicted once, by a model that was not trained on any image of the same
    patient. With one split into training and test, this is so for the images of the test side.
    All scores come from these predictions. All choices (the epoch, the
    parameters of a search, a threshold, a calibration) are made within the training side of
    each fold.

    Not a medical device: a report is about an estimator and these images, not about a patient.

    Parameters
    ----------
    estimator : classifier, pipeline or search
        Has `fit` and `predict_proba`. It is cloned. A search runs inside of each fold.
    X : array-like of shape (n,) of str, or of shape (n, ...)
        Paths of images, if the estimator reads them; or images.
    y : array-like of shape (n,)
        Class labels: str, int or bool.
    groups : array-like of shape (n,), default=None
        Patient of each image. All images of a patient stay on one side of every split. Groups
        are passed to every step of the estimator whose `fit` takes them. None assumes that all
        images are independent.
    cv : int, splitter, iterable or path, default=None
        None and an int use ``choose_cv(y, groups, n_splits)``. A splitter, or pairs of rows, must
        keep groups together, and test each image at most once. So one split works, such as
        ``PredefinedSplit(test_fold)``, ``GroupShuffleSplit(1)`` or ``[(train, test)]``. Images that
        are never tested only train: the report names them, and scores the others. A path is that
        of a fold manifest, as :meth:`EvaluationReport.save_folds` writes it.
    n_splits : int, default=5
        Number of folds if `cv` is None.
    pos_label : str, int or bool, default=None
        Label or name of the class that sensitivity is about. None is 1, if labels are 0 and 1, and
        0 has no name such as "infected".
    target_names : sequence of str, default=None
        Name of each class, in the order of its label. None takes the labels, or for numbers
        the folders that differ between the classes.
    sites : array-like of shape (n,), default=None
        Site, scanner or batch of each image. All images of a site are in one fold, too.
    subgroups : mapping of str to array-like of shape (n,), default=None
        Columns, such as site or stain. Scores are computed for each of their values, too.
    sensitivity : float, default=None
        Choose the threshold for this sensitivity, in (0, 1], within each training side.
    specificity : float, default=None
        Choose the threshold for this specificity instead.
    calibrate : {"sigmoid", "isotonic", "temperature"}, default=None
        Calibrate the probabilities by this method, within each training side.
    prevalence : float, default=None
        Compute PPV and NPV for this share of positives, too, in (0, 1).
    max_uncertainty : float, default=None
        Refer images to a pathologist if their highest probability is further than this from 1,
        in (0, 1), and compute the scores of the others.
    aggregation : {"mean", "max", "vote"}, default="mean"
        How the images of a patient become one probability, for scores by patient.
    audit : bool, default=True
        Whether to audit the images, if X holds paths: see :func:`audit_images`.
    baselines : bool, default=True
        Whether to compare with simple classifiers on the same folds, which a network has to beat:
        guessing by the shares of the classes, a logistic regression on the mean color, and a
        random forest on statistics of color and texture. The last two need images.
    left_out : sequence of (str, str), default=None
        Name and reason of each file that was left out before the run, such as
        `cells.unreadable`. The report lists them.
    n_resamples : int, default=2000
        Resamples of the bootstrap.
    confidence_level : float, default=0.95
        Level of the intervals, in (0, 1).
    random_state : int, default=0
        Seed of the folds and the bootstrap. It does not change the seed of the estimator.
    n_jobs : int, default=None
        Folds to run at the same time. None is one.

    Returns
    -------
    report : EvaluationReport
        Shows itself in a terminal and in Jupyter; see its methods.

    Raises
    ------
    TypeError, ValueError
        When a parameter is not as above, `cv` splits a group or tests an image twice, or a
        class has too few images or patients for the folds.
    FoldManifestError
        When a manifest describes other images, labels or groups.

    Warns
    -----
    LabelWarning
        When classes or patients have nearly equal names, or classes have names such as "nan".
    PatientsUnknownWarning
        When there are no groups.
    SplitWarning
        When a class has few patients, or is missing from a side of a split; when an inner search
        splits groups; or when copies of an image are in different folds.
    WeakModelWarning
        When a simple classifier is as good as the model, or guessing may be. It needs `baselines`.

    See Also
    --------
    choose_cv : The folds.
    audit_images : Problems of the images.

    Notes
    -----
    Intervals are percentiles of a bootstrap over patients, whose images are drawn together
    [1]_. They show how the scores would vary with other patients, for these trained models.
    They do not show how the scores would vary with other training images.

    If X holds paths and an :class:`ImageReader` in the estimator reads them, each file is decoded
    once, before any fold trains. The pixels are kept in the store of the reader. If it has none,
    they are kept in a temporary folder, which only its owner can read and which is removed at
    the end. Five folds need about six times the bytes of the pixels there; the environment
    variable ``TMPDIR`` chooses the disk. Set ``CELLSK_STORE=off`` to write no pixels to disk;
    each fold then decodes its images again.

    References
    ----------
    .. [1] C. A. Field and A. H. Welsh, "Bootstrapping clustered data", Journal of the Royal
       Statistical Society B 69, 2007.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from cellsk import evaluate, make_cells
    >>> cells = make_cells(120, n_patients=12, image_size=(16, 16), random_state=0)
    >>> colors = FunctionTransformer(lambda images: images.mean(axis=(1, 2)) / 255)
    >>> report = evaluate(
    ...     make_pipeline(colors, LogisticRegression()), cells.images, cells.y,
    ...     groups=cells.groups, target_names=cells.target_names, baselines=False,
    ... )
    >>> accuracy = report.numbers["accuracy"]
    >>> accuracy["low"] < accuracy["value"] < accuracy["high"]
    True
    """
    start = time.perf_counter()
    settings = Settings(
        estimator=estimator,
        sensitivity=sensitivity,
        specificity=specificity,
        calibrate=calibrate,
        prevalence=prevalence,
        max_uncertainty=max_uncertainty,
        aggregation=aggregation,
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        random_state=random_state,
        n_jobs=n_jobs,
    )
    settings = check_settings(settings)
    check_unfitted(estimator)
    data = check_data(
        X,
        y,
        groups=groups,
        sites=sites,
        subgroups=subgroups,
        target_names=target_names,
        pos_label=pos_label,
    )
    check_two_class_settings(data.labels, settings)
    document, folds, out_of_fold, found = _run(
        data, settings, cv, n_splits, _Parts(audit, baselines, left_out or ())
    )
    document["seconds"] = time.perf_counter() - start
    return EvaluationReport(document, data, settings, folds, out_of_fold, found)


class _Parts(NamedTuple):
    """Optional parts of an evaluation."""

    audit: bool
    baselines: bool
    left_out: Sequence[tuple[str, str]]


def _run(
    data: EvaluationData, settings: Settings, cv: Any, n_splits: int, parts: _Parts
) -> tuple[EvaluationDocument, Folds, OutOfFold, AuditReport | None]:
    X, labels = data
    kept = KeptWarnings()
    with kept.collect():  # warn before hours of work, not after
        folds = _make_folds(data, settings, cv, n_splits)
        tested = data.take(folds.tested).labels
        check_inner_splits(settings.estimator, grouped=labels.groups is not None)
        if labels.groups is not None:
            warn_if_groups_are_lost(settings.estimator)
        warn_if_patients_are_few(tested)
    found = None
    fingerprints: dict[str, Fingerprint] | None = {} if parts.audit else None
    with share_pixels(data, settings, fingerprints) as shared:
        if parts.audit and labels.images_are_paths:
            columns = (X, labels.codes, labels.groups)
            found = audit_measured(*columns, target_names=labels.names, measured=fingerprints)
            with kept.collect():
                warn_if_copies_are_split(found, folds.splits)
        with kept.collect():
            out_of_fold = predict_out_of_fold(
                partial(make_estimator, shared.settings, labels.pos_label),
                X,
                labels.y,
                folds.splits,
                groups=labels.groups,
                n_jobs=settings.n_jobs,
            )
        runs = run_baselines(data, settings, folds, shared.images) if parts.baselines else None
    facts = build_facts(
        tested, settings, folds, out_of_fold, found, kept.remarks, parts.left_out, runs
    )
    with kept.collect():
        warn_if_model_is_weak(facts)
    facts["warnings"] = kept.remarks
    return complete_document(facts), folds, out_of_fold, found


def _make_folds(data: EvaluationData, settings: Settings, cv: Any, n_splits: int) -> Folds:
    folds = resolve_cv(
        cv,
        data.X,
        data.labels.class_names,
        data.labels.groups,
        n_splits=n_splits,
        sites=data.labels.sites,
        random_state=settings.random_state,
    )
    if data.labels.images_are_paths:
        _ = folds.hashes  # raises at once if a file cannot be opened
    return folds
