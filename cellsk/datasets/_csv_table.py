"""Csv files with one row for each image, matched to the images of a folder."""

from __future__ import annotations

import csv
import io
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cellsk._checks import count_noun, name_some
from cellsk._input_files import InputFileError, read_input
from cellsk._zip_files import is_zipped
from cellsk.datasets._column_names import IMAGE_COLUMNS, LABEL_COLUMNS, find_known, is_known_column
from cellsk.exceptions import InputError

__all__ = ["CsvTable", "ImageLookup", "Row", "locate_csv"]

MAX_BYTES = 2**30
_DELIMITERS = ",;\t"
_MOST_CELLS = 6  # of a row in an error
_SEP_LINE = re.compile(r'"?sep=([^\w\s"\'\r\n]|\t)"?[ \t]*\r?(?:\n|$)', re.IGNORECASE)

Row: TypeAlias = tuple[int, list[str]]  # line in the file, and its cells


@dataclass(frozen=True)
class CsvTable:
    """A csv file with a header.

    Attributes
    ----------
    path : str
    header : list of str
        Names of the columns.
    rows : list of (int, list of str)
        Line number and cells of each row that is not blank.
    """

    path: str
    header: list[str]
    rows: list[Row]

    @classmethod
    def read(cls, path: str, parameter: str) -> CsvTable:
        """Read a csv file that uses commas, semicolons or tabs.

        The delimiter is the one that gives most rows the same number of cells, unless a line
        such as ``sep=;`` at the top names it. Titles above the header are left out, and so are
        empty cells at the end of a row that is longer than the header.
        ``parameter`` is the parameter that named the file: errors are about it.

        Raises
        ------
        FileNotFoundError, ValueError
            If the file is missing, is not csv text, has no row below its header, or has a row
            with more or fewer cells than the header.
        """
        text = _read_text(path, parameter)
        named = _SEP_LINE.match(text)
        try:
            if named is not None:
                filled = _parse(text[named.end() :], named[1], lines_above=1)
            else:
                filled = _parse_best(text)
        except csv.Error as error:
            why = f"cannot be read ({error})"
            raise _describe(path, parameter, why, "Save it again as csv.") from None
        table = _drop_titles(filled)
        if len(table) < 2:
            why = "has no row below its header"
            raise _describe(path, parameter, why, "Add one for each image.")
        header = table[0][1]
        rows = [(line, _drop_empty_end(row, len(header))) for line, row in table[1:]]
        _check_row_lengths(path, header, rows)
        return cls(path, header, rows)

    def cells(self, column: int) -> list[str]:
        """Return the cells of a column."""
        return [row[column] for _, row in self.rows]

    def match(
        self, column: int, lookup: ImageLookup, *, other_images: bool = False
    ) -> dict[str, Row]:
        """Return the row of each image, which ``column`` names.

        ``other_images`` allows rows of images that ``lookup`` does not have.

        Raises
        ------
        ValueError
            If a row fits several images, or rows and images do not match one to one.
        """
        row_of, unknown = self._pair(column, lookup)
        if unknown and not other_images:
            raise InputError(
                f"Each row of {self.path!r} must name an image in {lookup.folder!r}",
                f"{count_noun(len(unknown), 'row')} without a file. First: {unknown[0]!r}",
                "Remove the rows, or add the files.",
            )
        missed = [path for path in lookup.paths if path not in row_of]
        if missed:
            raise InputError(
                f"Each image in {lookup.folder!r} must have a row in {self.path!r}",
                f"{count_noun(len(missed), 'file')} without a row. First: {missed[0]!r}",
                "Add the rows, or move the files away.",
            )
        return row_of

    def _pair(self, column: int, lookup: ImageLookup) -> tuple[dict[str, Row], list[str]]:
        """Return the row of each path that has one, and the names that match no path."""
        row_of: dict[str, Row] = {}
        unknown: list[str] = []
        for line, cells in self.rows:
            name = cells[column]
            hits = lookup.find(name)
            if len(hits) > 1:
                raise InputError(
                    f"Each row of {self.path!r} must name one image",
                    f"{name!r} in line {line}, which fits {name_some(hits)}",
                    "Write names with folder and extension.",
                )
            if not hits:
                unknown.append(name)
            elif hits[0] in row_of:
                raise InputError(
                    f"Each image must have one row in {self.path!r}",
                    f"{name!r} in line {row_of[hits[0]][0]} and again in line {line}",
                    "Remove one of them.",
                )
            else:
                row_of[hits[0]] = (line, cells)
        return row_of, unknown


def _read_text(path: str, parameter: str) -> str:
    try:
        data = read_input(path, MAX_BYTES)
    except InputFileError as error:
        raise _describe(path, parameter, str(error), "Pass a csv file.") from None
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"A csv file of {parameter.removesuffix('_csv')} must exist. Got {path!r}, which"
            " is not a file. Check the path."
        ) from None
    # Text does not hold a zero byte, except in UTF-16, which has an error below.
    if b"\0" in data[:1024] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        why = "is not text but an image, a spreadsheet or an archive"
        raise _describe(path, parameter, why, "Pass a csv file, or save the table as csv.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        why = "is not text in UTF-8"
        raise _describe(path, parameter, why, "Save it as 'CSV UTF-8'.") from None


def _parse(text: str, delimiter: str, lines_above: int = 0) -> list[Row]:
    """Return line number and cells of each row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    table = [(reader.line_num + lines_above, [cell.strip() for cell in row]) for row in reader]
    return [(line, row) for line, row in table if any(row)]


def _parse_best(text: str) -> list[Row]:
    """Parse the text with the delimiter that gives most rows one width of at least two cells.

    Raises
    ------
    csv.Error
        If no delimiter can be used.
    """
    parsed: list[list[Row]] = []
    failures: list[csv.Error] = []
    for delimiter in _DELIMITERS:
        if delimiter in text or delimiter == _DELIMITERS[0]:
            try:
                parsed.append(_parse(text, delimiter))
            except csv.Error as error:
                failures.append(error)
    best = max(parsed, key=_rank_widths, default=[])
    if failures and _rank_widths(best) == (0, 0):
        raise failures[0]
    return best


def _rank_widths(table: list[Row]) -> tuple[int, int]:
    """Return the count and the width of the rows that have the most common width."""
    widths = Counter(len(row) for _, row in table if len(row) > 1)
    return max(((count, width) for width, count in widths.items()), default=(0, 0))


def _drop_titles(table: list[Row]) -> list[Row]:
    """Leave out titles and comments above the header."""
    _, width = _rank_widths(table)
    rows = [row for _, row in table]
    first = 0
    while width and first + 1 < len(rows) and _is_title(rows[first], rows[first + 1], width):
        first += 1
    return table[first:]


def _is_title(row: list[str], below: list[str], width: int) -> bool:
    """Return whether a row is not the header, which names the columns, but above it.

    A title has one filled cell, or the header is below it: a row with more cells, or with the
    name of the column of images. One name beside a column without a name is a header.
    """
    filled = [cell for cell in row if cell]
    if len(filled) == 1:
        beside_nameless = len(row) == width == 2 and (not row[0] or is_known_column(filled[0]))
        return not beside_nameless
    if len(row) > width == len(below) and find_known(below, IMAGE_COLUMNS):
        return not find_known(row, (*IMAGE_COLUMNS, *LABEL_COLUMNS))
    if any(map(is_known_column, filled)):
        return False
    narrow = len(row) < width == len(below) and any(map(is_known_column, below))
    return narrow or row[0].startswith("# ") or bool(find_known(below, IMAGE_COLUMNS))


def _drop_empty_end(row: list[str], width: int) -> list[str]:
    """Return a row without the empty cells that a spreadsheet writes behind the last column."""
    return row if any(row[width:]) else row[:width]


def _check_row_lengths(path: str, header: list[str], rows: list[Row]) -> None:
    """Refuse rows longer or shorter than the header: their cells are in the wrong columns."""
    uneven = [(line, row) for line, row in rows if len(row) != len(header)]
    if uneven:
        line, row = uneven[0]
        raise InputError(
            f"Each row of {path!r} must have {count_noun(len(header), 'cell')}, like the header",
            f"{count_noun(len(uneven), 'row')} with more or fewer. First: line {line}, with"
            f" {len(row)}: {', '.join(map(repr, row[:_MOST_CELLS]))}"
            f"{', ...' if len(row) > _MOST_CELLS else ''}",
            "Put a cell that holds a comma, such as 'carcinoma, in situ', in quotation marks, and"
            " fill in missing cells.",
            code="csv-row-length",
        )


def _describe(path: str, parameter: str, why: str, remedy: str) -> InputError:
    return InputError(
        "must be a csv file with a header",
        f"{path!r}, which {why}",
        remedy,
        parameter=parameter,
    )


def locate_csv(path: str | os.PathLike[str], folders: Sequence[str]) -> str:
    """Return the path of a csv file, looked up here first and then in the folders."""
    if not os.path.exists(path):
        for folder in folders:
            inside = os.path.join(folder, os.fspath(path))
            if os.path.exists(inside) or is_zipped(inside):
                return inside
    return os.fspath(path)


class ImageLookup:
    """Images by path or by name, with or without extension; exact matches come first.

    Parameters
    ----------
    folder : str
        The folder of the images. Names may include it.
    paths : list of str
        Image files relative to the folder, with forward slashes; or of several folders.
    relative : list of str, default=None
        Their paths relative to their folder, if ``paths`` are those of several folders.
    """

    def __init__(self, folder: str, paths: list[str], relative: list[str] | None = None) -> None:
        self.folder = folder
        self.paths = paths
        self._prefix = _normalize(folder).rstrip("/") + "/"
        self._tiers: list[dict[str, list[str]]] = [defaultdict(list) for _ in range(6)]
        for path, inner in zip(paths, paths if relative is None else relative, strict=True):
            whole, part = _normalize(path), _normalize(inner)
            names = (whole, part, os.path.basename(whole))
            keys = (*names, *(os.path.splitext(name)[0] for name in names))
            for tier, key in zip(self._tiers, keys, strict=True):
                tier[key].append(path)

    def find(self, name: str) -> list[str]:
        """Return the images that a cell of the csv may mean."""
        wanted = _normalize(name)
        if wanted not in self._tiers[0]:
            wanted = wanted.removeprefix(self._prefix)
        return next((tier[wanted] for tier in self._tiers if wanted in tier), [])

    def is_named_by(self, cells: list[str]) -> bool:
        """Return whether all cells name images, or all images are named by cells."""
        found = [self.find(cell) for cell in cells]
        return all(found) or {path for hits in found for path in hits}.issuperset(self.paths)


def _normalize(name: str) -> str:
    """Return a path with forward slashes and composed accents, as csv files vary in both."""
    return unicodedata.normalize("NFC", name.replace("\\", "/").removeprefix("./"))
