"""Types of the curves in a document: points to draw."""

# Without postponed annotations, so that NotRequired has its effect at run time, too.
from typing import NotRequired, TypedDict


class RocCurve(TypedDict):
    """Points of one ROC curve."""

    name: str
    fpr: list[float | None]
    tpr: list[float | None]
    area: float | None


class PrecisionRecallCurve(TypedDict):
    """Points of one precision-recall curve."""

    name: str
    recall: list[float | None]
    precision: list[float | None]
    area: float | None
    prevalence: float | None


class Reliability(TypedDict):
    """Predicted probability and observed share of each bin."""

    mean_predicted: list[float | None]
    observed: list[float | None]
    count: list[int]
    low: list[float | None]
    high: list[float | None]


class HistogramClass(TypedDict):
    """Images of one class in each bin."""

    name: str
    counts: list[int]


class Histogram(TypedDict):
    """Images by probability and true class."""

    edges: list[float | None]
    classes: list[HistogramClass]


class CoveragePoint(TypedDict):
    """Coverage and error at one threshold."""

    coverage: float | None
    error: float | None
    threshold: float | None
    n: int
    patients_referred: NotRequired[float | None]


class Coverage(TypedDict):
    """Error among the images that are not referred, for every threshold."""

    threshold: list[float | None]
    coverage: list[float | None]
    error: list[float | None]
    n: NotRequired[list[int]]
    patients_referred: NotRequired[list[float | None]]
    summary: list[CoveragePoint]


class Curves(TypedDict):
    """Points of all curves, for display."""

    roc: list[RocCurve]
    precision_recall: list[PrecisionRecallCurve]
    reliability: Reliability
    histogram: Histogram
    coverage: Coverage
