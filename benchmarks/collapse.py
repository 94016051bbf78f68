"""Accuracy of the seed network by how its training begins and ends, on sets where it can collapse.

A collapsed network predicts one class for all images: its loss stays at that of guessing by the
shares of the classes. Each row is one variant of the defaults of `CellClassifier`, fitted with
several seeds. Scores are those of images, and patients, that were not in the fit. ``--data`` uses
the training images of a folder, and tests on others of them.

    python -m benchmarks.collapse --cells inclusion --contrast 1.5
    python -m benchmarks.collapse --data FOLDER --count 600 --crop 64
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.utils import Bunch

from benchmarks._inclusions import draw_inclusions
from benchmarks._tables import Columns, make_parser, publish
from cellsk import CellClassifier, ImageReader, list_images, make_cells
from cellsk.exceptions import CellskWarning
from cellsk.neural_network import _restarts

COLUMNS: Columns = (
    ("variant", "name", ""),
    ("ROC AUC", "auc", ".3f"),
    ("spread", "auc_spread", ".3f"),
    ("accuracy", "accuracy", ".3f"),
    ("spread", "accuracy_spread", ".3f"),
    ("larger class", "larger_class", ".3f"),
    ("collapsed", "collapsed", ".2f"),
    ("restarts", "restarts", ".1f"),
    ("epochs", "epochs", ".1f"),
    ("best epoch", "best_epoch", ".1f"),
    ("constant units", "constant_units", ".2f"),
    ("CPU s", "seconds", ".0f"),
)


class Variant(NamedTuple):
    """Changes of the defaults."""

    begin: Callable[[Any, int], None] | None = None  # changes the weights before training
    n_restarts: int = 0
    parameters: Mapping[str, Any] = MappingProxyType({})


def draw_kernels(initializer: str, *names: str) -> Callable[[Any, int], None]:
    """Return a function that draws the kernels of these layers by an initializer of Keras."""

    def begin(model: Any, seed: int) -> None:
        import keras

        make = getattr(keras.initializers, initializer)
        for number, name in enumerate(names):
            kernel = model.get_layer(name).kernel
            kernel.assign(make(1000 * seed + number)(kernel.shape))

    return begin


def center_all(model: Any, seed: int) -> None:
    """Subtract the mean of their weights from later filters and from dense units, too."""
    for name in ("conv_2", "dense"):
        kernel = np.asarray(model.get_layer(name).kernel)
        axes = tuple(range(kernel.ndim - 1))
        model.get_layer(name).kernel.assign(kernel - kernel.mean(axes, keepdims=True))


def set_output_bias(model: Any, seed: int) -> None:
    """Begin with the share of the positive class of the drawn inclusions."""
    draw_kernels("GlorotUniform", "conv_1")(model, seed)
    model.get_layer("probability").bias.assign([np.log(0.624 / 0.376)])


GLOROT = draw_kernels("GlorotUniform", "conv_1")
VARIANTS = {
    "Glorot": Variant(GLOROT),
    "He": Variant(draw_kernels("HeUniform", "conv_1", "conv_2", "dense")),
    "Glorot, first output bias": Variant(set_output_bias),
    "Glorot, rate 0.0003": Variant(GLOROT, 0, {"learning_rate": 3e-4}),
    "Glorot, patience 15": Variant(GLOROT, 0, {"patience": 15}),
    "Glorot, restarts": Variant(GLOROT, _restarts.MAX_RESTARTS),
    "centered": Variant(),
    "centered, all layers": Variant(center_all),
    "centered, restarts": Variant(None, _restarts.MAX_RESTARTS),
}


def make_images(options: argparse.Namespace, seed: int) -> tuple[Bunch, Bunch]:
    """Return images to fit, and others to test, with ``images``, ``y`` and ``groups``."""
    count, n_test = (120, 60) if options.short else (options.count, options.test)
    if options.data is not None and not options.short:
        listed = list_images(options.data / "train")
        order = np.random.default_rng(seed).permutation(len(listed.paths))
        sides = order[:count], order[count : count + n_test]
        y = np.unique(listed.y, return_inverse=True)[1]
        return tuple(_read(listed.paths[rows], y[rows], options.crop) for rows in sides)
    if options.cells == "inclusion":
        settings = {"contrast": options.contrast}
        return (
            draw_inclusions(count, n_patients=40, seed=seed, **settings),
            draw_inclusions(n_test, n_patients=15, seed=1000 + seed, **settings),
        )
    settings = {"style": options.cells, "difficulty": options.difficulty, "image_size": (50, 50)}
    return (
        make_cells(count, n_patients=40, random_state=seed, **settings),
        make_cells(n_test, n_patients=15, random_state=1000 + seed, **settings),
    )


def _read(paths: np.ndarray, y: np.ndarray, crop: int | None) -> Bunch:
    images = ImageReader().transform(paths)
    if crop is not None:
        top, left = ((side - crop) // 2 for side in images.shape[1:3])
        images = images[:, top : top + crop, left : left + crop]
    return Bunch(images=images, y=y, groups=None)


def measure_fit(variant: Variant, images: Bunch, tests: Bunch, seed: int) -> dict[str, Any]:
    """Fit one variant, and score it."""
    _restarts.MAX_RESTARTS = variant.n_restarts
    callbacks = None if variant.begin is None else [_make_beginning(variant.begin, seed)]
    classifier = CellClassifier(random_state=seed, callbacks=callbacks, **variant.parameters)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CellskWarning)
        classifier.fit(images.images, images.y, groups=images.groups)
    proba = classifier.predict_proba(tests.images)[:, 1]
    return {
        "auc": float(roc_auc_score(tests.y, proba)),
        "accuracy": float(np.mean((proba > 0.5) == tests.y)),
        "larger_class": float(np.bincount(tests.y).max() / len(tests.y)),
        "collapsed": float(len(np.unique(proba > 0.5)) == 1),
        "restarts": classifier.n_restarts_,
        "epochs": classifier.n_iter_,
        "best_epoch": classifier.best_epoch_,
        "constant_units": _count_constant(classifier, images.images[:200]),
        "seconds": time.process_time() - start,
        "history": classifier.history_,
    }


def _make_beginning(begin: Callable[[Any, int], None], seed: int) -> Any:
    import keras

    class Beginning(keras.callbacks.Callback):
        """Changes the weights of each training before its first step."""

        n_trainings = 0

        def on_train_begin(self, logs: Any = None) -> None:
            begin(self.model, 10 * seed + self.n_trainings)
            self.n_trainings += 1

    return Beginning()


def _count_constant(classifier: CellClassifier, images: np.ndarray) -> float:
    """Return the fraction of dense units that are zero for all of these images, or for none."""
    outputs = images
    for layer in classifier.keras_classifier_.model_.layers[:-1]:
        outputs = layer(outputs)
    active = np.asarray(outputs) > 0
    return float(np.mean(active.all(axis=0) | ~active.any(axis=0)))


def summarize_fits(name: str, fits: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the row of one variant: means over seeds, and standard deviations."""
    values = {key: np.array([fit[key] for fit in fits]) for key in fits[0] if key != "history"}
    return {
        "name": name,
        **{key: float(column.mean()) for key, column in values.items()},
        **{f"{key}_spread": float(values[key].std()) for key in ("auc", "accuracy")},
    }


def main() -> None:
    """Fit each variant, seed by seed, and print one table."""
    parser = make_parser(__doc__, repeats=3)
    parser.add_argument("--data", type=Path, help="folder with train/, instead of drawn cells")
    parser.add_argument("--crop", type=int, help="pixels of the middle of each image")
    parser.add_argument(
        "--cells", choices=("inclusion", "single_cell", "tissue"), default="inclusion"
    )
    parser.add_argument("--contrast", type=float, default=1.5, help="of inclusions")
    parser.add_argument("--difficulty", type=float, default=1.5, help="of other drawn cells")
    parser.add_argument("--count", type=int, default=1604, help="images to fit")
    parser.add_argument("--test", type=int, default=600, help="images to test")
    parser.add_argument("--only", help="variants, separated by semicolons")
    options = parser.parse_args()
    names = list(VARIANTS) if options.only is None else options.only.split(";")
    if options.short:
        options.repeats, names = 1, ["Glorot", "centered, restarts"]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for seed in range(options.repeats):
        images, tests = make_images(options, seed)
        for name in names:
            runs[name].append(measure_fit(VARIANTS[name], images, tests, seed))
    source = options.cells if options.data is None or options.short else options.data.name
    about = {"source": source, "images": len(images.y), "seeds": options.repeats}
    rows = [summarize_fits(name, fits) for name, fits in runs.items()]
    publish("collapse", options, COLUMNS, rows, about=about, runs=runs)


if __name__ == "__main__":
    main()
