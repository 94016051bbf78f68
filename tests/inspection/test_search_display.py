"""SearchDisplay: score and fit time of each candidate at its parameters."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from cellsk import SearchDisplay, SearchReport
from cellsk.inspection import draw_search_charts
from cellsk.inspection._charts import make_chart
from cellsk.inspection._search_display import draw_search


@pytest.fixture(scope="module")
def document():
    """The document of a search over two parameters with five and two values."""
    X, y = make_classification(120, flip_y=0.3, random_state=0)
    grid = {"C": [0.001, 0.01, 0.1, 1, 10], "fit_intercept": [True, False]}
    return SearchReport(GridSearchCV(LogisticRegression(), grid, cv=3).fit(X, y)).document


def make_document(values, numeric=True, **changes):
    """Return a minimal document with one candidate for each value."""
    candidates = [
        {
            "row": row,
            "params": {"p": value},
            "mean": 0.5 + row / 10,
            "low": 0.4,
            "high": 0.9,
            "fit_seconds": 1.0 + row,
            "iteration": None,
            "size": 1.0,
        }
        for row, value in enumerate(values)
    ]
    return {
        "search": {"score": "accuracy"},
        "parameters": [{"name": "p", "short": "p", "values": list(values), "numeric": numeric}],
        "candidates": candidates,
        "n_failed": 0,
        "best": 0,
        "one_standard_error": 0,
        **changes,
    }


def read_points(panel):
    """Return x and y of each point, in the order of drawing."""
    return np.array([line.get_xydata()[0] for line in panel.lines])


def test_search_display_has_a_row_for_each_parameter(document):
    """Score on the left, fit time on the right."""
    display = SearchDisplay(document).plot()
    assert display.axes_.shape == (2, 2)
    assert [row[0].get_xlabel() for row in display.axes_] == ["C", "fit_intercept"]
    assert [panel.get_ylabel() for panel in display.axes_[0]] == ["accuracy", "seconds to fit"]


def test_search_display_draws_every_candidate_with_its_interval(document):
    """Ten candidates are ten points and ten lines."""
    scores, times = SearchDisplay(document).plot().axes_[0]
    candidates = document["candidates"]
    assert np.allclose(read_points(scores)[:, 1], [one["mean"] for one in candidates])
    assert np.allclose(read_points(times)[:, 1], [one["fit_seconds"] for one in candidates])
    ends = [lines.get_segments()[0][:, 1] for lines in scores.collections]
    assert np.allclose(ends, [(one["low"], one["high"]) for one in candidates])


def test_search_display_candidates_of_one_value_are_side_by_side(document):
    """No point hides another, and each is nearest to its value."""
    points = read_points(SearchDisplay(document).plot().axes_[0, 0])
    values = document["parameters"][0]["values"]
    nearest = [values[round(x)] for x in points[:, 0]]
    assert nearest == [one["params"]["C"] for one in document["candidates"]]
    assert len(np.unique(points[:, 0])) == len(points)


@pytest.mark.parametrize(
    ("values", "scale"), [((0.001, 0.01, 0.1), "log"), ((1, 2, 3), "linear"), ((0, 9), "linear")]
)
def test_search_display_chooses_the_scale_of_numbers(values, scale):
    """Logarithmic if the numbers span decades."""
    panel = SearchDisplay(make_document(values)).plot().axes_[0, 0]
    assert panel.get_xscale() == scale
    assert read_points(panel)[:, 0].tolist() == list(values)


def test_search_display_names_are_labels():
    """Values that are not numbers are labels, cut if they are long."""
    values = [[8], [8, 16], "a" * 40]
    panel = SearchDisplay(make_document(values, numeric=False)).plot().axes_[0, 0]
    labels = [label.get_text() for label in panel.get_xticklabels()]
    assert labels == ["8", "8, 16", f"{'a' * 15}…"]


def test_search_display_one_and_true_are_two_places():
    """They are equal in Python, but two settings."""
    panel = SearchDisplay(make_document([1, True], numeric=False)).plot().axes_[0, 0]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["1", "True"]
    assert read_points(panel)[:, 0].tolist() == [0, 1]


def test_search_display_marks_the_best_and_the_choice():
    """By color and shape, with a legend."""
    display = SearchDisplay(make_document([1, 2, 3], one_standard_error=2)).plot()
    markers = [line.get_marker() for line in display.axes_[0, 0].lines]
    assert len(set(markers)) == 3
    (legend,) = display.figure_.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["best", "other candidates", "smallest as good"]


def test_search_display_failed_and_earlier_candidates_are_left_out():
    """Only candidates with a score in the last iteration are drawn."""
    document = make_document([1, 2, 3, 4])
    for candidate, iteration in zip(document["candidates"], (1, 1, 1, 0), strict=True):
        candidate["iteration"] = iteration
    document["candidates"][2]["mean"] = None
    panel = SearchDisplay(document).plot().axes_[0, 0]
    assert read_points(panel)[:, 0].tolist() == [1, 2]


def test_search_display_fit_time_begins_at_zero():
    """Small differences of time do not look large."""
    panel = SearchDisplay(make_document([1, 2])).plot().axes_[0, 1]
    assert panel.get_ylim()[0] == 0


def test_search_display_one_candidate_raises():
    """It cannot be compared."""
    with pytest.raises(ValueError, match=r"at least two values. Got none.*Search over more"):
        SearchDisplay(make_document([1])).plot()


def test_draw_search_unknown_quantity_raises(document):
    """Only two quantities are known."""
    with pytest.raises(ValueError, match="quantity must be one of 'score', 'fit_seconds'"):
        draw_search(make_chart()[1], document, "C", "memory")


def test_make_chart_is_not_a_figure_of_pyplot():
    """Charts of a page do not change the figures of the caller."""
    before = plt.get_fignums()
    make_chart()
    assert plt.get_fignums() == before


def test_search_charts_have_captions(document):
    """One svg for each caption, with its title."""
    captions = {("C", "score"): ("Score by C", "Mean."), ("C", "fit_seconds"): ("Time by C", "")}
    drawn = draw_search_charts(document, captions)
    assert list(drawn) == list(captions)
    assert all(captions[key][0] in svg for key, svg in drawn.items())
