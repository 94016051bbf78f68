"""cellsk demo: the whole workflow, and the folder that it fills."""

import pytest

from cellsk.cli import _demo
from cellsk.cli._demo import TITLE, WRITTEN

SHORT = {
    "N_IMAGES": 96,
    "N_NEW_IMAGES": 30,
    "IMAGE_SIZE": (16, 16),
    "CANDIDATES": [(2,), (4,)],
    "N_FOLDS": 2,
    "EPOCHS": 2,
}


@pytest.mark.slow
def test_demo_writes_report_pictures_and_model(tmp_path, monkeypatch, cellsk):
    """All files are written, and nothing else."""
    for name, value in SHORT.items():
        monkeypatch.setattr(_demo, name, value)
    output = tmp_path / "demo"
    done = cellsk("demo", "--output", output)
    assert done.returncode == 0, done.stderr
    written = {path.name for path in output.iterdir()}
    assert written == {
        *["cells", "new_patients", "model.cellsk", "predictions.csv"],
        *["report.html", "report.txt", "sample_images.png", "training_curves.png"],
    }
    report = (output / "report.txt").read_text()
    assert done.stdout.startswith(report)
    assert "Accuracy on new patients" in report
    for picture in ("sample_images.png", "training_curves.png"):
        assert (output / picture).read_bytes().startswith(b"\x89PNG")
    rows = (output / "predictions.csv").read_text().splitlines()[1:]
    assert len(rows) == SHORT["N_NEW_IMAGES"]
    assert all((output / row.split(",")[0]).is_file() for row in rows)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


@pytest.mark.parametrize(
    "files",
    [
        {"thesis.txt": "three years"},
        {"thesis.txt": "three years", "report.txt": "mine"},
        {"report.txt": "mine"},
        {"cells": "mine"},
        {"report.txt": TITLE, "thesis.txt": "three years"},
    ],
)
def test_demo_other_folder_is_not_changed(tmp_path, cellsk, files):
    """A folder with other files is not changed, even if their names are those of a demo."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = cellsk("demo", "--output", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert "must be a new folder, or the folder of an earlier demo" in done.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files


def test_demo_folder_fails_midway_keeps_earlier_demo(tmp_path):
    """An earlier demo is replaced as a whole or not at all, and a new folder is removed."""
    earlier = tmp_path / "demo"
    with _demo._fill_folder(earlier) as draft:
        fill(draft, "first")
    with pytest.raises(KeyboardInterrupt):
        fill_half(earlier, "second")
    assert (earlier / "model.cellsk").read_text().endswith("first")
    with _demo._fill_folder(earlier) as draft:
        fill(draft, "third")
    assert (earlier / "model.cellsk").read_text().endswith("third")
    assert {path.name for path in earlier.iterdir()} == set(WRITTEN)
    with pytest.raises(KeyboardInterrupt):
        fill_half(tmp_path / "new", "first")
    assert not (tmp_path / "new").exists()


def fill(folder, text):
    """Write the files of a demo, with one line each."""
    for name in WRITTEN:
        (folder / name).write_text(f"{TITLE} {text}")


def fill_half(folder, text):
    """Begin a demo that is interrupted."""
    with _demo._fill_folder(folder) as draft:
        (draft / WRITTEN[-1]).write_text(text)
        raise KeyboardInterrupt
