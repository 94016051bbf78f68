"""Options that several commands share: their names, help, groups, bounds and completion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cellsk._checks import join_words
from cellsk.cli._values import (
    check_store,
    make_choice_parser,
    make_count_parser,
    make_fraction_parser,
    parse_output,
)

__all__ = [
    "ARCHITECTURES",
    "AUGMENTATIONS",
    "CROSS_VALIDATION",
    "DATA",
    "GENERAL",
    "NETWORK",
    "NO_AUGMENTATION",
    "N_FOLDS",
    "OUTPUT",
    "PATIENTS",
    "PREDICTIONS",
    "SCORES",
    "Aggregation",
    "Architecture",
    "Augmentation",
    "BatchSize",
    "Epochs",
    "Filters",
    "Folder",
    "Folds",
    "FoldsOrNone",
    "FollowLinks",
    "Force",
    "GroupPattern",
    "Groups",
    "GroupsCsv",
    "Html",
    "ImageColumn",
    "ImageSize",
    "Json",
    "LabelColumn",
    "Labels",
    "Markdown",
    "MaxPictures",
    "MaxUncertainty",
    "Positive",
    "Prevalence",
    "Seed",
    "SkipUnreadable",
    "Stain",
    "Store",
    "Subgroups",
    "TestFolder",
    "TestGroupsCsv",
    "TestLabels",
    "choice_option",
    "count_option",
    "fraction_option",
    "option",
]

# The groups of options in the help, in the order of the parameters of a command.
DATA = "Data"
PATIENTS = "Patients"
CROSS_VALIDATION = "Cross-validation"
PREDICTIONS = "Predictions"
SCORES = "Scores"
NETWORK = "Network"
OUTPUT = "Output"
GENERAL = "General"

N_FOLDS = 5
ARCHITECTURES = ("seed", "compact", "equivariant")
STAINS = ("macenko", "reinhard", "vahadane")
# Those of cellsk.neural_network, which takes a second to import; none is None there.
NO_AUGMENTATION = "none"
AUGMENTATIONS = ("auto", NO_AUGMENTATION, "dihedral", "stain", "microscopy")
AGGREGATIONS = ("mean", "max", "vote")


def option(group: str, *names: str, **settings: Any) -> Any:
    """Return an option in a group of the help. Outputs named ``-`` are standard output."""
    if group == OUTPUT and settings.get("metavar") == "FILE":
        settings["callback"] = parse_output
    return typer.Option(*names, rich_help_panel=group, **settings)


def count_option(
    group: str, low: int, high: int, *, also: int | None = None, **settings: Any
) -> Any:
    """Return an option that takes a whole number from ``low`` to ``high``."""
    parse = make_count_parser(low, high, also=also)
    return option(group, metavar="N", parser=str, callback=parse, **settings)


def fraction_option(group: str, *, include_one: bool = False, **settings: Any) -> Any:
    """Return an option that takes a fraction in (0, 1), or in (0, 1]."""
    parse = make_fraction_parser(include_one=include_one)
    return option(group, metavar="FRACTION", parser=str, callback=parse, **settings)


def choice_option(
    group: str, choices: Sequence[str], *, metavar: str, help: str, **settings: Any
) -> Any:
    """Return an option that takes one of the words in ``choices``, which its help lists."""
    listed = join_words(choices).replace(" and ", " or ")
    return option(
        group,
        metavar=metavar,
        callback=make_choice_parser(choices),
        autocompletion=lambda: list(choices),
        help=f"{help}: {listed}.",
        **settings,
    )


Folder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER", help="Folder of images, one sub-folder per class, or a zip file of it."
    ),
]
Labels = Annotated[
    Path | None,
    option(DATA, metavar="FILE.csv", help="Labels of the images, instead of sub-folders."),
]
TestFolder = Annotated[
    Path | None,
    option(DATA, "--test", metavar="FOLDER", help="Folder of test images."),
]
TestLabels = Annotated[
    Path | None, option(DATA, metavar="FILE.csv", help="Labels of the test images.")
]
LabelColumn = Annotated[
    str | None,
    option(
        DATA,
        metavar="COLUMN",
        help="Column of --labels with the classes.",
        show_default="by its name, such as label",
    ),
]
ImageColumn = Annotated[
    str | None,
    option(
        DATA,
        metavar="COLUMN",
        help="Column of the csv file with the file names.",
        show_default="by its name, such as path",
    ),
]
SkipUnreadable = Annotated[
    bool, option(DATA, "--skip-unreadable", help="Leave out files that cannot be decoded.")
]
FollowLinks = Annotated[
    bool,
    option(DATA, "--follow-links", help="Follow links out of the folder (git-annex, DVC)."),
]
Store = Annotated[
    Path | None,
    option(
        DATA,
        metavar="FOLDER",
        callback=check_store,
        help="Keep decoded images here for the next command.",
        show_default="a temporary folder",
    ),
]
GroupPattern = Annotated[
    str | None,
    option(
        PATIENTS,
        metavar="REGEX",
        help=r"Find the patient in each path: '(P\d+)' finds P01 in benign/P01-S1-0047.png.",
    ),
]
Groups = Annotated[
    str | None,
    option(
        PATIENTS,
        metavar="COLUMN",
        help="Column with the patients, or a level of the folders: 0 is the first, -1 the last.",
    ),
]
GroupsCsv = Annotated[
    Path | None,
    option(
        PATIENTS,
        metavar="FILE.csv",
        help="File names and patients of the images.",
    ),
]
TestGroupsCsv = Annotated[
    Path | None,
    option(
        PATIENTS,
        metavar="FILE.csv",
        help="File names and patients of the test images.",
        show_default="that of --groups-csv",
    ),
]
Positive = Annotated[
    str | None,
    option(
        PREDICTIONS,
        metavar="CLASS",
        help="Class that sensitivity is about.",
        show_default="by its name, such as malignant; else the second",
    ),
]
Aggregation = Annotated[
    str,
    choice_option(
        PREDICTIONS,
        AGGREGATIONS,
        metavar="METHOD",
        help="How to combine the images of a patient",
    ),
]
Subgroups = Annotated[
    list[str] | None,
    option(
        SCORES,
        "--subgroup",
        metavar="COLUMN",
        help="Column of --groups-csv: also show the scores for each of its values.",
    ),
]
Prevalence = Annotated[
    float | None,
    fraction_option(SCORES, help="Also show PPV and NPV at this prevalence."),
]
MaxUncertainty = Annotated[
    float | None,
    fraction_option(
        SCORES,
        help="Also show the scores without images of higher uncertainty (1 minus the highest"
        " probability).",
    ),
]
_FOLDS = count_option(
    CROSS_VALIDATION, 2, 10_000, help="Number of folds.", show_default=str(N_FOLDS)
)
Folds = Annotated[int, _FOLDS]
FoldsOrNone = Annotated[int | None, _FOLDS]
ImageSize = Annotated[
    str | None,
    option(
        NETWORK,
        metavar="SIZE",
        help="Resize the images: 96, or 96x128 for height x width.",
        show_default="not resized",
    ),
]
Stain = Annotated[
    str | None,
    choice_option(
        NETWORK,
        STAINS,
        metavar="METHOD",
        help="Give all images the stain of the training images",
        show_default="as they are",
    ),
]
Architecture = Annotated[
    str, choice_option(NETWORK, ARCHITECTURES, metavar="NAME", help="Network to train")
]
Filters = Annotated[
    str | None,
    option(
        NETWORK,
        metavar="N,N,...",
        help="Filters of each convolution or block: 32,64 is two of them.",
        show_default="by architecture",
    ),
]
Augmentation = Annotated[
    str,
    choice_option(
        NETWORK, AUGMENTATIONS, metavar="NAME", help="Random changes of the images in training"
    ),
]
Epochs = Annotated[
    int | None,
    count_option(NETWORK, 1, 100_000, help="Maximum passes over the images.", show_default="30"),
]
BatchSize = Annotated[int, count_option(NETWORK, 1, 100_000, help="Images per training step.")]
Html = Annotated[Path | None, option(OUTPUT, metavar="FILE", help="Web page to write.")]
Json = Annotated[
    Path | None,
    option(
        OUTPUT,
        "--json",
        metavar="[FILE.json]",
        callback=parse_output,
        help="JSON file to write; without a name, print it.",
    ),
]
Markdown = Annotated[
    Path | None, option(OUTPUT, metavar="FILE", help="Model card to write, in Markdown.")
]
MaxPictures = Annotated[
    int, count_option(OUTPUT, 0, 100_000, help="Maximum images on the web page.")
]
Force = Annotated[
    bool, option(OUTPUT, "--force", help="Overwrite files that cellsk did not write.")
]
Seed = Annotated[int, count_option(GENERAL, 0, 2**32 - 1, help="Same seed, same results.")]
