"""``cellsk predict``: write a csv file of predictions for a folder of images."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from cellsk._checks import count_noun, name_some, pick_form
from cellsk._files import whole_file
from cellsk._steps import count_steps
from cellsk._text import escape_cell
from cellsk.cli._inputs import expand_inputs, load_classifier
from cellsk.cli._options import (
    OUTPUT,
    FollowLinks,
    Force,
    Json,
    SkipUnreadable,
    option,
)
from cellsk.cli._outputs import check_files, name_output, write_json_file
from cellsk.cli._progress import show_steps
from cellsk.cli._terminal import print_note, show_warnings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cellsk.cli._chunks import ChunkPredictor, Predictions
    from cellsk.outliers import ImageOutlierDetector

__all__ = ["predict", "write_predictions"]

UNLIKE = "unlike_training"  # the last column
CHUNK_SIZE, N_CHUNKS = 256, 2  # images in a chunk, and chunks in memory at the same time


def predict(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="Model file that cellsk train or search wrote."),
    ],
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGES",
            help="Folders with their sub-folders, zip files, or images. - reads paths from"
            " standard input, one per line.",
        ),
    ],
    skip_unreadable: SkipUnreadable = False,
    follow_links: FollowLinks = False,
    output: Annotated[
        Path,
        option(
            OUTPUT,
            metavar="FILE",
            help="Csv file to write: path, predicted class, probability of each class, and how"
            " unlike the training images.",
        ),
    ] = Path("predictions.csv"),
    json: Json = None,
    force: Force = False,
) -> None:
    """Predict the class of each image."""
    from cellsk.datasets import list_images
    from cellsk.persistence import read_detector

    show_warnings()
    files = {"predictions": output, "json": json}
    check_files(files, force=force, inputs=[model, *images])
    listed = list_images(expand_inputs(images), labels=False, follow_links=follow_links)
    pipeline = load_classifier(model)
    predictor = write_predictions(
        pipeline,
        listed.paths,
        output,
        names=listed.paths,
        skip_unreadable=skip_unreadable,
        detector=read_detector(model),
    )
    if predictor.threshold is not None:
        print_note(predictor.threshold.describe())
    predictor.warn()
    _print_unlike(predictor)
    counts = predictor.counts
    print_note(f"Written: {name_output(output)}, {count_noun(sum(counts.values()), 'image')}.")
    named = {"model": str(model), "images": list(map(str, images)), "output": name_output(output)}
    write_json_file(json, "predict", named | _summarize(predictor))


def _summarize(predictor: ChunkPredictor) -> dict[str, Any]:
    """Return how many images were predicted as each class, and which files were left out."""
    threshold = predictor.threshold
    names = [str(name) for name in predictor.classes]
    return {
        "n_images": sum(predictor.counts.values()),
        "n_predicted_as": {name: predictor.counts[name] for name in names},
        "threshold": None
        if threshold is None
        else {"probability": float(threshold.value), "class": str(threshold.label)},
        "unlike_training": None
        if predictor.detector is None
        else {
            "n_images": len(predictor.unlike),
            "expected_fraction": predictor.detector.flagged_p_value_,
        },
        "left_out": [{"file": name, "reason": why} for name, why in sorted(predictor.left_out)],
    }


def _print_unlike(predictor: ChunkPredictor) -> None:
    """Print which images are unlike the training images, if there are any."""
    unlike, detector = predictor.unlike, predictor.detector
    if not unlike or detector is None:
        return
    n_images = sum(predictor.counts.values())
    expected = n_images * detector.flagged_p_value_
    print_note(
        f"{len(unlike):,} of {count_noun(n_images, 'image')} {pick_form(len(unlike), 'is', 'are')}"
        f" unlike the training images ({expected:.1f} expected if all came from the same source):"
        f" {name_some(unlike)}. Do not rely on their predictions."
    )


def write_predictions(
    pipeline: Any,
    paths: Sequence[str],
    output: Path,
    *,
    names: Sequence[str],
    skip_unreadable: bool = False,
    detector: ImageOutlierDetector | None = None,
) -> ChunkPredictor:
    """Predict chunk by chunk, and write one row per image. The file appears when it is complete.

    With a detector, the last column is 1 minus the p-value of each image: near 1, it is unlike the
    training images.

    Returns
    -------
    predictor : ChunkPredictor
        How the model chooses a class, which files were left out, and which are unlike the training
        images.
    """
    from cellsk.cli._chunks import ChunkPredictor

    predictor = ChunkPredictor(pipeline, skip_unreadable=skip_unreadable, detector=detector)
    with whole_file(output) as draft, _open_csv(draft) as stream:
        writer = csv.writer(stream)
        header = [escape_cell(f"probability_{name}") for name in predictor.classes]
        last = [] if predictor.detector is None else [UNLIKE]
        writer.writerow(["path", "predicted", *header, *last])
        chunks = [slice(i, i + CHUNK_SIZE) for i in range(0, len(paths), CHUNK_SIZE)]
        predictions = _compute_ahead(lambda chunk: predictor.predict(paths[chunk]), chunks)
        rows = (
            (names[chunk][row], *numbers)
            for chunk, found in zip(chunks, predictions, strict=True)
            for row, *numbers in _iter_rows(found)
        )
        with show_steps():
            for name, proba, label, p_value in count_steps(
                rows, "predicting", len(paths), "images"
            ):
                predictor.add(name, label, p_value)
                texts = (escape_cell(str(text), keep_bytes=True) for text in (name, label))
                unlike = [] if p_value is None else [f"{1 - p_value:.4f}"]
                writer.writerow([*texts, *(f"{p:.6f}" for p in proba), *unlike])
    return predictor


def _iter_rows(found: Predictions) -> Iterator[tuple[int, NDArray, Any, float | None]]:
    """Yield row, probabilities, label and p-value of each image."""
    p_values = [None] * len(found.rows) if found.p_values is None else found.p_values.tolist()
    return zip(found.rows, found.proba, found.labels, p_values, strict=True)


def _compute_ahead(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Yield the results in order, and read the files of a chunk while another is predicted."""
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(N_CHUNKS) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > N_CHUNKS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _open_csv(path: Path) -> TextIO:
    # File names may not be UTF-8. Their bytes are written unchanged.
    return open(path, "w", newline="", encoding="utf-8", errors="surrogateescape")
