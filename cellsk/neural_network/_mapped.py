"""Maps of files as images: their pages are given back, so that memory stays flat."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_map", "release_pages"]


def find_map(images: NDArray) -> mmap.mmap | None:
    """Return the read-only map of a file that an array is, or is a view of; else None.

    A store gives such maps. Others are not looked for: what somebody has written to the pages
    of a private one would be lost with them.
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
    """Take the pages of a map out of the process; the system's own cache keeps them.

    The system would take them back when it needs them. Until then they count as memory of
    the process, for whoever looks or sets a limit: 2 MB for each image, where Linux maps whole
    folios.
    """
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
