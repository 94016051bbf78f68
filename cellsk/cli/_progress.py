"""A progress bar over the epochs of one or many fits."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cellsk.cli._interrupt import stop_if_interrupted

if TYPE_CHECKING:
    from cellsk.neural_network import CellClassifier

__all__ = ["show_progress"]

SECONDS_BETWEEN_LINES = 30


@contextmanager
def show_progress(classifier: CellClassifier, n_fits: int) -> Iterator[None]:
    """Show on stderr how far ``n_fits`` fits of the classifier, or clones of it, are.

    The classifier may stand in a pipeline or a search. A fit that stops early fills its
    share at once; fits in other processes do not move the bar. Where stderr is no terminal,
    as in a log, there is a line now and then instead. Afterwards neither the classifier nor a
    clone of it has the callback, so that it can be saved.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    # scikit-learn's own ProgressBar draws on stdout, which belongs to the result.
    columns = [TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        # Nothing is drawn where no one looks; and the bar is no part of the result.
        progress.disable = not sys.stderr.isatty()
        task = progress.add_task("", total=n_fits)
        log = _Log(n_fits) if progress.disable else None
        classifier.set_callbacks(_Ticker(progress, task, n_fits, log))
        shared = classifier._skl_callbacks  # one list, which clones hold too
        try:
            yield
        finally:
            shared.clear()
            classifier.set_callbacks()


class _Log:
    """Says in lines how far the fits are, where no bar is seen; of a short run nothing."""

    def __init__(self, n_fits: int) -> None:
        self._n_fits = n_fits
        self._start = self._last = time.monotonic()

    def update(self, done: int, epoch: int | None) -> None:
        """Write a line, if none was written for a while."""
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        where = "done" if epoch is None else f"epoch {epoch}"
        number = done if epoch is None else done + 1
        print(
            f"Fit {number} of {self._n_fits}: {where}, {now - self._start:.0f} s so far.",
            file=sys.stderr,
            flush=True,
        )


class _Ticker:
    """Moves the bar at each epoch, as a callback of scikit-learn's."""

    def __init__(self, progress: Any, task: Any, n_fits: int, log: _Log | None = None) -> None:
        self._log = log
        self._progress = progress
        self._task = task
        self._n_fits = n_fits
        self._done = 0

    def __getstate__(self) -> dict[str, Any]:
        # A bar is no thing to send to a process, whose epochs are not counted here.
        return {**vars(self), "_progress": None, "_log": None}

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing: the bar is there already."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Say which epoch begins; stop if the user wants it."""
        stop_if_interrupted()
        if context.task_name == "epoch":
            self._move(
                self._done + context.task_id / context.parent.max_subtasks,
                context.task_id + 1,
            )

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Do nothing, and do not ask to stop."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Count the fit as done."""
        self._done += 1
        self._move(self._done)

    def _move(self, completed: float, epoch: int | None = None) -> None:
        if self._log is not None:
            self._log.update(self._done, epoch)
        if self._progress is not None:
            words = f"fit {self._done + 1} of {self._n_fits}, epoch {epoch}"
            self._progress.update(
                self._task, completed=completed, description=None if epoch is None else words
            )
