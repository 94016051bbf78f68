"""What the HDF5 file of weights in a .keras file may hold: plain numbers, in the file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cellsk.exceptions import ModelFileError
from cellsk.persistence._refusal import refuse

if TYPE_CHECKING:
    import h5py

__all__ = ["count_weights"]

_RULE = "Weights in a model file must be plain numbers inside their own HDF5 file."
_DEPTH = 10
_MAX_OBJECTS = 10_000


def count_weights(data: bytes) -> int:
    """Return how many numbers an HDF5 file really holds.

    Raises
    ------
    ModelFileError
        When it is no such file, or has links, external or virtual data, packed data,
        or claims more than its own size.
    """
    import h5py

    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            datasets = list(_walk(file))
            declared = sum(dataset.nbytes for dataset in datasets)
            count = sum(dataset.size for dataset in datasets)
    except ModelFileError:
        raise
    except Exception:  # the HDF5 library fails in too many ways to list
        raise refuse(_RULE, "a damaged HDF5 file") from None
    if declared > len(data):
        raise refuse(_RULE, f"{declared:,} bytes of weights in a file of {len(data):,}")
    return count


def _walk(file: h5py.File) -> Iterator[h5py.Dataset]:
    """Datasets of the file; each link is looked at before it is followed."""
    import h5py

    pending: list[tuple[h5py.Group, int]] = [(file, 0)]
    met = 0
    while pending:
        group, depth = pending.pop()
        met += len(group)
        if depth > _DEPTH or met > _MAX_OBJECTS:  # hard links can make a loop
            raise refuse(_RULE, "groups nested too deeply, or too many")
        for name in group:
            if type(group.get(name, getlink=True)) is not h5py.HardLink:
                raise refuse(_RULE, f"a link to somewhere else, {name[:100]!r}")
            child = group[name]
            if isinstance(child, h5py.Group):
                pending.append((child, depth + 1))
            else:
                _check_dataset(child, name)
                yield child


def _check_dataset(dataset: h5py.Dataset, name: str) -> None:
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu":
        raise refuse(_RULE, f"{name[:100]!r}, which holds no numbers")
    if dataset.external is not None or dataset.is_virtual:
        raise refuse(_RULE, f"{name[:100]!r}, whose data are in another file")
    if dataset.chunks is not None:
        raise refuse(_RULE, f"{name[:100]!r}, which is packed")
