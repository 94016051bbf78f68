"""What people look at: training curves and grids of images."""

from cellsk.inspection._charts import FEW_IN_BIN as FEW_IN_BIN
from cellsk.inspection._charts import draw_coverage as draw_coverage
from cellsk.inspection._charts import draw_histogram as draw_histogram
from cellsk.inspection._charts import draw_precision_recall as draw_precision_recall
from cellsk.inspection._charts import draw_reliability as draw_reliability
from cellsk.inspection._charts import draw_roc as draw_roc
from cellsk.inspection._charts import draw_training as draw_training
from cellsk.inspection._image_grid import ImageGridDisplay
from cellsk.inspection._search_display import SearchDisplay
from cellsk.inspection._search_display import draw_search as draw_search
from cellsk.inspection._search_display import list_searched as list_searched
from cellsk.inspection._search_display import make_chart as make_chart
from cellsk.inspection._search_display import value_key as value_key
from cellsk.inspection._svg import figure_to_svg as figure_to_svg
from cellsk.inspection._training_curve import TrainingCurveDisplay

__all__ = [
    "ImageGridDisplay",
    "SearchDisplay",
    "TrainingCurveDisplay",
]
