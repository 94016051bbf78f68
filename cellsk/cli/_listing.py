"""From the options of a command to the paths, labels and patients of a folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cellsk._checks import count_noun, name_some
from cellsk.cli._options import parse_groups

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Listing", "describe_cells", "list_cells", "say", "take_patients"]


class Listing(NamedTuple):
    """Images of a folder by path, with class names, patients and further columns."""

    paths: NDArray[np.str_]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    columns: dict[str, NDArray[np.str_]]
    left_out: list[tuple[str, str]]  # files that cannot be decoded, and why

    @property
    def names(self) -> list[str]:
        """Names of the classes."""
        return sorted(set(self.labels.tolist()))

    def column(self, option: str, name: str) -> NDArray[np.str_]:
        """Return a column of the groups csv.

        Raises
        ------
        ValueError
            When there is none of that name.
        """
        if name not in self.columns:
            raise ValueError(
                f"{option} must name a column of --groups-csv. "
                f"Got {name!r}, with columns {name_some(list(self.columns), 9) or 'none'}."
            )
        return self.columns[name]

    def describe(self) -> str:
        """Return the counts in a sentence."""
        return describe_cells(self.labels, self.groups)


def say(text: str) -> None:
    """Print a line for the reader on stderr; stdout is for results."""
    print(text, file=sys.stderr)


def describe_cells(labels: NDArray | Sequence[str] | None, groups: NDArray | None) -> str:
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


def list_cells(
    folder: Path,
    *,
    labels: Path | None = None,
    group_pattern: str | None = None,
    groups: str | None = None,
    groups_csv: Path | None = None,
    skip_unreadable: bool = False,
) -> Listing:
    """List a labelled folder, and join the columns of the groups csv.

    Raises
    ------
    ValueError, OSError
        When the folder or a csv is not as it should be.
    """
    import numpy as np

    from cellsk.datasets import list_images

    listed = list_images(
        folder,
        labels=labels,
        group_pattern=group_pattern,
        groups=None
        if groups_csv is not None
        else (groups if labels is not None else parse_groups(groups)),
        verify=skip_unreadable,
    )
    if listed.y is None:
        raise ValueError(
            "The folder must contain one sub-folder per class, such as 'benign' and 'malignant'. "
            f"Got {str(folder)!r}, with {count_noun(len(listed.paths), 'image')} and no "
            "sub-folder. Pass --labels labels.csv, or the folder above."
        )
    known: NDArray[np.str_] | None = listed.groups
    columns: dict[str, NDArray[np.str_]] = {}
    if groups_csv is not None:
        known, columns = take_patients(listed, folder, groups_csv, groups)
    names = np.array(listed.target_names)[listed.y]
    return Listing(listed.paths, names, known, columns, listed.unreadable or [])


def take_patients(
    listed: Any, folder: Path, groups_csv: Path, column: str | None
) -> tuple[NDArray[np.str_], dict[str, NDArray[np.str_]]]:
    """Return patients and columns of the groups csv, and say what the patients are taken from.

    Raises
    ------
    ValueError, OSError
        When the csv is not as it should be, or patients are named twice.
    """
    from cellsk.datasets import choose_group_column, is_slide_column, read_columns_csv

    columns = read_columns_csv(groups_csv, folder, listed.paths)
    if listed.groups is not None:
        if column is not None:
            raise ValueError(
                "Patients must come from --group-pattern or from --groups. "
                f"Got both, and {column!r}. Leave one out."
            )
        say(
            f"Patients: --group-pattern, and no column of {groups_csv.name}, whose columns "
            "serve --subgroup and --site."
        )
        return listed.groups, columns
    name = choose_group_column(columns, column, csv_path=str(groups_csv))
    if is_slide_column(name):
        say(
            f"Patients: column {name!r} of {groups_csv.name}, which names slides. If a patient "
            "has several, name the column of the patients with --groups."
        )
    else:
        say(f"Patients: column {name!r} of {groups_csv.name}.")
    return columns[name], columns
