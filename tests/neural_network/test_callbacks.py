"""scikit-learn's callbacks are called in each epoch, can stop training, and change no number."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from cellsk import CellClassifier, ImageReader, list_images, load_model, make_cells, save_model
from cellsk.exceptions import SmallHoldOutWarning
from cellsk.neural_network import _callbacks

# scikit-learn warns about transformers without callbacks, and most of its transformers have none.
pytestmark = pytest.mark.filterwarnings("ignore:The estimator .* does not support callbacks")


class Count:
    """Counts hooks and needs no argument, as a progress bar does."""

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context):
        """Record that a fit begins."""
        self.seen.append("setup")

    def on_fit_task_begin(self, estimator, context):
        """Record which task begins."""
        self.seen.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context):
        """Record which task ends."""
        self.seen.append(f"end {context.task_name} {context.task_id}")

    def teardown(self, estimator, context):
        """Record that the fit is over."""
        self.seen.append("teardown")


class Keep(Count):
    """Keeps all arguments of the end of a task."""

    def __init__(self):
        super().__init__()
        self.tasks = []

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        """Keep all arguments, and the present predictions."""
        proba = fitted_estimator.predict_proba(X)
        self.tasks.append((context.task_name, X, y, metadata, fitted_estimator, proba))


class Stop(Count):
    """Stops training after two epochs."""

    def on_fit_task_end(self, estimator, context):
        """Return whether to stop."""
        return context.task_name == "epoch" and context.task_id == 1


class Fail(Count):
    """Fails at the end of an epoch."""

    def on_fit_task_end(self, estimator, context):
        """Raise."""
        raise RuntimeError("the disk is full")


@pytest.fixture
def tiny(small):
    """Parameters of a classifier of three epochs, with every source of random numbers."""
    return small | {"filters": (4,), "dense_units": 8, "epochs": 3, "dropout": 0.3}


def epoch_scores(monitor, name="neg_log_loss"):
    """Return the scores of the epochs, and the score of the whole fit."""
    rows = monitor.get_logs().data
    epochs = [row[name] for row in rows if row["task_name"] == "epoch"]
    return epochs, [row[name] for row in rows if row["task_name"] == "fit"]


def test_scoring_monitor_epoch_scores_as_a_fit_of_so_many_epochs(cells, tiny):
    """The score of epoch k equals that of a classifier that trains for k epochs."""
    monitor = ScoringMonitor(scoring="neg_log_loss")
    CellClassifier(**tiny).set_callbacks(monitor).fit(cells.images, cells.y)
    expected = [
        -log_loss(
            cells.y,
            CellClassifier(**tiny | {"epochs": epochs})
            .fit(cells.images, cells.y)
            .predict_proba(cells.images),
        )
        for epochs in (1, 2, 3)
    ]
    epochs, whole = epoch_scores(monitor)
    assert epochs == pytest.approx(expected, abs=1e-12)
    assert whole == epochs[-1:]
    assert len(set(epochs)) == 3


def test_fit_early_stopping_ends_with_the_score_of_the_epoch_kept(cells, tiny):
    """The score of the whole fit equals that of the epoch whose weights were kept."""
    parameters = tiny | {"early_stopping": True, "patience": 1, "epochs": 10, "learning_rate": 0.1}
    monitor = ScoringMonitor(scoring="neg_log_loss")
    classifier = CellClassifier(**parameters).set_callbacks(monitor)
    X_val, y_val = cells.images[80:88], cells.y[80:88] ^ 1  # too few to compare with guessing
    classifier.fit(cells.images[:80], cells.y[:80], X_val=X_val, y_val=y_val)
    epochs, whole = epoch_scores(monitor)
    assert len(epochs) == classifier.n_iter_ < 10
    assert classifier.best_epoch_ < classifier.n_iter_
    assert whole == [epochs[classifier.best_epoch_ - 1]]


def test_fit_with_callbacks_keeps_every_number(cells, tiny):
    """With and without callbacks, hold-out, history and predictions are equal bit by bit."""
    parameters = tiny | {"early_stopping": True, "validation_fraction": 0.2}
    plain = CellClassifier(**parameters).fit(cells.images, cells.y)
    watched = CellClassifier(**parameters).set_callbacks(Keep(), Count())
    watched.fit(cells.images, cells.y)
    assert watched.history_ == plain.history_
    assert watched.best_epoch_ == plain.best_epoch_
    assert (watched.predict_proba(cells.images) == plain.predict_proba(cells.images)).all()


def test_callback_hooks_come_in_order(cells, tiny):
    """In each fit, setup comes first, then the fit with its epochs inside, then teardown."""
    count = Count()
    classifier = CellClassifier(**tiny | {"epochs": 2}).set_callbacks(count)
    once = [
        "setup",
        "begin fit 0",
        *("begin epoch 0", "end epoch 0", "begin epoch 1", "end epoch 1"),
        "end fit 0",
        "teardown",
    ]
    classifier.fit(cells.images, cells.y)
    assert count.seen == once
    classifier.fit(cells.images, cells.y)
    assert count.seen == once + once
    assert [name for name in vars(classifier) if "_ctx" in name or "teardown" in name] == []


def test_fitted_estimator_stays_as_the_epoch_left_it(cells, tiny):
    """A classifier that a callback keeps predicts the same later, and after pickling."""
    keep = Keep()
    names = np.array(cells.target_names)[cells.y]
    final = CellClassifier(**tiny).set_callbacks(keep).fit(cells.images, names)
    assert [task[0] for task in keep.tasks] == ["epoch", "epoch", "epoch", "fit"]
    for number, (_, X, _, _, fitted, proba) in enumerate(keep.tasks[:3], start=1):
        assert (fitted.predict_proba(X) == proba).all()
        assert fitted.n_iter_ == fitted.best_epoch_ == number
        assert fitted.history_ == {name: log[:number] for name, log in final.history_.items()}
        assert fitted.keras_classifier_.history_ == fitted.history_
    # The kept objects hold the callback, and it them; the network is what has to travel.
    wrapper = pickle.loads(pickle.dumps(keep.tasks[0][4].keras_classifier_))
    assert (wrapper.predict(cells.images) == keep.tasks[0][4].predict(cells.images)).all()
    assert len({task[5].tobytes() for task in keep.tasks[:3]}) == 3
    assert (keep.tasks[2][5] == keep.tasks[3][5]).all()


def test_callback_gets_the_images_that_train(cells, tiny):
    """The hold-out and images of weight zero are left out. Weights are those of the caller."""
    keep = Keep()
    names = np.array(cells.target_names)[cells.y]
    weights = np.arange(120) % 4 / 2
    parameters = tiny | {"early_stopping": True, "validation_fraction": 0.25, "epochs": 1}
    classifier = CellClassifier(**parameters, class_weight="balanced").set_callbacks(keep)
    classifier.fit(cells.images, names, sample_weight=weights)
    _, X, y, metadata, _, _ = keep.tasks[0]
    known = {image.tobytes(): row for row, image in enumerate(cells.images)}
    rows = [known[image.tobytes()] for image in X]
    assert 60 <= len(rows) < 75  # 90 have a weight, and a quarter of them are held out
    assert (y == names[rows]).all()
    assert (metadata["sample_weight"] == weights[rows]).all()
    assert metadata["sample_weight"].min() > 0
    assert (keep.tasks[-1][1] == X).all()


@pytest.mark.parametrize("sample_weight", [None, 2.0])
def test_callback_gets_all_images_without_a_copy(cells, tiny, sample_weight):
    """If all images train, the callback gets the same array, and one weight for all."""
    keep = Keep()
    classifier = CellClassifier(**tiny | {"epochs": 1}).set_callbacks(keep)
    classifier.fit(cells.images, cells.y, sample_weight=sample_weight)
    assert np.shares_memory(keep.tasks[0][1], cells.images)
    metadata = keep.tasks[0][3]
    assert metadata is None if sample_weight is None else set(metadata["sample_weight"]) == {2.0}


@pytest.mark.parametrize("early_stopping", [False, True])
def test_callback_that_asks_to_stop_stops_training(cells, tiny, early_stopping):
    """Two epochs are run, and the classifier is fitted."""
    parameters = tiny | {"early_stopping": early_stopping, "validation_fraction": 0.2}
    stopped = CellClassifier(**parameters).set_callbacks(Stop()).fit(cells.images, cells.y)
    short = CellClassifier(**parameters | {"epochs": 2}).fit(cells.images, cells.y)
    assert stopped.n_iter_ == 2
    assert stopped.best_epoch_ == short.best_epoch_
    assert (stopped.predict_proba(cells.images) == short.predict_proba(cells.images)).all()


def test_callback_that_fails_ends_the_fit(cells, tiny):
    """Its error is raised, teardown is called, and the classifier is not fitted."""
    fail, count = Fail(), Count()
    classifier = CellClassifier(**tiny).set_callbacks(count, fail)
    with pytest.raises(RuntimeError, match="the disk is full"):
        classifier.fit(cells.images, cells.y)
    assert fail.seen[-1] == count.seen[-1] == "teardown"
    assert not hasattr(classifier, "keras_classifier_")
    assert "_callback_fit_ctx" not in vars(classifier)


def test_fit_makes_only_what_a_callback_asks_for(cells, tiny, monkeypatch):
    """Without callbacks Keras gets none. One that only counts copies no image and no network."""
    made = []
    make_listener = _callbacks._make_listener

    def listen(epochs):
        made.append("listener")
        return make_listener(epochs)

    monkeypatch.setattr(_callbacks, "_make_listener", listen)
    monkeypatch.setattr(_callbacks, "_copy_model", lambda _: made.append("network"))
    monkeypatch.setattr(_callbacks.FitTask, "_select_images", lambda _: made.append("images"))
    parameters = tiny | {"epochs": 1, "early_stopping": True, "validation_fraction": 0.2}
    CellClassifier(**parameters).fit(cells.images, cells.y)
    assert made == []
    CellClassifier(**parameters).set_callbacks(Count()).fit(cells.images, cells.y)
    assert made == ["listener"]


def test_copied_network_takes_no_name_of_tensorflow(cells, tiny):
    """The copy has no random state, whose name TensorFlow would never forget."""
    model = CellClassifier(**tiny | {"epochs": 1}).fit(cells.images, cells.y)
    model = model.keras_classifier_.model_
    copied = _callbacks._copy_model(model)
    assert hasattr(model.get_layer("dropout"), "seed_generator")
    assert not hasattr(copied.get_layer("dropout"), "seed_generator")
    assert [layer.name for layer in copied.layers] == [layer.name for layer in model.layers]
    for one, other in zip(copied.get_weights(), model.get_weights(), strict=True):
        assert (one == other).all()


def test_callbacks_go_with_clone_pickle_and_copy(cells, tiny):
    """Clones report to the same monitor, copies work, and get_params does not list it."""
    monitor = ScoringMonitor(scoring="accuracy")
    classifier = CellClassifier(**tiny | {"epochs": 2}).set_callbacks(monitor)
    assert classifier.get_params() == CellClassifier(**tiny | {"epochs": 2}).get_params()
    cross_val_score(classifier, cells.images, cells.y, cv=2)
    logs = monitor.get_logs(select="all")
    assert [len(log.data) for log in logs] == [3, 3]
    clone(classifier).fit(cells.images, cells.y)
    assert len(monitor.get_logs(select="all")) == 3
    for twin in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
        twin.fit(cells.images, cells.y)
    assert len(monitor.get_logs(select="all")) == 3  # they have other logs


def test_classifier_watched_in_fit_can_be_saved(cells, tiny, tmp_path):
    """After its callbacks are removed, the classifier can be saved."""
    monitor = ScoringMonitor(scoring="accuracy")
    classifier = CellClassifier(**tiny | {"epochs": 1}).set_callbacks(monitor)
    classifier.fit(cells.images, cells.y).set_callbacks()
    assert not [name for name in vars(classifier) if name.startswith("_skl")]
    save_model(classifier, tmp_path / "model.cellsk")
    loaded = load_model(tmp_path / "model.cellsk")
    assert (loaded.predict_proba(cells.images) == classifier.predict_proba(cells.images)).all()
    loaded.set_callbacks(monitor).fit(cells.images, cells.y)
    assert len(monitor.get_logs(select="all")) == 2


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_one_bar_and_one_log_cover_a_search_of_pipelines(tmp_path, tiny, capfd, n_jobs):
    """Every epoch of every fold and of the refit, in other processes too."""
    drawn = make_cells(40, folder=tmp_path / "cells", n_patients=4, image_size=(16, 16),
                       random_state=0)  # fmt: skip
    files = list_images(tmp_path / "cells")
    monitor = ScoringMonitor(scoring="accuracy")
    classifier = CellClassifier(**tiny | {"epochs": 2}).set_callbacks(monitor)
    search = GridSearchCV(
        Pipeline([("reader", ImageReader()), ("classifier", classifier)]),
        {"classifier__filters": [(2,)]},
        cv=2,
        n_jobs=n_jobs,
        error_score="raise",
    )
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(files.paths, drawn.y)
    (log,) = monitor.get_logs(select="all")
    assert log.estimator_name == "GridSearchCV"
    rows = [row for row in log.data if row["task_name"] == "epoch"]
    assert len(rows) == 2 * (2 + 1)
    assert all(row["estimator_name"] == "CellClassifier" for row in rows)
    assert all(0 <= row["accuracy"] <= 1 for row in rows)
    shown = capfd.readouterr().out
    assert shown.count("CellClassifier - fit") == 3
    assert shown.count("ImageReader - fit") == 3
    assert shown.count("100%") == shown.count("GridSearchCV - ") + 3 + 3


def test_small_hold_out_warning_points_at_the_caller(cells, tiny):
    """The warning points at the line that called fit."""
    classifier = CellClassifier(**tiny | {"early_stopping": True, "epochs": 1})
    with pytest.warns(SmallHoldOutWarning) as caught:
        classifier.fit(cells.images[:20], cells.y[:20])
    assert [warning.filename for warning in caught] == [__file__]
