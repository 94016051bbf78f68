"""Labels and groups from a csv file with one row for each image."""

from __future__ import annotations

from cellsk._checks import count_noun
from cellsk.datasets._csv_table import IMAGE_COLUMNS, CsvTable, Row, find_column
from cellsk.exceptions import InputError

__all__ = ["read_labels_csv"]

_LABEL_COLUMNS = ("label", "class", "target", "diagnosis", "y")


def read_labels_csv(
    csv_path: str, folder: str, paths: list[str], group_column: str | None
) -> tuple[list[str], list[str] | None]:
    """Return the label and the group of each of ``paths``, in their order.

    Parameters
    ----------
    csv_path : str
        A csv file with a header.
    folder : str
        The folder of the images. Cells may include it.
    paths : list of str
        Image files relative to the folder, with forward slashes.
    group_column : str or None
        Column of the groups.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, cannot be read as csv, or does not match the images.
    """
    table = CsvTable.read(csv_path, "labels")
    image, label, group = _choose_columns(table, group_column)
    _check_row_lengths(table, max(image, label, -1 if group is None else group))
    row_of = table.match(image, folder, paths)
    rows = [row_of[path] for path in paths]
    labels = _take_column(table, label, rows)
    return labels, None if group is None else _take_column(table, group, rows)


def _choose_columns(table: CsvTable, group_column: str | None) -> tuple[int, int, int | None]:
    """Return the places of the image, label and group columns."""
    listed = ", ".join(map(repr, table.header))
    group = None
    if group_column is not None:
        if table.header.count(group_column) != 1:
            raise InputError(
                f"must name one column of {table.path!r}",
                f"{group_column!r}, and the columns are {listed}",
                "Pass one of these.",
                parameter="groups",
                code="groups-column-unknown",
            )
        group = table.header.index(group_column)
    image = find_column(table.header, IMAGE_COLUMNS, [group])
    label = find_column(table.header, _LABEL_COLUMNS, [group, image])
    if image is None or label is None:
        raise InputError(
            "must have a column of file names and one of labels",
            f"{table.path!r}, with {count_noun(len(table.header), 'column')}: {listed}",
            "Name them 'id' and 'label', separated by a comma.",
            parameter="labels",
        )
    return image, label, group


def _check_row_lengths(table: CsvTable, last: int) -> None:
    short = [line for line, row in table.rows if len(row) <= last]
    if short:
        raise InputError(
            "must have a file name and a label in every row",
            f"{table.path!r}, with {count_noun(len(short), 'row')} too short. First: line"
            f" {short[0]}",
            "Fill it in.",
            parameter="labels",
        )


def _take_column(table: CsvTable, place: int, rows: list[Row]) -> list[str]:
    empty = [line for line, cells in rows if not cells[place]]
    if empty:
        raise InputError(
            f"Column {table.header[place]!r} of {table.path!r} must be filled in every row",
            f"{count_noun(len(empty), 'empty cell')}. First: line {min(empty)}",
            "Fill them in.",
        )
    return [cells[place] for _, cells in rows]
