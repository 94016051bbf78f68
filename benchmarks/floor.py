"""The operations of one training step, each timed alone, compared with the speed of a fit.

One training step of the seed network has 32 images of 96 x 96 pixels. Every forward and gradient
operation is timed alone, in float32 and in bfloat16, and the Adam update as one fused operation.
An operation is timed together with those that TensorFlow fuses with it (bias and ReLU, the
gradients of kernel and bias). A pool is timed with its gradient, whose fast form needs its own
forward pass. The time of an empty call is subtracted. The sum is compared with the images per
second of epochs after the first, by cellsk and by raw Keras.

    python -m benchmarks.floor --repeats 5 --json floor.json
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from benchmarks._operations import BATCH_SIZE
from benchmarks._runs import Case, run_cases
from benchmarks._tables import Columns, make_parser, publish, summarize
from benchmarks.competitors._cellsk import PRECISIONS

SIDE, CALLS, STEPS, EPOCHS = 96, 120, 60, 4
DTYPES = ("float32", "bfloat16")
SHORT_LEAVES_OUT = ("Keras float32", "cellsk float32")
Runs: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
COLUMNS: Columns = (
    ("", "name", ""),
    ("float32 best", "float32_best_shown", str),
    ("median", "float32_median_shown", str),
    ("bfloat16 best", "bfloat16_best_shown", str),
    ("median", "bfloat16_median_shown", str),
    ("", "unit", ""),
)


def make_cases(arrays: Path, side: int, calls: int) -> list[Case]:
    """Return the operations in both precisions, and the fits to compare with them."""
    task = {
        "train": "",
        "valid": "",
        "arrays": str(arrays),
        "image_size": (side, side),
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "seed": 0,
    }
    fits: dict[str, tuple[str, dict[str, str]]] = {
        "Keras float32": ("_keras:fit_arrays", {}),
        "Keras bfloat16": ("_keras:fit_arrays", {"policy": "mixed_bfloat16"}),
        "cellsk float32": ("_cellsk:fit_arrays", {"precision": "float32"} if PRECISIONS else {}),
    }
    if PRECISIONS:
        fits["cellsk bfloat16"] = ("_cellsk:fit_arrays", {"precision": "bfloat16"})
    measure = "benchmarks._operations:measure_operations"
    operations = [
        Case(dtype, measure, {"dtype": dtype, "side": side, "calls": calls}) for dtype in DTYPES
    ]
    return operations + [
        Case(
            name,
            "benchmarks.fit:measure_fit",
            {"function": function, "arguments": arguments, "task": task},
        )
        for name, (function, arguments) in fits.items()
    ]


def draw_images(file: Path, n_images: int, side: int) -> None:
    """Write random images, because the time of a step does not depend on their content."""
    generator = np.random.default_rng(0)
    X = generator.integers(256, size=(n_images, side, side, 3), dtype=np.uint8)
    y = np.arange(n_images) % 2
    np.savez(file, X=X, y=y, X_valid=X[:BATCH_SIZE], y_valid=y[:BATCH_SIZE])


def make_rows(runs: Runs, n_images: int) -> list[dict[str, Any]]:
    """Return a row for each operation, for their sum, and for the share that fits reach."""
    first = runs[DTYPES[-1]][0]  # bfloat16 has all operations
    names = [name for name, times in first.items() if isinstance(times, list)]
    rows = [{"name": name, "unit": "ms"} for name in names]
    total: dict[str, Any] = {"name": "sum: one step", "unit": "ms"}
    floor: dict[str, Any] = {"name": "floor", "unit": "images/s"}
    for dtype in DTYPES:
        for row in rows:
            times = [ms for run in runs[dtype] for ms in run.get(row["name"], ())]
            row |= summarize(dtype, times)
        for key in (f"{dtype}_best", f"{dtype}_median"):
            if measured := [row[key] for row in rows if key in row]:
                total[key] = sum(measured)
            # Few calls of small operations can all be as fast as an empty call: no floor then.
            if total.get(key):
                floor[key] = BATCH_SIZE / total[key] * 1000
    rows += [total, floor]
    for trained_by in ("cellsk", "Keras"):
        rows += _make_fit_rows(trained_by, runs, n_images, floor)
    return rows


def _make_fit_rows(
    trained_by: str, runs: Runs, n_images: int, floor: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the images per second of epochs after the first, and their share of the floor."""
    speed: dict[str, Any] = {"name": f"{trained_by}, later epochs", "unit": "images/s"}
    for dtype in DTYPES:
        fits = runs.get(f"{trained_by} {dtype}", [])
        epochs = [seconds for fit in fits for seconds in fit["later_epochs_seconds"]]
        speed |= summarize(dtype, [n_images / seconds for seconds in epochs], max)
    keys = [key for key in floor if key in speed and key not in ("name", "unit")]
    share = {key: speed[key] / floor[key] for key in keys}
    return [speed, {"name": f"{trained_by}, share of the floor", "unit": "", **share}]


def add_words(rows: Sequence[dict[str, Any]]) -> None:
    """Format a number by its unit: milliseconds, images per second, or a share."""
    forms = {"ms": ".2f", "images/s": ",.0f", "": ".0%"}
    for row in rows:
        numbers = {key: value for key, value in row.items() if isinstance(value, float)}
        row |= {f"{key}_shown": format(value, forms[row["unit"]]) for key, value in numbers.items()}


def main() -> None:
    """Time the operations and the fits in turns, and print one table."""
    options = make_parser(__doc__, repeats=3).parse_args()
    if options.short:
        options.repeats = 1
    side, calls, steps = (16, 3, 2) if options.short else (SIDE, CALLS, STEPS)
    n_images = BATCH_SIZE * steps
    with tempfile.TemporaryDirectory() as work:
        arrays = Path(work) / "arrays.npz"
        draw_images(arrays, n_images, side)
        cases = make_cases(arrays, side, calls)
        if options.short:  # the fits of benchmarks.fit are the same
            cases = [case for case in cases if case.name not in SHORT_LEAVES_OUT]
        runs = run_cases([cases] * options.repeats, alone=not options.short)
    rows = make_rows(runs, n_images)
    add_words(rows)
    about = {"batch size": BATCH_SIZE, "repeats": options.repeats}
    fits = {name: results for name, results in runs.items() if name not in DTYPES}
    publish("floor", options, COLUMNS, rows, about=about, runs=fits)


if __name__ == "__main__":
    main()
