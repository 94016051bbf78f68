"""The commands that a user may run next have the options that were given."""

import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from cellsk.cli._main import app
from cellsk.cli._next import print_next, suggest_uses, write_command

PATTERN = r"--group-pattern '(P\d+)'"


def parse(line):
    """Return the context of a command line, which does not run."""
    group = get_command(app)
    words = shlex.split(line)
    root = group.make_context("cellsk", list(words))
    name, command, rest = group.resolve_command(root, words)
    return command.make_context(name, rest, parent=root)


@pytest.mark.parametrize(
    ("line", "following"),
    [
        ("train cells", "evaluate cells"),
        ("train cells --output m.cellsk --json --force", "evaluate cells"),
        (f"train cells {PATTERN} --image-size 96", f"evaluate cells {PATTERN} --image-size 96"),
        (
            "train cells --groups -1 --skip-unreadable",
            "evaluate cells --skip-unreadable --groups=-1",
        ),
        ("train cells --stain reinhard", "evaluate cells --stain reinhard"),
        ("train cells --labels 'my labels.csv'", "evaluate cells --labels 'my labels.csv'"),
        (
            "evaluate cells --filters 8 --no-baselines --folds 3 --html r.html",
            "train cells --filters 8",
        ),
        (
            "evaluate cells --subgroup a --subgroup b --quick",
            "evaluate cells --subgroup a --subgroup b",
        ),
        ("evaluate cells --no-baselines", "evaluate cells --no-baselines"),
        ("audit cells --jobs 1 --no-near-duplicates --groups 0", "evaluate cells --groups 0"),
    ],
)
def test_write_command_keeps_the_options_that_the_other_command_has(line, following):
    """What was not given, outputs, and options that it lacks are left out."""
    name, folder = following.split()[:2]
    assert write_command(parse(line), name, folder, quick=False) == f"cellsk {following}"


def test_write_command_replaces_a_value():
    """The best filters replace the candidates."""
    context = parse("search cells --filters 8 --filters 16 --seed 3 --folds 3")
    written = write_command(context, "train", "cells", filters="16")
    assert written == "cellsk train cells --filters 16 --seed 3"


def test_suggest_uses_of_new_images_names_no_file_of_the_training_images():
    """If the labels are in a csv file, so are those of the new images."""
    context = parse(f"train cells {PATTERN} --labels l.csv --image-column file --epochs 3")
    (test, _), (predict, _) = suggest_uses(context, Path("a b.cellsk"))
    labels = "--labels LABELS_OF_NEW_IMAGES.csv --image-column file"
    assert test == f"cellsk test 'a b.cellsk' FOLDER_OF_NEW_IMAGES {labels} {PATTERN}"
    assert predict == "cellsk predict 'a b.cellsk' FOLDER_OF_NEW_IMAGES"
    (test, _), _ = suggest_uses(parse("train c --groups id --groups-csv g.csv"), Path("m"))
    assert test == "cellsk test m FOLDER_OF_NEW_IMAGES"
    assert suggest_uses(context, None) == []


def test_print_next_aligns_what_the_commands_do(capsys):
    """A shell ignores the remarks."""
    print_next(("cellsk test m f", "score it"), ("cellsk predict", "predict"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Next:\n  cellsk test m f  # score it\n  cellsk predict   # predict\n"


def test_train_ends_with_commands_for_its_model(folder, cellsk, tmp_path):
    """The evaluation has the same options, and test and predict have the name of the model."""
    model = tmp_path / "m.cellsk"
    done = cellsk("train", folder, "--output", model, "--filters", "2", "--epochs", "1")
    commands = [line.split("#")[0].split() for line in done.stderr.splitlines()[-3:]]
    assert commands == [
        ["cellsk", "evaluate", str(folder), "--filters", "2", "--epochs", "1"],
        ["cellsk", "test", str(model), "FOLDER_OF_NEW_IMAGES"],
        ["cellsk", "predict", str(model), "FOLDER_OF_NEW_IMAGES"],
    ]
