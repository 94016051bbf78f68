"""Choice of a splitter for images, patients or sites."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from cellsk._checks import count_noun, list_some, name_some, pick_form
from cellsk.exceptions import InputError, SplitWarning
from cellsk.model_selection._patient_folds import StratifiedPatientKFold
from cellsk.model_selection._rows import Rows, count_units, list_classes
from cellsk.model_selection._site_folds import PreservedSiteKFold, join_sites

__all__ = ["choose_splitter"]

# scikit-learn assigns whole groups in one pass and may leave a class out of a fold; another
# seed may not. The work grows with the number of groups, and with many the first seed suffices.
_MAX_SEEDS, _MAX_GROUPS_TO_ASSIGN = 50, 20_000


def choose_splitter(rows: Rows, n_splits: int, seed: int) -> tuple[Any, list[SplitWarning]]:
    """Return a splitter, and warnings about its folds.

    Raises
    ------
    ValueError
        If there are no such folds.
    """
    _check_counts(rows, n_splits)
    if rows.groups is None and rows.sites is None:
        return StratifiedKFold(n_splits, shuffle=True, random_state=seed), []
    n_lacking, splitter = _try_seeds(rows, n_splits, seed)
    if n_lacking == (0, 0):
        return splitter, []
    fewer = _find_fewer_folds(rows, n_splits, seed)
    if n_lacking[0]:
        raise _describe_training(rows, n_splits, n_lacking[0], fewer)
    return splitter, [_describe_tests(rows, splitter, fewer)]


def _name_unit(rows: Rows) -> str:
    return "site" if rows.sites is not None else "patient" if rows.groups is not None else "image"


def _find_units(rows: Rows) -> NDArray:
    """Return the joined site of each row, else its patient, else its number."""
    if rows.sites is not None and rows.groups is not None:
        site_of = join_sites(rows.groups, rows.sites)
        return np.array([site_of[name] for name in rows.groups.tolist()])
    known = rows.groups if rows.sites is None else rows.sites
    return np.arange(len(rows.y)) if known is None else known


def _has_joined_sites(rows: Rows) -> bool:
    return rows.sites is not None and len(np.unique(_find_units(rows))) < len(np.unique(rows.sites))


def _check_counts(rows: Rows, n_splits: int) -> None:
    """Raise if a class has fewer images, patients or sites than there are folds."""
    unit = _name_unit(rows)
    counts = count_units(rows.y, _find_units(rows))
    few = {name: count for name, count in counts.items() if count < n_splits}
    if not few:
        return
    named = [f"{name!r} with {count_noun(few[name], unit)}" for name in list(few)[:3]]
    joined = ". Sites that share a patient count as one" if _has_joined_sites(rows) else ""
    possible = min(few.values())
    code = {"patient": "groups", "image": "images", "site": "sites"}[unit]
    raise InputError(
        f"Each class must have at least as many {unit}s as there are folds, so that each fold can"
        " test one",
        f"{list_some(named, len(few))} for {n_splits} folds{joined}",
        _suggest(rows, possible),
        code=f"too-few-{code}-for-folds",
        values={"n_splits": possible, "unit": unit},
    )


def _suggest(rows: Rows, n_splits: int) -> str:
    """Return the remedy, with the largest possible number of folds if it is at least 2."""
    if n_splits >= 2:
        return f"Pass n_splits={n_splits}{' or fewer' if n_splits > 2 else ''}."
    if rows.sites is not None:
        return "Add sites, or pass sites=None."
    if rows.groups is not None:
        return "Add patients, or pass groups=None if the images are independent."
    return "Add images of such a class, or leave it out."


def _try_seeds(rows: Rows, n_splits: int, seed: int) -> tuple[tuple[int, int], Any]:
    """Return the splitter whose folds lack the fewest classes, and how many sides lack one.

    Splitters that balance images are tried first, then splitters that balance patients.
    """
    units = _find_units(rows)
    n_units = len(np.unique(units))
    n_seeds = min(max(_MAX_GROUPS_TO_ASSIGN // n_units, 2), _MAX_SEEDS)
    seeds = [seed, *np.random.SeedSequence(seed).generate_state(n_seeds - 1).tolist()]
    tried = []
    for by_images, candidate in product((True, False), seeds):
        splitter = _make_group_splitter(n_splits, candidate, by_images)
        n_lacking = _count_lacking(rows.y, units, splitter)
        tried.append((n_lacking, by_images, candidate))
        if n_lacking == (0, 0):
            break
    n_lacking, by_images, candidate = min(tried, key=lambda trial: trial[0])
    if rows.groups is None or rows.sites is None:
        return n_lacking, _make_group_splitter(n_splits, candidate, by_images)
    count = "images" if by_images else "sites"
    site_of = join_sites(rows.groups, rows.sites)
    return n_lacking, PreservedSiteKFold(site_of, n_splits, count=count, random_state=candidate)


def _make_group_splitter(n_splits: int, seed: int, by_images: bool) -> StratifiedGroupKFold:
    if by_images:
        return StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    return StratifiedPatientKFold(n_splits, random_state=seed)


def _count_lacking(labels: NDArray, units: NDArray, splitter: Any) -> tuple[int, int]:
    """Return the number of training sides, and of test sides, that lack a class."""
    n_classes = len(np.unique(labels))
    sides = [
        [len(np.unique(labels[side])) < n_classes for side in fold]
        for fold in splitter.split(labels, labels, units)
    ]
    return sum(fold[0] for fold in sides), sum(fold[1] for fold in sides)


def _find_fewer_folds(rows: Rows, n_splits: int, seed: int) -> int:
    """Return the largest smaller number of folds that lack no class, or 0."""
    for count in range(n_splits - 1, 1, -1):
        if _try_seeds(rows, count, seed)[0] == (0, 0):
            return count
    return 0


def _describe_training(rows: Rows, n_splits: int, n_lacking: int, fewer: int) -> InputError:
    unit = _name_unit(rows)
    return InputError(
        "Each class must be in the training side of each fold",
        f"{n_splits} folds of whole {unit}s, of which {n_lacking}"
        f" {pick_form(n_lacking, 'leaves', 'leave')} a class out of training",
        _suggest(rows, fewer),
        code="folds-lack-training-class",
        values={"n_splits": fewer, "unit": unit},
    )


def _describe_tests(rows: Rows, splitter: Any, fewer: int) -> SplitWarning:
    units = rows.groups if rows.groups is not None else rows.sites
    every = list_classes(rows.y)
    missing = [
        sorted(set(every) - set(rows.y[test].tolist()))
        for _, test in splitter.split(rows.y, rows.y, units)
    ]
    names = name_some([name for name in every if any(name in fold for fold in missing)])
    return SplitWarning(
        "Each fold should test every class",
        f"{sum(map(bool, missing))} of {len(missing)} folds of whole {_name_unit(rows)}s without"
        f" {names}, so scores of such a fold alone may be undefined",
        f"Pass n_splits={fewer} for folds that do." if fewer else "",
        code="class-missing-from-test",
        values={"n_splits": fewer},
    )
