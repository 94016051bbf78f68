"""Scores of a classifier's predictions, and their intervals."""

from cellsk.metrics._binomial import binomial_interval
from cellsk.metrics._bootstrap import bootstrap_scores, percentile_interval
from cellsk.metrics._calibration import calibration_error, reliability_curve
from cellsk.metrics._coverage import coverage_curve
from cellsk.metrics._coverage import find_uncertainty as find_uncertainty
from cellsk.metrics._curves import pr_points, roc_points, thin_curve
from cellsk.metrics._delong import delong_interval, delong_test
from cellsk.metrics._names import SCORE_NAMES
from cellsk.metrics._patients import aggregate_patients
from cellsk.metrics._prevalence import predictive_values
from cellsk.metrics._scores import compute_scores

__all__ = [
    "SCORE_NAMES",
    "aggregate_patients",
    "binomial_interval",
    "bootstrap_scores",
    "calibration_error",
    "compute_scores",
    "coverage_curve",
    "delong_interval",
    "delong_test",
    "percentile_interval",
    "pr_points",
    "predictive_values",
    "reliability_curve",
    "roc_points",
    "thin_curve",
]
