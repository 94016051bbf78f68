"""Files that a command writes: checked before the work, and written one by one at its end."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cellsk._files import STANDARD_OUTPUT, check_output, is_stream, whole_file
from cellsk._text import write_json
from cellsk.cli._interrupt import naming_written_files
from cellsk.cli._messages import word_error
from cellsk.cli._terminal import print_note
from cellsk.exceptions import InputError

__all__ = [
    "FORMATS",
    "Writer",
    "check_files",
    "make_json_writer",
    "name_output",
    "note_written",
    "write_files",
    "write_json_file",
    "write_twice",
]

Writer = Callable[[Path], None]

_PART_BYTES = 4096
# What the start or the end of a file of each kind has if cellsk wrote it.
_MARKS = {
    "model": rb"PK\x03\x04.{26}manifest\.json",
    "html": rb'<!DOCTYPE html>[^<]*<html[^>]*>\s*<head>\s*<meta charset="utf-8">\s*'
    rb'<meta name="generator" content="cellsk">',
    "json": rb'\{\s*"schema": "cellsk-'
    rb'(audit|comparison|evaluation|explain|folds|predict|search|search-summary|train)-\d+"',
    "md": rb".*<!-- Written by cellsk\. -->\s*\Z",
    "folds": rb"file,sha256,label,group,fold\r?\n",
    "predictions": rb'path,predicted(,probability_[^,"\r\n]*|,"probability_([^"]|"")*")+'
    rb"(,unlike_training)?\r?\n",
    "findings": rb"code,severity,side,row,file,set\r?\n",
}
_ENDINGS = {"html": ".html", "json": ".json", "md": ".md", "folds": ".csv"}
FORMATS = ("html", "json", "md")


def check_files(
    files: Mapping[str, Path | None], *, force: bool, inputs: Sequence[Path] = ()
) -> None:
    """Refuse files that cannot be written, or that cellsk did not write, before hours of work.

    Parameters
    ----------
    files : mapping of str to Path
        Kind of each file, and its path. None is not written.
    force : bool
        Whether to overwrite files that cellsk did not write.
    inputs : sequence of Path, default=()
        Files that the command reads.

    Raises
    ------
    InputError, OSError
        When a file has another ending than expected, cannot be written, or exists and cellsk did
        not write it, or when two outputs are the same, or an output is an input.
    """
    seen: set[Path] = set()
    read = {Path(os.path.realpath(path)) for path in inputs}
    for kind, path in files.items():
        if path is None:
            continue
        check_output(path)
        # /dev/stdout and /dev/fd/1 are the same place, and so are a link and its file.
        place = Path(os.path.realpath(path))
        if place in read:
            raise InputError(
                "An output must not be a file that the command reads",
                repr(str(path)),
                "Name another.",
            )
        if place in seen:
            raise InputError(
                "Each output must have its own place", f"{name_output(path)} twice", "Name another."
            )
        seen.add(place)
        if is_stream(path):
            continue
        ending = _ENDINGS.get(kind)
        if ending is not None and path.suffix.lower() != ending:
            raise InputError(f"This file must end in {ending}", repr(str(path)), "Rename it.")
        if not force and not _is_own(path, kind):
            raise InputError(
                "A file that cellsk did not write is not overwritten",
                repr(str(path)),
                "Pass --force to overwrite it, or name another file.",
                code="output-exists",
            )


def _is_own(path: Path, kind: str) -> bool:
    """Return whether a file is missing, is empty, or is one that cellsk wrote."""
    if not path.exists():
        return True
    with path.open("rb") as file:
        if kind == "md":  # its mark is at the end
            file.seek(-min(path.stat().st_size, _PART_BYTES), os.SEEK_END)
        part = file.read(_PART_BYTES)
    return not part or re.match(_MARKS[kind], part, re.DOTALL) is not None


def name_output(path: Path) -> str:
    """Return the name of an output for a sentence."""
    return "standard output" if path == STANDARD_OUTPUT else str(path)


def note_written(path: Path, written: list[Path]) -> None:
    """Print that a file was written, and whether it is the second time."""
    again = " again, with the new results" if path in written else ""
    print_note(f"Written{again}: {name_output(path)}.")
    if path not in written:
        written.append(path)


def write_files(
    writers: Sequence[tuple[Path, Writer]],
    written: list[Path],
    rescue: tuple[str, Writer],
    *,
    quiet: bool = False,
) -> None:
    """Write each file, even if another one fails, add it to ``written``, and print its name.

    If one fails, all results are written to a temporary folder too, with the name and the writer
    in ``rescue``, unless this writer has written them already.

    Raises
    ------
    Exception
        The first failure, when the other files are written.
    """
    failures: list[Exception] = []
    with naming_written_files(written):
        for path, write in writers:
            try:
                write(path)
            except Exception as error:
                failures.append(error)
            else:
                if quiet:
                    written.append(path)
                else:
                    note_written(path, written)
    if not failures:
        return
    name, keep = rescue
    if not any(write is keep for path, write in writers if path in written):
        _rescue(keep, name)
    for failure in failures[1:]:
        print_note(f"cellsk: {word_error(failure)}")
    raise failures[0]


def write_twice(write: Callable[[Callable[[Path], bool]], None], add: Callable[[], None]) -> None:
    """Write the files; then add results, which takes as long again, and write them once more.

    ``write`` gets a function that chooses the outputs. A stream, such as standard output, cannot
    be overwritten, so it is written once, at the end.

    Raises
    ------
    BaseException
        Each error of the functions, when the streams have been written too.
    """
    try:
        write(lambda path: not is_stream(path))
        add()
    except BaseException:  # an interruption too
        write(is_stream)
        raise
    write(lambda _: True)


def make_json_writer(name: str, document: Mapping[str, Any]) -> Writer:
    """Return a function that writes a document as JSON, with the name of its layout."""
    return partial(_write_json, {"schema": f"cellsk-{name}-1", **document})


def _write_json(document: Mapping[str, Any], path: Path) -> None:
    with whole_file(path) as draft:
        draft.write_text(f"{write_json(document, indent=2)}\n", encoding="utf-8")


def write_json_file(path: Path | None, name: str, document: Mapping[str, Any]) -> None:
    """Write a document as JSON, if a file is wanted."""
    if path is not None:
        write = make_json_writer(name, document)
        write_files([(path, write)], [], ("results.json", write))


def _rescue(write: Writer, name: str) -> None:
    """Write a file to a new temporary folder, so that what was computed is not lost."""
    path = Path(tempfile.mkdtemp(prefix="cellsk-")) / name
    try:
        write(path)
    except Exception:
        path.parent.rmdir()  # the failure that led here is shown instead
    else:
        print_note(f"Written: {path}, because the file that was asked for cannot be written.")
