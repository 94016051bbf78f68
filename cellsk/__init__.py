"""Microscope images of cells as scikit-learn estimators around a Keras CNN.

The public names load on first use, so that ``import cellsk`` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellsk.audit import AuditReport, audit_images
    from cellsk.datasets import list_images, make_cells
    from cellsk.inspection import (
        AugmentationDisplay,
        GradCAMDisplay,
        ImageGridDisplay,
        SearchDisplay,
        TrainingCurveDisplay,
    )
    from cellsk.model_selection import (
        OperatingPointClassifierCV,
        choose_cv,
        make_operating_point_scorer,
    )
    from cellsk.neural_network import CellClassifier, ImageEmbedder, build_cnn
    from cellsk.outliers import ImageOutlierDetector
    from cellsk.persistence import export_onnx, load_model, save_model
    from cellsk.preprocessing import ImageReader, StainNormalizer
    from cellsk.report import EvaluationReport, SearchReport, evaluate, evaluate_model

__version__ = "0.1.0"

_ROOMS = {
    "AuditReport": "audit",
    "AugmentationDisplay": "inspection",
    "CellClassifier": "neural_network",
    "EvaluationReport": "report",
    "GradCAMDisplay": "inspection",
    "ImageEmbedder": "neural_network",
    "ImageGridDisplay": "inspection",
    "ImageOutlierDetector": "outliers",
    "ImageReader": "preprocessing",
    "OperatingPointClassifierCV": "model_selection",
    "SearchDisplay": "inspection",
    "SearchReport": "report",
    "StainNormalizer": "preprocessing",
    "TrainingCurveDisplay": "inspection",
    "audit_images": "audit",
    "build_cnn": "neural_network",
    "choose_cv": "model_selection",
    "evaluate": "report",
    "evaluate_model": "report",
    "export_onnx": "persistence",
    "list_images": "datasets",
    "load_model": "persistence",
    "make_cells": "datasets",
    "make_operating_point_scorer": "model_selection",
    "save_model": "persistence",
}

__all__ = [
    "AuditReport",
    "AugmentationDisplay",
    "CellClassifier",
    "EvaluationReport",
    "GradCAMDisplay",
    "ImageEmbedder",
    "ImageGridDisplay",
    "ImageOutlierDetector",
    "ImageReader",
    "OperatingPointClassifierCV",
    "SearchDisplay",
    "SearchReport",
    "StainNormalizer",
    "TrainingCurveDisplay",
    "__version__",
    "audit_images",
    "build_cnn",
    "choose_cv",
    "evaluate",
    "evaluate_model",
    "export_onnx",
    "list_images",
    "load_model",
    "make_cells",
    "make_operating_point_scorer",
    "save_model",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'cellsk' has no attribute {name!r}")
    value = getattr(import_module(f"cellsk.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
