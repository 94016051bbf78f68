"""Options that several commands share, and the parsers of their values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from cellsk._checks import check_number, check_option
from cellsk._files import STANDARD_OUTPUT
from cellsk.exceptions import InputError

__all__ = [
    "Aggregation",
    "BatchSize",
    "Epochs",
    "Filters",
    "Folder",
    "Folds",
    "FollowLinks",
    "Force",
    "GroupPattern",
    "Groups",
    "GroupsCsv",
    "Html",
    "ImageColumn",
    "ImageSize",
    "Json",
    "JsonFile",
    "LabelColumn",
    "Labels",
    "Markdown",
    "MaxPictures",
    "MaxUncertainty",
    "Positive",
    "Prevalence",
    "Seed",
    "SkipUnreadable",
    "Store",
    "Subgroups",
    "check_calibration",
    "check_rate",
    "check_scoring",
    "parse_filters",
    "parse_groups",
    "parse_output",
    "parse_size",
]


def check_store(value: Path | None) -> Path | None:
    """Return the path of a folder that exists or can be made, or raise.

    Raises
    ------
    InputError
        When it is a file.
    """
    if value is not None and value.exists() and not value.is_dir():
        raise InputError(
            "must be a folder", f"the file {str(value)!r}", "Name another.", parameter="--store"
        )
    return value


def parse_output(value: Path | None) -> Path | None:
    """Return the file to write. ``-`` is standard output."""
    return STANDARD_OUTPUT if value is not None and str(value) == "-" else value


def check_rate(param: typer.CallbackParam, value: float | None) -> float | None:
    """Return a fraction in (0, 1], or raise.

    Raises
    ------
    InputError
        When the number is outside of this range.
    """
    return _check_fraction(param, value, closed="right")


def check_fraction(param: typer.CallbackParam, value: float | None) -> float | None:
    """Return a fraction in (0, 1), or raise.

    Raises
    ------
    InputError
        When the number is outside of this range.
    """
    return _check_fraction(param, value, closed="neither")


def _check_fraction(
    param: typer.CallbackParam, value: float | None, *, closed: str
) -> float | None:
    if value is None:
        return None
    try:
        return check_number(_name_option(param), value, low=0, high=1, closed=closed)
    except InputError as error:
        remedy = f"Pass {value / 100:g} for {value:g}%." if 1 < value < 100 else ""
        raise InputError(error.rule, error.got, remedy) from None


def check_calibration(param: typer.CallbackParam, value: str | None) -> str | None:
    """Return the name of a calibration method, or raise.

    Raises
    ------
    InputError
        When there is no method of this name.
    """
    if value is None:
        return None
    return str(check_option(_name_option(param), value, ("sigmoid", "isotonic", "temperature")))


def check_aggregation(param: typer.CallbackParam, value: str) -> str:
    """Return the name of an aggregation, or raise.

    Raises
    ------
    InputError
        When there is no aggregation of this name.
    """
    return str(check_option(_name_option(param), value, ("mean", "max", "vote")))


def check_scoring(param: typer.CallbackParam, value: str | None) -> str | None:
    """Return the name of a score to rank by, or raise.

    Raises
    ------
    InputError
        When there is no score of this name.
    """
    from cellsk.model_selection import SEARCH_SCORES

    return None if value is None else str(check_option(_name_option(param), value, SEARCH_SCORES))


def _name_option(param: typer.CallbackParam) -> str:
    return f"--{str(param.name).replace('_', '-')}"


def parse_filters(text: str) -> tuple[int, ...]:
    """Return ``"16,32"`` as (16, 32), or raise.

    Raises
    ------
    InputError
        When the text is not whole numbers separated by commas.
    """
    counts = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if min(counts) < 1:
        raise InputError(
            "must be positive whole numbers separated by commas, such as 32,64",
            repr(text),
            parameter="--filters",
        )
    return tuple(counts)


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return ``"96"`` or ``"96x96"`` as (96, 96), or raise.

    Raises
    ------
    InputError
        When the text is neither of the two.
    """
    if text is None:
        return None
    sizes = re.fullmatch(r"(\d{1,4})(?:[x,](\d{1,4}))?", text.strip().lower())
    if sizes is None:
        raise InputError(
            "must be pixels, up to 9999: 96, or 96x128 for height x width",
            repr(text),
            parameter="--image-size",
        )
    height, width = sizes[1], sizes[2] or sizes[1]
    return int(height), int(width)


def parse_groups(text: str | None) -> int | str | None:
    """Return the level of a folder as int, or the name of a column as str."""
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return text


Folder = Annotated[Path, typer.Argument(help="Folder of images, with one sub-folder per class.")]
Labels = Annotated[
    Path | None,
    typer.Option(help="Csv file with the labels, for a folder without a sub-folder per class."),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of --labels that holds the classes.  [default: label, class, target,"
        " diagnosis or category; else the only one left; else a one-hot table]"
    ),
]
ImageColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of --labels, or else of --groups-csv, that names the image.  [default: path,"
        " file, image, id or a similar name; else the only one whose cells name the images]"
    ),
]
GroupPattern = Annotated[
    str | None,
    typer.Option(
        help=r"Regular expression that finds the patient in the path of each image. The text"
        r" inside the parentheses is the patient: '(P\d+)' finds P01 in benign/P01-S1-0047.png."
    ),
]
Groups = Annotated[
    str | None,
    typer.Option(
        help="Where the name of the patient is: a column of --groups-csv or --labels, or a folder"
        " level, such as -1 for the folder that contains the image."
    ),
]
GroupsCsv = Annotated[
    Path | None,
    typer.Option(
        help="Csv file with the patients. It has a header. One column names the image (path, file,"
        " image, id or a similar name). Another names the patient (the first of patient, subject,"
        " case, donor, animal, group, slide and wsi, or the column that --groups names). More"
        " columns, such as site or scanner, are allowed."
    ),
]
ImageSize = Annotated[
    str | None,
    typer.Option(
        help="Resize the images to this size in pixels: 96, or 96x128 for height x width."
        "  [default: no change; all images must then have one size]"
    ),
]
Filters = Annotated[
    str,
    typer.Option(help="Number of filters of each convolutional layer: 32,64 is two layers."),
]
Epochs = Annotated[int, typer.Option(min=1, help="Maximum number of passes over the images.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Number of images per training step.")]
Seed = Annotated[
    int, typer.Option(min=0, help="Random seed. The same seed gives the same results.")
]
Folds = Annotated[int, typer.Option(min=2, help="Number of folds of the cross-validation.")]
Store = Annotated[
    Path | None,
    typer.Option(
        callback=check_store,
        help="Folder that keeps the decoded images, so that the next command starts faster."
        "  [default: a temporary folder, removed at the end]",
    ),
]
SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out files that cannot be decoded.")
]
FollowLinks = Annotated[
    bool,
    typer.Option(
        "--follow-links",
        help="Follow symbolic links out of the folder, such as those of git-annex and DVC.",
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Overwrite existing files that cellsk did not write."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Subgroups = Annotated[
    list[str] | None,
    typer.Option(
        "--subgroup",
        help="Column of --groups-csv. Also show the scores for each of its values.",
    ),
]
Positive = Annotated[
    str | None,
    typer.Option(
        help="Class that sensitivity is about.  [default: the one named malignant, tumor,"
        " infected or the like; else the second of two by name]"
    ),
]
Prevalence = Annotated[
    float | None,
    typer.Option(
        callback=check_fraction,
        metavar="(0, 1)",
        help="Also show the predictive values (PPV, NPV) if this fraction of images is positive.",
    ),
]
Aggregation = Annotated[
    str,
    typer.Option(
        callback=check_aggregation,
        metavar="METHOD",
        help="How to combine the predictions for the images of a patient: mean, max or vote.",
    ),
]
MaxUncertainty = Annotated[
    float | None,
    typer.Option(
        callback=check_fraction,
        metavar="(0, 1)",
        help="Also show the scores without the images whose uncertainty (1 minus the highest"
        " probability) is higher: a pathologist would classify these.",
    ),
]
Html = Annotated[Path | None, typer.Option(callback=parse_output, help="Web page to write.")]
JsonFile = Annotated[Path | None, typer.Option(callback=parse_output, help="JSON file to write.")]
Markdown = Annotated[
    Path | None,
    typer.Option(
        callback=parse_output,
        help="Markdown file to write, with the same results (a model card).",
    ),
]
MaxPictures = Annotated[int, typer.Option(min=0, help="Maximum number of images on the web page.")]
