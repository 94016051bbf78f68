"""A report as a file, of the kind that its name ends in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cellsk._files import check_output, whole_file

__all__ = ["write_report"]


def write_report(path: str | os.PathLike[str], renderers: Mapping[str, Callable[[], str]]) -> None:
    """Write what the renderer of the path's ending returns.

    Raises
    ------
    ValueError
        When there is no renderer for the ending.
    OSError
        When the file cannot be written. What was there before is then untouched.
    """
    target = check_output(path)
    render = renderers.get(target.suffix.lower())
    if render is None:
        raise ValueError(
            "A report is written as .html, .json or .md. "
            f"Got {Path(path).name!r}. Choose one of these endings."
        )
    text = render()
    with whole_file(target) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
