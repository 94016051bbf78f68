"""Audit of a set of images before a model is trained on it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._class_words import warn_class_names
from cellsk._columns import warn_patient_names
from cellsk.audit._cue_findings import audit_cues
from cellsk.audit._data import (
    AuditData,
    check_column,
    check_folders,
    check_test_columns,
    encode_labels,
    list_sources,
)
from cellsk.audit._duplicate_findings import audit_duplicates, audit_near_duplicates
from cellsk.audit._duplicates import find_exact_sets, find_near_sets, merge_groups
from cellsk.audit._file_findings import audit_files, audit_other_files
from cellsk.audit._findings import Finding
from cellsk.audit._fingerprints import Fingerprint, Fingerprints, measure_images
from cellsk.audit._label_findings import audit_label_errors, audit_labels
from cellsk.audit._picture_findings import audit_pictures
from cellsk.audit._report import AuditReport
from cellsk.exceptions import InputError

__all__ = ["audit_images", "audit_measured"]


def audit_images(
    paths: Sequence[Any] | ArrayLike,
    y: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    *,
    target_names: Sequence[str] | None = None,
    proba: ArrayLike | None = None,
    test_paths: Sequence[Any] | ArrayLike | None = None,
    test_y: ArrayLike | None = None,
    test_groups: ArrayLike | None = None,
    test_target_names: Sequence[str] | None = None,
    near_duplicates: bool = True,
    not_read: Sequence[str] = (),
    n_jobs: int | None = None,
) -> AuditReport:
    """Find damaged files, duplicates, doubtful labels and other faults that make scores wrong.

    Run it before training, on the training images and, with ``test_paths``, on the test
    images. Each image is decoded once. No file is changed: the report lists what was found,
    and :meth:`AuditReport.clean` returns arrays without the faulty images.

    Parameters
    ----------
    paths : array-like of shape (n_samples,), or ndarray of shape (n_samples, height, width, c)
        Paths (str or Path) or contents (bytes) of image files; or images, as uint8 or as
        floats from 0 to 1, whose files are then not checked.
    y : array-like of shape (n_samples,), default=None
        Labels. If ``target_names`` are given, whole numbers are indices into them.
    groups : array-like of shape (n_samples,), default=None
        Patient or slide of each image.
    target_names : sequence of str, default=None
        Names of the classes.
    proba : array-like of shape (n_samples, n_classes), default=None
        Out-of-fold probabilities, with columns in the order of ``target_names``, or else of
        the sorted labels. They are needed to find probable label errors.
    test_paths, test_y, test_groups : array-like, default=None
        The same for the images of a test set. Classes are matched by name.
    test_target_names : sequence of str, default=None
        Names of the classes of whole numbers in ``test_y``, as :func:`list_images` returns them
        for the test folder: its codes differ from those of training if a class has no images.
        ``None`` means ``target_names``.
    near_duplicates : bool, default=True
        Whether to look for images that look the same but are not pixel-identical.
    not_read : sequence of str, default=()
        Image files that are not among ``paths``, because they are of a kind that is not read, as
        :func:`~cellsk.list_images` returns them.
    n_jobs : int, default=None
        Number of processes that decode images. ``None`` is 1; -1 is one per core. At most four per
        core are used.

    Returns
    -------
    report : AuditReport

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described. Damaged images are findings, not errors.

    Warns
    -----
    LabelWarning
        If classes or patients have nearly equal names, or classes have names such as "nan".

    See Also
    --------
    cellsk.datasets.list_images : Lists paths, labels and groups of a folder.

    Notes
    -----
    The codes are stable:

    ====  ========  ==========================================================
    Code  Severity  What it finds
    ====  ========  ==========================================================
    A101  error     Files that cannot be decoded
    A102  warning   Undamaged files that need a page, a value range or a pixel limit
    A103  warning   Images of several sizes
    A104  warning   Images of several modes (gray, color, transparent)
    A105  note      Files of several formats or compressions
    A106  note      File names with a wrong extension
    A107  warning   Image files of kinds that are not read
    A201  error     One class only
    A202  warning   Classes with fewer than 10 images
    A203  warning   Classes with images of fewer than 5 patients
    A204  warning   Patients unknown
    A205  warning   One patient has more than half of the images
    A206  note      The patient predicts the label
    A207  warning   Each image is of a different patient
    A208  error     Patients in both training and test
    A209  warning   Classes of train and test differ
    A301  warning   Exact duplicates
    A302  error     Exact duplicates with different labels
    A303  error     Exact duplicates of different patients
    A304  error     Exact duplicates in train and test
    A311  warning   Near-duplicates
    A312  warning   Near-duplicates with different labels
    A313  warning   Near-duplicates of different patients
    A314  error     Near-duplicates in train and test
    A401  warning   Blank images
    A402  warning   Dark images
    A403  note      Images of mostly background
    A404  warning   Blurred images
    A501  warning   Image size predicts the label
    A502  warning   File format or mode predicts the label
    A503  warning   Compression predicts the label
    A504  warning   Camera or software in the metadata predicts the label
    A505  note      File size predicts the label
    A506  note      Mean color predicts the label
    A511  note      to A516: Train and test differ in a cue of A501 to A506
    A601  note      Probable label errors
    A602  note      Patients whose label is probably wrong
    ====  ========  ==========================================================

    Exact duplicates have the same RGB pixels, in files of any format. Near-duplicates are
    found by a perceptual hash that is the same under the eight symmetries of the square, and
    each pair is then compared under each of them, by structure and by detail. Cells on a plain
    background share their outline and shading with other cells, so their texture inside the
    outline must agree, or the pair must agree much better than other pairs of these images. Pairs
    are not chained: each image of a set looks like the same one. The cost is nearly proportional
    to the number of images.

    Near-duplicates may be copies, so look at them. ``benchmarks/duplicates.py`` measured these
    figures on 1,500 images of each kind and 500 copies, which are turned or flipped. Precision is
    the share of pairs that are copies. Changes are JPEG at quality 50, 75 and 90, 10% smaller (and
    back), 8% brighter, 16 bits, and several of them:

    ============================  ==============  ==============  =================
    images                        precision       recall, turned  recall, changed
    ============================  ==============  ==============  =================
    drawn single cells            1.00            1.00            1.00
    PatchCamelyon                 1.00            1.00            0.99 to 1.00
    cells cut from these          1.00            1.00            1.00
    drawn discs without texture   0.99 to 1.00    1.00            0.83 to 1.00
    the same, all one circle      0.95            1.00            0.00
    ============================  ==============  ==============  =================

    Cells without texture differ in their outlines. If these are the same too, pixels show
    no difference, and only copies without loss are found. Not found are pictures that overlap in
    part or are shifted by more than about a hundredth of their width: of cells that are cropped or
    padded by one pixel of 50, half or fewer are found. If there are more than two changed copies
    of a cell without texture, they are not found either.

    A cue of A501 to A506 is reported if a small forest on it alone reaches a ROC AUC of 0.6
    (0.75 for file size and color) in cross-validation that keeps patients and duplicates
    together, and a Mann-Whitney test over patients gives p <= 0.005. With few patients there
    are hardly any false alarms, but true ones may be missed.

    References
    ----------
    .. [1] C. Zauner, "Implementation and benchmarking of perceptual image hash functions",
       thesis, Hagenberg (2010).
    .. [2] C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident learning: estimating
       uncertainty in dataset labels", Journal of Artificial Intelligence Research 70 (2021).

    Examples
    --------
    >>> from cellsk.audit import audit_images
    >>> from cellsk.datasets import make_cells
    >>> cells = make_cells(60, n_patients=6, image_size=(32, 32), random_state=0)
    >>> images = cells.images.copy()
    >>> images[1] = images[0][::-1]  # a flipped copy
    >>> report = audit_images(images, cells.y, cells.groups)
    >>> report.near_duplicate_sets
    [array([0, 1])]
    >>> [finding.title for finding in report.findings if finding.code.startswith("A3")]
    ['Near-duplicates with different labels', 'Near-duplicates of different patients']
    >>> clean = report.clean()
    >>> bool(clean.groups[0] == clean.groups[1])
    True
    """
    check_test_columns(test_paths, test_y, test_groups)
    return _audit(
        _Columns(paths, y, groups),
        _Columns(test_paths, test_y, test_groups),
        target_names=target_names,
        test_target_names=test_target_names,
        proba=proba,
        near_duplicates=near_duplicates,
        not_read=not_read,
        n_jobs=n_jobs,
    )


def audit_measured(
    paths: Sequence[str] | ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None,
    *,
    target_names: Sequence[str],
    measured: Mapping[str, Fingerprint] | None,
) -> AuditReport:
    """Audit images as `audit_images` does, without opening files that are measured already.

    Parameters
    ----------
    paths, y, groups, target_names
        As in `audit_images`.
    measured : mapping of str to dict, or None
        What `measure_image` has returned for some of the paths.

    Returns
    -------
    report : AuditReport

    Raises
    ------
    TypeError, ValueError
        As `audit_images`.
    """
    columns = _Columns(paths, y, groups)
    return _audit(columns, _Columns(None), target_names=target_names, measured=measured)


class _Columns(NamedTuple):
    """Images of one side, training or test, with their labels and groups."""

    paths: Sequence[Any] | ArrayLike | None
    y: ArrayLike | None = None
    groups: ArrayLike | None = None


def _audit(
    train: _Columns,
    test: _Columns,
    *,
    target_names: Sequence[str] | None,
    test_target_names: Sequence[str] | None = None,
    proba: ArrayLike | None = None,
    near_duplicates: bool = True,
    not_read: Sequence[str] = (),
    n_jobs: int | None = None,
    measured: Mapping[str, Fingerprint] | None = None,
) -> AuditReport:
    start = time.perf_counter()
    kept = list_sources("paths", train.paths)
    sources = kept + ([] if test.paths is None else list_sources("test_paths", test.paths))
    counts = (len(kept), len(sources) - len(kept))
    labels = check_column("y", train.y, counts[0]), check_column("test_y", test.y, counts[1])
    both_names = target_names, test_target_names
    codes, names, n_columns = _encode_labels(kept, sources, labels, both_names)
    groups = _join_groups(train.groups, test.groups, counts)
    warn_patient_names(groups, stacklevel=4)
    data = AuditData(
        names=_name_images(sources),
        n_images=len(kept),
        y=codes,
        groups=groups,
        target_names=names,
        proba=_check_proba(proba, train.y, len(kept), n_columns),
        prints=measure_images(sources, n_jobs, measured),
    )
    exact, near, pairs = _find_copies(data.prints, near_duplicates=near_duplicates)
    return AuditReport(
        data,
        [*audit_other_files(not_read), *_list_findings(data, exact, near, pairs)],
        sources=kept,
        y=None if train.y is None else np.asarray(train.y),
        exact=exact,
        near=near,
        pairs=pairs,
        seconds=time.perf_counter() - start,
    )


def _encode_labels(
    kept: Sequence[Any],
    sources: Sequence[Any],
    labels: tuple[NDArray | None, NDArray | None],
    names: tuple[Sequence[str] | None, Sequence[str] | None],
) -> tuple[NDArray[np.int64], list[str], int]:
    """Return what `encode_labels` does, if codes of both sides mean the same classes."""
    target_names, test_target_names = names
    if test_target_names is None:
        check_folders(kept, sources[len(kept) :], labels, target_names)
    counts = len(kept), len(sources) - len(kept)
    encoded = encode_labels(labels, target_names, test_target_names, counts)
    if target_names is None:  # the caller has not named the classes
        warn_class_names(encoded[1], stacklevel=5)
    return encoded


def _find_copies(
    prints: Fingerprints, *, near_duplicates: bool
) -> tuple[list[Any], list[Any], list[Any]]:
    """Return sets of equal images, sets of near-duplicates, and the pairs in these."""
    exact = find_exact_sets(prints)
    near, pairs = find_near_sets(prints, exact) if near_duplicates else ([], [])
    return exact, near, pairs


def _list_findings(
    data: AuditData, exact: list[Any], near: list[Any], pairs: list[Any]
) -> list[Finding]:
    groups = data.groups if data.grouped else None
    units = merge_groups(groups, len(data.names), [*exact, *near])
    return [
        *audit_files(data),
        *audit_labels(data),
        *audit_duplicates(data, exact),
        *audit_near_duplicates(data, near, pairs),
        *audit_pictures(data),
        *audit_cues(data, units),
        *audit_label_errors(data),
    ]


def _join_groups(
    groups: ArrayLike | None, test_groups: ArrayLike | None, counts: tuple[int, int]
) -> NDArray[np.str_]:
    sides = [
        check_column(name, column, count)
        for name, column, count in zip(
            ("groups", "test_groups"), (groups, test_groups), counts, strict=True
        )
    ]
    return np.concatenate(
        [
            np.full(count, "") if side is None else side.astype(str)
            for side, count in zip(sides, counts, strict=True)
        ]
    )


def _check_proba(
    proba: ArrayLike | None, y: ArrayLike | None, n_images: int, n_classes: int
) -> NDArray[np.float64] | None:
    if proba is None:
        return None
    table = np.asarray(proba, dtype=np.float64)
    if y is None or table.shape != (n_images, n_classes):
        raise InputError(
            "must have one row for each image and one column for each class of y",
            f"shape {table.shape} for {n_images:,} images and {n_classes} classes",
            "Pass target_names if a class has no image.",
            parameter="proba",
            code="proba-shape",
        )
    return table


def _name_images(sources: Sequence[Any]) -> list[str]:
    """Return paths below the folder that all files share, or names such as "image 17"."""
    files = [source for source in sources if isinstance(source, str)]
    folders = {os.path.dirname(os.path.abspath(path)) for path in files}
    try:
        common = os.path.commonpath(folders) if folders else ""
    except ValueError:  # on two drives
        common = ""
    return [
        os.path.relpath(source, common or None).replace(os.sep, "/")
        if isinstance(source, str)
        else f"image {row}"
        for row, source in enumerate(sources)
    ]
