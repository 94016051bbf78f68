"""Axes and colors of the displays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellsk.exceptions import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# From the palette of Okabe and Ito, whose colors color-blind readers can distinguish.
BLUE, VERMILLION, GRAY = "#0072B2", "#D55E00", "#595959"

FONT_SIZE = 9.0


def divide_axes(ax: Axes, n_rows: int, n_columns: int, **space: Any) -> NDArray[np.object_]:
    """Hide ``ax``, and return an array of new axes in its place.

    Raises
    ------
    ValueError
        When ``ax`` is not in a grid of subplots.
    """
    place = ax.get_subplotspec()
    figure = ax.get_figure()
    if place is None or figure is None:
        raise InputError(
            "must be in a grid of subplots",
            "axes placed by hand",
            "Make them with plt.subplots(), or pass ax=None.",
            parameter="ax",
        )
    ax.set_axis_off()
    grid = place.subgridspec(n_rows, n_columns, **space)
    return grid.subplots(squeeze=False)


def as_axes(ax: Any, n_axes: int) -> NDArray[np.object_] | None:
    """Return ``ax`` as an array if it is a collection of ``n_axes`` axes, or None if it is one.

    Raises
    ------
    ValueError
        When it is neither.
    """
    from matplotlib.axes import Axes

    if isinstance(ax, Axes):
        return None
    axes = np.asarray(ax, dtype=object).ravel()
    if len(axes) != n_axes or not all(isinstance(one, Axes) for one in axes):
        raise InputError(
            f"must be one matplotlib Axes, or {n_axes} of them",
            repr(ax),
            "Pass ax=None for a new figure.",
            parameter="ax",
        )
    return axes
