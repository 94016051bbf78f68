"""Precision and recall of near-duplicates, on drawn single cells, smooth discs, and patches.

Each image is different. Some of them get copies that are turned, and also compressed, resized, made
brighter, saved with 16 bits, cropped or padded. A pair of other images is false. With ``--data
FOLDER`` (PatchCamelyon), patches are searched too, and cells that are cut from them: real texture
in one gray disc on black. The last columns are those of the fingerprints of a model file: copies of
training images that are found, and other images that are taken for copies.

    python -m benchmarks.duplicates --data FOLDER
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cellsk import list_images, make_cells
from cellsk._codec import decode_image
from cellsk.audit import find_shared, make_training_fingerprints
from cellsk.audit._fingerprints import measure_images
from cellsk.audit._near_duplicates import find_near_duplicates

CELL_SIZE = 50
MIN_SPREAD = 20  # of a patch, in levels; others are hardly more than glass


def main() -> None:
    """Print one row for each kind of image and of change."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of patches, with one folder per class")
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--copies", type=int, default=500)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--short", action="store_true", help="few images, to test the script")
    options = parser.parse_args()
    count, n_copies = (60, 20) if options.short else (options.count, options.copies)
    rows = []
    print(
        f"{'images':26}{'change':16}{'count':>6}{'precision':>11}{'recall':>8}{'CPU s':>7}"
        f"{'in model':>10}{'false':>7}"
    )
    for name, images in make_images(count, options.data).items():
        for row in measure(name, images, min(n_copies, len(images))):
            rows.append(row)
            print(
                f"{row['name']:26}{row['change']:16}{row['n_images']:6,}{row['precision']:11.3f}"
                f"{row['recall']:8.3f}{row['seconds']:7.1f}{row['model_recall']:10.3f}"
                f"{row['model_false']:7.3f}",
                flush=True,
            )
    if options.json is not None:
        options.json.write_text(json.dumps({"rows": rows, "short": options.short}, indent=1))


def make_images(count: int, data: Path | None) -> dict[str, list[Any]]:
    """Return the images of each kind."""
    rng = np.random.default_rng(0)
    drawn = make_cells(
        count,
        n_patients=min(50, count),
        image_size=(CELL_SIZE, CELL_SIZE),
        style="single_cell",
        random_state=0,
    )
    images = {
        "drawn cells": list(drawn.images[..., 0]),
        "smooth discs": [draw_disc(rng, draw_depth(rng)) for _ in range(count)],
        "smooth, one outline": [draw_disc(rng, draw_circle()) for _ in range(count)],
    }
    if data is not None:
        patches = read_patches(data, count)
        images["patches"] = patches
        for name, contrast in (("cells cut from patches", 1.0), ("the same, low contrast", 0.3)):
            images[name] = [cut_cell(patch, contrast, draw_depth(rng)) for patch in patches]
        images["the same, one outline"] = [cut_cell(patch, 1.0, draw_circle()) for patch in patches]
    return images


def read_patches(folder: Path, count: int) -> list[Any]:
    """Return different patches that are not empty."""
    found: dict[bytes, Any] = {}
    paths = list_images(folder).paths
    for path in np.random.default_rng(0).permutation(paths):
        patch = np.asarray(Image.open(path).convert("RGB"))
        if patch.std() > MIN_SPREAD:
            found.setdefault(patch.tobytes(), patch)
        if len(found) == count:
            break
    return list(found.values())


def cut_cell(patch: Any, contrast: float, depth: Any) -> Any:
    """Return the middle of a patch as one gray cell on black."""
    gray = np.asarray(Image.fromarray(patch).convert("L"), dtype=float)
    top, left = (np.array(gray.shape) - CELL_SIZE) // 2
    gray = gray[top : top + CELL_SIZE, left : left + CELL_SIZE]
    light = (140 + contrast * (gray - gray.mean())) * (1 - 0.5 * np.exp(-np.maximum(depth, 0) / 3))
    return np.where(depth > 0, light.clip(1, 255), 0).astype(np.uint8)


def draw_disc(rng: np.random.Generator, depth: Any) -> Any:
    """Return a gray disc on black without texture, darker at the edge, with noise."""
    shade = 1 - rng.uniform(0, 0.6) * np.exp(-np.maximum(depth, 0) / rng.uniform(2, 6))
    light = rng.uniform(90, 200) * shade + rng.normal(0, 1, depth.shape)
    return np.where(depth > 0, light.clip(1, 255), 0).astype(np.uint8)


def draw_depth(rng: np.random.Generator) -> Any:
    """Return the depth of each pixel below the outline of a nearly round cell."""
    y, x = np.mgrid[:CELL_SIZE, :CELL_SIZE] + 0.5 - CELL_SIZE / 2 + rng.normal(0, 0.4, (2, 1, 1))
    angle = np.arctan2(y, x)
    waves = [
        0.02 / n * rng.standard_normal() * np.cos(n * angle + rng.uniform(0, 2 * np.pi))
        for n in range(2, 7)
    ]
    return CELL_SIZE * rng.uniform(0.4, 0.47) * (1 + sum(waves)) - np.hypot(y, x)


def draw_circle() -> Any:
    """Return the depth of each pixel below the outline of a circle, the same for all cells."""
    y, x = np.mgrid[:CELL_SIZE, :CELL_SIZE] + 0.5 - CELL_SIZE / 2
    return 0.46 * CELL_SIZE - np.hypot(y, x)


def resize(image: Any, factor: float) -> Any:
    """Return a resized image."""
    size = [round(factor * length) for length in image.shape[1::-1]]
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def compress(image: Any, quality: int) -> Any:
    """Return an image after JPEG compression."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def resize_back(image: Any, factor: float) -> Any:
    """Return an image that was resized, at its own size."""
    size = image.shape[1::-1]
    small = Image.fromarray(resize(image, factor))
    return np.asarray(small.resize(size, Image.Resampling.BILINEAR))


def deepen(image: Any) -> Any:
    """Return an image as it is read from a file of 16 bits, which holds gray."""
    gray = np.asarray(Image.fromarray(image).convert("L"), np.uint16) * 257
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, "PNG")
    return decode_image(stream.getvalue())


def pad(image: Any) -> Any:
    """Return an image with one pixel more on each side."""
    return np.pad(image, ((1, 1), (1, 1), (0, 0))[: image.ndim], mode="edge")


CHANGES: dict[str, Callable[[Any], Any]] = {
    "turned only": lambda image: image,
    "JPEG 90": lambda image: compress(image, 90),
    "JPEG 75": lambda image: compress(image, 75),
    "JPEG 50": lambda image: compress(image, 50),
    "size x 0.9": lambda image: resize(image, 0.9),
    "x 0.9 and back": lambda image: resize_back(image, 0.9),
    "8% brighter": lambda image: (image * 1.08).clip(0, 255).astype(np.uint8),
    "16 bits": deepen,
    "several": lambda image: compress(resize((image * 1.05).clip(0, 255).astype("u1"), 0.95), 75),
    "1 pixel cropped": lambda image: np.ascontiguousarray(image[1:-1, 1:-1]),
    "1 pixel added": pad,
}


def turn(image: Any, number: int) -> Any:
    """Return an image under one of the eight symmetries of the square."""
    turned = np.rot90(image, number % 4)
    return np.ascontiguousarray(turned[::-1] if number > 3 else turned)


def stack(images: list[Any]) -> Any:
    """Return images of one shape as one array."""
    array = np.stack(images)
    return array if array.ndim == 4 else array[..., np.newaxis]


def measure(name: str, images: list[Any], n_copies: int) -> list[dict[str, Any]]:
    """Return a row for each change."""
    thumbnails = measure_images(images).thumbnail
    half = len(images) // 2
    training = make_training_fingerprints(stack(images[:half]))
    false = len(find_shared(training, stack(images[half:])).similar) / (len(images) - half)
    rows = []
    for change, make_copy in CHANGES.items():
        copies = [turn(make_copy(image), row % 8) for row, image in enumerate(images[:n_copies])]
        everything = np.concatenate([thumbnails, measure_images(copies).thumbnail])
        start = time.process_time()
        pairs = find_near_duplicates(everything).rows
        seconds = time.process_time() - start
        n_true = int((pairs[:, 1] - pairs[:, 0] == len(images)).sum())
        shared = find_shared(training, stack(copies[:half]))
        rows.append(
            {
                "name": name,
                "change": change,
                "n_images": len(images),
                "precision": n_true / max(len(pairs), 1),
                "recall": n_true / n_copies,
                "seconds": seconds,
                "model_recall": (len(shared.exact) + len(shared.similar)) / len(copies[:half]),
                "model_false": false,
            }
        )
    return rows


if __name__ == "__main__":
    main()
