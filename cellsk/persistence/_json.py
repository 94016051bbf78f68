"""JSON members, read strictly and written with the same bytes each time."""

from __future__ import annotations

import json
from typing import Any

from cellsk.persistence._archive import refuse

__all__ = ["LONGEST_INT", "MAX_DEPTH", "MAX_LONG_INTS", "dump_json", "is_long", "parse_json"]

MAX_JSON_BYTES = 2**24
MAX_JSON_VALUES = 2**20
LONGEST_INT = 1024  # bits
MAX_DEPTH = 100
# Python's hash of whole numbers is their remainder by 2**61 - 1, so many numbers can have the same.
# A dictionary or set of them takes quadratic time. Smaller numbers have different hashes.
MAX_LONG_INTS = 1000
_LONG = 2**61 - 1


def dump_json(name: str, content: dict[str, Any]) -> bytes:
    """Return the content of a JSON member.

    Raises
    ------
    ModelFileError
        If it is too large for `parse_json`.
    """
    data = json.dumps(content, allow_nan=False, indent=1).encode("ascii")
    _check_size(name, data)
    return data


def is_long(value: Any) -> bool:
    """Return whether it is a whole number whose hash another number can have."""
    return type(value) is int and abs(value) >= _LONG


def parse_json(name: str, data: bytes) -> dict[str, Any]:
    """Return the object in a JSON member.

    Raises
    ------
    ModelFileError
        If it is too large, too deep, not an object, or not strict JSON.
    """
    _check_size(name, data)
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


def _check_size(name: str, data: bytes) -> None:
    n_values = sum(data.count(mark) for mark in (b",", b"[", b"{"))  # never fewer than there are
    if len(data) > MAX_JSON_BYTES or n_values > MAX_JSON_VALUES:
        raise refuse(
            f"{name} must hold at most {MAX_JSON_BYTES:,} bytes and {MAX_JSON_VALUES:,} values.",
            f"{len(data):,} bytes and up to {n_values:,} values",
            "Keep large data in numeric arrays, or outside the model.",
        )
