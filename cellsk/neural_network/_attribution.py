"""Class activation maps: what each place of an image adds to the log-odds of a class."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from cellsk._checks import check_option, name_some
from cellsk.exceptions import InputError
from cellsk.neural_network._inputs import validate_images
from cellsk.neural_network.networks import NetworkGraph, OutsideTableError, read_model

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["CAM_METHODS", "compute_cam"]

CAM_METHODS = ("grad_cam", "hires_cam")
_BATCH_SIZE, _BATCH_VALUES = 64, 2**21


class _Axis(NamedTuple):
    """Place of a map along one side of an image: cell ``i`` is centered on ``start + step * i``."""

    start: float
    step: float


_Place: TypeAlias = tuple[_Axis, _Axis]


class _CamNetwork:
    """A network as a TensorFlow function from images and classes to maps, traced once."""

    def __init__(
        self, model: keras.Model, graph: NetworkGraph, layer: str, dtype: str, method: str
    ) -> None:
        import tensorflow as tf

        # The cache that keeps this object must not keep the model, but its layers may live longer.
        layers = {one.name: one for one in model.layers}

        @tf.autograph.experimental.do_not_convert
        def call(images: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
            maps, scores = _run_layers(graph, layers, layer, images)
            (slopes,) = tf.gradients(_compute_log_odds(scores, codes), [maps])
            if method == "grad_cam":
                slopes = tf.reduce_mean(slopes, (1, 2), keepdims=True)
            return tf.reduce_sum(maps * slopes, -1)

        images = tf.TensorSpec((None, *graph.image_shape), dtype)
        codes = tf.TensorSpec((None,), tf.int32)
        function = tf.function(call, input_signature=[images, codes])
        self._run = function.get_concrete_function()

    def __call__(self, images: NDArray, codes: NDArray) -> NDArray[np.float32]:
        """Return the map of each image, at the resolution of the layer."""
        import tensorflow as tf

        size = max(1, min(_BATCH_SIZE, _BATCH_VALUES // images[0].size))
        parts = [slice(start, start + size) for start in range(0, len(images), size)]
        found = [self._run(tf.constant(images[p]), tf.constant(codes[p])) for p in parts]
        return np.concatenate([maps.numpy() for maps in found])


def _run_layers(
    graph: NetworkGraph, layers: dict[str, Any], name: str, images: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the maps after a layer, and the scores in front of the last activation."""
    import tensorflow as tf

    first, *between, last = graph.nodes
    outputs = {first.name: images}
    for node in between:
        inputs = [outputs[source] for source in node.inputs]
        outputs[node.name] = layers[node.name](inputs if len(inputs) > 1 else inputs[0])
        if node.name == name:
            maps = outputs[name] = tf.cast(outputs[name], tf.float32)
    (features,) = (outputs[source] for source in last.inputs)
    layer = layers[last.name]
    return maps, tf.matmul(tf.cast(features, tf.float32), layer.kernel) + layer.bias


def _compute_log_odds(scores: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    """Return the log-odds of a class of each image. Probabilities would be flat near 0 and 1."""
    import tensorflow as tf

    if scores.shape[1] == 1:
        return tf.where(codes == 1, scores[:, 0], -scores[:, 0])
    is_class = tf.one_hot(codes, scores.shape[1], on_value=True, off_value=False, dtype=tf.bool)
    others = tf.reduce_logsumexp(tf.where(is_class, -np.inf, scores), -1)
    return tf.gather(scores, codes, batch_dims=1) - others


_networks: weakref.WeakKeyDictionary[keras.Model, dict[tuple[str, ...], _CamNetwork]] = (
    weakref.WeakKeyDictionary()
)
_lock = threading.Lock()


def compute_cam(
    classifier: Any,
    X: ArrayLike,
    codes: NDArray,
    *,
    method: str = "grad_cam",
    layer: str | None = None,
) -> NDArray[np.float32]:
    """Return what each place of an image adds to the log-odds of a class.

    Parameters
    ----------
    classifier : CellClassifier
        Fitted. Its network consists of layers in the table of layers.
    X : array-like of shape (n, height, width, channels) or (n, height, width)
        Images, as for `predict_proba`.
    codes : ndarray of shape (n,)
        Place of the class to explain, of each image.
    method : {"grad_cam", "hires_cam"}, default="grad_cam"
        "grad_cam" averages the slope of each feature over the image before it multiplies the
        feature by it, "hires_cam" multiplies first.
    layer : str, default=None
        Layer whose features are used. None is the last one with height and width, in front of its
        pool.

    Returns
    -------
    heat : ndarray of shape (n, height, width), dtype float32
        Positive where the features support the class, and negative where they count against it.
        Values between the cells of the layer's map are interpolated.

    Raises
    ------
    InputError, NotFittedError, ValueError
        If the classifier is not fitted, a layer of its network is not in the table, no such layer
        has height and width, or the images differ in kind from those in `fit`.

    Notes
    -----
    Both methods give the same map if the layer is followed by a global average. If it is flattened,
    as in the network "seed", the slope of a feature differs from place to place, and only
    "hires_cam" shows where the score comes from.

    References
    ----------
    R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
    localization", ICCV 2017.

    R. L. Draelos and L. Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of
    convolutional neural networks", arXiv:2011.08891, 2020.
    """
    check_option("method", method, CAM_METHODS)
    check_is_fitted(classifier)
    images = validate_images(classifier, X, reset=False)
    model = classifier.keras_classifier_.model_
    graph = _read_graph(model)
    name = _choose_layer(graph, layer)
    key = name, str(images.dtype), method
    with _lock:
        traced = _networks.setdefault(model, {})
        if key not in traced:
            traced[key] = _CamNetwork(model, graph, *key)
    maps = traced[key](images, np.asarray(codes, np.int32))
    rows, columns = _find_place(graph, name)
    height, width, _ = graph.image_shape
    across = _interpolate(rows, height, maps.shape[1]), _interpolate(columns, width, maps.shape[2])
    return np.einsum("ya,nab,xb->nyx", across[0], maps, across[1], optimize=True)


def _read_graph(model: keras.Model) -> NetworkGraph:
    try:
        graph = read_model(model)
    except OutsideTableError as error:
        raise _refuse(str(error)) from None
    if graph.nodes[-1].kind != "Dense":
        raise _refuse(f"a network that ends in a layer {graph.nodes[-1].kind!r}")
    return graph


def _refuse(got: str) -> InputError:
    return InputError(
        "A class activation map needs a network of the layers that cellsk knows",
        got,
        "Pass methods='occlusion', which works for every classifier.",
        code="cam-network-unknown",
    )


def _choose_layer(graph: NetworkGraph, layer: str | None) -> str:
    """Return the layer, or the last one with height and width."""
    sizes = {node.name: node.shape[:2] for node in graph.nodes[1:] if len(node.shape) == 3}
    names = [name for name, size in sizes.items() if max(size) > 1]
    if layer is None and names:
        # What a pool passes on is placed more exactly in front of it.
        pools = {node.name for node in graph.nodes if node.kind.endswith("Pooling2D")}
        return next((name for name in reversed(names) if name not in pools), names[-1])
    if layer not in names:
        raise InputError(
            "must name a layer whose output has height and width",
            f"{layer!r}, with {name_some(names, 9) or 'no such layer'}",
            "Pass None for the last one, or one of these names.",
            parameter="layer",
            code="cam-layer-unknown",
        )
    return layer


def _find_place(graph: NetworkGraph, name: str) -> _Place:
    """Return where the cells of a layer's map are in the image, followed from layer to layer.

    Convolutions without padding lose a margin, so a map that is stretched over the whole image
    would be some pixels off.
    """
    shapes = {node.name: node.shape for node in graph.nodes}
    places: dict[str, _Place] = {graph.nodes[0].name: (_Axis(0.0, 1.0), _Axis(0.0, 1.0))}
    for node in graph.nodes[1:]:
        if len(node.shape) == 3:
            source, after = node.inputs[0], node.shape
            first, second = (
                _move(places[source][side], node.config, side, shapes[source][side], after[side])
                for side in (0, 1)
            )
            places[node.name] = first, second
    return places[name]


def _move(axis: _Axis, config: dict[str, Any], side: int, before: int, after: int) -> _Axis:
    """Return the place of a map behind a layer, from its place in front of it."""
    window: Sequence[int] | int | None = config.get("kernel_size") or config.get("pool_size")
    if window is not None:
        # A group convolution has one number for both sides, and always margins.
        size, stride = (float(np.broadcast_to(n, 2)[side]) for n in (window, config["strides"]))
        lost = max((after - 1) * stride + size - before, 0) // 2
        offset = (size - 1) / 2 - (lost if config.get("padding", "same") == "same" else 0)
    else:  # the same size, or a resized or padded map
        stride = before / after
        offset = (stride - 1) / 2
    return _Axis(axis.start + axis.step * offset, axis.step * stride)


def _interpolate(axis: _Axis, n_pixels: int, n_cells: int) -> NDArray[np.float32]:
    """Return the weight of each cell (columns) in each pixel (rows), by linear interpolation."""
    place = np.clip((np.arange(n_pixels) - axis.start) / axis.step, 0, n_cells - 1)
    distance = np.abs(place[:, None] - np.arange(n_cells))
    return np.clip(1 - distance, 0, None).astype(np.float32)
