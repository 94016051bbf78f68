"""Names from outside are safe to print, to write, and to open in a spreadsheet."""

import json

import pytest

from cellsk._text import escape_cell, escape_text, is_formula, unescape_cell, write_json


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b]0;title\x07\x1b[2J", r"\x1b]0;title\x07\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\x08c\x7f", r"a\x0db\x08c\x7f"),
        ("png.\u202egnp\u2066\u200f", r"png.\u202egnp\u2066\u200f"),
        ("b\udce9nigne", r"b\udce9nigne"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("b\u00e9nigne \u826f\u6027 \u05e9\u05e4\u05d9\u05e8", None),
    ],
)
def test_escape_text_shows_what_is_not_seen(name, shown):
    """Escape sequences, marks of direction and bytes become codes; other text stays."""
    assert escape_text(name) == (name if shown is None else shown)
    escape_text(name).encode("utf-8")


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", " =1+1", "\n=1", "'=x",
        "\uff1dcmd|' /C calc'!A0",
    ],
)  # fmt: skip
def test_escape_cell_is_no_formula_and_comes_back(name):
    """A spreadsheet shows the name, and the name can be read again."""
    assert escape_cell(name).startswith("'")
    assert unescape_cell(escape_cell(name)) == name


@pytest.mark.parametrize("name", ["benign", "-1", "+1.5e-3", "-.5", "a=b", "'quoted", "1-2"])
def test_escape_cell_leaves_names_and_numbers(name):
    """Text that no spreadsheet computes stays."""
    assert not is_formula(name)
    assert escape_cell(name) == name


def test_escape_cell_may_keep_bytes():
    """The bytes of a file name stay where the file can hold them."""
    assert escape_cell("\udce9\x1b", keep_bytes=True) == "\udce9\\x1b"
    assert escape_cell("\udce9\x1b") == r"\udce9\x1b"


def test_write_json_is_lossless_and_strict():
    """Control characters and marks come back. Bytes are text, which every reader accepts."""
    name = "=a\x1b[31m\u202e\u00e9"
    text = write_json({name: [name, ("b\udce9", 1.5, None)]}, indent=1)
    assert text.isascii()
    assert "\\udce9" not in text.replace("\\\\udce9", "")
    assert json.loads(text) == {name: [name, ["b\\udce9", 1.5, None]]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json([float("nan")], indent=1)
