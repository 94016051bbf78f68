"""The package loads light, names what it promises, and is typed."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import cellsk

HEAVY = ("tensorflow", "keras", "scikeras", "matplotlib", "PIL", "sklearn", "h5py", "rich")


NAMES = (
    "list_images",
    "make_cells",
    "ImageReader",
    "CellClassifier",
    "ImageEmbedder",
    "load_model",
)
# Each name is imported as if it were the first one of the package.
CODE = f"""
import sys
for statement in ["import cellsk", *[f"from cellsk import {{name}}" for name in {NAMES}]]:
    for module in [name for name in sys.modules if name.partition(".")[0] == "cellsk"]:
        del sys.modules[module]
    exec(statement)
    print(statement.split()[-1], *[name for name in {HEAVY} if name in sys.modules])
"""


@pytest.fixture(scope="module")
def loaded():
    """Heavy packages that are loaded in a new process after each import, one after the other."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    return {name: packages for name, *packages in rows}


def test_import_cellsk_loads_nothing_heavy(loaded):
    """``import cellsk`` is free."""
    assert loaded["cellsk"] == []


@pytest.mark.parametrize("name", NAMES)
def test_public_name_loads_without_tensorflow(loaded, name):
    """TensorFlow and matplotlib wait until there is something to train or draw."""
    assert not {"tensorflow", "keras", "scikeras", "matplotlib"} & set(loaded[name])


def test_public_names_are_all_there():
    """What ``__all__`` names can be imported, and ``dir`` lists it."""
    assert dir(cellsk) == sorted(cellsk.__all__)
    for name in cellsk.__all__:
        assert getattr(cellsk, name) is not None


def test_unknown_name_raises():
    """A misspelt name is an AttributeError, as for any module."""
    with pytest.raises(AttributeError, match="no attribute 'CellClasifier'"):
        _ = cellsk.CellClasifier


def test_version_is_that_of_the_distribution():
    """pyproject.toml and the package agree."""
    assert cellsk.__version__ == version("cellsk")
