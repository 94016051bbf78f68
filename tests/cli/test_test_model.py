"""cellsk test: a trained model on a test set."""

import json
import shutil
import zipfile

import pytest
from PIL import Image

from cellsk import make_cells

PATTERN = ("--group-pattern", r"(P\d+)")


@pytest.fixture(scope="module")
def unseen(tmp_path_factory):
    """60 drawn cells of six other patients, named T01 and so on."""
    folder = tmp_path_factory.mktemp("test") / "cells"
    make_cells(60, folder=folder, n_patients=6, image_size=(16, 16), difficulty=0, random_state=5)
    for path in folder.rglob("*.png"):
        path.rename(path.with_name(f"T{path.name[1:]}"))
    return folder


def test_test_prints_and_writes_the_report(trained, unseen, tmp_path, cellsk):
    """The scores of the model on the test set, and that it was not trained on these images."""
    files = [tmp_path / f"t.{ending}" for ending in ("html", "json", "md")]
    options = [word for file in files for word in (f"--{names[file.suffix]}", file)]
    done = cellsk("test", trained, unseen, "--group-pattern", r"(T\d+)", *options)
    assert done.returncode == 0, done.stderr
    assert "The model was trained on 120 images of 12 patients." in done.stdout
    assert "No image and no known patient of the test set is among them." in done.stdout
    document = json.loads(files[1].read_text("utf-8"))
    assert document["training"]["source"] == "model file"
    assert document["data"]["n_images"] == 60
    assert "How well does this model classify" in files[0].read_text("utf-8")
    assert done.stderr.endswith("".join(f"Written: {file}.\n" for file in files))


names = {".html": "html", ".json": "json", ".md": "markdown"}


def test_test_of_the_training_images_is_named(trained, folder, cellsk):
    """All images and patients are known to the model file."""
    done = cellsk("test", trained, folder, *PATTERN)
    assert done.returncode == 0
    assert "120 copies of training images (first: 'benign/" in done.stderr
    assert "), 120 images from folders of training images and 12" in done.stderr


def test_test_of_another_size_is_resized_and_says_so_once(trained, unseen, tmp_path, cellsk):
    """As cellsk predict does."""
    for path in unseen.rglob("*.png"):
        target = tmp_path / "cells" / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).resize((24, 20)).save(target)
    options = ("--group-pattern", r"(T\d+)", "--json", tmp_path / "t.json")
    done = cellsk("test", trained, tmp_path / "cells", *options)
    assert done.returncode == 0, done.stderr
    words = "16 x 16 pixels. Got 60 of 60 images of another size, which are resized."
    assert done.stderr.count(words) == 1
    assert words in (tmp_path / "t.json").read_text()


def test_test_compares_two_models(trained, unseen, cellsk):
    """A model has no difference from itself. With --json, the comparison is the document."""
    command = ("test", trained, trained, unseen, "--group-pattern", r"(T\d+)")
    plain, done = cellsk(*command), cellsk(*command, "--json")
    assert plain.returncode == done.returncode == 0, done.stderr
    last = plain.stdout.splitlines()[-1]
    assert last.startswith("The ROC AUC is")
    assert "The difference is 0.000" in last or "0.000, has no interval" in last
    document = json.loads(done.stdout)
    assert document["schema"] == "cellsk-comparison-1"
    assert document["models"] == [str(trained)] * 2
    assert document["sentence"] == last
    assert document["difference"]["roc_auc"]["value"] == 0
    assert last in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--html", "r.txt"), "This file must end in .html"),
        (("--positive", "tumour"), "--positive must be one of 'benign', 'malignant'"),
        (("--subgroup", "site"), "--subgroup must name a column of --groups-csv"),
    ],
)
def test_test_bad_option_exits_2_with_a_sentence(trained, unseen, cellsk, options, words):
    """Before anything is predicted."""
    done = cellsk("test", trained, unseen, *options)
    assert done.returncode == 2
    assert words in done.stderr


def test_test_files_of_two_models_are_refused(trained, unseen, tmp_path, cellsk):
    """One page cannot hold two reports."""
    done = cellsk("test", trained, trained, unseen, "--html", tmp_path / "t.html")
    assert done.returncode == 2
    assert "Pages and model cards are written for one model. Got two models" in done.stderr


def test_test_of_an_unknown_class_is_refused_in_the_words_of_the_command(trained, tmp_path, cellsk):
    """The remedy names no parameter of Python."""
    folder = tmp_path / "cells"
    make_cells(4, folder=folder, n_patients=2, image_size=(16, 16), random_state=0)
    (folder / "malignant").rename(folder / "unsure")
    done = cellsk("test", trained, folder)
    assert done.returncode == 2
    assert "Leave out the images of other classes, or give the folders the names" in done.stderr


def test_test_takes_zip_files_folders_and_images(trained, unseen, tmp_path, cellsk):
    """Models are told from data by their content; the reports name files in the zip file."""
    path = tmp_path / "test.zip"
    benign, malignant = (sorted((unseen / name).iterdir()) for name in ("benign", "malignant"))
    with zipfile.ZipFile(path, "w") as archive:
        for image in (*benign[10:], *malignant):
            archive.write(image, image.relative_to(unseen))
    model = tmp_path / "model.zip"
    model.write_bytes(trained.read_bytes())
    options = ("--group-pattern", r"(T\d+)", "--json", tmp_path / "t.json")
    done = cellsk("test", path, *benign[:10], model, *options)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "t.json").read_text("utf-8"))
    assert document["data"]["n_images"] == 60
    expected = cellsk("test", trained, unseen, "--group-pattern", r"(T\d+)")
    assert "Accuracy" in expected.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("Accuracy")] == [
        line for line in expected.stdout.splitlines() if line.startswith("Accuracy")
    ]


def test_test_of_single_images_takes_labels_from_a_table(trained, unseen, tmp_path, cellsk):
    """The table has more rows than the images."""
    rows = [f"{path.name},{path.parent.name}" for path in sorted(unseen.rglob("*.png"))]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *rows]))
    images = [sorted((unseen / name).iterdir())[0] for name in ("benign", "malignant")]
    for path in images:
        shutil.copy(path, tmp_path)
    named = [tmp_path / path.name for path in images]
    done = cellsk("test", trained, *named, "--labels", tmp_path / "labels.csv")
    assert done.returncode == 0, done.stderr
    assert "2 images: 1 benign, 1 malignant" in done.stderr


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (["{model}"], "A test needs a model file and images. Got"),
        (["{model}"] * 3, "Two models can be compared. Got 3"),
        (["{data}", "{data}"], "and no model file. Name the model file first."),
        (["gone.cellsk", "{data}"], "A model file must exist. Got 'gone.cellsk'"),
        (["{model}", "gone"], "'gone', which does not exist"),
    ],
)
def test_test_without_a_model_or_images_says_so(trained, unseen, cellsk, inputs, words):
    """Before anything is read."""
    done = cellsk("test", *(one.format(model=trained, data=unseen) for one in inputs))
    assert done.returncode == 2
    assert words in done.stderr
