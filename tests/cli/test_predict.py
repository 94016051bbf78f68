"""cellsk predict reads some files while it predicts others, and the csv does not show it."""

import threading

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from cellsk import CellClassifier, ImageReader, make_cells
from cellsk.cli import _predict
from cellsk.cli._predict import write_predictions
from cellsk.exceptions import ImageReadError


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """20 drawn cells, as files."""
    return make_cells(
        20, folder=tmp_path_factory.mktemp("drawn") / "cells", image_size=(16, 16), random_state=0
    )


@pytest.fixture(scope="module")
def pipeline(drawn):
    """A reader and a network, fitted on files."""
    network = CellClassifier(filters=(2,), epochs=1, early_stopping=False, random_state=0)
    return Pipeline([("reader", ImageReader()), ("classifier", network)]).fit(drawn.paths, drawn.y)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_write_predictions_chunks_do_not_show(drawn, pipeline, tmp_path, monkeypatch, size):
    """Rows come in the order of the paths, with the same numbers as all at once."""
    write_predictions(pipeline, drawn.paths, tmp_path / "whole.csv", names=drawn.paths)
    monkeypatch.setattr(_predict, "CHUNK_SIZE", size)
    write_predictions(pipeline, drawn.paths, tmp_path / "parts.csv", names=drawn.paths)
    assert (tmp_path / "parts.csv").read_text() == (tmp_path / "whole.csv").read_text()
    assert len((tmp_path / "parts.csv").read_text().splitlines()) == 21


def test_write_predictions_damaged_file_in_a_later_chunk_raises(
    drawn, pipeline, tmp_path, monkeypatch
):
    """The error is the reader's, of the first chunk that has one, and no csv is left."""
    monkeypatch.setattr(_predict, "CHUNK_SIZE", 6)
    (tmp_path / "damaged.png").write_bytes(b"nothing")
    paths = [*drawn.paths[:13], str(tmp_path / "damaged.png"), *drawn.paths[13:], "gone.png"]
    with pytest.raises(ImageReadError, match=r"1 of 6 images cannot be decoded.*damaged\.png"):
        write_predictions(pipeline, paths, tmp_path / "p.csv", names=paths)
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.png"]


def test_write_predictions_holds_few_chunks_at_a_time(monkeypatch, tmp_path):
    """However long the folder is, no more than two chunks are in memory."""
    lock, inside, most = threading.Lock(), [], []

    class Watched:
        classes_ = np.array(["a", "b"])

        def predict_proba(self, X):
            with lock:
                inside.append(len(X))
                most.append(sum(inside))
            threading.Event().wait(0.01)
            with lock:
                inside.remove(len(X))
            return np.full((len(X), 2), 0.5)

        def predict(self, X):
            return self.classes_[np.zeros(len(X), int)]

    monkeypatch.setattr(_predict, "CHUNK_SIZE", 5)
    paths = [f"{i}.png" for i in range(100)]
    write_predictions(Watched(), paths, tmp_path / "p.csv", names=paths)
    assert max(most) == 10
