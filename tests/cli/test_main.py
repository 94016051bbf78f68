"""What all commands share: exit codes, error messages, help, and no TensorFlow for help."""

import shutil
import subprocess
import sys

import pytest
from typer.main import get_command

from cellsk.cli._main import app

SMALL = ("--filters", "4", "--epochs", "2")
COMMANDS = ("demo", "audit", "evaluate", "search", "train", "test", "predict", "explain")


@pytest.fixture(scope="module")
def bad_folders(folder, tmp_path_factory):
    """Folders, each with another problem."""
    root = tmp_path_factory.mktemp("bad")
    shutil.copytree(folder, root / "cells")
    first = sorted(folder.rglob("*.png"))[0]
    for name in ("flat", "one/benign", "broken/benign", "broken/malignant"):
        (root / name).mkdir(parents=True)
        for copy in ("a.png", "b.png"):
            shutil.copy(first, root / name / copy)
    (root / "broken" / "benign" / "c.png").write_bytes(first.read_bytes()[:100])
    (root / "cells.csv").write_text("path\n")
    return root


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "nowhere"], "Got 'nowhere'"),
        (["train", "flat"], "must contain one sub-folder per class"),
        (["train", "one"], "at least two classes"),
        (
            ["train", "cells", "--filters", "3,x"],
            "--filters must be whole numbers from 1 to 10,000",
        ),
        (["train", "cells", "--image-size", "big"], "--image-size must be pixels"),
        (["train", "cells", "--image-size", "4"], "at least 10 x 10 pixels"),
        (["train", "cells", "--epochs", "0"], "--epochs"),
        (["train", "cells", "--filters", "8,0"], "--filters must be whole numbers"),
        (["search", "cells", "--filters", "4", "--filters", "4,4,4,4"], "at least 46 x 46 pixels"),
        (["evaluate", "cells", "--groups", "0", "--folds", "2"], "0, which is the level of the"),
        (
            ["evaluate", "cells", "--group-pattern", "(benign|malignant)", "--folds", "2"],
            "1 patient for 2 folds",
        ),
        (["train", "cells", "--output", "no/where.cellsk"], "folder of an output file must exist"),
        (["train", "cells", "--group-pattern", "Q"], "Q"),
        (["train", "cells", "--store", "cells.csv"], "--store must be a folder. Got the file"),
        (["search", "cells", "--folds", "1"], "--folds"),
        (["predict", "cells.csv", "cells"], "cells.csv"),
        (["predict", "nowhere.cellsk", "cells"], "nowhere.cellsk"),
        (["train", "broken"], "1 of 5 images cannot be decoded. First: 'broken/benign/c.png'"),
        (["train"], "Missing argument"),
        (["train", "cells", "--epochs", "many"], "--epochs must be a whole number from 1"),
        (["trian"], "No such command"),
    ],
)
def test_bad_input_exits_2_with_a_sentence(bad_folders, cellsk, arguments, sentence):
    """Exit code 2, one plain sentence on stderr, nothing written."""
    before = sorted(bad_folders.rglob("*"))
    done = cellsk(*arguments, cwd=bad_folders)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "np." not in done.stderr
    assert done.stdout == ""
    assert sorted(bad_folders.rglob("*")) == before


def test_bad_input_in_a_process_prints_one_line(bad_folders, cellsk_process):
    """The same in a new process: no traceback."""
    done = cellsk_process("train", bad_folders / "cells", "--filters", "3,x")
    assert done.returncode == 2
    assert done.stdout == ""
    (error,) = done.stderr.splitlines()
    assert error.startswith("cellsk: ")


def test_network_that_does_not_fit_exits_2_with_a_sentence(folder, tmp_path, cellsk, monkeypatch):
    """The remedy names options. TensorFlow would wait ten seconds before it raises this error."""
    import tensorflow as tf

    def exhaust(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr("keras.initializers.GlorotUniform.__call__", exhaust)
    done = cellsk("train", folder, "--output", tmp_path / "m.cellsk")
    assert done.returncode == 2
    assert "cellsk: The network and its batches must fit into memory." in done.stderr
    assert "smaller numbers to --filters" in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_skip_unreadable_leaves_out_and_warns(bad_folders, tmp_path, cellsk):
    """With --skip-unreadable the other files are used, and the warning names what is left out."""
    output = tmp_path / "m.cellsk"
    done = cellsk("train", bad_folders / "broken", "--skip-unreadable", "--output", output, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "warning: " in done.stderr
    assert "c.png" in done.stderr


def test_help_and_version_answer_without_tensorflow(cellsk):
    """Help lists the commands, and loads nothing heavy."""
    done = cellsk("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
    assert "..." not in done.stdout.split("Commands:")[1]  # no sentence is cut off
    assert "Show the version and exit." in done.stdout
    assert cellsk("--version").stdout.startswith("cellsk 0.")
    code = (
        "import sys; from cellsk.cli import main; main(['--help']);"
        "heavy = {'tensorflow', 'sklearn', 'numpy', 'rich'}; print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_help_describes_every_command_and_option():
    """No command and no option is without a sentence."""
    commands = get_command(app).commands
    assert tuple(commands) == COMMANDS
    for command in commands.values():
        assert command.help
        assert [option.name for option in command.params if not option.help] == []


def test_option_of_several_commands_has_one_wording():
    """An option with the same name has the same sentence in each command, with few exceptions."""
    wordings = {}
    for command in get_command(app).commands.values():
        for option in command.params:
            wordings.setdefault(option.opts[0], set()).add(option.help)
    several = {name for name, texts in wordings.items() if len(texts) > 1}
    assert several <= {"folder", "--augmentation", "--filters", "--output"}
