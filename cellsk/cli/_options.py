"""The options that several commands share, and what their texts mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from cellsk._checks import check_number, check_option

__all__ = [
    "BatchSize",
    "Epochs",
    "Filters",
    "Folder",
    "Folds",
    "GroupPattern",
    "Groups",
    "GroupsCsv",
    "ImageSize",
    "Json",
    "Labels",
    "Seed",
    "SkipUnreadable",
    "check_aggregation",
    "check_calibration",
    "check_rate",
    "check_share",
    "parse_filters",
    "parse_groups",
    "parse_size",
]

Folder = Annotated[Path, typer.Argument(help="Folder with one sub-folder per class.")]
Labels = Annotated[
    Path | None, typer.Option(help="Csv file with the labels, if there are no sub-folders.")
]
GroupPattern = Annotated[
    str | None,
    typer.Option(help=r"Regular expression that finds the patient in a path, such as '(P\d+)'."),
]
Groups = Annotated[
    str | None,
    typer.Option(
        help="Column of the csv (of --groups-csv, else of --labels), or level of the folder, "
        "of the patient."
    ),
]
GroupsCsv = Annotated[
    Path | None,
    typer.Option(
        help="Csv file with a header: one column names the image (path, filename, file, image or "
        "id), one its patient (patient, subject, case, donor, animal, group, slide or wsi, the "
        "first of these; or as --groups says); others may name site or scanner."
    ),
]
ImageSize = Annotated[
    str | None, typer.Option(help="Resize images to this: 96, or 96x128 (height x width).")
]
Filters = Annotated[str, typer.Option(help="Filters of each convolution.")]
Epochs = Annotated[int, typer.Option(min=1, help="Passes over the images, at most.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Images per step.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed: the same gives the same numbers.")]
Folds = Annotated[int, typer.Option(min=2, help="Number of folds.")]
SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out files that cannot be decoded.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")]


def check_rate(param: typer.CallbackParam, value: float | None) -> float | None:
    """Return a share of images above 0, all of them included, or raise.

    Raises
    ------
    ValueError
        When it is no such share.
    """
    return _check_share(param, value, closed="right")


def check_share(param: typer.CallbackParam, value: float | None) -> float | None:
    """Return a share between 0 and 1, or raise.

    Raises
    ------
    ValueError
        When it is no such share.
    """
    return _check_share(param, value, closed="neither")


def _check_share(param: typer.CallbackParam, value: float | None, *, closed: str) -> float | None:
    if value is None:
        return None
    try:
        return check_number(_name_option(param), value, low=0, high=1, closed=closed)
    except ValueError as error:
        remedy = f" Pass {value / 100:g} for {value:g} %." if 1 < value < 100 else ""
        raise ValueError(f"{error}{remedy}") from None


def check_calibration(param: typer.CallbackParam, value: str | None) -> str | None:
    """Return the name of a calibration, or raise.

    Raises
    ------
    ValueError
        When there is none of this name.
    """
    if value is None:
        return None
    return str(check_option(_name_option(param), value, ("sigmoid", "isotonic", "temperature")))


def check_aggregation(param: typer.CallbackParam, value: str) -> str:
    """Return the name of an aggregation, or raise.

    Raises
    ------
    ValueError
        When there is none of this name.
    """
    return str(check_option(_name_option(param), value, ("mean", "max", "vote")))


def _name_option(param: typer.CallbackParam) -> str:
    return f"--{str(param.name).replace('_', '-')}"


def parse_filters(text: str) -> tuple[int, ...]:
    """Return ``"16,32"`` as (16, 32), or raise.

    Raises
    ------
    ValueError
        When it is not whole numbers with commas between.
    """
    counts = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if min(counts) < 1:
        raise ValueError(
            "--filters must be positive whole numbers with commas between, such as 32,64. "
            f"Got {text!r}."
        )
    return tuple(counts)


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return ``"96"`` or ``"96x96"`` as (96, 96), or raise.

    Raises
    ------
    ValueError
        When it is neither.
    """
    if text is None:
        return None
    sizes = re.fullmatch(r"(\d{1,4})(?:[x,](\d{1,4}))?", text.strip().lower())
    if sizes is None:
        raise ValueError(
            "--image-size must be pixels, up to 9999: 96, or 96x128 for height x width. "
            f"Got {text!r}."
        )
    height, width = sizes[1], sizes[2] or sizes[1]
    return int(height), int(width)


def parse_groups(text: str | None) -> int | str | None:
    """Return a folder level as int, a column as str."""
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return text
