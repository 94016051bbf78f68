"""A trained network in ONNX Runtime, which computes the same numbers faster."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import DTypeLike, NDArray

from cellsk.exceptions import InputError
from cellsk.neural_network.networks import (
    OnnxGraph,
    OutsideTableError,
    is_float32,
    read_model,
)

if TYPE_CHECKING:
    import keras

__all__ = ["Cut", "OnnxNetwork", "count_threads", "write_onnx"]

OPERATORS, FORMAT = 18, 8  # versions that every ONNX Runtime of today reads
BATCH_SIZE, BATCH_VALUES = 8, 2**18  # such batches stay in the cache of a core


class OnnxNetwork:
    """A copy of a network, with its present weights, in ONNX Runtime.

    Each thread computes small batches. So the numbers of an image depend neither on the other
    images nor on the number of threads, and no thread waits between two calls.

    Parameters
    ----------
    model : keras.Model
        A network of layers that have an ONNX operation in the table of layers.
    dtype : dtype
        Dtype of the pixels.

    Raises
    ------
    ImportError
        If onnx or onnxruntime is not installed.
    InputError
        If there is no operator for a layer.
    """

    def __init__(self, model: keras.Model, dtype: DTypeLike) -> None:
        # From its import on it would report the process to its maker, and keep an identifier of
        # the machine in the user's folder. A program that reads images of patients must not.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # errors are raised
        self._dtype = np.dtype(dtype)
        self._weights = _read_tensors(model)
        self._session = onnxruntime.InferenceSession(
            write_onnx(model, dtype), options, providers=["CPUExecutionProvider"]
        )

    def is_current(self, model: keras.Model, dtype: DTypeLike) -> bool:
        """Return whether the model still has the same weights, and pixels have this dtype.

        A tensor that was read never changes. New weights have another place in memory.
        """
        read = _read_tensors(model)
        return self._dtype == dtype and _find_addresses(read) == _find_addresses(self._weights)

    def __call__(self, images: NDArray, n_threads: int | None = None) -> NDArray[np.float32]:
        """Return the output of the network, one row per image."""
        size = max(1, min(BATCH_SIZE, BATCH_VALUES // images[0].size))
        batches = [images[start : start + size] for start in range(0, len(images), size)]
        if len(batches) == 1:
            return self._run(images)
        with ThreadPoolExecutor(n_threads or count_threads()) as pool:
            return np.concatenate(list(pool.map(self._run, batches)))

    def _run(self, batch: NDArray) -> NDArray[np.float32]:
        return self._session.run(None, {"image": batch})[0]


def count_threads() -> int:
    """Return how many threads this process may use, by the limits of joblib and TensorFlow."""
    import tensorflow as tf

    share = os.environ.get("OMP_NUM_THREADS", "")  # joblib sets it in its workers
    limits = (
        joblib.cpu_count(),
        int(share) if share.isdecimal() else 0,
        tf.config.threading.get_intra_op_parallelism_threads(),
    )
    return min(limit for limit in limits if limit > 0)


class Cut(NamedTuple):
    """A threshold on the probability of the second class of two, or of the first."""

    threshold: float
    is_on_second: bool


def write_onnx(model: keras.Model, dtype: DTypeLike, cut: Cut | None = None) -> bytes:
    """Return the network as an ONNX file. Its input is images with the channels last.

    With a cut, a second output `predicted` is the place of the predicted class.

    Raises
    ------
    ImportError
        If onnx is not installed.
    InputError
        If there is no operator for a layer.
    """
    import onnx
    from onnx import helper

    graph = OnnxGraph()
    output = _add_layers(graph, model)
    float32, int64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    shapes = [("n", *shape[1:]) for shape in (model.input_shape, model.output_shape)]
    outputs = [helper.make_tensor_value_info(output, float32, shapes[1])]
    if cut is not None:
        predicted = _add_cut(graph, output, cut)
        outputs.append(helper.make_tensor_value_info(predicted, int64, ("n",)))
    described = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info("image", kind, shapes[0])],
        outputs,
        graph.arrays,
    )
    operators = [helper.make_opsetid("", OPERATORS)]
    file = helper.make_model(described, opset_imports=operators, ir_version=FORMAT)
    return file.SerializeToString()


def _add_layers(graph: OnnxGraph, model: keras.Model) -> str:
    """Add each layer, and return the name of the last output."""
    try:
        nodes = read_model(model).nodes
    except OutsideTableError as error:
        raise _refuse(str(error)) from None
    layers: dict[str, Any] = {layer.name: layer for layer in model.layers}
    outputs: dict[str, str] = {}
    for node in nodes:
        inputs = [outputs[name] for name in node.inputs]
        # Only a dense layer can mend the order of flattened values.
        disordered = graph.flattened.keys() & inputs and node.kind not in ("Dense", "Dropout")
        add = node.entry.onnx
        if add is None or disordered or not is_float32(node.config.get("dtype")):
            raise _refuse(f"the layer {node.name!r}")
        outputs[node.name] = add(graph, layers.get(node.name), inputs)
    return outputs[nodes[-1].name]


def _add_cut(graph: OnnxGraph, proba: str, cut: Cut) -> str:
    """Add the comparison in float64, as scikit-learn compares, and return the predicted class."""
    from onnx import TensorProto

    score = graph.add("Cast", [proba], to=TensorProto.DOUBLE)
    if not cut.is_on_second:
        score = graph.add("Neg", [graph.add("Sub", [score], np.array(1.0))])
    reached = graph.add("GreaterOrEqual", [score], np.array(cut.threshold))
    if not cut.is_on_second:
        reached = graph.add("Not", [reached])
    places = graph.add("Cast", [reached], to=TensorProto.INT64)
    graph.add("Squeeze", [places], np.array([1]))
    graph.nodes[-1].output[0] = "predicted"
    return "predicted"


def _refuse(got: str) -> InputError:
    return InputError("There is no operator for each layer of the network", got)


def _read_tensors(model: keras.Model) -> list[Any]:
    """Return the weights as TensorFlow tensors, which are not copies."""
    import tensorflow as tf

    variables = [variable.value for variable in model.weights]
    return [tf.raw_ops.ReadVariableOp(resource=v.handle, dtype=v.dtype) for v in variables]


def _find_addresses(tensors: list[Any]) -> list[int]:
    views = (np.frombuffer(tensor, np.uint8) for tensor in tensors)
    return [view.__array_interface__["data"][0] for view in views]
