"""Operations of ONNX with the results of layers of Keras.

Each function takes a graph, a layer, and the names of its inputs in the graph. It adds what the
layer computes in inference, and returns the name of the output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellsk.neural_network.networks._layer_shapes import N_SYMMETRIES

if TYPE_CHECKING:
    import keras

__all__ = [
    "OnnxGraph",
    "add_activation",
    "add_average",
    "add_average_pool",
    "add_concatenation",
    "add_convolution",
    "add_dense",
    "add_depthwise",
    "add_flatten",
    "add_group_convolution",
    "add_group_normalization",
    "add_group_pool",
    "add_image",
    "add_normalization",
    "add_nothing",
    "add_padding",
    "add_pool",
    "add_relu",
    "add_rescaling",
    "add_resizing",
    "add_sum",
]

ACTIVATIONS = {"linear": None, "relu": "Relu", "sigmoid": "Sigmoid", "softmax": "Softmax"}
PADDING = {"valid": {}, "same": {"auto_pad": "SAME_UPPER"}}


class OnnxGraph:
    """Operators, channels first, and the arrays that they work with.

    Attributes
    ----------
    nodes, arrays : list
        Operators and arrays of onnx.
    flattened : dict of str to tuple of int
        Height, width and channels of flattened values, by name. Such values are in another
        order than in Keras: channel by channel, not pixel by pixel.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []
        self.flattened: dict[str, tuple[int, ...]] = {}

    def add(self, operator: str, inputs: Sequence[str], *arrays: NDArray, **attributes: Any) -> str:
        """Add an operator, and return the name of its output."""
        from onnx import helper

        names = [self._keep(array) for array in arrays]
        output = f"output_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [*inputs, *names], [output], **attributes))
        return output

    def activate(self, layer: keras.Layer, name: str) -> str:
        """Add the activation of a layer, if it has one."""
        operator = ACTIVATIONS[layer.get_config()["activation"]]
        return self.add(operator, [name]) if operator else name

    def _keep(self, array: NDArray) -> str:
        from onnx import numpy_helper

        name = f"array_{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def add_image(graph: OnnxGraph, layer: Any, inputs: Sequence[str]) -> str:
    """Add the images, whose channels come first from here on."""
    from onnx import TensorProto

    return graph.add("Cast", [graph.add("Transpose", ["image"], perm=(0, 3, 1, 2))],
                     to=TensorProto.FLOAT)  # fmt: skip


def add_nothing(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Pass on what a layer changes in training only."""
    return inputs[0]


def add_rescaling(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add a multiplication, and an addition if there is an offset."""
    scaled = graph.add("Mul", inputs, np.array(layer.scale, np.float32))
    return (
        graph.add("Add", [scaled], np.array(layer.offset, np.float32)) if layer.offset else scaled
    )


def add_convolution(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add a convolution, with its activation."""
    kernel, *bias = layer.get_weights()
    values = kernel.transpose(3, 2, 0, 1)
    name = graph.add("Conv", inputs, values, *bias, **_slide(layer, kernel.shape[:2]))
    return graph.activate(layer, name)


def add_group_convolution(graph: OnnxGraph, layer: Any, inputs: Sequence[str]) -> str:
    """Add the plain convolution that computes the same."""
    kernel = layer.expand_kernel().numpy()
    size, stride = kernel.shape[:2], (layer.strides,) * 2
    window = {"kernel_shape": size, "strides": stride, **PADDING["same"]}
    return graph.add("Conv", inputs, kernel.transpose(3, 2, 0, 1), **window)


def add_group_normalization(graph: OnnxGraph, layer: Any, inputs: Sequence[str]) -> str:
    """Add batch normalization, with the weights repeated for each orientation."""
    weights = [weight.numpy() for weight in layer.repeat_weights()]
    return graph.add("BatchNormalization", inputs, *weights, epsilon=layer.epsilon)


def add_group_pool(graph: OnnxGraph, layer: Any, inputs: Sequence[str]) -> str:
    """Add the mean over the eight orientations."""
    parts = graph.add("Reshape", inputs, np.array([0, N_SYMMETRIES, -1]))
    return graph.add("ReduceMean", [parts], np.array([1]), keepdims=0)


def add_depthwise(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add a depthwise convolution, with its activation: one group for each channel."""
    kernel, *bias = layer.get_weights()
    rows, columns, channels, multiplier = kernel.shape
    values = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, rows, columns)
    window = _slide(layer, (rows, columns))
    name = graph.add("Conv", inputs, values, *bias, group=channels, **window)
    return graph.activate(layer, name)


def _slide(layer: keras.Layer, window: Sequence[int]) -> dict[str, Any]:
    strides = {} if tuple(layer.strides) == (1, 1) else {"strides": layer.strides}
    return {"kernel_shape": window, **strides, **PADDING[layer.padding]}


def add_normalization(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add batch normalization by the moving mean and variance."""
    return graph.add("BatchNormalization", inputs, *layer.get_weights(), epsilon=layer.epsilon)


def add_relu(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add ReLU, with its upper limit if it has one."""
    if layer.max_value is None:
        return graph.add("Relu", inputs)
    return graph.add("Clip", inputs, *(np.array(end, np.float32) for end in (0, layer.max_value)))


def add_activation(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add an activation."""
    return graph.activate(layer, inputs[0])


def add_sum(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add the sum of all inputs."""
    return graph.add("Sum", inputs)


def add_concatenation(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add all inputs, channel behind channel."""
    return graph.add("Concat", inputs, axis=1)


def add_pool(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add a max-pool."""
    return graph.add("MaxPool", inputs, **_slide(layer, layer.pool_size))


def add_average_pool(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add a pool of means. A mean is over the pixels that lie in the image."""
    return graph.add("AveragePool", inputs, **_slide(layer, layer.pool_size))


def add_padding(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add a margin of zeros."""
    (top, bottom), (left, right) = layer.padding
    return graph.add("Pad", inputs, np.array([0, 0, top, left, 0, 0, bottom, right]))


def add_resizing(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add a bilinear interpolation between the centers of pixels."""
    size = np.array([layer.height, layer.width])
    return graph.add("Resize", [*inputs, "", ""], size, mode="linear", axes=(2, 3))


def add_average(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add the mean of each channel."""
    return graph.add("Flatten", [graph.add("GlobalAveragePool", inputs)])


def add_flatten(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add a flattening; a dense layer then corrects the order of the values."""
    name = graph.add("Flatten", inputs)
    if len(shape := layer.input.shape[1:]) == 3:
        graph.flattened[name] = tuple(shape)
    return name


def add_dense(graph: OnnxGraph, layer: keras.Layer, inputs: Sequence[str]) -> str:
    """Add a dense layer, with its activation."""
    kernel, bias = layer.get_weights()
    if shape := graph.flattened.get(inputs[0]):
        by_pixel = kernel.reshape(*shape, -1)
        kernel = by_pixel.transpose(2, 0, 1, 3).reshape(kernel.shape)
    return graph.activate(layer, graph.add("Gemm", inputs, kernel, bias))
