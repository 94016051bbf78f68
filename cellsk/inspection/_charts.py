"""Charts of an evaluation: drawn with matplotlib, returned as svg for a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cellsk.inspection._svg import CHART_COLORS, figure_to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "draw_coverage",
    "draw_evaluation",
    "draw_histogram",
    "draw_precision_recall",
    "draw_reliability",
    "draw_roc",
    "draw_training",
    "make_chart",
]

# A chart is as wide as a phone, and a page shows up to three side by side, so its letters have
# about the size of the text around them. One unit is one pixel.
WIDTH, HEIGHT, UNITS_PER_INCH = 340, 290, 72
FONT_SIZE = 11.0
_NAMED = {variable: color for color, variable in CHART_COLORS.items()}
INK, MUTED, LINE = _NAMED["ink"], _NAMED["muted"], _NAMED["line"]
SERIES = [_NAMED[f"chart-{number}"] for number in range(1, 8)]
# After seven classes the colors repeat with another line style. The legend shows both.
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
FEW_IN_BIN = 10  # with fewer images, one image changes the share by more than a tenth
_BIN = ("mean_predicted", "observed", "low", "high", "count")

Curves = Sequence[Mapping[str, Any]]


def draw_evaluation(
    curves: Mapping[str, Any],
    folds: Sequence[Mapping[str, Any]],
    numbers: Mapping[str, Mapping[str, Any]],
    positive: str | None,
    captions: Mapping[str, tuple[str, str]],
) -> dict[str, str]:
    """Return charts of an evaluation as svg.

    Parameters
    ----------
    curves, folds, numbers : mapping or sequence
        The parts of an evaluation document with these names.
    positive : str or None
        Name of the positive class.
    captions : mapping of str to (str, str)
        Title and description of each chart to draw: of "roc", "precision_recall", "reliability",
        "histogram", "coverage", and the training curves "loss" and "accuracy".

    Returns
    -------
    charts : dict of str to str
        The svg of each chart.
    """
    point = numbers if positive is not None else None
    draw: dict[str, Callable[[], Figure]] = {
        "roc": lambda: draw_roc(curves["roc"], point),
        "precision_recall": lambda: draw_precision_recall(curves["precision_recall"]),
        "reliability": lambda: draw_reliability(curves["reliability"]),
        "histogram": lambda: draw_histogram(curves["histogram"], positive),
        "coverage": lambda: draw_coverage(curves["coverage"]),
        "loss": partial(draw_training, folds, "loss"),
        "accuracy": partial(draw_training, folds, "accuracy"),
    }
    return {
        name: figure_to_svg(draw[name](), title=title, description=description)
        for name, (title, description) in captions.items()
    }


def draw_roc(curves: Curves, point: Mapping[str, Mapping[str, Any]] | None = None) -> Figure:
    """Return the ROC curve of each class.

    Parameters
    ----------
    curves : sequence of mapping
        `fpr` and `tpr` of each class.
    point : mapping, default=None
        `sensitivity` and `specificity` of the decisions, each with `value`, `low` and `high`. A
        point with intervals shows them.

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
        `recall` and `precision` of each class, and its `prevalence`, which is the chance level.
        A line shows it if there is one class.

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
    """Return the reliability diagram: observed share against predicted probability.

    Parameters
    ----------
    reliability : mapping
        `mean_predicted`, `observed`, `low`, `high` and `count` of each bin with images.

    Returns
    -------
    figure : matplotlib Figure
        Below the diagram is the number of images in each bin. A line joins the bins with at least
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


def _plot_bins(
    axes: Axes, predicted: Sequence[float], observed: Sequence[float], enough: Sequence[bool]
) -> None:
    """Draw bins with few images as open dots, and join the others."""
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
    """Return the histogram of the probabilities of each class.

    Parameters
    ----------
    histogram : mapping
        `edges` of the bins, and under `classes` the `name` and `counts` of each class.
    positive : str, default=None
        Name of the positive class of two. It is above the line, and the other class below. None
        stacks all classes.

    Returns
    -------
    figure : matplotlib Figure
    """
    score = "probability of the predicted class" if positive is None else "predicted probability"
    figure, axes = _start(score, "images")
    edges, classes = histogram["edges"], histogram["classes"]
    base = [0.0] * (len(edges) - 1)
    for number, entry in enumerate(classes):
        color = SERIES[number % len(SERIES)]
        counts = list(entry["counts"])
        if positive is not None:
            counts = counts if entry["name"] == positive else [-count for count in counts]
            color = SERIES[0 if entry["name"] == positive else 1]
        axes.stairs(
            [low + count for low, count in zip(base, counts, strict=True)],
            edges,
            baseline=list(base),
            fill=True,
            color=color,
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
    """Return the error among the images that are not referred, against their share.

    Parameters
    ----------
    coverage : mapping
        `coverage`, the share of images that are not referred, and `error`, the share of these
        that are wrong.

    Returns
    -------
    figure : matplotlib Figure
    """
    figure, axes = _start("share of images left to the model", "error among them")
    pairs = zip(coverage["coverage"], coverage["error"], strict=True)
    kept = sorted(
        (share, error) for share, error in pairs if share is not None and error is not None
    )
    shares, errors = [share for share, _ in kept], [error for _, error in kept]
    axes.plot(shares, errors, color=SERIES[0], linewidth=2)
    axes.plot(shares[-1:], errors[-1:], color=SERIES[0], marker="o", markersize=5)
    axes.set_xlim(1.02, 0)  # from all images to none
    axes.set_ylim(0, max([0.1, *errors]) * 1.15)
    _write_percent(axes.xaxis, axes.yaxis)
    return figure


def draw_training(folds: Sequence[Mapping[str, Any]], quantity: str) -> Figure:
    """Return the training curves of every fold, epoch by epoch.

    Parameters
    ----------
    folds : sequence of mapping
        `history` and `best_epoch` of each fold. Folds without a history are left out.
    quantity : {"loss", "accuracy"}
        Quantity to draw: dashed for the training images, and solid for the hold-out images, if
        there are any, with a dot at the epoch that was kept. Folds have seven colors in turn.

    Returns
    -------
    figure : matplotlib Figure
    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = _start("epoch", quantity)
    for number, fold in enumerate(folds):
        history, color = fold["history"] or {}, SERIES[number % len(SERIES)]
        _draw_run(axes, history.get(quantity), None, color, training=True)
        _draw_run(axes, history.get(f"val_{quantity}"), fold["best_epoch"], color, training=False)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0.0), high if quantity == "loss" else min(high, 1.01))
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, min_n_ticks=1))
    return figure


def _draw_run(
    axes: Axes,
    values: Sequence[float] | None,
    best_epoch: int | None,
    color: str,
    *,
    training: bool,
) -> None:
    if not values:
        return
    style: dict[str, Any] = (
        {"color": color, "linewidth": 1.0, "linestyle": (0, (4, 2)), "alpha": 0.55}
        if training
        else {"color": color, "linewidth": 1.6}
    )
    alone: dict[str, Any] = {"marker": "o", "markersize": 2.5} if len(values) == 1 else {}
    axes.plot(range(1, len(values) + 1), values, **style, **alone)
    if best_epoch is not None and best_epoch <= len(values):
        axes.plot([best_epoch], [values[best_epoch - 1]], color=color, marker="o", markersize=5.5)


def make_chart(n_rows: int = 1) -> tuple[Figure, Any]:
    """Return an empty chart of the size of those of a page, and its axes.

    The style of the caller has no influence. A second row is low and shares the x axis.
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    rows: dict[str, Any] = {"sharex": True, "height_ratios": (4, 1)} if n_rows == 2 else {}
    with matplotlib.style.context("default"):
        size = WIDTH / UNITS_PER_INCH, HEIGHT / UNITS_PER_INCH
        figure = Figure(size, layout="constrained")
        return figure, figure.subplots(n_rows, 1, **rows)


def _start(xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    """Return an empty chart in the style of the page."""
    figure, axes = make_chart()
    _style_axes(axes, ylabel)
    axes.set_xlabel(xlabel)
    return figure, axes


def _start_two(ylabel: str) -> tuple[Figure, tuple[Axes, Axes]]:
    """Return an empty chart with a low one below it for counts, which shares its x axis."""
    figure, (upper, lower) = make_chart(2)
    _style_axes(upper, ylabel)
    _style_axes(lower, "images")
    upper.tick_params(labelbottom=False)
    lower.locator_params(axis="y", integer=True, nbins=2)
    return figure, (upper, lower)


def _style_axes(axes: Axes, ylabel: str) -> None:
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
    """Mark the sensitivity and specificity of the decisions, with both intervals."""
    if sensitivity["value"] is None or specificity["value"] is None:
        return
    x, y = 1 - specificity["value"], sensitivity["value"]
    if None not in (sensitivity["low"], sensitivity["high"]):
        axes.vlines(x, sensitivity["low"], sensitivity["high"], color=INK, linewidth=1.2)
    if None not in (specificity["low"], specificity["high"]):
        axes.hlines(y, 1 - specificity["high"], 1 - specificity["low"], color=INK, linewidth=1.2)
    axes.plot([x], [y], color=INK, marker="o", markersize=5.5)


def _set_shares(axes: Axes) -> None:
    """Set both axes from 0 to 1, with space for a line at the edge."""
    axes.set_xlim(-0.015, 1.015)
    axes.set_ylim(-0.015, 1.015)
    _set_ticks(axes.xaxis)
    _set_ticks(axes.yaxis)


def _set_ticks(axis: Any) -> None:
    axis.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "0.25", "0.5", "0.75", "1"])


def _write_percent(*axes: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol="%"))
