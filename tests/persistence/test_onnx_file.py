"""Networks as ONNX files."""

import io

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from cellsk import CellClassifier, ImageReader
from cellsk.persistence import export_onnx, load_model, save_model


@pytest.mark.parametrize("inside", [False, True])
def test_export_onnx_computes_the_same(classifier, images, tmp_path, inside):
    """ONNX Runtime reads the file and returns the probability of the second class."""
    runtime = pytest.importorskip("onnxruntime")
    estimator = Pipeline([("reader", ImageReader()), ("network", classifier)])
    export_onnx(estimator if inside else classifier, tmp_path / "n.onnx")
    session = runtime.InferenceSession(tmp_path / "n.onnx")
    (proba,) = session.run(None, {"image": images})
    np.testing.assert_allclose(proba[:, 0], classifier.predict_proba(images)[:, 1], atol=1e-6)


def test_export_onnx_other_estimators_are_refused(classifier, tmp_path):
    """What would be lost is refused, and no file is left."""
    with pytest.raises(TypeError, match=r"must be a CellClassifier.*Got Frozen.*Pass the classi"):
        export_onnx(FrozenEstimator(classifier), tmp_path / "n.onnx")
    with pytest.raises(NotFittedError):
        export_onnx(CellClassifier(), tmp_path / "n.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("loaded", [False, True])
def test_keras_export_needs_no_call(classifier, tmp_path, loaded):
    """Keras exports the network of a fitted and of a loaded classifier, or names its package."""
    if loaded:
        memory = io.BytesIO()
        save_model(classifier, memory)
        classifier = load_model(memory)
    try:
        path = tmp_path / "n.onnx"
        classifier.keras_classifier_.model_.export(path, format="onnx", verbose=False)
    except ImportError as error:
        assert "tf2onnx" in str(error)  # noqa: PT017 - it depends on what is installed
    else:
        assert path.exists()
