"""cellsk predict: one row per image, the numbers of the model, few images in memory."""

import csv
import io
import json
import shutil
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from cellsk import (
    CellClassifier,
    ImageOutlierDetector,
    ImageReader,
    list_images,
    load_model,
    make_cells,
    save_model,
)
from cellsk.cli import _predict
from cellsk.cli._predict import write_predictions
from cellsk.exceptions import ImageReadError
from cellsk.persistence import _model_file


@pytest.fixture(scope="module")
def predicted(trained, folder, cellsk):
    """What cellsk predict printed, and the csv file that it wrote."""
    output = folder.parent / "predictions.csv"
    done = cellsk("predict", trained, folder, "--output", output)
    assert done.returncode == 0, done.stderr
    return done, output


def test_predict_writes_one_row_per_image(predicted):
    """Paths, class names, and probabilities that sum to one; sub-folders are read."""
    done, output = predicted
    assert done.stderr == f"Written: {output}, 120 images.\n"
    with open(output, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    probabilities = ["probability_benign", "probability_malignant"]
    assert list(rows[0]) == ["path", "predicted", *probabilities, "unlike_training"]
    assert len(rows) == 120
    assert all(Path(row["path"]).is_file() for row in rows)
    for row in rows:
        benign, malignant = float(row["probability_benign"]), float(row["probability_malignant"])
        assert benign + malignant == pytest.approx(1, abs=2e-6)
        assert row["predicted"] == ("malignant" if malignant > benign else "benign")


def test_predict_agrees_with_python(predicted, trained, folder):
    """The csv holds the probabilities of the loaded pipeline."""
    rows = list(csv.DictReader(predicted[1].read_text().splitlines()))
    listed = list_images(folder, labels=False)
    proba = load_model(trained).predict_proba(listed.paths)[:, 1]
    assert [row["path"] for row in rows] == listed.paths.tolist()
    np.testing.assert_allclose(
        [float(row["probability_malignant"]) for row in rows], proba, atol=1e-6
    )


def test_predict_unfitted_model_file_is_refused(folder, tmp_path, monkeypatch, cellsk):
    """A file from elsewhere may hold a pipeline that was never fitted."""
    monkeypatch.setattr(_model_file, "_check_fitted", lambda estimator: None)
    save_model(CellClassifier(), tmp_path / "m.cellsk")
    done = cellsk("predict", tmp_path / "m.cellsk", folder, "--output", tmp_path / "p.csv")
    assert done.returncode == 2
    assert "not fitted yet" in done.stderr
    assert not (tmp_path / "p.csv").exists()


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
def test_write_predictions_chunk_size_does_not_change_the_csv(
    drawn, pipeline, tmp_path, monkeypatch, size
):
    """The csv is the same for all sizes of chunks: rows are in the order of the paths."""
    write_predictions(pipeline, drawn.paths, tmp_path / "whole.csv", names=drawn.paths)
    monkeypatch.setattr(_predict, "CHUNK_SIZE", size)
    write_predictions(pipeline, drawn.paths, tmp_path / "parts.csv", names=drawn.paths)
    assert (tmp_path / "parts.csv").read_text() == (tmp_path / "whole.csv").read_text()
    assert len((tmp_path / "parts.csv").read_text().splitlines()) == 21


def test_write_predictions_damaged_file_in_a_later_chunk_raises(
    drawn, pipeline, tmp_path, monkeypatch
):
    """The error is that of the reader for the first chunk with an error, and no csv is left."""
    monkeypatch.setattr(_predict, "CHUNK_SIZE", 6)
    (tmp_path / "damaged.png").write_bytes(b"nothing")
    paths = [*drawn.paths[:13], str(tmp_path / "damaged.png"), *drawn.paths[13:], "gone.png"]
    with pytest.raises(ImageReadError, match=r"1 of 6 images cannot be decoded.*damaged\.png"):
        write_predictions(pipeline, paths, tmp_path / "p.csv", names=paths)
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.png"]


def test_write_predictions_keeps_few_chunks_in_memory(monkeypatch, tmp_path):
    """No more than two chunks are in memory, for any number of images."""
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


def test_predict_other_size_is_resized_as_in_training(trained, folder, tmp_path, cellsk):
    """The network gets the pixels of a reader of the training size, and a note says so once."""
    images = sorted(folder.rglob("*.png"))[:6]
    for size, path in zip([(16, 16), (40, 32), (16, 16), (9, 9), (40, 32), (40, 32)], images,
                          strict=True):  # fmt: skip
        Image.open(path).resize(size).save(tmp_path / path.name)
    done = cellsk("predict", trained, tmp_path, "--output", tmp_path / "p.csv")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("resized to that of the training images, 16 x 16 pixels") == 1
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    pixels = ImageReader(image_size=(16, 16)).transform([row["path"] for row in rows])
    expected = load_model(trained)["classifier"].predict_proba(pixels)[:, 1]
    got = [float(row["probability_malignant"]) for row in rows]
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert len(rows) == 6


def test_predict_skip_unreadable_leaves_out_what_the_reader_refuses(
    trained, folder, tmp_path, cellsk
):
    """Files of several pages or of floats are left out too, and all of them are named."""
    shutil.copy(sorted(folder.rglob("*.png"))[0], tmp_path / "good.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    pages = [Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    Image.new("F", (16, 16), 5000.5).save(tmp_path / "float.tif")
    refused = cellsk("predict", trained, tmp_path, "--output", tmp_path / "p.csv")
    assert refused.returncode == 2
    assert "3 of 4 images cannot be decoded" in refused.stderr
    assert "Leave them out with --skip-unreadable." in refused.stderr
    skip = ("--skip-unreadable", "--output", tmp_path / "p.csv")
    done = cellsk("predict", trained, tmp_path, *skip)
    assert done.returncode == 0, done.stderr
    for name in ("broken.png", "pages.tif", "float.tif"):
        assert name in done.stderr
    assert "3 images that cannot be read, left out" in done.stderr
    assert f"Written: {tmp_path / 'p.csv'}, 1 image." in done.stderr
    (tmp_path / "good.png").unlink()
    done = cellsk("predict", trained, tmp_path, *skip)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 1


@pytest.fixture(scope="module")
def zipped(folder):
    """The drawn cells in a zip file."""
    path = folder.parent / "new.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for image in folder.rglob("*.png"):
            archive.write(image, image.relative_to(folder))
    return path


def read_rows(path):
    """Return the rows of a csv file."""
    return list(csv.DictReader(path.read_text().splitlines()))


def test_predict_takes_images_folders_and_zip_files(
    trained, folder, zipped, predicted, tmp_path, cellsk
):
    """Paths are those given, and in the zip file; probabilities are the same."""
    expected = {Path(row["path"]).name: row for row in read_rows(predicted[1])}
    image = sorted((folder / "benign").iterdir())[0]
    done = cellsk(
        "predict", trained, image, folder / "malignant", zipped, "--output", tmp_path / "p.csv"
    )
    assert done.returncode == 0, done.stderr
    rows = read_rows(tmp_path / "p.csv")
    paths = [row["path"] for row in rows]
    assert len(rows) == 1 + 60 + 120
    assert paths[-1] == str(image)  # single images come last
    assert sum(path.startswith(f"{zipped}/malignant/") for path in paths) == 60
    for row in rows:
        same = expected[Path(row["path"]).name]
        assert row["probability_benign"] == same["probability_benign"]
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]


@pytest.mark.parametrize("end", ["\n", "\0", "\r\n"])
def test_predict_reads_paths_from_standard_input(
    trained, folder, tmp_path, cellsk, monkeypatch, end
):
    """One per line, or as `find -print0` writes them."""
    images = sorted((folder / "benign").iterdir())[:3]
    text = "".join(f"{path}{end}" for path in images)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    done = cellsk("predict", trained, "-", "--output", tmp_path / "p.csv")
    assert done.returncode == 0, done.stderr
    assert [row["path"] for row in read_rows(tmp_path / "p.csv")] == list(map(str, images))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (["-"], "Standard input must have the paths of images, one per line. Got none."),
        (["-", "-"], "Standard input can be read once. Got - twice."),
        (["{folder}", "{folder}"], "120 images more than once"),
        (["{folder}/gone.png"], "does not exist"),
        (["{folder}/../slides.csv"], "which is another file. Pass an image"),
    ],
)
def test_predict_of_other_inputs_exits_2_with_a_sentence(
    trained, folder, tmp_path, cellsk, monkeypatch, inputs, words
):
    """Before the model is loaded."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b" \n\n")))
    named = [one.format(folder=folder) for one in inputs]
    done = cellsk("predict", trained, *named, "--output", tmp_path / "p.csv")
    assert done.returncode == 2
    assert words in done.stderr


def test_predict_flags_images_unlike_the_training_images(trained, folder, tmp_path, cellsk):
    """A blank image and noise are named, and their rows have the highest value."""
    shutil.copytree(folder / "benign", tmp_path / "new")
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "new" / "noise.png")
    Image.new("RGB", (16, 16), "white").save(tmp_path / "new" / "white.png")
    output, document = tmp_path / "p.csv", tmp_path / "p.json"
    done = cellsk("predict", trained, tmp_path / "new", "--output", output, "--json", document)
    assert "2 of 62 images are unlike the training images (0.5 expected" in done.stderr
    assert "noise.png" in done.stderr
    assert "white.png" in done.stderr
    rows = {
        Path(row["path"]).name: float(row["unlike_training"])
        for row in csv.DictReader(output.read_text().splitlines())
    }
    assert rows["noise.png"] == rows["white.png"] == 0.9917  # 1 minus 1 / 121
    assert sorted(rows.values())[-3] < 0.99
    written = json.loads(document.read_text())["unlike_training"]
    assert written == {"n_images": 2, "expected_fraction": pytest.approx(1 / 121)}


def test_predict_other_sizes_and_calibration_are_compared_too(drawn, pipeline, tmp_path):
    """Images are compared as the reader returns them, also if it is inside a calibration."""
    detector = ImageOutlierDetector().fit(ImageReader().transform(drawn.paths))
    Image.new("RGB", (32, 24), "white").save(tmp_path / "white.png")
    paths = [*drawn.paths, str(tmp_path / "white.png")]
    calibrated = CalibratedClassifierCV(FrozenEstimator(pipeline)).fit(drawn.paths, drawn.y)
    for model in (calibrated, pipeline):
        found = write_predictions(model, paths, tmp_path / "p.csv", names=paths, detector=detector)
        assert found.unlike == [str(tmp_path / "white.png")]
        pipeline["reader"].set_params(image_size=None)


def test_predict_model_without_detector_has_no_column(drawn, pipeline, tmp_path, cellsk):
    """Model files of Python code may lack a detector, and the csv file its column."""
    save_model(pipeline, tmp_path / "m.cellsk")
    output, folder = tmp_path / "p.csv", Path(drawn.paths[0]).parent
    done = cellsk("predict", tmp_path / "m.cellsk", folder, "--output", output, "--json")
    assert output.read_text().startswith("path,predicted,probability_0,probability_1\n")
    assert json.loads(done.stdout)["unlike_training"] is None
