"""How well images unlike the training images are found: ROC AUC and flagged shares.

The detector is fitted on the training patches of a folder with ``train`` and ``valid`` (the
PatchCamelyon subset). Each set is compared with the patches of ``valid``, which are from other
slides: drawn cells; ``valid`` in gray, with exchanged channels, or with turned hue; blank images
and noise; and pieces of the two photographs of scikit-learn. The second columns are those of the
distance from the tenth neighbor among the training images (Sun et al., 2022), in the same features.

    python -m benchmarks.outliers --data FOLDER
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from cellsk import ImageOutlierDetector, ImageReader, list_images, make_cells
from cellsk.outliers._appearance import measure_appearance

Distance = Callable[[NDArray], NDArray]
SIZE = 96
N_NEIGHBORS = 10


def read_patches(folder: Path) -> NDArray[np.uint8]:
    """Return the images of a folder."""
    return ImageReader(image_size=(SIZE, SIZE)).transform(list_images(folder).paths)


def turn_hue(images: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """Return images whose colors are turned around the gray axis."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    axis = np.full(3, np.sqrt(1 / 3))
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) * axis[0]
    turn = cos * np.eye(3) + (1 - cos) * np.outer(axis, axis) + sin * cross
    return np.clip(images @ turn.T, 0, 255).astype(np.uint8)


def cut_photographs() -> NDArray[np.uint8]:
    """Return pieces of two photographs, at full, half and quarter size."""
    pieces = []
    for image in load_sample_images().images:
        for step in (1, 2, 4):
            small = image[::step, ::step]
            for row in range(0, len(small) - SIZE + 1, SIZE):
                for column in range(0, small.shape[1] - SIZE + 1, SIZE):
                    pieces.append(small[row : row + SIZE, column : column + SIZE])
    return np.array(pieces)


def make_sets(valid: NDArray[np.uint8], seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Return sets of images that are unlike the training images, by name."""
    rng = np.random.default_rng(seed)
    shape = (50, SIZE, SIZE, 3)
    glass = rng.integers(225, 250, (50, 1, 1, 1)) + rng.normal(0, 2, shape)
    luma = valid @ np.array([0.299, 0.587, 0.114])
    return {
        "drawn cells": make_cells(200, image_size=(SIZE, SIZE), random_state=seed).images,
        "gray": luma[..., np.newaxis].repeat(3, axis=3).astype(np.uint8),
        "red and green exchanged": valid[..., [1, 0, 2]],
        "red and blue exchanged": valid[..., ::-1],
        "hue turned by 30 degrees": turn_hue(valid, 30),
        "hue turned by -30 degrees": turn_hue(valid, -30),
        "hue turned by 90 degrees": turn_hue(valid, 90),
        "inverted": 255 - valid,
        "glass": np.clip(glass, 0, 255).astype(np.uint8),
        "white": np.full(shape, 255, dtype=np.uint8),
        "black": rng.integers(0, 12, shape, dtype=np.uint8),
        "noise": rng.integers(0, 256, shape, dtype=np.uint8),
        "photographs": cut_photographs(),
    }


def fit_neighbors(train: NDArray[np.uint8], detector: ImageOutlierDetector) -> Distance:
    """Return the distance from the tenth neighbor, divided by its 99% quantile in training."""

    def scale(images: NDArray) -> NDArray:
        return (measure_appearance(images) - detector.center_) / detector.scale_

    scaled = scale(train)
    neighbors = NearestNeighbors(n_neighbors=N_NEIGHBORS).fit(scaled)
    own = neighbors.kneighbors()[0][:, -1]  # without the image itself
    limit = np.quantile(own, 0.99)
    return lambda images: neighbors.kneighbors(scale(images))[0][:, -1] / limit


def print_row(name: str, distances: list[NDArray], unlike: list[NDArray]) -> None:
    """Print ROC AUC and flagged share of each distance."""
    cells = []
    for like, other in zip(distances, unlike, strict=True):
        labels = np.repeat([0, 1], [len(like), len(other)])
        auc = roc_auc_score(labels, np.concatenate([like, other]))
        cells.append(f"{auc:8.3f} {(other > 1).mean():8.0%}")
    print(f"{name:28}{len(unlike[0]):6,} {'  '.join(cells)}")


def main() -> None:
    """Print one row for each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    train, valid = (read_patches(options.data / part) for part in ("train", "valid"))
    begin = time.process_time()
    detector = ImageOutlierDetector().fit(train)
    fitted = time.process_time() - begin
    ways: list[Distance] = [
        lambda images: -detector.score_samples(images) / detector.threshold_,
        fit_neighbors(train, detector),
    ]
    print(f"fit: {fitted:.1f} s of CPU time for {len(train):,} images")
    distances = [way(valid) for way in ways]
    print(f"{'':28}images  detector: AUC, flagged  neighbors: AUC, flagged")
    flagged = ", ".join(f"{(like > 1).mean():.1%}" for like in distances)
    print(f"{'valid (other slides)':28}{len(valid):6,} flagged {flagged}")
    for name, images in make_sets(valid).items():
        print_row(name, distances, [way(images) for way in ways])


if __name__ == "__main__":
    main()
