"""Labeled images of a folder, as the options of a command describe them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cellsk._checks import count_noun, name_some
from cellsk._class_words import guess_positive
from cellsk.cli._terminal import print_note
from cellsk.cli._values import parse_groups
from cellsk.exceptions import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "LabeledImages",
    "describe_counts",
    "describe_label_columns",
    "list_labeled_images",
    "read_groups_csv",
]


class FileOptions(NamedTuple):
    """Options that say which files of a folder are listed, and where their labels are."""

    labels: Path | None
    label_column: str | None
    image_column: str | None
    skip_unreadable: bool
    follow_links: bool


class PatientOptions(NamedTuple):
    """Options that name the patients."""

    group_pattern: str | None
    groups: str | None
    groups_csv: Path | None


class LabeledImages(NamedTuple):
    """Paths of the images of a folder, with class names, patients and columns of the csv."""

    paths: NDArray[np.str_]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    columns: dict[str, NDArray[np.str_]]
    left_out: list[tuple[str, str]]  # files that cannot be decoded, and why

    @property
    def class_names(self) -> list[str]:
        """Sorted names of the classes."""
        return sorted(set(self.labels.tolist()))

    @property
    def positive_class(self) -> str | None:
        """The one of two classes whose name says so, or else the second; None for more."""
        names = self.class_names
        return (guess_positive(names) or names[1]) if len(names) == 2 else None

    def column(self, option: str, name: str) -> NDArray[np.str_]:
        """Return a column of the groups csv.

        Raises
        ------
        InputError
            When it has no column of that name.
        """
        if name not in self.columns:
            raise InputError(
                "must name a column of --groups-csv",
                f"{name!r}, with columns {name_some(list(self.columns), 9) or 'none'}",
                "Pass one of these."
                if self.columns
                else "Pass --groups-csv with a file that has it.",
                parameter=option,
            )
        return self.columns[name]

    def describe(self) -> str:
        """Return the counts of images, classes and patients in a sentence."""
        return describe_counts(self.labels, self.groups)


def describe_counts(labels: NDArray | Sequence[str] | None, groups: NDArray | None) -> str:
    """Return the counts of images, classes and patients in a sentence."""
    import numpy as np

    parts = []
    if labels is not None:
        names, counts = np.unique(np.asarray(labels), return_counts=True)
        listed = ", ".join(f"{count:,} {name}" for name, count in zip(names, counts, strict=True))
        parts.append(f"{count_noun(int(counts.sum()), 'image')}: {listed}")
    parts.append(
        "patients unknown" if groups is None else count_noun(len(np.unique(groups)), "patient")
    )
    return "; ".join(parts) + "."


def list_labeled_images(
    folder: Path | Sequence[Path],
    *,
    labels: Path | None = None,
    label_column: str | None = None,
    image_column: str | None = None,
    group_pattern: str | None = None,
    groups: str | None = None,
    groups_csv: Path | None = None,
    skip_unreadable: bool = False,
    classes: Sequence[str] | None = None,
    follow_links: bool = False,
    reader: Any = None,
    title: str = "",
) -> LabeledImages:
    """List a labeled folder, add the columns of the groups csv, and print the counts.

    ``classes`` and ``reader`` are those of a model. Not all classes need images. ``title`` comes
    before the counts.

    Raises
    ------
    ValueError, OSError
        When the folder or a csv file does not have the expected content.
    """
    import numpy as np

    from cellsk.datasets import list_images

    column_or_level = parse_groups(groups)
    listed = list_images(
        folder,
        labels=labels,
        classes=classes,
        label_column=label_column,
        image_column=None if labels is None else image_column,
        group_pattern=group_pattern,
        groups=None if groups_csv is not None else column_or_level,
        verify=skip_unreadable and (True if reader is None else reader),
        follow_links=follow_links,
    )
    if listed.y is None:
        raise InputError(
            "The folder must contain one sub-folder per class, such as 'benign' and 'malignant'",
            f"{listed.folders[0]!r}, with {count_noun(len(listed.paths), 'image')} and no"
            " sub-folder",
            "Pass --labels labels.csv, or the folder above.",
        )
    patients: NDArray[np.str_] | None = listed.groups
    columns: dict[str, NDArray[np.str_]] = {}
    if groups_csv is not None:
        column = image_column if labels in (None, groups_csv) else None
        patients, columns = read_groups_csv(listed, groups_csv, groups, column)
    names = np.array(listed.target_names)[listed.y]
    images = LabeledImages(listed.paths, names, patients, columns, listed.unreadable or [])
    print_note(f"{title}{images.describe()}")
    if labels is not None:
        print_note(describe_label_columns(listed.label_columns, labels))
    return images


def describe_label_columns(columns: Sequence[str], labels: Path) -> str:
    """Return a sentence that names the columns of the labels."""
    listed = ", ".join(map(repr, columns[:10]))
    if len(columns) == 1:
        return f"Labels: column {listed} of {labels.name}."
    return f"Labels: one-hot columns {listed} of {labels.name}."


def read_groups_csv(
    listed: Any,
    groups_csv: Path,
    column: str | None,
    image_column: str | None = None,
) -> tuple[NDArray[np.str_], dict[str, NDArray[np.str_]]]:
    """Return patients and columns of the groups csv, and print where the patients come from.

    Raises
    ------
    ValueError, OSError
        When the csv file does not have the expected content, or patients are given twice.
    """
    import numpy as np

    from cellsk._columns import normalize_name
    from cellsk.datasets import choose_group_column, is_slide_column, read_columns_csv

    columns = read_columns_csv(groups_csv, listed.folders, listed.paths, image_column=image_column)
    if listed.groups is not None:
        if column is not None:
            raise InputError(
                "Patients must come from --group-pattern or from --groups",
                f"both, and {column!r}",
                "Leave one out.",
            )
        print_note(
            f"Patients: from --group-pattern. The columns of {groups_csv.name} are used for"
            " --subgroup and --site only."
        )
        return listed.groups, columns
    name = choose_group_column(columns, column, csv_path=str(groups_csv))
    note = f"Patients: column {name!r} of {groups_csv.name}"
    if is_slide_column(name):
        note += (
            ", which names slides. If a patient has several slides, name the column of the"
            " patients with --groups"
        )
    print_note(f"{note}.")
    return np.array(list(map(normalize_name, columns[name].tolist()))), columns
