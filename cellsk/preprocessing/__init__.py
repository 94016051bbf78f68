"""Pixels in, pixels out: from files to arrays, and from arrays to better arrays."""

from cellsk.preprocessing._reader import ImageReader
from cellsk.preprocessing._reader import read_once as read_once
from cellsk.preprocessing._sources import read_each as read_each

__all__ = [
    "ImageReader",
]
