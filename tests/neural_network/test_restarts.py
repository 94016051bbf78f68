"""A training that stays at the loss of guessing begins anew. A fit that learns nothing warns."""

import warnings

import numpy as np
import pytest
from sklearn.callback import ProgressBar

from cellsk import CellClassifier, build_cnn
from cellsk.exceptions import WeakModelWarning
from cellsk.neural_network._batches import LabeledImages, Subset
from cellsk.neural_network._restarts import _guess_loss

MATCH = r"lower than that of the shares.*Got 0\.\d+.*the shares have 0\.\d+\. Do not use this model"


@pytest.fixture
def early(small):
    """Parameters of a classifier that stops early, and has a hold-out of both classes."""
    return small | {
        "early_stopping": True,
        "patience": 2,
        "validation_fraction": 0.3,
        "precision": "float32",
    }


@pytest.fixture
def noise():
    """100 images of noise, and labels that have nothing to do with them."""
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (100, 16, 16, 1), np.uint8), np.arange(100) % 10 < 4


@pytest.fixture
def kill():
    """A Keras callback that ends all units of the first trainings, and records each of them."""
    import keras

    class Kill(keras.callbacks.Callback):
        n_killed = 1

        def __init__(self):
            super().__init__()
            self.rates, self.kernels, self.epochs = [], [], []

        def on_train_begin(self, logs=None):
            self.rates.append(float(self.model.optimizer.learning_rate))
            self.kernels.append(np.array(self.model.get_layer("conv_1").kernel))
            if len(self.rates) <= self.n_killed:
                bias = self.model.get_layer("dense").bias
                bias.assign(np.full(bias.shape, -1000.0))

        def on_epoch_end(self, epoch, logs=None):
            self.epochs.append(epoch)

    return Kill()


def test_fit_with_dead_units_begins_anew_and_learns(cells, early, kill):
    """The second training has other weights and 0.3 times the rate. It learns."""
    parameters = early | {"learning_rate": 0.01, "epochs": 30, "patience": 4}
    classifier = CellClassifier(**parameters, callbacks=[kill]).fit(cells.images, cells.y)
    assert classifier.n_restarts_ == 1
    assert kill.rates == pytest.approx([0.01, 0.003])
    assert (kill.kernels[0] != kill.kernels[1]).any()
    assert classifier.score(cells.images, cells.y) > 0.8
    # The second training begins with epoch 0 again, and has the epochs that are left.
    first = kill.epochs[1:].index(0) + 1
    assert classifier.n_iter_ == len(kill.epochs) - first <= 30 - first
    assert len(classifier.history_["val_loss"]) == classifier.n_iter_
    rate = classifier.keras_classifier_.model_.optimizer.learning_rate
    assert float(rate) == pytest.approx(0.003)


def test_fit_on_noise_warns_and_runs_no_more_than_the_epochs(noise, early, kill):
    """All trainings share the epochs. The one with the lowest loss on the hold-out is kept."""
    kill.n_killed = 9
    classifier = CellClassifier(**early | {"epochs": 40, "learning_rate": 0.3}, callbacks=[kill])
    with pytest.warns(WeakModelWarning, match=MATCH) as caught:
        classifier.fit(*noise)
    (warning,) = [one for one in caught if one.category is WeakModelWarning]
    assert warning.filename == __file__
    assert warning.message.code == "loss-of-guessing"
    assert "after 2 restarts" in str(warning.message)
    assert classifier.n_restarts_ == 2
    assert len(kill.rates) == 3
    assert len(kill.epochs) <= 40
    kept = classifier.history_["val_loss"][classifier.best_epoch_ - 1]
    assert kept == warning.message.values["loss"]


def test_restarts_give_the_same_numbers_again(noise, early):
    """The seeds of restarts follow from random_state."""

    def fit(random_state):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", WeakModelWarning)
            parameters = early | {"epochs": 12, "patience": 1, "random_state": random_state}
            return CellClassifier(**parameters).fit(*noise)

    one, same, other = fit(1), fit(1), fit(2)
    assert one.n_restarts_ == same.n_restarts_ > 0
    assert one.history_ == same.history_ != other.history_
    assert (one.predict_proba(noise[0]) == same.predict_proba(noise[0])).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"early_stopping": False},
        {"epochs": 2},
        {"validation_fraction": 0.05},
    ],
)
def test_fit_that_shows_nothing_does_not_restart_or_warn(noise, early, changes):
    """There is no hold-out, early stopping cannot act, or the hold-out is too small to compare."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier = CellClassifier(**early | changes).fit(*noise)
    assert classifier.n_restarts_ == 0
    assert [one for one in caught if isinstance(one.message, WeakModelWarning)] == []


def test_fit_that_a_callback_stops_does_not_restart(noise, early):
    """Who stops a training wants no other one."""
    import keras

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    classifier = CellClassifier(**early | {"epochs": 40}, callbacks=[Stop]).fit(*noise)
    assert (classifier.n_restarts_, classifier.n_iter_) == (0, 1)


def test_callbacks_of_sklearn_see_the_epochs_of_all_trainings(noise, early, kill, capfd):
    """They are tasks of one fit, no more than the epochs. The history is that of the last one."""
    kill.n_killed = 9

    class Watch:
        def __init__(self):
            self.tasks, self.lengths = [], []

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "epoch":
                self.tasks.append(context.task_id)
                self.lengths.append(fitted_estimator.n_iter_)

        def teardown(self, estimator, context):
            pass

    watch = Watch()
    classifier = CellClassifier(**early | {"epochs": 12, "learning_rate": 0.3}, callbacks=[kill])
    with pytest.warns(WeakModelWarning):
        classifier.set_callbacks(watch, ProgressBar()).fit(*noise)
    assert classifier.n_restarts_ > 0
    assert watch.tasks == list(range(len(kill.epochs)))
    assert watch.lengths == [epoch + 1 for epoch in kill.epochs]
    assert len(watch.tasks) <= 12


def test_guess_loss_is_that_of_a_constant_network():
    """Keras computes the same loss, with weights, for a network that outputs the shares."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (60, 8, 8, 1), np.uint8)
    codes = (np.arange(60) % 3 == 0).astype(np.int32)
    weights = generator.uniform(0.5, 2, 60).astype(np.float32)
    data = LabeledImages(images, codes, weights)
    training, held_out = np.arange(40), np.arange(40, 60)
    model = build_cnn({"X_shape_": images.shape, "n_classes_": 2}, filters=(2,), seed=0)
    output = model.get_layer("probability")
    share = np.average(codes[:40], weights=weights[:40])
    output.kernel.assign(np.zeros(output.kernel.shape))
    output.bias.assign([np.log(share / (1 - share))])
    loss, _ = model.evaluate(
        images[40:], codes[40:], sample_weight=weights[40:], batch_size=7, verbose=0
    )
    guessed = _guess_loss(Subset(data, training), Subset(data, held_out))
    assert guessed == pytest.approx(loss, rel=1e-5)
