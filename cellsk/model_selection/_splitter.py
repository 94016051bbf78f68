"""The scikit-learn splitter that deals out images, patients or sites."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from cellsk._checks import count_noun, name_some
from cellsk.model_selection._patient_folds import StratifiedPatientKFold
from cellsk.model_selection._rows import Rows, count_units, name_classes
from cellsk.model_selection._site_folds import PreservedSiteKFold, join_sites

__all__ = ["pick_splitter"]

# scikit-learn deals whole groups out in one pass and may leave a class out of a fold; another
# seed may not. The work grows with the number of groups, and with many the first seed will do.
_MOST_SEEDS, _GROUPS_TO_DEAL = 50, 20_000


def pick_splitter(rows: Rows, n_splits: int, seed: int) -> tuple[Any, list[str]]:
    """Return a splitter, and what is to be said about its folds.

    Raises
    ------
    ValueError
        When no such folds can be made.
    """
    _check_counts(rows, n_splits)
    if rows.groups is None and rows.sites is None:
        return StratifiedKFold(n_splits, shuffle=True, random_state=seed), []
    lacks, splitter = _try_seeds(rows, n_splits, seed)
    if lacks == (0, 0):
        return splitter, []
    fewer = _find_fewer(rows, n_splits, seed)
    if lacks[0]:
        raise ValueError(_describe_training(rows, n_splits, lacks[0], fewer))
    return splitter, [_describe_tests(rows, splitter, fewer)]


def _name_unit(rows: Rows) -> str:
    return "site" if rows.sites is not None else "patient" if rows.groups is not None else "image"


def _take_units(rows: Rows) -> NDArray:
    """Return what stays together: the joined site of each row, its patient, or the row."""
    if rows.sites is not None and rows.groups is not None:
        site_of = join_sites(rows.groups, rows.sites)
        return np.array([site_of[name] for name in rows.groups.tolist()])
    known = rows.groups if rows.sites is None else rows.sites
    return np.arange(len(rows.y)) if known is None else known


def _has_joined_sites(rows: Rows) -> bool:
    return rows.sites is not None and len(np.unique(_take_units(rows))) < len(np.unique(rows.sites))


def _check_counts(rows: Rows, n_splits: int) -> None:
    """Raise when a class has fewer images, patients or sites than there are folds."""
    unit = _name_unit(rows)
    counts = count_units(rows.y, _take_units(rows))
    few = {name: count for name, count in counts.items() if count < n_splits}
    if not few:
        return
    listed = ", ".join(f"{name!r} with {count_noun(few[name], unit)}" for name in list(few)[:3])
    more = f" and {len(few) - 3:,} more" if len(few) > 3 else ""
    joined = " Sites that share a patient count as one." if _has_joined_sites(rows) else ""
    raise ValueError(
        f"Each class must have at least n_splits {unit}s, so that each fold can test one of"
        f" its own. Got {listed}{more} for {n_splits} folds.{joined}"
        f" {_suggest(rows, min(few.values()))}"
    )


def _suggest(rows: Rows, n_splits: int) -> str:
    """Return the way out of folds that are too many, or that cannot be."""
    if n_splits >= 2:
        return f"Pass n_splits={n_splits}{' or fewer' if n_splits > 2 else ''}."
    if rows.sites is not None:
        return "Add sites, or pass sites=None."
    if rows.groups is not None:
        return "Add patients, or pass groups=None if the images are independent."
    return "Add images of such a class, or leave it out."


def _try_seeds(rows: Rows, n_splits: int, seed: int) -> tuple[tuple[int, int], Any]:
    """Return the first splitter whose folds lack no class, or the one that lacks least.

    Balanced images come first; where no seed will do, patients are balanced instead.
    """
    units = _take_units(rows)
    n_units = len(np.unique(units))
    n_seeds = min(max(_GROUPS_TO_DEAL // n_units, 2), _MOST_SEEDS)
    seeds = [seed, *np.random.SeedSequence(seed).generate_state(n_seeds - 1).tolist()]
    tried = []
    for by_images, candidate in product((True, False), seeds):
        plain = _make_plain(n_splits, candidate, by_images)
        lacks = _count_lacks(rows.y, units, plain)
        tried.append((lacks, by_images, candidate))
        if lacks == (0, 0):
            break
    lacks, by_images, candidate = min(tried, key=lambda trial: trial[0])
    if rows.groups is None or rows.sites is None:
        return lacks, _make_plain(n_splits, candidate, by_images)
    count = "images" if by_images else "sites"
    site_of = join_sites(rows.groups, rows.sites)
    return lacks, PreservedSiteKFold(site_of, n_splits, count=count, random_state=candidate)


def _make_plain(n_splits: int, seed: int, by_images: bool) -> StratifiedGroupKFold:
    if by_images:
        return StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    return StratifiedPatientKFold(n_splits, random_state=seed)


def _count_lacks(labels: NDArray, units: NDArray, splitter: Any) -> tuple[int, int]:
    """Return how many training sides, and how many test sides, lack a class."""
    n_classes = len(np.unique(labels))
    sides = [
        [len(np.unique(labels[side])) < n_classes for side in fold]
        for fold in splitter.split(labels, labels, units)
    ]
    return sum(fold[0] for fold in sides), sum(fold[1] for fold in sides)


def _find_fewer(rows: Rows, n_splits: int, seed: int) -> int:
    """Return the largest smaller number of folds that lack nothing; 0 if there is none."""
    for count in range(n_splits - 1, 1, -1):
        if _try_seeds(rows, count, seed)[0] == (0, 0):
            return count
    return 0


def _describe_training(rows: Rows, n_splits: int, n_lacking: int, fewer: int) -> str:
    return (
        "Each class must be in the training side of each fold. Got"
        f" {n_splits} folds of whole {_name_unit(rows)}s, of which {n_lacking} leave a class out"
        f" of training. {_suggest(rows, fewer)}"
    )


def _describe_tests(rows: Rows, splitter: Any, fewer: int) -> str:
    units = rows.groups if rows.groups is not None else rows.sites
    every = name_classes(rows.y)
    missing = [
        sorted(set(every) - set(rows.y[test].tolist()))
        for _, test in splitter.split(rows.y, rows.y, units)
    ]
    names = name_some([name for name in every if any(name in fold for fold in missing)])
    remedy = f" Pass n_splits={fewer} for folds that do." if fewer else ""
    return (
        f"Each fold should test every class. Got {sum(map(bool, missing))} of {len(missing)} folds"
        f" of whole {_name_unit(rows)}s without {names}: scores of such a fold alone may be"
        f" undefined.{remedy}"
    )
