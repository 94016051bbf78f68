"""Charts of an evaluation, and their svg with colors from the page."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from cellsk.inspection import draw_evaluation
from cellsk.inspection._charts import (
    draw_coverage,
    draw_histogram,
    draw_precision_recall,
    draw_reliability,
    draw_roc,
    draw_training,
)
from cellsk.inspection._svg import CHART_COLORS, figure_to_svg


def line_figure(color="#0072b2"):
    """A figure with one line, a word and a clip path."""
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.plot([0, 1, 2], [0.1234567, 1, 0], color=color)
    axes.set_xlabel("a word")
    return figure


def test_svg_keeps_text_and_has_colors_of_the_page():
    """Text can be searched; blue and black are variables with the drawn color as default."""
    svg = figure_to_svg(line_figure(), title="A line")
    root = ElementTree.fromstring(svg)
    assert "a word" in [element.text for element in root.iter("text")]
    assert 'stroke="var(--chart-1, #0072b2)"' in svg
    assert root.get("fill") == "var(--ink, #000000)"


def test_svg_has_nothing_that_a_strict_page_refuses():
    """No style sheet, no style attribute, no metadata, no date, no address."""
    svg = figure_to_svg(line_figure(), title="A line")
    assert not re.search(r"<style|style=|<metadata|font-family|http|<\?xml|<!DOCTYPE", svg)


def test_svg_of_same_figure_is_the_same_and_of_another_title_shares_no_id():
    """Two charts on one page must not refer to each other."""
    first, again = (figure_to_svg(line_figure(), title="A line") for _ in range(2))
    assert first == again
    other = figure_to_svg(line_figure(), title="Another line")
    ids, other_ids = (set(re.findall(r'\sid="([^"]+)"', svg)) for svg in (first, other))
    assert ids
    assert not ids & other_ids
    wanted = re.findall(r'(?:href="#|url\(#)([^")]+)', first)
    assert wanted
    assert set(wanted) <= ids


def test_svg_escapes_title_and_description():
    """They are text for readers who cannot see the chart."""
    root = ElementTree.fromstring(
        figure_to_svg(line_figure(), title="<script>", description="a < b & c")
    )
    assert root.find("title").text == "<script>"
    assert root.find("desc").text == "a < b & c"
    assert root.get("aria-labelledby").split() == [
        root.find("title").get("id"),
        root.find("desc").get("id"),
    ]


def test_svg_does_not_change_the_settings_of_matplotlib():
    """The rcParams of the caller are as before."""
    before = matplotlib.rcParams["svg.fonttype"]
    figure_to_svg(line_figure(), title="A line")
    assert matplotlib.rcParams["svg.fonttype"] == before


def test_svg_of_missing_glyphs_gives_no_warning():
    """The font of matplotlib has no Chinese; fonts of the page may."""
    figure = line_figure()
    figure.axes[0].set_ylabel("良性")
    assert "良性" in figure_to_svg(figure, title="A line")


def test_chart_colors_are_unique_and_lower_case():
    """matplotlib writes lower case; each color has one variable."""
    assert all(color == color.lower() for color in CHART_COLORS)
    assert len(set(CHART_COLORS.values())) == len(CHART_COLORS)


def test_charts_look_the_same_in_any_style_of_the_caller():
    """A dark style of the caller has no influence on the page."""
    curve = {"fpr": [0, 0.2, 1], "tpr": [0, 0.9, 1]}
    expected = figure_to_svg(draw_roc([curve]), title="ROC")
    with matplotlib.style.context("dark_background"):
        assert figure_to_svg(draw_roc([curve]), title="ROC") == expected


def test_roc_draws_the_points_of_scikit_learn_and_the_decisions():
    """The given curve, and a cross at the decisions, with both intervals."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    fpr, tpr, _ = roc_curve(y, y + rng.normal(0, 1, 60))
    point = {
        "sensitivity": {"value": 0.8, "low": 0.7, "high": 0.9},
        "specificity": {"value": 0.75, "low": 0.6, "high": 0.85},
    }
    axes = draw_roc([{"fpr": fpr, "tpr": tpr}], point).axes[0]
    np.testing.assert_allclose(axes.lines[1].get_xydata(), np.column_stack([fpr, tpr]))
    assert axes.lines[-1].get_xydata().tolist() == [[0.25, 0.8]]
    ends = [collection.get_segments()[0].tolist() for collection in axes.collections]
    np.testing.assert_allclose(ends, [[[0.25, 0.7], [0.25, 0.9]], [[0.15, 0.8], [0.4, 0.8]]])


def test_roc_with_undefined_decisions_marks_none():
    """Without a sensitivity there is no point."""
    nothing = {"value": None, "low": None, "high": None}
    point = {"sensitivity": nothing, "specificity": nothing}
    axes = draw_roc([{"fpr": [0, 1], "tpr": [0, 1]}], point).axes[0]
    assert len(axes.lines) == 2
    assert not axes.collections


def test_precision_recall_draws_the_chance_level_of_one_class_only():
    """With many classes each has another prevalence."""
    curve = {"recall": [0, 1], "precision": [1, 0.4], "prevalence": 0.4}
    one, two = (draw_precision_recall([curve] * n).axes[0] for n in (1, 2))
    assert list(one.lines[0].get_ydata()) == [0.4, 0.4]
    assert len(two.lines) == 2


def test_reliability_leaves_out_empty_bins():
    """A bin without images has no observed share."""
    bins = {
        "mean_predicted": [0.1, None, 0.9],
        "observed": [0.2, None, 0.8],
        "low": [0.1, None, 0.7],
        "high": [0.3, None, 0.9],
        "count": [10, 0, 20],
    }
    upper, lower = draw_reliability(bins).axes
    assert upper.lines[-1].get_xydata().tolist() == [[0.1, 0.2], [0.9, 0.8]]
    assert [bar.get_height() for bar in lower.patches] == [10, 20]


def test_reliability_does_not_join_bins_of_few_images():
    """A single image could draw a line across the diagram."""
    bins = {
        "mean_predicted": [0.1, 0.5, 0.9],
        "observed": [0.2, 1.0, 0.8],
        "low": [0.1, 0.03, 0.7],
        "high": [0.3, 1.0, 0.9],
        "count": [10, 1, 20],
    }
    *_, alone, joined = draw_reliability(bins).axes[0].lines
    assert alone.get_xydata().tolist() == [[0.5, 1.0]]
    assert (alone.get_linewidth(), alone.get_markerfacecolor()) == (0, "none")
    assert joined.get_xydata().tolist() == [[0.1, 0.2], [0.9, 0.8]]


def test_histogram_draws_positive_above_and_negative_below():
    """The two classes do not hide each other."""
    histogram = {
        "edges": [0, 0.5, 1],
        "classes": [{"name": "benign", "counts": [4, 1]}, {"name": "malignant", "counts": [2, 6]}],
    }
    below, above = draw_histogram(histogram, "malignant").axes[0].patches
    assert below.get_data().values.tolist() == [-4, -1]
    assert above.get_data().values.tolist() == [2, 6]


def test_histogram_of_many_classes_adds_up_to_all_images():
    """The top of the highest stair is the count of all classes."""
    classes = [{"name": str(code), "counts": [code, 2 * code]} for code in (1, 2, 3)]
    stairs = draw_histogram({"edges": [0, 0.5, 1], "classes": classes}).axes[0].patches
    assert stairs[-1].get_data().values.tolist() == [6, 12]


def test_coverage_leaves_out_what_is_not_defined():
    """If all images are referred, there is no error."""
    axes = draw_coverage({"coverage": [1.0, 0.5, 0.0], "error": [0.2, 0.1, None]}).axes[0]
    assert axes.lines[0].get_xydata().tolist() == [[0.5, 0.1], [1.0, 0.2]]


@pytest.mark.parametrize("n_epochs", [1, 5])
def test_training_draws_each_fold_and_marks_the_epoch_kept(n_epochs):
    """Two folds: training and validation of each, and a dot at the epoch kept."""
    history = {"loss": [0.5] * n_epochs, "val_loss": [0.6] * n_epochs}
    fold = {"history": history, "best_epoch": n_epochs}
    axes = draw_training([fold, fold, {"history": None, "best_epoch": None}], "loss").axes[0]
    assert len(axes.lines) == 6
    assert axes.lines[2].get_xydata().tolist() == [[n_epochs, 0.6]]


def test_training_axis_is_close_around_the_values_and_folds_have_colors():
    """A loss near 0.69 is not a flat line; folds have different colors."""
    folds = [
        {"history": {"loss": [0.70, 0.69 - number / 100]}, "best_epoch": None} for number in (0, 1)
    ]
    axes = draw_training(folds, "loss").axes[0]
    low, high = axes.get_ylim()
    assert 0.67 < low < 0.68
    assert 0.70 < high < 0.71
    assert axes.lines[0].get_color() != axes.lines[1].get_color()


def test_training_without_validation_draws_the_training_only():
    """Without early stopping there is no validation curve and no epoch to mark."""
    fold = {"history": {"accuracy": [0.5, 0.7]}, "best_epoch": None}
    assert len(draw_training([fold], "accuracy").axes[0].lines) == 1


def test_evaluation_draws_the_charts_with_captions():
    """Only those, each with its title and description."""
    curves = {
        "roc": [{"fpr": [0, 1], "tpr": [0, 1]}],
        "coverage": {"coverage": [1.0, 0.5], "error": [0.2, 0.1]},
    }
    nothing = {"value": None, "low": None, "high": None}
    numbers = {"sensitivity": nothing, "specificity": nothing}
    captions = {"roc": ("ROC curve", "Area 0.5."), "coverage": ("Coverage", "Error.")}
    drawn = draw_evaluation(curves, [], numbers, "malignant", captions)
    assert list(drawn) == ["roc", "coverage"]
    for name, (title, description) in captions.items():
        root = ElementTree.fromstring(drawn[name])
        assert (root.find("title").text, root.find("desc").text) == (title, description)


def test_inspection_is_imported_without_matplotlib():
    """It is loaded with the first figure."""
    code = "import sys, cellsk.inspection; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
