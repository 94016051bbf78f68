"""What stands when a command is interrupted."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "INTERRUPTED",
    "Interrupted",
    "is_interruption",
    "listen",
    "stop_if_interrupted",
    "stopping_after",
]

INTERRUPTED = 130

_received: list[int] = []  # the signals that asked this process to stop


class Interrupted(Exception):
    """The user stopped a command that had written files."""


def listen() -> None:
    """Let Ctrl-C and a request to terminate interrupt this command."""
    _received.clear()
    signal.signal(signal.SIGTERM, _interrupt)
    # A command started in the background is told to ignore Ctrl-C; it goes on doing so.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def is_interruption(error: BaseException) -> bool:
    """Say whether an error is due to the user's wish to stop.

    Code that is called from C may turn the interruption into an error of its own: a failed
    import, or an array that could not be converted.
    """
    return isinstance(error, KeyboardInterrupt) or bool(_received)


def stop_if_interrupted() -> None:
    """Interrupt again where the interruption was lost: C code may drop an error altogether.

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
def stopping_after(written: Sequence[Path]) -> Iterator[None]:
    """Let an interruption within say which files stand, as far as ``written`` has grown.

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
        raise Interrupted(f"What was written before stands: {listed}.") from None
