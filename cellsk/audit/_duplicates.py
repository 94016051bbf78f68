"""Sets of duplicate images, from equal digests and from pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cellsk.audit._fingerprints import Fingerprints
from cellsk.audit._near_duplicates import find_near_duplicates, verify_pairs

__all__ = [
    "cover_pairs",
    "find_exact_sets",
    "find_near_sets",
    "join_rows",
    "list_sets",
    "merge_groups",
]


def join_rows(n_rows: int, sets: Iterable[Sequence[int] | NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the component of each row, where each set connects its members."""
    links = [(int(members[0]), int(row)) for members in sets for row in members[1:]]
    here, there = np.array(links, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(here), dtype=bool), (here, there)), shape=(n_rows, n_rows))
    _, component = connected_components(graph, directed=False)
    return component.astype(np.int64)


def list_sets(component: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the rows of each component of at least two rows, ordered by the lowest row."""
    order = np.argsort(component, kind="stable")
    starts = np.flatnonzero(np.diff(component[order])) + 1
    sets = [members for members in np.split(order, starts) if len(members) > 1]
    return sorted(sets, key=lambda members: int(members[0]))


def find_exact_sets(prints: Fingerprints) -> list[NDArray[np.int64]]:
    """Return sets of images with the same pixels, in files of any format."""
    rows = np.flatnonzero(prints.readable)
    _, codes = np.unique(prints.pixel_digest[rows], return_inverse=True)
    return [rows[members] for members in list_sets(codes.astype(np.int64))]


def find_near_sets(
    prints: Fingerprints, exact: Sequence[NDArray[np.int64]]
) -> tuple[list[NDArray[np.int64]], list[tuple[int, int, float]]]:
    """Return sets of images that look the same but are not pixel-identical, and the pairs.

    A set also has the pixel-identical copies of its members. Each pair has the rows of two
    different pictures, and their correlation.
    """
    first = prints.readable.copy()
    for members in exact:
        first[members[1:]] = False
    rows = np.flatnonzero(first)
    thumbnails = prints.thumbnail[rows]
    found = find_near_duplicates(thumbnails)
    copies = {int(members[0]): members for members in exact}
    sets = [
        np.sort(np.concatenate([copies.get(int(row), np.array([row])) for row in rows[members]]))
        for members in cover_pairs(thumbnails, found.rows)
    ]
    pairs = [
        (int(one), int(other), float(value))
        for (one, other), value in zip(rows[found.rows], found.correlation, strict=True)
    ]
    return sorted(sets, key=lambda members: int(members[0])), pairs


def cover_pairs(thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return sets of which each image shows the same picture as the first one that was chosen.

    Pairs are not chained: if A looks like B, and B like C, then C is in the set of A only if it
    looks like A too. Otherwise B and C are another set, so that each pair is in a set. The images
    with the most pairs are chosen first, and reach others through the pairs of their copies.

    Parameters
    ----------
    thumbnails : ndarray of shape (n, size, size), dtype uint8
    pairs : ndarray of shape (n_pairs, 2)
        Verified pairs.

    Returns
    -------
    sets : list of ndarray of int64
        Rows of ``thumbnails``, sorted.
    """
    linked: dict[int, list[int]] = {}
    for one, other in pairs.tolist():
        linked.setdefault(one, []).append(other)
        linked.setdefault(other, []).append(one)
    order = sorted(linked, key=lambda row: -len(linked[row]))
    home: dict[int, int] = {}
    sets = []
    for row in order:
        if row not in home:
            members = _collect_copies(thumbnails, row, linked, home)
            home.update(dict.fromkeys(members, row))
            sets.append(members)
    sets += _list_crossing(order, linked, home)
    return [np.array(sorted(members)) for members in sets if len(members) > 1]


def _collect_copies(
    thumbnails: NDArray[np.uint8], row: int, linked: dict[int, list[int]], home: dict[int, int]
) -> list[int]:
    """Return a row and those that look like it, among the neighbors of its copies."""
    members, checked = [row], {row}
    new = [other for other in linked[row] if other not in home]
    checked.update(new)
    members += new  # these pairs are verified already
    while new:
        near = {other for one in new for other in linked[one]} - checked - home.keys()
        checked |= near
        pairs = np.array([[row, other] for other in sorted(near)], dtype=np.int64).reshape(-1, 2)
        new = verify_pairs(thumbnails, pairs).rows[:, 1].tolist()
        members += new
    return members


def _list_crossing(
    order: list[int], linked: dict[int, list[int]], home: dict[int, int]
) -> list[list[int]]:
    """Return sets for the pairs between two sets: a row and its copies in other sets."""
    done: set[tuple[int, int]] = set()
    sets = []
    for row in order:
        others = [
            other for other in linked[row] if home[other] != home[row] and (other, row) not in done
        ]
        done.update((row, other) for other in others)
        if others:
            sets.append([row, *others])
    return sets


def merge_groups(
    groups: NDArray[np.str_] | None, n_rows: int, sets: Sequence[NDArray[np.int64]]
) -> NDArray[np.str_]:
    """Return groups in which images that share a patient or a set are together.

    Without groups each image is a group such as "image 17". Joined groups are named after
    their members: "P1+P2".
    """
    if groups is None:
        component = join_rows(n_rows, sets)
        _, lowest = np.unique(component, return_index=True)
        return np.array([f"image {lowest[code]}" for code in component])
    names, codes = np.unique(groups, return_inverse=True)
    joined = join_rows(len(names), [np.unique(codes[members]) for members in sets])
    title = {
        code: _name_joined(names[joined == code].tolist()) for code in np.unique(joined).tolist()
    }
    return np.array([title[joined[code]] for code in codes.tolist()])


def _name_joined(names: list[str]) -> str:
    """Return a unique name, as no other joined group has the same first member."""
    return "+".join(names) if len(names) <= 3 else f"{names[0]}+{len(names) - 1} more"
