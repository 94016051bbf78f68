"""Microscope images of cells as scikit-learn estimators around a Keras CNN.

The public names load on first use, so that ``import cellsk`` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellsk.datasets import list_images, make_cells
    from cellsk.inspection import ImageGridDisplay, TrainingCurveDisplay
    from cellsk.neural_network import CellClassifier, build_cnn
    from cellsk.persistence import load_model, save_model
    from cellsk.preprocessing import ImageReader

__version__ = "0.1.0"

_ROOMS = {
    "CellClassifier": "neural_network",
    "ImageGridDisplay": "inspection",
    "ImageReader": "preprocessing",
    "TrainingCurveDisplay": "inspection",
    "build_cnn": "neural_network",
    "list_images": "datasets",
    "load_model": "persistence",
    "make_cells": "datasets",
    "save_model": "persistence",
}

__all__ = [
    "CellClassifier",
    "ImageGridDisplay",
    "ImageReader",
    "TrainingCurveDisplay",
    "__version__",
    "build_cnn",
    "list_images",
    "load_model",
    "make_cells",
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
