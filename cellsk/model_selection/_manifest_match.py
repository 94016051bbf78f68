"""Search for images in a fold manifest by their contents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellsk._checks import count_noun, name_some
from cellsk._text import escape_text
from cellsk.exceptions import FoldManifestError
from cellsk.model_selection._image_hashes import hash_images, name_images
from cellsk.model_selection._manifest import ManifestRow
from cellsk.model_selection._rows import as_text

__all__ = ["match_manifest"]


def match_manifest(
    manifest: Sequence[ManifestRow],
    X: Any,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    hashes: list[str] | None = None,
) -> NDArray[np.intp]:
    """Return the fold that a manifest gives each image.

    An image is identified by its SHA-256, so that moved or renamed files are found, in any
    order. Images with the same bytes are identified by file name, then by label and group.

    Parameters
    ----------
    manifest : list of dict
        As :func:`read_manifest` returns it.
    X : sequence of length n_samples
        Paths, contents of files, or images.
    y : array-like of shape (n_samples,)
        Class of each image.
    groups : array-like of shape (n_samples,), default=None
        Patient of each image.
    hashes : list of str, default=None
        Result of :func:`hash_images`, if it was called before.

    Returns
    -------
    codes : ndarray of int of shape (n_samples,)
        Fold of each image, from 0. It is -1 for images that no fold tests.

    Raises
    ------
    ImageReadError
        If a file cannot be opened.
    FoldManifestError
        If the manifest describes other images, labels or patients.

    Notes
    -----
    Labels and groups are compared as text. If all names differ from those in the manifest (0
    and 1 for benign and malignant, pseudonyms for patients), they match if each old name
    corresponds to one new name.

    Examples
    --------
    >>> from cellsk.model_selection import build_manifest, match_manifest
    >>> manifest = build_manifest([b"a", b"b"], ["benign", "malignant"], None, [0, 1])
    >>> match_manifest(manifest, [b"b", b"a"], ["malignant", "benign"])
    array([1, 0])
    """
    images = [
        ManifestRow(file=file, sha256=sha256, label=label, group=group, fold=None)
        for file, sha256, label, group in zip(
            name_images(X),
            hash_images(X) if hashes is None else hashes,
            as_text(y),
            [None] * len(X) if groups is None else as_text(groups),
            strict=True,
        )
    ]
    manifest, images = _escape_rows(manifest), _escape_rows(images)
    row_of = _match(manifest, images)
    found = [manifest[row] for row in row_of]
    _check_names("label", [row["label"] for row in found], [row["label"] for row in images], images)
    _check_groups(found, images)
    return np.array([(row["fold"] or 0) - 1 for row in found], dtype=np.intp)


def _escape_rows(rows: Sequence[ManifestRow]) -> list[ManifestRow]:
    """Return the rows with names as a csv file holds them."""
    return [
        ManifestRow(
            file=escape_text(row["file"]),
            sha256=row["sha256"],
            label=escape_text(row["label"]),
            group=None if row["group"] is None else escape_text(row["group"]),
            fold=row["fold"],
        )
        for row in rows
    ]


def _match(manifest: Sequence[ManifestRow], images: list[ManifestRow]) -> list[int]:
    """Return the manifest's row of each image, matched by the strictest key first."""
    row_of: dict[int, int] = {}
    open_rows = set(range(len(manifest)))
    for key in _KEYS:
        left: dict[Any, list[int]] = defaultdict(list)
        for row in sorted(open_rows, key=lambda row: manifest[row]["file"], reverse=True):
            left[key(manifest[row])].append(row)
        for place in sorted(
            set(range(len(images))) - set(row_of), key=lambda place: images[place]["file"]
        ):
            rows = left.get(key(images[place]))
            if rows:
                row_of[place] = rows.pop()
                open_rows.discard(row_of[place])
    _check_complete(manifest, images, set(row_of), open_rows)
    return [row_of[place] for place in range(len(images))]


# All keys require equal bytes. Names, label and group distinguish duplicates.
_KEYS: tuple[Callable[[ManifestRow], tuple], ...] = (
    lambda row: (row["sha256"], row["file"], row["label"], row["group"]),
    lambda row: (row["sha256"], row["file"].rpartition("/")[2], row["label"], row["group"]),
    lambda row: (row["sha256"], row["label"], row["group"]),
    lambda row: (row["sha256"],),
)


def _check_complete(
    manifest: Sequence[ManifestRow], images: list[ManifestRow], known: set[int], left: set[int]
) -> None:
    """Raise if an image has no row, or a row has no image."""
    lost = [images[place]["file"] for place in range(len(images)) if place not in known]
    spare = [manifest[row]["file"] for row in sorted(left)]
    if not lost and not spare:
        return
    changed = sorted(set(lost) & set(spare))
    sides = ((lost, "image", "without a row"), (spare, "row", "without an image"))
    found = [
        f"{count_noun(len(names), noun)} {what} ({name_some(names)})"
        for names, noun, what in sides
        if names
    ]
    hint = f". {count_noun(len(changed), 'name')} with other bytes" if changed else ""
    if not known:
        hint += ". Paths are identified by the bytes of their files, arrays by their pixels"
    raise FoldManifestError(
        "A fold manifest must have one row for each image, identified by its SHA-256",
        f"{' and '.join(found)}{hint}",
        "Pass the images that it was written for, or other folds.",
        code="manifest-other-images",
    )


def _check_groups(found: list[ManifestRow], images: list[ManifestRow]) -> None:
    """Compare patients. Without patients in the manifest, check_folds checks them."""
    old = [row["group"] for row in found]
    new = [row["group"] for row in images]
    if old[0] is None:
        return
    if new[0] is None:
        raise FoldManifestError(
            "A fold manifest with groups needs the groups of the images",
            f"a manifest of {count_noun(len(set(old)), 'group')}, and images without groups",
            "Pass groups.",
            code="manifest-needs-groups",
        )
    _check_names("group", old, new, images)


def _check_names(
    what: str, old: Sequence[str | None], new: Sequence[str | None], images: list[ManifestRow]
) -> None:
    """Raise if labels or groups differ from the manifest and are not renamed one to one."""
    pairs = set(zip(old, new, strict=True))
    one_to_one = len(pairs) == len(set(old)) == len(set(new))
    if one_to_one and not set(old) & set(new):
        return
    changed = [row for row in range(len(images)) if old[row] != new[row]]
    if changed:
        row = changed[0]
        raise FoldManifestError(
            f"The {what}s must be those of the fold manifest",
            f"{count_noun(len(changed), 'image')} with another {what}. First:"
            f" {images[row]['file']!r}, {new[row]!r} instead of {old[row]!r} in the manifest",
            f"Pass the {what}s that it was written with, or other folds.",
            code=f"manifest-other-{what}s",
        )
