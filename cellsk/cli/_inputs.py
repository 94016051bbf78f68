"""Images and models among the arguments of a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellsk._checks import name_some
from cellsk.cli._terminal import print_note
from cellsk.exceptions import InputError

__all__ = ["expand_inputs", "load_classifier", "separate_models"]

STANDARD_INPUT = Path("-")
MAX_BYTES = 2**28  # of paths on standard input


def expand_inputs(inputs: Sequence[Path]) -> list[Path]:
    """Return the paths, with those on standard input in the place of ``-``.

    Raises
    ------
    InputError
        When standard input has no path, or too many, or is named twice.
    """
    if inputs.count(STANDARD_INPUT) > 1:
        raise InputError("Standard input can be read once", "- twice", "Leave one out.")
    expanded: list[Path] = []
    for path in inputs:
        expanded += _read_paths() if path == STANDARD_INPUT else [path]
    return expanded


def _read_paths() -> list[Path]:
    """Return the paths on standard input: one per line, or separated by zero bytes."""
    if sys.stdin.isatty():
        print_note("Reading paths from standard input, one per line. End with Ctrl-D.")
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(
            f"Standard input must have at most {MAX_BYTES:,} bytes of paths",
            "more",
            "Pass the folder that holds the images.",
        )
    lines = data.split(b"\0") if b"\0" in data else data.splitlines()
    paths = [Path(os.fsdecode(line)) for line in lines if line.strip()]
    if not paths:
        raise InputError(
            "Standard input must have the paths of images, one per line",
            "none",
            "For example: find FOLDER -name '*.png' | cellsk predict MODEL -",
        )
    return paths


def separate_models(inputs: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the model files among the arguments, by their content, and the others.

    A first argument that does not exist is meant to be a model: loading it raises an error.

    Raises
    ------
    InputError
        When there is no model, more than two, or nothing else.
    """
    from cellsk.persistence import is_model_file

    are_models = [is_model_file(path) for path in inputs]
    if not any(are_models) and inputs[0].exists():
        raise InputError(
            "A test needs a model file that cellsk train or search wrote",
            f"{name_some(inputs)}, and no model file",
            "Name the model file first.",
        )
    are_models[0] |= not any(are_models)
    models = [path for path, is_model in zip(inputs, are_models, strict=True) if is_model]
    others = [path for path, is_model in zip(inputs, are_models, strict=True) if not is_model]
    if len(models) > 2:
        raise InputError("Two models can be compared", f"{len(models)}", "Compare them in pairs.")
    if not others:
        raise InputError(
            "A test needs a model file and images",
            f"{name_some(models)}, and no images",
            "Add the folder of the test set, with one sub-folder per class.",
        )
    return models, others


def load_classifier(path: Path) -> Any:
    """Return the fitted classifier in a model file.

    Raises
    ------
    InputError, NotFittedError, OSError
        When the file holds no fitted classifier, or cannot be loaded.
    """
    from sklearn.utils.validation import check_is_fitted

    from cellsk.neural_network import start_tensorflow
    from cellsk.persistence import load_model

    start_tensorflow()
    pipeline = load_model(path)
    if not hasattr(pipeline, "predict_proba"):
        raise InputError(
            "The model must read image files and predict probabilities",
            f"a file with a {type(pipeline).__name__}, which predicts no probabilities",
            "Make one with cellsk train.",
        )
    check_is_fitted(pipeline)
    return pipeline
