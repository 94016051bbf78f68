"""The fold manifest: a csv file with the fold of each image."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from numpy.typing import ArrayLike, NDArray

from cellsk._checks import count_noun
from cellsk._files import whole_file
from cellsk._input_files import InputFileError, read_input
from cellsk._text import escape_cell, unescape_cell
from cellsk.exceptions import FoldManifestError
from cellsk.model_selection._image_hashes import hash_images, name_images
from cellsk.model_selection._rows import as_text

__all__ = ["ManifestRow", "build_manifest", "read_manifest", "write_manifest"]

COLUMNS = ("file", "sha256", "label", "group", "fold")
# A row has about 150 bytes: both limits allow a million images, and reject a wrong file.
MAX_BYTES, MAX_ROWS = 256 * 2**20, 1_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ManifestRow(TypedDict):
    """One image of a manifest.

    Folds count from 1, and `fold` is None if no fold tests the image. `group` is None if unknown.
    """

    file: str
    sha256: str
    label: str
    group: str | None
    fold: int | None


def build_manifest(
    X: Any, y: ArrayLike, groups: ArrayLike | None, codes: NDArray, hashes: list[str] | None = None
) -> list[ManifestRow]:
    """Return one row for each image.

    Parameters
    ----------
    X : sequence of length n_samples
        Paths, contents of files, or images.
    y : array-like of shape (n_samples,)
        Class of each image, written as text.
    groups : array-like of shape (n_samples,), or None
        Patient of each image.
    codes : ndarray of int of shape (n_samples,)
        Fold of each image, from 0. It is -1 for an image that no fold tests.
    hashes : list of str, default=None
        Result of :func:`hash_images`, if it was called before.

    Returns
    -------
    rows : list of dict
        With `file`, `sha256`, `label`, `group` and `fold`, in the order of the images.

    Raises
    ------
    ImageReadError
        If a file cannot be opened.

    Examples
    --------
    >>> from cellsk.model_selection import build_manifest
    >>> row = build_manifest([b"pixels"], ["benign"], ["p1"], [0])[0]
    >>> row["file"], row["sha256"][:8], row["label"], row["group"], row["fold"]
    ('image 0', '6ec9c2b0', 'benign', 'p1', 1)
    """
    columns = (
        name_images(X),
        hash_images(X) if hashes is None else hashes,
        as_text(y),
        [None] * len(X) if groups is None else as_text(groups),
        [int(code) + 1 or None for code in codes],
    )
    return [
        ManifestRow(file=file, sha256=sha256, label=label, group=group, fold=fold)
        for file, sha256, label, group, fold in zip(*columns, strict=True)
    ]


def write_manifest(path: str | os.PathLike[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a manifest, completely or not at all.

    Names that a spreadsheet would treat as a formula are written with a leading apostrophe,
    which :func:`read_manifest` removes. Numbers such as -1 are written as they are. The fold of an
    image that no fold tests is an empty cell. Control
    characters, and marks that change the direction of text, are written as codes, such as
    ``\\x1b``.

    Parameters
    ----------
    path : str or Path
        The csv file to write.
    rows : iterable of mapping
        As :func:`build_manifest` returns them.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from cellsk.model_selection import build_manifest, read_manifest, write_manifest
    >>> rows = build_manifest([b"a", b"b"], ["benign", "malignant"], None, [0, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_manifest(f"{folder}/folds.csv", rows)
    ...     read_manifest(f"{folder}/folds.csv") == rows
    True
    """
    with whole_file(path) as draft, open(draft, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            group = "" if row["group"] is None else row["group"]
            texts = [str(row["file"]), row["sha256"], str(row["label"]), str(group)]
            fold = "" if row["fold"] is None else int(row["fold"])
            writer.writerow([*map(escape_cell, texts), fold])


def read_manifest(path: str | os.PathLike[str]) -> list[ManifestRow]:
    """Read a manifest and check it.

    Parameters
    ----------
    path : str or Path
        A csv file with the columns `file`, `sha256`, `label`, `group` and `fold`, in any
        order. Other columns are ignored.

    Returns
    -------
    rows : list of dict
        As :func:`build_manifest` returns them, in the order of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FoldManifestError
        If the file is too large, is not a csv file in UTF-8, lacks a column, or has an
        incomplete row.

    Examples
    --------
    See :func:`write_manifest`.
    """
    name = repr(os.fspath(path))
    try:
        text = _read_file(path, name).decode("utf-8-sig")
        first = text[:1000].partition("\n")[0]
        # The separator of spreadsheets depends on the country.
        delimiter = max(",;\t", key=first.count)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        _check_columns(reader.fieldnames or [], name)
        rows = [_parse_row(row, reader.line_num, name) for row in _limit_rows(reader, name)]
    except UnicodeDecodeError:
        raise _describe(name, "is not text in UTF-8", "Save it as 'CSV UTF-8'") from None
    except csv.Error as error:
        raise _describe(name, f"cannot be read ({error})", "Write it again") from None
    _check_folds(rows, name)
    return rows


def _describe(name: str, why: str, remedy: str) -> FoldManifestError:
    return FoldManifestError(
        f"A fold manifest must be a csv file with the columns {', '.join(COLUMNS)}",
        f"{name}, which {why}",
        f"{remedy}.",
        code="manifest-invalid",
    )


def _read_file(path: str | os.PathLike[str], name: str) -> bytes:
    try:
        return read_input(path, MAX_BYTES)
    except InputFileError as error:
        raise _describe(name, str(error), "Check that it is a manifest") from None
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"A fold manifest must be a file. Got {name}, which is not a file. Check the path."
        ) from None


def _check_columns(header: Iterable[str], name: str) -> None:
    known = list(header)
    missing = [column for column in COLUMNS if known.count(column) != 1]
    if missing:
        raise _describe(
            name, f"does not have one column {missing[0]!r}", "Add it, or write it again"
        )


def _limit_rows(reader: Iterable[Any], name: str) -> Iterable[Any]:
    for count, row in enumerate(reader):
        if count == MAX_ROWS:
            raise _describe(name, f"has more than {MAX_ROWS:,} rows", "Check that it is a manifest")
        if any(row.values()):  # a spreadsheet may write rows of commas only
            yield row


def _parse_row(row: dict[Any, Any], line: int, name: str) -> ManifestRow:
    # The csv module gives cells behind the last column the name None, and missing cells None.
    if any(row.get(None, ())) or None in row.values():
        why = f"has more or fewer cells in line {line} than in its header"
        raise _describe(name, why, "Put cells that hold a comma in quotation marks")
    cells: dict[str, str] = {column: row[column] for column in COLUMNS}
    sha256, fold = cells["sha256"].strip().lower(), cells["fold"].strip()
    wrong = (
        f"{sha256[:70]!r} as sha256"
        if not _SHA256.fullmatch(sha256)
        else f"{fold[:20]!r} as fold"
        if not re.fullmatch(r"([1-9][0-9]{0,6})?", fold)
        else "no label"
        if not cells["label"].strip()
        else None
    )
    if wrong is not None:
        raise _describe(name, f"has {wrong} in line {line}", "Correct it, or write it again")
    return ManifestRow(
        file=unescape_cell(cells["file"]),
        sha256=sha256,
        label=unescape_cell(cells["label"]),
        group=unescape_cell(cells["group"]) or None,
        fold=int(fold) if fold else None,
    )


def _check_folds(rows: list[ManifestRow], name: str) -> None:
    """Raise if a fold number is missing, or if only some rows have a group."""
    if not rows:
        raise _describe(name, "has no row below its header", "Write it again")
    folds = {row["fold"] for row in rows}
    # Two folds, or one that does not test every image, have images on both sides.
    fewest = 1 if None in folds else 2
    gaps = sorted(set(range(1, max(fewest, len(folds - {None})) + 1)) - folds)
    if gaps:
        raise _describe(
            name,
            f"has no image in fold {gaps[0]}",
            "Number the folds from 1 on, and leave the fold of images empty that are never tested",
        )
    unknown = sum(row["group"] is None for row in rows)
    if 0 < unknown < len(rows):
        raise _describe(
            name,
            f"has {count_noun(unknown, 'row')} without a group",
            "Fill in all of them, or none",
        )
