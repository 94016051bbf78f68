"""Networks in model files: written as .keras files, and read after each part was checked."""

from __future__ import annotations

import io
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellsk.exceptions import InputError, ModelFileError
from cellsk.neural_network import (
    CellClassifier,
    ImageEmbedder,
    NetworkGraph,
    OutsideTableError,
    check_architecture,
    compile_network,
    drop_session_names,
    read_graph,
    read_model,
    register_layers,
    wrap_network,
)
from cellsk.persistence._archive import read_archive, refuse, write_archive
from cellsk.persistence._json import parse_json

if TYPE_CHECKING:
    import h5py
    import keras
    from scikeras.wrappers import KerasClassifier

__all__ = ["network_settings", "pack_network", "unpack_backbone", "unpack_network"]

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_FILE_NAME = "network.keras"
_RULE = "A network in a model file must be a .keras file as Keras writes it."
_WEIGHTS_RULE = "Weights in a model file must be plain numbers inside their own HDF5 file."
_MAX_DEPTH, _MAX_OBJECTS = 10, 10_000
_LAYERS_RULE = (
    "A network in a model file must be a Sequential or functional network of the layers that "
    "cellsk knows, with nothing registered, custom or callable in it."
)
_LAYERS_REMEDY = "Use a network of cellsk, or keep yours in a separate .keras file."
_FIT_RULE = "A network in a model file must fit the estimator that it belongs to."
_LABELS = (str, int, float, np.generic)
_WRAPPER_SETTINGS = ("epochs", "batch_size", "verbose")


def pack_network(model: keras.Model) -> bytes:
    """Return the .keras file of a network, without the state of its training.

    Raises
    ------
    ModelFileError
        If `unpack_network` would refuse it.
    """
    import keras

    try:
        read_model(model)
    except OutsideTableError as error:
        raise refuse(_LAYERS_RULE, str(error), _LAYERS_REMEDY) from None
    # A copy that is not compiled, because the optimizer's state is twice the size of the weights.
    bare = type(model).from_config(model.get_config())
    bare.set_weights(model.get_weights())
    with TemporaryDirectory() as folder:
        path = Path(folder) / _FILE_NAME
        with _old_conversions():
            keras.saving.save_model(bare, path)
        members = _read_members(path.read_bytes())
    config = drop_session_names(parse_json(_CONFIG, members[_CONFIG]))
    check_network_config(config)
    # With the date and the places in memory, each file would be different.
    metadata = {**json.loads(members[_METADATA]), "date_saved": "1980-01-01@00:00:00"}
    changed = {_CONFIG: json.dumps(config).encode(), _METADATA: json.dumps(metadata).encode()}
    return write_archive(members | changed)


def check_network_config(config: Mapping[str, Any]) -> NetworkGraph:
    """Return the graph of the network in config.json, without making any of it.

    Raises
    ------
    ModelFileError
        If the table of layers does not hold the network, or its shapes do not fit together.
    """
    config = dict(config)
    if config.pop("compile_config", None):
        got = "a compiled one, with an optimizer of the file's choice"
        raise refuse(_LAYERS_RULE, got, _LAYERS_REMEDY)
    try:
        return read_graph(config)
    except OutsideTableError as error:
        raise refuse(_LAYERS_RULE, str(error), _LAYERS_REMEDY) from None


def network_settings(wrapper: KerasClassifier) -> dict[str, Any]:
    """Return the settings with which the scikeras wrapper was made and trained."""
    state = vars(wrapper)
    settings = {name: state[name] for name in state if _is_setting(name)}
    return {**settings, "n_images": wrapper.X_shape_[0]}


def unpack_network(
    classifier: CellClassifier, data: bytes, settings: Mapping[str, Any], max_bytes: int
) -> KerasClassifier:
    """Return the scikeras wrapper around the network in a .keras file.

    Layers, shapes and weights are checked first. Keras then reads a file of the checked
    members, not ``data``.

    Raises
    ------
    ModelFileError
        If the network is of another kind, or does not fit the classifier.
    """
    _check_architecture(classifier.architecture)
    members, graph = _check_network(data)
    images, labels = _sample(classifier, graph, max_bytes)
    network = _load(members)
    try:
        compile_network(network, settings["model__learning_rate"])
        return _wrap(classifier, network, images, labels, settings)
    except Exception:  # Keras fails in too many ways to list, and its messages show internals
        raise _refuse_loading() from None


def unpack_backbone(embedder: ImageEmbedder, data: bytes) -> keras.Model:
    """Return the network of features in a .keras file. It is checked as `unpack_network` does.

    Raises
    ------
    ModelFileError
        If the network is of another kind, or does not fit the embedder.
    """
    members, graph = _check_network(data)
    shape = tuple(embedder.image_shape_)
    if shape != graph.image_shape:
        got = f"one for images of shape {graph.image_shape}, not {str(shape)[:100]}"
        raise refuse(_FIT_RULE, got)
    _check_images(embedder)
    network = _load(members)
    network.trainable = False
    return network


def _check_network(data: bytes) -> tuple[dict[str, bytes], NetworkGraph]:
    """Return the members of a .keras file, checked, and the graph of its network."""
    members = _read_members(data)
    config = parse_json(_CONFIG, members[_CONFIG])
    graph = check_network_config(config)
    if (held := count_stored_weights(members[_WEIGHTS])) < graph.n_weights:
        raise refuse(_RULE, f"{held:,} weights for a network of {graph.n_weights:,}")
    return {**members, _CONFIG: json.dumps(config).encode()}, graph


def _check_architecture(name: Any) -> None:
    try:
        check_architecture(name)
    except InputError:
        raise refuse(
            "A network in a model file must have an architecture that this version of cellsk has.",
            f"the architecture {str(name)[:100]!r}",
            "Update cellsk: pip install --upgrade cellsk.",
        ) from None


def _read_members(data: bytes) -> dict[str, bytes]:
    members = read_archive(io.BytesIO(data), len(data))
    if members.keys() != {_CONFIG, _METADATA, _WEIGHTS}:
        raise refuse(_RULE, f"the members {sorted(members)[:5]}")
    return members


def count_stored_weights(data: bytes) -> int:
    """Return how many numbers an HDF5 file really holds.

    Raises
    ------
    ModelFileError
        If it is not such a file, has links, external, virtual or packed data, or claims
        more data than its own size.
    """
    import h5py

    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            datasets = list(_walk(file))
            # Python's own numbers, because NumPy's can overflow.
            sizes = [math.prod(dataset.shape) for dataset in datasets]
            declared = sum(
                size * dataset.dtype.itemsize for size, dataset in zip(sizes, datasets, strict=True)
            )
    except ModelFileError:
        raise
    except Exception:  # the HDF5 library fails in too many ways to list
        raise refuse(_WEIGHTS_RULE, "a damaged HDF5 file") from None
    if declared > len(data):
        raise refuse(_WEIGHTS_RULE, f"{declared:,} bytes of weights in a file of {len(data):,}")
    return sum(sizes)


def _walk(file: h5py.File) -> Iterator[h5py.Dataset]:
    """Yield the datasets of the file. Each link is checked before it is followed."""
    import h5py

    pending: list[tuple[h5py.Group, int]] = [(file, 0)]
    met = 0
    while pending:
        group, depth = pending.pop()
        met += len(group)
        if depth > _MAX_DEPTH or met > _MAX_OBJECTS:
            raise refuse(_WEIGHTS_RULE, "groups nested too deeply, or too many")
        for name in group:
            if type(group.get(name, getlink=True)) is not h5py.HardLink:
                raise refuse(_WEIGHTS_RULE, f"a link to somewhere else, {name[:100]!r}")
            child = group[name]
            if h5py.h5o.get_info(child.id).rc > 1:
                raise refuse(_WEIGHTS_RULE, f"{name[:100]!r}, which has more than one name")
            if isinstance(child, h5py.Group):
                pending.append((child, depth + 1))
            else:
                _check_dataset(child, name)
                yield child


def _check_dataset(dataset: h5py.Dataset, name: str) -> None:
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu":
        raise refuse(_WEIGHTS_RULE, f"{name[:100]!r}, which does not hold numbers")
    if dataset.external is not None or dataset.is_virtual:
        raise refuse(_WEIGHTS_RULE, f"{name[:100]!r}, whose data are in another file")
    if dataset.chunks is not None:
        raise refuse(_WEIGHTS_RULE, f"{name[:100]!r}, which is packed")


@contextmanager
def _old_conversions() -> Iterator[None]:
    """Hide the warning that NumPy will change how Keras asks TensorFlow for arrays."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        yield


def _load(members: Mapping[str, bytes]) -> keras.Model:
    import keras

    register_layers()
    with TemporaryDirectory() as folder:
        path = Path(folder) / _FILE_NAME
        path.write_bytes(write_archive(members))
        try:
            with _old_conversions():
                return keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception:  # as above
            raise _refuse_loading() from None


def _refuse_loading() -> ModelFileError:
    return refuse(
        _RULE,
        f"one that Keras {version('keras')} cannot load",
        "Install the version that manifest.json names, or save the model again.",
    )


def _wrap(
    classifier: CellClassifier,
    network: keras.Model,
    images: NDArray,
    labels: NDArray,
    settings: Mapping[str, Any],
) -> KerasClassifier:
    """Return the wrapper that fit makes, around the network."""

    def return_network(**_: Any) -> keras.Model:
        return network

    plain = CellClassifier(architecture=classifier.architecture)
    wrapper = wrap_network(plain, settings["model__rescale"], settings["model__seed"])
    state = vars(wrapper)
    state.update({name: settings[name] for name in settings if name in state and _is_setting(name)})
    builder, wrapper.model = wrapper.model, return_network
    wrapper.initialize(images, labels)
    wrapper.model = builder
    wrapper.history_ = classifier.history_
    wrapper.X_shape_ = (int(settings["n_images"]), *images.shape[1:])
    return wrapper


def _sample(
    classifier: CellClassifier, graph: NetworkGraph, max_bytes: int
) -> tuple[NDArray, NDArray]:
    """Return two blank images of each class, from which scikeras learns shape and labels."""
    classes, shape = classifier.classes_, tuple(classifier.image_shape_)
    outputs = 1 if len(classes) == 2 else len(classes)
    if (
        classes.ndim != 1
        or len(classes) < 2
        or (shape, outputs) != (graph.image_shape, graph.n_outputs)
    ):
        raise refuse(
            _FIT_RULE,
            f"{graph.n_outputs} outputs for images of shape {graph.image_shape}, for a classifier "
            f"of {len(classes)} classes and images of shape {str(shape)[:100]}",
        )
    if not isinstance(classifier.history_, dict):
        raise refuse(_FIT_RULE, "no history")
    _check_images(classifier)
    if classes.dtype == object and not all(isinstance(name, _LABELS) for name in classes):
        raise refuse(_FIT_RULE, "classes that are neither text nor numbers")
    labels = np.repeat(classes, 2)
    dtype = np.dtype(classifier.image_dtype_)
    if len(labels) * math.prod(shape) * dtype.itemsize > max_bytes:
        raise refuse(
            _FIT_RULE,
            f"images of shape {shape}",
            "Pass a larger max_bytes.",
            code="model-file-too-large",
        )
    return np.zeros((len(labels), *shape), dtype), labels


def _check_images(estimator: CellClassifier | ImageEmbedder) -> None:
    """Raise unless what an estimator knows of its images fits together."""
    if estimator.n_features_in_ != math.prod(estimator.image_shape_):
        raise refuse(_FIT_RULE, "other numbers of pixels")
    if estimator.image_dtype_ not in ("uint8", "float32"):
        raise refuse(_FIT_RULE, f"pixels of dtype {str(estimator.image_dtype_)[:100]!r}")


def _is_setting(name: str) -> bool:
    return name.startswith("model__") or name in _WRAPPER_SETTINGS
