"""``--json`` is the same in all commands: alone it prints, and with a name it writes a file."""

import json

import pytest

from cellsk.cli._command import _complete_json

SMALL = ("--filters", "4", "--epochs", "1")
PATIENT = ("--group-pattern", r"(P\d+)")
FEW = ("--limit", "2")
QUICK = ("--folds", "2", *SMALL, *PATIENT)


@pytest.mark.parametrize(
    ("command", "schema", "keys"),
    [
        (("audit", "FOLDER", "--no-near-duplicates"), "audit", {"n_images", "findings"}),
        (("train", "FOLDER", "--output", "FILE", *SMALL), "train", {"classes", "hold_out"}),
        (("search", "FOLDER", *QUICK), "search-summary", {"candidates", "nested"}),
        (("evaluate", "FOLDER", "--quick", *QUICK), "folds", {"folds", "mean"}),
        (("test", "MODEL", "FOLDER", *PATIENT), "evaluation", {"data"}),
        (("predict", "MODEL", "FOLDER", "--output", "FILE"), "predict", {"n_predicted_as"}),
        (("explain", "MODEL", "FOLDER", "--output", "FILE", *FEW), "explain", {"strongest"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_json_alone_prints_nothing_else(command, schema, keys, trained, folder, tmp_path, cellsk):
    """The document is on stdout, in front of an argument too, and the text is on stderr."""
    names = {"FOLDER": folder, "MODEL": trained, "FILE": tmp_path / "file"}
    name, *rest = (names.get(word, word) for word in command)
    done = cellsk(name, "--json", *rest)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert next(iter(document)) == "schema"
    assert document["schema"].rsplit("-", 1)[0] == f"cellsk-{schema}"
    assert keys <= set(document)
    assert "Written: standard output." in done.stderr


def test_json_with_a_name_writes_what_it_prints(folder, tmp_path, cellsk):
    """The file has the document, stdout has the text, and the next run overwrites the file."""
    output = tmp_path / "a.JSON"
    printed = cellsk("audit", folder, "--json", "-", "--jobs", "1")
    for _ in range(2):
        done = cellsk("audit", "--json", output, folder, "--jobs", "1")
        assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Audit of 120 images")
    written, expected = json.loads(output.read_text()), json.loads(printed.stdout)
    assert written | {"seconds": 0} == expected | {"seconds": 0}


def test_predict_json_counts_images(trained, folder, tmp_path, cellsk):
    """The summary has files, counts, threshold and what was left out."""
    (tmp_path / "cells").mkdir()
    for path in sorted(folder.rglob("*.png"))[::40]:
        (tmp_path / "cells" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "cells" / "z.png").write_bytes(b"no image")
    done = cellsk(
        *("predict", trained, tmp_path / "cells", "--skip-unreadable"),
        *("--output", tmp_path / "p.csv", "--json"),
    )
    document = json.loads(done.stdout)
    assert document["n_images"] == sum(document["n_predicted_as"].values()) == 3
    assert set(document["n_predicted_as"]) == {"benign", "malignant"}
    assert document["threshold"] is None
    assert document["output"] == str(tmp_path / "p.csv")
    (left_out,) = document["left_out"]
    assert left_out["file"].endswith("z.png")
    assert left_out["reason"]


def test_evaluate_json_with_leakage_prints_one_document(folder, cellsk):
    """A stream cannot be overwritten, so it gets the results with the comparison only."""
    done = cellsk("evaluate", folder, *QUICK, "--no-baselines", "--leakage", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["leakage"] is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", "nowhere", "--json", "--csv", "-"),
        ("audit", "nowhere", "--json", "/dev/fd/1", "--csv", "-"),
        ("train", "nowhere", "--json", "--output", "-"),
        ("search", "nowhere", "--html", "-", "--json", "-"),
        ("search", "nowhere", "--json", "--output=/dev/stdout"),
        ("evaluate", "nowhere", "--json", "--save-folds", "-"),
        ("test", "m.cellsk", "nowhere", "--json", "--markdown", "-"),
        ("predict", "m.cellsk", "nowhere", "--output", "-", "--json"),
    ],
)
def test_two_outputs_to_stdout_are_refused_before_the_work(arguments, cellsk):
    """The error comes before the folder is read."""
    done = cellsk(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Each output must have its own place." in done.stderr


TAKING = {"--json", "--csv"}


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("cells --json", "cells --json -"),
        ("--json cells", "--json - cells"),
        ("--json - cells", "--json - cells"),
        ("--json r.json cells", "--json r.json cells"),
        ("--json R.JSON", "--json R.JSON"),
        ("--json set.json", "--json - set.json"),  # a folder
        ("--json --csv a", "--json - --csv a"),
        ("--json /dev/fd/3", "--json /dev/fd/3"),
        ("--json=r.txt cells", "--json=r.txt cells"),
        ("--csv --json cells", "--csv --json cells"),
        ("cells -- --json x", "cells -- --json x"),
        ("--json --json cells", "--json - --json - cells"),
    ],
)
def test_word_after_json_is_a_file_or_an_argument(words, completed, tmp_path, monkeypatch):
    """Only a name that ends in .json, -, and a device are files of --json."""
    monkeypatch.chdir(tmp_path)
    for name in ("cells", "set.json"):
        (tmp_path / name).mkdir()
    assert _complete_json(words.split(), TAKING, strict=True) == completed.split()


@pytest.mark.parametrize("word", ["results", "results.txt", "", "no/where"])
def test_word_after_json_that_is_neither_is_refused(word, folder, cellsk, tmp_path):
    """It may be a file without the ending, or a wrong path: the error names both."""
    for arguments in ((folder, "--json", word), ("--json", word, folder)):
        done = cellsk("audit", *arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert "must be followed by a file that ends in .json, by an argument" in done.stderr
        assert f"Got '{word}'. Pass --json results.json" in done.stderr


def test_explicit_file_of_json_needs_its_ending(folder, cellsk):
    """With = the word is always the file."""
    done = cellsk("audit", folder, "--json=results.txt")
    assert done.returncode == 2
    assert "This file must end in .json. Got 'results.txt'." in done.stderr
