"""Memory maps of files as images, whose pages leave the process after use."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_map", "release_pages"]


def find_map(images: NDArray) -> mmap.mmap | None:
    """Return the read-only map of a file behind an array or its view, or None.

    The store of `ImageReader` gives such maps. Maps that can be written are left out: releasing
    the pages of a private map would lose what was written to them.
    """
    base: Any = images
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    if not isinstance(base, np.memmap) or base.mode != "r":
        return None
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def release_pages(pages: mmap.mmap | None) -> None:
    """Remove the pages of a map from the process. The cache of the system keeps them.

    The system would remove them if it needed memory. Until then they count as memory of the
    process, which matters for limits: 2 MB for each image where Linux maps large folios.
    """
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
