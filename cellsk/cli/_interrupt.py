"""Interruption of a command by Ctrl-C or a request to terminate."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "INTERRUPTED",
    "Interrupted",
    "forget_signals",
    "handle_signals",
    "is_interruption",
    "naming_written_files",
    "stop_if_interrupted",
]

INTERRUPTED = 130

_received: list[int] = []  # the signals that asked this process to stop


class Interrupted(Exception):
    """The user stopped a command that had written files."""


def handle_signals() -> None:
    """Let Ctrl-C and a request to terminate interrupt this command."""
    forget_signals()
    signal.signal(signal.SIGTERM, _interrupt)
    # A shell lets a command in the background ignore Ctrl-C. Keep that.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def forget_signals() -> None:
    """Forget the interruption of this command, so that it does not stop the next fit."""
    _received.clear()


def is_interruption(error: BaseException) -> bool:
    """Return whether the user asked to stop, which caused this error.

    Code that is called from C may turn the interruption into another error, such as a failed
    import, or an array that cannot be converted.
    """
    return isinstance(error, KeyboardInterrupt) or bool(_received)


def stop_if_interrupted() -> None:
    """Interrupt again if the first interruption was lost, because C code may drop an error.

    Raises
    ------
    KeyboardInterrupt
        When the user has asked to stop.
    """
    if _received:
        raise KeyboardInterrupt


def _interrupt(number: int, _: Any) -> None:
    _received.append(number)
    raise KeyboardInterrupt


@contextmanager
def naming_written_files(written: Sequence[Path]) -> Iterator[None]:
    """Let an interruption of the body name the files in ``written``, which may grow meanwhile.

    Raises
    ------
    Interrupted
        When the user interrupts, and a file was written.
    """
    try:
        yield
    except BaseException as error:
        if not written or not is_interruption(error):
            raise
        listed = ", ".join(map(str, written))
        raise Interrupted(f"These files are complete: {listed}.") from None
