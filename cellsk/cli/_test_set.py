"""The test set of ``cellsk evaluate``: listed and checked before the work, scored after it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cellsk.cli._images import FileOptions, LabeledImages, PatientOptions, list_labeled_images
from cellsk.cli._terminal import ShownWarnings, print_result
from cellsk.exceptions import InputError

if TYPE_CHECKING:
    from cellsk.report import EvaluationReport

__all__ = ["TestOptions", "list_test_images", "print_test", "score_test_images"]


class TestOptions(NamedTuple):
    """The folder of a test set, and csv files that are about it alone."""

    folder: Path | None
    labels: Path | None
    groups_csv: Path | None


def list_test_images(
    options: TestOptions,
    files: FileOptions,
    patients: PatientOptions,
    train: LabeledImages,
    columns: list[str],
) -> LabeledImages | None:
    """List the test set by the options of the training images, or return None without a folder.

    Raises
    ------
    InputError, ImageReadError, OSError
        When an option has no test set, the folder has other classes, a csv file lacks one of the
        columns, or files cannot be decoded.
    """
    if options.folder is None:
        given = {"--test-labels": options.labels, "--test-groups-csv": options.groups_csv}
        for name, value in given.items():
            if value is not None:
                raise InputError("needs --test", "no folder", "Pass --test.", parameter=name)
        return None
    if options.groups_csv is not None:
        patients = patients._replace(groups_csv=options.groups_csv)
    images = list_labeled_images(
        options.folder,
        **files._replace(labels=options.labels)._asdict(),
        **patients._asdict(),
        classes=train.class_names,
        title="Test set: ",
    )
    for name in columns:
        images.column("--subgroup", name)
    if not files.skip_unreadable:
        _check_readable(images)
    return images


def _check_readable(images: LabeledImages) -> None:
    """Decode all images once: a damaged one is found now, and not after the training."""
    from cellsk.preprocessing import ImageReader

    ImageReader(image_size=(1, 1)).transform(images.paths)


def score_test_images(report: EvaluationReport, images: LabeledImages, columns: list[str]) -> None:
    """Fit on all training images, and add the scores of the test set to the report."""
    report.test(
        images.paths,
        images.labels,
        groups=images.groups,
        subgroups={name: images.column("--subgroup", name) for name in columns},
        left_out=images.left_out,
    )


def print_test(report: EvaluationReport, shown: ShownWarnings, *outputs: Path | int | None) -> None:
    """Print the test set without the warnings that the user has read meanwhile."""
    from cellsk.report import render_test

    test = report.document["test"]
    if test is None:
        return
    new = [warning for warning in test["report"]["warnings"] if warning["code"] not in shown]
    found = test | {"report": test["report"] | {"warnings": new}}
    print_result(f"\n{render_test(report.document | {'test': found})}", *outputs)
