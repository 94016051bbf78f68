"""``cellsk train``: fit a classifier on a folder, and write a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cellsk._checks import count_noun
from cellsk.cli._images import FileOptions, PatientOptions, list_labeled_images
from cellsk.cli._next import print_next, suggest_uses, write_command
from cellsk.cli._options import (
    OUTPUT,
    Architecture,
    Augmentation,
    BatchSize,
    Epochs,
    Filters,
    Folder,
    FollowLinks,
    Force,
    GroupPattern,
    Groups,
    GroupsCsv,
    ImageColumn,
    ImageSize,
    Json,
    LabelColumn,
    Labels,
    Seed,
    SkipUnreadable,
    Stain,
    Store,
    option,
)
from cellsk.cli._outputs import check_files, name_output, write_json_file
from cellsk.cli._pipeline import (
    build_pipeline,
    check_networks,
    fit_pipeline,
    open_store,
    read_images,
    save_model_file,
)
from cellsk.cli._terminal import print_result, show_warnings
from cellsk.cli._values import parse_filters, parse_size

__all__ = ["describe_fit", "summarize_fit", "train"]


def train(
    context: typer.Context,
    folder: Folder,
    labels: Labels = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    skip_unreadable: SkipUnreadable = False,
    follow_links: FollowLinks = False,
    store: Store = None,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
    groups_csv: GroupsCsv = None,
    image_size: ImageSize = None,
    stain: Stain = None,
    architecture: Architecture = "seed",
    filters: Filters = None,
    augmentation: Augmentation = "auto",
    epochs: Epochs = None,
    batch_size: BatchSize = 32,
    output: Annotated[Path, option(OUTPUT, metavar="FILE", help="Model file to write.")] = Path(
        "model.cellsk"
    ),
    json: Json = None,
    force: Force = False,
    seed: Seed = 0,
) -> None:
    """Train a model, and write it to a file."""
    show_warnings()
    check_files({"model": output, "json": json}, force=force)
    counts, size = parse_filters(filters), parse_size(image_size)
    files = FileOptions(labels, label_column, image_column, skip_unreadable, follow_links)
    patients = PatientOptions(group_pattern, groups, groups_csv)
    images = list_labeled_images(folder, **files._asdict(), **patients._asdict())
    with open_store(store) as place:
        network = {"architecture": architecture, "filters": counts, "epochs": epochs}
        network |= {"batch_size": batch_size, "random_state": seed, "augmentation": augmentation}
        pipeline = build_pipeline(size, place, stain=stain, **network)
        check_networks(pipeline, size)
        read_images(pipeline, images)
        fit_pipeline(pipeline, images)
        save_model_file(pipeline, output, images)
    summary = summarize_fit(pipeline["classifier"]) | {"model": str(output)}
    print_result(describe_fit(summary), output, json)
    print_result(f"Written: {name_output(output)}.", output, json)
    write_json_file(json, "train", summary)
    print_next(
        (write_command(context, "evaluate", folder), "estimate how well it predicts"),
        *suggest_uses(context, output),
    )


def summarize_fit(classifier: Any) -> dict[str, Any]:
    """Return the classes, the epochs and the hold-out scores of a fit, as plain values."""
    from cellsk.neural_network import choose_settings

    kept = classifier.best_epoch_ - 1
    return {
        "classes": classifier.classes_.tolist(),
        "architecture": classifier.architecture,
        "early_stopping": choose_settings(classifier).early_stopping,
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
    """Return the summary in sentences."""
    hold_out = summary["hold_out"]
    epochs = count_noun(summary["epochs"], "epoch")
    kept = f"{epochs}; the weights of epoch {summary['best_epoch']} were kept.\n"
    if not hold_out and not summary["early_stopping"]:
        return f"{epochs} on all images. None were held out."
    if not hold_out:
        return (
            f"{kept}Too few images for a hold-out, which chooses the epoch: all images were used in"
            " all epochs."
        )
    return (
        f"{kept}On the hold-out images: accuracy {hold_out['accuracy']:.3f}, "
        f"loss {hold_out['loss']:.3f}. These images chose the epoch, so do not report these scores."
    )
