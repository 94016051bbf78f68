"""`evaluate` decodes each image once, with the same numbers as decoding for every fold."""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import (
    CellClassifier,
    ImageReader,
    audit_images,
    evaluate,
    evaluate_model,
    list_images,
    make_cells,
    save_model,
)
from cellsk.audit import make_training_fingerprints
from cellsk.exceptions import ImageReadError, ImageReadWarning
from cellsk.model_selection import InnerKFold, list_readers, tune_threshold

N_IMAGES = 60
QUICK = {
    "n_splits": 3,
    "n_resamples": 100,
    "target_names": ["benign", "malignant"],
    "baselines": False,
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return 60 drawn cells of ten patients, as files."""
    folder = tmp_path_factory.mktemp("cells")
    return make_cells(
        N_IMAGES, folder=folder, n_patients=10, image_size=(20, 20), random_state=0, difficulty=0
    )


@pytest.fixture
def opened(monkeypatch):
    """Return a list that grows with every call of ``PIL.Image.open``."""
    real, calls = Image.open, []
    monkeypatch.setattr(Image, "open", lambda *args, **kw: calls.append(args) or real(*args, **kw))
    return calls


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Make temporary folders below a folder of the test, and return it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(folder))
    return folder


def mean_colors(images):
    """Return three features of each image."""
    return images.mean(axis=(1, 2)) / 255


def require_map(images):
    """Return the images if they are from a store, and not decoded again."""
    assert isinstance(images, np.memmap)
    return images


def build_pipeline(require=None, **settings):
    """Return a pipeline of a reader and a fast classifier."""
    return Pipeline(
        [
            ("reader", ImageReader(**({"image_size": (16, 16)} | settings))),
            ("require", FunctionTransformer(require)),
            ("features", FunctionTransformer(mean_colors)),
            ("classifier", LogisticRegression()),
        ]
    )


def evaluate_cells(estimator, drawn, **options):
    """Return the report of an evaluation with groups."""
    return evaluate(estimator, drawn.paths, drawn.y, groups=drawn.groups, **(QUICK | options))


def list_numbers(report):
    """Return the results that must not depend on how the images are read."""
    kept = {key: report.document[key] for key in ("numbers", "predictions", "limits", "warnings")}
    return json.dumps(kept)


@pytest.mark.parametrize(
    "options", [{}, {"audit": False}, {"calibrate": "sigmoid"}, {"sensitivity": 0.9}]
)
def test_evaluate_opens_each_image_once(drawn, opened, options, monkeypatch, temporary):
    """At most 1.2 times, with the numbers of decoding each time; nothing is left on disk."""
    report = evaluate_cells(build_pipeline(require_map), drawn, **options)
    assert len(opened) <= 1.2 * N_IMAGES
    assert os.listdir(temporary) == []
    opened.clear()
    monkeypatch.setenv("CELLSK_STORE", "off")
    again = evaluate_cells(build_pipeline(), drawn, **options)
    assert len(opened) > 3 * N_IMAGES
    assert list_numbers(report) == list_numbers(again)


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
def test_evaluate_audit_finds_what_a_separate_audit_finds(drawn, opened):
    """The shared opening gives the audit and the baselines the same facts and pixels."""
    report = evaluate_cells(build_pipeline(channels=1), drawn, baselines=True)
    assert len(opened) == N_IMAGES
    alone = audit_images(drawn.paths, drawn.y, drawn.groups, target_names=QUICK["target_names"])
    for name in ("findings", "n_images"):
        assert report.audit.to_dict()[name] == alone.to_dict()[name]


def test_evaluate_search_opens_each_image_once(drawn, opened):
    """The folds within a search share the pixels as well."""
    search = GridSearchCV(
        build_pipeline(require_map), {"classifier__C": [0.1, 1.0]}, cv=InnerKFold(2)
    )
    evaluate_cells(search, drawn)
    assert len(opened) == N_IMAGES


@pytest.mark.parametrize("whole_reader", [False, True])
def test_evaluate_search_of_sizes_opens_each_image_once_for_each_size(drawn, opened, whole_reader):
    """Each file is opened for two sizes and for the audit, but not for the pipeline's own size."""
    sizes = [(8, 8), (12, 12)]
    grid = (
        {"reader": [ImageReader(image_size=size) for size in sizes]}
        if whole_reader
        else {"reader__image_size": sizes}
    )
    search = GridSearchCV(build_pipeline(require_map, image_size=None), grid, cv=InnerKFold(2))
    evaluate_cells(search, drawn)
    assert len(opened) == 3 * N_IMAGES


def test_evaluate_in_processes_shares_the_pixels(drawn):
    """Workers get maps of the same store."""
    one, two = (evaluate_cells(build_pipeline(require_map), drawn, n_jobs=n) for n in (1, 2))
    assert list_numbers(one) == list_numbers(two)


def test_leakage_gap_opens_each_image_once_more(drawn, opened, temporary):
    """The first temporary folder is gone by then."""
    report = evaluate_cells(build_pipeline(require_map), drawn)
    opened.clear()
    report.leakage_gap()
    assert len(opened) == N_IMAGES
    assert os.listdir(temporary) == []


def test_evaluate_leaves_the_estimator_of_the_caller_alone(drawn, temporary):
    """The temporary folder appears neither in the estimator nor in the report."""
    pipeline = build_pipeline()
    report = evaluate_cells(pipeline, drawn)
    assert pipeline["reader"].store is None
    assert "pixels" not in report.document["estimator"]["repr"]
    assert str(temporary) not in json.dumps(report.document)


def test_evaluate_with_a_store_of_the_caller_opens_files_for_the_audit_only(
    drawn, opened, tmp_path, temporary
):
    """A later evaluation finds the pixels there."""
    pipeline = build_pipeline(require_map, store=tmp_path / "store")
    evaluate_cells(pipeline, drawn)
    assert len(opened) == N_IMAGES
    assert any(path.suffix == ".pixels" for path in (tmp_path / "store").iterdir())
    opened.clear()
    evaluate_cells(pipeline, drawn)
    assert len(opened) == N_IMAGES
    opened.clear()
    evaluate_cells(pipeline, drawn, audit=False)
    assert not opened


def test_evaluate_with_settings_that_do_not_matter_opens_each_image_once(drawn, opened):
    """These settings do not change pixels of 8 bits, so the audit shares the opening."""
    settings = {"page": 0, "value_range": (0, 4095), "max_pixels": 400, "channels": 1}
    evaluate_cells(build_pipeline(require_map, **settings), drawn)
    assert len(opened) == N_IMAGES


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
def test_evaluate_audit_of_deep_images_uses_its_own_settings(tmp_path, opened):
    """If the range of the reader changes the pixels, the audit opens the files itself."""
    rng = np.random.default_rng(0)
    for row in range(40):
        path = tmp_path / "cells" / f"class{row % 2}" / f"P{row // 4}_{row}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 4096, (16, 16), dtype=np.uint16)).save(path)
    cells = list_images(tmp_path / "cells", group_pattern=r"(P\d+)_")
    reader = ImageReader(value_range=(0, 4095))
    pipeline = Pipeline([("reader", reader), *build_pipeline(require_map).steps[1:]])
    report = evaluate(
        pipeline, cells.paths, cells.y, groups=cells.groups, pos_label=1, n_resamples=100
    )
    assert len(opened) == 2 * 40
    alone = audit_images(cells.paths, cells.y, cells.groups, target_names=cells.target_names)
    assert report.audit.to_dict()["findings"] == alone.to_dict()["findings"]


def test_evaluate_without_space_for_the_pixels_decodes_for_every_fold(drawn, opened):
    """The limit of the store holds for the temporary folder too; the numbers are the same."""
    report = evaluate_cells(build_pipeline(max_store_bytes=1000), drawn)
    assert len(opened) > 3 * N_IMAGES
    assert list_numbers(report) == list_numbers(evaluate_cells(build_pipeline(), drawn))


def test_evaluate_default_limit_of_a_store_does_not_limit_the_temporary_one(
    drawn, opened, monkeypatch
):
    """It protects a folder that stays. Only the disk limits one that is removed."""
    monkeypatch.setattr("cellsk.preprocessing._reader.MAX_STORE_BYTES", 1000)
    evaluate_cells(build_pipeline(max_store_bytes=1000), drawn)
    assert len(opened) == N_IMAGES


def test_evaluate_without_temporary_folder_decodes_for_every_fold(drawn, opened, monkeypatch):
    """A system without a folder for temporary files gives the same numbers."""
    expected = evaluate_cells(build_pipeline(), drawn)
    opened.clear()
    monkeypatch.setattr(tempfile, "tempdir", "/proc/no-such-folder")
    report = evaluate_cells(build_pipeline(), drawn)
    assert len(opened) > 3 * N_IMAGES
    assert list_numbers(report) == list_numbers(expected)


def test_evaluate_finds_unreadable_files_before_any_fold_trains(drawn, tmp_path):
    """The error counts them among all images."""
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(Path(drawn.paths[0]).read_bytes()[:60])
    fits = []
    pipeline = build_pipeline(lambda images: fits.append(len(images)) or images)
    paths = [*drawn.paths[:-1], str(damaged)]
    with pytest.raises(ImageReadError, match=r"^1 of 60 images cannot be decoded.*damaged.png"):
        evaluate(pipeline, paths, drawn.y, groups=drawn.groups, **QUICK)
    assert not fits


def test_evaluate_reader_that_is_not_the_first_step_keeps_pixels_too(drawn, opened):
    """Its sources are known only during a fit, so the audit opens the files itself."""
    whole = FunctionTransformer(lambda paths: list(paths))
    pipeline = Pipeline([("whole", whole), *build_pipeline(require_map).steps])
    evaluate_cells(pipeline, drawn)
    assert len(opened) == 2 * N_IMAGES


def test_evaluate_shows_one_progress_bar(drawn, capfd):
    """Folds copy rows without a progress bar."""
    evaluate_cells(build_pipeline(verbose=1), drawn)
    assert capfd.readouterr().err.count("Reading images") == 1


@pytest.fixture(scope="module")
def tuned(drawn):
    """A reader and a network within a tuned threshold, fitted on the drawn cells."""
    network = CellClassifier(filters=(2,), epochs=1, early_stopping=False, random_state=0)
    pipeline = Pipeline([("reader", ImageReader()), ("network", network)])
    model = tune_threshold(pipeline, drawn.y, sensitivity=0.9, pos_label=1)
    return model.fit(drawn.paths, drawn.y)


@pytest.fixture(scope="module")
def unseen(tmp_path_factory):
    """Return 12 other drawn cells, as files."""
    folder = tmp_path_factory.mktemp("unseen")
    return make_cells(12, folder=folder, n_patients=6, image_size=(20, 20), random_state=5)


TEST = {"n_resamples": 100, "target_names": ["benign", "malignant"]}


@pytest.mark.parametrize("given", [True, False])
def test_evaluate_model_opens_each_image_once(tuned, drawn, unseen, opened, tmp_path, given):
    """For the predictions, the audit, and the search for training images."""
    pixels = ImageReader().transform(drawn.paths)
    training = make_training_fingerprints(pixels, paths=drawn.paths)
    save_model(tuned, tmp_path / "m.cellsk", training=training)
    model, known = (tuned, {"train_paths": drawn.paths}) if given else (tmp_path / "m.cellsk", {})
    expected = tuned.predict_proba(unseen.paths)
    opened.clear()
    groups = [f"T{group}" for group in unseen.groups]
    report = evaluate_model(model, unseen.paths, unseen.y, groups=groups, **known, **TEST)
    assert len(opened) == len(unseen.paths) + given * len(drawn.paths)
    assert report.document["training"]["exact"] == []
    assert report.document["audit"]["n_images"] == len(unseen.paths)
    assert np.allclose(report.document["predictions"]["proba"], expected, atol=1e-6)
    assert all(reader.store is None for reader in list_readers(tuned))


def test_evaluate_model_resizes_as_in_training(tuned, unseen, tmp_path):
    """The warning says how many, once; the model keeps its settings."""
    paths = [os.fspath(tmp_path / f"{row}.png") for row in range(len(unseen.paths))]
    for row, (source, path) in enumerate(zip(unseen.paths, paths, strict=True)):
        size = (31, 17) if row < 4 else (20, 20)
        Image.open(source).resize(size).save(path)
    groups = [f"T{group}" for group in unseen.groups]
    with pytest.warns(ImageReadWarning, match=r"20 x 20 pixels\. Got 4 of 12 images of another"):
        report = evaluate_model(tuned, paths, unseen.y, groups=groups, **TEST)
    assert [one["code"] for one in report.document["warnings"]].count("images-resized") == 1
    pixels = ImageReader(image_size=(20, 20)).transform(paths)
    expected = tuned.estimator_[-1].predict_proba(pixels)
    assert np.allclose(report.document["predictions"]["proba"], expected, atol=1e-6)
    assert all(reader.image_size is None for reader in list_readers(tuned))
    with pytest.raises(ValueError, match="must have the size of the first"):
        evaluate_model(add_step(tuned), paths, unseen.y, groups=groups, **TEST)


def add_step(model):
    """Return the pipeline of a model with a step between reader and network."""
    reader, network = model.estimator_
    crop = FunctionTransformer(mirror)
    return Pipeline([("reader", reader), ("crop", crop), ("network", network)])


def mirror(images):
    """Return images of the same size."""
    return images[:, ::-1]
