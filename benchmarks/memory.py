"""Peak memory of fit, predict and evaluate from paths, by the number of images.

The images are patches of 96 x 96 pixels as jpg files, mixed from those of a folder or from drawn
cells, all different. Fit is one epoch; predict is ``predict_proba`` of all paths, and the csv of
``cellsk predict``. Both run with ``ImageReader()``, and with a new store of decoded pixels.
Evaluate has two folds of one epoch and the audit, and makes its own store. The peak is the sum of
all processes, with and without pages of files, which the system can take back.

    python -m benchmarks.memory --data FOLDER --counts 5000 50000 --json memory.json
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._runs import Case, run_cases
from benchmarks._tables import Columns, make_parser, publish, summarize
from benchmarks.audit import read_patches, write_patches
from cellsk import CellClassifier, ImageReader, evaluate, load_model, make_cells, save_model

STORES = "store" in ImageReader().get_params()
COLUMNS: Columns = (
    ("what", "what", ""),
    ("reader", "reader", ""),
    ("images", "n_images", ",d"),
    ("peak MB", "peak_pss_mb", ",.0f"),
    ("of the fewest", "pss_growth", "{:.2f}x".format),
    ("without files", "peak_anonymous_mb", ",.0f"),
    ("of the fewest", "anonymous_growth", "{:.2f}x".format),
    ("seconds", "seconds_median", ".1f"),
)


def list_files(folder: str, count: int) -> tuple[list[str], np.ndarray]:
    """Return the first paths with alternating labels, because the classes do not matter here."""
    return [str(path) for path in sorted(Path(folder).glob("*.jpg"))[:count]], np.arange(count) % 2


def make_pipeline(store: str | None) -> Any:
    """Return a pipeline of a reader and a classifier of one epoch."""
    from sklearn.pipeline import Pipeline

    kept = {} if store is None else {"store": store}
    classifier = CellClassifier(epochs=1, early_stopping=False, random_state=0)
    return Pipeline([("reader", ImageReader(**kept)), ("classifier", classifier)])


def make_model(folder: str, count: int, model: str) -> dict[str, Any]:
    """Save a model fitted on a few images, for the cases that only predict."""
    save_model(make_pipeline(None).fit(*list_files(folder, count)), model)
    return {}


def measure_pipeline(
    what: str, folder: str, count: int, model: str, stored: bool
) -> dict[str, float]:
    """Fit, predict or evaluate once; return the seconds."""
    from cellsk.cli._predict import write_predictions

    paths, y = list_files(folder, count)
    with tempfile.TemporaryDirectory() as work:
        store = str(Path(work) / "store") if stored else None
        start = time.perf_counter()
        if what == "fit":
            make_pipeline(store).fit(paths, y)
        elif what == "evaluate":
            groups = np.arange(count) // 2 % 40
            evaluate(make_pipeline(store), paths, y, groups=groups, n_splits=2, n_resamples=100)
        else:
            pipeline = load_model(model)
            if store is not None:
                pipeline["reader"].set_params(store=store)
            if what == "predict to csv":
                write_predictions(pipeline, paths, Path(work) / "probabilities.csv", names=paths)
            else:
                pipeline.predict_proba(paths)
        return {"seconds": time.perf_counter() - start}


def make_cases(options: argparse.Namespace, folder: Path, model: Path) -> list[Case]:
    """Return a case for each task, reader and number of images."""
    cases = []
    for what in ("fit", "predict", "predict to csv", "evaluate"):
        for stored in (False, True) if STORES and what != "evaluate" else (False,):
            for count in options.counts:
                call = {
                    "what": what,
                    "folder": str(folder),
                    "count": count,
                    "model": str(model),
                    "stored": stored,
                }
                reader = "store" if stored else "plain"
                name = f"{what}, {reader}, {count}"
                cases.append(Case(name, "benchmarks.memory:measure_pipeline", call))
    return cases


def make_row(case: Case, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the largest peak of the runs."""
    what, reader, count = case.name.split(", ")
    row: dict[str, Any] = {"what": what, "reader": reader, "n_images": int(count)}
    for key in ("peak_pss_mb", "peak_anonymous_mb"):
        peaks = [run[key] for run in runs if run[key] is not None]
        row[key] = max(peaks) if peaks else None
    return row | summarize("seconds", [run["seconds"] for run in runs])


def add_growth(rows: Sequence[dict[str, Any]]) -> None:
    """Add to each row its peak divided by that of the fewest images."""
    for row in rows:
        same = [one for one in rows if (one["what"], one["reader"]) == (row["what"], row["reader"])]
        fewest = min(same, key=lambda one: one["n_images"])
        for growth, key in (
            ("pss_growth", "peak_pss_mb"),
            ("anonymous_growth", "peak_anonymous_mb"),
        ):
            row[growth] = row[key] / fewest[key] if fewest[key] else None


def main() -> None:
    """Fit, predict and evaluate increasing numbers of images, and print one table."""
    parser = make_parser(__doc__, repeats=1)
    parser.add_argument("--data", type=Path, help="folder of images to mix; default: drawn cells")
    parser.add_argument("--counts", type=int, nargs="*", default=[5000, 50000])
    options = parser.parse_args()
    if options.short:
        options.repeats, options.data, options.counts = 1, None, [20, 60]
    with tempfile.TemporaryDirectory() as work:
        folder, model = Path(work) / "patches", Path(work) / "model.cellsk"
        folder.mkdir()
        if options.short:
            patches = make_cells(60, image_size=(32, 32), random_state=0).images
        else:
            patches = read_patches(options.data)
        write_patches(patches, max(options.counts), folder)
        alone = not options.short
        setup = {"folder": str(folder), "count": min(options.counts), "model": str(model)}
        run_cases([[Case("the model", "benchmarks.memory:make_model", setup)]], alone=alone)
        cases = make_cases(options, folder, model)
        runs = run_cases([cases] * options.repeats, alone=alone, memory=True)
    rows = [make_row(case, runs[case.name]) for case in cases]
    add_growth(rows)
    source = options.data.resolve().name if options.data else "drawn cells"
    about = {"images": f"mixed from {source}", "repeats": options.repeats}
    publish("memory", options, COLUMNS, rows, about=about, runs=runs)


if __name__ == "__main__":
    main()
