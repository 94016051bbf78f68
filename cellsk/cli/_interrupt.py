"""What stands when a command is interrupted."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["INTERRUPTED", "Interrupted", "stopping_after"]

INTERRUPTED = 130


class Interrupted(Exception):
    """The user stopped a command that had written files."""

    exit_code = INTERRUPTED

    def show(self) -> None:
        """Say it."""
        print(f"cellsk: interrupted. {self}", file=sys.stderr)


@contextmanager
def stopping_after(written: Sequence[Path]) -> Iterator[None]:
    """Let an interruption within say which files stand, as far as ``written`` has grown.

    Raises
    ------
    Interrupted
        When the user interrupts, and a file was written.
    """
    try:
        yield
    except KeyboardInterrupt:
        if not written:
            raise
        listed = ", ".join(map(str, written))
        raise Interrupted(f"What was written before stands: {listed}.") from None
