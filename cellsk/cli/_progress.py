"""Progress of a command on one line: what it does, the losses, and how long it still takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from statistics import mean
from typing import TYPE_CHECKING, Any

from cellsk._steps import Step, watch_steps
from cellsk.cli._interrupt import stop_if_interrupted

if TYPE_CHECKING:
    from cellsk.neural_network import CellClassifier

__all__ = ["show_fits", "show_steps"]

SECONDS_BETWEEN_LINES = 30
SECONDS_BEFORE_ESTIMATE = 2  # of a step
SMOOTHING = 0.3  # weight of a new estimate of the end


@contextmanager
def show_steps() -> Iterator[Line]:
    """Show on stderr the steps that the body counts, on one line that is updated in place.

    If stderr is not a terminal, a line is written every now and then instead.
    """
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    in_place = sys.stderr.isatty() and not console.is_dumb_terminal
    line = Line(is_log=not in_place)
    # Stdout is for results, so it is not redirected to the console, which is stderr.
    live = Live(line, console=console, transient=True, redirect_stdout=False)
    with live if in_place else nullcontext(), watch_steps(line.watch) as line.steps:
        yield line


@contextmanager
def show_fits(classifier: CellClassifier, names: Sequence[str]) -> Iterator[None]:
    """Show on stderr the steps of the body, and the epochs of a classifier and its clones.

    The classifier may be a step of a pipeline, which may be inside a search. Fits in other
    processes are not shown. Afterwards neither the classifier nor a clone of it has the callback,
    so the model can be saved.

    Parameters
    ----------
    classifier : CellClassifier
        Not fitted.
    names : sequence of str
        Name of each fit, such as "network 2 of 4". In a cross-validation, these of one fold.
    """
    with show_steps() as line:
        classifier.set_callbacks(_Ticker(line, names))
        shared = classifier._skl_callbacks  # one list, which clones share
        try:
            yield
        finally:
            shared.clear()
            classifier.set_callbacks()


class Line:
    """What a command does now. The text has several lengths, for wide and narrow terminals.

    Parameters
    ----------
    is_log : bool
        Whether to print the text every now and then.

    Attributes
    ----------
    steps : list of Step
        The steps at work, the outermost first.
    """

    def __init__(self, *, is_log: bool = False) -> None:
        self.steps: list[Step] = []
        self._lengths: Sequence[Sequence[str]] = [[""]]
        self._end: float | None = None
        self._bound = "about"
        self._printed = time.monotonic() if is_log else None

    def watch(self, steps: list[Step]) -> None:
        """Show the steps, with the remaining time of the innermost one.

        That of the folds of a network comes from its epochs.
        """
        inner, now = steps[-1], time.monotonic()
        took, end = now - inner.start, None
        if steps[0].what == "fold":
            end = self._end
        elif inner.done and took > SECONDS_BEFORE_ESTIMATE:
            end = now + took / inner.done * (inner.total - inner.done)
        self._update([[step.text for step in steps], [inner.text]], end, self._bound)

    def show(
        self, *lengths: Sequence[str], seconds: float | None = None, bound: str = "about"
    ) -> None:
        """Show the longest of several lists of texts that fits, and the remaining time."""
        self._update(lengths, None if seconds is None else time.monotonic() + seconds, bound)

    def _update(self, lengths: Sequence[Sequence[str]], end: float | None, bound: str) -> None:
        self._lengths, self._end, self._bound = lengths, end, bound
        now = time.monotonic()
        if self._printed is not None and now - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = now
            print(self.write(separator=", "), file=sys.stderr, flush=True)

    def write(self, width: int | None = None, separator: str = "  ") -> str:
        """Return the text."""
        left = []
        if self._end is not None:
            left = [_write_left(self._end - time.monotonic(), self._bound)]
        texts = [separator.join([*parts, *left]) for parts in self._lengths]
        texts.append(separator.join(self._lengths[-1]))
        fitting = (text for text in texts if width is None or len(text) <= width)
        return next(fitting, texts[-1][:width])

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """Yield the text, for rich."""
        from rich.text import Text

        yield Text(self.write(options.max_width - 1), no_wrap=True)


def _write_left(seconds: float, bound: str) -> str:
    """Return the remaining time in few words, which are as exact as the estimate."""
    if seconds < 10:
        return "a few seconds left"
    minutes = max(1, round(seconds / 60))
    if seconds < 55:
        duration = f"{5 * round(seconds / 5)} s"
    elif minutes < 90:
        duration = f"{minutes} min"
    else:
        hours, minutes = divmod(10 * round(minutes / 10), 60)
        duration = f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{bound} {duration} left"


class _Ticker:
    """A callback of scikit-learn that shows each epoch of several fits.

    Parameters
    ----------
    line : Line or None
        None shows nothing.
    names : sequence of str
        Name of each fit of a fold.
    """

    def __init__(self, line: Line | None, names: Sequence[str]) -> None:
        self._line = line
        self._names = names
        self._n_fits = 0  # of this fold
        self._fold = 0
        self._times = _FitTimes()

    def __getstate__(self) -> dict[str, Any]:
        # Another process shows nothing, because epochs there are not counted here.
        return {**vars(self), "_line": None}

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin a fit."""
        fold = self._line.steps[0].done if self._line and self._line.steps else 0
        if fold != self._fold:
            self._fold, self._n_fits = fold, 0

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Show which epoch begins, and stop if the user asked to."""
        stop_if_interrupted()
        if context.task_name == "epoch" and self._line is not None:
            self._times.begin_epoch()
            self._show(self._line, estimator, context.task_id + 1, context.parent.max_subtasks)

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Measure the epoch, and do not ask the fit to stop."""
        if context.task_name == "epoch":
            self._times.end_epoch()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Count the fit as done."""
        self._n_fits += 1
        self._times.end_fit()

    def _show(self, line: Line, estimator: Any, epoch: int, n_epochs: int) -> None:
        from cellsk.neural_network import choose_settings

        settings = choose_settings(estimator)
        stops = settings.early_stopping and settings.schedule == "constant"
        name = self._names[min(self._n_fits, len(self._names) - 1)]
        names = [text for text in (*(step.text for step in line.steps), name) if text]
        losses = [
            f"{word} {values[-1]:.3f}"
            for key, word in (("loss", "loss"), ("val_loss", "validation"))
            if (values := estimator.history_.get(key))
        ]
        n_folds = line.steps[0].total if line.steps else 1
        n_left = n_folds * len(self._names) - self._fold * len(self._names) - self._n_fits - 1
        line.show(
            [*names, f"epoch {epoch} of {'at most ' * stops}{n_epochs}", *losses],
            [*names, f"epoch {epoch} of {n_epochs}", *losses],
            [*names, f"epoch {epoch} of {n_epochs}", *losses[-1:]],
            [*names, f"epoch {epoch} of {n_epochs}"],
            [*names[:1], f"epoch {epoch}"],
            seconds=self._times.estimate(max(n_left, 0), n_epochs),
            bound="at most" if stops and self._times.n_fits == 0 else "about",
        )


class _FitTimes:
    """Remaining time of fits, from the time of earlier fits, or else of earlier epochs.

    The first epoch takes longer, because TensorFlow prepares the training. So it does not count.
    """

    def __init__(self) -> None:
        self.n_fits = 0
        self._fits: list[float] = []  # seconds
        self._epochs: list[float] = []
        self._n_epochs = 0
        self._fit_start = self._epoch_start = time.monotonic()
        self._end: float | None = None

    def begin_epoch(self) -> None:
        self._epoch_start = time.monotonic()
        if self._n_epochs == 0 and self.n_fits == 0:
            self._fit_start = self._epoch_start

    def end_epoch(self) -> None:
        self._n_epochs += 1
        self._epochs.append(time.monotonic() - self._epoch_start)

    def end_fit(self) -> None:
        now = time.monotonic()
        self._fits.append(now - self._fit_start)
        if self.n_fits == 0:
            self._end = None  # the next estimate is not an upper bound
            if self._n_epochs > 1:  # as if its first epoch had been no longer than the others
                self._fits = [self._n_epochs * mean(self._epochs[1:])]
        self._fit_start, self._n_epochs = now, 0
        self.n_fits += 1

    def estimate(self, n_left: int, max_epochs: int) -> float | None:
        """Return the seconds of the present fit and of ``n_left`` others, or None."""
        now, each = time.monotonic(), None
        if self._fits:
            each = mean(self._fits)
        elif len(self._epochs) > 1:
            each = mean(self._epochs[1:]) * max_epochs
        if each is None:
            return None
        done = now - self._fit_start if self.n_fits else mean(self._epochs[1:]) * self._n_epochs
        end = now + max(each - done, self._epochs[-1]) + n_left * each
        self._end = end if self._end is None else self._end + SMOOTHING * (end - self._end)
        return max(self._end - now, 0)
