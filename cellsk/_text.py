"""Names that come from outside, made safe to print, to show and to open in a spreadsheet."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["escape_cell", "escape_text", "is_formula", "unescape_cell", "write_json"]

# Half characters: Python reads bytes of file names that are not UTF-8 as these.
_HALVES = "\ud800-\udfff"
# Control characters except tabs and line breaks, separators of lines and paragraphs, and marks that
# change the direction of the text.
_UNSEEN = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_UNPRINTABLE = re.compile(f"[\r{_UNSEEN}{_HALVES}]")
# The csv module does not quote a carriage return, and readers take it for the end of a row.
_UNSAFE_IN_CELL = re.compile(f"[\r{_UNSEEN}]")
_UNSAFE_IN_TEXT_CELL = re.compile(f"[\r{_UNSEEN}{_HALVES}]")
_HALF = re.compile(f"[{_HALVES}]")
# What a spreadsheet computes. Several programs skip blanks, and take wide signs as plain ones.
_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def escape_text(text: str) -> str:
    r"""Return text in which control characters, marks of direction and half characters are codes.

    Without them, a name cannot move the cursor, change colors or reverse what is read, and can be
    written as UTF-8. Tabs and line breaks stay.

    Examples
    --------
    >>> from cellsk._text import escape_text
    >>> print(escape_text("\x1b[31mred \u202egnp.exe"))
    \x1b[31mred \u202egnp.exe
    """
    return _UNPRINTABLE.sub(_write_code, text)


def _write_code(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def escape_cell(text: str, *, keep_bytes: bool = False) -> str:
    r"""Return text for a cell of a csv file, which no spreadsheet takes as a formula.

    Line breaks stay, because csv quotes them, but a carriage return is a code. With `keep_bytes`,
    bytes of file names that are not UTF-8 stay, for a file that is written with
    ``errors="surrogateescape"``.

    Examples
    --------
    >>> from cellsk._text import escape_cell
    >>> escape_cell("=HYPERLINK(A1)"), escape_cell("-1.5")
    ("'=HYPERLINK(A1)", '-1.5')
    """
    safe = f"'{text}" if is_formula(text) else text
    return (_UNSAFE_IN_CELL if keep_bytes else _UNSAFE_IN_TEXT_CELL).sub(_write_code, safe)


def unescape_cell(text: str) -> str:
    """Return the text without the mark that `escape_cell` puts in front of a formula."""
    return text[1:] if text.startswith("'") and is_formula(text[1:]) else text


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet may compute the text. A number is not a formula."""
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text.lstrip("'"))


def write_json(document: Any, *, indent: int) -> str:
    """Return JSON in ASCII without NaN, which every reader accepts.

    Control characters and marks of direction are codes of JSON, so that reading gives them back.
    Half characters, which many readers refuse, are written as text.
    """
    return json.dumps(_escape_halves(document), indent=indent, allow_nan=False)


def _escape_halves(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF.sub(_write_code, value)
    if isinstance(value, dict):
        return {_escape_halves(key): _escape_halves(item) for key, item in value.items()}
    return [_escape_halves(item) for item in value] if isinstance(value, list | tuple) else value
