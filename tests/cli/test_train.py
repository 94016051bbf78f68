"""cellsk train: the model file, the output, and one decoding of each image."""

import json
import shutil
import tempfile
from pathlib import Path

import PIL.Image
import pytest

from cellsk import load_model, make_cells
from cellsk.cli._options import ARCHITECTURES
from cellsk.neural_network.networks import ARCHITECTURES as known

SMALL = ("--filters", "4", "--epochs", "2")
PATIENT = ("--group-pattern", r"(P\d+)")


def test_train_in_another_process_writes_the_same_model(trained, folder, tmp_path, run_python):
    """The same folder and the same seed give the same bytes as in this process.

    The hold-out score comes with a caution, and then come the next commands.
    """
    model = tmp_path / "m.cellsk"
    printed = run_python(
        "import sys; from cellsk.cli import main; assert main(sys.argv[1:]) == 0",
        *("train", folder, "--output", model, *PATIENT, *SMALL),
    )
    assert model.read_bytes() == trained.read_bytes()
    assert "2 epochs; the weights of epoch" in printed
    assert "so do not report these scores" in printed
    first, following, *commands = (tmp_path / "stderr").read_text().splitlines()
    assert first == "120 images: 60 benign, 60 malignant; 12 patients."
    assert following == "Next:"
    assert [command.split()[1] for command in commands] == ["evaluate", "test", "predict"]


def test_train_model_file_names_no_store(trained):
    """The reader of the model has the defaults of an ImageReader."""
    from cellsk import ImageReader

    assert load_model(trained)["reader"].get_params() == ImageReader().get_params()


def test_train_kaggle_layout_of_tif_files(tmp_path, cellsk):
    """A flat folder of .tif files and a csv of ids: train, then predict."""
    drawn = make_cells(
        80,
        image_size=(16, 16),
        folder=tmp_path / "drawn",
        extension="tif",
        difficulty=0,
        random_state=0,
    )
    flat = tmp_path / "train"
    flat.mkdir()
    lines = ["id,label"]
    for path, label in zip(drawn.paths, drawn.y, strict=True):
        shutil.copy(path, flat)
        lines.append(f"{Path(path).stem},{label}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    model, output = tmp_path / "m.cellsk", tmp_path / "p.csv"
    done = cellsk("train", flat, "--labels", tmp_path / "labels.csv", "--output", model, *SMALL)
    assert done.returncode == 0, done.stderr
    assert cellsk("predict", model, flat, "--output", output).returncode == 0
    assert output.read_text().startswith("path,predicted,probability_0,probability_1,unlike")


@pytest.mark.parametrize("architecture", ARCHITECTURES[1:])
def test_train_other_architecture(folder, tmp_path, cellsk, architecture):
    """It is trained on all images, and its file predicts."""
    model, output, summary = (tmp_path / name for name in ("m.cellsk", "p.csv", "s.json"))
    options = ("--architecture", architecture, "--filters", "2,4", "--epochs", "1")
    done = cellsk("train", folder, "--output", model, "--json", summary, *options)
    assert done.returncode == 0, done.stderr
    assert "1 epoch on all images. None were held out." in done.stdout
    assert json.loads(summary.read_text())["architecture"] == architecture
    assert cellsk("predict", model, folder, "--output", output).returncode == 0
    assert len(output.read_text().splitlines()) == 121


def test_train_names_the_architectures_of_the_table():
    """The help lists what there is."""
    assert tuple(known) == ARCHITECTURES


def test_train_one_image_of_each_class_warns(folder, tmp_path, cellsk):
    """There is nothing for a hold-out: a model all the same, and a warning."""
    for name in ("benign", "malignant"):
        (tmp_path / "two" / name).mkdir(parents=True)
        shutil.copy(sorted((folder / name).iterdir())[0], tmp_path / "two" / name)
    done = cellsk("train", tmp_path / "two", "--output", tmp_path / "m.cellsk", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "Too few images for a hold-out" in done.stdout
    assert "warning: Early stopping" in done.stderr


@pytest.fixture
def opened(monkeypatch):
    """The images that Pillow opens."""
    names, usual = [], PIL.Image.open

    def open_image(*arguments, **options):
        names.append(arguments[0])
        return usual(*arguments, **options)

    monkeypatch.setattr(PIL.Image, "open", open_image)
    return names


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """An empty folder for temporary files."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


def test_train_opens_each_image_once(folder, tmp_path, cellsk, opened, temporary):
    """The store in a temporary folder keeps the pixels, and is removed at the end."""
    output = tmp_path / "m.cellsk"
    assert cellsk("train", folder, "--output", output, *SMALL).returncode == 0
    assert len(opened) == 120
    assert list(temporary.iterdir()) == []


def test_train_store_is_used_by_the_next_command(folder, tmp_path, cellsk, opened, temporary):
    """With --store the second command opens no image, and writes the same model."""
    options = ("--store", tmp_path / "store", *SMALL)
    assert cellsk("train", folder, "--output", tmp_path / "1.cellsk", *options).returncode == 0
    n_opened = len(opened)
    assert cellsk("train", folder, "--output", tmp_path / "2.cellsk", *options).returncode == 0
    assert len(opened) == n_opened == 120
    assert (tmp_path / "1.cellsk").read_bytes() == (tmp_path / "2.cellsk").read_bytes()
    assert (tmp_path / "store").is_dir()


def test_search_opens_each_image_once(folder, cellsk, opened, temporary):
    """Folds and candidates share the pixels."""
    done = cellsk("search", folder, *PATIENT, "--filters", "2", "--folds", "2", "--epochs", "1")
    assert done.returncode == 0, done.stderr
    assert len(opened) == 120
    assert list(temporary.iterdir()) == []


def test_train_error_removes_temporary_store(folder, tmp_path, cellsk, temporary):
    """A file that cannot be decoded ends the command, and nothing is left behind."""
    shutil.copytree(folder, tmp_path / "cells")
    sorted((tmp_path / "cells" / "benign").iterdir())[0].write_bytes(b"no image")
    done = cellsk("train", tmp_path / "cells", "--output", tmp_path / "m.cellsk", *SMALL)
    assert done.returncode == 2
    assert "1 of 120 images cannot be decoded" in done.stderr
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "m.cellsk").exists()


def test_skip_unreadable_leads_to_a_run_that_works(folder, tmp_path, cellsk):
    """What the reader would refuse is left out, and named: damage, pages and floats."""
    cells = tmp_path / "cells"
    shutil.copytree(folder, cells)
    (cells / "benign" / "P01-broken.png").write_bytes(b"nothing")
    pages = [PIL.Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    pages[0].save(cells / "benign" / "P02-pages.tif", save_all=True, append_images=pages[1:])
    PIL.Image.new("F", (16, 16), 5000.5).save(cells / "malignant" / "P03-float.tif")
    options = ("--output", tmp_path / "m.cellsk", *PATIENT, *SMALL)
    refused = cellsk("train", cells, *options)
    assert refused.returncode == 2
    assert "3 of 123 images cannot be decoded" in refused.stderr
    done = cellsk("train", cells, "--skip-unreadable", *options)
    assert done.returncode == 0, done.stderr
    for name in ("P01-broken.png", "P02-pages.tif", "P03-float.tif"):
        assert name in done.stderr


def test_train_with_stain_normalizes_in_predict_too(folder, tmp_path, cellsk):
    """The model file holds the target, and predictions are those of the whole pipeline."""
    model, output = tmp_path / "m.cellsk", tmp_path / "p.csv"
    done = cellsk("train", folder, "--stain", "reinhard", "--output", model, *PATIENT, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "--stain reinhard" in done.stderr
    pipeline = load_model(model)
    assert [name for name, _ in pipeline.steps] == ["reader", "stain", "classifier"]
    assert pipeline["stain"].means_.shape == (3,)
    assert cellsk("predict", model, folder, "--output", output).returncode == 0
    rows = [line.split(",") for line in output.read_text().splitlines()[1:]]
    expected = pipeline.predict_proba([row[0] for row in rows])[:, 1]
    assert [float(row[3]) for row in rows] == pytest.approx(expected, abs=1e-5)


def test_train_with_stain_of_gray_images_names_the_option(tmp_path, cellsk):
    """Gray images have no stain to learn from."""
    for name in ("a", "b"):
        (tmp_path / "gray" / name).mkdir(parents=True)
        for shade in range(40, 220, 40):
            image = PIL.Image.linear_gradient("L").point(lambda value, s=shade: value * s // 255)
            image.resize((16, 16)).save(tmp_path / "gray" / name / f"{shade}.png")
    done = cellsk(
        "train", tmp_path / "gray", "--stain", "macenko", "--output", tmp_path / "m.cellsk"
    )
    assert done.returncode == 2
    assert "At least one training image must show two stains." in done.stderr
    assert "Leave out --stain." in done.stderr


def test_stain_methods_are_those_of_the_normalizer():
    """The help lists them without loading NumPy."""
    from cellsk.cli._options import STAINS
    from cellsk.preprocessing._stain_methods import METHODS

    assert sorted(STAINS) == sorted(METHODS)


def test_train_augmentation_is_kept_in_the_model_file(folder, tmp_path, cellsk):
    """The model names its augmentation."""
    models = [tmp_path / "plain.cellsk", tmp_path / "turned.cellsk"]
    for model, augmentation in zip(models, ("none", "dihedral"), strict=True):
        done = cellsk("train", folder, "--output", model, "--augmentation", augmentation, *SMALL)
        assert done.returncode == 0, done.stderr
    assert [load_model(model)[-1].augmentation for model in models] == [None, "dihedral"]


def test_train_augmentation_of_gray_images_names_the_option(folder, tmp_path, cellsk):
    """The remedy is an option of the command line."""
    for path in sorted(folder.glob("*/*"))[::10]:
        gray = tmp_path / "gray" / path.parent.name / path.name
        gray.parent.mkdir(parents=True, exist_ok=True)
        with PIL.Image.open(path) as image:
            image.convert("L").save(gray)
    output = tmp_path / "m.cellsk"
    done = cellsk("train", tmp_path / "gray", "--output", output, "--augmentation", "stain", *SMALL)
    assert done.returncode == 2
    assert "'stain' needs RGB images with colors" in done.stderr
    assert "Pass --augmentation microscopy" in done.stderr
