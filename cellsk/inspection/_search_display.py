"""SearchDisplay: score and fit time of candidates against each parameter of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import check_option
from cellsk.exceptions import InputError
from cellsk.inspection._charts import FONT_SIZE, INK, LINE, MUTED, SERIES, make_chart
from cellsk.inspection._svg import figure_to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SearchDisplay", "draw_search", "draw_search_charts", "list_searched", "value_key"]

QUANTITIES = ("score", "fit_seconds")
# The best and the choice differ from the others both in color and in shape.
_OTHER: dict[str, Any] = {"color": SERIES[0], "marker": "o", "markersize": 4.5}
_BEST: dict[str, Any] = {"color": SERIES[1], "marker": "D", "markersize": 6.5}
_CHOICE: dict[str, Any] = {"color": SERIES[2], "marker": "s", "markersize": 6.5}
_LOG_FROM = 20  # ratio of the highest to the lowest value from which the axis is logarithmic
_SPREAD = 0.22  # width on either side of a value for the candidates that share it


class SearchDisplay:
    """Score with interval, and fit time, of a search's candidates against each parameter.

    A row of panels for each parameter of the search, filter counts first: the score on the left,
    and the fit time on the right. Each point is a candidate; candidates that share a value are
    side by side. Only the last iteration of a halving search is drawn.

    `SearchReport.plot` makes it. The constructor only stores its arguments.

    Parameters
    ----------
    document : mapping
        The document of a `SearchReport`.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure that holds the panels.
    axes_ : ndarray of matplotlib Axes of shape (n_parameters, 2)
        The panels: score and fit time, a row for each parameter.

    See Also
    --------
    TrainingCurveDisplay : The training of one candidate, epoch by epoch.

    Notes
    -----
    A panel shows one parameter, and the others vary within it. If a good score needs two
    parameters at once, a single panel does not show it.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from cellsk import SearchReport
    >>> X, y = make_classification(random_state=0)
    >>> search = GridSearchCV(LogisticRegression(), {"C": [0.01, 0.1, 1]}).fit(X, y)
    >>> SearchReport(search).plot().axes_.shape
    (1, 2)
    """

    figure_: Figure
    axes_: NDArray[np.object_]

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def plot(self) -> SearchDisplay:
        """Draw the panels in a new figure.

        Returns
        -------
        display : SearchDisplay

        Raises
        ------
        ValueError
            When there is only one candidate to draw.
        """
        import matplotlib.pyplot as plt

        names = list_searched(self.document)
        if not names:
            raise InputError(
                "A search is drawn against parameters with at least two values",
                f"none, in {len(self.document['candidates'])} candidates, of which"
                f" {self.document['n_failed']} failed",
                "Search over more candidates.",
            )
        self.figure_, self.axes_ = plt.subplots(
            len(names), 2, figsize=(8.0, 2.9 * len(names)), layout="constrained", squeeze=False
        )
        for row, name in zip(self.axes_, names, strict=True):
            for panel, quantity in zip(row, QUANTITIES, strict=True):
                draw_search(panel, self.document, name, quantity)
        handles, labels = self.axes_[0, 0].get_legend_handles_labels()
        if len(labels) > 1:
            self.figure_.legend(
                handles,
                labels,
                loc="outside upper center",
                ncols=3,
                frameon=False,
                fontsize=FONT_SIZE,
            )
        return self


def draw_search_charts(
    document: Mapping[str, Any], captions: Mapping[tuple[str, str], tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Return charts of a search as svg.

    Parameters
    ----------
    document : mapping
        The document of a `SearchReport`.
    captions : mapping of (str, str) to (str, str)
        Title and description of each chart to draw, by parameter and quantity.

    Returns
    -------
    charts : dict of (str, str) to str
        The svg of each chart.
    """
    charts = {}
    for (name, quantity), (title, description) in captions.items():
        figure, axes = make_chart()
        draw_search(axes, document, name, quantity)
        charts[name, quantity] = figure_to_svg(figure, title=title, description=description)
    return charts


def list_searched(document: Mapping[str, Any]) -> list[str]:
    """Return the parameters with at least two values among the candidates to draw."""
    shown = _pick_candidates(document)
    return [
        parameter["name"]
        for parameter in document["parameters"]
        if len(_list_values(parameter, shown)) > 1
    ]


def draw_search(panel: Axes, document: Mapping[str, Any], name: str, quantity: str) -> None:
    """Draw score or fit time of each candidate against one parameter.

    Parameters
    ----------
    panel : matplotlib Axes
        Where to draw.
    document : mapping
        The document of a `SearchReport`.
    name : str
        Name of the parameter.
    quantity : {"score", "fit_seconds"}
        Quantity to draw.

    Raises
    ------
    ValueError
        When the quantity is neither.
    """
    check_option("quantity", quantity, QUANTITIES)
    parameter = next(one for one in document["parameters"] if one["name"] == name)
    shown = [one for one in _pick_candidates(document) if name in one["params"]]
    values = _list_values(parameter, shown)
    for candidate, place in zip(shown, _place(shown, name, values, parameter), strict=True):
        _draw_candidate(panel, document, candidate, place, quantity)
    _style_panel(panel, document, quantity)
    _label_values(panel, parameter, values)


def _pick_candidates(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the candidates that have a score and can be compared with the best."""
    candidates = document["candidates"]
    return [
        one
        for one in candidates
        if one["mean"] is not None and one["iteration"] == candidates[0]["iteration"]
    ]


def _list_values(
    parameter: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """Return the values of a parameter among these candidates, in order."""
    name = parameter["name"]
    occurring = {value_key(one["params"][name]) for one in candidates if name in one["params"]}
    return [value for value in parameter["values"] if value_key(value) in occurring]


def value_key(value: Any) -> Any:
    """Return a key that is equal for equal values only. In Python, ``True`` equals 1.

    Examples
    --------
    >>> from cellsk.inspection import value_key
    >>> value_key([8, 16]) == value_key([8, 16.0]), value_key(1) == value_key(True)
    (True, False)
    """
    if isinstance(value, list):
        return tuple(value_key(item) for item in value)
    return isinstance(value, bool), value


def _place(
    candidates: Sequence[Mapping[str, Any]],
    name: str,
    values: list[Any],
    parameter: Mapping[str, Any],
) -> list[float]:
    """Return the place of each candidate on the axis, side by side if they share a value."""
    if parameter["numeric"] and len(values) == len(candidates):
        return [float(one["params"][name]) for one in candidates]
    keys = [value_key(value) for value in values]
    sharing: dict[int, list[int]] = {}
    for row, one in enumerate(candidates):
        sharing.setdefault(keys.index(value_key(one["params"][name])), []).append(row)
    places = np.zeros(len(candidates))
    for position, rows in sharing.items():
        # In the order of the search, so that neighbors differ little in the other parameters.
        rows.sort(key=lambda row: candidates[row]["row"])
        offsets = np.linspace(-_SPREAD, _SPREAD, len(rows)) if len(rows) > 1 else [0.0]
        places[rows] = position + np.asarray(offsets)
    return places.tolist()


def _draw_candidate(
    panel: Axes,
    document: Mapping[str, Any],
    candidate: Mapping[str, Any],
    place: float,
    quantity: str,
) -> None:
    style, label = _OTHER, "other candidates"
    for key, named, words in (
        ("one_standard_error", _CHOICE, "smallest as good"),
        ("best", _BEST, "best"),
    ):
        if candidate is document["candidates"][document[key]]:
            style, label = named, words
    front = 3 if style is _OTHER else 4
    value = candidate["mean"] if quantity == "score" else candidate["fit_seconds"]
    if quantity == "score" and candidate["low"] is not None:
        ends = candidate["low"], candidate["high"]
        panel.vlines(place, *ends, color=style["color"], linewidth=1.4, alpha=0.5, zorder=front - 1)
    known = panel.get_legend_handles_labels()[1]
    label = f"_{label}" if label in known else label
    panel.plot([place], [value], linestyle="none", label=label, zorder=front, **style)


def _style_panel(panel: Axes, document: Mapping[str, Any], quantity: str) -> None:
    score = document["search"]["score"].replace("_", " ").replace("roc auc", "ROC AUC")
    panel.set_ylabel(score if quantity == "score" else "seconds to fit")
    if quantity == "fit_seconds":
        panel.set_ylim(bottom=0, top=panel.dataLim.ymax * 1.1 or 1.0)
    for label in (panel.xaxis.label, panel.yaxis.label):
        label.set_fontsize(FONT_SIZE)
        label.set_color(INK)
    panel.tick_params(labelsize=FONT_SIZE - 1, labelcolor=MUTED, length=0)
    panel.grid(axis="y", color=LINE, linewidth=0.5, alpha=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set_color(LINE)


def _label_values(panel: Axes, parameter: Mapping[str, Any], values: list[Any]) -> None:
    panel.set_xlabel(parameter["short"])
    n_drawn = len(panel.lines)
    if parameter["numeric"] and len(values) == n_drawn:
        if min(values) > 0 and max(values) / min(values) >= _LOG_FROM:
            panel.set_xscale("log")
        return
    panel.set_xticks(range(len(values)), [_shorten(value) for value in values])
    panel.set_xlim(-0.5, len(values) - 0.5)
    if max(len(_shorten(value)) for value in values) * len(values) > 40:
        panel.tick_params(axis="x", labelrotation=35)
        for label in panel.get_xticklabels():
            label.set_horizontalalignment("right")


def _shorten(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(_shorten(item) for item in value)
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 16 else f"{text[:15]}…"
