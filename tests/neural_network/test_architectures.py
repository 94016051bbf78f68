"""A second architecture, one function and one entry, can do all that the first one can."""

import copy
import io
import json
import pickle
import zipfile
from hashlib import sha256

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from cellsk import CellClassifier, SearchReport, load_model, save_model
from cellsk.exceptions import ModelFileError
from cellsk.neural_network import _predicting, count_weights
from cellsk.neural_network._fast_step import can_speed_up
from cellsk.neural_network._onnx import OnnxNetwork
from cellsk.neural_network.networks import ARCHITECTURES, Architecture, compile_network
from cellsk.neural_network.networks._compiling import draw_layer_seeds, make_output_layer

L = keras.layers
# Six epochs are too few for a hold-out loss better than that of guessing.
pytestmark = pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")


def build_residual(meta, *, filters=(8,), learning_rate=1e-3, rescale=1 / 255, seed=None):
    """Build a network of one residual block, with batch normalization."""
    _, *shape = meta["X_shape_"]
    seeds = draw_layer_seeds(seed, 3)
    (count,) = filters

    def convolve(values, name):
        start = keras.initializers.GlorotUniform(next(seeds))
        layer = L.Conv2D(
            count, 3, padding="same", use_bias=False, kernel_initializer=start, name=name
        )
        return L.BatchNormalization(name=f"{name}_norm", momentum=0.8)(layer(values))

    image = keras.Input(tuple(shape), name="image")
    before = L.ReLU(name="relu_1")(convolve(L.Rescaling(rescale, name="rescale")(image), "conv_1"))
    added = L.Add(name="add")([before, convolve(before, "conv_2")])
    pooled = L.GlobalAveragePooling2D(name="pool")(L.ReLU(name="relu_2")(added))
    outputs = make_output_layer(meta["n_classes_"], next(seeds))(pooled)
    model = keras.Model(image, outputs, name="residual")
    compile_network(model, learning_rate)
    return model


@pytest.fixture(scope="module", autouse=True)
def residual():
    """Register the architecture, as an entry of the table does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "residual", Architecture(build_residual))
        yield


@pytest.fixture(scope="module")
def settings():
    """Parameters of a classifier that stops early."""
    return {
        "architecture": "residual",
        "filters": (6,),
        "learning_rate": 0.02,
        "epochs": 6,
        "patience": 2,
        "validation_fraction": 0.25,
        "random_state": 0,
    }


@pytest.fixture(scope="module")
def classifier(settings, residual, cells):
    """A fitted classifier of this architecture; look, but do not refit."""
    return CellClassifier(**settings).fit(cells.images, cells.y)


def network_of(classifier):
    """Return the Keras model of a fitted classifier."""
    return classifier.keras_classifier_.model_


def test_second_architecture_fits_and_predicts(classifier):
    """It learns by the fast step, and ends with the weights of the best epoch."""
    assert [type(layer).__name__ for layer in network_of(classifier).layers].count("Add") == 1
    assert can_speed_up(network_of(classifier))
    assert classifier.history_["loss"][-1] < classifier.history_["loss"][0]
    assert network_of(classifier).optimizer.iterations.numpy() > 0


def test_second_architecture_keeps_the_moving_statistics_of_the_best_epoch(cells, settings):
    """Early stopping, and handing the state over, restore them: the score is that of the epoch."""
    settings = settings | {"epochs": 8, "learning_rate": 0.1, "patience": 3}
    X_val, y_val = cells.images[80:88], cells.y[80:88] ^ 1  # too few to compare with guessing
    classifier = CellClassifier(**settings)
    classifier.fit(cells.images[:80], cells.y[:80], X_val=X_val, y_val=y_val)
    assert classifier.best_epoch_ < classifier.n_iter_
    loss, _ = network_of(classifier).evaluate(X_val, y_val, verbose=0)
    assert loss == pytest.approx(min(classifier.history_["val_loss"]), rel=1e-4)
    norm = network_of(classifier).get_layer("conv_1_norm")
    assert np.abs(norm.moving_mean.value.numpy()).max() > 0


def test_second_architecture_gives_the_same_numbers_again(classifier, settings, cells):
    """A fit with a reused trainer, and a clone, give the bits of the first fit."""
    other = CellClassifier(**settings | {"random_state": 1, "epochs": 1})
    other.fit(cells.images, cells.y)
    twin = clone(classifier)
    assert twin.get_params() == classifier.get_params()
    twin.fit(cells.images, cells.y)
    np.testing.assert_array_equal(
        twin.predict_proba(cells.images), classifier.predict_proba(cells.images)
    )


def test_second_architecture_survives_copying(classifier, cells):
    """Pickles and copies keep the predictions."""
    expected = classifier.predict_proba(cells.images)
    for twin in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
        np.testing.assert_array_equal(twin.predict_proba(cells.images), expected)


def test_second_architecture_is_predicted_by_onnx(classifier, cells):
    """ONNX Runtime and TensorFlow agree to rounding, by the moving statistics."""
    pytest.importorskip("onnxruntime")
    model = network_of(classifier)
    found = classifier.predict_proba(cells.images)[:, 1]
    assert type(_predicting._networks[model]) is OnnxNetwork
    expected = model(cells.images, training=False).numpy()[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    twin = network_of(copy.deepcopy(classifier))  # a call in training changes the statistics
    in_training = twin(cells.images, training=True).numpy()[:, 0]
    assert np.abs(in_training - expected).max() > 1e-3


def test_second_architecture_is_saved_and_loaded(classifier, cells, tmp_path):
    """The model file has the same bits each time, and gives the same predictions."""
    for name in ("one.cellsk", "two.cellsk"):
        save_model(classifier, tmp_path / name)
    assert (tmp_path / "one.cellsk").read_bytes() == (tmp_path / "two.cellsk").read_bytes()
    loaded = load_model(tmp_path / "one.cellsk")
    assert loaded.architecture == "residual"
    np.testing.assert_array_equal(
        loaded.predict_proba(cells.images), classifier.predict_proba(cells.images)
    )
    for found, expected in zip(
        network_of(loaded).weights, network_of(classifier).weights, strict=True
    ):
        np.testing.assert_array_equal(found.value.numpy(), expected.value.numpy())
    loaded.fit(cells.images, cells.y)  # the architecture is known: it can be trained anew


def test_search_report_counts_the_weights_of_each_architecture(settings, cells):
    """In one search, two architectures have the size that Keras counts in their networks."""
    small = settings | {"epochs": 1, "early_stopping": False}
    grid = [{"architecture": ["residual"], "filters": [(8,)]}, {"architecture": ["seed"]}]
    search = GridSearchCV(CellClassifier(**small), grid, cv=2, error_score="raise")
    search.fit(cells.images[:32], cells.y[:32])
    document = SearchReport(search).document
    assert document["search"]["size_unit"] == "weights"
    for candidate in document["candidates"]:
        params = candidate["params"]
        known, meta = ARCHITECTURES[params["architecture"]], {"X_shape_": (0, 16, 16, 3)}
        network = known.build(meta | {"n_classes_": 2}, filters=params.get("filters", (6,)))
        assert candidate["size"] == network.count_params()


def test_count_weights_includes_the_moving_statistics(settings):
    """Four numbers for each channel of a normalization."""
    count = count_weights(CellClassifier(**settings), (16, 16, 3), 2)
    assert count == 3 * 3 * 3 * 6 + 3 * 3 * 6 * 6 + 2 * 4 * 6 + 6 + 1


def test_unknown_architecture_is_refused(cells, classifier, tmp_path, monkeypatch):
    """By fit, and by load where the file's architecture is not known."""
    with pytest.raises(ValueError, match=r"architecture must be one of 'seed'.*Got 'other'"):
        CellClassifier(architecture="other").fit(cells.images, cells.y)
    save_model(classifier, tmp_path / "model.cellsk")
    monkeypatch.delitem(ARCHITECTURES, "residual")
    with pytest.raises(ModelFileError, match=r"architecture 'residual'.*Update cellsk"):
        load_model(tmp_path / "model.cellsk")


def edit(*path, value):
    """Return a function that sets a value in the first layer of a class, or in the network."""

    def change(config):
        node = config["config"]
        if path[0] in ("input_layers", "output_layers", "name"):
            node[path[0]] = value
            return
        node = next(layer for layer in node["layers"] if layer["class_name"] == path[0])
        for key in path[1:-1]:
            node = node[key]
        node[path[-1]] = value

    return change


FOREIGN = {"module": "os", "class_name": "system", "config": {}, "registered_name": None}
HISTORY = ("inbound_nodes", 0, "args", 0, "config", "keras_history")
HOSTILE = {
    "module": lambda config: config.update(module="os"),
    "registered": lambda config: config.update(registered_name="evil>Functional"),
    "build": lambda config: config.update(build_config={"input_shape": [None, 9, 9, 3]}),
    "input": edit("input_layers", value=["pool", 0, 0]),
    "output": edit("output_layers", value=["pool", 0, 0]),
    "outputs": edit("output_layers", value=[["probability", 0, 0], ["pool", 0, 0]]),
    "name": edit("name", value="../evil"),
    "history": edit("Conv2D", *HISTORY, value=["conv_2", 0, 0]),
    "second call": edit("Conv2D", *HISTORY, value=["rescale", 1, 0]),
    "missing": edit("Conv2D", *HISTORY, value=["nowhere", 0, 0]),
    "tensor": edit("Conv2D", "inbound_nodes", 0, "args", 0, value=FOREIGN),
    "shape": edit("Conv2D", "inbound_nodes", 0, "args", 0, "config", "shape", value=[None, 9]),
    "options": edit("Conv2D", "inbound_nodes", 0, "kwargs", value={"training": FOREIGN}),
    "arguments": edit("Conv2D", "inbound_nodes", 0, "args", value=[1, 2]),
    "calls": edit("Conv2D", "inbound_nodes", value=[]),
    "shared": edit("Conv2D", "shared_object_id", value=1),
    "shared policy": edit("Conv2D", "config", "dtype", "shared_object_id", value=1),
    "other name": edit("Conv2D", "name", value="other"),
    "filters": edit("Conv2D", "config", "filters", value=10**9),
    "epsilon": edit("BatchNormalization", "config", "epsilon", value="evil"),
    "renorm": edit("BatchNormalization", "config", "renorm", value=True),
    "axis": edit("BatchNormalization", "config", "axis", value=1),
    "gamma": edit("BatchNormalization", "config", "gamma_initializer", value="evil>init"),
    "moving": edit("BatchNormalization", "config", "moving_mean_initializer", value=FOREIGN),
    "relu": edit("ReLU", "config", "max_value", value=FOREIGN),
    "layer": edit("ReLU", "class_name", value="Lambda"),
    "zero limit": edit("ReLU", "config", "max_value", value=0.0),
    "sum": edit("Add", "inbound_nodes", 0, "args", 0, value=[]),
    "many inputs": edit("Add", "inbound_nodes", 0, "args", 0, value=[FOREIGN] * 101),
    "average": edit("GlobalAveragePooling2D", "config", "keepdims", value=True),
}


def pack(members):
    """Return a zip of members as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def unpack(data):
    """Return name and content of each member of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def saved(classifier, tmp_path_factory):
    """Name and content of each member of the classifier's model file."""
    path = tmp_path_factory.mktemp("saved") / "model.cellsk"
    save_model(classifier, path)
    return unpack(path.read_bytes())


@pytest.mark.parametrize("kind", HOSTILE)
def test_load_hostile_functional_network_is_refused(saved, tmp_path, monkeypatch, kind):
    """Its layers and calls are checked as strictly as those of a chain, before Keras sees them."""
    path, members = tmp_path / "model.cellsk", dict(saved)
    network = unpack(members["network-0.keras"])
    config = json.loads(network["config.json"])
    HOSTILE[kind](config)
    changed = json.dumps(config).encode()
    assert changed != network["config.json"]
    members["network-0.keras"] = pack({**network, "config.json": changed})
    manifest = json.loads(members["manifest.json"])
    digest = sha256(members["network-0.keras"]).hexdigest()
    manifest["sha256"]["network-0.keras"] = digest
    path.write_bytes(pack({**members, "manifest.json": json.dumps(manifest).encode()}))
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras saw it"))
    with pytest.raises(ModelFileError, match="A network in a model file must"):
        load_model(path)
