"""Settings of the documentation: ``python -m sphinx -W -b html docs docs/_build/html``."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
sys.path.insert(0, str(Path(__file__).parent))

import cellsk

project = "cellsk"
author = "The cellsk developers"
project_copyright = author
version = release = cellsk.__version__
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
default_role = "literal"
maximum_signature_line_length = 80
python_trailing_comma_in_multi_line_signatures = False
toc_object_entries_show_parents = "hide"

autodoc_typehints = "none"  # numpydoc's type lines say more
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "cellsk"
html_static_path = ["_static"]
html_css_files = ["cellsk.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "navigation_with_keys": False,
    "pygments_light_style": "default",
}
html_sidebars = {page: [] for page in ("index", "getting_started", "auto_examples/*")}


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "within_subsection_order": "ExampleTitleSortKey",
    "nested_sections": False,
    "plot_gallery": True,
    "abort_on_example_error": True,
    "doc_module": ("cellsk",),
    "reference_url": {"cellsk": None},
    "backreferences_dir": "api/generated/backreferences",
    "reset_modules": ("matplotlib", "_gallery.reset_sklearn"),
    "remove_config_comments": True,
    "download_all_examples": False,
    "capture_repr": ("_repr_html_",),
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,  # that page loads scripts from the network
}

_ROOMS = re.compile(
    r"\bcellsk\.(?:datasets|preprocessing|neural_network|inspection|persistence)\.(\w)"
)
_NAME_IN_SHAPE = re.compile(r"(?<=[(,\s])(\w+)_(?=,\))")  # reStructuredText takes it for a link
_FOREIGN_ROLE = re.compile(r":(?:ref|term):`([^`<]+?)\s*(?:<[^`>]+>)?`")


def _mend_docstring(
    app: Any, what: str, name: str, item: Any, options: Any, lines: list[str]
) -> None:
    """Point to the public names, and drop links into the pages of scikit-learn.

    Methods that come from scikit-learn carry references which only its own pages define.
    """
    text = "\n".join(lines)
    if not (getattr(item, "__module__", None) or "cellsk").startswith("cellsk"):
        text = _FOREIGN_ROLE.sub(r"\1", text)
    text = _NAME_IN_SHAPE.sub(r"\1\\_", text)
    lines[:] = _ROOMS.sub(r"cellsk.\1", text).split("\n")


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", _mend_docstring, priority=900)
