"""read_schema: the JSON schema of an evaluation document."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

__all__ = ["read_schema"]


def read_schema() -> dict[str, Any]:
    """Return the JSON schema of an evaluation document, with a description of every field.

    It is of draft 2020-12. Any validator can check with it what ``report.save("report.json")``
    wrote.

    Returns
    -------
    schema : dict

    Examples
    --------
    >>> from cellsk.report.document._schema import read_schema
    >>> schema = read_schema()
    >>> schema["properties"]["confusion_matrix"]["description"]
    'Images by true class (rows) and predicted class (columns), by code.'
    """
    return json.loads(files("cellsk.report").joinpath("evaluation.schema.json").read_text("utf-8"))
