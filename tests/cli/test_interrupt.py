"""Interruption of a command by Ctrl-C or a request to terminate."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import cellsk.datasets as datasets
import cellsk.neural_network._callbacks as callbacks
from cellsk.cli._interrupt import stop_if_interrupted

# A command that writes a file at the end of each epoch.
TRAIN = """
import os, signal, sys, tempfile
from pathlib import Path
from keras.callbacks import History
from cellsk.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)
end_epoch = History.on_epoch_end

def mark(*arguments, **options):
    end_epoch(*arguments, **options)
    Path({mark!r}).touch()

History.on_epoch_end = mark
tempfile.tempdir = {temporary!r}
with open({errors!r}, "w") as sys.stderr:
    code = main({arguments!r})
os._exit(code)
"""


def start(environment, *arguments, **variables):
    """Start a command in a new process."""
    return subprocess.Popen(
        [sys.executable, "-m", "cellsk", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | variables,
    )


def wait_for(file):
    """Wait until a file is there, or for a minute."""
    end = time.monotonic() + 60
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert file.exists()


@pytest.fixture
def temporary(tmp_path):
    """An empty folder for temporary files."""
    path = tmp_path / "temporary"
    path.mkdir()
    return path


def test_train_interrupted_leaves_nothing(folder, tmp_path, temporary, processes):
    """Interrupted in the middle of training: exit code 130, one line, no file, no store."""
    mark, errors = tmp_path / "mark", tmp_path / "errors"
    endless = ["train", str(folder), "--epochs", "10000", "--output", str(tmp_path / "m.cellsk")]
    files = {"mark": str(mark), "errors": str(errors), "temporary": str(temporary)}
    code = TRAIN.format(arguments=[*endless, "--filters", "4"], **files)
    process = processes.Process(target=exec, args=(code, {"__name__": "__main__"}))
    process.start()
    wait_for(mark)
    assert list(temporary.iterdir()) != []
    os.kill(process.pid, signal.SIGINT)
    process.join(timeout=60)
    process.kill()
    assert process.exitcode == 130
    noted, error = errors.read_text().splitlines()
    assert noted.startswith("120 images")
    assert error == "cellsk: interrupted. Nothing was written."
    assert list(temporary.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"mark", "errors", "temporary"}


def test_train_terminated_while_tensorflow_starts_leaves_nothing(
    folder, tmp_path, temporary, environment
):
    """A request to terminate during the imports: exit code 130, one line, no file, no store."""
    output = ("--output", tmp_path / "m.cellsk")
    process = start(environment, "train", folder, *output, TMPDIR=str(temporary))
    assert "120 images" in process.stderr.readline()
    time.sleep(0.5)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "cellsk: interrupted. Nothing was written.\n"
    assert list(temporary.iterdir()) == []
    assert list(tmp_path.iterdir()) == [temporary]


def read_until(stream, begin):
    """Return the lines up to the first one that begins so."""
    lines = [stream.readline()]
    while lines[-1] and not lines[-1].startswith(begin):
        lines.append(stream.readline())
    return lines


def test_evaluate_interrupted_in_comparison_keeps_what_was_written(folder, tmp_path, environment):
    """Exit code 130; the numbers and the file are complete, and the message names the file.

    TensorFlow is silent.
    """
    output = tmp_path / "report.json"
    options = ("--filters", 4, "--epochs", 10, "--folds", 2, "--group-pattern", r"(P\d+)")
    process = start(
        environment, "evaluate", folder, *options, "--no-baselines", "--leakage", "--json", output
    )
    lines = [line for line in read_until(process.stderr, "Evaluating") if "warning" not in line]
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == f"cellsk: interrupted. These files are complete: {output}.\n"
    assert [line.split()[:2] for line in lines] == [
        ["120", "images:"],
        ["Positive", "class:"],
        ["Written:", f"{output}."],
        ["Evaluating", "again"],
    ]
    assert "interval, bootstrap over patients" in printed
    assert json.loads(output.read_text("utf-8"))["leakage"] is None


def test_interruption_that_was_dropped_stops_at_the_next_epoch(
    folder, tmp_path, cellsk, monkeypatch
):
    """TensorFlow drops an error that passes through its C code. Training must stop all the same."""
    begin = callbacks.FitTask.begin

    def drop(task):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        begin(task)

    monkeypatch.setattr(callbacks.FitTask, "begin", drop)
    output = tmp_path / "m.cellsk"
    done = cellsk("train", folder, "--filters", 4, "--output", output)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "cellsk: interrupted. Nothing was written."
    assert not output.exists()
    stop_if_interrupted()  # the next fit of this process is not interrupted


def test_interruption_that_became_another_error_is_an_interruption(folder, cellsk, monkeypatch):
    """C code may turn Ctrl-C into a ValueError. It is an interruption, not bad input."""

    def list_images(*_, **__):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("cannot convert") from None

    monkeypatch.setattr(datasets, "list_images", list_images)
    done = cellsk("train", folder)
    assert done.returncode == 130
    assert done.stderr == "cellsk: interrupted. Nothing was written.\n"
