"""Steps of long work, which the command line shows as progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias, TypeVar

__all__ = ["Step", "count_steps", "is_watched", "watch_steps"]

T = TypeVar("T")


class Step:
    """Work on several items, one after the other.

    Parameters
    ----------
    what : str
        Such as "reading", or "fold" if there is no unit.
    total : int
        Number of items.
    unit : str, default=""
        What the items are, such as "images".

    Attributes
    ----------
    done : int
        Number of items that are done.
    start : float
        When the work began, in seconds of ``time.monotonic``.
    """

    def __init__(self, what: str, total: int, unit: str = "") -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done, self.start = 0, time.monotonic()

    @property
    def text(self) -> str:
        """Such as "reading 30 of 400 images", or "fold 2 of 5"."""
        number = self.done if self.unit else min(self.done + 1, self.total)
        return f"{self.what} {number:,} of {self.total:,} {self.unit}".strip()


Watcher: TypeAlias = Callable[[list[Step]], None]

# Other threads and processes have no watcher.
_watch: ContextVar[tuple[Watcher, list[Step]] | None] = ContextVar("watch", default=None)


@contextmanager
def watch_steps(watcher: Watcher) -> Iterator[list[Step]]:
    """Call ``watcher`` at each step of the body with the steps at work, the outermost first.

    Yields
    ------
    steps : list of Step
        The steps at work, which changes.
    """
    steps: list[Step] = []
    token = _watch.set((watcher, steps))
    try:
        yield steps
    finally:
        _watch.reset(token)


def is_watched() -> bool:
    """Return whether somebody watches the steps of this thread."""
    return _watch.get() is not None


def count_steps(items: Iterable[T], what: str, total: int, unit: str = "") -> Iterator[T]:
    """Yield the items, and report each to the watcher, if there is one."""
    watch = _watch.get()
    if watch is None or total == 0:
        yield from items
        return
    watcher, steps = watch
    step = Step(what, total, unit)
    steps.append(step)
    try:
        watcher(steps)
        for item in items:
            yield item
            step.done += 1
            watcher(steps)
    finally:
        steps.remove(step)
