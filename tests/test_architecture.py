"""The layout of the package, read from the syntax tree: floors, doors, owners, no cycles."""

import ast
from pathlib import Path

import pytest

import cellsk

PACKAGE = Path(cellsk.__file__).parent
FLOORS = [
    {"exceptions"},
    {"datasets"},
    {"audit"},
    {"preprocessing"},
    {"neural_network"},
    {"metrics"},
    {"model_selection"},
    {"outliers"},
    {"inspection", "persistence"},
    {"report"},
    {"distributed"},
    {"cli", "serve"},
    {"__main__"},
]
# A module of the package root, such as _checks, stands on the ground.
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
OWNERS = {
    "PIL": ("_codec",),
    "tensorflow": ("neural_network",),
    "keras": ("neural_network", "persistence._network"),
    "scikeras": ("neural_network._parameters",),
    "onnx": ("neural_network._onnx", "neural_network.networks._onnx_operations"),
    "onnxruntime": ("neural_network._onnx",),
    "matplotlib": ("inspection",),
    "typer": ("cli",),
    "h5py": ("persistence._network",),
    "jinja2": ("report",),
}
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text())
    for path in sorted(PACKAGE.rglob("*.py"))
}


def imports_of(tree):
    """Names of the modules that a module imports, type-checking blocks left out."""
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module


def room_of(module):
    """The sub-package of a module, by its dotted name without 'cellsk.'."""
    return module.split(".")[0]


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_point_down(module):
    """A module imports from lower floors, or from its own room."""
    here = FLOOR.get(room_of(module), 0)
    for name in imports_of(MODULES[module]):
        if not name.startswith("cellsk."):
            continue
        there = name.removeprefix("cellsk.")
        if room_of(there) != room_of(module):
            assert FLOOR.get(room_of(there), 0) <= here, f"{module} imports upwards: {name}"
            same_floor = FLOOR.get(room_of(there), 0) == here
            assert here == 0 or not same_floor, f"{module} imports {name} of the same floor"


@pytest.mark.parametrize("module", MODULES)
def test_module_enters_other_rooms_by_their_door(module):
    """A module imports from the `__init__` of another room, never from its private modules."""
    for node in ast.walk(MODULES[module]):
        name = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        room, *rest = name.removeprefix("cellsk.").split(".")
        inside = not (name.startswith("cellsk.") and rest) or room == room_of(module)
        assert inside, f"{module} imports {name}: enter the room by its __init__"


@pytest.mark.parametrize("module", MODULES)
def test_module_leaves_root_and_owners_alone(module):
    """Nobody imports the package root, and heavy packages only come through their owner."""
    for name in imports_of(MODULES[module]):
        assert name != "cellsk" or module == "cli._main"
        owners = OWNERS.get(name.split(".")[0])
        assert owners is None or module.startswith(owners), f"{module} imports {name}"


def test_modules_have_no_import_cycle():
    """Modules can be put in an order in which each imports only earlier ones."""
    left = {
        module: {
            name if name in MODULES else f"{name}.__init__"
            for name in (name.removeprefix("cellsk.") for name in imports_of(tree))
            if name in MODULES or f"{name}.__init__" in MODULES
        }
        for module, tree in MODULES.items()
    }
    while left:
        free = {module for module, needs in left.items() if not needs & set(left) - {module}}
        assert free, f"a cycle among {sorted(left)}"
        left = {module: needs for module, needs in left.items() if module not in free}


@pytest.mark.parametrize("module", MODULES)
def test_module_keeps_quiet_and_short(module):
    """Only the command line prints; files have at most 450 lines."""
    tree = MODULES[module]
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    prints = [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]
    assert module.startswith("cli") or not prints
    last = max((node.end_lineno or 0 for node in tree.body), default=0)
    assert last <= 450
