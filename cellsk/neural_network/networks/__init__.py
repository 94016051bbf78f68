"""The networks: one file for each architecture, and one table of layers."""

from cellsk.neural_network.networks._architectures import (
    ARCHITECTURES,
    AUTO,
    Architecture,
    Settings,
    check_architecture,
    choose_settings,
    count_weights,
    register_layers,
    select_settings,
)
from cellsk.neural_network.networks._backbones import (
    BACKBONES,
    build_backbone,
    describe_backbone,
)
from cellsk.neural_network.networks._compiling import compile_network, draw_layer_seeds
from cellsk.neural_network.networks._fast_operations import Operation
from cellsk.neural_network.networks._graph import (
    NetworkGraph,
    Node,
    OutsideTableError,
    drop_session_names,
    find_brightest,
    read_graph,
    read_model,
)
from cellsk.neural_network.networks._layers import LAYERS, find_slow_setting, is_float32
from cellsk.neural_network.networks._onnx_operations import OnnxGraph
from cellsk.neural_network.networks._seed import MAX_FILTERS, build_cnn, check_filters

__all__ = [
    "ARCHITECTURES",
    "AUTO",
    "BACKBONES",
    "LAYERS",
    "MAX_FILTERS",
    "Architecture",
    "NetworkGraph",
    "Node",
    "OnnxGraph",
    "Operation",
    "OutsideTableError",
    "Settings",
    "build_backbone",
    "build_cnn",
    "check_architecture",
    "check_filters",
    "choose_settings",
    "compile_network",
    "count_weights",
    "describe_backbone",
    "draw_layer_seeds",
    "drop_session_names",
    "find_brightest",
    "find_slow_setting",
    "is_float32",
    "read_graph",
    "read_model",
    "register_layers",
    "select_settings",
]
