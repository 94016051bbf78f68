"""Patients, sites, scanners and stains from the columns of a csv file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_some
from cellsk.datasets._csv_table import (
    IMAGE_COLUMNS,
    CsvTable,
    ImageLookup,
    find_column,
    locate_csv,
)
from cellsk.exceptions import InputError

__all__ = ["choose_group_column", "is_slide_column", "read_columns_csv"]

# The patient comes first; the others are substitutes, the best one first.
_GROUP_WORDS = ("patient", "subject", "case", "donor", "animal", "group", "slide", "wsi")
_ENDS = ("", "_id", "id")
_GROUP_COLUMNS = [word + end for word in _GROUP_WORDS for end in _ENDS]
_SLIDE_COLUMNS = [word + end for word in ("slide", "wsi") for end in _ENDS]


def read_columns_csv(
    csv_path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    paths: Sequence[str] | NDArray[np.str_],
) -> dict[str, NDArray[np.str_]]:
    """Return the columns of a csv file, one value for each of ``paths``, in their order.

    The images are in the column named path, filename, file, image or id (else the
    first), by name or by path relative to the folder, with or without extension, as in
    :func:`list_images`. Every image needs one row. Rows of other images are ignored, so one
    file can serve several folders. Cells are text without the surrounding blanks; an empty
    cell is ``""``. A column without a name, such as the row numbers of pandas, is left out.

    Parameters
    ----------
    csv_path : str or path-like
        A csv file with a header, as given or inside of ``folder``.
    folder : str or path-like
        The folder of the images.
    paths : sequence of str
        Image files, as ``list_images(folder)`` returns them or relative to ``folder``.

    Returns
    -------
    columns : dict of {str: ndarray of shape (n_samples,), dtype str}
        All columns except that of the files, by their names in the header.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, cannot be read as csv, has no column besides that of the
        files, or does not cover the images.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from cellsk.datasets import read_columns_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder) / "slides.csv"
    ...     _ = table.write_text("file,patient,scanner\\na.png,P1,old\\nb.png,P2,new\\n")
    ...     read_columns_csv(table, folder, ["b.png", "a.png"])
    {'patient': array(['P2', 'P1'], dtype='<U2'), 'scanner': array(['new', 'old'], dtype='<U3')}
    """
    folder = os.fspath(folder)
    table = _read_table(locate_csv(csv_path, folder))
    names = [_make_relative(str(path), folder) for path in paths]
    _check_first_line(table, ImageLookup(folder, names))
    nameless = [place for place, name in enumerate(table.header) if not name]
    image = find_column(table.header, IMAGE_COLUMNS, nameless) or 0
    taken = [place for place, name in enumerate(table.header) if name and place != image]
    _check_header(table, taken)
    row_of = table.match(image, folder, names, other_images=True)
    found = [row_of[name][1] for name in names]
    return {table.header[place]: np.array([row[place] for row in found], str) for place in taken}


def choose_group_column(
    columns: Mapping[str, NDArray[np.str_]], name: str | None = None, *, csv_path: str = "csv"
) -> str:
    """Return the name of the column that holds the patients.

    Parameters
    ----------
    columns : mapping of str to ndarray
        From :func:`read_columns_csv`.
    name : str, default=None
        The column to use. ``None`` takes the first that exists of patient, subject, case,
        donor, animal, group, slide and wsi (with or without ``_id``), or else the only one.
    csv_path : str, default="csv"
        Name of the file in errors.

    Returns
    -------
    name : str
        A key of ``columns``, without empty cells.

    Raises
    ------
    ValueError
        If there is no such column, several are possible, or it has empty cells.

    Examples
    --------
    >>> import numpy as np
    >>> from cellsk.datasets import choose_group_column
    >>> choose_group_column({"site": np.array(["A"]), "Patient": np.array(["P1"])})
    'Patient'
    """
    by_name = {column.lower(): column for column in columns}
    if name is not None:
        chosen = name if name in columns else None
    elif len(columns) == 1:
        chosen = next(iter(columns))
    else:
        chosen = next((by_name[known] for known in _GROUP_COLUMNS if known in by_name), None)
    if chosen is None:
        raise InputError(
            "The csv must have a column of patients",
            f"{csv_path!r} with {', '.join(map(repr, columns))}"
            f"{'' if name is None else f', which does not include {name!r}'}",
            "Name it 'patient', or pass groups= with the name of a column.",
            code="groups-column-missing",
        )
    n_empty = int((columns[chosen] == "").sum())
    if n_empty:
        raise InputError(
            f"Column {chosen!r} of {csv_path!r} must be filled for every image",
            count_noun(n_empty, "empty cell"),
            "Fill them in.",
        )
    return chosen


def is_slide_column(name: str) -> bool:
    """Return whether a column holds slides. A patient may have several."""
    return name.lower() in _SLIDE_COLUMNS


def _read_table(csv_path: str) -> CsvTable:
    """Return a table whose rows are all as long as the header."""
    _check_is_text(csv_path)
    table = CsvTable.read(csv_path, "groups_csv")
    uneven = [line for line, row in table.rows if len(row) != len(table.header)]
    if uneven:
        raise InputError(
            f"Each row of {csv_path!r} must have {count_noun(len(table.header), 'cell')}, like"
            " the header",
            f"{count_noun(len(uneven), 'row')} with more or fewer. First: line {uneven[0]}",
            "Put cells that hold a comma in quotation marks.",
        )
    return table


def _check_is_text(csv_path: str) -> None:
    """Refuse an image, a spreadsheet or an archive by a zero byte, which text does not hold."""
    if not os.path.isfile(csv_path):
        return  # CsvTable.read raises
    with open(csv_path, "rb") as stream:
        start = stream.read(1024)
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(
            "must be a csv file with a header",
            f"{csv_path!r}, which is not text but an image, a spreadsheet or an archive",
            "Pass a csv file, or save the table as csv.",
            parameter="groups_csv",
        )


def _check_first_line(table: CsvTable, lookup: ImageLookup) -> None:
    """Refuse a table whose first line describes an image, as its header is missing."""
    words = {*IMAGE_COLUMNS, *_GROUP_COLUMNS}
    named = (cell for cell in table.header if cell.lower() not in words and lookup.find(cell))
    first = next(named, None)
    if first is not None:
        raise InputError(
            "must be a csv file with a header",
            f"{table.path!r}, whose first line describes the image {first!r}",
            "Add a line above it, such as 'file,patient'.",
            parameter="groups_csv",
        )


def _check_header(table: CsvTable, taken: list[int]) -> None:
    names = [table.header[place] for place in taken]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            "must name each column once",
            f"{table.path!r}, with {name_some(twice)} more than once",
            "Rename one of them.",
            parameter="groups_csv",
        )
    if not names:
        raise InputError(
            "must have a column of file names and another column",
            f"{table.path!r}, with {', '.join(map(repr, table.header))}",
            "Name them 'file' and 'group', separated by a comma.",
            parameter="groups_csv",
        )


def _make_relative(path: str, folder: str) -> str:
    """Return a path below the folder as list_images finds it: relative, forward slashes."""
    prefix = os.path.join(folder, "")
    return path.removeprefix(prefix).replace(os.sep, "/")
