"""cellsk explain: a page, a table, and a picture of each image with its maps."""

import csv
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from cellsk import list_images, load_model


@pytest.fixture(scope="module")
def few(folder, tmp_path_factory):
    """Three images of the folder, in two sub-folders, and a damaged one."""
    few = tmp_path_factory.mktemp("explain") / "few"
    for path in sorted(folder.rglob("*.png"))[::45]:
        (few / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, few / path.parent.name)
    (few / "damaged.png").write_bytes(b"no image")
    return few


@pytest.fixture(scope="module")
def explained(trained, few, cellsk):
    """What the command printed, and the folder that it wrote."""
    output = few.parent / "explained"
    done = cellsk("explain", trained, few, "--skip-unreadable", "--output", output)
    assert done.returncode == 0, done.stderr
    return done, output


def read_table(folder):
    """Return the rows of the table."""
    with open(folder / "explanations.csv", newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_explain_writes_a_page_a_table_and_pictures(explained, trained, few):
    """The table has the numbers of the model, and names the picture of each image."""
    done, output = explained
    assert f"Written: {output / 'index.html'}, 3 images by HiResCAM and occlusion." in done.stderr
    assert "left out: '" in done.stderr
    rows = read_table(output)
    paths = [path for path in list_images(few, labels=False).paths if "damaged" not in path]
    assert [row["path"] for row in rows] == paths
    proba = load_model(trained).predict_proba(paths)[:, 1]
    found = [float(row["probability_malignant"]) for row in rows]
    np.testing.assert_allclose(found, proba, atol=1e-6)
    for row in rows:
        assert row["explained"] == row["predicted"]
        with Image.open(output / row["picture"]) as picture:
            assert picture.height == 192
            assert picture.width > 3 * 192
    assert len(list((output / "pictures").iterdir())) == 3


def test_explain_page_contains_the_pictures_and_loads_nothing(explained):
    """It can be sent alone."""
    text = (explained[1] / "index.html").read_text("utf-8")
    assert '<meta name="generator" content="cellsk">' in text
    assert len(re.findall(r'<img [^>]*src="data:image/jpeg', text)) == 4  # and the scale
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    fall = re.search(r"lowers a probability of 0.5 to (0\.\d+)", text)
    assert 0 < float(fall[1]) <= 0.5


def test_explain_again_replaces_its_folder(explained, trained, few, cellsk):
    """A folder that cellsk wrote needs no --force; --class and --method choose."""
    _, output = explained
    copy = output.parent / "again"
    shutil.copytree(output, copy)
    done = cellsk(
        *("explain", trained, few / "benign", "--output", copy),
        *("--class", "malignant", "--method", "hires_cam", "--limit", "1", "--json"),
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "cellsk-explain-1"
    assert document["n_images"] == 1 < document["n_listed"]
    assert list(document["strongest"]) == ["hires_cam"]
    assert [row["explained"] for row in read_table(copy)] == ["malignant"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--class", "cancer"), r"--class must be a class of the model\. Got 'cancer'"),
        (("--method", "rainbow"), "--method must be one of"),
        (("--limit", "0"), "--limit must be a whole number"),
        ((), r"1 of \d images cannot be decoded"),
    ],
)
def test_explain_bad_option_writes_nothing(options, text, trained, few, tmp_path, cellsk):
    """With the rule, and the words of the command line."""
    done = cellsk("explain", trained, few, *options, "--output", tmp_path / "out")
    assert done.returncode == 2
    assert re.search(text, done.stderr)
    assert not (tmp_path / "out").exists()


def test_explain_foreign_folder_needs_force(trained, few, tmp_path, cellsk):
    """Notes of a user are not mixed with pictures by mistake, and the images never are."""
    (tmp_path / "notes.txt").write_text("my notes")
    command = ("explain", trained, few / "benign", "--limit", "1", "--method", "hires_cam")
    done = cellsk(*command, "--output", tmp_path)
    assert done.returncode == 2
    assert "did not write is not overwritten" in done.stderr
    assert "Pass --force" in done.stderr
    done = cellsk(*command, "--output", tmp_path, "--force")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "notes.txt").read_text() == "my notes"
    done = cellsk(*command, "--output", few / "benign", "--force")
    assert done.returncode == 2
    assert "must not be a folder that the command reads" in done.stderr
    done = cellsk(*command, "--output", tmp_path / "notes.txt")
    assert "--output must be a folder" in done.stderr
