"""The graph of a network, read from its configuration and checked against the table of layers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from cellsk.neural_network.networks._layers import LAYERS, LayerKind, find_odd_setting, is_dtype

if TYPE_CHECKING:
    import keras

__all__ = [
    "NetworkGraph",
    "Node",
    "OutsideTableError",
    "drop_session_names",
    "find_brightest",
    "read_graph",
    "read_model",
]

Shape: TypeAlias = tuple[int, ...]

# The module that Keras names for each class of networks.
_NETWORKS = {"Sequential": "keras", "Functional": "keras.src.models.functional"}
_NETWORK_KEYS = frozenset({"module", "class_name", "config", "registered_name", "build_config"})
_BODY_KEYS = {
    "Sequential": frozenset({"name", "trainable", "dtype", "layers", "build_input_shape"}),
    "Functional": frozenset({"name", "trainable", "layers", "input_layers", "output_layers"}),
}
_LAYER_KEYS = frozenset({"module", "class_name", "config", "registered_name", "build_config"})
_CALL_KEYS = frozenset({"name", "inbound_nodes"})
_MAX_LAYERS = {"Sequential": 100, "Functional": 1000}  # Keras rebuilds a Sequential at each layer
_MAX_VALUES = 2**28  # of one image after any layer: 1 GiB in float32
_MAX_INPUTS = 100  # of one layer
_CALLED_WITH_TRAINING = frozenset({"Resizing"})  # by Keras itself. It computes the same.
_FORM_ERRORS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


class OutsideTableError(ValueError):
    """A network has a layer, a setting or a form that the table of layers does not hold."""


class Node(NamedTuple):
    """A layer in its network.

    Attributes
    ----------
    name, kind : str
        Name of the layer, and of its class.
    config : dict
        Its settings, as in JSON.
    inputs : tuple of str
        Names of the layers before it.
    shape : tuple of int
        Shape of its output for one image.
    """

    name: str
    kind: str
    config: dict[str, Any]
    inputs: tuple[str, ...]
    shape: Shape

    @property
    def entry(self) -> LayerKind:
        """The entry of the table for such layers."""
        return LAYERS[self.kind]


class NetworkGraph(NamedTuple):
    """The layers of a network, each behind its inputs, and the number of its weights."""

    nodes: tuple[Node, ...]
    n_weights: int

    @property
    def image_shape(self) -> Shape:
        """Height, width and channels of an image."""
        return self.nodes[0].shape

    @property
    def n_outputs(self) -> int:
        """Number of values for each image."""
        return self.nodes[-1].shape[0]


def read_model(model: keras.Model) -> NetworkGraph:
    """Return the graph of a network in memory.

    Raises
    ------
    OutsideTableError
        If the table of layers does not hold it.
    """
    name = type(model).__name__
    if not type(model).__module__.startswith("keras.") or name not in _NETWORKS:
        raise OutsideTableError(f"a network of class {type(model).__qualname__}")
    try:
        body = json.loads(json.dumps(model.get_config()))
    except (TypeError, ValueError, NotImplementedError):
        raise OutsideTableError("a network without a configuration in JSON") from None
    config = {"module": _NETWORKS[name], "class_name": name, "config": body}
    return read_graph(drop_session_names(config))


def drop_session_names(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a network without what differs between two sessions.

    These are the ids of shared objects, which are places in memory, and the name under which Keras
    registers its own functional networks.
    """
    return {**_drop_shared_ids(config), "registered_name": None}


def _drop_shared_ids(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: _drop_shared_ids(v) for k, v in node.items() if k != "shared_object_id"}
    return [_drop_shared_ids(child) for child in node] if isinstance(node, list) else node


def read_graph(config: Mapping[str, Any]) -> NetworkGraph:
    """Return the graph of a network that JSON describes, without making any of it.

    Each class, each setting and each text is compared with the table, shapes are followed from
    layer to layer, and weights are counted.

    Raises
    ------
    OutsideTableError
        If the table of layers does not hold it, or its shapes do not fit together.
    """
    try:
        return _read(config)
    except OutsideTableError:
        raise
    except _FORM_ERRORS as error:
        known = str(error) if type(error) is ValueError else "a configuration of another form"
        raise OutsideTableError(known) from None


def _read(config: Mapping[str, Any]) -> NetworkGraph:
    name = config.get("class_name")
    if name not in _NETWORKS:
        raise OutsideTableError(f"a network of class {str(name)[:100]!r}")
    _check_identity(config, _NETWORK_KEYS, _NETWORKS[name])
    body = config["config"]
    layers = body["layers"]
    if not isinstance(layers, list) or not 1 < len(layers) <= _MAX_LAYERS[name]:
        raise OutsideTableError(f"{len(layers):,} layers, not 2 to {_MAX_LAYERS[name]:,}")
    nodes: dict[str, Node] = {}
    n_weights = 0
    for layer in layers:
        node, count = _read_layer(layer, nodes, chained=name == "Sequential")
        nodes[node.name] = node
        n_weights += count
    _check_body(name, body)
    graph = NetworkGraph(tuple(nodes.values()), n_weights)
    _check_ends(body, graph, name)
    if name == "Sequential":
        builds = [config.get("build_config"), {"input_shape": body.get("build_input_shape")}]
        for build in builds:
            _check_build(build, [graph.image_shape])
    elif config.get("build_config") not in (None, {"input_shape": None}):
        raise OutsideTableError(f"a network built for {str(config['build_config'])[:100]}")
    return graph


def _check_identity(
    node: Mapping[str, Any], keys: frozenset[str], module: str, name: str | None = None
) -> None:
    found, extra = node.get("module"), node.keys() - keys
    registered = node.get("registered_name")
    if found != module or registered != name or extra:
        own = f"{found}.{node.get('class_name')}"
        text = own if found != module else registered or min(extra, default=own)
        raise OutsideTableError(f"{str(text)[:100]!r}")


def _check_body(name: str, body: Mapping[str, Any]) -> None:
    extra = body.keys() - _BODY_KEYS[name]
    odd = find_odd_setting({}, {key: body[key] for key in ("name", "trainable") if key in body})
    if extra or odd or not is_dtype(body.get("dtype", "float32")):
        raise OutsideTableError(f"the setting {str(odd or min(extra, default='dtype'))[:100]!r}")


def _read_layer(
    layer: Mapping[str, Any], nodes: Mapping[str, Node], *, chained: bool
) -> tuple[Node, int]:
    kind = layer.get("class_name")
    if not isinstance(kind, str) or kind not in LAYERS:
        raise OutsideTableError(f"a layer {str(kind)[:100]!r}")
    keys = _LAYER_KEYS if chained else _LAYER_KEYS | _CALL_KEYS
    _check_identity(layer, keys, LAYERS[kind].module, LAYERS[kind].registered_name)
    settings = layer["config"]
    if odd := find_odd_setting(LAYERS[kind].settings, settings, LAYERS[kind].empty):
        value = str(settings.get(odd))[:100]
        raise OutsideTableError(f"a layer {kind!r} with {str(odd)[:100]}={value}")
    name = settings["name"]
    if name in nodes or layer.get("name", name) != name:
        raise OutsideTableError(f"two layers {name!r}")
    if (kind == "InputLayer") == bool(nodes):
        raise OutsideTableError("a network that does not begin with one 'InputLayer'")
    inputs = tuple(nodes)[-1:] if chained else _read_inputs(kind, layer["inbound_nodes"], nodes)
    shapes = [nodes[source].shape for source in inputs]
    shape, n_weights = LAYERS[kind].measure(settings, shapes)
    if math.prod(shape) > _MAX_VALUES:
        raise OutsideTableError(f"{math.prod(shape):,} values for one image, in a layer {kind!r}")
    _check_build(layer.get("build_config"), shapes)
    return Node(name, kind, settings, inputs, shape), n_weights


def _read_inputs(kind: str, calls: Any, nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """Return the names of the layers whose outputs a layer of a functional network gets."""
    if not nodes:
        if calls != []:
            raise OutsideTableError("an input with inputs")
        return ()
    (call,) = calls
    ((argument),) = call["args"]
    options = dict(call["kwargs"])
    if kind in _CALLED_WITH_TRAINING and type(options.get("training")) is bool:
        del options["training"]
    # The network passes on its own `training` in place of the default, which Keras writes down.
    given = [name for name in options if options[name] is not None and name != "training"]
    if call.keys() != {"args", "kwargs"} or given or options.get("training"):
        raise OutsideTableError("a layer that is called with options")
    tensors = argument if isinstance(argument, list) else [argument]
    if len(tensors) > _MAX_INPUTS:
        raise OutsideTableError(f"a layer with {len(tensors):,} inputs")
    return tuple(_read_tensor(tensor, nodes) for tensor in tensors)


def _read_tensor(tensor: Mapping[str, Any], nodes: Mapping[str, Node]) -> str:
    about = tensor["config"]
    name, *position = about["keras_history"]
    expected = {"class_name": "__keras_tensor__", "config": about}
    shape = [None, *nodes[name].shape]
    if (
        tensor != expected
        or about.keys() != {"shape", "dtype", "keras_history"}
        or json.dumps([about["shape"], position]) != json.dumps([shape, [0, 0]])
        or not isinstance(about["dtype"], str)
        or not is_dtype(about["dtype"])
    ):
        raise OutsideTableError(f"an input {str(about)[:100]}")
    return name


def _check_ends(body: Mapping[str, Any], graph: NetworkGraph, name: str) -> None:
    if len(graph.image_shape) != 3 or len(graph.nodes[-1].shape) != 1:
        raise OutsideTableError("a network that does not turn images into probabilities")
    if name == "Sequential":
        return
    for end, node in (("input_layers", graph.nodes[0]), ("output_layers", graph.nodes[-1])):
        expected = json.dumps([node.name, 0, 0])
        if json.dumps(body[end]) not in (expected, f"[{expected}]"):
            raise OutsideTableError(f"{end}={str(body[end])[:100]}")
    used = {source for node in graph.nodes for source in node.inputs}
    if used != {node.name for node in graph.nodes[:-1]}:
        raise OutsideTableError("a layer whose output is not used")


def _check_build(build: Any, shapes: list[Shape]) -> None:
    """Keras builds a layer for the shape that build_config names: it must be the real one."""
    if build is None:
        return
    wanted: Any = [[None, *shape] for shape in shapes]
    if json.dumps(build) != json.dumps({"input_shape": wanted if len(wanted) > 1 else wanted[0]}):
        raise OutsideTableError(f"a layer built for {str(build)[:100]}, which gets {shapes}")


def find_brightest(model: keras.Model) -> float:
    """Return the pixel value that a network rescales to one, or 255 if it does not rescale."""
    for layer in model.layers:
        if type(layer).__name__ == "Rescaling":
            return (1 - layer.offset) / layer.scale
    return 255
