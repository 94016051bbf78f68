"""Files of a report: the ending of the name chooses the format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cellsk._files import check_output, whole_file
from cellsk.exceptions import InputError

__all__ = ["write_report"]


def write_report(path: str | os.PathLike[str], renderers: Mapping[str, Callable[[], str]]) -> None:
    """Write the text of the renderer for the path's ending.

    Raises
    ------
    ValueError
        When there is no renderer for the ending.
    OSError
        When the file cannot be written. An existing file is then unchanged.
    """
    target = check_output(path)
    render = renderers.get(target.suffix.lower())
    if render is None:
        raise InputError(
            "A report is written as .html, .json or .md",
            f"{Path(path).name!r}",
            "Choose one of these endings.",
        )
    text = render()
    with whole_file(target) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
