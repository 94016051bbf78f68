"""The demo does the whole job."""

import subprocess
import sys

import pytest


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
        *["report.txt", "sample_images.png", "training_curves.png"],
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


def test_demo_other_folder_is_left_alone(tmp_path):
    """A folder with other files is not replaced."""
    (tmp_path / "thesis.txt").write_text("three years")
    command = [sys.executable, "-m", "cellsk", "demo", "--output", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "must be a new folder, or that of an earlier demo" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "three years"
