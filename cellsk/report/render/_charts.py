"""The charts of a page, each with a caption that says what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cellsk.inspection import (
    FEW_IN_BIN,
    draw_coverage,
    draw_histogram,
    draw_precision_recall,
    draw_reliability,
    draw_roc,
    draw_training,
    figure_to_svg,
)
from cellsk.report.render._templates import as_markup
from cellsk.report.words._values import name_class, write_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Chart", "draw_charts", "is_error_falling"]

Document = Mapping[str, Any]
N_COLOURS, N_DASHES = 7, 3


class Chart(NamedTuple):
    """An svg, and the words around it."""

    title: str
    svg: Any
    caption: str
    legend: list[dict[str, Any]]


def draw_charts(document: Document) -> dict[str, Chart]:
    """Return the charts that a document has the numbers for, by name."""
    curves, positive = document["curves"], document["data"]["positive"]
    charts = {
        "roc": _draw_roc(document),
        "precision_recall": _draw_precision_recall(curves["precision_recall"], positive),
        "reliability": _draw_reliability(curves["reliability"], positive),
        "histogram": _draw_histogram(curves["histogram"], positive),
        "coverage": _draw_coverage(curves["coverage"]),
    }
    if any(fold["history"] for fold in document["folds"]):
        for quantity in ("loss", "accuracy"):
            charts[quantity] = _draw_training(document, quantity)
    return charts


def _chart(
    figure: Figure, title: str, caption: str, legend: list[dict[str, Any]] | None = None
) -> Chart:
    svg = figure_to_svg(figure, title=title, description=caption)
    return Chart(title, as_markup(svg), caption, legend or [])


def _draw_roc(document: Document) -> Chart:
    curves = document["curves"]["roc"]
    if document["data"]["positive"] is None:
        caption = "Each class against the rest; with its area. The grey line is guessing."
        return _chart(draw_roc(curves), "ROC curves", caption, _list_areas(curves))
    caption = (
        f"Area {_write_area(curves)}. The grey line is guessing; the dot is where the decisions"
        " stand, with their intervals."
    )
    return _chart(draw_roc(curves, document["numbers"]), "ROC curve", caption)


def _draw_precision_recall(curves: Sequence[Mapping[str, Any]], positive: str | None) -> Chart:
    figure = draw_precision_recall(curves)
    if positive is None:
        caption = "Each class against the rest; with its average precision."
        return _chart(figure, "Precision and recall", caption, _list_areas(curves))
    caption = f"Average precision {_write_area(curves)}."
    if curves and curves[0]["prevalence"] is not None:
        caption += (
            f" The grey line is guessing: {write_number(curves[0]['prevalence'], 2)}, the share"
            f" of {name_class(positive)} images here."
        )
    return _chart(figure, "Precision and recall", caption)


def _draw_reliability(reliability: Mapping[str, Any], positive: str | None) -> Chart:
    what = "called right" if positive is None else name_class(positive)
    caption = (
        f"Of the images given a probability, the share that was {what}. On the grey line"
        " probabilities can be taken at their word. Upright lines are exact intervals, images"
        f" taken as independent. Open dots are of fewer than {FEW_IN_BIN} images; below, the images"
        " in each bin."
    )
    return _chart(draw_reliability(reliability), "Reliability", caption)


def _draw_histogram(histogram: Mapping[str, Any], positive: str | None) -> Chart:
    classes = histogram["classes"]
    if positive is None:
        legend = [
            _legend_entry(number, name_class(entry["name"])) for number, entry in enumerate(classes)
        ]
        caption = "Probability given to the class that was named, by true class."
        return _chart(draw_histogram(histogram), "Scores", caption, legend)
    other = next((entry["name"] for entry in classes if entry["name"] != positive), "other")
    caption = (
        f"Probability of {name_class(positive)}, by true class. The less they overlap, the better."
    )
    legend = [
        _legend_entry(0, f"{name_class(positive)}, above"),
        _legend_entry(1, f"{name_class(other)}, below"),
    ]
    return _chart(draw_histogram(histogram, positive), "Scores", caption, legend)


def is_error_falling(coverage: Mapping[str, Any]) -> bool:
    """Return whether the half of which a model is surest has fewer errors than the whole."""
    errors = {
        share: error
        for share, error in zip(coverage["coverage"], coverage["error"], strict=True)
        if share is not None and error is not None
    }
    if not errors:
        return False
    half = min(errors, key=lambda share: abs(share - 0.5))
    return errors[half] < errors[max(errors)]


def _draw_coverage(coverage: Mapping[str, Any]) -> Chart:
    caption = (
        "Error among the images that the model decides, when the others, of which it is least"
        " sure, go to a pathologist. From left to right it decides fewer."
    )
    return _chart(draw_coverage(coverage), "Error and coverage", caption)


def _draw_training(document: Document, quantity: str) -> Chart:
    folds = document["folds"]
    held_out = any(f"val_{quantity}" in (fold["history"] or {}) for fold in folds)
    caption = f"{quantity.capitalize()} of every fold, epoch by epoch. Dashed: training images."
    if held_out:
        caption += " Solid: images held out within the training side; the dot is the epoch kept."
    if document["calibration"]:
        caption += " Calibration trains several networks in each fold: these are of the first."
    legend = [
        _legend_entry(
            number, f"fold {', '.join(str(fold['fold']) for fold in folds[number::N_COLOURS])}"
        )
        for number in range(min(len(folds), N_COLOURS))
    ]
    return _chart(draw_training(folds, quantity), quantity.capitalize(), caption, legend)


def _write_area(curves: Sequence[Mapping[str, Any]]) -> str:
    return write_number(curves[0]["area"] if curves else None)


def _list_areas(curves: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        _legend_entry(number, f"{name_class(curve['name'])} {write_number(curve['area'], 2)}")
        for number, curve in enumerate(curves)
    ]


def _legend_entry(number: int, text: str) -> dict[str, Any]:
    """Return an entry of a legend, in the colour and dashes that the chart used."""
    dashes = number // N_COLOURS % N_DASHES
    return {"colour": number % N_COLOURS + 1, "dashes": dashes, "text": text}
