"""Fingerprints of the training images in a model file."""

import zipfile

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from cellsk import load_model, save_model
from cellsk.audit import make_training_fingerprints
from cellsk.exceptions import ModelFileError, ModelFileWarning
from cellsk.persistence import _training, read_training
from cellsk.persistence._archive import write_archive
from cellsk.persistence._arrays import write_array
from cellsk.persistence._manifest import MANIFEST, build_manifest


@pytest.fixture
def scaler():
    """A fitted estimator that is quick to save."""
    return StandardScaler().fit(np.array([[0.0], [2.0]]))


@pytest.fixture
def training():
    """Fingerprints of three images of two patients."""
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    return make_training_fingerprints(images, ["a", "a", "b"])


def test_training_comes_back(scaler, training, tmp_path):
    """Every field, and the estimator beside it."""
    path = tmp_path / "m.cellsk"
    save_model(scaler, path, training=training)
    found = read_training(path)
    for one, other in zip(found, training, strict=True):
        assert np.array_equal(one, other)
    assert found.folders is None
    assert load_model(path).mean_ == 1


def test_file_without_training_has_none(scaler, tmp_path):
    """Fingerprints are optional, and so are patients."""
    path = tmp_path / "m.cellsk"
    save_model(scaler, path)
    assert read_training(path) is None
    images = np.zeros((1, 8, 8, 3), np.uint8)
    save_model(scaler, path, training=make_training_fingerprints(images))
    assert read_training(path).patients is None


def test_file_of_many_images_is_saved(scaler, training, tmp_path, monkeypatch):
    """Above the bound, first the perceptual hashes and then all of them are left out."""
    path = tmp_path / "m.cellsk"
    n_images = 300_000
    many = training._replace(
        digests=np.random.default_rng(0).integers(0, 256, (n_images, 16), np.uint8),
        hashes=np.zeros((n_images, 72), np.uint8),
    )
    save_model(scaler, path, training=many)
    assert path.stat().st_size < n_images * 88 + 5000
    assert np.array_equal(read_training(path).digests, many.digests)
    monkeypatch.setattr(_training, "MAX_TRAINING_BYTES", n_images * 20)
    with pytest.warns(ModelFileWarning, match="of 300,000 images. The model file leaves out the p"):
        save_model(scaler, path, training=many)
    assert read_training(path).hashes is None
    monkeypatch.setattr(_training, "LARGEST_MODEL", 1000)
    with pytest.warns(ModelFileWarning, match="leaves out all of them"):
        save_model(scaler, path, training=many)
    assert read_training(path) is None
    assert load_model(path).mean_ == 1


FORGED = {
    "training.json": [b"{}", b'{"salt": "xy", "n_rounds": 1}', b'{"salt": 3, "n_rounds": 1}']
    + [b'{"salt": "00", "n_rounds": %s}' % value for value in (b"0", b"true", b"10001")],
    "training-digests.npy": [
        b"nothing",
        write_array(np.zeros((2, 16), np.uint8)),
        write_array(np.zeros((0, 16), np.uint8)),
        write_array(np.zeros((3, 15), np.uint8)),
        write_array(np.zeros((3, 16), np.int8)),
        write_array(np.zeros((3, 16, 1), np.uint8)),
        None,
    ],
    "training-patients.npy": [write_array(np.zeros(16, np.uint8)), write_array(np.array(["P1"]))],
}


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, others in FORGED.items() for data in others]
)
def test_edited_training_is_refused(scaler, training, tmp_path, name, data):
    """The estimator can still be loaded."""
    path = tmp_path / "m.cellsk"
    save_model(scaler, path, training=training)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != MANIFEST}
    members[name] = data
    members = {name: data for name, data in members.items() if data is not None}
    path.write_bytes(write_archive({MANIFEST: build_manifest(members), **members}))
    with pytest.raises(ModelFileError, match=r"'m.cellsk' cannot be loaded\. A(rrays| model file)"):
        read_training(path)
    assert load_model(path).mean_ == 1
