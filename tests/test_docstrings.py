"""numpydoc's validation of every public class, method and function."""

import inspect
from importlib import import_module

import pytest

import cellsk

validate = pytest.importorskip("numpydoc.validate").validate

# The usual exceptions of the field.
IGNORED = {
    "ES01": "A summary may say all.",
    "EX01": "A method may have its example in its class.",
    "RT02": "A return value has a name, as in scikit-learn.",
    "RT03": "The summary may describe the return value.",
    "SA01": "Not everything has a relative.",
}
# Functions make these, and users read their attributes.
MADE_BY_FUNCTIONS = ("cellsk.AuditReport", "cellsk.model_selection.Folds")


def list_public():
    """Return the names of all public classes, functions and methods, each once."""
    rooms = ["cellsk", "cellsk.exceptions", *(f"cellsk.{room}" for room in cellsk._ROOMS.values())]
    names = {}
    for room in sorted(set(rooms)):
        for name in import_module(room).__all__:
            value = getattr(import_module(room), name)
            if inspect.isclass(value) or inspect.isfunction(value):
                names.setdefault(value, f"{room}.{name}")
    return [
        *names.values(),
        *(
            f"{name}.{method}"
            for value, name in names.items()
            if inspect.isclass(value)
            for method, member in vars(value).items()
            if not method.startswith("_")
            and (inspect.isfunction(member) or isinstance(member, property | classmethod))
        ),
    ]


def find_faults(name):
    """Return the faults of a docstring, without the exceptions."""
    found = validate(name)
    # Parameters of an error are described in the class Explained.
    inherits = name.startswith("cellsk.exceptions.") and name.split(".")[2] != "Explained"
    ignored = {*IGNORED, *(["PR01"] if inherits or name in MADE_BY_FUNCTIONS else [])}
    return [f"{code}: {text}" for code, text in found["errors"] if code not in ignored]


def test_public_docstrings_follow_numpydoc():
    """Sections, order, parameters, types and periods are as numpydoc describes them."""
    names = list_public()
    assert len(names) > 90
    faults = {name: found for name in names if (found := find_faults(name))}
    assert faults == {}
