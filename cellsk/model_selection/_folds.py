"""Folds that test each image at most once, and their checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import count_noun, list_some, name_some
from cellsk.exceptions import InputError, SplitWarning
from cellsk.model_selection._image_hashes import hash_images, name_images
from cellsk.model_selection._manifest import ManifestRow, build_manifest
from cellsk.model_selection._rows import Rows, list_classes

__all__ = ["Folds", "Splits", "check_folds", "check_sides"]

Splits = list[tuple[NDArray[np.intp], NDArray[np.intp]]]
_MAX_NAMED = 3  # folds named in a message


@dataclass(frozen=True, eq=False)
class Folds:
    """Folds that test each image at most once, with a description.

    Made by :func:`resolve_cv`.

    Attributes
    ----------
    splits : list of (ndarray, ndarray)
        Sorted rows of training and test, fold by fold.
    description : str
        The splitter or file that made them: `"StratifiedGroupKFold(n_splits=5, ...)"`.
    source : {"chosen", "given", "manifest"}
        Whether cellsk chose them, the caller gave them, or they come from a file.
    random_state : int or None
        Seed of the splitter, if it has one.
    groups_kept_together, sites_kept_together : bool
        Whether patients, or sites, are known. Then none of them is on both sides.
    notes : list of SplitWarning
        Warnings about folds that are allowed but unbalanced.
    """

    splits: Splits
    description: str
    source: str
    random_state: int | None
    groups_kept_together: bool
    sites_kept_together: bool
    notes: list[SplitWarning]
    images: Any = field(repr=False)
    rows: Rows = field(repr=False)

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """Fold of each row, from 0. It is -1 for images that are never tested."""
        codes = np.full(len(self.rows.y), -1, dtype=np.intp)
        for fold, (_, test) in enumerate(self.splits):
            codes[test] = fold
        return codes

    @property
    def tested(self) -> NDArray[np.intp]:
        """Rows that a fold tests, in order."""
        return np.flatnonzero(self.codes >= 0)

    @property
    def is_repeatable(self) -> bool:
        """Whether each fold trains on all images that it does not test.

        Only then a manifest, which has the fold that tests each image, describes the folds.
        """
        return all(len(train) + len(test) == len(self.rows.y) for train, test in self.splits)

    @cached_property
    def files(self) -> list[str]:
        """Name of each image, as :func:`name_images` gives it."""
        return name_images(self.images)

    @cached_property
    def hashes(self) -> list[str]:
        """SHA-256 of each image, as :func:`hash_images` gives it; computed on first use."""
        return hash_images(self.images)

    def manifest(self, labels: ArrayLike | None = None) -> list[ManifestRow]:
        """Return the rows of the fold manifest.

        Parameters
        ----------
        labels : array-like of shape (n_samples,), default=None
            Names to write for the classes. None writes the labels.

        Returns
        -------
        rows : list of dict
            As :func:`build_manifest` returns them.

        Raises
        ------
        ImageReadError
            If a file cannot be opened.

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
    """Return the sides of a fold as sorted rows.

    Raises
    ------
    ValueError
        If a side is empty or has no valid row numbers, or a row is on both sides.
    """
    rule = "must give pairs (train, test) of row numbers"
    try:
        train, test = (_as_rows(side, n_rows) for side in fold)
    except (TypeError, ValueError):
        raise InputError(
            rule,
            f"fold {number}, which is not a pair of lists of row numbers of these images",
            f"Pass pairs of lists of whole numbers from 0 to {n_rows - 1}, such as"
            " splitter.split(X, y) yields, or cv=choose_cv(y, groups).",
            parameter="cv",
            code="cv-rows-invalid",
        ) from None
    shared = np.intersect1d(train, test)
    if len(shared):
        raise InputError(
            rule,
            f"{count_noun(len(shared), 'image')} in both training and test of fold {number}. First:"
            f" X[{shared[0]}]",
            "Remove them from one of the two sides, or pass cv=choose_cv(y, groups).",
            parameter="cv",
        )
    if not len(train) or not len(test):
        side = "test" if len(train) else "training"
        raise InputError(
            rule,
            f"fold {number} with no image in {side}",
            "Pass fewer folds, or choose_cv(y, groups).",
            parameter="cv",
            code="cv-side-empty",
        )
    return train, test


def _as_rows(side: Any, n_rows: int) -> NDArray[np.intp]:
    """Return sorted row numbers, from row numbers or from a mask.

    Raises
    ------
    ValueError
        If it is something else.
    """
    rows = np.asarray(side)
    if rows.dtype == bool and rows.shape == (n_rows,):
        return np.flatnonzero(rows)
    if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
        raise ValueError("not row numbers")
    if len(rows) and not 0 <= rows.min() <= rows.max() < n_rows:
        raise ValueError("out of range")
    return np.sort(rows.astype(np.intp))


def check_folds(splits: Splits, name: str, rows: Rows) -> list[SplitWarning]:
    """Check folds, and return warnings about classes that are missing from a side.

    Raises
    ------
    ValueError
        If there is no fold, an image is tested more than once, a patient or a site is on both
        sides, or a training side has one class only.
    """
    _check_tested_once(splits, name, len(rows.y))
    one = ", GroupShuffleSplit(1) for one split" if len(splits) == 1 else ""
    independent = f"choose_cv(y, groups){one}, or pass groups=None if the images are independent"
    _check_kept_together(splits, name, rows.groups, ("groups", "patient"), independent)
    preserving = "choose_cv(y, groups, sites=sites), or pass sites=None"
    _check_kept_together(splits, name, rows.sites, ("sites", "site"), preserving)
    return _note_classes(splits, name, rows.y)


def _check_tested_once(splits: Splits, name: str, n_rows: int) -> None:
    """Raise if there is no fold, or if an image is tested by several folds."""
    if not splits:
        raise InputError(
            "must have at least one fold",
            f"{name}, with none",
            "Pass choose_cv(y, groups), a number of folds, or one pair (train, test) of rows.",
            parameter="cv",
            code="cv-without-folds",
        )
    times = np.bincount(np.concatenate([test for _, test in splits]), minlength=n_rows)
    repeated = int(np.sum(times > 1))
    if repeated:
        raise InputError(
            "must test each image at most once, so that each has one prediction",
            f"{name}, which tests {count_noun(repeated, 'image')} more than once, as ShuffleSplit"
            " and RepeatedKFold do",
            "Pass choose_cv(y, groups), a number of folds, or a splitter with one split, such as"
            " GroupShuffleSplit(1).",
            parameter="cv",
            code="cv-not-tested-once",
        )


def _check_kept_together(
    splits: Splits, name: str, units: NDArray | None, words: tuple[str, str], remedy: str
) -> None:
    if units is None:
        return
    codes = np.unique(units, return_inverse=True)[1]
    split: set[int] = set()
    for train, test in splits:
        split.update(np.intersect1d(codes[train], codes[test]).tolist())
    if split:
        raise InputError(
            f"must keep {words[0]} together",
            f"{name}, which puts images of {count_noun(len(split), words[1])} in both training and"
            " test",
            f"Use {remedy}.",
            parameter="cv",
            code=f"cv-splits-{words[0]}",
        )


def _note_classes(splits: Splits, name: str, labels: NDArray) -> list[SplitWarning]:
    """Return a warning for each side that lacks a class, or raise if training has one class."""
    for number, (train, _) in enumerate(splits, start=1):
        known = list_classes(labels[train])
        if len(known) < 2:
            raise InputError(
                "Each training side must have at least two classes",
                f"{name}, whose fold {number} trains on {name_some(known)} only",
                "Pass choose_cv(y, groups), or fewer folds."
                if len(splits) > 1
                else "Pass another split, or choose_cv(y, groups).",
                code="one-class-in-training",
                values={"n_folds": len(splits)},
            )
    training = _name_missing([labels[train] for train, _ in splits], labels)
    test = _name_missing([labels[test] for _, test in splits], labels)
    remedy = "Pass fewer folds" if len(splits) > 1 else "Pass another split"
    scores = "such a fold alone" if len(splits) > 1 else "one class"
    notes = []
    if training:
        note = SplitWarning(
            "Each training side should have every class",
            f"{name}, with {training}. A model cannot predict a class without training images, so"
            " these images count as errors",
            f"{remedy}, or add patients.",
            code="class-missing-from-training",
            values={"n_folds": len(splits)},
        )
        notes.append(note)
    if test:
        note = SplitWarning(
            "Each fold should test every class",
            f"{name}, with {test}. Scores of {scores} may be undefined",
            f"{remedy}, or add patients.",
            code="class-missing-from-test",
        )
        notes.append(note)
    return notes


def _name_missing(sides: list[NDArray], labels: NDArray) -> str:
    """Return the folds that lack a class, such as `"fold 2 without 'a' and 1 more"`, or ""."""
    every = list_classes(labels)
    found = []
    for number, side in enumerate(sides, start=1):
        known = set(side.tolist())
        missing = [label for label in every if label not in known]
        if missing:
            found.append(f"fold {number} without {name_some(missing)}")
    return list_some(found[:_MAX_NAMED], len(found))
