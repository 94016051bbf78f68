"""Choice of folds by labels, patients and sites, and checks of given folds."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from numbers import Integral
from textwrap import shorten
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from cellsk._checks import check_count, count_noun
from cellsk._columns import warn_patient_names
from cellsk.exceptions import InputError, InputTypeError, SplitWarning
from cellsk.model_selection._folds import Folds, Splits, check_folds, check_sides
from cellsk.model_selection._image_hashes import hash_images
from cellsk.model_selection._manifest import read_manifest
from cellsk.model_selection._manifest_match import match_manifest
from cellsk.model_selection._rows import Rows, check_rows, check_seed
from cellsk.model_selection._splitter import choose_splitter

__all__ = ["choose_cv", "resolve_cv"]


def choose_cv(
    y: ArrayLike,
    groups: ArrayLike | None = None,
    n_splits: int = 5,
    *,
    sites: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> StratifiedKFold | StratifiedGroupKFold:
    """Choose a cross-validation for the labels, patients and sites.

    Every fold has about the same fraction of each class. Images of one patient stay on one
    side, and so do those of one site if sites are given. The labels are checked first, so that
    an impossible split raises an error here and not after hours of training.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class of each image.
    groups : array-like of shape (n_samples,), default=None
        Patient or slide of each image. None treats the images as independent.
    n_splits : int, default=5
        Number of folds.
    sites : array-like of shape (n_samples,), default=None
        Hospital, scanner or laboratory of each image, which also stays on one side. Sites
        that share a patient count as one.
    random_state : int, RandomState or None, default=0
        Seed of the folds. None draws a seed, which the splitter keeps.

    Returns
    -------
    cv : splitter
        For `cv` of scikit-learn's searches and scores, and of `evaluate`. Without groups a
        :class:`~sklearn.model_selection.StratifiedKFold`, with groups a
        :class:`~sklearn.model_selection.StratifiedGroupKFold`, both shuffled. With sites and
        groups a `PreservedSiteKFold`, which remembers the site of each patient; with sites
        alone a StratifiedGroupKFold that takes the sites as `groups`. If a class has so few
        patients that StratifiedGroupKFold leaves it out of a fold, a
        `StratifiedPatientKFold`.

    Raises
    ------
    TypeError, ValueError
        If `y` has one class, a class has fewer patients (or images, or sites) than there are
        folds or is left out of a training side, values are missing, or lengths differ.

    Warns
    -----
    SplitWarning
        If whole patients cannot be divided so that each fold tests every class.
    LabelWarning
        If the names of patients are nearly equal.

    See Also
    --------
    sklearn.model_selection.StratifiedGroupKFold : Splits by group.

    Notes
    -----
    Pass `groups` again when the splitter is used: `search.fit(X, y, groups=groups)`.

    The folds use `random_state` itself if each of them then has every class. Otherwise further
    seeds drawn from it are tried, always the same ones, and then folds that balance patients
    instead of images. The splitter shows which seed was used.

    References
    ----------
    Howard, F. M. et al. (2021). The impact of site-specific digital histology signatures on
    deep learning model accuracy and bias. Nature Communications 12, 4423.

    Examples
    --------
    >>> from cellsk import make_cells
    >>> from cellsk.model_selection import choose_cv
    >>> cells = make_cells(60, n_patients=12, image_size=(16, 16), random_state=0)
    >>> choose_cv(cells.y)
    StratifiedKFold(n_splits=5, random_state=0, shuffle=True)
    >>> cv = choose_cv(cells.y, cells.groups, n_splits=3)
    >>> cv
    StratifiedGroupKFold(n_splits=3, random_state=0, shuffle=True)
    >>> train, test = next(cv.split(cells.images, cells.y, cells.groups))
    >>> sorted(set(cells.groups[train]) & set(cells.groups[test]))
    []
    """
    rows = check_rows(y, groups, sites)
    if rows.groups is not None:
        warn_patient_names(rows.groups)
    n_folds = check_count("n_splits", n_splits, minimum=2)
    splitter, notes = choose_splitter(rows, n_folds, check_seed(random_state))
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return splitter


def resolve_cv(
    cv: Any,
    X: Sequence[Any] | NDArray,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_splits: int = 5,
    sites: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> Folds:
    """Convert any `cv` to folds that test each image at most once and keep patients together.

    Parameters
    ----------
    cv : None, int, splitter, iterable, str or Path
        None or a number of folds uses :func:`choose_cv`. A splitter or an iterable of (train,
        test) rows is used as it is; one split is enough, and images may never be tested. A path
        is a fold manifest.
    X : sequence of length n_samples
        Paths or images. Only a manifest needs their contents.
    y : array-like of shape (n_samples,)
        Class of each image.
    groups : array-like of shape (n_samples,), default=None
        Patient or slide of each image. None treats the images as independent.
    n_splits : int, default=5
        Number of folds if `cv` is None.
    sites : array-like of shape (n_samples,), default=None
        Site of each image, which also stays on one side.
    random_state : int, RandomState or None, default=0
        Seed of chosen folds.

    Returns
    -------
    folds : Folds
        The rows of each fold, and their description.

    Raises
    ------
    TypeError, ValueError
        If an image is tested more than once, a side is empty, a patient or a site is on both
        sides, a training side has one class only, or `choose_cv` raises.
    FileNotFoundError, FoldManifestError
        If the manifest is missing or damaged, or describes other images.
    ImageReadError
        If an image of a manifest cannot be opened.

    Warns
    -----
    SplitWarning
        If a training or test side lacks a class.

    Examples
    --------
    >>> from cellsk.model_selection import resolve_cv
    >>> folds = resolve_cv(2, range(4), ["a", "a", "b", "b"])
    >>> folds.description, len(folds.splits)
    ('StratifiedKFold(n_splits=2, random_state=0, shuffle=True)', 2)
    """
    rows = check_rows(y, groups, sites)
    if len(X) != len(rows.y):
        raise InputError(
            "X and y must have one entry per image",
            f"{count_noun(len(X), 'image')} and {count_noun(len(rows.y), 'label')}",
            "Pass images and labels of the same rows.",
        )
    hashes = None
    if isinstance(cv, str | os.PathLike):
        hashes = hash_images(X)
        codes = match_manifest(read_manifest(cv), X, rows.y, rows.groups, hashes=hashes)
        plan = _use_manifest(cv, codes)
    elif cv is None or isinstance(cv, Integral):
        n_folds = check_count("n_splits (or cv)", n_splits if cv is None else cv, minimum=2)
        plan = _choose_folds(rows, n_folds, check_seed(random_state))
    else:
        plan = _use_given(cv, X, rows)
    notes = check_folds(plan.splits, plan.description, rows)
    folds = Folds(
        **{**plan._asdict(), "notes": notes if plan.notes is None else plan.notes},
        groups_kept_together=rows.groups is not None,
        sites_kept_together=rows.sites is not None,
        images=X,
        rows=rows,
    )
    if hashes is not None:
        folds.__dict__["hashes"] = hashes  # the value of its cached_property
    for note in folds.notes:
        warnings.warn(note, stacklevel=2)
    return folds


class _Plan(NamedTuple):
    """Folds before they are checked. ``notes`` of None are those of the checks."""

    splits: Splits
    description: str
    source: str
    random_state: int | None
    notes: list[SplitWarning] | None = None


def _choose_folds(rows: Rows, n_splits: int, seed: int) -> _Plan:
    # The splitter's own warnings also give the number of folds that works.
    splitter, notes = choose_splitter(rows, n_splits, seed)
    splits = list(splitter.split(rows.y, rows.y, _find_groups(rows)))
    return _Plan(splits, repr(splitter), "chosen", splitter.random_state, notes)


def _use_manifest(path: str | os.PathLike[str], codes: NDArray) -> _Plan:
    numbers = range(int(codes.max()) + 1)
    splits = [(np.flatnonzero(codes != fold), np.flatnonzero(codes == fold)) for fold in numbers]
    # The name alone, as a report must not show private folders.
    name = f"{os.path.basename(os.fspath(path))} ({count_noun(len(splits), 'fold')})"
    return _Plan(splits, name, "manifest", None)


def _use_given(cv: Any, X: Any, rows: Rows) -> _Plan:
    is_splitter = hasattr(cv, "split")
    if not is_splitter and not isinstance(cv, Iterable):
        raise InputTypeError(
            "must be None, a number of folds, a splitter, an iterable of (train, test) rows, or"
            " the path of a fold manifest",
            repr(cv),
            "Pass choose_cv(y, groups).",
            parameter="cv",
            code="cv-unknown",
        )
    given = _split_with(cv, X, rows) if is_splitter else list(cv)
    # The repr of PredefinedSplit has the fold of every row.
    name = shorten(repr(cv), 120) if is_splitter else f"a list of {count_noun(len(given), 'fold')}"
    splits = [check_sides(fold, number, len(rows.y)) for number, fold in enumerate(given, 1)]
    seed = getattr(cv, "random_state", None)
    return _Plan(splits, name, "given", int(seed) if isinstance(seed, Integral) else None)


def _split_with(cv: Any, X: Any, rows: Rows) -> list[Any]:
    """Return the folds of a splitter, without warnings that repeat those of check_folds."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        try:
            return list(cv.split(X, rows.y, _find_groups(rows)))
        except ValueError as error:
            raise InputError(
                "must be able to split these images",
                f"{shorten(repr(cv), 120)}, with the error: {str(error).rstrip('.')}",
                "Pass choose_cv(y, groups), or pass groups if they are missing.",
                parameter="cv",
                code="cv-cannot-split",
            ) from error


def _find_groups(rows: Rows) -> NDArray | None:
    return rows.sites if rows.groups is None else rows.groups
