"""Number of times that each command opens an image file.

Cells are drawn to a temporary folder. Each row runs in its own process and counts the calls of
``PIL.Image.open``. The audit of ``evaluate`` is on, and no page with pictures is written.

    python -m benchmarks.opens --images 90 --folds 5
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks._runs import Case, run_cases
from benchmarks._tables import Columns, make_parser, publish
from cellsk import CellClassifier, ImageReader, evaluate, list_images, make_cells

GROUP_PATTERN = r"(P\d+)"
COLUMNS: Columns = (
    ("what", "name", ""),
    ("images", "n_images", ",d"),
    ("opens", "n_opens", ",d"),
    ("opens per image", "opens_per_image", ".2f"),
)


def list_commands(folds: int) -> dict[str, list[str]]:
    """Return the arguments of each command, without its folder."""
    network = ["--filters", "4", "--epochs", "1", "--image-size", "24x24"]
    network += ["--group-pattern", GROUP_PATTERN]
    return {
        "cellsk evaluate": ["evaluate", "--folds", str(folds), *network],
        "cellsk train": ["train", "--output", "model.cellsk", *network],
        "cellsk search": ["search", "--folds", str(folds), "--filters", "8", *network],
    }


@contextlib.contextmanager
def count_opens() -> Iterator[Callable[[], int]]:
    """Count the calls of ``PIL.Image.open`` in this process while the body runs."""
    from PIL import Image

    real, calls = Image.open, []

    def count(*args: Any, **options: Any) -> Any:
        calls.append(None)
        return real(*args, **options)

    Image.open = count
    try:
        yield lambda: len(calls)
    finally:
        Image.open = real


def run_evaluate(folder: str, folds: int) -> dict[str, int]:
    """Evaluate a pipeline from Python, and return the count."""
    from sklearn.pipeline import Pipeline

    cells = list_images(folder, group_pattern=GROUP_PATTERN)
    classifier = CellClassifier(filters=(4,), epochs=1, random_state=0)
    pipeline = Pipeline([("reader", ImageReader(image_size=(24, 24))), ("classifier", classifier)])
    with count_opens() as count:
        evaluate(
            pipeline,
            cells.paths,
            cells.y,
            groups=cells.groups,
            target_names=cells.target_names,
            n_splits=folds,
            n_resamples=100,
        )
        return {"n_opens": count()}


def run_command(folder: str, arguments: list[str]) -> dict[str, int]:
    """Run one command of ``cellsk`` in a temporary folder, and return the count."""
    from cellsk.cli import main

    command, *options = arguments
    with tempfile.TemporaryDirectory() as work, contextlib.chdir(work), count_opens() as count:
        status = main([command, folder, *options])
        if status:
            raise RuntimeError(f"cellsk {command} must return 0. Got {status}.")
        return {"n_opens": count()}


def make_cases(folder: str, folds: int) -> list[Case]:
    """Return one case for the function and for each command."""
    module = "benchmarks.opens"
    call = {"folder": folder, "folds": folds}
    return [
        Case("evaluate() in Python", f"{module}:run_evaluate", call),
        *(
            Case(name, f"{module}:run_command", {"folder": folder, "arguments": arguments})
            for name, arguments in list_commands(folds).items()
        ),
    ]


def main() -> None:
    """Count the openings of each case, and print one table."""
    parser = make_parser(__doc__, repeats=1)
    parser.add_argument("--images", type=int, default=90)
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    if options.short:
        options.images, options.folds = 30, 2
    with tempfile.TemporaryDirectory() as work:
        folder = str(Path(work) / "cells")
        n_patients = max(6, options.images // 6)
        make_cells(
            options.images,
            n_patients=n_patients,
            image_size=(32, 32),
            folder=folder,
            random_state=0,
        )
        cases = make_cases(folder, options.folds)
        runs = run_cases([cases] * options.repeats, alone=not options.short)
    rows = [_make_row(case.name, runs[case.name], options) for case in cases]
    about = {"folds": options.folds}
    publish("opens", options, COLUMNS, rows, about=about, runs=runs)


def _make_row(name: str, runs: list[dict[str, Any]], options: argparse.Namespace) -> dict[str, Any]:
    n_opens = max(run["n_opens"] for run in runs)
    per_image = n_opens / options.images
    return {
        "name": name,
        "n_images": options.images,
        "n_opens": n_opens,
        "opens_per_image": per_image,
    }


if __name__ == "__main__":
    main()
