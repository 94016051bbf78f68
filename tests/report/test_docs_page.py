"""The docs page on the report: its code runs, and it lists every field."""

import doctest
import re
from pathlib import Path

import pytest
import sklearn

from cellsk.report.document import read_schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "what_the_report_says.rst"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
def test_page_on_report_gives_what_it_shows(tmp_path, monkeypatch):
    """Every snippet of the page runs in an empty folder."""
    monkeypatch.chdir(tmp_path)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    with sklearn.config_context():
        results = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags)
    assert results.attempted > 30
    assert results.failed == 0


def test_page_on_report_names_every_field():
    """In the order of the schema."""
    table = PAGE.read_text("utf-8").split("Its fields:")[1].split("References")[0]
    rows = re.findall(r"^   \* - (``.+)$", table, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"``(\w+)``", row)]
    assert len(set(named)) == len(named)
    assert set(named) == set(read_schema()["properties"])


def test_page_on_test_sets_gives_what_it_shows():
    """The snippets of the page run."""
    results = doctest.testfile(str(PAGE.parent / "test_sets.rst"), module_relative=False)
    assert results.attempted > 10
    assert results.failed == 0
