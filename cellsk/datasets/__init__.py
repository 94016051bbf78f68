"""Where images and labels come from: folders of files, and drawn cells."""

from cellsk.datasets._folder import list_images
from cellsk.datasets._synthetic import make_cells

__all__ = ["list_images", "make_cells"]
