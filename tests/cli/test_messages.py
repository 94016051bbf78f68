"""The remedies of the command line: for codes and options that exist."""

import ast
import re
from pathlib import Path

import pytest
from typer.main import get_command

import cellsk
from cellsk.audit import audit_images
from cellsk.cli._main import app
from cellsk.cli._messages import (
    FINDING_REMEDIES,
    OPTIONS,
    REMEDIES,
    word_error,
    word_findings,
)
from cellsk.exceptions import InputError, SplitWarning

SOURCE = Path(cellsk.__file__).parent
VALUES = {"n_splits": 3, "unit": "patient", "hint": "", "expected": (16, 24, 3)}
WORDED = {
    code: word_error(InputError("A rule", "", "Pass python=1.", code=code, values=VALUES))
    for code in REMEDIES
}


def find_codes(path):
    """Return all literal texts of a module, and patterns of the codes that an f-string fills in."""
    texts, patterns = set(), set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg == "code":
            for inner in ast.walk(node.value):
                if isinstance(inner, ast.JoinedStr):
                    parts = (
                        re.escape(part.value) if isinstance(part, ast.Constant) else r"\w+"
                        for part in inner.values
                    )
                    patterns.add("".join(parts))
    return texts, patterns


@pytest.fixture(scope="module")
def raised():
    """Texts and patterns of the codes in the modules outside of the command line."""
    files = [path for path in SOURCE.rglob("*.py") if path.parent.name != "cli"]
    texts, patterns = zip(*map(find_codes, files), strict=True)
    return set().union(*texts), set().union(*patterns)


@pytest.mark.parametrize("code", [*REMEDIES, *FINDING_REMEDIES])
def test_each_code_is_raised(raised, code):
    """A code that nothing raises any more has no remedy."""
    texts, patterns = raised
    assert code in texts or any(re.fullmatch(pattern, code) for pattern in patterns)


@pytest.fixture(scope="module")
def options():
    """The options of all commands."""
    commands = get_command(app).commands.values()
    return {name for command in commands for option in command.params for name in option.opts}


@pytest.mark.parametrize("remedy", [*WORDED.values(), *FINDING_REMEDIES.values()])
def test_remedy_names_options_that_exist(options, remedy):
    """No Python, and each option is one of a command."""
    assert set(re.findall(r"(?<!\w)--[a-z-]+", remedy)) <= options
    assert not re.search(r"(?<![-\w])[a-z_]+=|_", remedy)


def test_options_exist(options):
    """Each parameter is set by an option of a command."""
    assert set(OPTIONS.values()) <= options


def test_word_error_names_option_and_remedy():
    """The rule has the option, and the remedy is that of the command line."""
    error = InputError(
        "must be the patient",
        "none",
        "Pass groups=patients.",
        parameter="groups",
        code="groups-incomplete",
    )
    assert word_error(error) == "--groups must be the patient. Got none. Fill in the empty cells."
    assert word_error(ValueError("Some other error.")) == "Some other error."


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"n_splits": 4, "unit": "patient"}, "Pass --folds 4 or fewer."),
        ({"n_splits": 2, "unit": "image"}, "Pass --folds 2."),
        ({"n_splits": 1, "unit": "site"}, "Add sites, or leave out --site."),
    ],
)
def test_word_error_suggests_a_number_of_folds(values, remedy):
    """The number of folds that is possible, or else what can be added."""
    error = SplitWarning("A rule", "few", "", code="too-few-groups-for-folds", values=values)
    assert word_error(error) == f"A rule. Got few. {remedy}"


def test_word_findings_of_unknown_patients_names_options(cells):
    """The remedy of the finding names options, and its text is unchanged."""
    report = audit_images(cells.images, cells.y)
    before = {found.code: found for found in report.findings}
    after = {found.code: found for found in word_findings(report.findings)}
    assert after["A204"].text == before["A204"].text
    assert "--group-pattern" in after["A204"].remedy
    assert "list_images" not in after["A204"].message
