"""Splits: chosen for the labels, patients and sites, or given and checked."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from numbers import Integral
from textwrap import shorten
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from cellsk._checks import check_count, count_noun
from cellsk.exceptions import SplitWarning
from cellsk.model_selection._folds import Folds, Splits, check_folds, check_sides
from cellsk.model_selection._image_hashes import hash_images
from cellsk.model_selection._manifest import read_manifest
from cellsk.model_selection._manifest_match import match_manifest
from cellsk.model_selection._rows import Rows, check_rows, check_seed
from cellsk.model_selection._splitter import pick_splitter

__all__ = ["choose_cv", "resolve_cv"]


def choose_cv(
    y: ArrayLike,
    groups: ArrayLike | None = None,
    n_splits: int = 5,
    *,
    sites: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> StratifiedKFold | StratifiedGroupKFold:
    """Choose the cross-validation that fits the labels, patients and sites.

    Every fold gets about the same share of each class. Images of one patient stay on one
    side, and so do those of one site where sites are given. The labels are looked at first,
    so that a split that cannot work is refused here and not after hours of training.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class of each image.
    groups : array-like of shape (n_samples,), default=None
        Patient or slide of each image. None takes the images as independent.
    n_splits : int, default=5
        Number of folds.
    sites : array-like of shape (n_samples,), default=None
        Hospital, scanner or laboratory of each image, to be kept on one side too. Sites
        that share a patient are taken as one.
    random_state : int, RandomState or None, default=0
        Seed of the folds. None draws one, and the splitter keeps it.

    Returns
    -------
    cv : splitter
        For `cv` of scikit-learn's searches and scores, and of `evaluate`. Without groups a
        :class:`~sklearn.model_selection.StratifiedKFold`, with groups a
        :class:`~sklearn.model_selection.StratifiedGroupKFold`, both shuffled. With sites, a
        `PreservedSiteKFold`, which remembers the site of each patient; without groups,
        a StratifiedGroupKFold that takes the sites as `groups`. Where a class has so few
        patients that the last two leave it out of a fold, a `StratifiedPatientKFold`.

    Raises
    ------
    TypeError, ValueError
        When `y` is of one class, a class has fewer patients (or images, or sites) than there
        are folds or is left out of a training side, names are missing, or lengths differ.

    Warns
    -----
    SplitWarning
        When whole patients cannot be dealt out so that each fold tests every class.

    See Also
    --------
    sklearn.model_selection.StratifiedGroupKFold : The splitter of groups.

    Notes
    -----
    `groups` must still be given where the splitter splits: `search.fit(X, y, groups=groups)`.

    The folds are those of `random_state` itself where each holds every class. Where they do
    not, further seeds drawn from it are tried, always the same ones, and then folds that
    balance patients instead of images. The splitter shows what it came to.

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
    n_folds = check_count("n_splits", n_splits, minimum=2)
    splitter, notes = pick_splitter(rows, n_folds, check_seed(random_state))
    for note in notes:
        warnings.warn(note, SplitWarning, stacklevel=2)
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
    """Turn any `cv` into folds that test each image once and keep patients together.

    Parameters
    ----------
    cv : None, int, splitter, iterable, str or Path
        None or a number of folds chooses as :func:`choose_cv` does. A splitter or an iterable
        of (train, test) rows is taken as it is. A path is a fold manifest.
    X : sequence of length n_samples
        Paths or images. Only a manifest looks at more than their number.
    y : array-like of shape (n_samples,)
        Class of each image.
    groups : array-like of shape (n_samples,), default=None
        Patient or slide of each image. None takes the images as independent.
    n_splits : int, default=5
        Number of folds where `cv` is None.
    sites : array-like of shape (n_samples,), default=None
        Site of each image, to be kept on one side too.
    random_state : int, RandomState or None, default=0
        Seed of chosen folds.

    Returns
    -------
    folds : Folds
        The rows of each fold, and their description.

    Raises
    ------
    TypeError, ValueError
        When an image is tested never or twice, a side is empty, a patient or a site is on
        both sides, a training side holds one class only, or `choose_cv` refuses.
    FileNotFoundError, FoldManifestError
        When the manifest is missing, damaged, or of other images.
    ImageReadError
        When an image of a manifest cannot be opened.

    Warns
    -----
    SplitWarning
        When a training or test side lacks a class.

    Examples
    --------
    >>> from cellsk.model_selection import resolve_cv
    >>> folds = resolve_cv(2, range(4), ["a", "a", "b", "b"])
    >>> folds.description, len(folds.splits)
    ('StratifiedKFold(n_splits=2, random_state=0, shuffle=True)', 2)
    """
    rows = check_rows(y, groups, sites)
    if len(X) != len(rows.y):
        raise ValueError(
            f"X and y must have one entry per image. Got {count_noun(len(X), 'image')} and"
            f" {count_noun(len(rows.y), 'label')}. Pass images and labels of the same rows."
        )
    if isinstance(cv, str | os.PathLike):
        folds = _read_folds(cv, X, rows)
    elif cv is None or isinstance(cv, Integral):
        n_folds = check_count("n_splits (or cv)", n_splits if cv is None else cv, minimum=2)
        folds = _choose_folds(X, rows, n_folds, check_seed(random_state))
    else:
        folds = _take_folds(cv, X, rows)
    for note in folds.notes:
        warnings.warn(note, SplitWarning, stacklevel=2)
    return folds


def _choose_folds(X: Any, rows: Rows, n_splits: int, seed: int) -> Folds:
    splitter, notes = pick_splitter(rows, n_splits, seed)
    splits = list(splitter.split(rows.y, rows.y, _what_to_split_by(rows)))
    folds = _pack(splits, repr(splitter), "chosen", splitter.random_state, X, rows)
    # The splitter's own note says how many folds would do.
    return replace(folds, notes=notes)


def _read_folds(path: str | os.PathLike[str], X: Any, rows: Rows) -> Folds:
    hashes = hash_images(X)
    codes = match_manifest(read_manifest(path), X, rows.y, rows.groups, hashes=hashes)
    numbers = range(int(codes.max()) + 1)
    splits = [(np.flatnonzero(codes != fold), np.flatnonzero(codes == fold)) for fold in numbers]
    # The name alone: where the file lies is nobody's business in a report that is passed on.
    name = f"{os.path.basename(os.fspath(path))} ({len(splits)} folds)"
    folds = _pack(splits, name, "manifest", None, X, rows)
    folds.__dict__["hashes"] = hashes  # as cached_property would keep them
    return folds


def _take_folds(cv: Any, X: Any, rows: Rows) -> Folds:
    is_splitter = hasattr(cv, "split")
    if not is_splitter and not isinstance(cv, Iterable):
        raise TypeError(
            "cv must be None, a number of folds, a splitter, an iterable of (train, test) rows,"
            f" or the path of a fold manifest. Got {cv!r}. Pass choose_cv(y, groups)."
        )
    given = _split_with(cv, X, rows) if is_splitter else list(cv)
    # PredefinedSplit shows the fold of every row.
    name = shorten(repr(cv), 120) if is_splitter else f"a list of {count_noun(len(given), 'fold')}"
    splits = [check_sides(fold, number, len(rows.y)) for number, fold in enumerate(given, 1)]
    seed = getattr(cv, "random_state", None)
    seed = int(seed) if isinstance(seed, Integral) else None
    return _pack(splits, name, "given", seed, X, rows)


def _split_with(cv: Any, X: Any, rows: Rows) -> list[Any]:
    """Return the folds of a splitter, whose warnings our own checks make superfluous."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        try:
            return list(cv.split(X, rows.y, _what_to_split_by(rows)))
        except ValueError as error:
            raise ValueError(
                f"cv must be able to split these images. Got {shorten(repr(cv), 120)}, which says:"
                f" {str(error).rstrip('.')}. Pass choose_cv(y, groups), or the groups if it lacks"
                " them."
            ) from error


def _what_to_split_by(rows: Rows) -> NDArray | None:
    return rows.sites if rows.groups is None else rows.groups


def _pack(splits: Splits, name: str, source: str, seed: int | None, X: Any, rows: Rows) -> Folds:
    return Folds(
        splits=splits,
        description=name,
        source=source,
        random_state=seed,
        groups_kept_together=rows.groups is not None,
        sites_kept_together=rows.sites is not None,
        notes=check_folds(splits, name, rows),
        images=X,
        rows=rows,
    )
