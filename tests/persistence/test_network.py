"""Tests of hostile .keras members, none of which reaches Keras."""

import io
import json
import random
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest

from cellsk.exceptions import ModelFileError
from cellsk.persistence import load_model
from cellsk.persistence._network import check_network_config, count_stored_weights

RULE = "A network in a model file must be a Sequential or functional network of the layers"


@pytest.fixture
def parts(members):
    """Name and content of each member of the .keras file."""
    with zipfile.ZipFile(io.BytesIO(members["network-0.keras"])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def config(parts):
    """The network's config."""
    return json.loads(parts["config.json"])


@pytest.fixture
def refused(members, forge, monkeypatch):
    """Return a function that puts a .keras file into the model file and loads it."""

    def load_network(data):
        path = forge({**members, "network-0.keras": data})
        with monkeypatch.context() as patch:
            patch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras saw it"))
            with pytest.raises(ModelFileError) as caught:
                load_model(path)
        return str(caught.value)

    return load_network


@pytest.fixture
def refused_part(refused, parts, pack):
    """Return a function that changes members of the .keras file and loads it."""
    return lambda changes: refused(pack({**parts, **changes}))


def keras_bytes(model, folder):
    """Return the .keras file of a network."""
    path = folder / "other.keras"
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        model.save(path)
    return path.read_bytes()


def test_load_lambda_layer_is_refused(refused, tmp_path):
    """Python code in a layer is not even read."""
    layers = [keras.Input((16, 16, 3)), keras.layers.Lambda(lambda x: x), keras.layers.Flatten()]
    message = refused(keras_bytes(keras.Sequential(layers), tmp_path))
    assert RULE in message
    assert "Got a layer 'Lambda'" in message
    assert "in a separate .keras file" in message


class Subclassed(keras.Model):
    """A network whose class is not Keras' own."""


def test_load_subclassed_network_is_refused(refused, tmp_path):
    """Another kind of model."""
    inputs = keras.Input((16, 16, 3))
    model = Subclassed(inputs, keras.layers.Flatten()(inputs))
    assert "a network of class 'Subclassed'" in refused(keras_bytes(model, tmp_path))


def test_load_compiled_network_is_refused(refused, classifier, tmp_path):
    """Optimizers, losses and metrics come from cellsk, not from the file."""
    data = keras_bytes(classifier.keras_classifier_.model_, tmp_path)
    assert "with an optimizer of the file's choice" in refused(data)


def layer(config, name):
    """Return the config of a layer."""
    return next(layer for layer in config["config"]["layers"] if layer["class_name"] == name)


def edit(*path, value):
    """Return a function that sets a value in the config of a layer."""

    def apply(config):
        node = layer(config, path[0])
        for key in path[1:-1]:
            node = node[key]
        node[path[-1]] = value

    return apply


EVIL = {"module": "os", "class_name": "system", "config": {}, "registered_name": None}
WRAPPER = {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {}}
FUNCTION = {"module": "builtins", "class_name": "function", "config": "eval"}
LAMBDA = {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}
REGULARIZER = {"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 1.0}}


@pytest.mark.parametrize(
    "change",
    [
        edit("Dense", "module", value="os"),
        edit("Dense", "module", value=None),
        edit("Dense", "registered_name", value="evil>Dense"),
        edit("Dense", "class_name", value="Lambda"),
        edit("Dense", "class_name", value="TorchModuleWrapper"),
        edit("Dense", "class_name", value=["Dense"]),
        edit("Dense", "compile_config", value={}),
        edit("Dense", "config", "activation", value="evil>activation"),
        edit("Dense", "config", "activation", value=FUNCTION),
        edit("Dense", "config", "activation", value=LAMBDA),
        edit("Dense", "config", "activation", value=EVIL),
        edit("Dense", "config", "kernel_regularizer", value=REGULARIZER),
        edit("Dense", "config", "kernel_regularizer", value="l2"),
        edit("Dense", "config", "kernel_constraint", value="evil>constraint"),
        edit("Dense", "config", "kernel_initializer", value="orthogonal"),
        edit("Dense", "config", "kernel_initializer", "config", value={"seed": EVIL}),
        edit("Dense", "config", "kernel_initializer", "registered_name", value="evil>init"),
        edit("Dense", "config", "quantization_config", value=EVIL),
        edit("Dense", "config", "extra", value=[[WRAPPER]]),
        edit("Dense", "config", "name", value="../name"),
        edit("Dense", "config", "dtype", value="evil"),
        edit("Dense", "config", "dtype", "config", "name", value="float8"),
        edit("Dense", "config", "units", value=10**12),
        edit("Dense", "config", "units", value=True),
        edit("Dense", "config", "units", value=-1),
        edit("Dense", "config", "use_bias", value=False),
        edit("Dense", "build_config", value={"input_shape": [None, 10**12]}),
        edit("Conv2D", "config", "filters", value=10**12),
        edit("Conv2D", "config", "kernel_size", value=[10**6, 10**6]),
        edit("Conv2D", "config", "strides", value=[2, 2]),
        edit("MaxPooling2D", "config", "strides", value=[1, 1]),
        edit("Dropout", "config", "rate", value=[0.5]),
        edit("Dropout", "config", "noise_shape", value=[10**12]),
        edit("Rescaling", "config", "scale", value=[1.0] * 1000),
        edit("InputLayer", "config", "batch_shape", value=[None, 10**6, 10**6, 3]),
        edit("InputLayer", "config", "batch_shape", value=[None, 16]),
        edit("InputLayer", "config", "batch_shape", value="x"),
        edit("InputLayer", "class_name", value="Dropout"),
        lambda config: config.update(class_name="Model"),
        lambda config: config.update(registered_name="evil>Sequential"),
        lambda config: config.update(compile_config={"optimizer": EVIL}),
        lambda config: config.update(build_config={"input_shape": [None, 10**6, 10**6, 3]}),
        lambda config: config["config"].update(build_input_shape=[None, 10**6, 10**6, 3]),
        lambda config: config["config"].update(dtype=EVIL),
        lambda config: config["config"].update(layers=[]),
        lambda config: config["config"].update(layers={"a": 1}),
        lambda config: config["config"]["layers"].append(EVIL),
        lambda config: config["config"]["layers"].append(None),
        lambda config: config.update(config=[]),
    ],
)
def test_load_hostile_config_is_refused(config, refused_part, change):
    """Foreign modules, registered names, functions, and sizes that do not fit."""
    change(config)
    message = refused_part({"config.json": json.dumps(config).encode()})
    assert "A network in a model file must" in message


def test_check_config_measures_the_network(config, classifier):
    """Shapes and weights are those that Keras counts."""
    graph = check_network_config(config)
    model = classifier.keras_classifier_.model_
    found = (graph.image_shape, graph.n_outputs, graph.n_weights)
    assert found == ((16, 16, 3), 1, model.count_params())


def h5_bytes(write):
    """Return an HDF5 file."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write(file)
    return buffer.getvalue()


def add_external_link(file):
    """Link to a dataset of another file."""
    file["evil"] = h5py.ExternalLink("/etc/passwd", "/x")


def add_soft_link(file):
    """Link by name."""
    file["evil"] = h5py.SoftLink("/x")


def add_external_data(file):
    """Data in another file."""
    file.create_dataset("evil", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def add_virtual_data(file):
    """Data put together from other files."""
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("evil", layout)


def add_packed_data(file):
    """A decompression bomb."""
    file.create_dataset("evil", data=np.zeros(10**6), chunks=True, compression="gzip")


def add_empty_data(file):
    """A size that is only claimed."""
    file.create_dataset("evil", (10**6, 10**6), "f8")


def add_text(file):
    """No numbers."""
    file["evil"] = ["a", "b"]


def add_type(file):
    """A named type."""
    file["evil"] = np.dtype("f8")


def add_loop(file):
    """A group inside itself."""
    group = file.create_group("evil")
    group["evil"] = group


@pytest.mark.parametrize(
    ("write", "got"),
    [
        (add_external_link, "a link to somewhere else"),
        (add_soft_link, "a link to somewhere else"),
        (add_external_data, "data are in another file"),
        (add_virtual_data, "data are in another file"),
        (add_packed_data, "which is packed"),
        (add_empty_data, "bytes of weights in a file of"),
        (add_text, "does not hold numbers"),
        (add_type, "does not hold numbers"),
        (add_loop, "more than one name"),
    ],
)
def test_load_hostile_weights_are_refused(refused_part, write, got):
    """Weights come from their own file, and are not larger than it."""
    message = refused_part({"model.weights.h5": h5_bytes(write)})
    assert "must be plain numbers inside their own HDF5 file" in message
    assert got in message


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"", "damaged HDF5"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "damaged HDF5"),
        (h5_bytes(lambda file: file.create_group("layers")), "0 weights for a network of"),
    ],
)
def test_load_weights_too_few_are_refused(refused_part, data, got):
    """Each weight of the network is in the file."""
    assert got in refused_part({"model.weights.h5": data})


def test_load_weights_of_another_network_are_refused(members, parts, pack, forge, tmp_path):
    """Weights under other names are refused, with our own message."""
    weights = h5_bytes(lambda file: file.create_dataset("layers/x", data=np.zeros(5000)))
    data = pack({**parts, "model.weights.h5": weights})
    with pytest.raises(
        ModelFileError, match=r"as Keras writes it\. Got one that Keras .* cannot load.*manifest"
    ):
        load_model(forge({**members, "network-0.keras": data}))


def test_count_weights_flipped_bytes_is_refused_or_counted(parts):
    """Damaged data give no other error."""
    data, generator = parts["model.weights.h5"], random.Random(0)
    for _ in range(200):
        edited = bytearray(data)
        edited[generator.randrange(4096)] ^= 1 << generator.randrange(8)
        try:
            assert count_stored_weights(bytes(edited)) >= 0
        except ModelFileError:
            continue


def test_load_other_members_in_keras_file_are_refused(refused, parts, pack):
    """No assets, no second weights, nothing missing."""
    assert "as Keras writes it" in refused(pack({**parts, "assets.txt": b""}))
    assert "plain names" in refused(pack({**parts, "assets/x": b""}))
    assert "as Keras writes it" in refused(pack({"config.json": parts["config.json"]}))
    assert "whole zip archive" in refused(b"no zip")


def test_load_zip_bomb_in_keras_file_is_refused(refused, parts):
    """The inner archive is bounded like the outer one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**parts, "model.weights.h5": bytes(20_000_000)}.items():
            archive.writestr(name, data)
    assert "must be stored as they are" in refused(buffer.getvalue())


@pytest.mark.parametrize(
    ("before", "after", "got"),
    [
        (b'"n_features_in_": 768', b'"n_features_in_": 7', "other numbers of pixels"),
        (b'"image_dtype_": "uint8"', b'"image_dtype_": "float64"', "pixels of dtype 'float64'"),
        (b'"image_dtype_": "uint8"', b'"image_dtype_": ["O"]', "pixels of dtype"),
        (b'"network-0.keras"', b'"array-0.npy"', "used once"),
        (b'"network-0.keras"', b'"/etc/passwd"', "another form"),
        (b'"settings"', b'"other"', "another form"),
        (b'"model__seed"', b'"model__x"', "cannot load"),
        (b'"n_images"', b'"n"', "cannot load"),
        (b"    16,\n    16,\n", b"    16,\n    15,\n", "of 2 classes and images of shape"),
    ],
)
def test_load_classifier_that_does_not_fit_is_refused(members, forge, before, after, got):
    """Attributes and network belong together."""
    tree = members["estimator.json"]
    assert before in tree
    path = forge({**members, "estimator.json": tree.replace(before, after)})
    with pytest.raises(ModelFileError, match=got):
        load_model(path)


def test_load_classifier_of_other_classes_is_refused(members, forge):
    """Three classes do not fit one output."""
    buffer = io.BytesIO()
    np.save(buffer, np.array(["a", "b", "c"]))
    with pytest.raises(ModelFileError, match=r"must fit the estimator.*1 outputs.*3 classes"):
        load_model(forge({**members, "array-0.npy": buffer.getvalue()}))
