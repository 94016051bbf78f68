"""A way to run commands in this process, and folders of drawn cells that all tests share."""

import csv
import os
import re
import signal
import subprocess
import sys
import warnings
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from cellsk import make_cells
from cellsk.cli import main

# Users have the default warning filters and messages of TensorFlow, not those of the tests.
OURS = ("PYTHONWARNINGS", "TF_CPP_MIN_LOG_LEVEL")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in OURS}
# A keyword argument, and functions and attributes of Python.
PYTHON = re.compile(
    r"(?<![-\w])[a-z_]+=|\b(_images|choose_cv|evaluate|SearchReport)\(|\bImageReader\b|\bX_val\b"
    r"|\bnp\.|\.clean\(|\battribute\b|\b(n_splits|pos_label|group_pattern|image_size|y_val)\b"
)


class Done(NamedTuple):
    """The exit code and the output of a command."""

    returncode: int
    stdout: str
    stderr: str


def run_here(*arguments, cwd="."):
    """Run a command in this process. None of its messages may name Python."""
    out, err = StringIO(), StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with warnings.catch_warnings(), chdir(cwd), redirect_stdout(out), redirect_stderr(err):
            code = main([str(argument) for argument in arguments])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert PYTHON.findall(err.getvalue()) == [], err.getvalue()
    return Done(code, out.getvalue(), err.getvalue())


def run_process(*arguments):
    """Run a command in a new process, as a user does."""
    command = [sys.executable, "-m", "cellsk", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=240)


@pytest.fixture(autouse=True)
def handle_ctrl_c():
    """Handle Ctrl-C, which is ignored if the tests run in the background."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.fixture(scope="session")
def cellsk():
    """Run a command in this process."""
    return run_here


@pytest.fixture(scope="session")
def cellsk_process():
    """Run a command in a new process."""
    return run_process


@pytest.fixture(scope="session")
def environment():
    """The environment of a new process."""
    return ENVIRONMENT


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of 120 small drawn cells from 12 patients, beside a csv of patients and scanners."""
    path = tmp_path_factory.mktemp("drawn") / "cells"
    drawn = make_cells(
        120, folder=path, n_patients=12, image_size=(16, 16), difficulty=0, random_state=0
    )
    with open(path.parent / "slides.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "patient", "scanner"])
        for name, patient in zip(drawn.paths, drawn.groups, strict=True):
            scanner = "old" if int(patient[1:]) % 2 else "new"
            writer.writerow([Path(name).name, patient, scanner])
    return path


@pytest.fixture(scope="session")
def trained(folder, cellsk):
    """A model file that cellsk train wrote."""
    model = folder.parent / "model.cellsk"
    done = cellsk("train", folder, "--output", model, *PATIENT, *SMALL)
    assert done.returncode == 0, done.stderr
    return model


SMALL = ("--filters", "4", "--epochs", "2")
PATIENT = ("--group-pattern", r"(P\d+)")
