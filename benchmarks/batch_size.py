"""Accuracy and time of a fit with early stopping, by batch size.

Only the training images of ``--data`` are used. A fifth of them is used for the scores only. The
rest is used for training, with early stopping on its own hold-out. Without ``--data``, cells are
drawn.

    python -m benchmarks.batch_size --data FOLDER --sizes 16,32,64,128 --repeats 3
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split

from benchmarks._tables import Columns, make_parser, publish
from cellsk import CellClassifier, ImageReader, list_images, make_cells

COLUMNS: Columns = (
    ("batch size", "name", ""),
    ("ROC AUC", "auc", ".3f"),
    ("spread", "auc_spread", ".3f"),
    ("accuracy", "accuracy", ".3f"),
    ("spread", "accuracy_spread", ".3f"),
    ("epochs", "epochs", ".1f"),
    ("seconds per epoch, best", "epoch_seconds", ".2f"),
    ("seconds per fit, median", "seconds", ".1f"),
)


def read_images(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels."""
    if options.data is None or options.short:
        cells = make_cells(64 if options.short else 1000, image_size=(32, 32), random_state=0)
        return cells.images, cells.y
    listed = list_images(options.data / "train")
    return ImageReader().transform(listed.paths), listed.y


def measure_fit(
    X: np.ndarray, y: np.ndarray, size: int, seed: int, epochs: int
) -> dict[str, float]:
    """Fit with one batch size, and score the images held out for this seed."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)
    classifier = CellClassifier(batch_size=size, epochs=epochs, random_state=seed)
    start = time.perf_counter()
    classifier.fit(X, y)
    seconds = time.perf_counter() - start
    proba = classifier.predict_proba(X_test)[:, 1]
    return {
        "auc": float(roc_auc_score(y_test, proba)),
        "accuracy": float(accuracy_score(y_test, proba > 0.5)),
        "epochs": classifier.n_iter_,
        "seconds": seconds,
    }


def summarize_fits(size: int, fits: list[dict[str, float]]) -> dict[str, object]:
    """Return the row of one batch size: mean and standard deviation over seeds."""
    values = {key: np.array([fit[key] for fit in fits]) for key in fits[0]}
    return {
        "name": str(size),
        **{key: float(values[key].mean()) for key in ("auc", "accuracy", "epochs")},
        **{f"{key}_spread": float(values[key].std()) for key in ("auc", "accuracy")},
        "epoch_seconds": float((values["seconds"] / values["epochs"]).min()),
        "seconds": float(np.median(values["seconds"])),
    }


def main() -> None:
    """Fit with each batch size, seed by seed, and print one table."""
    parser = make_parser(__doc__, repeats=3)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sizes", default="16,32,64,128")
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    if options.short:
        options.repeats, options.epochs, sizes = 1, 2, [16, 32]
    X, y = read_images(options)
    runs: dict[str, list[dict[str, float]]] = {str(size): [] for size in sizes}
    for seed in range(options.repeats):
        for size in sizes:
            runs[str(size)].append(measure_fit(X, y, size, seed, options.epochs))
    rows = [summarize_fits(size, runs[str(size)]) for size in sizes]
    about = {"images": len(X), "seeds": options.repeats, "epochs at most": options.epochs}
    publish("batch_size", options, COLUMNS, rows, about=about, runs=runs)


if __name__ == "__main__":
    main()
