"""Folds that test each image once: their checks, and what a report tells of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import count_noun, name_some
from cellsk.model_selection._image_hashes import hash_images, name_images
from cellsk.model_selection._manifest import ManifestRow, build_manifest
from cellsk.model_selection._rows import Rows, name_classes

__all__ = ["Folds", "Splits", "check_folds", "check_sides"]

Splits = list[tuple[NDArray[np.intp], NDArray[np.intp]]]
_NAMED = 3  # folds named in a sentence


@dataclass(frozen=True, eq=False)
class Folds:
    """Folds that test each image once, and what there is to tell of them.

    Made by :func:`resolve_cv`.

    Attributes
    ----------
    splits : list of (ndarray, ndarray)
        Sorted rows of training and test, fold by fold.
    description : str
        What made them, for people: `"StratifiedGroupKFold(n_splits=5, ...)"`.
    source : {"chosen", "given", "manifest"}
        Whether cellsk chose them, the caller gave them, or a file says them.
    random_state : int or None
        Seed of the splitter, where it has one.
    groups_kept_together, sites_kept_together : bool
        True where patients, or sites, are known; then none is on both sides.
    notes : list of str
        Sentences on folds that are allowed but lopsided.
    """

    splits: Splits
    description: str
    source: str
    random_state: int | None
    groups_kept_together: bool
    sites_kept_together: bool
    notes: list[str]
    images: Any = field(repr=False)
    rows: Rows = field(repr=False)

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """Fold of each row, from 0."""
        codes = np.empty(len(self.rows.y), dtype=np.intp)
        for fold, (_, test) in enumerate(self.splits):
            codes[test] = fold
        return codes

    @cached_property
    def files(self) -> list[str]:
        """Name of each image, as :func:`name_images` gives it."""
        return name_images(self.images)

    @cached_property
    def hashes(self) -> list[str]:
        """SHA-256 of each image, as :func:`hash_images` gives it; computed when first asked for."""
        return hash_images(self.images)

    def manifest(self, labels: ArrayLike | None = None) -> list[ManifestRow]:
        """Return the rows of the fold manifest.

        Parameters
        ----------
        labels : array-like of shape (n_samples,), default=None
            Names to write for the classes. None writes the labels as they came.

        Returns
        -------
        rows : list of dict
            As :func:`build_manifest` returns them.

        Raises
        ------
        ImageReadError
            When a file cannot be opened.

        Examples
        --------
        >>> from cellsk.model_selection import resolve_cv
        >>> folds = resolve_cv(2, [b"a", b"b", b"c", b"d"], [0, 0, 1, 1])
        >>> [row["label"] for row in folds.manifest()]
        ['0', '0', '1', '1']
        """
        names = self.rows.y if labels is None else labels
        return build_manifest(self.images, names, self.rows.groups, self.codes, hashes=self.hashes)


def check_sides(fold: Any, number: int, n_rows: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the sides of a fold as sorted rows: some, known, and disjoint.

    Raises
    ------
    ValueError
        When they are not.
    """
    rule = "cv must give pairs (train, test) of row numbers."
    try:
        train, test = (_as_rows(side, n_rows) for side in fold)
    except (TypeError, ValueError):
        raise ValueError(
            f"{rule} Got something else as fold {number}. Pass whole numbers from 0 to"
            f" {n_rows - 1}, as splitter.split(X, y) yields them."
        ) from None
    shared = np.intersect1d(train, test)
    if len(shared):
        raise ValueError(
            f"{rule} Got {count_noun(len(shared), 'image')} in both training and test of fold"
            f" {number}. First: X[{shared[0]}]. Test on other images than those of training."
        )
    if not len(train) or not len(test):
        side = "test" if len(train) else "training"
        raise ValueError(
            f"{rule} Got fold {number} with no image in {side}. Pass fewer folds, or"
            " choose_cv(y, groups)."
        )
    return train, test


def _as_rows(side: Any, n_rows: int) -> NDArray[np.intp]:
    """Return sorted row numbers, from row numbers or from a mask.

    Raises
    ------
    ValueError
        When it is neither.
    """
    rows = np.asarray(side)
    if rows.dtype == bool and rows.shape == (n_rows,):
        return np.flatnonzero(rows)
    if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
        raise ValueError("no rows")
    if len(rows) and not 0 <= rows.min() <= rows.max() < n_rows:
        raise ValueError("out of range")
    return np.sort(rows.astype(np.intp))


def check_folds(splits: Splits, name: str, rows: Rows) -> list[str]:
    """Check that folds give honest numbers; return sentences on what is lopsided.

    Raises
    ------
    ValueError
        When an image is tested never or twice, a patient or a site is on both sides, or a
        training side holds one class only.
    """
    _check_tested_once(splits, name, len(rows.y))
    independent = "choose_cv(y, groups), or pass groups=None if the images are independent"
    _check_kept_together(splits, name, rows.groups, ("groups", "patient"), independent)
    preserving = "choose_cv(y, groups, sites=sites), or pass sites=None"
    _check_kept_together(splits, name, rows.sites, ("sites", "site"), preserving)
    return _note_classes(splits, name, rows.y)


def _check_tested_once(splits: Splits, name: str, n_rows: int) -> None:
    """Raise unless each image is tested by one fold, as out-of-fold numbers need."""
    tested = np.concatenate([test for _, test in splits] or [np.empty(0, dtype=np.intp)])
    times = np.bincount(tested, minlength=n_rows)
    counts = {"never": int(np.sum(times == 0)), "more than once": int(np.sum(times > 1))}
    found = [f"tests {count_noun(count, 'image')} {how}" for how, count in counts.items() if count]
    if found:
        raise ValueError(
            f"cv must test each image exactly once. Got {name}, which {' and '.join(found)}, as"
            " ShuffleSplit, RepeatedKFold or TimeSeriesSplit do. Pass choose_cv(y, groups), or a"
            " number of folds."
        )


def _check_kept_together(
    splits: Splits, name: str, units: NDArray | None, words: tuple[str, str], remedy: str
) -> None:
    if units is None:
        return
    codes = np.unique(units, return_inverse=True)[1]
    parted: set[int] = set()
    for train, test in splits:
        parted.update(np.intersect1d(codes[train], codes[test]).tolist())
    if parted:
        raise ValueError(
            f"cv must keep {words[0]} together. Got {name}, which puts images of"
            f" {count_noun(len(parted), words[1])} in both training and test. Use {remedy}."
        )


def _note_classes(splits: Splits, name: str, labels: NDArray) -> list[str]:
    """Return a sentence for each side that lacks a class; one class alone teaches nothing."""
    for number, (train, _) in enumerate(splits, start=1):
        known = name_classes(labels[train])
        if len(known) < 2:
            raise ValueError(
                f"Each training side must hold at least two classes. Got {name}, whose fold"
                f" {number} trains on {name_some(known)} only. Pass choose_cv(y, groups), or"
                " fewer folds."
            )
    training = _name_missing([labels[train] for train, _ in splits], labels)
    test = _name_missing([labels[test] for _, test in splits], labels)
    notes = []
    if training:
        notes.append(
            f"Each training side should hold every class. Got {name}, with {training}: a model"
            " cannot predict a class that it never saw, and such images count as errors. Pass"
            " fewer folds, or add patients."
        )
    if test:
        notes.append(
            f"Each fold should test every class. Got {name}, with {test}: scores of such a fold"
            " alone may be undefined. Pass fewer folds, or add patients."
        )
    return notes


def _name_missing(sides: list[NDArray], labels: NDArray) -> str:
    """Return which folds lack what: `"fold 2 without 'a' and 1 more"`; "" if none does."""
    every = name_classes(labels)
    found = []
    for number, side in enumerate(sides, start=1):
        known = set(side.tolist())
        missing = [label for label in every if label not in known]
        if missing:
            found.append(f"fold {number} without {name_some(missing)}")
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more
