"""Networks as ONNX files."""

import copy
import io

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from cellsk import CellClassifier, ImageReader, StainNormalizer
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


@pytest.fixture(scope="module")
def fixed(images, labels):
    """A classifier with a threshold, inside a pipeline. The threshold may be set."""
    network = CellClassifier(filters=(2,), dense_units=4, epochs=1, early_stopping=False)
    inner = Pipeline([("network", network.set_params(random_state=0))])
    return FixedThresholdClassifier(inner, response_method="predict_proba").fit(images, labels)


@pytest.mark.parametrize("pos_label", ["benign", "malignant"])
@pytest.mark.parametrize("rank", [None, 3, 9])
def test_export_onnx_predicts_with_the_threshold(fixed, images, tmp_path, pos_label, rank):
    """The second output is the class that the estimator predicts, or one class for all images."""
    runtime = pytest.importorskip("onnxruntime")
    proba = fixed.predict_proba(images)[:, fixed.classes_.tolist().index(pos_label)]
    threshold = 2.0 if rank is None else float(np.sort(proba)[rank : rank + 2].mean())
    fixed.set_params(threshold=threshold, pos_label=pos_label)
    export_onnx(Pipeline([("reader", ImageReader()), ("cut", fixed)]), tmp_path / "n.onnx")
    session = runtime.InferenceSession(tmp_path / "n.onnx")
    found, predicted = session.run(None, {"image": images})
    np.testing.assert_allclose(found[:, 0], fixed.predict_proba(images)[:, 1], atol=1e-6)
    np.testing.assert_array_equal(fixed.classes_[predicted], fixed.predict(images))


def test_export_onnx_calibrated_names_what_to_do(fixed, tmp_path):
    """Calibrated probabilities, and a threshold on log-odds, are refused with a remedy."""
    calibrated = CalibratedClassifierCV(FrozenEstimator(fixed.estimator_["network"]))
    with pytest.raises(
        TypeError, match=r"Got Calibrated.*each of its calibrated_classifiers_, and"
    ):
        export_onnx(calibrated, tmp_path / "n.onnx")
    fixed = copy.copy(fixed).set_params(response_method="decision_function")
    with pytest.raises(
        TypeError, match=r"Got a threshold that is not on the probability.*Pass the"
    ):
        export_onnx(fixed, tmp_path / "n.onnx")


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


def test_export_onnx_with_stain_normalizer_is_refused(classifier, tmp_path):
    """The file would hold the network alone, and predict other images than the pipeline."""
    pipeline = Pipeline([("stain", StainNormalizer()), ("network", classifier)])
    with pytest.raises(TypeError, match=r"with a StainNormalizer\. Pass its last step"):
        export_onnx(pipeline, tmp_path / "n.onnx")
