"""Image files to arrays of pixels, and a store of decoded pixels."""

from cellsk.preprocessing._reader import ImageReader
from cellsk.preprocessing._reader import give_store as give_store
from cellsk.preprocessing._reader import read_once as read_once

__all__ = [
    "ImageReader",
]
