"""Accuracy and ROC AUC of each recipe on validation images, over seeds.

All choices are made inside the training images of ``--data``. The images in ``valid``
are only scored, at the threshold 0.5. "Seconds" is a whole fit, from arrays. Features of frozen
networks are computed anew for each seed. Without ``--data``, cells are drawn.

    python -m benchmarks.accuracy --data FOLDER --repeats 3
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from benchmarks._images import load_arrays, prepare_images
from benchmarks._runs import Case, run_cases
from benchmarks._tables import Columns, make_parser, publish
from cellsk import CellClassifier, ImageEmbedder
from cellsk.model_selection import make_baselines, measure_features

COLUMNS: Columns = (
    ("recipe", "name", ""),
    ("accuracy", "accuracy", ".3f"),
    ("spread", "accuracy_spread", ".3f"),
    ("ROC AUC", "roc_auc", ".3f"),
    ("spread", "roc_auc_spread", ".3f"),
    ("seconds per fit", "seconds", ",.0f"),
    ("other cores", "others_cores", ".2f"),
)
PENALTIES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


def build_forest(seed: int, short: bool) -> Any:
    """Return the random forest on color and texture, as in a report."""
    forest = make_baselines(3, 6000, seed)["texture_forest"]
    return make_pipeline(FunctionTransformer(measure_features), forest)


def build_network(seed: int, short: bool, **parameters: Any) -> CellClassifier:
    """Return a network that is trained from scratch."""
    if short:
        parameters |= {"epochs": 1}
    return CellClassifier(random_state=seed, **parameters)


def build_frozen(seed: int, short: bool, **parameters: Any) -> Any:
    """Return a logistic regression on features of a pretrained network."""
    embedder = ImageEmbedder(cache=None, **parameters | ({"size": 32} if short else {}))
    head = LogisticRegressionCV(
        Cs=PENALTIES,
        cv=3,
        scoring="roc_auc",
        max_iter=2000,
        l1_ratios=(0,),
        use_legacy_attributes=False,
    )
    return make_pipeline(embedder, StandardScaler(), head)


# From the name of a recipe to the function that builds it, and its parameters.
RECIPES: Mapping[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "forest": (build_forest, {}),
    "seed": (build_network, {}),
    "seed-stain": (build_network, {"augmentation": "stain", "patience": 10}),
    "compact": (build_network, {"architecture": "compact"}),
    "equivariant": (build_network, {"architecture": "equivariant"}),
    "frozen-96": (build_frozen, {"size": 96}),
    "frozen-160": (build_frozen, {"size": 160}),
    "frozen-160-dihedral": (build_frozen, {"size": 160, "symmetries": "dihedral"}),
}


def measure(name: str, seed: int, arrays: str, short: bool) -> dict[str, float]:
    """Fit one recipe, and score the validation images."""
    images = load_arrays(arrays)
    build, parameters = RECIPES[name]
    start = time.perf_counter()
    fitted = build(seed, short, **parameters).fit(images.X, images.y)
    seconds = time.perf_counter() - start
    proba = fitted.predict_proba(images.X_valid)[:, 1]
    return {
        "accuracy": float(accuracy_score(images.y_valid, proba > 0.5)),
        "roc_auc": float(roc_auc_score(images.y_valid, proba)),
        "seconds": seconds,
    }


def summarize(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return mean and standard deviation over seeds, and the median time."""
    row: dict[str, Any] = {"name": name}
    for key in ("accuracy", "roc_auc"):
        values = np.array([run[key] for run in runs])
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
        row |= {key: float(values.mean()), f"{key}_spread": spread}
    row["seconds"] = float(np.median([run["seconds"] for run in runs]))
    others = [run["others_cores"] for run in runs if run.get("others_cores") is not None]
    return {**row, "others_cores": float(np.mean(others)) if others else None}


def read_options() -> argparse.Namespace:
    """Return the options, after applying the short mode."""
    parser = make_parser(__doc__, repeats=3)
    parser.add_argument("--data", type=Path, help="folder with train/ and valid/")
    parser.add_argument("--only", nargs="+", choices=RECIPES, default=list(RECIPES))
    options = parser.parse_args()
    if options.short:
        options.repeats = 1
    return options


def main() -> None:
    """Fit each recipe with each seed, and print one table."""
    options = read_options()
    with tempfile.TemporaryDirectory() as work:
        images = prepare_images(options, Path(work))
        about = {"images": images.source, "train": images.n_train, "valid": images.n_valid}
        settings = {"arrays": images.arrays, "short": options.short}
        rounds = [
            [
                Case(name, "benchmarks.accuracy:measure", {"name": name, "seed": seed, **settings})
                for name in options.only
            ]
            for seed in range(options.repeats)
        ]
        results = run_cases(rounds, alone=not options.short)
    rows = [summarize(name, results[name]) for name in options.only]
    publish("accuracy", options, COLUMNS, rows, about=about, runs=results)


if __name__ == "__main__":
    main()
