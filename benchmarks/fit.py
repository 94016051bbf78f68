"""Speed and scores of training the seed network, by cellsk and by its alternatives.

All use the same network, images, epochs and batch size. Each fit runs in its own process, and
the competitors run in turns. Images per second are images times epochs, divided by the time of the
whole fit: network, tracing and, from files, decoding. Imports and float32 copies are not timed.

    python -m benchmarks.fit --data FOLDER --epochs 5 --seeds 3 --repeats 2 --json fit.json
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, roc_auc_score

import cellsk
from benchmarks._images import Images, prepare_images
from benchmarks._runs import Case, run_cases
from benchmarks._tables import Columns, make_parser, publish, summarize
from benchmarks.competitors import Task
from benchmarks.competitors._cellsk import PRECISIONS

OURS, FLOAT32 = "cellsk", "cellsk float32"
PROFILED = "cellsk, profiled"
RATES = {"ratio": "images_per_second", "steady_ratio": "steady_images_per_second"}
TORCH = ("torch", "skorch")
# They differ from another row by one argument only, which benchmarks.floor passes as well.
SHORT_LEAVES_OUT = ("arrays: Keras mixed_bfloat16", "files: cellsk float32")
COLUMNS: Columns = (
    ("from", "source", ""),
    ("trained by", "name", ""),
    ("images/s best", "images_per_second_best", ",.0f"),
    ("median", "images_per_second_median", ",.0f"),
    ("steady", "steady_images_per_second_median", ",.0f"),
    ("cellsk is", "cellsk_ratio_median", "{:.2f}x".format),
    ("at best", "cellsk_ratio_best", "{:.2f}x".format),
    ("steady", "cellsk_steady_ratio_median", "{:.2f}x".format),
    ("in float32", "cellsk_float32_ratio_median", "{:.2f}x".format),
    ("at best", "cellsk_float32_ratio_best", "{:.2f}x".format),
    ("steady", "cellsk_float32_steady_ratio_median", "{:.2f}x".format),
    ("fit s", "seconds_median", ".1f"),
    ("accuracy", "accuracy_mean", ".3f"),
    ("±", "accuracy_spread", ".3f"),
    ("ROC AUC", "auc_mean", ".3f"),
    ("±", "auc_spread", ".3f"),
    ("peak MB", "peak_rss_mb", ",.0f"),
    ("", "note", ""),
)


def list_competitors() -> list[tuple[str, str, str, dict[str, Any], tuple[str, ...]]]:
    """Return source, name, function, arguments and packages of each competitor."""
    float32 = [
        (source, FLOAT32, f"_cellsk:fit_{source}", {"precision": "float32"}, ())
        for source in ("arrays", "files")
        if PRECISIONS
    ]
    return [
        ("arrays", OURS, "_cellsk:fit_arrays", {}, ()),
        *float32[:1],
        ("arrays", "Keras", "_keras:fit_arrays", {}, ()),
        ("arrays", "Keras mixed_bfloat16", "_keras:fit_arrays", {"policy": "mixed_bfloat16"}, ()),
        ("arrays", "skorch", "_skorch:fit_arrays", {}, TORCH),
        ("arrays", "skorch bfloat16", "_skorch:fit_arrays", {"bfloat16": True}, TORCH),
        ("files", OURS, "_cellsk:fit_files", {}, ()),
        *float32[1:],
        ("files", "Keras, image_dataset_from_directory", "_keras:fit_files", {}, ()),
        ("files", "Keras, ImageDataGenerator", "_keras:fit_generator", {}, ()),
        ("files", "scikeras, Pillow", "_scikeras:fit_files", {}, ()),
    ]


def measure_fit(
    function: str, arguments: dict[str, Any], task: dict[str, Any], profile: bool = False
) -> dict[str, Any]:
    """Train once, and return times, scores, and the share of cellsk's own code."""
    module, name = function.split(":")
    make = getattr(import_module(f"benchmarks.competitors.{module}"), name)
    task = {**task, "image_size": tuple(task["image_size"])}
    start = time.perf_counter()
    trial = make(Task(**task), **arguments)
    begun = time.perf_counter()
    profiler = cProfile.Profile() if profile else None
    model = trial.fit() if profiler is None else profiler.runcall(trial.fit)
    seconds = time.perf_counter() - begun
    y, proba = trial.predict(model)
    return {
        "seed": task["seed"],
        "prepare_seconds": begun - start,
        "seconds": seconds,
        "later_epochs_seconds": np.diff(trial.epoch_ends).tolist(),
        "accuracy": float(accuracy_score(y, proba > 0.5)),
        "auc": float(roc_auc_score(y, proba)),
        "peak_rss_mb": _read_peak_rss(),
        "own_share": None if profiler is None else _measure_own_share(profiler, seconds),
    }


def _read_peak_rss() -> float:
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _measure_own_share(profiler: cProfile.Profile, seconds: float) -> float:
    """Return the share of the time in frames of cellsk's own files."""
    package = str(Path(cellsk.__file__).parent)
    stats: Any = pstats.Stats(profiler)
    own = sum(entry[2] for (file, *_), entry in stats.stats.items() if file.startswith(package))
    return own / seconds


def make_cases(images: Images, options: argparse.Namespace, seed: int) -> list[Case]:
    """Return one case for each selected competitor, and the profiled one."""
    task = {
        "train": images.train,
        "valid": images.valid,
        "arrays": images.arrays,
        "image_size": images.image_size,
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "seed": seed,
    }
    cases = []
    for source, name, function, arguments, needs in list_competitors():
        title = f"{source}: {name}"
        if options.short and title in SHORT_LEAVES_OUT:
            continue
        if not options.only or any(part in title for part in options.only):
            call = {"function": function, "arguments": arguments, "task": task}
            cases.append(Case(title, "benchmarks.fit:measure_fit", call, needs))
    call = {"function": "_cellsk:fit_arrays", "arguments": {}, "task": task, "profile": True}
    return [*cases, Case(PROFILED, "benchmarks.fit:measure_fit", call)]


def make_row(
    case: Case, runs: Sequence[dict[str, Any]], images: int, epochs: int
) -> dict[str, Any]:
    """Return best, median, mean and standard deviation of a competitor's runs."""
    source, name = case.name.split(": ") if ": " in case.name else ("arrays", case.name)
    row: dict[str, Any] = {"source": source, "name": name}
    if case.missing:
        return {**row, "note": f"not installed: {case.missing}"}
    rates = [images * epochs / run["seconds"] for run in runs]
    steady = [images / np.mean(run["later_epochs_seconds"]) for run in runs if epochs > 1]
    row |= summarize("images_per_second", rates, max)
    row |= summarize("steady_images_per_second", steady, max)
    row |= summarize("seconds", [run["seconds"] for run in runs])
    for score in ("accuracy", "auc"):
        # Average the repeats of a seed first, to get the standard deviation over seeds.
        seeds = sorted({run["seed"] for run in runs})
        means = [np.mean([run[score] for run in runs if run["seed"] == seed]) for seed in seeds]
        row |= {f"{score}_mean": float(np.mean(means)), f"{score}_spread": float(np.std(means))}
    row["peak_rss_mb"] = max(run["peak_rss_mb"] for run in runs)
    return row


def add_ratios(rows: Sequence[dict[str, Any]]) -> None:
    """Add to each row the speed of cellsk divided by the speed of the row."""
    measured = {(row["source"], row["name"]): row for row in rows if "seconds_best" in row}
    for (source, _), row in measured.items():
        for ours in (OURS, FLOAT32):
            rival = measured.get((source, ours), {})
            for what, rate in RATES.items():
                for which in ("best", "median"):
                    key = f"{rate}_{which}"
                    if key in rival:
                        name = f"{ours.replace(' ', '_')}_{what}_{which}"
                        row[name] = rival[key] / row[key]


def make_rows(
    cases: Sequence[Case], runs: dict[str, list[dict[str, Any]]], images: int, epochs: int
) -> list[dict[str, Any]]:
    """Return a row for each competitor, and one for the time in cellsk's own Python."""
    rows = [
        make_row(case, runs[case.name], images, epochs) for case in cases if case.name != PROFILED
    ]
    add_ratios(rows)
    own = statistics.median(run["own_share"] for run in runs[PROFILED])
    note = f"{own:.2%} of a fit"
    return [
        *rows,
        {"source": "arrays", "name": "cellsk's own Python", "own_share": own, "note": note},
    ]


def read_options() -> argparse.Namespace:
    """Return the options, after applying the short mode."""
    parser = make_parser(__doc__, repeats=2)
    parser.add_argument(
        "--data", type=Path, help="folder with train/ and valid/; default: drawn cells"
    )
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument(
        "--seeds", type=int, default=3, help="number of seeds, each used once in a repeat"
    )
    parser.add_argument(
        "--only", nargs="*", help="rows that contain one of these words, such as 'arrays:'"
    )
    options = parser.parse_args()
    if options.short:
        options.epochs, options.seeds, options.repeats = 2, 1, 1
    return options


def main() -> None:
    """Train with each competitor in turns, and print one table."""
    options = read_options()
    with tempfile.TemporaryDirectory() as work:
        images = prepare_images(options, Path(work))
        seeds = list(range(options.seeds)) * options.repeats
        rounds = [make_cases(images, options, seed) for seed in seeds]
        runs = run_cases(rounds, alone=not options.short)
    rows = make_rows(rounds[0], runs, images.n_train, options.epochs)
    about = {
        "images": f"{images.n_train} of {images.source}",
        "validated on": images.n_valid,
        "size": "x".join(map(str, images.image_size)),
        "epochs": options.epochs,
        "batch size": options.batch_size,
        "seeds": options.seeds,
        "repeats": options.repeats,
    }
    publish("fit", options, COLUMNS, rows, about=about, runs=runs)


if __name__ == "__main__":
    main()
