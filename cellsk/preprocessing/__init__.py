"""Pixels in, pixels out: from files to arrays, and from arrays to better arrays."""

from cellsk.preprocessing._reader import ImageReader

__all__ = ["ImageReader"]
