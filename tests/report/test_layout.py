"""The layout of the report room: facts, then words, then checklists, then rendering."""

import ast
import re
from pathlib import Path

import pytest

import cellsk.report

ROOM = Path(cellsk.report.__file__).parent
ORDER = ["document", "words", "checklists", "render"]
MODULES = sorted(path.relative_to(ROOM) for path in ROOM.rglob("*.py"))


def list_imports(path):
    """Names of the modules of the room that a module imports."""
    tree = ast.parse((ROOM / path).read_text("utf-8"))
    found = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return [
        name.removeprefix("cellsk.report.") for name in found if name.startswith("cellsk.report.")
    ]


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] in ORDER], ids=str)
def test_folders_import_only_earlier_folders_by_their_door(path):
    """Only the checked inputs, `_settings`, are shared with the modules above."""
    here = path.parts[0]
    for name in list_imports(path):
        there, *rest = name.split(".")
        if there == here:
            continue
        assert there == "_settings" or there in ORDER[: ORDER.index(here)], f"{path}: {name}"
        assert not rest, f"{path} imports {name}: enter the folder by its __init__"


@pytest.mark.parametrize("path", [path for path in MODULES if len(path.parts) == 1], ids=str)
def test_modules_of_the_room_enter_folders_by_their_door(path):
    """They import from the folder, not from its private modules."""
    assert not [name for name in list_imports(path) if name.split(".")[0] in ORDER and "." in name]


def test_doors_export_only_names_that_others_use():
    """Each name of an __init__ is imported elsewhere in the room, or in another room."""
    sources = {path: path.read_text("utf-8") for path in ROOM.parents[1].rglob("cellsk/**/*.py")}
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("*.py"))
    for folder in ORDER:
        door = ROOM / folder / "__init__.py"
        others = tests + "".join(
            text
            for path, text in sources.items()
            if folder not in path.relative_to(ROOM.parent).parts
        )
        for name in re.findall(r"import (?:\(\n\s+)?\w+ as (\w+)", sources[door]):
            assert re.search(rf"\b{name}\b", others), f"nothing uses {folder}.{name}"


def test_documents_contain_no_prose():
    """Sentences are made in words: no string of the facts ends like a sentence, except errors."""
    for path in (path for path in MODULES if path.parts[0] == "document"):
        tree = ast.parse((ROOM / path).read_text("utf-8"))
        errors = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
        inside = {id(inner) for node in errors for inner in ast.walk(node)}
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                skipped = id(node) in inside or id(node) in docs
                assert skipped or not re.search(r"\w \w+ \w+\.$", node.value), (path, node.value)
