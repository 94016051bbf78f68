"""Images per second and processor time of `ImageEmbedder`, beside ``model.predict`` of Keras.

Noise of one size is embedded, each row in its own process. The cache is off, except in the row that
reads all features from it. Seconds of the processor, of all threads, are less sensitive to other
processes than images per second.

    python -m benchmarks.embed --images 512 --side 96
"""

from __future__ import annotations

import tempfile
import time
from typing import Any

import numpy as np

from benchmarks._runs import Case, run_cases
from benchmarks._tables import Columns, make_parser, publish, summarize
from cellsk import ImageEmbedder

SIDE = 96
COLUMNS: Columns = (
    ("backbone", "name", ""),
    ("size", "size", "d"),
    ("by", "way", ""),
    ("images/s", "rate_best", ",.0f"),
    ("median", "rate_median", ",.0f"),
    ("images per processor second", "cpu_rate_best", ",.0f"),
)


def embed(backbone: str, size: int, side: int, n_images: int, way: str) -> dict[str, float]:
    """Embed noise once after a warm-up. Return images per second, and per processor second."""
    shape = (n_images, side, side, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        cache = folder if way == "cache" else None
        embedder = ImageEmbedder(backbone, size=size, cache=cache).fit(images)
        network = embedder.network_
        embed_all = {
            "ImageEmbedder": embedder.transform,
            "cache": embedder.transform,
            "model.predict": lambda X: network.predict(X, verbose=0),
        }[way]
        embed_all(images if way == "cache" else images[:64])
        wall, processor = time.perf_counter(), time.process_time()
        embed_all(images)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return {"rate": n_images / wall, "cpu_rate": n_images / processor}


def main() -> None:
    """Measure each backbone, size and way in turns, and print one table."""
    parser = make_parser(__doc__, repeats=3)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--side", type=int, default=SIDE, help="height and width of the images")
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 160])
    parser.add_argument("--backbones", nargs="+", default=["efficientnet_lite0"])
    options = parser.parse_args()
    if options.short:
        options.images, options.side, options.sizes, options.repeats = 8, 16, [32], 1
    cases = [
        Case(
            f"{backbone} {size} {way}",
            "benchmarks.embed:embed",
            {
                "backbone": backbone,
                "size": size,
                "side": options.side,
                "n_images": options.images,
                "way": way,
            },
        )
        for backbone in options.backbones
        for size in options.sizes
        for way in ("ImageEmbedder", "model.predict", "cache")
    ]
    runs = run_cases([cases] * options.repeats, alone=not options.short)
    rows = [_make_row(case, runs[case.name]) for case in cases]
    about = {"images": options.images, "side": options.side}
    publish("embed", options, COLUMNS, rows, about=about, runs=runs)


def _make_row(case: Case, runs: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": case.arguments["backbone"],
        "size": case.arguments["size"],
        "way": case.arguments["way"],
    }
    for what in ("rate", "cpu_rate"):
        row |= summarize(what, [run[what] for run in runs], max)
    return row


if __name__ == "__main__":
    main()
