"""Labels and groups from a csv file with one row for each image."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from cellsk._checks import count_noun
from cellsk._class_words import find_missing_words, is_missing_word
from cellsk._columns import normalize_name
from cellsk.datasets._csv_columns import (
    check_first_line,
    choose_image_column,
    choose_label_columns,
    find_named,
    read_flag,
)
from cellsk.datasets._csv_table import CsvTable, ImageLookup, Row
from cellsk.exceptions import InputError

__all__ = ["CsvColumns", "CsvLabels", "read_labels_csv"]


class CsvColumns(NamedTuple):
    """Columns that the caller names, each of which may be None."""

    image: str | None = None
    label: str | None = None
    group: str | None = None


class CsvLabels(NamedTuple):
    """Labels and groups of the images, and the columns of the labels."""

    labels: list[str]
    groups: list[str] | None
    columns: list[str]


def read_labels_csv(
    csv_path: str,
    lookup: ImageLookup,
    named: CsvColumns,
    classes: Collection[str],
    *,
    other_images: bool = False,
) -> CsvLabels:
    """Return the label and the group of each image of ``lookup``, in their order.

    Parameters
    ----------
    csv_path : str
        A csv file with a header.
    lookup : ImageLookup
        The images.
    named : CsvColumns
        Columns of the images, labels and groups, as far as the caller names them.
    classes : collection of str
        Classes that the caller names. Such a cell is a label, even if it is a word such as NA.
    other_images : bool, default=False
        Whether rows of images that ``lookup`` does not have are ignored.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, cannot be read as csv, does not match the images, or it is not
        clear which column holds what.
    """
    table = CsvTable.read(csv_path, "labels")
    check_first_line(table, lookup, "labels")
    image, labels, group = _choose_columns(table, lookup, named)
    row_of = table.match(image, lookup, other_images=other_images)
    rows = [row_of[path] for path in lookup.paths]
    names = (
        _take_column(table, labels[0], rows, classes)
        if len(labels) == 1
        else _take_one_hot(table, labels, rows)
    )
    groups = None if group is None else _take_patients(table, group, rows)
    return CsvLabels(names, groups, [table.header[place] for place in labels])


def _choose_columns(
    table: CsvTable, lookup: ImageLookup, named: CsvColumns
) -> tuple[int, list[int], int | None]:
    """Return the places of the image, label and group columns."""
    if len(table.header) < 2:
        raise InputError(
            "must have a column of file names and one of labels",
            f"{table.path!r}, with {count_noun(len(table.header), 'column')}:"
            f" {', '.join(map(repr, table.header))}",
            "Name them 'id' and 'label', separated by a comma.",
            parameter="labels",
        )
    group = None
    if named.group is not None:
        group = find_named(table, named.group, "groups", "groups-column-unknown")
    taken = [] if group is None else [group]
    if named.label is not None:
        taken.append(find_named(table, named.label, "label_column", "label-column-unknown"))
    image = choose_image_column(table, lookup, given=named.image, taken=taken)
    return image, choose_label_columns(table, image, given=named.label, group=group), group


def _take_column(
    table: CsvTable, place: int, rows: list[Row], allowed: Collection[str] = ()
) -> list[str]:
    cells = [row[place] for _, row in rows]
    _check_filled(table, place, rows, set(find_missing_words(cells)) - set(allowed))
    return cells


def _take_patients(table: CsvTable, place: int, rows: list[Row]) -> list[str]:
    cells = [row[place] for _, row in rows]
    _check_filled(table, place, rows, {c for c in cells if is_missing_word(c, patient=True)})
    return list(map(normalize_name, cells))


def _check_filled(table: CsvTable, place: int, rows: list[Row], missing: set[str]) -> None:
    """Refuse rows whose cell is one of the texts for a missing value."""
    empty = [(line, cells[place]) for line, cells in rows if cells[place] in missing]
    if empty:
        line, word = min(empty)
        raise InputError(
            f"Column {table.header[place]!r} of {table.path!r} must be filled in every row",
            f"{count_noun(len(empty), 'empty cell')}. First: line {line}"
            f"{f', with {word!r}' if word else ''}",
            "Fill them in, or leave out these images.",
            code="csv-cells-empty",
        )


def _take_one_hot(table: CsvTable, places: list[int], rows: list[Row]) -> list[str]:
    """Return the name of the column that holds the only 1 of each row."""
    names = []
    for line, cells in rows:
        marked = [table.header[place] for place in places if read_flag(cells[place])]
        if len(marked) != 1:
            raise InputError(
                f"Each row of {table.path!r} must have one 1 in the columns of the classes, which"
                f" are {', '.join(repr(table.header[place]) for place in places)}",
                f"line {line} with {len(marked)}",
                "Correct the row, or pass label_column= with the column of the labels.",
                code="one-hot-row",
            )
        names.append(marked[0])
    return names
