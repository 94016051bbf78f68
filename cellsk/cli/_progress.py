"""A progress bar over the epochs of one or many fits."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellsk.neural_network import CellClassifier

__all__ = ["show_progress"]


@contextmanager
def show_progress(classifier: CellClassifier, n_fits: int) -> Iterator[None]:
    """Show on stderr how far ``n_fits`` fits of the classifier, or clones of it, are.

    A fit that stops early fills its share at once. Afterwards the classifier has no
    callback, so that it can be saved.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        # Nothing is drawn where no one looks; and the bar is no part of the result.
        progress.disable = not sys.stderr.isatty()
        task = progress.add_task("", total=n_fits * classifier.epochs)
        classifier.set_params(callbacks=[_make_tick(progress, task, n_fits, classifier.epochs)])
        try:
            yield
        finally:
            classifier.set_params(callbacks=None)


def _make_tick(progress: Any, task: Any, n_fits: int, epochs: int) -> Any:
    import keras

    class Tick(keras.callbacks.Callback):
        fits = 0

        def __deepcopy__(self, memo: dict[int, Any]) -> Any:
            return self  # one bar for all clones

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            progress.update(
                task,
                completed=self.fits * epochs + epoch,
                description=f"fit {self.fits + 1} of {n_fits}, epoch {epoch + 1}",
            )

        def on_train_end(self, logs: Any = None) -> None:
            self.fits += 1
            progress.update(task, completed=self.fits * epochs)

    return Tick()
