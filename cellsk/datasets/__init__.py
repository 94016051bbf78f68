"""Sources of images and labels: folders, csv files, and drawn cells."""

from cellsk.datasets._folder import list_images
from cellsk.datasets._groups_csv import choose_group_column as choose_group_column
from cellsk.datasets._groups_csv import is_slide_column as is_slide_column
from cellsk.datasets._groups_csv import read_columns_csv as read_columns_csv
from cellsk.datasets._image_kinds import has_other_ending as has_other_ending
from cellsk.datasets._split_names import check_not_splits as check_not_splits
from cellsk.datasets._split_names import warn_class_folders as warn_class_folders
from cellsk.datasets._synthetic import make_cells

__all__ = [
    "list_images",
    "make_cells",
]
