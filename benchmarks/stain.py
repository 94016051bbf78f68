"""Images per second of StainNormalizer, and scores of simple classifiers with and without it.

The images are patches of a folder with ``train`` and ``valid``, each with one sub-folder per class
(the PatchCamelyon subset). Without ``--data`` cells are drawn, and only the speed means something.

    python -m benchmarks.stain --data FOLDER --jobs 2 --seeds 3
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from cellsk import ImageReader, StainNormalizer, list_images, make_cells
from cellsk.model_selection import make_baselines, measure_features

METHODS = ("macenko", "reinhard", "vahadane")


def read_sets(folder: Path | None) -> list[tuple[NDArray, NDArray]]:
    """Return images and labels of the training set and of the other set."""
    if folder is None:
        cells = make_cells(400, image_size=(96, 96), random_state=0)
        return [(cells.images[:300], cells.y[:300]), (cells.images[300:], cells.y[300:])]
    listed = [list_images(folder / part) for part in ("train", "valid")]
    reader = ImageReader(image_size=(96, 96))
    return [(reader.transform(one.paths), one.y) for one in listed]


def count_speed(normalizer: StainNormalizer, X: NDArray) -> tuple[float, float]:
    """Return images per second, and per second of CPU time of all threads."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    normalizer.transform(X)
    wall, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    return len(X) / wall, len(X) / cpu


def score(sets: list[tuple[NDArray, NDArray]], seeds: int) -> dict[str, list[tuple[float, float]]]:
    """Return accuracy and ROC AUC of each simple classifier on the second set, by seed."""
    (X, y), (X_test, y_test) = [(measure_features(images), labels) for images, labels in sets]
    rows: dict[str, list[tuple[float, float]]] = {}
    for seed in range(seeds):
        for name, model in make_baselines(3, len(X), random_state=seed).items():
            fitted = clone(model).fit(X, y)
            proba = fitted.predict_proba(X_test)[:, 1]
            accuracy = float(fitted.score(X_test, y_test))
            auc = float(roc_auc_score(y_test == fitted.classes_[1], proba))
            rows.setdefault(name, []).append((accuracy, auc))
    return rows


def print_scores(method: str, rows: dict[str, list[tuple[float, float]]]) -> None:
    """Print mean and standard deviation over the seeds."""
    for name, values in rows.items():
        mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
        print(
            f"{method:9} {name:15} accuracy {mean[0]:.3f} (sd {spread[0]:.3f})"
            f"  ROC AUC {mean[1]:.3f} (sd {spread[1]:.3f})"
        )


def main() -> None:
    """Print the speed of each method, and the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    sets = read_sets(options.data)
    changed = {"none": sets}
    for method in METHODS:
        normalizer = StainNormalizer(method=method, n_jobs=options.jobs).fit(sets[0][0])
        per_second, per_cpu = count_speed(normalizer, sets[1][0])
        print(f"{method:9} {per_second:6.0f} images/s, {per_cpu:6.0f} per second of CPU time")
        changed[method] = [(normalizer.transform(X), y) for X, y in sets]
    for method, images in changed.items():
        print_scores(method, score(images, options.seeds))


if __name__ == "__main__":
    main()
