"""The options that several commands share, and what their texts mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "BatchSize",
    "Classes",
    "Epochs",
    "Filters",
    "Folder",
    "Folds",
    "GroupPattern",
    "Groups",
    "ImageSize",
    "Json",
    "Labels",
    "Seed",
    "SkipUnreadable",
    "parse_filters",
    "parse_groups",
    "parse_size",
]

Folder = Annotated[Path, typer.Argument(help="Folder with one sub-folder per class.")]
Labels = Annotated[
    Path | None, typer.Option(help="Csv file with the labels, if there are no sub-folders.")
]
Classes = Annotated[str | None, typer.Option(help="Names of the classes: benign,malignant.")]
GroupPattern = Annotated[
    str | None,
    typer.Option(help=r"Regular expression that finds the patient in a path, such as '(P\d+)'."),
]
Groups = Annotated[
    str | None, typer.Option(help="Column of the csv, or level of the folder, of the patient.")
]
ImageSize = Annotated[
    str | None, typer.Option(help="Resize images to this: 96, or 96x128 (height x width).")
]
Filters = Annotated[str, typer.Option(help="Filters of each convolution.")]
Epochs = Annotated[int, typer.Option(help="Passes over the images, at most.")]
BatchSize = Annotated[int, typer.Option(help="Images per step.")]
Seed = Annotated[int, typer.Option(help="Seed: the same gives the same numbers.")]
Folds = Annotated[int, typer.Option(help="Number of folds.")]
SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out files that cannot be decoded.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")]


def parse_filters(text: str) -> tuple[int, ...]:
    """Return ``"16,32"`` as (16, 32), or raise.

    Raises
    ------
    ValueError
        When it is not whole numbers with commas between.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"--filters must be whole numbers with commas between, such as 32,64. Got {text!r}."
        ) from None


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return ``"96"`` or ``"96x96"`` as (96, 96), or raise.

    Raises
    ------
    ValueError
        When it is neither.
    """
    if text is None:
        return None
    try:
        sizes = [int(part) for part in text.lower().replace(",", "x").split("x")]
        height, width = sizes * 2 if len(sizes) == 1 else sizes
    except ValueError:
        raise ValueError(
            f"--image-size must be pixels, such as 96, or 96x128 for height x width. Got {text!r}."
        ) from None
    return height, width


def parse_groups(text: str | None) -> int | str | None:
    """Return a folder level as int, a column as str."""
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return text
