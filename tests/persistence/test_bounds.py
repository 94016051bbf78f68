"""Small model files that would take much time or memory, measured in a new process."""

import io
import json
import os
import zipfile

import h5py
import keras
import pytest

from cellsk.exceptions import ModelFileError
from cellsk.persistence import load_model
from cellsk.persistence._decoder import Decoder
from cellsk.persistence._encoder import Encoder
from cellsk.persistence._network import pack_network

SECONDS, MEGABYTES = 3, 150
SAME_HASH = 2**61 - 1


@pytest.fixture
def parts(members):
    """Name and content of each member of the .keras file."""
    with zipfile.ZipFile(io.BytesIO(members["network-0.keras"])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_value(members, value):
    """Return the members with one more attribute."""
    tree = json.loads(members["estimator.json"])
    tree["attributes"]["more_"] = value
    return {**members, "estimator.json": json.dumps(tree).encode()}


def with_setting(members, parts, pack, name, value):
    """Return the members with one more setting of a layer."""
    config = json.loads(parts["config.json"])
    config["config"]["layers"][-1]["config"][name] = value
    network = pack({**parts, "config.json": json.dumps(config).encode()})
    return {**members, "network-0.keras": network}


def with_layers(members, parts, pack, count):
    """Return the members with a network of many layers."""
    config = json.loads(parts["config.json"])
    layers = config["config"]["layers"]
    place = [layer["class_name"] for layer in layers].index("Rescaling")
    for index in range(count):
        layer = json.loads(json.dumps(layers[place]))
        layer["config"]["name"] = f"more_{index}"
        layers.insert(place, layer)
    network = pack({**parts, "config.json": json.dumps(config).encode()})
    return {**members, "network-0.keras": network}


def with_links(members, parts, pack, count):
    """Return the members with weights of many names."""
    buffer = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(buffer, "a") as file:
        group = file.create_group("more")
        for index in range(count):
            group[str(index)] = file["layers/dense/vars/1"]
    return {
        **members,
        "network-0.keras": pack({**parts, "model.weights.h5": buffer.getvalue()}),
    }


def test_network_with_large_images_is_refused():
    """Weights do not bound the images."""
    for size, count in ((5000, 0), (12_000, 1)):
        layers = [
            keras.Input((size, size, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
        network = keras.Sequential(layers)
        if count == 0:
            assert pack_network(network)
        else:
            with pytest.raises(ModelFileError, match="432,000,000 values for one image"):
                pack_network(network)


HOSTILE = {
    "lora_rank": lambda m, p, pack: with_setting(m, p, pack, "lora_rank", 10**5),
    "lora_alpha": lambda m, p, pack: with_setting(m, p, pack, "lora_alpha", 0),
    "quantization": lambda m, p, pack: with_setting(
        m, p, pack, "quantization_config", {"module": "keras.quantizers"}
    ),
    "text": lambda m, p, pack: with_value(m, {"$": "scalar", "dtype": "<U536870911", "value": "a"}),
    "texts": lambda m, p, pack: with_value(
        m, [{"$": "scalar", "dtype": "<U60000", "value": "a"}] * 10_000
    ),
    "list": lambda m, p, pack: with_value(
        m, {"$": "scalar", "dtype": "<U60000", "value": ["a"] * 50_000}
    ),
    "keys": lambda m, p, pack: with_value(
        m, {"$": "dict", "items": [[k * SAME_HASH, 0] for k in range(40_000)]}
    ),
    "negative keys": lambda m, p, pack: with_value(
        m, {"$": "dict", "items": [[-k * SAME_HASH, 0] for k in range(40_000)]}
    ),
    "tuples": lambda m, p, pack: with_value(
        m, {"$": "dict", "items": [[{"$": "tuple", "items": [1, 2]}, 0]]}
    ),
    "lists": lambda m, p, pack: with_value(m, [[]] * 3_000_000),
    "arrays": lambda m, p, pack: with_value(m, [{"$": "array", "member": "array-0.npy"}] * 100_000),
    "layers": lambda m, p, pack: with_layers(m, p, pack, 400),
    "links": lambda m, p, pack: with_links(m, p, pack, 9_000),
}


def test_hostile_model_files_are_refused_in_little_time_and_memory(
    members, parts, pack, forge, measure, tmp_path, model_bytes
):
    """Each of them took more than 2 GB, or more than 20 seconds."""
    paths = [tmp_path / "good.cellsk"]
    paths[0].write_bytes(model_bytes)
    for name, change in HOSTILE.items():
        paths.append(forge(change(members, parts, pack)).rename(tmp_path / f"{name}.cellsk"))
    (good, *_), *found = measure("cellsk.persistence:load_model", paths)
    assert good == ""
    for name, (error, seconds, megabytes) in zip(HOSTILE, found, strict=True):
        assert error.startswith("ModelFileError"), name
        assert seconds < SECONDS, name
        assert megabytes < MEGABYTES, name


def test_load_from_a_pipe_does_not_wait(tmp_path):
    """A named pipe without a writer would wait forever."""
    os.mkfifo(tmp_path / "model.cellsk")
    with pytest.raises(ModelFileError, match=r"regular file.*pipe.*Copy what it gives"):
        load_model(tmp_path / "model.cellsk")


def test_memory_that_is_missing_is_our_own_error(model_bytes, tmp_path, monkeypatch):
    """The message has a remedy."""

    def take_all(*_):
        raise MemoryError

    monkeypatch.setattr(Decoder, "decode_root", take_all)
    (tmp_path / "model.cellsk").write_bytes(model_bytes)
    with pytest.raises(ModelFileError, match=r"must fit into memory.*Close other programs"):
        load_model(tmp_path / "model.cellsk")


def test_what_cannot_be_loaded_is_not_saved():
    """The encoder has the same bounds for long numbers as the decoder."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    scaler.codes_ = {k * SAME_HASH: 0 for k in range(900)}
    tree, encoder = Encoder().encode_root(scaler), Encoder()
    assert len(Decoder({}, 2**20).decode_root(tree).codes_) == 900
    scaler.codes_ = {k * SAME_HASH: 0 for k in range(1100)}
    with pytest.raises(ModelFileError, match=r"written as JSON and arrays"):
        encoder.encode_root(scaler)


@pytest.mark.parametrize("number", [-1, True, 1.0, 10_000, 2**61, "0"])
def test_number_of_an_estimator_is_bounded(number):
    """The numbers are keys of a dictionary."""
    from sklearn.preprocessing import StandardScaler

    tree = {**Encoder().encode_root(StandardScaler()), "number": number}
    with pytest.raises(ModelFileError, match="at most 10,000 estimators"):
        Decoder({}, 2**20).decode_root(tree)
