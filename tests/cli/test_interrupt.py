"""Interruption of a command by Ctrl-C or a request to terminate."""

import json
import signal
import subprocess
import sys
import time

import pytest

import cellsk.datasets as datasets
import cellsk.neural_network._callbacks as callbacks


def start(environment, *arguments, **variables):
    """Start a command in a new process."""
    return subprocess.Popen(
        [sys.executable, "-m", "cellsk", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | variables,
    )


def test_train_interrupted_leaves_nothing(folder, tmp_path, environment):
    """Interrupted in the middle of training: exit code 130, one line, no file, no store."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    endless = ("train", folder, "--epochs", 10000, "--batch-size", 1)
    output = ("--output", tmp_path / "m.cellsk")
    signals = (signal.SIGINT, signal.SIGTERM)
    running = [start(environment, *endless, *output, TMPDIR=str(temporary)) for _ in signals]
    for process, sent in zip(running, signals, strict=True):
        assert "120 images" in process.stderr.readline()
        time.sleep(1.5)
        process.send_signal(sent)
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert errors == "cellsk: interrupted. Nothing was written.\n"
    assert list(temporary.iterdir()) == []
    assert list(tmp_path.iterdir()) == [temporary]


def test_evaluate_interrupted_in_comparison_keeps_what_was_written(folder, tmp_path, environment):
    """Exit code 130; the numbers and the file are complete, and the message names the file."""
    output = tmp_path / "report.json"
    options = ("--filters", 4, "--epochs", 20, "--folds", 2, "--group-pattern", r"(P\d+)")
    process = start(environment, "evaluate", folder, *options, "--leakage", "--json", output)
    while not process.stderr.readline().startswith("Evaluating again"):
        pass
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == f"cellsk: interrupted. These files are complete: {output}.\n"
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
    done = cellsk("train", folder, "--output", output)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "cellsk: interrupted. Nothing was written."
    assert not output.exists()


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
