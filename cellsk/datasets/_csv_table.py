"""Csv files with one row for each image, matched to the images of a folder."""

from __future__ import annotations

import csv
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from cellsk._checks import count_noun, name_some
from cellsk.exceptions import InputError

__all__ = ["IMAGE_COLUMNS", "CsvTable", "ImageLookup", "Row", "find_column", "locate_csv"]

# The best name first: an `id` beside a `filename` is usually a row number.
IMAGE_COLUMNS = ("path", "filename", "file", "image", "id")

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

        ``parameter`` is the parameter that named the file: errors are about it.

        Raises
        ------
        FileNotFoundError, ValueError
            If the file is missing, is not csv text, or has no row below its header.
        """
        if not os.path.isfile(path):
            raise FileNotFoundError(
                f"A csv file of {parameter.removesuffix('_csv')} must exist. Got {path!r}, which"
                " is not a file. Check the path."
            )
        try:
            with open(path, encoding="utf-8-sig", newline="") as stream:
                first = stream.readline()
                stream.seek(0)
                reader = csv.reader(stream, delimiter=max(",;\t", key=first.count), strict=True)
                table = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
        except UnicodeDecodeError:
            raise _describe(
                path, parameter, "is not text in UTF-8", "Save it as 'CSV UTF-8'."
            ) from None
        except csv.Error as error:
            why = f"cannot be read ({error})"
            raise _describe(path, parameter, why, "Save it again as csv.") from None
        filled = [(line, row) for line, row in table if any(row)]
        if len(filled) < 2:
            why = "has no row below its header"
            raise _describe(path, parameter, why, "Add one for each image.")
        return cls(path, filled[0][1], filled[1:])

    def match(
        self, column: int, folder: str, paths: list[str], *, other_images: bool = False
    ) -> dict[str, Row]:
        """Return the row of each of ``paths``, which ``column`` names.

        ``other_images`` allows rows of images that are not among ``paths``.

        Raises
        ------
        ValueError
            If a row fits several images, or rows and images do not match one to one.
        """
        row_of, unknown = self._pair(column, ImageLookup(folder, paths))
        if unknown and not other_images:
            raise InputError(
                f"Each row of {self.path!r} must name an image in {folder!r}",
                f"{count_noun(len(unknown), 'row')} without a file. First: {unknown[0]!r}",
                "Remove the rows, or add the files.",
            )
        missed = [path for path in paths if path not in row_of]
        if missed:
            raise InputError(
                f"Each image in {folder!r} must have a row in {self.path!r}",
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


def _describe(path: str, parameter: str, why: str, remedy: str) -> InputError:
    return InputError(
        "must be a csv file with a header",
        f"{path!r}, which {why}",
        remedy,
        parameter=parameter,
    )


def locate_csv(path: str | os.PathLike[str], folder: str) -> str:
    """Return the path of a csv file, looked up here first and then in ``folder``."""
    inside = os.path.join(folder, path)
    if not os.path.exists(path) and os.path.exists(inside):
        return os.fspath(inside)
    return os.fspath(path)


def find_column(
    header: list[str], wanted: Iterable[str], taken: Iterable[int | None] = ()
) -> int | None:
    """Return the place of the first wanted column, or of the first column not yet taken."""
    names = [name.lower() for name in header]
    free = [place for place in range(len(names)) if place not in set(taken)]
    by_name = [place for name in wanted for place in free if names[place] == name]
    return next(iter(by_name + free), None)


class ImageLookup:
    """Images by path or by name, with or without extension; exact matches come first."""

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
