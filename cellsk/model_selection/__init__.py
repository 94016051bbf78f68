"""Splits that keep patients together, fold manifests, thresholds and calibration."""

from cellsk.model_selection._baselines import make_baselines as make_baselines
from cellsk.model_selection._baselines import measure_features as measure_features
from cellsk.model_selection._calibration import calibrate
from cellsk.model_selection._decision import LabelPredictor as LabelPredictor
from cellsk.model_selection._fixed_model import FixedModel as FixedModel
from cellsk.model_selection._fixed_model import check_fitted as check_fitted
from cellsk.model_selection._fixed_model import describe_fixed as describe_fixed
from cellsk.model_selection._fixed_model import list_readers as list_readers
from cellsk.model_selection._fixed_model import predict_fixed as predict_fixed
from cellsk.model_selection._fixed_model import resize_as_in_training as resize_as_in_training
from cellsk.model_selection._folds import Folds
from cellsk.model_selection._image_hashes import hash_images, name_images
from cellsk.model_selection._inner_split import InnerKFold
from cellsk.model_selection._manifest import build_manifest, read_manifest, write_manifest
from cellsk.model_selection._manifest_match import match_manifest
from cellsk.model_selection._operating_point import OperatingPointClassifierCV, tune_threshold
from cellsk.model_selection._operating_point_scorer import make_operating_point_scorer
from cellsk.model_selection._out_of_fold import FoldRecord as FoldRecord
from cellsk.model_selection._out_of_fold import OutOfFold as OutOfFold
from cellsk.model_selection._out_of_fold import fit_with_groups as fit_with_groups
from cellsk.model_selection._out_of_fold import predict_out_of_fold as predict_out_of_fold
from cellsk.model_selection._patient_folds import StratifiedPatientKFold
from cellsk.model_selection._routing import check_inner_splits as check_inner_splits
from cellsk.model_selection._routing import check_unfitted as check_unfitted
from cellsk.model_selection._routing import iter_estimators as iter_estimators
from cellsk.model_selection._routing import requires_groups as requires_groups
from cellsk.model_selection._routing import warn_if_groups_are_lost as warn_if_groups_are_lost
from cellsk.model_selection._rows import check_rows as check_rows
from cellsk.model_selection._search_scoring import SEARCH_SCORES as SEARCH_SCORES
from cellsk.model_selection._search_scoring import SEVERAL_CLASSES as SEVERAL_CLASSES
from cellsk.model_selection._search_scoring import make_search_scoring
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
    "make_search_scoring",
    "match_manifest",
    "name_images",
    "read_manifest",
    "resolve_cv",
    "tune_threshold",
    "write_manifest",
]
