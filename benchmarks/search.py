"""How long does a grid search from paths take, and how much memory, with all its processes?

GridSearchCV over three filter settings and five folds, on jpg files, then the refit. Each
competitor searches with one process and with as many as there are cores: its better one
counts. Images are decoded within the search, as each competitor does it.

    python -m benchmarks.search --data FOLDER --images 6000 --epochs 5 --json search.json
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._images import draw_folder
from benchmarks._runs import Case, run_cases
from benchmarks._tables import Columns, make_parser, publish, summarize
from cellsk import CellClassifier, ImageReader, list_images

FILTERS = [(16, 32), (32, 64), (32, 64, 64)]
SHORT_FILTERS = [(4,)]
STORES = "store" in ImageReader().get_params()
COLUMNS: Columns = (
    ("searched by", "name", ""),
    ("n_jobs", "n_jobs", "d"),
    ("seconds best", "seconds_best", ".1f"),
    ("median", "seconds_median", ".1f"),
    ("cellsk is", "time_ratio", "{:.2f}x".format),
    ("peak MB", "peak_pss_mb", ",.0f"),
    ("without files", "peak_anonymous_mb", ",.0f"),
    ("cellsk needs", "memory_ratio", "{:.2f}x".format),
    ("without files", "anonymous_ratio", "{:.2f}x".format),
    ("accuracy", "best_score", ".3f"),
    ("of filters", "best_filters", ""),
)


def make_ours(image_size: tuple[int, int], epochs: int, store: str | None) -> tuple[Any, str]:
    """Return cellsk's pipeline, and the name of the parameter to search over."""
    from sklearn.pipeline import Pipeline

    kept = {} if store is None else {"store": store}
    reader = ImageReader(image_size=image_size, **kept)
    classifier = CellClassifier(epochs=epochs, early_stopping=False, random_state=0)
    return Pipeline([("reader", reader), ("classifier", classifier)]), "classifier__filters"


def make_plain(image_size: tuple[int, int], epochs: int, store: str | None) -> tuple[Any, str]:
    """Return the pipeline of plain scikeras and Pillow, and the name of its parameter."""
    from benchmarks.competitors._scikeras import make_pipeline

    return make_pipeline(epochs, batch_size=32), "network__filters"


ONE_THREAD = "cellsk, store, one thread"
MAKERS = {
    "cellsk": make_ours,
    "cellsk, store": make_ours,
    ONE_THREAD: make_ours,
    "scikeras, Pillow": make_plain,
}


def measure_search(
    name: str,
    folder: str,
    n_images: int,
    n_jobs: int,
    folds: int,
    epochs: int,
    filters: Sequence[Sequence[int]],
    refit: bool = True,
) -> dict[str, Any]:
    """Search once; return the seconds, and the score of each candidate."""
    if name == ONE_THREAD:  # in each process
        os.environ["CELLSK_THREADS"] = "1"
    import scikeras.wrappers  # noqa: F401 - TensorFlow too: off the clock, for all
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    listed = list_images(folder)
    rows = np.sort(np.random.default_rng(0).permutation(len(listed.y))[:n_images])
    paths, y = np.asarray(listed.paths)[rows], listed.y[rows]
    size = ImageReader().transform(paths[:1]).shape[1:3]
    with tempfile.TemporaryDirectory() as work:
        store = work if "store" in name else None
        pipeline, parameter = MAKERS[name](size, epochs, store)
        search = GridSearchCV(
            pipeline,
            {parameter: [tuple(counts) for counts in filters]},
            # scikit-learn takes scikeras' networks for regressors: cv=5 would not stratify.
            cv=StratifiedKFold(folds, shuffle=True, random_state=0),
            scoring="accuracy",
            n_jobs=n_jobs,
            refit=refit,
        )
        start = time.perf_counter()
        search.fit(paths, y)
        seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "best_score": float(search.best_score_),
        "best_filters": "-".join(map(str, search.best_params_[parameter])),
        "scores": search.cv_results_["mean_test_score"].tolist(),
    }


def make_cases(options: argparse.Namespace, folder: Path) -> list[Case]:
    """Return a case for each competitor and number of processes."""
    cases = []
    for name in MAKERS:
        if "store" in name and not STORES:
            continue
        for n_jobs in options.jobs:
            if name == ONE_THREAD and n_jobs == 1:  # would leave cores idle
                continue
            call = {
                "name": name,
                "folder": str(folder),
                "n_images": options.images,
                "n_jobs": n_jobs,
                "folds": options.folds,
                "epochs": options.epochs,
                "filters": SHORT_FILTERS if options.short else FILTERS,
                "refit": not options.short,
            }
            cases.append(Case(f"{name}, n_jobs={n_jobs}", "benchmarks.search:measure_search", call))
    return [case for case in cases if not options.only or case.name in options.only]


def make_row(case: Case, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return best and median time, the largest peak, and what the search found."""
    row = {
        "name": case.arguments["name"],
        "n_jobs": case.arguments["n_jobs"],
        "best_score": statistics.mean(run["best_score"] for run in runs),
        "best_filters": ", ".join(sorted({run["best_filters"] for run in runs})),
    }
    for key in ("peak_pss_mb", "peak_anonymous_mb"):
        peaks = [run[key] for run in runs if run[key] is not None]
        row[key] = max(peaks) if peaks else None
    return row | summarize("seconds", [run["seconds"] for run in runs])


def add_ratios(rows: Sequence[dict[str, Any]]) -> None:
    """Hold cellsk's fastest row against each row: times as fast, and share of its memory."""
    ours = min(
        (row for row in rows if row["name"].startswith("cellsk")),
        key=lambda row: row["seconds_median"],
    )
    for row in rows:
        row["time_ratio"] = row["seconds_median"] / ours["seconds_median"]
        pairs = (("memory_ratio", "peak_pss_mb"), ("anonymous_ratio", "peak_anonymous_mb"))
        for ratio, key in pairs:
            row[ratio] = ours[key] / row[key] if row[key] else None


def read_options() -> argparse.Namespace:
    """Return the options, those of the short mode filled in."""
    parser = make_parser(__doc__, repeats=1)
    parser.add_argument("--data", type=Path, help="folder with train/; else drawn cells")
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--jobs", type=int, nargs="*", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--only", nargs="*", help="rows by name, as 'cellsk, store, n_jobs=1'")
    options = parser.parse_args()
    if options.short:
        options.images, options.epochs, options.folds = 60, 1, 2
        options.repeats, options.jobs, options.data = 1, [1], None
    return options


def main() -> None:
    """Search by all, turn by turn, and print one table."""
    options = read_options()
    with tempfile.TemporaryDirectory() as work:
        folder = options.data.resolve() / "train" if options.data else Path(work) / "train"
        if not options.data:
            draw_folder(folder, options.images, (16, 16) if options.short else (96, 96))
        cases = make_cases(options, folder)
        runs = run_cases([cases] * options.repeats, alone=not options.short, memory=True)
    rows = [make_row(case, runs[case.name]) for case in cases]
    add_ratios(rows)
    source = options.data.resolve().name if options.data else "drawn cells"
    about = {
        "images": f"{options.images} of {source}",
        "candidates": len(SHORT_FILTERS if options.short else FILTERS),
        "folds": options.folds,
        "epochs": options.epochs,
        "repeats": options.repeats,
    }
    publish("search", options, COLUMNS, rows, about=about, runs=runs)


if __name__ == "__main__":
    main()
