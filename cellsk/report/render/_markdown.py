"""Markdown syntax: text is escaped, so that names cannot become markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["escape", "write_list", "write_table"]

# Marks anywhere in a line: also | that ends a cell, $ of formulas, ~ of struck-out text.
_MARKS = re.compile(r"([\\`*_\[\]<>|~&$])")
# Marks at the start of a line: lists, headings, and lines below headings.
_AT_START = re.compile(r"^([-+#=:]|\d+(?=[.)](?:\s|$)))")
# Many readers turn a bare address into a link.
_ADDRESS = re.compile(r"(?i)(?<=\bwww)\.|:(?=//)|(?<=mailto):")
_NUMBER = re.compile("[0-9\u2212]")  # the minus of write_number
# Control characters, and characters that reverse the direction of the text.
_UNSEEN = re.compile("[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+")


def escape(text: object) -> str:
    r"""Return text for one line of Markdown, in which no character is markup.

    Examples
    --------
    >>> from cellsk.report.render._markdown import escape
    >>> print(escape("a|b_<script>"))
    a\|b\_\<script\>
    >>> print(escape("1. first\n# second"))
    1\. first # second
    """
    line = " ".join(_UNSEEN.sub(" ", str(text)).split())
    line = _MARKS.sub(r"\\\1", line)
    line = _ADDRESS.sub(lambda mark: f"\\{mark[0]}", line)
    return _AT_START.sub(lambda mark: _keep_start(mark[0]), line)


def _keep_start(start: str) -> str:
    """Escape the mark, or the period after a number."""
    return f"{start}\\" if start[0].isdigit() else f"\\{start}"


def write_list(texts: Iterable[object]) -> list[str]:
    """Return a list, with each text escaped."""
    return [f"- {escape(text)}" for text in texts]


def write_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a table, with each cell escaped. Columns of numbers are aligned to the right.

    Examples
    --------
    >>> from cellsk.report.render._markdown import write_table
    >>> print("\\n".join(write_table(["Class", "Images"], [["benign", 60], ["other", None]])))
    | Class | Images |
    | :-- | --: |
    | benign | 60 |
    | other | |
    """
    body = [["" if cell is None else escape(cell) for cell in row] for row in rows]
    numeric = [
        bool(body) and all(_NUMBER.match(row[column] or "0") for row in body)
        for column in range(len(header))
    ]
    marks = ["--:" if right and column else ":--" for column, right in enumerate(numeric)]
    lines = [[escape(name) for name in header], marks, *body]
    return [" ".join(("|", *(f"{cell} |".lstrip() for cell in line))) for line in lines]
