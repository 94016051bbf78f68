"""Predictions for a folder and for one image, by cellsk and by Keras."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cellsk import CellClassifier, ImageReader, list_images, load_model, save_model

WARM_UP = 20


def make_models(folder: str, n_images: int, model: str, network: str) -> dict[str, Any]:
    """Train briefly. Save the pipeline, and its weights as a network of raw Keras."""
    import keras
    from sklearn.pipeline import Pipeline

    from benchmarks.competitors._keras import build

    listed = list_images(folder)
    rows = np.random.default_rng(0).permutation(len(listed.y))[:n_images]
    size = ImageReader().transform(listed.paths[:1]).shape[1:3]
    classifier = CellClassifier(epochs=2, early_stopping=False, random_state=0)
    pipeline = Pipeline([("reader", ImageReader(image_size=size)), ("classifier", classifier)])
    pipeline.fit([listed.paths[row] for row in rows], listed.y[rows])
    save_model(pipeline, model)
    plain = build((*size, 3), [keras.layers.Rescaling(1 / 255)])
    plain.set_weights(classifier.keras_classifier_.model_.get_weights())
    plain.save(network)
    return {}


def predict_by_cellsk(model: str, folder: str, output: str, times: int) -> dict[str, Any]:
    """Predict several times as the command does. Return the seconds of all but the first."""
    from cellsk.cli._predict import write_predictions

    pipeline = load_model(model)

    def predict() -> None:
        paths = list_images(folder, labels=False).paths
        write_predictions(pipeline, paths, Path(output), names=paths)

    return {"seconds": _time(predict, times)[1:]}


def predict_by_keras(
    network: str, folder: str, output: str, times: int, batch_size: int = 32
) -> dict[str, Any]:
    """Predict with ``image_dataset_from_directory`` and ``model.predict``, several times."""
    import keras

    model = keras.saving.load_model(network)

    def predict() -> None:
        images = keras.utils.image_dataset_from_directory(
            folder,
            labels=None,
            image_size=model.input_shape[1:3],
            batch_size=batch_size,
            shuffle=False,
            verbose=False,
        )
        proba = model.predict(images, verbose=0)[:, 0]
        with open(output, "w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["path", "probability"])
            writer.writerows(zip(images.file_paths, (f"{p:.6f}" for p in proba), strict=True))

    return {"seconds": _time(predict, times)[1:]}


def predict_one(folder: str, model: str, network: str, way: str, calls: int) -> dict[str, Any]:
    """Predict one image repeatedly. Return the seconds of each call after the warm-up."""
    path = list_images(folder, labels=False).paths[0]
    make = _make_ours if way.startswith("cellsk") else _make_keras
    predict = make(model, path, way) if make is _make_ours else make(network, path, way)
    _time(predict, min(calls, WARM_UP))
    return {"seconds": _time(predict, calls)}


def _make_ours(model: str, path: str, way: str) -> Callable[[], Any]:
    pipeline = load_model(model)
    if way == "cellsk file":
        return lambda: pipeline.predict_proba([path])
    classifier, image = pipeline["classifier"], pipeline["reader"].transform([path])
    return lambda: classifier.predict_proba(image)


def _make_keras(network: str, path: str, way: str) -> Callable[[], Any]:
    import keras

    model = keras.saving.load_model(network)
    size = model.input_shape[1:3]

    def read() -> np.ndarray:
        image = keras.utils.load_img(path, target_size=size)
        return keras.utils.img_to_array(image)[None]

    batch = read()
    return {
        "predict": lambda: model.predict(batch, verbose=0),
        "call": lambda: np.asarray(model(batch, training=False)),
        "predict file": lambda: model.predict(read(), verbose=0),
    }[way]


def _time(function: Callable[[], Any], times: int) -> list[float]:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    predict_by_keras(*sys.argv[1:4], times=1)
