"""Accuracy and ROC AUC of the seed network by augmentation.

The training images of ``--data`` are split: some are held out, to choose between the
augmentations, and the others train, with early stopping on its own hold-out. The images in
``valid`` are only scored. Without ``--data``, cells are drawn, of other patients for each part.
With ``--gray`` these are single cells in gray.

    python -m benchmarks.augmentation_scores --data FOLDER --repeats 3
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split

from benchmarks._tables import Columns, make_parser, publish
from cellsk import CellClassifier, ImageReader, list_images, make_cells

NONE = "none"
COLUMNS: Columns = (
    ("augmentation", "name", ""),
    ("held out: accuracy", "held_out_accuracy", ".3f"),
    ("spread", "held_out_accuracy_spread", ".3f"),
    ("ROC AUC", "held_out_auc", ".3f"),
    ("spread", "held_out_auc_spread", ".3f"),
    ("valid: accuracy", "valid_accuracy", ".3f"),
    ("spread", "valid_accuracy_spread", ".3f"),
    ("ROC AUC", "valid_auc", ".3f"),
    ("spread", "valid_auc_spread", ".3f"),
    ("best epoch", "best_epoch", ".1f"),
    ("seconds per fit", "seconds", ".0f"),
)


class Part(NamedTuple):
    """Images (n, height, width, channels), labels, and patients if they are known."""

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None = None


def read_parts(options: argparse.Namespace, seed: int) -> dict[str, Part]:
    """Return the images that train, that are held out, and that are only scored."""
    if options.data is None or options.short:
        return draw_parts(options, seed)
    train, valid = (list_images(options.data / name) for name in ("train", "valid"))
    X, X_valid = (ImageReader().transform(listed.paths) for listed in (train, valid))
    X, X_held, y, y_held = train_test_split(
        X, train.y, test_size=options.held_out, stratify=train.y, random_state=seed
    )
    return {"train": Part(X, y), "held_out": Part(X_held, y_held), "valid": Part(X_valid, valid.y)}


def draw_parts(options: argparse.Namespace, seed: int) -> dict[str, Part]:
    """Return drawn cells. Each part has its own patients."""
    count = 48 if options.short else options.n_drawn
    side, style = (50, "single_cell") if options.gray else (64, "tissue")
    side = 32 if options.short else side
    sizes = {"train": count, "held_out": count // 2, "valid": count}
    parts = {}
    for number, (name, size) in enumerate(sizes.items()):
        n_patients = max(size // 25, 4)
        drawn = make_cells(
            size,
            n_patients=n_patients,
            image_size=(side, side),
            style=style,
            random_state=3 * seed + number,
        )
        parts[name] = Part(drawn.images, drawn.y, drawn.groups)
    return parts


def measure_fit(
    parts: dict[str, Part], augmentation: str, seed: int, options: argparse.Namespace
) -> dict[str, float]:
    """Fit with one augmentation, and score the images that did not train."""
    classifier = CellClassifier(
        augmentation=None if augmentation == NONE else augmentation,
        epochs=options.epochs,
        patience=options.patience,
        random_state=seed,
    )
    start = time.perf_counter()
    classifier.fit(parts["train"].X, parts["train"].y, groups=parts["train"].groups)
    row = {"seconds": time.perf_counter() - start, "best_epoch": classifier.best_epoch_}
    for name in ("held_out", "valid"):
        proba = classifier.predict_proba(parts[name].X)[:, 1]
        row[f"{name}_accuracy"] = float(accuracy_score(parts[name].y, proba > 0.5))
        row[f"{name}_auc"] = float(roc_auc_score(parts[name].y, proba))
    return row


def summarize_fits(name: str, fits: list[dict[str, float]]) -> dict[str, object]:
    """Return the row of one augmentation: mean and standard deviation over seeds."""
    row: dict[str, object] = {"name": name}
    for key in fits[0]:
        values = np.array([fit[key] for fit in fits])
        row |= {key: float(values.mean()), f"{key}_spread": float(values.std())}
    return row


def read_options() -> argparse.Namespace:
    """Return the options, after applying the short mode."""
    parser = make_parser(__doc__, repeats=3)
    parser.add_argument("--data", type=Path, help="folder with train/ and valid/")
    parser.add_argument("--names", default="none,dihedral,stain,microscopy")
    parser.add_argument("--held-out", type=int, default=1000, help="images of train to choose by")
    parser.add_argument("--gray", action="store_true", help="draw gray single cells")
    parser.add_argument("--n-drawn", type=int, default=1000, help="drawn images that train")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--patience", type=int, default=5)
    options = parser.parse_args()
    if options.short:
        options.repeats, options.epochs = 1, 1
    return options


def main() -> None:
    """Fit with each augmentation, seed by seed, and print one table."""
    options = read_options()
    names = [name for name in options.names.split(",") if not (options.gray and name == "stain")]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for seed in range(options.repeats):
        parts = read_parts(options, seed)
        for name in names:
            runs[name].append(measure_fit(parts, name, seed, options))
            print(f"seed {seed}, {name}: {runs[name][-1]}", file=sys.stderr)
    rows = [summarize_fits(name, runs[name]) for name in names]
    about = {
        "images": {name: len(part.y) for name, part in parts.items()},
        "seeds": options.repeats,
        "epochs at most": options.epochs,
        "patience": options.patience,
    }
    publish("augmentation_scores", options, COLUMNS, rows, about=about, runs=runs)


if __name__ == "__main__":
    main()
