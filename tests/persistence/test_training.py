"""Fingerprints of the training images in a model file."""

import json
import zipfile

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from cellsk import load_model, save_model
from cellsk.audit import make_training_fingerprints
from cellsk.exceptions import ModelFileError
from cellsk.persistence import read_training
from cellsk.persistence._archive import write_archive
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
    assert load_model(path).mean_ == 1


def test_file_without_training_has_none(scaler, tmp_path):
    """Fingerprints are optional, and so are patients."""
    path = tmp_path / "m.cellsk"
    save_model(scaler, path)
    assert read_training(path) is None
    images = np.zeros((1, 8, 8, 3), np.uint8)
    save_model(scaler, path, training=make_training_fingerprints(images))
    assert read_training(path).patients is None


@pytest.mark.parametrize(
    "change",
    [
        {"n_images": 5},
        {"n_images": 0},
        {"n_images": True},
        {"digests": "%%"},
        {"digests": 3},
        {"salt": "xy"},
        {"hashes": None},
        {"n_patients": 9},
    ],
)
def test_edited_training_is_refused(scaler, training, tmp_path, change):
    """The estimator can still be loaded."""
    path = tmp_path / "m.cellsk"
    save_model(scaler, path, training=training)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != MANIFEST}
    edited = json.loads(members["training.json"]) | change
    members["training.json"] = json.dumps(edited).encode()
    path.write_bytes(write_archive({MANIFEST: build_manifest(members), **members}))
    with pytest.raises(ModelFileError, match=r"'m.cellsk' cannot be loaded\. training\.json must"):
        read_training(path)
    assert load_model(path).mean_ == 1
