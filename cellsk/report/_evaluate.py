"""evaluate: from an estimator and images to honest numbers in one call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

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
from cellsk.report._evaluation_report import EvaluationReport
from cellsk.report._inputs import (
    check_cells,
    check_for_two_classes,
    check_settings,
    warn_if_thin,
    warn_of_copies,
)
from cellsk.report._notes import Notes
from cellsk.report._reading import share_pixels
from cellsk.report._settings import Cells, Settings, make_estimator
from cellsk.report.document._evaluation import build_document

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
    left_out: Sequence[tuple[str, str]] | None = None,
    n_resamples: int = 2000,
    confidence_level: float = 0.95,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> EvaluationReport:
    """Say how well classes can be told apart, by cross-validation, with intervals.

    Each image is predicted once, by a model that never saw its patient. All numbers come
    from these predictions. Whatever is chosen (the epoch, a search's parameters, a threshold,
    a calibration) is chosen within the training side of each fold.

    It is no medical device: a report says how well a method does on these images, and
    nothing about a patient.

    Parameters
    ----------
    estimator : classifier, pipeline or search
        Has `fit` and `predict_proba`. It is cloned. A search runs inside of each fold.
    X : array-like of shape (n,) of str, or of shape (n, ...)
        Paths of images, if the estimator reads them; or images.
    y : array-like of shape (n,)
        Class labels: str, int or bool.
    groups : array-like of shape (n,), default=None
        Patient of each image. They stay on one side of every split, and are handed to every
        part of the estimator whose `fit` takes groups. None takes all images as independent.
    cv : int, splitter, iterable or path, default=None
        None takes ``choose_cv(y, groups, n_splits)``, and so does an int. A splitter or pairs of
        rows must put each image into one test side, and keep groups together. A path is that
        of a fold manifest, as :meth:`EvaluationReport.save_folds` writes it.
    n_splits : int, default=5
        Number of folds where `cv` is None.
    pos_label : str, int or bool, default=None
        Label or name of the class that sensitivity is about. None is 1, if labels are 0 and 1.
    target_names : sequence of str, default=None
        Name of each class, in the order of its label. None takes the labels, or for numbers
        the folders that tell the classes apart.
    sites : array-like of shape (n,), default=None
        Site, scanner or batch of each image, to keep in one fold as well.
    subgroups : mapping of str to array-like of shape (n,), default=None
        Columns, such as site or stain, by whose values the numbers are given as well.
    sensitivity : float, default=None
        Choose the threshold for this sensitivity, in (0, 1], within each training side.
    specificity : float, default=None
        Choose the threshold for this specificity instead.
    calibrate : {"sigmoid", "isotonic", "temperature"}, default=None
        Calibrate the probabilities by this method, within each training side.
    prevalence : float, default=None
        Give PPV and NPV for this share of positives too, in (0, 1).
    max_uncertainty : float, default=None
        Refer images to a pathologist whose highest probability is further than this from 1, in
        (0, 1), and give the numbers of the others.
    aggregation : {"mean", "max", "vote"}, default="mean"
        How the images of a patient become one probability, for numbers by patient.
    audit : bool, default=True
        Whether to look through the images too, if X holds paths: see :func:`audit_images`.
    left_out : sequence of (str, str), default=None
        Name and reason of each file that was left out beforehand, such as `cells.unreadable`, for
        the report to say so.
    n_resamples : int, default=2000
        Resamples of the bootstrap.
    confidence_level : float, default=0.95
        Level of the intervals, in (0, 1).
    random_state : int, default=0
        Seed of the folds and the bootstrap. The estimator has its own.
    n_jobs : int, default=None
        Folds to run at the same time. None is one.

    Returns
    -------
    report : EvaluationReport
        Readable in a terminal and in Jupyter; see its methods.

    Raises
    ------
    TypeError, ValueError
        When a parameter is not as above, `cv` parts a group or leaves out an image, or a
        class has too few images or patients for the folds.
    FoldManifestError
        When a manifest is of other images, labels or groups.

    Warns
    -----
    PatientsUnknownWarning
        When there are no groups.
    SplitWarning
        When a class is missing from a side of a split, a search within parts groups, or copies
        of an image are in different folds.

    See Also
    --------
    choose_cv : The folds.
    audit_images : What is wrong with the images.

    Notes
    -----
    Intervals are percentiles of a bootstrap over patients, whose images are drawn together
    [1]_. They say how the numbers would vary with other patients, given these trained models;
    not how they would vary with other training images.

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
    >>> colours = FunctionTransformer(lambda images: images.mean(axis=(1, 2)) / 255)
    >>> report = evaluate(
    ...     make_pipeline(colours, LogisticRegression()), cells.images, cells.y,
    ...     groups=cells.groups, target_names=cells.target_names,
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
    cells = check_cells(
        X,
        y,
        groups=groups,
        sites=sites,
        subgroups=subgroups,
        target_names=target_names,
        pos_label=pos_label,
    )
    check_for_two_classes(cells, settings)
    document, folds, out_of_fold, found = _run(
        cells, settings, cv, n_splits, audit=audit, left_out=left_out or ()
    )
    document["seconds"] = time.perf_counter() - start
    return EvaluationReport(document, cells, settings, folds, out_of_fold, found)


def _run(
    cells: Cells,
    settings: Settings,
    cv: Any,
    n_splits: int,
    *,
    audit: bool,
    left_out: Sequence[tuple[str, str]],
) -> tuple[dict[str, Any], Folds, OutOfFold, AuditReport | None]:
    notes = Notes()
    with notes.taken():  # before hours of work, not after
        folds = _make_folds(cells, settings, cv, n_splits)
        check_inner_splits(settings.estimator, grouped=cells.groups is not None)
        if cells.groups is not None:
            warn_if_groups_are_lost(settings.estimator)
        warn_if_thin(cells)
    found = None
    fingerprints: dict[str, Fingerprint] | None = {} if audit else None
    with share_pixels(cells, settings, fingerprints) as reading:
        if audit and cells.are_paths:
            found = audit_measured(
                cells.X,
                cells.codes,
                cells.groups,
                target_names=cells.names,
                measured=fingerprints,
            )
            with notes.taken():
                warn_of_copies(found, folds.codes)
        with notes.taken():
            out_of_fold = predict_out_of_fold(
                partial(make_estimator, reading, cells.pos_label),
                cells.X,
                cells.y,
                folds.splits,
                groups=cells.groups,
                n_jobs=settings.n_jobs,
            )
    document = build_document(cells, settings, folds, out_of_fold, found, notes.sentences, left_out)
    return document, folds, out_of_fold, found


def _make_folds(cells: Cells, settings: Settings, cv: Any, n_splits: int) -> Folds:
    folds = resolve_cv(
        cv,
        cells.X,
        cells.labels,
        cells.groups,
        n_splits=n_splits,
        sites=cells.sites,
        random_state=settings.random_state,
    )
    if cells.are_paths:
        _ = folds.hashes  # a file that cannot be opened is said at once
    return folds
