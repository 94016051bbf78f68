"""Outputs of the commands: what is overwritten, streams, and what a failure leaves behind."""

import csv
import json
import os
import re
import shutil
import stat
import threading
from pathlib import Path

import pytest

from cellsk.cli._outputs import check_files, write_files
from cellsk.exceptions import InputError
from cellsk.model_selection import write_manifest

UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")
SMALL = ("--filters", "4", "--epochs", "1")
PATIENT = ("--group-pattern", r"(P\d+)")
KINDS = {"model": "m.cellsk", "html": "r.html", "json": "r.json", "md": "r.md",
         "folds": "f.csv", "predictions": "p.csv", "findings": "a.csv"}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", ["image,label\na.png,benign\n", "PK", "{}", "# Notes\n"])
def test_check_files_foreign_file_needs_force(tmp_path, kind, content):
    """A file that cellsk did not write is overwritten only with --force, and is not changed."""
    path = tmp_path / KINDS[kind]
    path.write_text(content)
    with pytest.raises(InputError, match=r"did not write is not overwritten.*Pass --force") as got:
        check_files({kind: path}, force=False)
    assert got.value.code == "output-exists"
    check_files({kind: path}, force=True)
    assert path.read_text() == content


def test_check_files_own_and_empty_files_are_overwritten(tmp_path, trained):
    """The outputs of an earlier command need no --force. Those of another kind do."""
    folds, empty = tmp_path / "f.csv", tmp_path / "r.html"
    write_manifest(folds, [])
    empty.touch()
    check_files({"model": trained, "folds": folds, "html": empty}, force=False)
    for kind, path in (("predictions", trained), ("findings", folds), ("predictions", folds)):
        with pytest.raises(InputError, match="did not write"):
            check_files({kind: path}, force=False)


def test_check_files_same_place_twice_is_refused():
    """Two outputs cannot share standard output."""
    out = Path("/dev/stdout")
    with pytest.raises(InputError, match=r"own place\. Got standard output twice\. Name"):
        check_files({"html": out, "json": out}, force=False)


def test_check_files_input_is_not_overwritten(trained):
    """A command does not replace what it reads, even with --force."""
    same = trained.parent / "." / trained.name
    with pytest.raises(InputError, match=r"not be a file that the command reads\. Got .*Name"):
        check_files({"predictions": same}, force=True, inputs=[trained])


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("predictions", "path,predicted,probability_a,my notes\n"),
        ("json", '{"schema": "cellsk-mine"}'),
    ],
)
def test_check_files_changed_file_needs_force(tmp_path, kind, content):
    """The user added something to a file of cellsk, or it only looks like one."""
    path = tmp_path / KINDS[kind]
    path.write_text(content)
    with pytest.raises(InputError, match="did not write"):
        check_files({kind: path}, force=False)


def test_check_files_predictions_of_any_class_name_are_known(tmp_path):
    """Names may hold commas and quotes."""
    path = tmp_path / "p.csv"
    path.write_text('path,predicted,"probability_a, ""b""",probability_c\n')
    check_files({"predictions": path}, force=False)


def test_write_files_failure_leaves_the_others(tmp_path, capsys):
    """The other files are written, and the first failure is raised."""
    written, good = [], tmp_path / "good"

    def fail(path):
        raise OSError(28, "No space left on device", str(path))

    writers = [(tmp_path / "a", fail), (good, Path.touch), (tmp_path / "b", fail)]
    with pytest.raises(OSError, match=r"No space left.*a'"):
        write_files(writers, written, ("results.json", Path.touch))
    assert written == [good]
    assert [path.name for path in tmp_path.iterdir()] == ["good"]
    errors = capsys.readouterr().err
    assert f"Written: {good}." in errors
    assert "/b'" in errors


def test_write_files_failure_keeps_the_results(tmp_path, capsys, monkeypatch):
    """What was computed is written to a temporary folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def save(path):
        if path.name == "gone":
            raise OSError("The folder is gone.")
        path.write_text("results")

    with pytest.raises(OSError, match="is gone"):
        write_files([(Path("gone"), save)], [], ("results.json", save))
    (kept,) = tmp_path.glob("cellsk-*/results.json")
    assert kept.read_text() == "results"
    assert f"Written: {kept}, because" in capsys.readouterr().err


def test_predict_writes_to_a_pipe_and_to_standard_output(trained, folder, tmp_path, cellsk):
    """A named pipe stays a pipe. - is standard output, and notes are on stderr."""
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    assert cellsk("predict", trained, folder, "--output", pipe).returncode == 0
    reader.join(30)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    done = cellsk("predict", trained, folder, "--output", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == got[0].splitlines()
    assert len(done.stdout.splitlines()) == 121
    assert done.stderr == "Written: standard output, 120 images.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "FOLDER", "--output", "FILE"),
        ("search", "FOLDER", "--output", "FILE"),
        ("search", "FOLDER", "--html", "FILE.html"),
        ("predict", "MODEL", "FOLDER", "--output", "FILE"),
        ("audit", "FOLDER", "--csv", "FILE"),
        ("audit", "FOLDER", "--json", "FILE.json"),
        ("train", "FOLDER", "--json", "FILE.json"),
        ("search", "FOLDER", "--json", "FILE.json"),
        ("predict", "MODEL", "FOLDER", "--json", "FILE.json"),
        ("test", "MODEL", "FOLDER", "--json", "FILE.json"),
        ("evaluate", "FOLDER", "--markdown", "FILE.md"),
        ("evaluate", "FOLDER", "--save-folds", "FILE.csv"),
        ("evaluate", "FOLDER", "--quick", "--json", "FILE.json"),
    ],
)
def test_commands_do_not_overwrite_foreign_files(arguments, trained, folder, tmp_path, cellsk):
    """Each command refuses before it reads an image, and names the option."""
    path = tmp_path / arguments[-1]
    path.write_text("my notes")
    names = {"FOLDER": folder, "MODEL": trained, arguments[-1]: path}
    done = cellsk(*(names.get(name, name) for name in arguments))
    assert done.returncode == 2
    assert "did not write is not overwritten" in done.stderr
    assert "Pass --force" in done.stderr
    assert path.read_text() == "my notes"


@pytest.fixture
def hostile(folder, tmp_path):
    """A folder whose names are not UTF-8, with a formula, an escape sequence and a mark."""
    names = {"benign": b"=HYPERLINK(1)\xe9", "malignant": b"rouge\x1b[31m\xe2\x80\xae"}
    try:
        for name, hostile in names.items():
            target = os.path.join(os.fsencode(tmp_path), b"set\xe9", hostile)
            os.makedirs(target)
            for image in sorted((folder / name).iterdir())[::3]:
                shutil.copy(image, os.path.join(target, b"\xff\x1b[2J" + os.fsencode(image.name)))
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    return tmp_path / os.fsdecode(b"set\xe9")


def test_evaluate_hostile_names_are_in_every_output(hostile, tmp_path, cellsk):
    """Page, card, JSON and csv are written as UTF-8, and no name does more than be shown."""
    outputs = {"html": "r.html", "json": "r.json", "markdown": "r.md", "save-folds": "f.csv"}
    options = [part for name, file in outputs.items() for part in (f"--{name}", tmp_path / file)]
    done = cellsk("evaluate", hostile, *PATIENT, *SMALL, "--folds", "2", *options)
    assert done.returncode == 0, done.stderr
    texts = [(tmp_path / file).read_text("utf-8") for file in outputs.values()]
    for text in (*texts, done.stdout, done.stderr):
        assert UNSAFE.findall(text) == []
    document = json.loads(texts[1])
    names = [entry["name"] for entry in document["data"]["classes"]]
    assert names == ["=HYPERLINK(1)\\udce9", "rouge\x1b[31m\u202e"]
    rows = list(csv.DictReader(texts[3].splitlines()))
    assert {row["label"] for row in rows} == {"'=HYPERLINK(1)\\udce9", "rouge\\x1b[31m\\u202e"}
    again = cellsk("evaluate", hostile, *PATIENT, *SMALL, "--cv", tmp_path / "f.csv", "--quick")
    assert again.returncode == 0, again.stderr


def test_predict_hostile_names_keep_their_bytes(hostile, tmp_path, cellsk):
    """The csv file names the images by their bytes. Formulas and escape sequences are inert."""
    model, output = tmp_path / "m.cellsk", tmp_path / "p.csv"
    assert cellsk("train", hostile, "--output", model, *SMALL).returncode == 0
    assert cellsk("predict", model, hostile, "--output", output).returncode == 0
    content = output.read_bytes()
    assert b"\x1b" not in content
    assert os.fsencode(hostile) in content
    rows = list(csv.DictReader(content.decode("utf-8", "surrogateescape").splitlines()))
    assert {row["predicted"][:2] for row in rows} <= {"'=", "ro"}
    done = cellsk("audit", hostile, "--csv", tmp_path / "a.csv", "--jobs", "1")
    assert done.returncode in (0, 1), done.stderr
    assert b"\x1b" not in (tmp_path / "a.csv").read_bytes()
    assert "\x1b" not in done.stdout + done.stderr
