"""The documentation: its code runs, its commands exist, and it builds without a warning."""

import doctest
import re
import shlex
import shutil
from pathlib import Path

import pytest
import sklearn

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.rst"))
COMMANDS = sorted(
    {
        line
        for page in PAGES
        for line in re.findall(r"^ +\$ (cellsk .+)$", page.read_text("utf-8"), re.MULTILINE)
    }
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
def test_getting_started_code_gives_what_it_shows(tmp_path, monkeypatch):
    """Every snippet of the page runs, in an empty folder."""
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    with sklearn.config_context():
        results = doctest.testfile(
            str(DOCS / "getting_started.rst"), module_relative=False, optionflags=flags
        )
    plt.close("all")
    assert results.attempted > 40
    assert results.failed == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_command_in_docs_has_these_options(command):
    """With --help at its end a command with an unknown option fails, and others do nothing."""
    from typer.testing import CliRunner

    from cellsk.cli._main import app

    result = CliRunner().invoke(app, [*shlex.split(command)[1:], "--help"])
    assert result.exit_code == 0, result.output


def test_api_page_lists_every_public_name():
    """Nothing public is left out of the documentation."""
    import cellsk
    from cellsk import exceptions, metrics, model_selection

    listed = set(re.findall(r"^   (\w+)$", (DOCS / "api.rst").read_text("utf-8"), re.MULTILINE))
    rooms = {*exceptions.__all__, *metrics.__all__, *model_selection.__all__} - {"SCORE_NAMES"}
    public = {name for name in cellsk.__all__ if not name.startswith("_")}
    assert listed == public | rooms


BUILD = """
from sphinx.cmd.build import main

if code := main(sys.argv[1:]):
    sys.exit(code)
"""


@pytest.mark.slow
def test_docs_build_without_warnings(tmp_path, run_python):
    """Sphinx runs all examples and builds all pages; a warning is an error."""
    pytest.importorskip("sphinx_gallery", reason="the docs extra is not installed")
    leave_out = shutil.ignore_patterns("_build", "auto_examples", "generated", "__pycache__")
    shutil.copytree(DOCS, tmp_path / "docs", ignore=leave_out)
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=leave_out)
    options = ["-q", "-W", "--keep-going", "-b", "html"]
    run_python(BUILD, *options, tmp_path / "docs", tmp_path / "html", timeout=600)
    pages = [page.read_text("utf-8") for page in (tmp_path / "html").rglob("*.html")]
    loads = [re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="https?:[^"]+', p) for p in pages]
    assert not any(loads), "pages must load nothing from the network"
