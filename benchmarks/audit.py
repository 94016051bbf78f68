"""Time of an audit with near-duplicates, by the number of images.

The script makes different patches of 96 x 96 pixels by shifting and mixing those of a folder (the
PatchCamelyon subset with ``--data FOLDER``, drawn cells without it). One in a hundred is a turned
copy, saved as JPEG again. It writes them to a temporary folder, and audits increasing numbers of
them.

    python -m benchmarks.audit --data FOLDER --counts 2500,5000,10000 --jobs 2
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from cellsk import ImageReader, audit_images, list_images, make_cells
from cellsk._codec import encode_image
from cellsk.audit._duplicates import find_exact_sets, find_near_sets
from cellsk.audit._fingerprints import measure_images

COPY_EVERY = 100


def read_patches(folder: Path | None) -> np.ndarray:
    """Return the patches that are mixed."""
    if folder is None:
        return make_cells(1000, image_size=(96, 96), random_state=0).images
    return ImageReader(image_size=(96, 96)).transform(list_images(folder, labels=False).paths)


def write_patches(patches: np.ndarray, count: int, folder: Path) -> list[str]:
    """Write ``count`` patches, all different except for the copies, and return their paths."""
    rng = np.random.default_rng(0)
    paths, last = [], patches[0]
    for row in range(count):
        if row % COPY_EVERY == 1:
            image = np.rot90(last)
        else:
            one, other = patches[rng.integers(len(patches), size=2)].astype(np.float32)
            image = np.roll(one, rng.integers(96, size=2), (0, 1)) * 0.7 + other * 0.3
        last = image.astype(np.uint8)
        paths.append(str(folder / f"{row:06d}.jpg"))
        encode_image(np.ascontiguousarray(last), paths[-1])
    return paths


def main() -> None:
    """Print one row for each count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--counts", default="2500,5000,10000")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    counts = [int(count) for count in options.counts.split(",")]
    patches = read_patches(options.data)
    print("  images  audit s  of it decoding s  duplicate search s  copies found")
    with tempfile.TemporaryDirectory() as folder:
        paths = write_patches(patches, max(counts), Path(folder))
        for count in counts:
            y, groups = np.arange(count) % 2, np.arange(count) // 20
            report = audit_images(paths[:count], y, groups, n_jobs=options.jobs)
            start = time.perf_counter()
            prints = measure_images(paths[:count], options.jobs)
            decoded = time.perf_counter()
            near, _ = find_near_sets(prints, find_exact_sets(prints))
            searched = time.perf_counter() - decoded
            found = f"{len(near):,} of {count // COPY_EVERY:,}"
            print(
                f"{count:8,}  {report.seconds:7.1f}  {decoded - start:16.1f}  {searched:18.2f}"
                f"  {found:>12}"
            )


if __name__ == "__main__":
    main()
