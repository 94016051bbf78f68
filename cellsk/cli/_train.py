"""``cellsk train``: fit on a folder, and write a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cellsk._files import check_output
from cellsk.cli._cells import Cells, read_cells, say, show_warnings
from cellsk.cli._options import (
    BatchSize,
    Epochs,
    Filters,
    Folder,
    GroupPattern,
    Groups,
    GroupsCsv,
    ImageSize,
    Json,
    Labels,
    Seed,
    SkipUnreadable,
    parse_filters,
)
from cellsk.cli._progress import show_progress
from cellsk.cli._tables import print_json

__all__ = ["describe_fit", "fit_pipeline", "summarize_fit", "train"]


def train(
    folder: Folder,
    output: Annotated[Path, typer.Option(help="Model file to write.")] = Path("model.cellsk"),
    labels: Labels = None,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
    groups_csv: GroupsCsv = None,
    image_size: ImageSize = None,
    filters: Filters = "32,64",
    epochs: Epochs = 30,
    batch_size: BatchSize = 32,
    seed: Seed = 0,
    skip_unreadable: SkipUnreadable = False,
    as_json: Json = False,
) -> None:
    """Fit on a folder of images, and write a model file."""
    from cellsk.neural_network import CellClassifier
    from cellsk.persistence import save_model

    show_warnings()
    check_output(output)
    counts = parse_filters(filters)
    cells = read_cells(
        folder,
        labels=labels,
        group_pattern=group_pattern,
        groups=groups,
        groups_csv=groups_csv,
        image_size=image_size,
        skip_unreadable=skip_unreadable,
    )
    say(cells.describe())
    classifier = CellClassifier(
        filters=counts, epochs=epochs, batch_size=batch_size, random_state=seed
    )
    pipeline = fit_pipeline(cells, classifier)
    save_model(pipeline, output)
    summary = summarize_fit(classifier) | {"model": str(output)}
    if as_json:
        print_json(summary)
        return
    print(describe_fit(summary))
    print(f"Written: {output}. How well it does: cellsk cross-validate {folder}")


def fit_pipeline(cells: Cells, classifier: Any) -> Any:
    """Fit the classifier on the images read; return reader and classifier as one pipeline."""
    from sklearn.pipeline import Pipeline

    with show_progress(classifier, n_fits=1):
        classifier.fit(cells.images, cells.labels, groups=cells.groups)
    reader = cells.reader.set_params(verbose=0)
    return Pipeline([("reader", reader), ("classifier", classifier)])


def summarize_fit(classifier: Any) -> dict[str, Any]:
    """Return what is worth saying of a fit, as plain values."""
    kept = classifier.best_epoch_ - 1
    return {
        "classes": classifier.classes_.tolist(),
        "image_shape": list(classifier.image_shape_),
        "epochs": classifier.n_iter_,
        "best_epoch": classifier.best_epoch_,
        "hold_out": {
            name: classifier.history_[f"val_{name}"][kept]
            for name in ("accuracy", "loss")
            if f"val_{name}" in classifier.history_
        },
    }


def describe_fit(summary: dict[str, Any]) -> str:
    """Return the summary in words."""
    hold_out = summary["hold_out"]
    kept = f"{summary['epochs']} epochs; the weights of epoch {summary['best_epoch']} were kept.\n"
    if not hold_out:
        return kept + "Too few images to hold any out: all trained, for all epochs."
    return (
        f"{kept}On the hold-out that chose this epoch: accuracy {hold_out['accuracy']:.3f}, "
        f"loss {hold_out['loss']:.3f}. It chose; so it is no number to report."
    )
