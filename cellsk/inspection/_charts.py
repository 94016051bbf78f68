"""Charts of an evaluation: from one part of its document to one matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cellsk.inspection._svg import CHART_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "draw_coverage",
    "draw_histogram",
    "draw_precision_recall",
    "draw_reliability",
    "draw_roc",
    "draw_training",
]

# A chart is as wide as a phone, and a page sets up to three side by side: its letters keep
# about the size of the text around them. One unit is one pixel.
WIDTH, HEIGHT, UNITS_PER_INCH = 340, 290, 72
FONT_SIZE = 11.0
_NAMED = {variable: colour for colour, variable in CHART_COLOURS.items()}
INK, MUTED, LINE = _NAMED["ink"], _NAMED["muted"], _NAMED["line"]
SERIES = [_NAMED[f"chart-{number}"] for number in range(1, 8)]
# After seven classes the colours come again, with another line: both are in the legend.
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)))

Curves = Sequence[Mapping[str, Any]]


def draw_roc(curves: Curves, point: Mapping[str, Mapping[str, Any]] | None = None) -> Figure:
    """Return the ROC curve of each class.

    Parameters
    ----------
    curves : sequence of mapping
        `fpr` and `tpr` of each class.
    point : mapping, default=None
        `sensitivity` and `specificity`, each with `value`, `low` and `high`: where the
        decisions stand, drawn with their intervals.

    Returns
    -------
    figure : matplotlib Figure

    Examples
    --------
    >>> from cellsk.inspection._charts import draw_roc
    >>> figure = draw_roc([{"fpr": [0.0, 0.0, 1.0], "tpr": [0.0, 1.0, 1.0]}])
    >>> figure.axes[0].get_ylabel()
    'sensitivity'
    """
    figure, axes = _start("false positive rate (1 \N{MINUS SIGN} specificity)", "sensitivity")
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.2)
    for number, curve in enumerate(curves):
        axes.plot(curve["fpr"], curve["tpr"], **_series(number, len(curves)))
    if point is not None:
        _mark_decisions(axes, point["sensitivity"], point["specificity"])
    _set_shares(axes)
    return figure


def draw_precision_recall(curves: Curves) -> Figure:
    """Return the precision-recall curve of each class.

    Parameters
    ----------
    curves : sequence of mapping
        `recall` and `precision` of each class, and its `prevalence`, which guessing reaches:
        drawn as a line where there is one class.

    Returns
    -------
    figure : matplotlib Figure
    """
    figure, axes = _start("sensitivity (recall)", "PPV (precision)")
    if len(curves) == 1 and curves[0]["prevalence"] is not None:
        axes.axhline(curves[0]["prevalence"], color=LINE, linewidth=1.2)
    for number, curve in enumerate(curves):
        axes.plot(curve["recall"], curve["precision"], **_series(number, len(curves)))
    _set_shares(axes)
    return figure


def draw_reliability(reliability: Mapping[str, Sequence[float]]) -> Figure:
    """Return the reliability diagram: predicted probability against what came true.

    Parameters
    ----------
    reliability : mapping
        `mean_predicted`, `observed`, `low`, `high` and `count` of each bin that holds images.

    Returns
    -------
    figure : matplotlib Figure
        Below the diagram, how many images each bin holds. A line joins the bins of at least
        `FEW_IN_BIN` images; the dots of the others are open.
    """
    figure, (axes, below) = _start_two("observed share")
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.2)
    kept = [
        row
        for row in zip(*(reliability[name] for name in _BIN), strict=True)
        if None not in row and row[-1] > 0
    ]
    if kept:
        predicted, observed, low, high, count = (list(column) for column in zip(*kept, strict=True))
        axes.vlines(predicted, low, high, color=SERIES[0], linewidth=1.4, alpha=0.55)
        _plot_bins(axes, predicted, observed, [number >= FEW_IN_BIN for number in count])
        below.bar(predicted, count, width=0.05, color=SERIES[0], alpha=0.55)
    _set_shares(axes)
    below.set_xlabel("predicted probability")
    return figure


_BIN = ("mean_predicted", "observed", "low", "high", "count")
FEW_IN_BIN = 10  # with fewer images, one more or less of them moves the share by a tenth


def _plot_bins(
    axes: Axes, predicted: Sequence[float], observed: Sequence[float], enough: Sequence[bool]
) -> None:
    """Draw bins of few images as open dots, and the others joined."""
    for full in (False, True):
        rows = [row for row, one in enumerate(enough) if one == full]
        axes.plot(
            [predicted[row] for row in rows],
            [observed[row] for row in rows],
            color=SERIES[0],
            marker="o",
            markersize=4.5,
            linewidth=1.4 if full else 0,
            markerfacecolor=SERIES[0] if full else "none",
        )


def draw_histogram(histogram: Mapping[str, Any], positive: str | None = None) -> Figure:
    """Return how the scores of each class are spread.

    Parameters
    ----------
    histogram : mapping
        `edges` of the bins, and under `classes` the `name` and `counts` of each class.
    positive : str, default=None
        Name of the positive class of two: it stands above the line, the other below. None
        sets all classes on top of each other.

    Returns
    -------
    figure : matplotlib Figure
    """
    score = "probability of the named class" if positive is None else "predicted probability"
    figure, axes = _start(score, "images")
    edges, classes = histogram["edges"], histogram["classes"]
    base = [0.0] * (len(edges) - 1)
    for number, entry in enumerate(classes):
        colour = SERIES[number % len(SERIES)]
        counts = list(entry["counts"])
        if positive is not None:
            counts = counts if entry["name"] == positive else [-count for count in counts]
            colour = SERIES[0 if entry["name"] == positive else 1]
        axes.stairs(
            [low + count for low, count in zip(base, counts, strict=True)],
            edges,
            baseline=list(base),
            fill=True,
            color=colour,
            alpha=0.75,
        )
        if positive is None:
            base = [low + count for low, count in zip(base, counts, strict=True)]
    if positive is not None:
        axes.axhline(0, color=INK, linewidth=0.8)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    axes.locator_params(axis="y", integer=True, nbins=6)
    axes.set_xlim(edges[0], edges[-1])
    _set_ticks(axes.xaxis)
    return figure


def draw_coverage(coverage: Mapping[str, Sequence[float | None]]) -> Figure:
    """Return the error among the images that are kept, when the least sure are referred.

    Parameters
    ----------
    coverage : mapping
        `coverage`, the share of images kept, and `error`, the share of these that are wrong.

    Returns
    -------
    figure : matplotlib Figure
    """
    figure, axes = _start("share of images decided by the model", "error among them")
    pairs = zip(coverage["coverage"], coverage["error"], strict=True)
    kept = sorted(
        (share, error) for share, error in pairs if share is not None and error is not None
    )
    shares, errors = [share for share, _ in kept], [error for _, error in kept]
    axes.plot(shares, errors, color=SERIES[0], linewidth=2)
    axes.plot(shares[-1:], errors[-1:], color=SERIES[0], marker="o", markersize=5)
    axes.set_xlim(1.02, 0)  # from all images to none, as the threshold falls
    axes.set_ylim(0, max([0.1, *errors]) * 1.15)
    _write_percent(axes.xaxis, axes.yaxis)
    return figure


def draw_training(folds: Sequence[Mapping[str, Any]], quantity: str) -> Figure:
    """Return the curves of one quantity, epoch by epoch, of the training of every fold.

    Parameters
    ----------
    folds : sequence of mapping
        `history` and `best_epoch` of each fold. Folds without a history are left out.
    quantity : {"loss", "accuracy"}
        What is drawn: of the training images thin and dashed, of the validation images, where
        there are some, solid, with a dot at the epoch that was kept. Each fold has a colour of
        its own, of which there are seven.

    Returns
    -------
    figure : matplotlib Figure
    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = _start("epoch", quantity)
    for number, fold in enumerate(folds):
        history, colour = fold["history"] or {}, SERIES[number % len(SERIES)]
        _draw_run(axes, history.get(quantity), None, colour, training=True)
        _draw_run(axes, history.get(f"val_{quantity}"), fold["best_epoch"], colour, training=False)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0.0), high if quantity == "loss" else min(high, 1.01))
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, min_n_ticks=1))
    return figure


def _draw_run(
    axes: Axes,
    values: Sequence[float] | None,
    best_epoch: int | None,
    colour: str,
    *,
    training: bool,
) -> None:
    if not values:
        return
    style: dict[str, Any] = (
        {"color": colour, "linewidth": 1.0, "linestyle": (0, (4, 2)), "alpha": 0.55}
        if training
        else {"color": colour, "linewidth": 1.6}
    )
    alone: dict[str, Any] = {"marker": "o", "markersize": 2.5} if len(values) == 1 else {}
    axes.plot(range(1, len(values) + 1), values, **style, **alone)
    if best_epoch is not None and best_epoch <= len(values):
        axes.plot([best_epoch], [values[best_epoch - 1]], color=colour, marker="o", markersize=5.5)


def _start(xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    """Return an empty chart in the style of the page."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context("default"):  # whatever style the caller works in
        figure = Figure(_inches(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        _dress(axes, ylabel)
        axes.set_xlabel(xlabel)
    return figure, axes


def _start_two(ylabel: str) -> tuple[Figure, tuple[Axes, Axes]]:
    """Return an empty chart with a low one below it, which shares its x axis."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context("default"):
        figure = Figure(_inches(WIDTH, HEIGHT), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        _dress(upper, ylabel)
        _dress(lower, "images")
        upper.tick_params(labelbottom=False)
        lower.locator_params(axis="y", integer=True, nbins=2)
    return figure, (upper, lower)


def _inches(width: float, height: float) -> tuple[float, float]:
    return width / UNITS_PER_INCH, height / UNITS_PER_INCH


def _dress(axes: Axes, ylabel: str) -> None:
    axes.set_ylabel(ylabel)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_fontsize(FONT_SIZE)
        label.set_color(INK)
    axes.tick_params(labelsize=FONT_SIZE - 0.5, labelcolor=MUTED, length=0, pad=5)
    axes.grid(color=LINE, linewidth=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)


def _series(number: int, n_series: int) -> dict[str, Any]:
    return {
        "color": SERIES[number % len(SERIES)],
        "linestyle": DASHES[number // len(SERIES) % len(DASHES)],
        "linewidth": 2.0 if n_series == 1 else 1.5,
    }


def _mark_decisions(
    axes: Axes, sensitivity: Mapping[str, Any], specificity: Mapping[str, Any]
) -> None:
    """Draw where the decisions stand on the plane of the curve, with both intervals."""
    if sensitivity["value"] is None or specificity["value"] is None:
        return
    x, y = 1 - specificity["value"], sensitivity["value"]
    if None not in (sensitivity["low"], sensitivity["high"]):
        axes.vlines(x, sensitivity["low"], sensitivity["high"], color=INK, linewidth=1.2)
    if None not in (specificity["low"], specificity["high"]):
        axes.hlines(y, 1 - specificity["high"], 1 - specificity["low"], color=INK, linewidth=1.2)
    axes.plot([x], [y], color=INK, marker="o", markersize=5.5)


def _set_shares(axes: Axes) -> None:
    """Let both axes run from 0 to 1, with room for a line that lies on the edge."""
    axes.set_xlim(-0.015, 1.015)
    axes.set_ylim(-0.015, 1.015)
    _set_ticks(axes.xaxis)
    _set_ticks(axes.yaxis)


def _set_ticks(axis: Any) -> None:
    axis.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "0.25", "0.5", "0.75", "1"])


def _write_percent(*axes: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
