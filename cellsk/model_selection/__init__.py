"""Splits that keep patients together, and folds written down for others."""

from cellsk.model_selection._calibration import calibrate
from cellsk.model_selection._folds import Folds
from cellsk.model_selection._image_hashes import hash_images, name_images
from cellsk.model_selection._inner_split import InnerKFold
from cellsk.model_selection._manifest import build_manifest, read_manifest, write_manifest
from cellsk.model_selection._manifest_match import match_manifest
from cellsk.model_selection._operating_point import (
    OperatingPointClassifierCV,
    make_operating_point_scorer,
    tune_threshold,
)
from cellsk.model_selection._patient_folds import StratifiedPatientKFold
from cellsk.model_selection._site_folds import PreservedSiteKFold
from cellsk.model_selection._split import choose_cv, resolve_cv

__all__ = [
    "Folds",
    "InnerKFold",
    "OperatingPointClassifierCV",
    "PreservedSiteKFold",
    "StratifiedPatientKFold",
    "build_manifest",
    "calibrate",
    "choose_cv",
    "hash_images",
    "make_operating_point_scorer",
    "match_manifest",
    "name_images",
    "read_manifest",
    "resolve_cv",
    "tune_threshold",
    "write_manifest",
]
