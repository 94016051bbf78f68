"""Labels and groups from a csv file with one row for each image."""

from __future__ import annotations

import csv
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import TypeAlias

from cellsk._checks import count_noun, name_some

# The most telling name first: an `id` beside a `filename` is mostly a row number.
_IMAGE_COLUMNS = ("path", "filename", "file", "image", "id")
_LABEL_COLUMNS = ("label", "class", "target", "diagnosis", "y")

_Rows: TypeAlias = list[tuple[int, list[str]]]


def read_labels_csv(
    csv_path: str, folder: str, paths: list[str], group_column: str | None
) -> tuple[list[str], list[str] | None]:
    """Return label and group of each of ``paths``, in their order.

    Parameters
    ----------
    csv_path : str
        A csv file with a header.
    folder : str
        The folder of the images, which cells may name too.
    paths : list of str
        Image files relative to the folder, with forward slashes.
    group_column : str or None
        Column of the groups.

    Raises
    ------
    FileNotFoundError, ValueError
        When the file is missing, cannot be read as csv, or does not match the images.
    """
    header, rows = _read_rows(csv_path)
    image, label, group = _choose_columns(csv_path, header, group_column)
    _check_row_lengths(csv_path, rows, max(image, label, -1 if group is None else group))
    row_of = _match_rows(csv_path, folder, paths, [(line, row[image]) for line, row in rows])
    cells = dict(rows)
    labels = _take_column(
        csv_path, header[label], [(row_of[p], cells[row_of[p]][label]) for p in paths]
    )
    if group is None:
        return labels, None
    return labels, _take_column(
        csv_path, header[group], [(row_of[p], cells[row_of[p]][group]) for p in paths]
    )


def _read_rows(csv_path: str) -> tuple[list[str], _Rows]:
    """Return the header, and each row that is not blank with its line number."""
    rule = f"labels must be a csv file with a header. Got {csv_path!r}, which"
    if not os.path.isfile(csv_path):
        raise FileNotFoundError(f"{rule} is no file. Check the path.")
    try:
        with open(csv_path, encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            stream.seek(0)
            reader = csv.reader(stream, delimiter=max(",;\t", key=first.count), strict=True)
            table = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except UnicodeDecodeError:
        raise ValueError(f"{rule} is not text in UTF-8. Save it as 'CSV UTF-8'.") from None
    except csv.Error as error:
        raise ValueError(f"{rule} cannot be read ({error}). Save it again as csv.") from None
    filled = [(line, row) for line, row in table if any(row)]
    if len(filled) < 2:
        raise ValueError(f"{rule} has no row below its header. Add one for each image.")
    return filled[0][1], filled[1:]


def _choose_columns(
    csv_path: str, header: list[str], group_column: str | None
) -> tuple[int, int, int | None]:
    """Return the places of the image, label and group columns."""
    group = None
    if group_column is not None:
        if header.count(group_column) != 1:
            raise ValueError(
                f"groups must name one column of {csv_path!r}. Got {group_column!r}, and the"
                f" columns are {', '.join(map(repr, header))}. Pass one of these."
            )
        group = header.index(group_column)
    names = [name.lower() for name in header]
    image = _find_column(names, _IMAGE_COLUMNS, taken=[group])
    label = _find_column(names, _LABEL_COLUMNS, taken=[group, image])
    if image is None or label is None:
        raise ValueError(
            f"labels must have a column of file names and one of labels. Got {csv_path!r}, with"
            f" {count_noun(len(header), 'column')}: {', '.join(map(repr, header))}. Name them"
            " 'id' and 'label', separated by a comma."
        )
    return image, label, group


def _find_column(names: list[str], wanted: Iterable[str], taken: list[int | None]) -> int | None:
    free = [place for place in range(len(names)) if place not in taken]
    by_name = [place for name in wanted for place in free if names[place] == name]
    return next(iter(by_name + free), None)


def _check_row_lengths(csv_path: str, rows: _Rows, last: int) -> None:
    short = [line for line, row in rows if len(row) <= last]
    if short:
        raise ValueError(
            f"labels must have a file name and a label in every row. Got {csv_path!r}, with"
            f" {count_noun(len(short), 'row')} too short. First: line {short[0]}. Fill it in."
        )


def _match_rows(
    csv_path: str, folder: str, paths: list[str], names: list[tuple[int, str]]
) -> dict[str, int]:
    """Return the line of each path: each row names one image, and each image has one row."""
    row_of, unknown = _pair_rows(csv_path, folder, paths, names)
    _check_complete(csv_path, folder, unknown, [path for path in paths if path not in row_of])
    return row_of


def _pair_rows(
    csv_path: str, folder: str, paths: list[str], names: list[tuple[int, str]]
) -> tuple[dict[str, int], list[str]]:
    """Return the line of each path that has one, and the names that are of no path."""
    lookup = _Lookup(folder, paths)
    row_of: dict[str, int] = {}
    unknown: list[str] = []
    for line, name in names:
        hits = lookup.find(name)
        if len(hits) > 1:
            raise ValueError(
                f"Each row of {csv_path!r} must name one image. Got {name!r} in line {line},"
                f" which fits {name_some(hits)}. Write names with folder and extension."
            )
        if not hits:
            unknown.append(name)
        elif hits[0] in row_of:
            raise ValueError(
                f"Each image must have one row in {csv_path!r}. Got {name!r} in line"
                f" {row_of[hits[0]]} and again in line {line}. Remove one of them."
            )
        else:
            row_of[hits[0]] = line
    return row_of, unknown


def _check_complete(csv_path: str, folder: str, unknown: list[str], missed: list[str]) -> None:
    if unknown:
        raise ValueError(
            f"Each row of {csv_path!r} must name an image in {folder!r}. Got"
            f" {count_noun(len(unknown), 'row')} without a file. First: {unknown[0]!r}. Remove"
            " the rows, or add the files."
        )
    if missed:
        raise ValueError(
            f"Each image in {folder!r} must have a row in {csv_path!r}. Got"
            f" {count_noun(len(missed), 'file')} without a row. First: {missed[0]!r}. Add the"
            " rows, or move the files away."
        )


class _Lookup:
    """Find images by path or name, with or without extension; the exact way first."""

    def __init__(self, folder: str, paths: list[str]) -> None:
        self._prefix = _normalize(folder).rstrip("/") + "/"
        self._tiers: list[dict[str, list[str]]] = [defaultdict(list) for _ in range(4)]
        for path in paths:
            whole = _normalize(path)
            stem = os.path.splitext(whole)[0]
            keys = (whole, os.path.basename(whole), stem, os.path.basename(stem))
            for tier, key in zip(self._tiers, keys, strict=True):
                tier[key].append(path)

    def find(self, name: str) -> list[str]:
        """Return the images that a cell of the csv may mean."""
        wanted = _normalize(name).removeprefix(self._prefix)
        return next((tier[wanted] for tier in self._tiers if wanted in tier), [])


def _normalize(name: str) -> str:
    """Return a path with forward slashes and composed accents, as csv files vary in both."""
    return unicodedata.normalize("NFC", name.replace("\\", "/").removeprefix("./"))


def _take_column(csv_path: str, column: str, cells: list[tuple[int, str]]) -> list[str]:
    empty = [line for line, cell in cells if not cell]
    if empty:
        raise ValueError(
            f"Column {column!r} of {csv_path!r} must be filled in every row. Got"
            f" {count_noun(len(empty), 'empty cell')}. First: line {min(empty)}. Fill them in."
        )
    return [cell for _, cell in cells]
