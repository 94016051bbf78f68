"""``cellsk evaluate``: cross-validated numbers with intervals, as text, page and JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cellsk._files import is_stream
from cellsk.cli._evaluation_checks import (
    Outputs,
    check_outputs,
    check_quick,
    check_wanted,
    choose_positive,
    count_folds,
)
from cellsk.cli._fold_table import build_fold_table, describe_fold_table
from cellsk.cli._images import FileOptions, LabeledImages, PatientOptions, list_labeled_images
from cellsk.cli._interrupt import naming_written_files
from cellsk.cli._next import print_next, write_command
from cellsk.cli._options import (
    CROSS_VALIDATION,
    OUTPUT,
    PATIENTS,
    PREDICTIONS,
    SCORES,
    Aggregation,
    Architecture,
    Augmentation,
    BatchSize,
    Epochs,
    Filters,
    Folder,
    FoldsOrNone,
    FollowLinks,
    Force,
    GroupPattern,
    Groups,
    GroupsCsv,
    Html,
    ImageColumn,
    ImageSize,
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
    Stain,
    Store,
    Subgroups,
    TestFolder,
    TestGroupsCsv,
    TestLabels,
    choice_option,
    fraction_option,
    option,
)
from cellsk.cli._outputs import write_json_file, write_twice
from cellsk.cli._pipeline import build_pipeline, check_networks
from cellsk.cli._progress import show_fits
from cellsk.cli._reports import print_summary, save_reports
from cellsk.cli._terminal import ShownWarnings, print_note, print_result, show_warnings
from cellsk.cli._test_set import TestOptions, list_test_images, print_test, score_test_images
from cellsk.cli._values import parse_filters, parse_size

if TYPE_CHECKING:
    from cellsk.report import EvaluationReport

__all__ = ["evaluate"]

CALIBRATIONS = ("sigmoid", "isotonic", "temperature")


def evaluate(
    context: typer.Context,
    folder: Folder,
    test: TestFolder = None,
    labels: Labels = None,
    test_labels: TestLabels = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    skip_unreadable: SkipUnreadable = False,
    follow_links: FollowLinks = False,
    store: Store = None,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
    groups_csv: GroupsCsv = None,
    test_groups_csv: TestGroupsCsv = None,
    site: Annotated[
        str | None,
        option(
            PATIENTS,
            metavar="COLUMN",
            help="Column of --groups-csv, such as the hospital: all images of a site stay in one"
            " fold.",
        ),
    ] = None,
    folds: FoldsOrNone = None,
    cv: Annotated[
        Path | None,
        option(
            CROSS_VALIDATION,
            metavar="FILE.csv",
            help="Repeat the folds of a file from --save-folds.",
        ),
    ] = None,
    quick: Annotated[
        bool,
        option(
            CROSS_VALIDATION,
            "--quick",
            help="Only show a table of the folds.",
        ),
    ] = False,
    positive: Positive = None,
    sensitivity: Annotated[
        float | None,
        fraction_option(
            PREDICTIONS,
            include_one=True,
            help="Choose the threshold for this sensitivity.",
        ),
    ] = None,
    specificity: Annotated[
        float | None,
        fraction_option(
            PREDICTIONS,
            include_one=True,
            help="Choose the threshold for this specificity.",
        ),
    ] = None,
    calibrate: Annotated[
        str | None,
        choice_option(
            PREDICTIONS, CALIBRATIONS, metavar="METHOD", help="Calibrate the probabilities"
        ),
    ] = None,
    aggregation: Aggregation = "mean",
    subgroup: Subgroups = None,
    prevalence: Prevalence = None,
    max_uncertainty: MaxUncertainty = None,
    baselines: Annotated[
        bool,
        option(
            SCORES,
            "--baselines/--no-baselines",
            help="Also evaluate simple classifiers, which a network has to beat.",
        ),
    ] = True,
    leakage: Annotated[
        bool,
        option(
            SCORES,
            "--leakage",
            help="Also show how much higher the scores are if patients are ignored.",
        ),
    ] = False,
    image_size: ImageSize = None,
    stain: Stain = None,
    architecture: Architecture = "seed",
    filters: Filters = None,
    augmentation: Augmentation = "auto",
    epochs: Epochs = None,
    batch_size: BatchSize = 32,
    html: Html = None,
    json: Json = None,
    markdown: Markdown = None,
    save_folds: Annotated[
        Path | None,
        option(OUTPUT, metavar="FILE", help="Csv file to write: the fold of each image."),
    ] = None,
    max_pictures: MaxPictures = 200,
    force: Force = False,
    seed: Seed = 0,
) -> None:
    """Estimate how well a model classifies images of new patients.

    In cross-validation, each image is predicted once, by a model that was not trained on its
    patient. Each score has a confidence interval. With --test, a model is then trained on all
    images, and the test set is predicted once.
    """
    shown = show_warnings()
    counts, size = parse_filters(filters), parse_size(image_size)
    outputs = check_outputs(Outputs(html, json, markdown, save_folds, max_pictures), force=force)
    wanted: dict[str, Any] = {"prevalence": prevalence, "aggregation": aggregation}
    wanted["max_uncertainty"] = max_uncertainty
    if quick:
        check_quick(outputs, wanted | {"subgroup": subgroup, "leakage": leakage, "test": test})
    n_folds = count_folds(cv, folds, leakage=leakage)
    files = FileOptions(labels, label_column, image_column, skip_unreadable, follow_links)
    patients = PatientOptions(group_pattern, groups, groups_csv)
    images = list_labeled_images(folder, **files._asdict(), **patients._asdict())
    tested = list_test_images(
        TestOptions(test, test_labels, test_groups_csv), files, patients, images, subgroup or []
    )
    wanted |= {"sensitivity": sensitivity, "specificity": specificity}
    check_wanted(images, wanted, leakage=leakage)
    settings = wanted | {
        "cv": cv,
        "n_splits": n_folds,
        "pos_label": choose_positive(images.class_names, positive),
        "sites": None if site is None else images.column("--site", site),
        "subgroups": {name: images.column("--subgroup", name) for name in subgroup or []},
        "calibrate": calibrate,
        "left_out": images.left_out,
        **{"baselines": baselines, "random_state": seed},
    }
    network = {"architecture": architecture, "filters": counts, "epochs": epochs}
    network |= {"batch_size": batch_size, "random_state": seed, "augmentation": augmentation}
    pipeline = build_pipeline(size, store, stain=stain, **network)
    check_networks(pipeline, size)
    fits = _name_fits(calibrate=calibrate, tune=sensitivity or specificity)
    plan = _Plan(images, pipeline, fits, settings)
    if quick:
        _show_folds(plan, json)
        print_next((write_command(context, "evaluate", folder, quick=False), "add intervals"))
    else:
        _evaluate(plan, outputs, shown, tested, leakage=leakage)
        print_next(_suggest_training(context, folder))


def _suggest_training(context: typer.Context, folder: Path) -> tuple[str, str]:
    """Return the command that trains the final model, and what this model does not have."""
    tuned = any(context.params[name] for name in ("calibrate", "sensitivity", "specificity"))
    without = ", without threshold and calibration" if tuned else ""
    return write_command(context, "train", folder), f"train the final model{without}"


class _Plan(NamedTuple):
    """Images, pipeline and settings of an evaluation, and a name for each network of a fold."""

    images: LabeledImages
    pipeline: Any
    fits: list[str]
    settings: dict[str, Any]


def _name_fits(*, calibrate: str | None, tune: float | None) -> list[str]:
    """Name the networks of a fold: at most three to calibrate, three and one to tune."""
    count = (3 if calibrate is not None else 1) * (4 if tune is not None else 1)
    return [f"network {k} of {count}" for k in range(1, count + 1)] if count > 1 else [""]


def _run(plan: _Plan, **settings: Any) -> EvaluationReport:
    from cellsk.neural_network import start_tensorflow
    from cellsk.report import evaluate as evaluate_estimator

    start_tensorflow()
    images = plan.images
    with show_fits(plan.pipeline["classifier"], plan.fits):
        return evaluate_estimator(
            plan.pipeline,
            images.paths,
            images.labels,
            groups=images.groups,
            **plan.settings | settings,
        )


def _show_folds(plan: _Plan, json: Path | None) -> None:
    """Print the scores of each fold, and write them as JSON."""
    # The intervals are not shown, so the fewest resamples are enough.
    table = build_fold_table(_run(plan, audit=False, baselines=False, n_resamples=100))
    print_result(describe_fold_table(table), json)
    write_json_file(json, "folds", table)


def _evaluate(
    plan: _Plan,
    outputs: Outputs,
    shown: ShownWarnings,
    tested: LabeledImages | None,
    *,
    leakage: bool,
) -> None:
    report = _run(plan)
    print_summary(report, shown, *outputs)
    steps = []
    if tested is not None:
        steps.append(partial(_test, report, plan, tested, shown, outputs))
    if leakage:
        steps.append(partial(_compare, report, plan, outputs))
    _save_all(report, outputs, steps)


def _save_all(
    report: EvaluationReport, outputs: Outputs, steps: Sequence[Callable[[], None]]
) -> None:
    """Write the files, and again after each step, which may take as long as the work before."""
    written: list[Path] = []
    save = partial(save_reports, report, outputs, written)
    with naming_written_files(written):
        if steps:
            write_twice(save, partial(_run_steps, steps, save))
        else:
            save()


def _run_steps(steps: Sequence[Callable[[], None]], save: Callable[..., None]) -> None:
    """Run all steps, and write the files between them."""
    first, *others = steps
    first()
    for add in others:
        save(lambda path: not is_stream(path))
        add()


def _test(
    report: EvaluationReport,
    plan: _Plan,
    tested: LabeledImages,
    shown: ShownWarnings,
    outputs: Outputs,
) -> None:
    """Train on all images, score the test set, and print both."""
    print_note("Training on all images, and testing ...")
    with show_fits(plan.pipeline["classifier"], plan.fits):
        score_test_images(report, tested, list(plan.settings["subgroups"]))
    print_test(report, shown, *outputs)


def _compare(report: EvaluationReport, plan: _Plan, outputs: Outputs) -> None:
    """Evaluate again without patients, and print the difference."""
    print_note("Evaluating again without patient grouping ...")
    with show_fits(plan.pipeline["classifier"], plan.fits):
        found = report.leakage_gap()
    print_result(f"\n{found['sentence']}", *outputs)
