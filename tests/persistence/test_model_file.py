"""Tests of save_model and load_model as users call them."""

import copy
import io
import json
import os
import random
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import sklearn
from PIL import Image
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from cellsk.exceptions import ModelFileError
from cellsk.neural_network import CellClassifier
from cellsk.persistence import load_model, save_model
from cellsk.preprocessing import ImageReader

PREDICT = """
import sys
import numpy as np
from cellsk import load_model
model, images, proba = sys.argv[1:]
np.save(proba, load_model(model).predict_proba(np.load(images)))
"""


@pytest.fixture
def path(tmp_path):
    """Path of a model file to write."""
    return tmp_path / "model.cellsk"


@pytest.fixture(scope="module")
def loaded(classifier, tmp_path_factory):
    """The classifier, saved and loaded."""
    path = tmp_path_factory.mktemp("loaded") / "model.cellsk"
    save_model(classifier, path)
    return load_model(path)


def fit_scaler():
    """A small fitted estimator."""
    return StandardScaler().fit([[0.0], [2.0]])


def reload(estimator, path):
    """Save and load."""
    save_model(estimator, path)
    return load_model(path)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_classifier_loaded_predicts_the_same_bits(classifier, loaded, images, method):
    """Predictions are equal, not only close."""
    before, after = getattr(classifier, method)(images), getattr(loaded, method)(images)
    assert after.dtype == before.dtype
    assert np.array_equal(after, before)


def test_classifier_loaded_has_the_same_public_state(classifier, loaded):
    """Parameters and fitted attributes come back with their types."""
    assert loaded.get_params() == classifier.get_params()
    assert vars(loaded).keys() == vars(classifier).keys()
    for name in ("history_", "best_epoch_", "n_iter_", "image_shape_", "image_dtype_"):
        before, after = getattr(classifier, name), getattr(loaded, name)
        assert after == before
        assert type(after) is type(before)
    assert loaded.classes_.dtype == classifier.classes_.dtype
    assert loaded.n_features_in_ == 16 * 16 * 3


def test_wrapper_loaded_works_as_before(classifier, loaded, images):
    """The scikeras wrapper has the same settings, and a compiled network."""
    before, after = classifier.keras_classifier_, loaded.keras_classifier_
    assert after.get_params() == before.get_params()
    assert vars(after).keys() == vars(before).keys()
    assert after.X_shape_ == before.X_shape_
    assert after.history_ is loaded.history_
    assert after.model_.compiled
    assert after.model_.loss == before.model_.loss
    assert float(after.model_.optimizer.learning_rate) == pytest.approx(1e-3)
    assert np.array_equal(after.predict(images), before.predict(images))


def test_classifier_loaded_twice_saves_the_same_bytes(loaded, model_bytes, path):
    """The same model gives the same bytes."""
    save_model(loaded, path)
    assert path.read_bytes() == model_bytes


def test_classifier_loaded_can_be_cloned(loaded):
    """A loaded classifier is a scikit-learn estimator like any other."""
    assert clone(loaded).get_params() == loaded.get_params()
    assert not hasattr(clone(loaded), "classes_")


def test_classifier_loaded_in_a_new_process_predicts_the_same_bits(
    classifier, images, path, tmp_path, run_python
):
    """The file can be loaded in a new process."""
    save_model(classifier, path)
    np.save(tmp_path / "images.npy", images)
    run_python(PREDICT, path, tmp_path / "images.npy", tmp_path / "proba.npy")
    assert np.array_equal(np.load(tmp_path / "proba.npy"), classifier.predict_proba(images))


def test_import_persistence_leaves_tensorflow_out():
    """Keras and TensorFlow load with the first network."""
    code = "import sys, cellsk.persistence; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_load_classifier_leaves_global_random_state_alone(classifier, path):
    """Loading draws nothing from the caller's generators."""
    save_model(classifier, path)
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    load_model(path)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


@pytest.mark.parametrize("kind", ["int", "object", "float and multiclass"])
def test_classifier_of_other_labels_and_pixels_comes_back(classifier, images, path, kind):
    """Labels and pixels of any kind, two classes and more."""
    y = np.arange(12) % (3 if kind == "float and multiclass" else 2)
    if kind == "object":
        y = np.array(["a", "b"], dtype=object)[y]
    X = images / 255 if kind == "float and multiclass" else images
    model = clone(classifier).fit(X, y)
    loaded = reload(model, path)
    assert loaded.classes_.dtype == y.dtype
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_classifier_unfitted_inside_a_fitted_estimator_comes_back(classifier, images, labels, path):
    """A fitted model keeps the template that it was cloned from, without a network."""
    model = CalibratedClassifierCV(FrozenEstimator(classifier)).fit(images, labels)
    model.estimator = CellClassifier(filters=(8, 8), class_weight={"a": 2.0, 1: 0.5})
    loaded = reload(model, path).estimator
    assert loaded.filters == (8, 8)
    assert loaded.class_weight == {"a": 2.0, 1: 0.5}
    assert not hasattr(loaded, "classes_")


@pytest.mark.parametrize(
    "estimator",
    [
        CellClassifier(),
        Pipeline([("reader", ImageReader()), ("classifier", CellClassifier())]),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}),
    ],
    ids=["classifier", "pipeline", "search"],
)
def test_save_unfitted_estimator_is_refused(estimator, path):
    """A model that is not fitted is refused."""
    with pytest.raises(NotFittedError, match=r"must be fitted before.*that is not\. Call fit"):
        save_model(estimator, path)
    assert not path.exists()


def test_save_reader_that_needs_no_fit_comes_back(path):
    """Estimators without a fit can be saved, alone and as the last step."""
    assert reload(ImageReader(image_size=(8, 8)), path).image_size == (8, 8)
    assert reload(make_pipeline(ImageReader(channels=1)), path)[0].channels == 1


def test_classifier_keeps_requested_metadata(classifier, path):
    """Routing of groups survives."""
    with sklearn.config_context(enable_metadata_routing=True):
        model = copy.copy(classifier).set_fit_request(groups=True, sample_weight="weights")
        loaded = reload(model, path)
        assert loaded.get_metadata_routing().fit.requests["groups"] is True
        assert loaded.get_metadata_routing().fit.requests["sample_weight"] == "weights"


def test_pipeline_of_reader_and_classifier_predicts_from_files(
    classifier, images, path, tmp_path, monkeypatch
):
    """The file holds all steps from the image file to the label."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(images[0]).save("cell.png")
    reader = ImageReader(image_size=(16, 16), value_range=(0, 4095))
    loaded = reload(Pipeline([("reader", reader), ("classifier", classifier)]), path)
    assert loaded["reader"].get_params() == reader.get_params()
    assert np.array_equal(loaded.predict_proba(["cell.png"]), classifier.predict_proba(images[:1]))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_calibrated_classifier_predicts_the_same_bits(classifier, images, labels, path, method):
    """scikit-learn's calibrators come back, and the network is stored once."""
    model = CalibratedClassifierCV(FrozenEstimator(classifier), method=method)
    loaded = reload(model.fit(images, labels), path)
    assert np.array_equal(loaded.predict_proba(images), model.predict_proba(images))
    with zipfile.ZipFile(path) as archive:
        assert sum(name.endswith(".keras") for name in archive.namelist()) == 1
    assert loaded.calibrated_classifiers_[0].estimator is loaded.estimator


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_calibrated_folds_predict_the_same_bits(path, method):
    """An ensemble of folds, with a splitter as parameter."""
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    model = CalibratedClassifierCV(LogisticRegression(), method=method, cv=cv).fit(X, y)
    loaded = reload(model, path)
    assert repr(loaded.cv) == repr(cv)
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("kind", ["tuned", "scorer", "fixed", "voting"])
def test_meta_estimator_predicts_the_same(classifier, images, labels, path, kind):
    """Thresholds and votes around a network come back."""
    frozen = FrozenEstimator(classifier)
    model = {
        "tuned": TunedThresholdClassifierCV(frozen, cv="prefit", refit=False),
        "scorer": TunedThresholdClassifierCV(
            frozen,
            scoring=make_scorer(fbeta_score, beta=2, pos_label="malignant"),
            cv=2,
            store_cv_results=True,
        ),
        "fixed": FixedThresholdClassifier(frozen, threshold=0.4, pos_label="malignant"),
        "voting": VotingClassifier([("a", frozen), ("b", frozen)], voting="soft"),
    }[kind]
    loaded = reload(model.fit(images, labels), path)
    assert np.array_equal(loaded.predict(images), model.predict(images))
    assert np.array_equal(loaded.predict_proba(images), model.predict_proba(images))


def test_pipeline_of_scikit_learn_predicts_the_same_bits(path):
    """Steps without a network, with output settings and object arrays."""
    X = np.array([["a", "x"], ["b", "y"], ["a", "y"], ["b", "x"]], dtype=object)
    y = np.array([True, False, True, False])
    scaler = StandardScaler(with_mean=False).set_output(transform="default")
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore", dtype=np.float32)
    model = make_pipeline(encoder, scaler, LogisticRegression()).fit(X, y)
    loaded = reload(model, path)
    assert loaded[0].dtype is np.float32
    assert loaded[1].n_samples_seen_.dtype == model[1].n_samples_seen_.dtype
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert repr(loaded) == repr(model)


def test_search_fitted_names_the_remedy(path):
    """A search is refused. Its best estimator can be saved."""
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    search.fit(np.arange(8.0).reshape(-1, 1), np.arange(8) % 2)
    with pytest.raises(
        ModelFileError, match=r"one fitted model.*GridSearchCV.*search\.best_estimator_"
    ):
        save_model(search, path)


def test_load_another_scikit_learn_warns_by_its_name(members, forge):
    """scikit-learn's own warning about versions is kept."""
    tree = {
        "$": "estimator",
        "number": 0,
        "class": "sklearn.preprocessing.StandardScaler",
        "params": {},
        "attributes": {"_sklearn_version": "1.0"},
    }
    parts = {"manifest.json": members["manifest.json"], "estimator.json": json.dumps(tree).encode()}
    with pytest.warns(InconsistentVersionWarning, match=r"1\.0"):
        loaded = load_model(forge(parts))
    assert loaded.with_mean is True  # a parameter newer than the file has its default


@pytest.mark.parametrize(
    ("estimator", "where", "remedy"),
    [
        (
            Pipeline([("invert", FunctionTransformer(lambda x: 255 - x)), ("c", CellClassifier())]),
            r"function .*lambda.* in Pipeline\.steps\['invert'\]\.func",
            "call the function yourself",
        ),
        (
            make_pipeline(CellClassifier(callbacks=[keras.callbacks.TerminateOnNaN])),
            r"TerminateOnNaN' in Pipeline\.steps\['cellclassifier'\]\.callbacks",
            r"set_params\(callbacks=None\)",
        ),
        (
            CellClassifier(random_state=np.random.RandomState(0)),
            r"RandomState in CellClassifier\.random_state",
            r"set_params\(random_state=0\)",
        ),
        (Pipeline([("s", StandardScaler())], memory="cache"), r"Pipeline\.memory", "memory=None"),
        (
            RandomForestClassifier(n_estimators=1).fit([[0], [1]], [0, 1]),
            r"sklearn\.tree\._tree\.Tree in RandomForestClassifier\.estimator.*tree_",
            "replace it by an estimator",
        ),
        (np.zeros(3), "numpy.ndarray", "Pass a fitted estimator"),
        (StandardScaler, "StandardScaler", "Pass a fitted estimator"),
    ],
    ids=["function", "callbacks", "random_state", "memory", "trees", "array", "class"],
)
def test_save_unsayable_part_names_it_and_writes_nothing(estimator, where, remedy, path):
    """The error names the value, its place and a remedy, and the folder stays empty."""
    with pytest.raises(ModelFileError, match=rf"(?s){where}.*{remedy}"):
        save_model(estimator, path)
    assert list(path.parent.iterdir()) == []


def test_save_foreign_class_is_refused(path):
    """Estimators of other packages are refused, even if they inherit from ours."""

    class Mine(StandardScaler):
        pass

    with pytest.raises(ModelFileError, match=r"cellsk and scikit-learn.*Mine in Pipeline"):
        save_model(make_pipeline(Mine()), path)


def test_save_own_network_is_refused(classifier, path):
    """A layer that could not be loaded is not saved."""
    model = clone(classifier)
    vars(model).update(vars(classifier))
    model.keras_classifier_ = wrapper = type("Wrapper", (), {})()
    wrapper.model_ = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.GaussianNoise(0.1)])
    with pytest.raises(
        ModelFileError, match=r"model_ cannot be saved.*GaussianNoise.*network of cellsk"
    ):
        save_model(model, path)
    inputs = keras.Input((4,))
    wrapper.model_ = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    with pytest.raises(ModelFileError, match=r"images into probabilities.*\.keras file"):
        save_model(model, path)


def test_save_missing_folder_or_folder_names_the_remedy(tmp_path):
    """Paths that cannot be written raise an error first."""
    with pytest.raises(FileNotFoundError, match=r"folder.*must exist.*Make the folder first"):
        save_model(fit_scaler(), tmp_path / "no" / "model.cellsk")
    with pytest.raises(IsADirectoryError, match="must not be a folder"):
        save_model(fit_scaler(), tmp_path)


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_save_interrupted_keeps_the_old_file(path, monkeypatch, step):
    """If writing fails, the old file stays and no draft is left."""
    path.write_bytes(b"old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_model(fit_scaler(), path)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_save_and_load_open_files_keep_the_model(path):
    """A file in memory holds the bytes of a file on disk, and stays open."""
    scaler, memory = fit_scaler(), io.BytesIO()
    save_model(scaler, memory)
    save_model(scaler, path)
    assert memory.getvalue() == path.read_bytes()
    np.testing.assert_array_equal(load_model(memory).mean_, scaler.mean_)
    with pytest.raises(ModelFileError, match=r"^'model file' cannot be loaded\. .* whole zip"):
        load_model(io.BytesIO(b"PK"))


def test_save_to_a_raw_stream_writes_all_bytes():
    """Each write takes a few bytes, as that of a pipe may."""

    class Raw(io.RawIOBase):
        written = b""

        def write(self, data):
            self.written += bytes(data[:1000])
            return len(data[:1000])

    raw, memory = Raw(), io.BytesIO()
    save_model(fit_scaler(), raw)
    save_model(fit_scaler(), memory)
    assert raw.written == memory.getvalue()


@pytest.mark.parametrize("target", [None, b"model.cellsk", 3])
def test_save_and_load_something_else_is_refused(target):
    """Bytes do not name a file."""
    with pytest.raises(TypeError, match=r"path must be a path, or an open binary file\. Got .*io"):
        save_model(fit_scaler(), target)
    with pytest.raises(TypeError, match=r"path must be a path, or an open binary file\. Got .*io"):
        load_model(target)


def test_save_replaces_the_target_of_a_link(tmp_path, path):
    """A link to the current model stays a link."""
    path.write_bytes(b"old")
    link = tmp_path / "current"
    link.symlink_to(path)
    save_model(fit_scaler(), link)
    assert link.is_symlink()
    assert isinstance(load_model(path), StandardScaler)


def test_load_missing_file_or_folder_is_said(tmp_path):
    """No file, or a folder."""
    with pytest.raises(FileNotFoundError, match=r"A model file must exist.*no such file"):
        load_model(tmp_path / "none.cellsk")
    with pytest.raises(ModelFileError, match=r"must name a model file.*the folder.*file in it"):
        load_model(tmp_path)


def test_load_larger_than_max_bytes_names_the_argument(path):
    """The caller sets the largest size."""
    save_model(fit_scaler(), path)
    with pytest.raises(ModelFileError, match=r"'model\.cellsk'.*at most 100 bytes.*larger max"):
        load_model(path, max_bytes=100)
    with pytest.raises(ValueError, match=r"max_bytes must be a whole number.*Got 0"):
        load_model(path, max_bytes=0)


def test_network_member_opens_in_plain_keras(classifier, images, members, tmp_path):
    """The .keras member can be opened by Keras alone."""
    file = tmp_path / "taken-out.keras"
    file.write_bytes(members["network-0.keras"])
    network = keras.saving.load_model(file)
    expected = classifier.keras_classifier_.model_(images, training=False)
    assert np.array_equal(network(images, training=False), expected)
