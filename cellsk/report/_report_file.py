"""Files of a report: the ending of the name chooses the format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cellsk._checks import check_option
from cellsk._files import check_output, whole_file
from cellsk._text import escape_text
from cellsk.exceptions import InputError

__all__ = ["write_report"]


def write_report(
    path: str | os.PathLike[str],
    renderers: Mapping[str, Callable[[], str]],
    format: str | None = None,
) -> None:
    """Write the text of the renderer for the format, or else for the path's ending.

    Raises
    ------
    ValueError
        When there is no renderer for the format or the ending.
    OSError
        When the file cannot be written. An existing file is then unchanged.
    """
    target = check_output(path)
    if format is not None:
        check_option("format", format, [ending.removeprefix(".") for ending in renderers])
    render = renderers.get(target.suffix.lower() if format is None else f".{format}")
    if render is None:
        raise InputError(
            "A report is written as .html, .json or .md",
            f"{Path(path).name!r}",
            "Choose one of these endings, or pass format='html', 'json' or 'md'.",
            code="report-ending",
        )
    # Names of classes and files may hold control characters, and bytes that are not UTF-8.
    text = escape_text(render())
    if render is renderers.get(".md"):
        text += "\n<!-- Written by cellsk. -->\n"
    with whole_file(target) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
