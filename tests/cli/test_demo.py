"""The demo does the whole job."""

import subprocess
import sys

import pytest

from cellsk.cli._demo import TITLE, WRITTEN, _folder_to_fill


@pytest.mark.slow
def test_demo_writes_report_pictures_and_model(tmp_path):
    """Everything promised is written; a folder of the user's is left alone."""
    output = tmp_path / "demo"
    command = [sys.executable, "-m", "cellsk", "demo", "--output", output]
    done = subprocess.run(command, capture_output=True, text=True)
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
    assert len(rows) == 120
    assert all((output / row.split(",")[0]).is_file() for row in rows)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


@pytest.mark.parametrize(
    "files",
    [
        {"thesis.txt": "three years"},
        {"thesis.txt": "three years", "report.txt": "mine"},
        {"report.txt": "mine"},
        {"cells": "mine"},
        {"report.txt": "Drawn cells: how well can benign", "thesis.txt": "three years"},
    ],
)
def test_demo_other_folder_is_left_alone(tmp_path, files):
    """A folder with other files is not touched, whatever their names."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "cellsk", "demo", "--output", "."]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "must be a new folder, or that of an earlier demo" in done.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files


def test_demo_folder_fails_midway_keeps_earlier_demo(tmp_path):
    """An earlier demo is replaced as a whole, or not at all; a new folder goes again."""
    earlier = tmp_path / "demo"
    with _folder_to_fill(earlier) as draft:
        fill(draft, "first")
    with pytest.raises(KeyboardInterrupt):
        fill_half(earlier, "second")
    assert (earlier / "model.cellsk").read_text().endswith("first")
    with _folder_to_fill(earlier) as draft:
        fill(draft, "third")
    assert (earlier / "model.cellsk").read_text().endswith("third")
    assert {path.name for path in earlier.iterdir()} == set(WRITTEN)
    with pytest.raises(KeyboardInterrupt):
        fill_half(tmp_path / "new", "first")
    assert not (tmp_path / "new").exists()


def fill(folder, text):
    """Write all that a demo writes, as one-line files."""
    for name in WRITTEN:
        (folder / name).write_text(f"{TITLE} {text}")


def fill_half(folder, text):
    """Begin a demo, and be interrupted."""
    with _folder_to_fill(folder) as draft:
        (draft / WRITTEN[-1]).write_text(text)
        raise KeyboardInterrupt
