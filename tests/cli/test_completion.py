"""Completion in a shell: commands, options, choices and paths, without a heavy import."""

import os
import shutil
import subprocess
import sys

import pytest

from cellsk.cli import main


@pytest.fixture
def complete(monkeypatch, capsys):
    """Complete the last of some words as bash asks for it."""

    def run(*words):
        monkeypatch.setenv("_CELLSK_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["cellsk", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        with pytest.raises(SystemExit, match="0"):
            main([])
        return capsys.readouterr().out.split()

    return run


def test_completion_of_commands_and_options(complete):
    """Words of every kind are completed, in front of and behind arguments."""
    assert complete("e") == ["evaluate", "explain"]
    assert complete("t") == ["train", "test"]
    assert complete("evaluate", "--agg") == ["--aggregation"]
    assert complete("audit", "cells", "--json", "--no-") == ["--no-near-duplicates"]
    assert complete("audit", "--json", "nowhere", "--cs") == ["--csv"]
    assert complete("--show") == ["--show-completion"]


def test_completion_of_choices(complete):
    """Options with choices list them."""
    assert complete("evaluate", "--calibrate", "") == ["sigmoid", "isotonic", "temperature"]
    assert complete("evaluate", "cells", "--epochs", "0", "--aggregation", "m") == ["mean", "max"]
    assert complete("test", "m.cellsk", "cells", "--aggregation", "v") == ["vote"]
    assert complete("search", "--scoring", "f") == ["f1_macro"]


@pytest.mark.parametrize("words", [("train", ""), ("train", "x", "--labels", "")])
def test_completion_leaves_paths_to_the_shell(complete, words):
    """Without an answer the shell completes names of files."""
    assert complete(*words) == []


def test_completion_in_bash(tmp_path):
    """The script works in a real bash, and the process that answers imports nothing heavy."""
    bash = shutil.which("bash") or pytest.skip("no bash")
    command = tmp_path / "cellsk"
    code = (
        "import atexit, sys; from cellsk.cli import main; "
        "heavy = {'tensorflow', 'keras', 'sklearn', 'numpy', 'rich', 'pandas'}; "
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules)), file=sys.stderr)); main()"
    )
    command.write_text(f'#!{bash}\nexec {sys.executable} -c "{code}" "$@"\n')
    command.chmod(0o755)
    script = """
    eval "$(cellsk --show-completion)" && complete -p cellsk
    COMP_WORDS=(cellsk evaluate --calibrate iso); COMP_CWORD=3
    _cellsk_completion cellsk; echo "${COMPREPLY[@]}"
    """
    places = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        [bash, "--norc", "-c", script], capture_output=True, text=True, env=os.environ | places
    )
    assert done.stdout.splitlines() == [
        "complete -o default -F _cellsk_completion cellsk",
        "isotonic",
    ]
    assert done.stderr == "[]\n[]\n"
