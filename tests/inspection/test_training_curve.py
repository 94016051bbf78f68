"""TrainingCurveDisplay: curves, marks, sources, and invalid arguments."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import CellClassifier, TrainingCurveDisplay

HISTORY = {
    "accuracy": [0.55, 0.8, 0.9],
    "loss": [0.7, 0.5, 0.2],
    "val_accuracy": [0.6, 0.7, 0.65],
    "val_loss": [0.7, 0.6, 0.9],
}


def test_constructor_any_values_stores_them_untouched():
    """Nothing is drawn or checked before plot."""
    history = {"nonsense": []}
    display = TrainingCurveDisplay(history, -1)
    assert display.history is history
    assert display.best_epoch == -1
    assert not hasattr(display, "figure_")


def test_plot_full_history_draws_four_labelled_curves():
    """Each panel has its training and its hold-out curve, against epochs from 1."""
    display = TrainingCurveDisplay(HISTORY, 2).plot()
    assert display.ax_.shape == (2,)
    assert [ax.get_ylabel() for ax in display.ax_] == ["accuracy", "loss"]
    assert [ax.get_xlabel() for ax in display.ax_] == ["epoch", "epoch"]
    assert [line.get_label() for line in display.lines_] == ["training", "hold-out"] * 2
    curves = [HISTORY[name] for name in ("accuracy", "val_accuracy", "loss", "val_loss")]
    for line, curve in zip(display.lines_, curves, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(line.get_ydata(), curve)
    assert display.figure_ is display.ax_[0].get_figure()


def test_plot_full_history_tells_curves_apart_without_color():
    """Training and hold-out also differ in their dashes."""
    display = TrainingCurveDisplay(HISTORY, 2).plot()
    training, hold_out = display.lines_[:2]
    assert training.get_color() != hold_out.get_color()
    assert training.get_linestyle() != hold_out.get_linestyle()


def test_plot_best_epoch_marks_it_in_both_panels():
    """By a vertical line and a text."""
    display = TrainingCurveDisplay(HISTORY, 2).plot()
    for ax in display.ax_:
        assert [text.get_text() for text in ax.texts] == ["kept: epoch 2"]
        assert any(list(line.get_xdata()) == [2, 2] for line in ax.lines)


def test_plot_no_best_epoch_marks_none():
    """Without a kept epoch there is no mark."""
    display = TrainingCurveDisplay(HISTORY).plot()
    assert [len(ax.texts) for ax in display.ax_] == [0, 0]
    assert [len(ax.lines) for ax in display.ax_] == [2, 2]


def test_plot_no_validation_draws_training_only():
    """A training without a hold-out has two curves."""
    history = {name: HISTORY[name] for name in ("accuracy", "loss")}
    display = TrainingCurveDisplay(history, 3).plot()
    assert [line.get_label() for line in display.lines_] == ["training", "training"]


@pytest.mark.parametrize("n_epochs", [1, 2, 3, 7, 30, 200])
def test_plot_any_number_of_epochs_has_whole_ticks(n_epochs):
    """Epochs are whole numbers."""
    curve = list(np.linspace(0.5, 1, n_epochs))
    display = TrainingCurveDisplay({"accuracy": curve, "loss": curve}, n_epochs).plot()
    display.figure_.canvas.draw()
    for ax in display.ax_:
        low, high = ax.get_xlim()
        ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
        assert ticks
        assert all(tick == int(tick) for tick in ticks)


def test_plot_flat_curves_keeps_honest_axes():
    """Accuracy ends at 1 and loss starts at 0, also for small changes."""
    history = {"accuracy": [0.901, 0.902], "loss": [0.301, 0.3]}
    display = TrainingCurveDisplay(history, 2).plot()
    low, high = display.ax_[0].get_ylim()
    assert low <= 0.5
    assert 1 <= high <= 1.05
    assert display.ax_[1].get_ylim()[0] == 0


def test_plot_two_axes_draws_on_them():
    """The two axes of the caller are used."""
    figure, axes = plt.subplots(2, 1)
    display = TrainingCurveDisplay(HISTORY, 2).plot(axes)
    assert list(display.ax_) == list(axes)
    assert display.figure_ is figure


def test_plot_one_axes_shares_out_its_place():
    """Both panels replace the one axes, and its neighbor does not change."""
    figure, axes = plt.subplots(1, 2)
    display = TrainingCurveDisplay(HISTORY, 2).plot(axes[0])
    assert display.figure_ is figure
    assert display.ax_.shape == (2,)
    assert not axes[0].axison
    assert not axes[1].lines


def test_plot_axes_without_grid_raises():
    """Axes placed by hand cannot be divided."""
    figure = plt.figure()
    ax = figure.add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match=r"must be in a grid of subplots.*plt.subplots\(\)"):
        TrainingCurveDisplay(HISTORY).plot(ax)


def test_plot_three_axes_raises():
    """There are two panels."""
    _, axes = plt.subplots(1, 3)
    with pytest.raises(ValueError, match=r"one matplotlib Axes, or 2.*Pass ax=None"):
        TrainingCurveDisplay(HISTORY).plot(axes)


def test_plot_line_kw_reaches_all_curves():
    """Keywords for the lines override the defaults."""
    display = TrainingCurveDisplay(HISTORY).plot(line_kw={"linewidth": 4})
    assert {line.get_linewidth() for line in display.lines_} == {4}


def test_plot_any_history_leaves_global_settings():
    """Drawing does not change the settings of matplotlib."""
    before = dict(plt.rcParams)
    TrainingCurveDisplay(HISTORY, 1).plot()
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize(
    "history",
    [{}, {"loss": [1.0]}, {"accuracy": [], "loss": []}, {"accuracy": [1.0], "loss": [1.0, 2.0]}],
)
def test_plot_unusable_history_raises(history):
    """Both curves are needed, of equal length."""
    with pytest.raises(ValueError, match=r"'accuracy' and 'loss'.*Pass the history_"):
        TrainingCurveDisplay(history).plot()


def test_plot_best_epoch_beyond_history_raises():
    """It must be an epoch of the history."""
    with pytest.raises(ValueError, match=r"one of the 3 epochs.*Got 4. Pass the best_epoch_"):
        TrainingCurveDisplay(HISTORY, 4).plot()


def test_from_estimator_classifier_takes_history_and_epoch(fitted_classifier):
    """From the attributes of the classifier."""
    display = TrainingCurveDisplay.from_estimator(fitted_classifier)
    assert display.history == fitted_classifier.history_
    assert display.best_epoch == fitted_classifier.best_epoch_
    assert len(display.lines_) == 4


def test_from_estimator_nested_finds_classifier(fitted_classifier):
    """The classifier within pipelines and wrappers is found."""
    pipeline = Pipeline([("as is", FunctionTransformer()), ("classifier", fitted_classifier)])
    nested = FixedThresholdClassifier(FrozenEstimator(pipeline))
    nested.estimator_ = nested.estimator
    display = TrainingCurveDisplay.from_estimator(nested)
    assert display.history is fitted_classifier.history_


def test_from_estimator_search_shows_best(cells):
    """For a search, the refitted pipeline is drawn."""
    classifier = CellClassifier(filters=(2,), epochs=1, early_stopping=False, random_state=0)
    search = GridSearchCV(Pipeline([("classifier", classifier)]), {}, cv=2)
    search.fit(cells.images, cells.y)
    display = TrainingCurveDisplay.from_estimator(search)
    assert display.history is search.best_estimator_[-1].history_
    assert display.best_epoch == 1


def test_from_estimator_unfitted_raises():
    """The error of scikit-learn, for a classifier and for a pipeline."""
    for estimator in (CellClassifier(), Pipeline([("classifier", CellClassifier())])):
        with pytest.raises(NotFittedError):
            TrainingCurveDisplay.from_estimator(estimator)


def test_from_estimator_without_history_raises():
    """Other classifiers have no epochs."""
    dummy = DummyClassifier().fit([[0], [1]], [0, 1])
    with pytest.raises(TypeError, match=r"Got DummyClassifier.*Pass a fitted CellClassifier"):
        TrainingCurveDisplay.from_estimator(dummy)


def test_from_estimator_search_without_refit_raises():
    """A search without a refitted estimator."""
    search = GridSearchCV(DummyClassifier(), {}, cv=2, refit=False)
    search.fit(np.zeros((4, 1)), [0, 1, 0, 1])
    with pytest.raises(TypeError, match="refit=True"):
        TrainingCurveDisplay.from_estimator(search)
