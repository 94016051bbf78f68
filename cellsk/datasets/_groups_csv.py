"""Patients, sites, scanners and stains: the columns of a csv beside the labels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_some
from cellsk.datasets._labels_csv import (
    _IMAGE_COLUMNS,
    _find_column,
    _Lookup,
    _pair_rows,
    _read_rows,
)

__all__ = ["choose_group_column", "is_slide_column", "read_columns_csv"]

# From what must not be parted (the patient) to what may stand for it.
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
    :func:`list_images`. Every image needs one row; rows of other images are passed over,
    so that one file may serve several folders. Cells are text, without the blanks around
    them; an empty cell is ``""``. A column without a name, such as pandas' row numbers, is
    left out.

    Parameters
    ----------
    csv_path : str or path-like
        A csv file with a header, as given or inside of ``folder``.
    folder : str or path-like
        The folder of the images.
    paths : sequence of str
        Image files, as ``list_images(folder)`` names them or relative to ``folder``.

    Returns
    -------
    columns : dict of {str: ndarray of shape (n_samples,), dtype str}
        All columns but the one of the files, by their names in the header.

    Raises
    ------
    FileNotFoundError, ValueError
        When the file is missing, cannot be read as csv, names no column but the files', or
        does not cover the images.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from cellsk.datasets._groups_csv import read_columns_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder) / "slides.csv"
    ...     _ = table.write_text("file,patient,scanner\\na.png,P1,old\\nb.png,P2,new\\n")
    ...     read_columns_csv(table, folder, ["b.png", "a.png"])
    {'patient': array(['P2', 'P1'], dtype='<U2'), 'scanner': array(['new', 'old'], dtype='<U3')}
    """
    folder, csv_path = os.fspath(folder), _locate_csv(csv_path, os.fspath(folder))
    header, rows = _read_table(csv_path)
    names = [_make_relative(str(path), folder) for path in paths]
    _check_first_line(csv_path, header, _Lookup(folder, names))
    nameless: list[int | None] = [place for place, name in enumerate(header) if not name]
    image = _find_column([name.lower() for name in header], _IMAGE_COLUMNS, nameless) or 0
    taken = [place for place, name in enumerate(header) if name and place != image]
    _check_header(csv_path, header, taken)
    row_of = _match_images(csv_path, folder, names, [(line, row[image]) for line, row in rows])
    cells = dict(rows)
    found = [cells[row_of[name]] for name in names]
    return {header[place]: np.array([row[place] for row in found], str) for place in taken}


def choose_group_column(
    columns: Mapping[str, NDArray[np.str_]], name: str | None = None, *, csv_path: str = "csv"
) -> str:
    """Return the name of the column that holds the patients.

    Parameters
    ----------
    columns : mapping of str to ndarray
        From :func:`read_columns_csv`.
    name : str, default=None
        The column wanted. ``None`` takes the one named patient, subject, case, donor,
        animal, group, slide or wsi (with or without ``_id``; the first of these that is
        there), or else the only one.
    csv_path : str, default="csv"
        How the file is called in an error.

    Returns
    -------
    name : str
        A key of ``columns``, without empty cells.

    Raises
    ------
    ValueError
        When there is no such column, several could be meant, or it has empty cells.

    Examples
    --------
    >>> import numpy as np
    >>> from cellsk.datasets._groups_csv import choose_group_column
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
        wanted = "" if name is None else f", and {name!r} was asked for"
        raise ValueError(
            f"The csv must have a column of patients. Got {csv_path!r} with"
            f" {', '.join(map(repr, columns))}{wanted}. Name it 'patient', or pass groups="
            " with the name of a column."
        )
    n_empty = int((columns[chosen] == "").sum())
    if n_empty:
        raise ValueError(
            f"Column {chosen!r} of {csv_path!r} must be filled for every image. Got"
            f" {count_noun(n_empty, 'empty cell')}. Fill them in."
        )
    return chosen


def is_slide_column(name: str) -> bool:
    """Return whether a column names slides, of which a patient may have several."""
    return name.lower() in _SLIDE_COLUMNS


def _locate_csv(csv_path: str | os.PathLike[str], folder: str) -> str:
    inside = os.path.join(folder, csv_path)
    if not os.path.exists(csv_path) and os.path.exists(inside):
        return os.fspath(inside)
    return os.fspath(csv_path)


def _read_table(csv_path: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return header and rows, each row as long as the header."""
    _check_is_text(csv_path)
    try:
        header, rows = _read_rows(csv_path)
    except (FileNotFoundError, ValueError) as error:  # the reader speaks of labels
        text = str(error).replace("labels must be", "groups_csv must be", 1)
        raise type(error)(text) from None
    uneven = [line for line, row in rows if len(row) != len(header)]
    if uneven:
        raise ValueError(
            f"Each row of {csv_path!r} must have {count_noun(len(header), 'cell')}, as the header"
            f" has. Got {count_noun(len(uneven), 'row')} with more or fewer. First: line"
            f" {uneven[0]}. Put cells that hold a comma in quotation marks."
        )
    return header, rows


def _check_is_text(csv_path: str) -> None:
    """Refuse an image, a spreadsheet or an archive, by a byte that no text holds."""
    if not os.path.isfile(csv_path):
        return  # the reader says so
    with open(csv_path, "rb") as stream:
        start = stream.read(1024)
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(
            f"groups_csv must be a csv file with a header. Got {csv_path!r}, which is no text:"
            " an image, a spreadsheet or an archive. Pass a csv, or save the table as one."
        )


def _check_first_line(csv_path: str, header: list[str], lookup: _Lookup) -> None:
    """Refuse a first line that is about an image: its header is missing."""
    words = {*_IMAGE_COLUMNS, *_GROUP_COLUMNS}
    named = next((cell for cell in header if cell.lower() not in words and lookup.find(cell)), None)
    if named is not None:
        raise ValueError(
            f"groups_csv must be a csv file with a header. Got {csv_path!r}, whose first line"
            f" is of the image {named!r}. Add a line above it, such as 'file,patient'."
        )


def _check_header(csv_path: str, header: list[str], taken: list[int]) -> None:
    names = [header[place] for place in taken]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"groups_csv must name each column once. Got {csv_path!r}, with {name_some(twice)}"
            " more than once. Rename one of them."
        )
    if not names:
        raise ValueError(
            f"groups_csv must have a column of file names and another one. Got {csv_path!r}, with"
            f" {', '.join(map(repr, header))}. Name them 'file' and 'group', separated by a"
            " comma."
        )


def _make_relative(path: str, folder: str) -> str:
    """Return a path below the folder as list_images finds it: relative, forward slashes."""
    prefix = os.path.join(folder, "")
    return path.removeprefix(prefix).replace(os.sep, "/")


def _match_images(
    csv_path: str, folder: str, paths: list[str], names: list[tuple[int, str]]
) -> dict[str, int]:
    """Return the line of each path; lines of other images are passed over."""
    row_of, _ = _pair_rows(csv_path, folder, paths, names)
    missed = [path for path in paths if path not in row_of]
    if missed:
        raise ValueError(
            f"Each image in {folder!r} must have a row in {csv_path!r}. Got"
            f" {count_noun(len(missed), 'file')} without a row. First: {missed[0]!r}. Add the"
            " rows, or move the files away."
        )
    return row_of
