"""Accuracy and ROC AUC of a linear classifier on features of `ImageEmbedder`, and their time.

The penalty of the logistic regression is chosen by cross-validation inside the training images.
Views are the quarter turns and mirror images. "features" averages their features, as
``symmetries="dihedral"`` does, in training and in validation. "probabilities" trains on the images
as they are, and averages the probabilities of the views of each validation image. Features are kept
in ``--cache``, so a run that was stopped continues where it was.

    python -m benchmarks.frozen --data FOLDER --sizes 96 160 --cache features
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks._images import load_arrays, prepare_images
from benchmarks._tables import Columns, make_parser, publish
from cellsk import ImageEmbedder

PENALTIES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
COLUMNS: Columns = (
    ("size", "size", "d"),
    ("views", "n_views", "d"),
    ("averaged", "averaged", ""),
    ("C", "penalty", ".5f"),
    ("accuracy", "accuracy", ".3f"),
    ("ROC AUC", "roc_auc", ".3f"),
    ("embedding s", "embedding_seconds", ",.0f"),
    ("processor s", "processor_seconds", ",.0f"),
    ("search of C s", "search_seconds", ",.0f"),
)


class Embedding:
    """Features of training and validation images at one size, view by view.

    Attributes
    ----------
    train, valid : ndarray of shape (n_views, n_images, n_features)
    seconds, processor_seconds : float
        Time that it took, which is short if the features were in the cache.
    """

    def __init__(self, arrays: Any, options: argparse.Namespace, size: int) -> None:
        embedder = ImageEmbedder(options.backbone, size=size, cache=options.cache).fit(arrays.X)
        wall, processor = time.perf_counter(), time.process_time()
        self.train, self.valid = (
            np.stack([embedder.transform(view) for view in iter_views(images, options.views)])
            for images in (arrays.X, arrays.X_valid)
        )
        self.seconds = time.perf_counter() - wall
        self.processor_seconds = time.process_time() - processor


def iter_views(images: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Yield as many of the eight views as are wanted. The first one is the images as they are."""
    for number in range(count):
        turned = np.rot90(images, number // 2, axes=(1, 2))
        yield np.ascontiguousarray(turned[:, :, ::-1] if number % 2 else turned)


def search(features: np.ndarray, y: np.ndarray, folds: int) -> GridSearchCV:
    """Return a classifier whose penalty was chosen by cross-validation."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
    grid = {"logisticregression__C": PENALTIES}
    return GridSearchCV(model, grid, cv=splitter, scoring="roc_auc").fit(features, y)


def measure(embedding: Embedding, arrays: Any, size: int, folds: int) -> list[dict[str, Any]]:
    """Return one row for each way to use the views."""
    rows = []
    n_views = len(embedding.train)
    for averaged in ("", "features", "probabilities")[: 1 if n_views == 1 else 3]:
        mean = averaged == "features"
        train = embedding.train.mean(axis=0) if mean else embedding.train[0]
        start = time.perf_counter()
        found = search(train, arrays.y, folds)
        seconds = time.perf_counter() - start
        views = {"": embedding.valid[:1], "features": [embedding.valid.mean(axis=0)]}
        shown = views.get(averaged, embedding.valid)
        proba = np.mean([found.predict_proba(view)[:, 1] for view in shown], axis=0)
        rows.append(
            {
                "size": size,
                "n_views": n_views if averaged else 1,
                "averaged": averaged,
                "penalty": found.best_params_["logisticregression__C"],
                "accuracy": accuracy_score(arrays.y_valid, proba > 0.5),
                "roc_auc": roc_auc_score(arrays.y_valid, proba),
                "embedding_seconds": embedding.seconds,
                "processor_seconds": embedding.processor_seconds,
                "search_seconds": seconds,
            }
        )
    return rows


def main() -> None:
    """Embed at each size, and print one table."""
    parser = make_parser(__doc__, repeats=1)
    parser.add_argument("--data", type=Path, help="folder with train/ and valid/")
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 160])
    parser.add_argument("--views", type=int, default=8, choices=range(1, 9))
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--cache", type=Path, help="folder of features")
    options = parser.parse_args()
    if options.short:
        options.sizes, options.views, options.folds = [32], 2, 2
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as work:
        images = prepare_images(options, Path(work))
        arrays = load_arrays(images.arrays)
        for size in options.sizes:
            rows += measure(Embedding(arrays, options, size), arrays, size, options.folds)
    about = {"images": images.source, "train": images.n_train, "valid": images.n_valid}
    publish("frozen", options, COLUMNS, rows, about={**about, "backbone": options.backbone})


if __name__ == "__main__":
    main()
