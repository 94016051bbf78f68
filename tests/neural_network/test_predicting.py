"""ONNX Runtime predicts if it is installed and agrees, else TensorFlow, with equal numbers."""

import copy
import gc
import io
import pickle
import sys

import keras
import numpy as np
import pytest

from cellsk import CellClassifier, build_cnn, load_model, save_model
from cellsk.neural_network import _predicting
from cellsk.neural_network._onnx import OnnxNetwork
from cellsk.neural_network._predicting import TracedNetwork, read_probabilities

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

MANY_NETWORKS = """
import ctypes, gc, sys
import numpy as np
from tensorflow.python.eager import context
from cellsk import build_cnn
from cellsk.neural_network import _predicting

images = np.zeros((30, 24, 24, 3), np.uint8)

def predict(times):
    for _ in range(times):
        model = build_cnn({"X_shape_": (0, 24, 24, 3), "n_classes_": 2}, filters=(8,), seed=0)
        _predicting.read_probabilities(model, images)
        kind = type(_predicting._networks[model]).__name__
    del model
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free does not count
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[1])
    functions = len(context.context().list_function_names())
    return kind, len(_predicting._networks), functions, pages * 4096 / 2**20

_, _, functions, megabytes = predict(10)
kind, kept, more_functions, more_megabytes = predict(15)
print(kind, kept, more_functions - functions, more_megabytes - megabytes)
"""


def build(n_classes=2):
    """Return a small network that was not used before."""
    return build_cnn({"X_shape_": (0, 16, 16, 3), "n_classes_": n_classes}, filters=(4,), seed=0)


def draw(n_images=5, dtype=np.uint8):
    """Return random images for it."""
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (n_images, 16, 16, 3)).astype(dtype)


def find_kind(model):
    """Return the class of the object that computes a network."""
    return type(_predicting._find_network(model, np.dtype(np.uint8)))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_read_probabilities_same_numbers_either_way(n_classes, monkeypatch):
    """The switch changes the numbers only by rounding."""
    model = build(n_classes)
    by_onnx = read_probabilities(model, draw())
    assert find_kind(model) is OnnxNetwork
    monkeypatch.setenv("CELLSK_ONNX", "off")
    model = build(n_classes)
    by_tensorflow = read_probabilities(model, draw())
    assert find_kind(model) is TracedNetwork
    assert by_onnx.dtype == by_tensorflow.dtype == np.float64
    assert by_onnx.shape == by_tensorflow.shape == (5, n_classes)
    np.testing.assert_allclose(by_onnx, by_tensorflow, atol=1e-6)
    np.testing.assert_allclose(by_onnx.sum(axis=1), 1)


@pytest.mark.parametrize("missing", [["onnx"], ["onnxruntime"], ["onnx", "onnxruntime"]])
def test_read_probabilities_without_onnx_same_numbers(missing, monkeypatch):
    """If one of the packages is not installed, TensorFlow computes."""
    expected = read_probabilities(build(), draw())
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)  # importing it raises ImportError
    model = build()
    found = read_probabilities(model, draw())
    assert find_kind(model) is TracedNetwork
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_read_probabilities_other_layer_is_left_to_tensorflow():
    """A network with another layer has the numbers of Keras."""
    layers = [keras.layers.UpSampling2D(2), keras.layers.Flatten()]
    model = keras.Sequential([keras.Input((16, 16, 3)), *layers, keras.layers.Dense(2, "softmax")])
    images = draw() / np.float32(255)
    proba = read_probabilities(model, images)
    assert type(_predicting._networks[model]) is TracedNetwork
    np.testing.assert_allclose(proba, model(images).numpy(), atol=1e-6)


def test_read_probabilities_disagreement_is_left_to_tensorflow(monkeypatch):
    """ONNX Runtime is not used if it differs too much on the probe."""
    monkeypatch.setattr(_predicting, "TOLERANCE", -1.0)
    assert find_kind(build()) is TracedNetwork


@pytest.mark.parametrize("switch", ["on", "off"])
def test_read_probabilities_follow_the_weights(monkeypatch, switch):
    """The next prediction uses weights that a caller has set."""
    monkeypatch.setenv("CELLSK_ONNX", switch)
    model = build()
    before = read_probabilities(model, draw())
    model.set_weights([weight * 1.5 for weight in model.get_weights()])
    after = read_probabilities(model, draw())
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after[:, 1], model(draw()).numpy()[:, 0], atol=1e-6)


@pytest.mark.parametrize("switch", ["on", "off"])
def test_read_probabilities_many_images_equal_few(monkeypatch, switch):
    """An image has the same numbers alone and among many batches."""
    monkeypatch.setenv("CELLSK_ONNX", switch)
    model, images = build(), draw(150)
    together = read_probabilities(model, images)
    alone = np.concatenate([read_probabilities(model, images[i : i + 1]) for i in range(0, 150, 7)])
    np.testing.assert_allclose(together[::7], alone, atol=0 if switch == "on" else 1e-6)


def test_fitted_classifier_after_predicting_goes_where_it_went(cells, small, tmp_path):
    """After predicting, pickles are as small as before, and copies predict the same."""
    classifier = CellClassifier(**small | {"epochs": 1}).fit(cells.images, cells.y)
    size = len(pickle.dumps(classifier))
    proba = classifier.predict_proba(cells.images)
    assert find_kind(classifier.keras_classifier_.model_) is OnnxNetwork
    assert abs(len(pickle.dumps(classifier)) - size) < 100
    save_model(classifier, tmp_path / "model.cellsk")
    for other in (
        copy.deepcopy(classifier),
        pickle.load(io.BytesIO(pickle.dumps(classifier))),
        load_model(tmp_path / "model.cellsk"),
    ):
        assert other.keras_classifier_.model_ not in _predicting._networks
        assert (other.predict_proba(cells.images) == proba).all()


def test_read_probabilities_network_gone_leaves_nothing():
    """The object that computes a network is deleted with it."""
    model = build()
    read_probabilities(model, draw())
    gc.collect()
    known = len(_predicting._networks)
    del model
    gc.collect()
    assert len(_predicting._networks) == known - 1


@pytest.mark.parametrize(("switch", "kind"), [("on", "OnnxNetwork"), ("off", "TracedNetwork")])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads memory from /proc")
def test_read_probabilities_many_networks_keep_memory(switch, kind, run_python):
    """In a new process, neither sessions nor traced functions stay in memory."""
    printed = run_python(MANY_NETWORKS, env={"CELLSK_ONNX": switch})
    found, kept, functions, megabytes = printed.split()
    assert found == kind
    assert (int(kept), int(functions)) == (0, 0)
    assert float(megabytes) < 4
