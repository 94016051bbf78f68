"""A small fitted classifier for all tests of this folder, and a function that forges files."""

import io
import json
import zipfile
from hashlib import sha256

import numpy as np
import pytest

from cellsk.neural_network import CellClassifier
from cellsk.persistence import save_model


@pytest.fixture(scope="session")
def images():
    """Random images, 12 of 16 x 16 RGB pixels."""
    return np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def labels():
    """Alternating labels of two classes."""
    return np.array(["benign", "malignant"])[np.arange(12) % 2]


@pytest.fixture(scope="session")
def classifier(images, labels):
    """A fitted classifier, which no test refits or changes."""
    return CellClassifier(
        filters=(4,), dense_units=4, dropout=0.1, epochs=1, early_stopping=False, random_state=0
    ).fit(images, labels)


@pytest.fixture(scope="session")
def model_bytes(classifier, tmp_path_factory):
    """The bytes of the classifier's model file."""
    path = tmp_path_factory.mktemp("model") / "model.cellsk"
    save_model(classifier, path)
    return path.read_bytes()


@pytest.fixture
def members(model_bytes):
    """Name and content of each member of the classifier's model file."""
    with zipfile.ZipFile(io.BytesIO(model_bytes)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def pack():
    """Return a function that zips members as they are."""

    def pack_members(members):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return buffer.getvalue()

    return pack_members


@pytest.fixture
def forge(tmp_path, pack):
    """Return a function that writes members as a file whose digests are right."""

    def forge_file(members):
        manifest = json.loads(members["manifest.json"])
        others = {name: data for name, data in members.items() if name != "manifest.json"}
        manifest["sha256"] = {name: sha256(data).hexdigest() for name, data in others.items()}
        path = tmp_path / "forged.cellsk"
        path.write_bytes(pack({"manifest.json": json.dumps(manifest).encode(), **others}))
        return path

    return forge_file
