"""The networks, and the scikit-learn estimators around them."""

from cellsk.neural_network._attribution import CAM_METHODS as CAM_METHODS
from cellsk.neural_network._attribution import compute_cam as compute_cam
from cellsk.neural_network._augmentation import AUGMENTATIONS as AUGMENTATIONS
from cellsk.neural_network._augmentation import draw_versions as draw_versions
from cellsk.neural_network._classifier import CellClassifier
from cellsk.neural_network._embedder import ImageEmbedder
from cellsk.neural_network._occlusion import compute_occlusion as compute_occlusion
from cellsk.neural_network._onnx import Cut as Cut
from cellsk.neural_network._onnx import write_onnx as write_onnx
from cellsk.neural_network._parameters import wrap_network as wrap_network
from cellsk.neural_network._runtime import set_threads as set_threads
from cellsk.neural_network._runtime import start_tensorflow as start_tensorflow
from cellsk.neural_network.networks import MAX_FILTERS as MAX_FILTERS
from cellsk.neural_network.networks import NetworkGraph as NetworkGraph
from cellsk.neural_network.networks import OutsideTableError as OutsideTableError
from cellsk.neural_network.networks import build_cnn
from cellsk.neural_network.networks import check_architecture as check_architecture
from cellsk.neural_network.networks import choose_settings as choose_settings
from cellsk.neural_network.networks import compile_network as compile_network
from cellsk.neural_network.networks import count_weights as count_weights
from cellsk.neural_network.networks import describe_backbone as describe_backbone
from cellsk.neural_network.networks import drop_session_names as drop_session_names
from cellsk.neural_network.networks import read_graph as read_graph
from cellsk.neural_network.networks import read_model as read_model
from cellsk.neural_network.networks import register_layers as register_layers

__all__ = [
    "CellClassifier",
    "ImageEmbedder",
    "build_cnn",
]
