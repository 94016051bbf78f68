"""The network, and the scikit-learn estimators around it."""

from cellsk.neural_network._builder import build_cnn
from cellsk.neural_network._classifier import CellClassifier

__all__ = ["CellClassifier", "build_cnn"]
