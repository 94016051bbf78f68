"""``cellsk test``: score a trained model on a labeled test set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cellsk.cli._evaluation_checks import Outputs, check_outputs, choose_positive
from cellsk.cli._images import FileOptions, LabeledImages, PatientOptions, list_labeled_images
from cellsk.cli._inputs import expand_inputs, load_classifier, separate_models
from cellsk.cli._options import (
    Aggregation,
    FollowLinks,
    Force,
    GroupPattern,
    Groups,
    GroupsCsv,
    Html,
    ImageColumn,
    Json,
    LabelColumn,
    Labels,
    Markdown,
    MaxPictures,
    MaxUncertainty,
    Positive,
    Prevalence,
    Seed,
    SkipUnreadable,
    Subgroups,
)
from cellsk.cli._outputs import name_output, write_json_file
from cellsk.cli._progress import show_steps
from cellsk.cli._reports import print_summary, save_reports
from cellsk.cli._terminal import ShownWarnings, print_result, show_warnings
from cellsk.exceptions import InputError

if TYPE_CHECKING:
    from cellsk.report import EvaluationReport

__all__ = ["run_test"]


def run_test(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL [MODEL] IMAGES",
            help="A model file, or two to compare, and the test set: folders or zip files with"
            " one sub-folder per class, or images. - reads paths from standard input.",
        ),
    ],
    labels: Labels = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    skip_unreadable: SkipUnreadable = False,
    follow_links: FollowLinks = False,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
    groups_csv: GroupsCsv = None,
    positive: Positive = None,
    aggregation: Aggregation = "mean",
    subgroup: Subgroups = None,
    prevalence: Prevalence = None,
    max_uncertainty: MaxUncertainty = None,
    html: Html = None,
    json: Json = None,
    markdown: Markdown = None,
    max_pictures: MaxPictures = 200,
    force: Force = False,
    seed: Seed = 0,
) -> None:
    """Score a trained model on a test set.

    The test set has labeled images that the model never saw. The scores have intervals. Images and
    patients that the model was trained on are found and named.
    """
    shown = show_warnings()
    outputs = check_outputs(Outputs(html, json, markdown, None, max_pictures), force=force)
    models, folders = separate_models(expand_inputs(inputs))
    _check_outputs_of_two(models, outputs)
    names, tuned_for, reader = _read_facts(models[0])
    files = FileOptions(labels, label_column, image_column, skip_unreadable, follow_links)
    patients = PatientOptions(group_pattern, groups, groups_csv)
    images = list_labeled_images(
        folders, **files._asdict(), **patients._asdict(), classes=names, reader=reader
    )
    if positive is not None or tuned_for is None:
        tuned_for = choose_positive(names, positive)
    settings = {
        "subgroups": {name: images.column("--subgroup", name) for name in subgroup or []},
        "prevalence": prevalence,
        "aggregation": aggregation,
        "max_uncertainty": max_uncertainty,
        "left_out": images.left_out,
        "random_state": seed,
    }
    report = _evaluate(models[0], images, settings | {"pos_label": tuned_for})
    print_summary(report, shown, *outputs)
    if len(models) == 1:
        save_reports(report, outputs, [])
        return
    other = _evaluate(models[1], images, settings | {"pos_label": tuned_for})
    comparison = _compare(report, other, shown, json)
    write_json_file(json, "comparison", {"models": list(map(str, models)), **comparison})


def _check_outputs_of_two(models: list[Path], outputs: Outputs) -> None:
    """Refuse files of two reports.

    Raises
    ------
    InputError
        When there are such.
    """
    files = [path for path in (outputs.html, outputs.markdown) if path]
    if len(models) == 2 and files:
        raise InputError(
            "Pages and model cards are written for one model",
            f"two models, and {name_output(files[0])}",
            "Run cellsk test for each model, or pass --json for the comparison.",
        )


def _compare(
    report: EvaluationReport, other: EvaluationReport, shown: ShownWarnings, json: Path | None
) -> dict[str, Any]:
    """Print the report of the second model and the difference; return the comparison."""
    comparison = report.compare(other)
    print_result("\nThe second model\n", json)
    print_summary(other, shown, json)
    print_result(f"\n{comparison['sentence']}", json)
    return {**comparison}


def _read_facts(model: Path) -> tuple[list[str], str | None, Any]:
    """Return the classes of a model, the class for which its threshold was chosen, and its reader.

    The last two are None if there are none.

    Raises
    ------
    InputError, OSError
        When the file holds no classifier, or cannot be loaded.
    """
    from cellsk.model_selection import describe_fixed, list_readers

    pipeline = load_classifier(model)
    label = describe_fixed(pipeline).pos_label
    names = [str(name) for name in pipeline.classes_.tolist()]
    readers = list_readers(pipeline)
    return names, None if label is None else str(label), readers[0] if readers else None


def _evaluate(model: Path, images: LabeledImages, settings: dict[str, Any]) -> EvaluationReport:
    from cellsk.report import evaluate_model

    with show_steps():
        return evaluate_model(model, images.paths, images.labels, groups=images.groups, **settings)
