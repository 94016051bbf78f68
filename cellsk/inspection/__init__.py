"""Displays and charts: training curves, grids of images, searches, and charts of a report."""

from cellsk.inspection._charts import FEW_IN_BIN as FEW_IN_BIN
from cellsk.inspection._charts import draw_evaluation as draw_evaluation
from cellsk.inspection._grad_cam import GradCAMDisplay
from cellsk.inspection._image_grid import ImageGridDisplay
from cellsk.inspection._search_display import SearchDisplay
from cellsk.inspection._search_display import draw_search_charts as draw_search_charts
from cellsk.inspection._search_display import list_searched as list_searched
from cellsk.inspection._search_display import value_key as value_key
from cellsk.inspection._training_curve import TrainingCurveDisplay

__all__ = [
    "GradCAMDisplay",
    "ImageGridDisplay",
    "SearchDisplay",
    "TrainingCurveDisplay",
]
