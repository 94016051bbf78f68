"""Models whose reader has a store: a model file does not hold its folder."""

import json
import zipfile

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from cellsk import ImageReader, load_model, make_cells, save_model
from cellsk.exceptions import ModelFileError


@pytest.fixture
def model(tmp_path):
    """A fitted pipeline that has a store, its paths, and its model file."""
    drawn = make_cells(
        6, folder=tmp_path / "cells", n_patients=2, image_size=(8, 8), random_state=0
    )
    reader = ImageReader(channels=1, store=tmp_path / "home-of-alice", max_store_bytes=10**6)
    pipeline = Pipeline([("reader", reader), ("classifier", DummyClassifier())])
    pipeline.fit(drawn.paths, drawn.y)
    save_model(pipeline, tmp_path / "model.cellsk")
    return pipeline, drawn.paths, tmp_path / "model.cellsk"


def test_save_model_leaves_the_store_behind(model):
    """The loaded reader has no store. The saved reader keeps its own."""
    pipeline, paths, file = model
    assert b"home-of-alice" not in file.read_bytes()
    loaded = load_model(file)
    assert loaded["reader"].get_params() == ImageReader(channels=1).get_params()
    assert np.array_equal(loaded.predict_proba(paths), pipeline.predict_proba(paths))
    assert not isinstance(loaded["reader"].transform(paths), np.memmap)
    assert isinstance(pipeline["reader"].transform(paths), np.memmap)


def test_load_model_refuses_a_store(model, forge, tmp_path):
    """A file cannot choose where pixels are written."""
    with zipfile.ZipFile(model[2]) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    tree = json.loads(members["estimator.json"])
    reader = tree["params"]["steps"][0]["items"][1]
    reader["params"]["store"] = str(tmp_path / "elsewhere")
    with pytest.raises(ModelFileError, match=r"store must be None .* Got one for ImageReader"):
        load_model(forge({**members, "estimator.json": json.dumps(tree).encode()}))
