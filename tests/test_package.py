"""The package loads light, names what it promises, and is typed."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import cellsk

HEAVY = ("tensorflow", "keras", "scikeras", "matplotlib", "PIL", "sklearn", "h5py", "rich")


def loaded_after(statement):
    """Names of the heavy packages that a statement loads in a new process."""
    code = f"import sys\n{statement}\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_import_cellsk_loads_nothing_heavy():
    """``import cellsk`` is free."""
    assert loaded_after("import cellsk") == []


@pytest.mark.parametrize(
    "name", ["list_images", "make_cells", "ImageReader", "CellClassifier", "load_model"]
)
def test_public_name_loads_without_tensorflow(name):
    """TensorFlow and matplotlib wait until there is something to train or draw."""
    loaded = loaded_after(f"from cellsk import {name}")
    assert not {"tensorflow", "keras", "scikeras", "matplotlib"} & set(loaded)


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
