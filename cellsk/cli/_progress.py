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
    """Show on stderr the progress of ``n_fits`` fits of the classifier, or of clones of it.

    The classifier may be a step of a pipeline, which may be inside a search. A fit that stops
    early fills its share of the bar at once. Fits in other processes do not move the bar. If
    stderr is not a terminal, a line is written every now and then instead. Afterwards neither
    the classifier nor a clone of it has the callback, so the model can be saved.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    # scikit-learn's own ProgressBar draws on stdout, which is for results.
    columns = [TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.disable = not sys.stderr.isatty()
        task = progress.add_task("", total=n_fits)
        log = _Log(n_fits) if progress.disable else None
        classifier.set_callbacks(_Ticker(progress, task, n_fits, log))
        shared = classifier._skl_callbacks  # one list, which clones share
        try:
            yield
        finally:
            shared.clear()
            classifier.set_callbacks()


class _Log:
    """Lines about the progress of long runs, for readers who see no bar."""

    def __init__(self, n_fits: int) -> None:
        self._n_fits = n_fits
        self._start = self._last = time.monotonic()

    def update(self, done: int, epoch: int | None) -> None:
        """Write a line if the last one is old enough."""
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        state = "done" if epoch is None else f"epoch {epoch}"
        number = done if epoch is None else done + 1
        print(
            f"Fit {number} of {self._n_fits}: {state}, {now - self._start:.0f} s so far.",
            file=sys.stderr,
            flush=True,
        )


class _Ticker:
    """A callback of scikit-learn that moves the bar at each epoch."""

    def __init__(self, progress: Any, task: Any, n_fits: int, log: _Log | None = None) -> None:
        self._log = log
        self._progress = progress
        self._task = task
        self._n_fits = n_fits
        self._done = 0

    def __getstate__(self) -> dict[str, Any]:
        # Another process gets no bar, because epochs there are not counted here.
        return {**vars(self), "_progress": None, "_log": None}

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing: the bar exists already."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Show which epoch begins, and stop if the user asked to."""
        stop_if_interrupted()
        if context.task_name == "epoch":
            self._move(
                self._done + context.task_id / context.parent.max_subtasks,
                context.task_id + 1,
            )

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Do nothing, and do not ask the fit to stop."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Count the fit as done."""
        self._done += 1
        self._move(self._done)

    def _move(self, completed: float, epoch: int | None = None) -> None:
        if self._log is not None:
            self._log.update(self._done, epoch)
        if self._progress is not None:
            text = f"fit {self._done + 1} of {self._n_fits}, epoch {epoch}"
            self._progress.update(
                self._task, completed=completed, description=None if epoch is None else text
            )
