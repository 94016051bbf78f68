"""Output of the commands: results on stdout, notes and warnings on stderr."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

from cellsk._files import STANDARD_OUTPUT
from cellsk._text import escape_text
from cellsk.cli._messages import word_error
from cellsk.exceptions import CellskWarning

__all__ = ["ShownWarnings", "print_note", "print_result", "show_warnings"]


def print_note(text: str) -> None:
    """Print a line on stderr. Stdout is for results."""
    print(escape_text(text), file=sys.stderr)


def print_result(text: str, *outputs: Path | int | None) -> None:
    """Print results on stdout, or on stderr if one of the outputs is written to stdout."""
    stream = sys.stderr if STANDARD_OUTPUT in outputs else sys.stdout
    # Results are read while the next step runs.
    print(escape_text(text), file=stream, flush=True)


class ShownWarnings:
    """The kinds of warnings that the user has read on stderr."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()

    def add(self, warning: Warning | str) -> bool:
        """Add the kind of a warning, and return whether it is new."""
        # Each fold has its own counts, so the text of one kind varies. Warnings of other packages
        # have no code.
        kind = getattr(warning, "code", "") or str(warning)
        known = kind in self._kinds
        self._kinds.add(kind)
        return not known

    def __contains__(self, code: str) -> bool:
        return code in self._kinds


def show_warnings() -> ShownWarnings:
    """Show each kind of warning once, as one line; return the kinds that were shown."""
    shown = ShownWarnings()

    def show(warning: Warning | str, *_: Any, **__: Any) -> None:
        if shown.add(warning):
            print_note(f"cellsk: warning: {word_error(warning)}")

    warnings.simplefilter("ignore")
    warnings.filterwarnings("once", module=r"cellsk\.")
    warnings.filterwarnings("always", category=CellskWarning)
    warnings.showwarning = show  # type: ignore[assignment]
    return shown
