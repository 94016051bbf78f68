"""Numbers as text for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

__all__ = ["format_table", "print_json"]


def format_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return right-aligned columns, two spaces between; floats with three digits."""
    cells = [list(header)] + [[_format(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(
        "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def print_json(result: dict[str, Any]) -> None:
    """Print the result as JSON, whose numbers are never NaN."""
    print(json.dumps(result, indent=2, allow_nan=False))


def _format(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
