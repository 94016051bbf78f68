"""The trained network in ONNX Runtime, which computes the same numbers sooner."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    import keras

__all__ = ["OnnxNetwork", "count_threads", "write_onnx"]

OPERATORS, FORMAT = 17, 8  # versions that every ONNX Runtime of today reads
BATCH_SIZE, BATCH_VALUES = 8, 2**18  # what stays in the cache of a core
ACTIVATIONS = {"linear": None, "relu": "Relu", "sigmoid": "Sigmoid", "softmax": "Softmax"}
# What a layer must be like: the settings that build_cnn leaves as they are.
PLAIN: Mapping[str, Mapping[str, Any]] = {
    "Rescaling": {"offset": 0.0},
    "Conv2D": {
        "strides": (1, 1),
        "padding": "valid",
        "data_format": "channels_last",
        "dilation_rate": (1, 1),
        "groups": 1,
        "use_bias": True,
    },
    "MaxPooling2D": {"padding": "valid", "data_format": "channels_last"},
    "Flatten": {"data_format": "channels_last"},
    "Dense": {"use_bias": True, "quantization_config": None},
    "Dropout": {},
}


class OnnxNetwork:
    """A network as it stood when this was made, in ONNX Runtime.

    Each thread computes its own small batches. So the numbers of an image depend neither on
    the other images nor on the number of threads, and no thread waits between two calls.

    Parameters
    ----------
    model : keras.Sequential
        A network that ``build_cnn`` makes.
    dtype : dtype
        Of the pixels.

    Raises
    ------
    ImportError
        When onnx or onnxruntime is not installed.
    ValueError
        When there is no operator for a layer.
    """

    def __init__(self, model: keras.Model, dtype: DTypeLike) -> None:
        # From its import on it would tell its maker of the process, and keep a number of the
        # machine in the user's folder: no program that reads patients' images may do that.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised
        self._dtype = np.dtype(dtype)
        self._weights = _read_weights(model)
        self._session = onnxruntime.InferenceSession(
            write_onnx(model, dtype), options, providers=["CPUExecutionProvider"]
        )

    def serves(self, model: keras.Model, dtype: DTypeLike) -> bool:
        """Say whether the model has the weights that it had, and pixels are of this dtype.

        A tensor that was read never changes: new weights are elsewhere in memory.
        """
        read = _read_weights(model)
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
    """Number of threads that this process may use: its share, as joblib and TensorFlow know it."""
    import tensorflow as tf

    share = os.environ.get("OMP_NUM_THREADS", "")  # joblib sets it in its workers
    limits = (
        joblib.cpu_count(),
        int(share) if share.isdecimal() else 0,
        tf.config.threading.get_intra_op_parallelism_threads(),
    )
    return min(limit for limit in limits if limit > 0)


def write_onnx(model: keras.Model, dtype: DTypeLike) -> bytes:
    """Return the network as an ONNX file that takes images as they are, channels last.

    Raises
    ------
    ImportError
        When onnx is not installed.
    ValueError
        When there is no operator for a layer.
    """
    import keras
    import onnx
    from onnx import helper

    if type(model) is not keras.Sequential:
        raise ValueError("There are no operators for a network that build_cnn does not make.")
    graph = _Graph()
    graph.add("Transpose", perm=(0, 3, 1, 2))
    graph.add("Cast", to=onnx.TensorProto.FLOAT)
    for layer in model.layers:
        _check_plain(layer)
        LAYERS[type(layer).__name__](graph, layer)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    shapes = [("n", *shape[1:]) for shape in (model.input_shape, model.output_shape)]
    described = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info("image", kind, shapes[0])],
        [helper.make_tensor_value_info(graph.last, onnx.TensorProto.FLOAT, shapes[1])],
        graph.arrays,
    )
    operators = [helper.make_opsetid("", OPERATORS)]
    file = helper.make_model(described, opset_imports=operators, ir_version=FORMAT)
    return file.SerializeToString()


class _Graph:
    """A chain of operators, channels first, and the arrays that they work with."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []
        self.last = "image"
        self.flattened: tuple[int, ...] | None = None  # height, width, channels

    def add(self, operator: str, *arrays: NDArray, **attributes: Any) -> None:
        """Append an operator on the last output."""
        from onnx import helper

        names = [self._keep(array) for array in arrays]
        output = f"output_{len(self.nodes)}"
        node = helper.make_node(operator, [self.last, *names], [output], **attributes)
        self.nodes.append(node)
        self.last = output

    def activate(self, layer: keras.Layer) -> None:
        """Append the activation of a layer, if it has one."""
        operator = ACTIVATIONS[layer.get_config()["activation"]]
        if operator:
            self.add(operator)

    def _keep(self, array: NDArray) -> str:
        from onnx import numpy_helper

        name = f"array_{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def _check_plain(layer: keras.Layer) -> None:
    """Raise when a layer is none of those that build_cnn makes, or set otherwise."""
    import keras

    name, config = type(layer).__name__, layer.get_config()
    known = name in PLAIN and type(layer) is getattr(keras.layers, name)
    if not (
        known
        and all(config.get(key) == value for key, value in PLAIN[name].items())
        and config.get("activation", "linear") in ACTIVATIONS
        and layer.compute_dtype == "float32"
    ):
        raise ValueError(f"There is no operator for the layer {layer.name!r}.")


def _add_rescaling(graph: _Graph, layer: keras.Layer) -> None:
    graph.add("Mul", np.array(layer.scale, np.float32))


def _add_convolution(graph: _Graph, layer: keras.Layer) -> None:
    kernel, bias = layer.get_weights()
    graph.add("Conv", kernel.transpose(3, 2, 0, 1), bias, kernel_shape=kernel.shape[:2])
    graph.activate(layer)


def _add_pool(graph: _Graph, layer: keras.Layer) -> None:
    graph.add("MaxPool", kernel_shape=layer.pool_size, strides=layer.strides)


def _add_flatten(graph: _Graph, layer: keras.Layer) -> None:
    graph.flattened = tuple(layer.input.shape[1:])
    graph.add("Flatten")


def _add_dense(graph: _Graph, layer: keras.Layer) -> None:
    kernel, bias = layer.get_weights()
    if graph.flattened:  # values come channel by channel here, pixel by pixel in Keras
        by_pixel = kernel.reshape(*graph.flattened, -1)
        kernel = by_pixel.transpose(2, 0, 1, 3).reshape(kernel.shape)
        graph.flattened = None
    graph.add("Gemm", kernel, bias)
    graph.activate(layer)


def _add_nothing(graph: _Graph, layer: keras.Layer) -> None:
    """Dropout is for training."""


LAYERS: Mapping[str, Callable[[_Graph, Any], None]] = {
    "Rescaling": _add_rescaling,
    "Conv2D": _add_convolution,
    "MaxPooling2D": _add_pool,
    "Flatten": _add_flatten,
    "Dense": _add_dense,
    "Dropout": _add_nothing,
}


def _read_weights(model: keras.Model) -> list[Any]:
    """The weights as TensorFlow tensors, which are not copied."""
    import tensorflow as tf

    variables = [variable.value for variable in model.weights]
    return [tf.raw_ops.ReadVariableOp(resource=v.handle, dtype=v.dtype) for v in variables]


def _find_addresses(tensors: list[Any]) -> list[int]:
    views = (np.frombuffer(tensor, np.uint8) for tensor in tensors)
    return [view.__array_interface__["data"][0] for view in views]
