"""The report of an evaluation: printed, and written to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cellsk.cli._evaluation_checks import Outputs
from cellsk.cli._terminal import ShownWarnings, print_note

if TYPE_CHECKING:
    from cellsk.report import EvaluationReport

__all__ = ["note_written", "print_summary", "save_reports"]


def print_summary(report: EvaluationReport, shown: ShownWarnings) -> None:
    """Print the summary without the warnings that the user has read meanwhile."""
    from cellsk.report import render_terminal

    document = report.document
    new = [warning for warning in document["warnings"] if warning["code"] not in shown]
    print(render_terminal(document | {"warnings": new}), flush=True)


def save_reports(report: EvaluationReport, outputs: Outputs, written: list[Path]) -> None:
    """Write the files of a report, and add their names to ``written``."""
    for path in (outputs.html, outputs.json, outputs.markdown):
        if path is not None:
            report.save(path, max_pictures=outputs.max_pictures)
            note_written(path, written)


def note_written(path: Path, written: list[Path]) -> None:
    """Print that a file was written, and whether it is the second time."""
    print_note(f"Written{' again, with the comparison' if path in written else ''}: {path}.")
    if path not in written:
        written.append(path)
