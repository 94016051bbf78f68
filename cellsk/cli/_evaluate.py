"""``cellsk evaluate``: honest numbers of a folder, with intervals, as text, page and JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from cellsk._checks import check_option
from cellsk._files import check_output
from cellsk.cli._cells import Told, say, show_warnings
from cellsk.cli._interrupt import stopping_after
from cellsk.cli._listing import Listing, list_cells
from cellsk.cli._options import (
    BatchSize,
    Epochs,
    Filters,
    Folder,
    GroupPattern,
    Groups,
    GroupsCsv,
    ImageSize,
    Labels,
    Seed,
    SkipUnreadable,
    check_aggregation,
    check_calibration,
    check_rate,
    check_share,
    parse_filters,
    parse_size,
)
from cellsk.cli._progress import show_progress
from cellsk.cli._quiet import start_tensorflow
from cellsk.cli._wording import say_as_options

__all__ = ["evaluate"]


def evaluate(
    folder: Folder,
    folds: Annotated[
        int | None, typer.Option(min=2, show_default=False, help="Number of folds; else 5.")
    ] = None,
    cv: Annotated[
        Path | None, typer.Option(help="Fold manifest to repeat, as --save-folds writes it.")
    ] = None,
    labels: Labels = None,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
    groups_csv: GroupsCsv = None,
    site: Annotated[
        str | None, typer.Option(help="Column of the groups csv whose images stay in one fold.")
    ] = None,
    subgroup: Annotated[
        list[str] | None, typer.Option(help="Column of the groups csv to give numbers by.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option(help="Positive class. Of two, the second by name.")
    ] = None,
    sensitivity: Annotated[
        float | None,
        typer.Option(
            callback=check_rate, metavar="(0, 1]", help="Choose the threshold for this sensitivity."
        ),
    ] = None,
    specificity: Annotated[
        float | None,
        typer.Option(
            callback=check_rate, metavar="(0, 1]", help="Choose the threshold for this specificity."
        ),
    ] = None,
    calibrate: Annotated[
        str | None,
        typer.Option(
            callback=check_calibration,
            metavar="METHOD",
            help="Calibrate probabilities: sigmoid, isotonic or temperature.",
        ),
    ] = None,
    prevalence: Annotated[
        float | None,
        typer.Option(
            callback=check_share,
            metavar="(0, 1)",
            help="Give PPV and NPV for this share of positives too.",
        ),
    ] = None,
    aggregation: Annotated[
        str,
        typer.Option(
            callback=check_aggregation,
            metavar="METHOD",
            help="How a patient's images become one: mean, max or vote.",
        ),
    ] = "mean",
    max_uncertainty: Annotated[
        float | None,
        typer.Option(
            callback=check_share,
            metavar="(0, 1)",
            help="Refer images that are more uncertain to a pathologist.",
        ),
    ] = None,
    leakage: Annotated[
        bool, typer.Option("--leakage", help="Say what ignoring patients would have claimed.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Page to write.")] = None,
    json: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Model card to write.")] = None,
    save_folds: Annotated[Path | None, typer.Option(help="Fold manifest to write.")] = None,
    max_pictures: Annotated[int, typer.Option(min=0, help="Images in the page, at most.")] = 200,
    image_size: ImageSize = None,
    filters: Filters = "32,64",
    epochs: Epochs = 30,
    batch_size: BatchSize = 32,
    seed: Seed = 0,
    skip_unreadable: SkipUnreadable = False,
) -> None:
    """Give the numbers to report: by patient, with intervals.

    Each image is predicted once, by a model that never saw its patient.
    """
    told = show_warnings()
    counts, size = parse_filters(filters), parse_size(image_size)
    outputs = _Outputs(html, json, markdown, save_folds, max_pictures)
    _check_outputs(outputs)
    n_folds = _count_folds(cv, folds)
    cells = list_cells(
        folder,
        labels=labels,
        group_pattern=group_pattern,
        groups=groups,
        groups_csv=groups_csv,
        skip_unreadable=skip_unreadable,
    )
    say(cells.describe())
    wanted = {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "prevalence": prevalence,
        "aggregation": aggregation,
    }
    _check_wanted(cells, wanted, leakage=leakage)
    settings: dict[str, Any] = wanted | {
        "cv": cv,
        "n_splits": n_folds,
        "pos_label": _name_positive(cells, positive),
        "sites": None if site is None else cells.column("--site", site),
        "subgroups": {name: cells.column("--subgroup", name) for name in subgroup or []},
        "calibrate": calibrate,
        "max_uncertainty": max_uncertainty,
        "left_out": cells.left_out,
        "random_state": seed,
    }
    pipeline = _build_pipeline(size, counts, epochs, batch_size, seed)
    n_fits = n_folds * _count_fits(calibrate=calibrate, tune=sensitivity or specificity)
    report = _run(pipeline, cells, n_fits, settings)
    _print(report, told)
    compare = partial(_compare, report, pipeline, n_fits) if leakage else None
    _hand_over(report, outputs, compare)


class _Outputs(NamedTuple):
    """Files to write, where they are wanted."""

    html: Path | None
    json: Path | None
    markdown: Path | None
    folds: Path | None
    max_pictures: int


def _check_outputs(outputs: _Outputs) -> None:
    """Refuse what cannot be written before hours of work, not after.

    Raises
    ------
    ValueError, OSError
        When an ending is another than it should be, or a file cannot be written.
    """
    for ending, path in zip((".html", ".json", ".md", ".csv"), outputs[:4], strict=True):
        if path is None:
            continue
        if path.suffix.lower() != ending:
            raise ValueError(f"This file must end in {ending}. Got {str(path)!r}. Rename it.")
        check_output(path)


def _count_folds(cv: Path | None, folds: int | None) -> int:
    """Return the number of folds: of the manifest, or as wanted.

    Raises
    ------
    ValueError, OSError
        When both are given and differ, or the manifest cannot be read.
    """
    if cv is None:
        return 5 if folds is None else folds
    from cellsk.model_selection import read_manifest

    n_folds = len({row["fold"] for row in read_manifest(cv)})
    if folds not in (None, n_folds):
        raise ValueError(
            f"The folds must be those of --cv. Got {cv.name} with {n_folds} folds, and "
            f"--folds {folds}. Leave one of them out."
        )
    say(f"Folds: the {n_folds} of {cv.name}.")
    return n_folds


def _check_wanted(cells: Listing, wanted: dict[str, Any], *, leakage: bool) -> None:
    """Refuse what these images cannot give.

    Raises
    ------
    ValueError
        When options exclude each other, or need two classes or known patients.
    """
    if wanted["sensitivity"] is not None and wanted["specificity"] is not None:
        raise ValueError(
            "The threshold is chosen for --sensitivity or for --specificity. Got both. "
            "Leave one of them out."
        )
    if len(cells.names) > 2:
        given = [f"--{name}" for name in ("sensitivity", "specificity", "prevalence")
                 if wanted[name] is not None]  # fmt: skip
        given += ["--aggregation max"] * (wanted["aggregation"] == "max")
        if given:
            raise ValueError(
                f"{given[0]} is for two classes. Got {len(cells.names)} classes. Leave it out."
            )
    if leakage and cells.groups is None:
        raise ValueError(
            "--leakage compares folds by patient with folds by image. Got no patients. Name them "
            "with --group-pattern, --groups or --groups-csv."
        )


def _build_pipeline(
    image_size: tuple[int, int] | None,
    filters: tuple[int, ...],
    epochs: int,
    batch_size: int,
    seed: int,
) -> Any:
    start_tensorflow()
    from sklearn.pipeline import Pipeline

    from cellsk.neural_network import CellClassifier
    from cellsk.preprocessing import ImageReader

    classifier = CellClassifier(
        filters=filters, epochs=epochs, batch_size=batch_size, random_state=seed
    )
    return Pipeline([("reader", ImageReader(image_size=image_size)), ("classifier", classifier)])


def _name_positive(cells: Listing, positive: str | None) -> str | None:
    """The positive class: as given, else the second of two."""
    names = cells.names
    if len(names) > 2:
        if positive is not None:
            raise ValueError(
                f"--positive is for two classes. Got {len(names)} classes. Leave it out: each "
                "class is then compared with all others."
            )
        return None
    if positive is not None:
        return str(check_option("--positive", positive, names))
    say(f"Positive class: {names[1]}. Name the other with --positive.")
    return names[1]


def _count_fits(*, calibrate: str | None, tune: float | None) -> int:
    """How many networks train in a fold: three to calibrate, three and one more to tune."""
    return (3 if calibrate is not None else 1) * (4 if tune is not None else 1)


def _run(pipeline: Any, cells: Listing, n_fits: int, settings: dict[str, Any]) -> Any:
    from cellsk.report import evaluate as evaluate_estimator

    with show_progress(pipeline["classifier"], n_fits):
        return evaluate_estimator(
            pipeline, cells.paths, cells.labels, groups=cells.groups, **settings
        )


def _print(report: Any, told: Told) -> None:
    """Print the summary, without the warnings that the user has read while it ran."""
    from cellsk.report import render_terminal

    new = [say_as_options(text) for text in report.document["warnings"] if told.is_new(text)]
    print(render_terminal(report.document | {"warnings": new}), flush=True)


def _hand_over(report: Any, outputs: _Outputs, compare: Callable[[], None] | None) -> None:
    """Write the files; then compare, which takes as long again, and write them with it."""
    written: list[Path] = []
    with stopping_after(written):
        _save(report, outputs, written)
        if outputs.folds is not None:
            report.save_folds(outputs.folds)
            _say_written(outputs.folds, written)
        if compare is not None:
            compare()
            _save(report, outputs, written)


def _save(report: Any, outputs: _Outputs, written: list[Path]) -> None:
    for path in (outputs.html, outputs.json, outputs.markdown):
        if path is not None:
            report.save(path, max_pictures=outputs.max_pictures)
            _say_written(path, written)


def _say_written(path: Path, written: list[Path]) -> None:
    say(f"Written{' again, with the comparison' if path in written else ''}: {path}.")
    if path not in written:
        written.append(path)


def _compare(report: Any, pipeline: Any, n_fits: int) -> None:
    """Evaluate once more, and say what ignoring patients would have claimed."""
    say("Once more, as if patients were unknown.")
    with show_progress(pipeline["classifier"], n_fits):
        found = report.leakage_gap()
    print(f"\n{found['sentence']}", flush=True)
