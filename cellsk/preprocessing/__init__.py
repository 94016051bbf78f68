"""Image files to arrays of pixels, a store of decoded pixels, and the stain of images."""

from cellsk.preprocessing._reader import ImageReader
from cellsk.preprocessing._reader import give_store as give_store
from cellsk.preprocessing._reader import read_once as read_once
from cellsk.preprocessing._stain import StainNormalizer

__all__ = [
    "ImageReader",
    "StainNormalizer",
]
