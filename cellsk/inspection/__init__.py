"""Displays and charts: training, images, augmentation, searches, and charts of a report."""

from cellsk.inspection._augmentation import AugmentationDisplay
from cellsk.inspection._charts import FEW_IN_BIN as FEW_IN_BIN
from cellsk.inspection._charts import draw_evaluation as draw_evaluation
from cellsk.inspection._explanation import METHOD_NAMES as METHOD_NAMES
from cellsk.inspection._explanation import Explanation as Explanation
from cellsk.inspection._explanation import explain_images as explain_images
from cellsk.inspection._grad_cam import GradCAMDisplay
from cellsk.inspection._image_grid import ImageGridDisplay
from cellsk.inspection._image_grid import as_pictures as as_pictures
from cellsk.inspection._overlay import choose_strongest as choose_strongest
from cellsk.inspection._overlay import find_peaks as find_peaks
from cellsk.inspection._overlay import make_overlay as make_overlay
from cellsk.inspection._overlay import make_strip as make_strip
from cellsk.inspection._overlay import shrink_strip as shrink_strip
from cellsk.inspection._search_display import SearchDisplay
from cellsk.inspection._search_display import draw_search_charts as draw_search_charts
from cellsk.inspection._search_display import list_searched as list_searched
from cellsk.inspection._search_display import value_key as value_key
from cellsk.inspection._training_curve import TrainingCurveDisplay

__all__ = [
    "AugmentationDisplay",
    "GradCAMDisplay",
    "ImageGridDisplay",
    "SearchDisplay",
    "TrainingCurveDisplay",
]
