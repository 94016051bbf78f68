"""Does the wrapper lose anything? The seed network, by cellsk and by plain Keras.

Both train on the same images for the same epochs, and are scored on the same validation
images: the PatchCamelyon subset with ``--data FOLDER`` (its train/ and valid/), else drawn
cells. Plain Keras is written as its documentation has it: float32 arrays and ``model.fit``.

    python -m benchmarks.parity --data FOLDER --epochs 5 --seeds 3
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import accuracy_score, roc_auc_score

from cellsk import CellClassifier, ImageReader, list_images, make_cells


class Data(NamedTuple):
    """Images and labels to train on, and to score on."""

    X: np.ndarray
    y: np.ndarray
    X_valid: np.ndarray
    y_valid: np.ndarray


def read_data(folder: Path | None) -> Data:
    """Read train/ and valid/ of a folder, or draw cells of different patients."""
    if folder is None:
        train, valid = make_cells(1000, random_state=0), make_cells(500, random_state=1)
        return Data(train.images, train.y, valid.images, valid.y)
    train, valid = list_images(folder / "train"), list_images(folder / "valid")
    reader = ImageReader()
    return Data(reader.transform(train.paths), train.y, reader.transform(valid.paths), valid.y)


def train_cellsk(data: Data, epochs: int, seed: int) -> np.ndarray:
    """Return cellsk's probabilities of the second class on the validation images."""
    classifier = CellClassifier(epochs=epochs, early_stopping=False, random_state=seed)
    return classifier.fit(data.X, data.y).predict_proba(data.X_valid)[:, 1]


def train_keras(data: Data, epochs: int, seed: int) -> np.ndarray:
    """Return plain Keras' probabilities, of the same network written out."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input(shape=data.X.shape[1:]),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(data.X.astype("float32") / 255, data.y, epochs=epochs, batch_size=32, verbose=0)
    return model.predict(data.X_valid.astype("float32") / 255, verbose=0)[:, 0]


def main() -> None:
    """Train both, turn by turn, and print both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    data = read_data(options.data)
    print(f"{len(data.y):,} images, {len(data.y_valid):,} to validate, {options.epochs} epochs")
    print("seed  trained by  accuracy  ROC AUC  seconds")
    results: dict[str, list[tuple[float, float]]] = {"cellsk": [], "keras": []}
    for seed in range(options.seeds):
        for name, train in (("cellsk", train_cellsk), ("keras", train_keras)):
            start = time.perf_counter()
            proba = train(data, options.epochs, seed)
            seconds = time.perf_counter() - start
            scores = accuracy_score(data.y_valid, proba > 0.5), roc_auc_score(data.y_valid, proba)
            results[name].append(scores)
            print(f"{seed:4}  {name:>10}  {scores[0]:8.3f}  {scores[1]:7.3f}  {seconds:7.1f}")
    for name, scores in results.items():
        (accuracy, area), (spread, area_spread) = np.mean(scores, axis=0), np.std(scores, axis=0)
        print(f"{name}: accuracy {accuracy:.3f} ± {spread:.3f}, AUC {area:.3f} ± {area_spread:.3f}")


if __name__ == "__main__":
    main()
