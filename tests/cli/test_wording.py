"""Remedies written for Python, as the command line says them."""

import ast
import re
from pathlib import Path

import pytest

import cellsk
from cellsk.audit import audit_images
from cellsk.cli._wording import _AS_OPTIONS, say_as_options

SOURCE = Path(cellsk.__file__).parent


def texts_of(node):
    """Return the text of a literal, with 0 for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "0" for part in node.values
        )
    return None


@pytest.fixture(scope="module")
def messages():
    """All literal texts outside the command line."""
    files = [path for path in SOURCE.rglob("*.py") if "cli" not in path.relative_to(SOURCE).parts]
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    return "\n".join(text for node in nodes if (text := texts_of(node)) is not None)


@pytest.mark.parametrize("pattern", _AS_OPTIONS)
def test_each_phrase_stands_in_a_message(messages, pattern):
    """A phrase that was reworded since would go untranslated in silence."""
    assert re.search(pattern, messages)


@pytest.mark.parametrize(
    ("python", "option"),
    [
        ("Fill them in, or pass groups=None if the images are independent.",
         "Fill them in, or pass no patients if the images are independent."),
        ("Got 3. Pass X_val and y_val, or set early_stopping=False.",
         "Got 3. Give images of more patients."),
        ("Pass a smaller n_splits to choose_cv, or add patients.",
         "Pass a smaller --folds, or add patients."),
        ("First: 'a'. All are in the attribute unreadable.",
         "First: 'a'. cellsk audit lists all of them."),
        ("Each class must have at least n_splits patients, so that",
         "Each class must have at least as many patients as folds, so that"),
        ("Pass n_splits=3 or fewer.", "Pass --folds 3 or fewer."),
        ("Pass image_size=(96, 96), or another", "Pass --image-size 96x96, or another"),
        ("Name it 'patient', or pass groups= with the name of a column.",
         "Name it 'patient', or name the column with --groups."),
        ("groups_csv must have a column", "--groups-csv must have a column"),
        ("groups must name one column of 'l.csv'.", "--groups must name one column of 'l.csv'."),
        ("labels must be a csv file", "--labels must be a csv file"),
        ("the labels must be right", "the labels must be right"),
        ("Name them with --groups-csv, --group-pattern.",
         "Name them with --groups-csv, --group-pattern."),
    ],
)  # fmt: skip
def test_remedies_become_options(python, option):
    """What stands in the message is what can be typed; twice does no harm."""
    assert say_as_options(python) == option
    assert say_as_options(option) == option


def test_audit_of_unknown_patients_names_the_options(cells):
    """The remedy of the finding, as it comes, has no Python left in it."""
    found = {one.code: one.message for one in audit_images(cells.images, cells.y).findings}
    said = say_as_options(found["A204"])
    assert "--group-pattern '(P\\d+)'" in said
    assert "list_images" not in said
