"""The checklists of a model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellsk.report.render._markdown_text import write_table
from cellsk.report.words._phrases import count_statuses

__all__ = ["write_checklists"]

_SOURCES = {
    "TRIPOD+AI": "Collins et al., BMJ 2024;385:e078378",
    "CLAIM": "Tejani et al., Radiology: Artificial Intelligence 2024;6(4):e240300",
}


def write_checklists(document: Mapping[str, Any]) -> list[str]:
    """Return the answered items of each checklist as a table, and the numbers of the others."""
    lines = ["## Checklists"]
    lines += ["", "What the run itself can answer. The questions are in cellsk's words."]
    for name, items in document["checklists"].items():
        told = [one for one in items if one["status"] != "for the authors"]
        left = [one["item"] for one in items if one["status"] == "for the authors"]
        rows = [(one["item"], one["question"], one["answer"]) for one in told]
        source = f" ({_SOURCES[name]})" if name in _SOURCES else ""
        lines += ["", f"### {name}{source}", "", f"{count_statuses(items)}.", ""]
        lines += write_table(["Item", "Question", "Answer"], rows)
        lines += ["", f"For the authors: {', '.join(left)}."] if left else []
    return lines
