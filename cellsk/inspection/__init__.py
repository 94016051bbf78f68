"""What people look at: training curves and grids of images."""

from cellsk.inspection._image_grid import ImageGridDisplay
from cellsk.inspection._search_display import SearchDisplay
from cellsk.inspection._training_curve import TrainingCurveDisplay

__all__ = ["ImageGridDisplay", "SearchDisplay", "TrainingCurveDisplay"]
