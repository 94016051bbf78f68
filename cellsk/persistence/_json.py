"""JSON members, read strictly and written with the same bytes each time."""

from __future__ import annotations

import json
from typing import Any

from cellsk.persistence._archive import refuse

__all__ = ["MAX_DEPTH", "dump_json", "parse_json"]

MAX_JSON_BYTES = 2**24
MAX_DEPTH = 100


def dump_json(name: str, content: dict[str, Any]) -> bytes:
    """Return the content of a JSON member.

    Raises
    ------
    ModelFileError
        If it is too large for `parse_json`.
    """
    data = json.dumps(content, allow_nan=False, indent=1).encode("ascii")
    if len(data) > MAX_JSON_BYTES:
        raise _too_large(name, data)
    return data


def parse_json(name: str, data: bytes) -> dict[str, Any]:
    """Return the object in a JSON member.

    Raises
    ------
    ModelFileError
        If it is too large, too deep, not an object, or not strict JSON.
    """
    if len(data) > MAX_JSON_BYTES:
        raise _too_large(name, data)
    try:
        content = json.loads(data, object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise refuse(f"{name} must be a JSON object.", "something else")
    _check_depth(name, content)
    return content


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key comes twice")
    return content


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _check_depth(name: str, content: Any) -> None:
    level = [content]
    for _ in range(MAX_DEPTH * 5):  # a value is at most five JSON levels below its parent
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise refuse(f"{name} must not be nested deeper than estimators are.", "deeper nesting")


def _too_large(name: str, data: bytes) -> Exception:
    return refuse(
        f"{name} must hold at most {MAX_JSON_BYTES:,} bytes.",
        f"{len(data):,}",
        "Keep large data in numeric arrays, or outside the model.",
    )
