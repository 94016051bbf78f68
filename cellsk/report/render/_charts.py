"""Charts of the page of an evaluation, with titles, captions and legends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cellsk.inspection import FEW_IN_BIN, draw_evaluation
from cellsk.report.document import Data, EvaluationFacts, PrecisionRecallCurve, RocCurve
from cellsk.report.render._templates import as_markup
from cellsk.report.words import has_several_folds, name_class, name_two_classes, write_number

__all__ = ["Chart", "LegendEntry", "draw_charts"]

N_COLORS, N_DASHES = 7, 3


class LegendEntry(NamedTuple):
    """One line of a legend: number of the color, number of the dashes, and text."""

    color: int
    dashes: int
    text: str


class Caption(NamedTuple):
    """Title, caption and legend of a chart."""

    title: str
    text: str
    legend: list[LegendEntry]


class Chart(NamedTuple):
    """A chart as svg, with its title, caption and legend."""

    title: str
    svg: Any
    caption: str
    legend: list[LegendEntry]


def draw_charts(facts: EvaluationFacts) -> dict[str, Chart]:
    """Return the charts of an evaluation by name."""
    captions = _write_captions(facts)
    drawn = draw_evaluation(
        facts["curves"],
        facts["folds"],
        facts["numbers"],
        facts["data"]["positive"],
        {name: (caption.title, caption.text) for name, caption in captions.items()},
    )
    return {
        name: Chart(caption.title, as_markup(drawn[name]), caption.text, caption.legend)
        for name, caption in captions.items()
    }


def _write_captions(facts: EvaluationFacts) -> dict[str, Caption]:
    data, curves = facts["data"], facts["curves"]
    captions = {
        "roc": _caption_roc(curves["roc"], data["positive"]),
        "precision_recall": _caption_precision_recall(curves["precision_recall"], data["positive"]),
        "reliability": _caption_reliability(data["positive"]),
        "histogram": _caption_histogram(data),
        "coverage": Caption(
            "Error and coverage",
            "Coverage is the share of images left to the model, if the most uncertain images are"
            " referred to a pathologist. The line is the error among the images left to the model."
            " From left to right, more images are referred.",
            [],
        ),
    }
    if any(fold["history"] for fold in facts["folds"]):
        for quantity in ("loss", "accuracy"):
            captions[quantity] = _caption_training(facts, quantity)
    return captions


def _caption_roc(curves: Sequence[RocCurve], positive: str | None) -> Caption:
    if positive is None:
        text = (
            "Each class against the rest, with the area under its curve. The gray line is the"
            " chance level."
        )
        return Caption("ROC curves", text, _list_areas(curves))
    text = (
        f"Area under the curve (ROC AUC) {_write_area(curves)}. The gray line is the"
        " chance level; the dot shows sensitivity and specificity of the decisions, with their"
        " intervals."
    )
    return Caption("ROC curve", text, [])


def _caption_precision_recall(
    curves: Sequence[PrecisionRecallCurve], positive: str | None
) -> Caption:
    if positive is None:
        text = "Each class against the rest, with its average precision."
        return Caption("Precision and recall", text, _list_areas(curves))
    text = f"Average precision {_write_area(curves)}."
    if curves and curves[0]["prevalence"] is not None:
        text += (
            f" The gray line is the chance level: {write_number(curves[0]['prevalence'], 2)}, the"
            f" share of {name_class(positive)} images here."
        )
    return Caption("Precision and recall", text, [])


def _caption_reliability(positive: str | None) -> Caption:
    outcome = "classified correctly" if positive is None else name_class(positive)
    text = (
        f"Share of images that are {outcome}, against the predicted probability. On the gray line"
        " the probabilities are correct. Vertical lines are exact intervals, assuming independent"
        f" images. Open dots are bins with fewer than {FEW_IN_BIN} images; the bars below count the"
        " images in each bin."
    )
    return Caption("Reliability", text, [])


def _caption_histogram(data: Data) -> Caption:
    if data["positive"] is None:
        names = [name_class(entry["name"]) for entry in data["classes"]]
        legend = [_make_entry(number, name) for number, name in enumerate(names)]
        return Caption(
            "Probabilities", "Probability of the predicted class, by true class.", legend
        )
    positive, negative = name_two_classes(data)
    legend = [_make_entry(0, f"{positive}, above"), _make_entry(1, f"{negative}, below")]
    text = f"Probability of {positive}, by true class. The less overlap, the better."
    return Caption("Probabilities", text, legend)


def _caption_training(facts: EvaluationFacts, quantity: str) -> Caption:
    folds = facts["folds"]
    every = " of every fold" if has_several_folds(facts) else ""
    text = f"{quantity.capitalize()}{every}, epoch by epoch. Dashed: training images."
    if any(f"val_{quantity}" in (fold["history"] or {}) for fold in folds):
        text += " Solid: hold-out images; the dot is the epoch that was kept."
    if facts["calibration"]:
        where = " in each fold" if every else ""
        text += f" Calibration trains several networks{where}; the first of them is shown."
    if not every:
        return Caption(quantity.capitalize(), text, [])
    legend = [
        _make_entry(
            number, f"fold {', '.join(str(fold['fold']) for fold in folds[number::N_COLORS])}"
        )
        for number in range(min(len(folds), N_COLORS))
    ]
    return Caption(quantity.capitalize(), text, legend)


def _write_area(curves: Sequence[RocCurve] | Sequence[PrecisionRecallCurve]) -> str:
    return write_number(curves[0]["area"] if curves else None)


def _list_areas(
    curves: Sequence[RocCurve] | Sequence[PrecisionRecallCurve],
) -> list[LegendEntry]:
    return [
        _make_entry(number, f"{name_class(curve['name'])} {write_number(curve['area'], 2)}")
        for number, curve in enumerate(curves)
    ]


def _make_entry(number: int, text: str) -> LegendEntry:
    """Return an entry of a legend, with the color and dashes that the chart uses."""
    return LegendEntry(number % N_COLORS + 1, number // N_COLORS % N_DASHES, text)
