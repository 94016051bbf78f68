"""The report of an evaluation: printed, and written to files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cellsk.cli._evaluation_checks import Outputs
from cellsk.cli._outputs import FORMATS, Writer, write_files
from cellsk.cli._terminal import ShownWarnings, print_result

if TYPE_CHECKING:
    from cellsk.report import EvaluationReport

__all__ = ["print_summary", "save_reports"]


def print_summary(
    report: EvaluationReport, shown: ShownWarnings, *outputs: Path | int | None
) -> None:
    """Print the summary without the warnings that the user has read meanwhile."""
    from cellsk.report import render_terminal

    document = report.document
    new = [warning for warning in document["warnings"] if warning["code"] not in shown]
    print_result(render_terminal(document | {"warnings": new}), *outputs)


def save_reports(
    report: EvaluationReport,
    outputs: Outputs,
    written: list[Path],
    choose: Callable[[Path], bool] = lambda _: True,
) -> None:
    """Write the outputs of a report that ``choose`` accepts, and add them to ``written``."""
    savers: dict[str, Writer] = {
        format: partial(report.save, format=format, max_pictures=outputs.max_pictures)
        for format in FORMATS
    }
    files = zip(outputs[:3], savers.values(), strict=True)
    writers = [(path, save) for path, save in files if path is not None]
    if outputs.folds is not None and outputs.folds not in written:
        writers.append((outputs.folds, report.save_folds))
    writers = [(path, save) for path, save in writers if choose(path)]
    write_files(writers, written, ("results.json", savers["json"]))
