"""cellsk audit: output, exit codes, and the csv file."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from cellsk import make_cells
from cellsk.cli import main

PATTERN = ("--group-pattern", r"(P\d+)", "--jobs", "1")


@pytest.fixture
def folder(tmp_path):
    """A folder of 60 drawn cells from six patients."""
    make_cells(60, folder=tmp_path / "cells", n_patients=6, image_size=(32, 32), random_state=0)
    return tmp_path / "cells"


def images_of(folder):
    """Return the image files of a folder, sorted."""
    return sorted(folder.rglob("*.png"))


def test_audit_sound_folder_returns_zero(folder, capsys):
    """The findings are on stdout, counts and the next command on stderr."""
    assert main(["audit", str(folder), *PATTERN]) == 0
    done = capsys.readouterr()
    assert done.out.startswith("Audit of 60 images")
    first, following, command = done.err.splitlines()
    assert first == "60 images: 30 benign, 30 malignant; 6 patients."
    assert following == "Next:"
    assert command.startswith(f"  cellsk evaluate {folder} --group-pattern '(P\\d+)'  # ")


def test_audit_leaking_test_folder_returns_one(folder, tmp_path, capsys):
    """Copies in the test folder, one of them rotated, are errors: the exit code is 1."""
    test = tmp_path / "test" / "benign"
    test.mkdir(parents=True)
    first, second = images_of(folder)[:2]
    (test / "P90.png").write_bytes(first.read_bytes())
    Image.fromarray(np.rot90(np.asarray(Image.open(second)))).save(test / "P91.png")
    assert main(["audit", str(folder), "--test", str(test.parent), *PATTERN, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    found = {finding["code"]: finding for finding in document["findings"]}
    assert "test/benign/P90.png" in found["A304"]["files"]
    assert "test/benign/P91.png" in found["A314"]["files"]
    assert found["A209"]["severity"] == "warning"  # the test folder lacks a class
    assert document["n_test_images"] == 2


def test_audit_writes_csv_of_images(folder, tmp_path, capsys):
    """The csv has one row for each image of each finding."""
    images_of(folder)[4].write_bytes(b"no image")
    output = tmp_path / "found.csv"
    assert main(["audit", str(folder), *PATTERN, "--csv", str(output)]) == 1
    rows = list(csv.DictReader(output.open(newline="", encoding="utf-8")))
    assert ["A101", "4"] in [[row["code"], row["row"]] for row in rows]
    assert "Written" in capsys.readouterr().err


def test_audit_groups_from_csv(folder, tmp_path, capsys):
    """A csv file names the patients. Without it a finding says that they are unknown."""
    table = tmp_path / "slides.csv"
    lines = [f"{path.name},S{row % 6}" for row, path in enumerate(images_of(folder))]
    table.write_text("\n".join(["file,slide", *lines]), encoding="utf-8")
    main(["audit", str(folder), "--groups-csv", str(table), "--jobs", "1"])
    done = capsys.readouterr()
    assert "A204" not in done.out
    assert "Patients: column 'slide' of slides.csv, which names slides." in done.err
    main(["audit", str(folder), "--jobs", "1"])
    printed = capsys.readouterr().out
    assert "A204" in printed
    assert "--group-pattern" in printed
    assert "list_images" not in printed


def test_audit_of_copies_names_remedies_of_the_command(folder, tmp_path, capsys):
    """Remedies name no Python, and the sets in the csv are whole numbers."""
    first = images_of(folder)[0]
    first.with_name("P77_copy.png").write_bytes(first.read_bytes())
    first.with_name("P78_none.png").write_bytes(b"no image")
    output = tmp_path / "found.csv"
    assert main(["audit", str(folder), *PATTERN, "--csv", str(output)]) == 1
    printed = capsys.readouterr().out
    assert "A303" in printed
    assert "report.clean" not in printed
    rows = list(csv.DictReader(output.open(newline="", encoding="utf-8")))
    assert {row["set"] for row in rows if row["code"] == "A303"} == {"1"}
    assert {row["set"] for row in rows if row["code"] == "A101"} == {""}


def test_audit_one_class_and_no_class_are_findings(folder, capsys):
    """Folders that training refuses give a finding."""
    assert main(["audit", str(folder / "benign"), *PATTERN]) == 0
    capsys.readouterr()
    for path in images_of(folder / "malignant"):
        path.unlink()
    (folder / "malignant").rmdir()
    assert main(["audit", str(folder), *PATTERN]) == 1
    assert "A201" in capsys.readouterr().out


def test_audit_missing_folder_returns_two(tmp_path, capsys):
    """The exit code of bad input differs from that of a finding."""
    assert main(["audit", str(tmp_path / "none")]) == 2
    assert "cellsk: folder must be an existing folder" in capsys.readouterr().err


def test_audit_test_labels_without_test_folder_is_refused(folder, tmp_path, capsys):
    """Labels without images would otherwise be ignored."""
    assert main(["audit", str(folder), "--test-labels", str(tmp_path / "l.csv")]) == 2
    assert "--test-labels needs --test. Got no folder. Pass --test." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "found"),
    [("benign", "'malignant' only in training"), ("atypical", "'atypical' only in test")],
)
def test_audit_test_labels_of_one_class_are_read(folder, tmp_path, capsys, name, found):
    """A test set may lack a class, or have another one, which is a finding."""
    drawn = make_cells(20, folder=tmp_path / "new", image_size=(32, 32), random_state=9)
    rows = [["file", "label"], *([path, name] for path in drawn.paths)]
    with open(tmp_path / "new.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    paths = [str(tmp_path / part) for part in ("new", "new.csv")]
    options = ("--test", paths[0], "--test-labels", paths[1], "--no-near-duplicates")
    main(["audit", str(folder), *options, *PATTERN])
    done = capsys.readouterr()
    assert "A209  warning  Classes of train and test differ" in done.out
    assert found in done.out, done.out


def test_audit_reports_images_that_are_not_read(folder, capsys):
    """Images of other kinds, and links out of the folder, are counted."""
    (folder / "benign" / "P01.gif").write_bytes(b"GIF89a")
    (folder / "malignant" / "P02").write_bytes(b"GIF89a")
    (folder / "malignant" / "P03.png").symlink_to(folder.parent / "away.png")
    (folder / "malignant" / "P04.png").symlink_to(folder.parent / "cells.csv")
    (folder.parent / "cells.csv").write_bytes(images_of(folder)[0].read_bytes())
    main(["audit", str(folder), *PATTERN, "--json"])
    done = capsys.readouterr()
    found = {finding["code"]: finding for finding in json.loads(done.out)["findings"]}
    assert found["A107"]["severity"] == "warning"
    assert (
        "2 image files are of a kind that is not read: 1 with .gif, 1 with"
        in found["A107"]["message"]
    )
    assert "Got 1 .gif and 1 without extension files too" in done.err
    assert "Got 1 link, left out. First: 'malignant/P04.png'. Pass --follow-links" in done.err
    assert "Got 1 link to nowhere" in done.err
    assert main(["audit", str(folder), *PATTERN, "--follow-links"]) == 1  # a copy of another class
    done = capsys.readouterr()
    assert "Audit of 61 images" in done.out
    assert "Pass --follow-links" not in done.err
