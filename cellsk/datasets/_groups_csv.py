"""Patients, sites, scanners and stains from the columns of a csv file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_some
from cellsk._class_words import is_missing_word
from cellsk.datasets._column_names import GROUP_COLUMNS, SLIDE_COLUMNS, find_known, is_nameless
from cellsk.datasets._csv_columns import check_first_line, choose_image_column
from cellsk.datasets._csv_table import CsvTable, ImageLookup, locate_csv
from cellsk.datasets._sources import make_relative
from cellsk.exceptions import InputError

__all__ = ["choose_group_column", "is_slide_column", "read_columns_csv"]


def read_columns_csv(
    csv_path: str | os.PathLike[str],
    folder: str | os.PathLike[str] | Sequence[str],
    paths: Sequence[str] | NDArray[np.str_],
    *,
    image_column: str | None = None,
) -> dict[str, NDArray[np.str_]]:
    """Return the columns of a csv file, one value for each of ``paths``, in their order.

    The images are in a column with a known name, such as file, image_path or id, or else in the
    only column whose cells name them: by name or by path relative to the folder, with or without
    extension, as in :func:`list_images`. Every image needs one row. Rows of other images are
    ignored, so one file can serve several folders. Cells are text without the surrounding blanks;
    an empty cell is ``""``. A column without a name, such as the row numbers of pandas, is left
    out.

    Parameters
    ----------
    csv_path : str or path-like
        A csv file with a header, as given or inside of ``folder``.
    folder : str or path-like, or a sequence of str
        The folder of the images, or several.
    paths : sequence of str
        Image files, as ``list_images(folder)`` returns them or relative to ``folder``.
    image_column : str, default=None
        The column that names the images.

    Returns
    -------
    columns : dict of {str: ndarray of shape (n_samples,), dtype str}
        All columns except that of the files, by their names in the header.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, cannot be read as csv, has no column besides that of the
        files, does not cover the images, or it is not clear which column names them.

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
    folders = [os.fspath(folder)] if isinstance(folder, str | os.PathLike) else list(folder)
    table = CsvTable.read(locate_csv(csv_path, folders), "groups_csv")
    names = [make_relative(str(path), folders) for path in paths]
    lookup = ImageLookup(folders[0] if folders else "", names)
    if len(folders) != 1:
        lookup = ImageLookup(lookup.folder, [str(path) for path in paths], names)
    check_first_line(table, lookup, "groups_csv")
    nameless = [place for place, name in enumerate(table.header) if is_nameless(name)]
    _check_header(table, [place for place in range(len(table.header)) if place not in nameless])
    image = choose_image_column(table, lookup, given=image_column, taken=nameless)
    taken = [place for place in range(len(table.header)) if place not in (*nameless, image)]
    row_of = table.match(image, lookup, other_images=True)
    found = [row_of[name][1] for name in lookup.paths]
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
    names = list(columns)
    known = find_known(names, GROUP_COLUMNS)
    if name is not None:
        chosen = name if name in columns else None
    elif len(columns) == 1:
        chosen = names[0]
    else:
        chosen = names[known[0]] if known else None
    if chosen is None:
        raise InputError(
            "The csv must have a column of patients",
            f"{csv_path!r} with {', '.join(map(repr, columns))}"
            f"{'' if name is None else f', which does not include {name!r}'}",
            "Name it 'patient', or pass groups= with one of these columns.",
            code="groups-column-missing",
        )
    empty = [cell for cell in columns[chosen].tolist() if is_missing_word(cell, patient=True)]
    if empty:
        raise InputError(
            f"Column {chosen!r} of {csv_path!r} must be filled for every image",
            f"{count_noun(len(empty), 'empty cell')}{_name_words(empty)}",
            "Fill them in, or leave out these images.",
        )
    return chosen


def _name_words(cells: list[str]) -> str:
    words = sorted({cell for cell in cells if cell})
    return f", with {name_some(words)}" if words else ""


def is_slide_column(name: str) -> bool:
    """Return whether a column holds slides. A patient may have several."""
    return bool(find_known([name], SLIDE_COLUMNS))


def _check_header(table: CsvTable, named: list[int]) -> None:
    names = [table.header[place] for place in named]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            "must name each column once",
            f"{table.path!r}, with {name_some(twice)} more than once",
            "Rename one of them.",
            parameter="groups_csv",
        )
    if len(names) < 2:
        raise InputError(
            "must have a column of file names and another column",
            f"{table.path!r}, with {', '.join(map(repr, table.header))}",
            "Name them 'file' and 'group', separated by a comma.",
            parameter="groups_csv",
        )
