"""Sets of duplicate images, from equal digests and from pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cellsk.audit._fingerprints import Fingerprints
from cellsk.audit._near_duplicates import find_near_duplicates

__all__ = ["find_exact_sets", "find_near_sets", "join_rows", "list_sets", "merge_groups"]


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
    found = find_near_duplicates(prints.thumbnail[rows])
    links = rows[found.rows]
    component = join_rows(len(first), [*exact, *links])
    linked = set(component[links.ravel()].tolist())
    sets = [members for members in list_sets(component) if int(component[members[0]]) in linked]
    pairs = [
        (int(one), int(other), float(value))
        for (one, other), value in zip(links, found.correlation, strict=True)
    ]
    return sets, pairs


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
