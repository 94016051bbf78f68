"""Training in bfloat16: when it is chosen, and which numbers stay float32."""

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cellsk import CellClassifier, build_cnn, load_model, save_model
from cellsk.neural_network import _precision
from cellsk.neural_network._precision import choose_precision


@pytest.fixture
def cpu(monkeypatch, tmp_path):
    """Return a function that simulates a CPU with some instruction sets."""

    def make_cpu(flags):
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: fpu sse2 {flags}\n")
        monkeypatch.setattr(_precision, "CPU_INFO", tmp_path / "cpuinfo")
        _precision._computes_in_bfloat16.cache_clear()

    monkeypatch.delenv("CELLSK_PRECISION", raising=False)
    yield make_cpu
    _precision._computes_in_bfloat16.cache_clear()


@pytest.fixture(scope="module")
def network():
    """A network that the fast step covers."""
    return build_cnn({"X_shape_": (0, 9, 9, 1), "n_classes_": 2}, filters=(2,), seed=0)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("avx512f avx512_bf16", "bfloat16"),
        ("amx_bf16 amx_tile", "bfloat16"),
        ("avx512f avx2", "float32"),
        ("", "float32"),
    ],
)
def test_precision_auto_asks_the_cpu(cpu, network, flags, expected):
    """Only a CPU that multiplies bfloat16 itself is faster with it."""
    cpu(flags)
    assert choose_precision("auto", network) == expected


def test_precision_auto_without_cpuinfo_is_float32(cpu, network, monkeypatch, tmp_path):
    """If the system does not list instruction sets, the precision is float32."""
    cpu("avx512_bf16")
    monkeypatch.setattr(_precision, "CPU_INFO", tmp_path / "none")
    assert choose_precision("auto", network) == "float32"


def test_precision_environment_overrules_auto_only(cpu, network, monkeypatch):
    """CELLSK_PRECISION replaces "auto", but not another value of the parameter."""
    cpu("avx512_bf16")
    monkeypatch.setenv("CELLSK_PRECISION", "float32")
    assert choose_precision("auto", network) == "float32"
    assert choose_precision("bfloat16", network) == "bfloat16"


def test_precision_of_a_network_that_keras_trains_is_float32(cpu, network):
    """Only the fast step multiplies in bfloat16. "auto" is float32, and "bfloat16" is an error."""
    cpu("avx512_bf16")
    other = keras.models.clone_model(network)
    other.compile("sgd", loss="binary_crossentropy")
    assert choose_precision("auto", other) == "float32"
    with pytest.raises(ValueError, match=r"precision must be .*own step.* Got 'bfloat16'\. Pass"):
        choose_precision("bfloat16", other)


@pytest.mark.parametrize("bad", ["float16", "bf16", None, 32])
def test_precision_unknown_is_refused(cells, small, bad):
    """The error lists the precisions."""
    with pytest.raises(ValueError, match=r"precision must be .*'auto'.*'bfloat16'.* Got"):
        CellClassifier(**small, precision=bad).fit(cells.images, cells.y)


def test_precision_unknown_in_environment_is_refused(cells, small, monkeypatch):
    """The error names the variable."""
    monkeypatch.setenv("CELLSK_PRECISION", "half")
    with pytest.raises(ValueError, match=r"CELLSK_PRECISION must be .*Got 'half'"):
        CellClassifier(**small).fit(cells.images, cells.y)


def test_precision_bfloat16_learns_as_much(cells, small):
    """The numbers differ from those in float32, and are as good."""
    settings = small | {"epochs": 12, "early_stopping": False}
    areas = {}
    for precision in ("float32", "bfloat16"):
        classifier = CellClassifier(**settings, precision=precision).fit(cells.images, cells.y)
        assert classifier.precision_ == precision
        areas[precision] = roc_auc_score(cells.y, classifier.predict_proba(cells.images)[:, 1])
    assert areas["bfloat16"] != areas["float32"]
    assert areas["bfloat16"] == pytest.approx(areas["float32"], abs=0.02)


def test_precision_bfloat16_leaves_a_float32_network(cells, small, tmp_path):
    """Weights, predictions and the saved model are float32, so each machine computes the same."""
    classifier = CellClassifier(**small, precision="bfloat16").fit(cells.images, cells.y)
    model = classifier.keras_classifier_.model_
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    save_model(classifier, tmp_path / "m.cellsk")
    loaded = load_model(tmp_path / "m.cellsk")
    proba = classifier.predict_proba(cells.images)
    np.testing.assert_array_equal(loaded.predict_proba(cells.images), proba)
    assert loaded.precision_ == "bfloat16"


def test_precision_bfloat16_hold_out_is_scored_as_predictions_are(cells, small):
    """Early stopping uses the loss of the probabilities that a caller gets."""
    X, y, X_val, y_val = cells.images[:80], cells.y[:80], cells.images[80:], cells.y[80:]
    classifier = CellClassifier(**small, precision="bfloat16").fit(X, y, X_val=X_val, y_val=y_val)
    proba = classifier.predict_proba(X_val)[np.arange(40), y_val]
    kept = classifier.history_["val_loss"][classifier.best_epoch_ - 1]
    assert -np.log(proba).mean() == pytest.approx(kept, rel=1e-5)


def test_precision_bfloat16_sees_a_caller_that_saves_a_checkpoint(cells, small, tmp_path):
    """A network that a Keras callback saves in training loads without cellsk, as float32."""
    path = tmp_path / "last.keras"
    callback = keras.callbacks.ModelCheckpoint(path)
    classifier = CellClassifier(
        **small | {"early_stopping": False}, precision="bfloat16", callbacks=[callback]
    ).fit(cells.images, cells.y)
    model = keras.saving.load_model(path)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    np.testing.assert_allclose(
        np.asarray(model(cells.images[:8])),
        np.asarray(classifier.keras_classifier_.model_(cells.images[:8])),
        atol=1e-6,
    )
