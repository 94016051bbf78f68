"""Names, directions and limits of the scores."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["SCORE_NAMES", "ScoreName", "list_score_names"]


class ScoreName(NamedTuple):
    """Name of a score for readers, whether higher is better, and its limits."""

    words: str
    higher_is_better: bool
    range: tuple[float, float]


_INFINITE = float("inf")
# In the order of the tables. The Brier score of two classes is at most 1.
SCORE_NAMES: Mapping[str, ScoreName] = MappingProxyType(
    {
        "accuracy": ScoreName("Accuracy", True, (0.0, 1.0)),
        "balanced_accuracy": ScoreName("Balanced accuracy", True, (0.0, 1.0)),
        "roc_auc": ScoreName("ROC AUC", True, (0.0, 1.0)),
        "average_precision": ScoreName("Average precision", True, (0.0, 1.0)),
        "sensitivity": ScoreName("Sensitivity", True, (0.0, 1.0)),
        "specificity": ScoreName("Specificity", True, (0.0, 1.0)),
        "ppv": ScoreName("Positive predictive value", True, (0.0, 1.0)),
        "npv": ScoreName("Negative predictive value", True, (0.0, 1.0)),
        "f1": ScoreName("F1", True, (0.0, 1.0)),
        "mcc": ScoreName("Matthews correlation", True, (-1.0, 1.0)),
        "brier_score": ScoreName("Brier score", False, (0.0, 2.0)),
        "log_loss": ScoreName("Log loss", False, (0.0, _INFINITE)),
        "calibration_error": ScoreName("Calibration error", False, (0.0, 1.0)),
    }
)
_TWO_CLASSES_ONLY = {"sensitivity", "specificity", "ppv", "npv"}


def list_score_names(n_classes: int) -> list[str]:
    """Return the names of the scores for a number of classes, in the order of the tables."""
    return [name for name in SCORE_NAMES if n_classes == 2 or name not in _TWO_CLASSES_ONLY]
