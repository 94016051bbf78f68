"""The network, and the scikit-learn estimators around it."""

from cellsk.neural_network._builder import POOL_SIZE as POOL_SIZE
from cellsk.neural_network._builder import build_cnn
from cellsk.neural_network._builder import check_depth as check_depth
from cellsk.neural_network._classifier import CellClassifier
from cellsk.neural_network._parameters import wrap_network as wrap_network
from cellsk.neural_network._runtime import set_threads as set_threads

__all__ = [
    "CellClassifier",
    "build_cnn",
]
