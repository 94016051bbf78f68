"""TrainingCurveDisplay: accuracy and loss of each epoch of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from cellsk._checks import check_count
from cellsk.exceptions import InputError, InputTypeError
from cellsk.inspection._figures import BLUE, FONT_SIZE, GRAY, VERMILLION, as_axes, divide_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["TrainingCurveDisplay"]

_PANELS = ("accuracy", "loss")
# The curves differ both in color and in dashes.
_STYLES: dict[str, dict[str, Any]] = {
    "": {"label": "training", "color": BLUE, "linestyle": "-"},
    "val_": {"label": "hold-out", "color": VERMILLION, "linestyle": "--"},
}


class TrainingCurveDisplay:
    """Curves of a training: accuracy and loss, epoch by epoch.

    Shows whether the training was long enough, and when overfitting began: from there on the
    training curve improves, and the hold-out curve does not. The epoch whose weights were
    kept is marked.

    Make it with :meth:`from_estimator`. The constructor only stores its arguments.

    Parameters
    ----------
    history : mapping of str to sequence of float
        `accuracy` and `loss` of each epoch, and `val_accuracy` and `val_loss` if there was
        a hold-out: training images that are set aside to choose the epoch.
    best_epoch : int, default=None
        The epoch whose weights were kept, counted from 1. None marks none.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure that holds the curves.
    ax_ : ndarray of matplotlib Axes of shape (2,)
        The panels: accuracy, loss.
    lines_ : list of matplotlib Line2D
        The curves: training and hold-out of accuracy, then of loss. There are no hold-out
        curves if there was no hold-out.

    See Also
    --------
    CellClassifier : The classifier that keeps such a history.
    sklearn.model_selection.LearningCurveDisplay : Scores for growing numbers of images.

    Notes
    -----
    Use the curves to check a training, but do not report their values. The hold-out images
    chose the epoch, so the best value of their curve is too good; report the scores of
    :func:`~cellsk.evaluate`. The training curve is an average over each epoch while the weights
    change, so it lags by half an epoch and may start below the validation curve.

    The accuracy axis always ends at 1, and the loss axis starts at 0.

    Examples
    --------
    >>> from cellsk import TrainingCurveDisplay
    >>> history = {
    ...     "accuracy": [0.6, 0.8, 0.9],
    ...     "loss": [0.7, 0.5, 0.3],
    ...     "val_accuracy": [0.5, 0.7, 0.7],
    ...     "val_loss": [0.7, 0.6, 0.8],
    ... }
    >>> display = TrainingCurveDisplay(history, best_epoch=2).plot()
    >>> [line.get_label() for line in display.lines_]
    ['training', 'hold-out', 'training', 'hold-out']
    """

    figure_: Figure
    ax_: NDArray[np.object_]
    lines_: list[Line2D]

    def __init__(
        self, history: Mapping[str, Sequence[float]], best_epoch: int | None = None
    ) -> None:
        self.history = history
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Axes | Sequence[Axes] | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> TrainingCurveDisplay:
        """Draw the training of a fitted classifier.

        Parameters
        ----------
        estimator : estimator
            A fitted :class:`CellClassifier`, or a fitted pipeline or search that ends in one.
            For a search, the training of its best estimator is drawn.
        ax : matplotlib Axes or two of them, default=None
            Two axes to draw on, or one that the two panels replace. None makes a new figure.
        line_kw : dict, default=None
            Keywords for matplotlib's `plot`, for all curves.

        Returns
        -------
        display : TrainingCurveDisplay

        Raises
        ------
        NotFittedError
            When the estimator is not fitted.
        TypeError, ValueError
            When it does not end in a classifier with a history, or `ax` is not as above.

        Examples
        --------
        >>> from cellsk import CellClassifier, TrainingCurveDisplay, make_cells
        >>> cells = make_cells(40, image_size=(16, 16), random_state=0)
        >>> classifier = CellClassifier(
        ...     filters=(4,), epochs=2, early_stopping=False, random_state=0
        ... )
        >>> classifier = classifier.fit(cells.images, cells.y)
        >>> display = TrainingCurveDisplay.from_estimator(classifier)
        >>> display.best_epoch
        2
        """
        fitted = _find_trained(estimator)
        display = cls(fitted.history_, getattr(fitted, "best_epoch_", None))
        return display.plot(ax=ax, line_kw=line_kw)

    def plot(
        self,
        ax: Axes | Sequence[Axes] | None = None,
        *,
        line_kw: dict[str, Any] | None = None,
    ) -> TrainingCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or two of them, default=None
            Two axes to draw on, or one that the two panels replace. None makes a new figure.
        line_kw : dict, default=None
            Keywords for matplotlib's `plot`, for all curves.

        Returns
        -------
        display : TrainingCurveDisplay

        Raises
        ------
        TypeError, ValueError
            When the history or the epoch is not as the constructor describes it, or `ax` is
            not as above.
        """
        n_epochs = _check_history(self.history)
        best_epoch = _check_best_epoch(self.best_epoch, n_epochs)
        self.ax_ = _make_panels(ax)
        self.figure_ = self.ax_[0].get_figure()
        self.lines_ = []
        for panel, quantity in zip(self.ax_, _PANELS, strict=True):
            self.lines_ += _draw_curves(panel, self.history, quantity, line_kw or {})
            _style_panel(panel, quantity, n_epochs)
            if best_epoch is not None:
                _mark_epoch(panel, best_epoch, n_epochs)
        self.ax_[0].legend(frameon=False, fontsize=FONT_SIZE)
        return self


def _find_trained(estimator: Any) -> Any:
    """Return the fitted classifier within pipelines, searches and other wrappers."""
    check_is_fitted(estimator)
    found = estimator
    while not hasattr(found, "history_"):
        inner = _unwrap(found)
        if not isinstance(inner, BaseEstimator):
            raise _describe_no_history(estimator, found)
        found = inner
    return found


def _unwrap(estimator: Any) -> Any:
    """Return the fitted estimator one layer further in, or None."""
    if isinstance(estimator, Pipeline):
        return estimator.steps[-1][1]
    if isinstance(estimator, FrozenEstimator):
        return estimator.estimator
    return getattr(estimator, "best_estimator_", getattr(estimator, "estimator_", None))


def _describe_no_history(estimator: Any, found: Any) -> InputTypeError:
    within = "" if found is estimator else f" that ends in {type(found).__name__}"
    remedy = "Pass a fitted CellClassifier, or a pipeline or search that ends in one."
    if hasattr(found, "cv_results_"):
        remedy = "Fit the search with refit=True."
    return InputTypeError(
        "must keep the history of its training, as CellClassifier does",
        f"{type(estimator).__name__}{within}, without history_",
        remedy,
        parameter="estimator",
        code="no-training-history",
    )


def _check_history(history: Mapping[str, Sequence[float]]) -> int:
    """Return the number of epochs."""
    missing = [name for name in _PANELS if name not in history]
    names = [prefix + name for prefix in _STYLES for name in _PANELS]
    lengths = {name: len(history[name]) for name in names if name in history}
    if missing or len(set(lengths.values())) != 1 or not max(lengths.values()):
        raise InputError(
            "must hold 'accuracy' and 'loss', one number for each epoch",
            f"{lengths or list(history)} (number of epochs by name)",
            "Pass the history_ of a fitted CellClassifier.",
            parameter="history",
            code="training-history",
        )
    return lengths["loss"]


def _check_best_epoch(best_epoch: int | None, n_epochs: int) -> int | None:
    if best_epoch is None:
        return None
    if check_count("best_epoch", best_epoch) > n_epochs:
        raise InputError(
            f"must be one of the {n_epochs} epochs of the history, counted from 1",
            f"{best_epoch}",
            "Pass the best_epoch_ of the same classifier.",
            parameter="best_epoch",
            code="best-epoch-unknown",
        )
    return best_epoch


def _make_panels(ax: Axes | Sequence[Axes] | None) -> NDArray[np.object_]:
    import matplotlib.pyplot as plt

    if ax is None:
        return plt.subplots(1, 2, figsize=(8.0, 3.2), layout="constrained")[1]
    axes = as_axes(ax, 2)
    return divide_axes(ax, 1, 2, wspace=0.45)[0] if axes is None else axes  # type: ignore[arg-type]


def _draw_curves(
    panel: Axes,
    history: Mapping[str, Sequence[float]],
    quantity: str,
    line_kw: dict[str, Any],
) -> list[Line2D]:
    lines = []
    for prefix, style in _STYLES.items():
        values = history.get(prefix + quantity)
        if values is None:
            continue
        epochs = np.arange(1, len(values) + 1)
        dots = {"marker": "o", "markersize": 3.5} if len(values) <= 20 else {}
        lines += panel.plot(epochs, values, **{"linewidth": 1.6, **style, **dots, **line_kw})
    return lines


def _style_panel(panel: Axes, quantity: str, n_epochs: int) -> None:
    """Set limits, ticks and labels. The limits never make a small change look large."""
    from matplotlib.ticker import MaxNLocator

    panel.set_xlim(0.5, n_epochs + 0.5)
    panel.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    lowest, highest = panel.dataLim.intervaly
    if quantity == "accuracy":
        panel.set_ylim(max(min(np.floor(lowest * 10) / 10, 0.5), 0.0) - 0.02, 1.02)
    else:
        panel.set_ylim(0.0, highest * 1.08 or 1.0)
    panel.set_xlabel("epoch", fontsize=FONT_SIZE)
    panel.set_ylabel(quantity, fontsize=FONT_SIZE)
    panel.tick_params(labelsize=FONT_SIZE - 1)
    panel.grid(alpha=0.25, linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)


def _mark_epoch(panel: Axes, best_epoch: int, n_epochs: int) -> None:
    """Draw a line at the kept epoch, with a text above the panel."""
    panel.axvline(best_epoch, color=GRAY, linewidth=1.0, linestyle=":", zorder=0)
    place = (best_epoch - 0.5) / n_epochs
    side = "left" if place < 0.2 else "right" if place > 0.8 else "center"
    panel.text(
        best_epoch,
        1.02,
        f"kept: epoch {best_epoch}",
        transform=panel.get_xaxis_transform(),
        horizontalalignment=side,
        verticalalignment="bottom",
        fontsize=FONT_SIZE - 1,
        color=GRAY,
    )
