"""Figures, axes and colours that the displays share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of the palette of Okabe and Ito, which colour-blind readers can tell apart.
BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#595959"

FONT_SIZE = 9.0


def divide_axes(ax: Axes, n_rows: int, n_columns: int, **space: float) -> NDArray[np.object_]:
    """Return an array of new axes that share the place of ``ax``, which is hidden.

    Raises
    ------
    ValueError
        When ``ax`` stands in no grid, so that its place cannot be shared out.
    """
    place = ax.get_subplotspec()
    figure = ax.get_figure()
    if place is None or figure is None:
        raise ValueError(
            "ax must be part of a grid of subplots. Got axes placed by hand. Make them with"
            " plt.subplots(), or pass ax=None."
        )
    ax.set_axis_off()
    grid = place.subgridspec(n_rows, n_columns, **space)
    return grid.subplots(squeeze=False)


def as_axes(ax: Any, n_axes: int) -> NDArray[np.object_] | None:
    """Return ``ax`` as an array if it is a collection of ``n_axes`` axes, None if it is one.

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
        raise ValueError(
            f"ax must be one matplotlib Axes, or {n_axes} of them. Got {ax!r}. Pass ax=None for"
            " a new figure."
        )
    return axes
