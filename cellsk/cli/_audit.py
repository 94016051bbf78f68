"""``cellsk audit``: find problems in a folder of images before training."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cellsk._files import whole_file
from cellsk._text import escape_cell
from cellsk.cli._images import describe_counts, describe_label_columns, read_groups_csv
from cellsk.cli._messages import word_findings
from cellsk.cli._next import print_next, write_command
from cellsk.cli._options import (
    GENERAL,
    OUTPUT,
    Folder,
    FollowLinks,
    Force,
    GroupPattern,
    Groups,
    GroupsCsv,
    ImageColumn,
    Json,
    LabelColumn,
    Labels,
    TestFolder,
    TestLabels,
    count_option,
    option,
)
from cellsk.cli._outputs import Writer, check_files, make_json_writer, write_files
from cellsk.cli._progress import show_steps
from cellsk.cli._terminal import print_note, print_result, show_warnings
from cellsk.cli._values import parse_groups
from cellsk.exceptions import InputError

if TYPE_CHECKING:
    from cellsk.audit import AuditReport

__all__ = ["audit"]

FOUND_ERRORS = 1


class _Source(NamedTuple):
    """Options that name the patients, and columns of the csv files."""

    pattern: str | None
    column: str | None
    csv_path: Path | None
    label_column: str | None
    image_column: str | None
    follow_links: bool


class _Side(NamedTuple):
    """Images of one folder. Class names and patients are None if they are unknown."""

    paths: Any
    labels: Any
    groups: Any
    not_read: list[str]


def audit(
    context: typer.Context,
    folder: Folder,
    test: TestFolder = None,
    labels: Labels = None,
    test_labels: TestLabels = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    follow_links: FollowLinks = False,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
    groups_csv: GroupsCsv = None,
    csv: Annotated[
        Path | None,
        option(
            OUTPUT,
            metavar="FILE",
            help="Csv file to write: each image of each finding.",
        ),
    ] = None,
    json: Json = None,
    force: Force = False,
    near_duplicates: Annotated[
        bool,
        option(
            GENERAL,
            "--near-duplicates/--no-near-duplicates",
            help="Find rotated, flipped and re-encoded copies.",
        ),
    ] = True,
    jobs: Annotated[
        int,
        count_option(GENERAL, 1, 1000, also=-1, help="Processes; -1 is one per core."),
    ] = -1,
) -> None:
    """Find damaged files, duplicates and other problems.

    It also finds patients in both training and test, and labels that can be predicted without
    the cells, for example from the size of the file. The exit code is 1 if a finding is an error.
    """
    from cellsk.audit import audit_images

    show_warnings()
    check_files({"findings": csv, "json": json}, force=force)
    if test_labels is not None and test is None:
        raise InputError("needs --test", "no folder", "Pass --test.", parameter="--test-labels")
    source = _Source(group_pattern, groups, groups_csv, label_column, image_column, follow_links)
    train = _list_side(folder, labels, source)
    print_note(describe_counts(train.labels, train.groups))
    tested = None if test is None else _list_side(test, test_labels, source, train.labels)
    with show_steps():
        report = audit_images(
            train.paths,
            train.labels,
            train.groups,
            test_paths=None if tested is None else tested.paths,
            test_y=None if tested is None else tested.labels,
            test_groups=None if tested is None else tested.groups,
            near_duplicates=near_duplicates,
            not_read=[*train.not_read, *([] if tested is None else tested.not_read)],
            n_jobs=jobs,
        )
    report.findings = word_findings(report.findings)
    print_result(str(report), csv, json)
    _save(report, csv, json)
    if report.has_errors:
        raise typer.Exit(FOUND_ERRORS)
    if train.labels is not None:
        print_next((write_command(context, "evaluate", folder), "estimate how well a model works"))


def _save(report: AuditReport, csv: Path | None, json: Path | None) -> None:
    """Write the findings, as far as files are wanted."""
    write_document = make_json_writer("audit", report.to_dict())
    write_table: Writer = partial(_write_findings, report)
    writers = [(csv, write_table), (json, write_document)]
    wanted = [(path, write) for path, write in writers if path is not None]
    write_files(wanted, [], ("findings.json", write_document))


def _write_findings(report: AuditReport, path: Path) -> None:
    table = report.frame(by="image").astype({"set": "Int64"})  # may be missing
    table["file"] = [escape_cell(str(name), keep_bytes=True) for name in table["file"]]
    with whole_file(path) as draft:
        table.to_csv(draft, index=False, errors="surrogateescape")


def _list_side(
    folder: Path, labels: Path | None, source: _Source, train_labels: Sequence[str] | None = None
) -> _Side:
    """List a folder, which may lack labels or hold one class only, unlike for training."""
    from cellsk.datasets import list_images

    groups = parse_groups(source.column)
    list_files = partial(
        list_images,
        folder,
        labels=False if labels is None else labels,
        label_column=None if labels is None else source.label_column,
        image_column=None if labels is None else source.image_column,
        group_pattern=source.pattern,
        groups=groups if source.csv_path is None else None,
        follow_links=source.follow_links,
    )
    listed = _list_with_classes(list_files, None if labels is None else train_labels)
    known = listed.groups
    if source.csv_path is not None:
        column = source.image_column if labels in (None, source.csv_path) else None
        known, _ = read_groups_csv(listed, source.csv_path, source.column, column)
    if labels is None:
        labels_found = _read_class_folders(listed, groups)
        return _Side(listed.paths, labels_found, known, listed.not_read)
    print_note(describe_label_columns(listed.label_columns, labels))
    names = [listed.target_names[code] for code in listed.y]
    return _Side(listed.paths, names, known, listed.not_read)


def _list_with_classes(list_files: Callable[..., Any], train_labels: Sequence[str] | None) -> Any:
    """List test images, which may lack classes of the training images, or have others."""
    classes = None if train_labels is None else sorted(set(train_labels))
    try:
        return list_files(classes=classes)
    except InputError as error:
        if error.code != "classes-differ" or classes is None:
            raise
        return list_files(classes=[*classes, *error.values["unknown"]])


def _read_class_folders(listed: Any, level: object) -> list[str] | None:
    """Return the first folder of each path, or None if no image is in a sub-folder.

    Raises
    ------
    ValueError
        When only some images are in a sub-folder, or the sub-folders are not classes.
    """
    from cellsk.datasets import check_not_splits, list_images, warn_class_folders

    if not listed.folders:  # a single image
        return None
    folder = listed.folders[0]
    relative = [os.path.relpath(path, folder).replace(os.sep, "/") for path in listed.paths]
    inside = ["/" in path for path in relative]
    if not any(inside):
        return None
    if not all(inside):
        list_images(folder)  # raises an error that says what to do
    check_not_splits(folder, relative, level=level)
    names = [path.split("/")[0] for path in relative]
    warn_class_folders(set(names), relative)
    return names
