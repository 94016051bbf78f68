"""Trainers are reused by later fits, which have the numbers of a first fit."""

import json
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf

from cellsk import CellClassifier, build_cnn
from cellsk.neural_network import _trainers, _training
from cellsk.neural_network._batches import (
    LabeledImages,
    Subset,
    training_batches,
    validation_batches,
)


@pytest.fixture(autouse=True)
def no_trainers():
    """Begin without trainers, as a new process does."""
    _trainers._idle.clear()


def fit_and_predict(cells, **parameters):
    """Return the probabilities after a fit."""
    return CellClassifier(**parameters).fit(cells.images, cells.y).predict_proba(cells.images)


def make_network(cells, n_classes=2, **settings):
    """Return a network for these images."""
    meta = {"X_shape_": cells.images.shape, "n_classes_": n_classes}
    return build_cnn(meta, **{"filters": (8,), "seed": 3} | settings)


def use_trainer(cells, network, precision="float32"):
    """Return the model of the trainer that a fit of this network would use."""
    images = cells.images[:8]
    with _trainers.prepare_trainer(network, precision, images, reuse=True, steps=1) as trainer:
        return trainer.model


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_second_fit_borrows_and_gives_the_numbers_of_a_first(cells, small, precision):
    """After fits with other seeds, rates and epochs, the numbers equal those of a first fit."""
    settings = small | {"precision": precision, "dropout": 0.3, "epochs": 4}
    first = fit_and_predict(cells, **settings)
    (trainer,) = _trainers._idle.values()
    other = settings | {"random_state": 5, "learning_rate": 0.01, "epochs": 2, "batch_size": 7}
    assert not np.array_equal(fit_and_predict(cells, **other), first)
    np.testing.assert_array_equal(fit_and_predict(cells, **settings), first)
    (kept,) = _trainers._idle.values()
    assert kept.model is trainer.model


def test_other_network_gets_another_trainer(cells):
    """Filters, dropout, the number of classes and precision change the trainer."""
    for change in ({}, {"filters": (4,)}, {"dropout": 0.5}, {"n_classes": 3}, {}):
        use_trainer(cells, make_network(cells, **change), "bfloat16")
    use_trainer(cells, make_network(cells))
    assert len(_trainers._idle) == 5


def compile_network(cells, loss="binary_crossentropy", optimizer=None, **settings):
    """Return a network for these images, compiled in another way."""
    network = make_network(cells)
    network.compile(optimizer or keras.optimizers.Adam(0.01, name="adam"), loss=loss, **settings)
    return network


COMPILED = {
    "loss": {"loss": "mean_squared_error"},
    "optimizer": {"optimizer": lambda: keras.optimizers.SGD(0.01)},
    "setting of the optimizer": {"optimizer": lambda: keras.optimizers.Adam(0.01, beta_1=0.5)},
    "metrics": {"metrics": ["accuracy"]},
    "loss weights": {"loss_weights": 2.0},
    "eager": {"run_eagerly": True},
    "compiled by xla": {"jit_compile": True},
}


@pytest.mark.parametrize("change", COMPILED)
def test_network_compiled_otherwise_gets_another_trainer(cells, change):
    """Loss, optimizer, metrics and the way of running are part of what a trainer is."""
    settings = COMPILED[change]
    if "optimizer" in settings:
        settings = {"optimizer": settings["optimizer"]()}
    networks = (compile_network(cells), compile_network(cells, **settings))
    first, second = (use_trainer(cells, network) for network in networks)
    assert first is not second
    assert len(_trainers._idle) == 2


def test_second_fit_with_another_loss_trains_with_it(cells):
    """The numbers are those of Keras with this loss, and not those of the loss before."""

    def train(model):
        model.fit(cells.images[:64], cells.y[:64], shuffle=False, verbose=0)

    weights = []
    for loss in ("binary_crossentropy", "mean_squared_error"):
        network = compile_network(cells, loss=loss, run_eagerly=True)
        with _trainers.prepare_trainer(
            network, "float32", cells.images[:8], reuse=True, steps=1
        ) as trainer:
            train(trainer.model)
        alone = compile_network(cells, loss=loss, run_eagerly=True)
        train(alone)
        for found, expected in zip(network.get_weights(), alone.get_weights(), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-5)
        weights.append(network.get_weights())
    assert any(np.abs(one - other).max() > 1e-3 for one, other in zip(*weights, strict=True))


def test_callers_callbacks_get_a_trainer_of_their_own(cells, small):
    """A callback may change the network in any way, so no later fit reuses it."""
    settings = small | {"epochs": 2}
    expected = fit_and_predict(cells, **settings)

    class Freeze(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.0
            self.model.layers[1].trainable = False

    fit_and_predict(cells, **settings, callbacks=[Freeze])
    np.testing.assert_array_equal(fit_and_predict(cells, **settings), expected)


def test_fit_that_fails_keeps_no_trainer(cells, small):
    """A network that has diverged is not kept."""
    with pytest.raises(ValueError, match="keep the loss finite"):
        fit_and_predict(cells, **small | {"learning_rate": 1e30})
    assert not _trainers._idle


def test_fits_in_threads_do_not_share_a_trainer(cells, small):
    """Fits at the same time give the numbers of one fit alone."""
    settings = small | {"epochs": 2}
    alone = fit_and_predict(cells, **settings)
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda _: fit_and_predict(cells, **settings), range(6)))
    for proba in together:
        np.testing.assert_array_equal(proba, alone)


def test_cleared_session_changes_nothing(cells, small):
    """A fit works after Keras has cleared its session."""
    settings = small | {"epochs": 2}
    expected = fit_and_predict(cells, **settings)
    keras.backend.clear_session()
    np.testing.assert_array_equal(fit_and_predict(cells, **settings), expected)


def test_kept_trainers_are_bounded(cells, monkeypatch):
    """The oldest trainers are deleted."""
    monkeypatch.setattr(_trainers, "MAX_BYTES", 120_000)
    for units in (16, 17, 18):
        use_trainer(cells, make_network(cells, dense_units=units))
    assert [trainer.model.get_layer("dense").units for trainer in _trainers._idle.values()] == [18]
    monkeypatch.setattr(_trainers, "MAX_BYTES", 0)
    use_trainer(cells, make_network(cells))
    assert not _trainers._idle


def test_network_keeps_the_state_of_its_training(fitted, small):
    """The Keras model keeps the state of its optimizer, for more training."""
    optimizer = fitted.keras_classifier_.model_.optimizer
    assert int(optimizer.iterations) == small["epochs"] * 4
    velocities = [v for v in optimizer.variables if v.path.endswith("velocity")]
    assert velocities
    assert all(float(np.abs(velocity).max()) > 0 for velocity in velocities)


def test_batches_come_without_a_tuning_thread(cells):
    """A fit would wait for that thread at its end, for up to a minute."""
    data = LabeledImages(cells.images, cells.y, np.ones(120, np.float32))
    subset = Subset(data, np.arange(120))
    with (
        training_batches(subset, batch_size=8, seed=0) as (training, _),
        validation_batches(subset) as validation,
    ):
        assert training.options().autotune.enabled is False
        assert validation.options().autotune.enabled is False


def test_each_epoch_is_one_pass_in_an_order_of_its_own(cells):
    """Each row comes once per epoch. The order follows from seed and epoch alone."""
    data = LabeledImages(cells.images, np.arange(120), np.ones(120, np.float32))
    subset = Subset(data, np.arange(3, 110))

    def read(seed, epoch):
        with training_batches(subset, batch_size=20, seed=seed) as (batches, number):
            assert int(batches.cardinality()) == 6
            list(batches)
            number.assign(epoch)
            return np.concatenate([codes for _, codes, _ in batches])

    orders = [read(seed, epoch) for seed in (0, 1) for epoch in (0, 1, 2)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), subset.rows)
    assert len({tuple(order) for order in orders}) == 6
    np.testing.assert_array_equal(read(1, 2), orders[-1])


def test_steps_of_one_call_give_the_bits_of_single_steps(cells, small, monkeypatch):
    """The four steps of an epoch may be more or fewer than those of a call."""
    settings = small | {"batch_size": 27, "dropout": 0.3, "early_stopping": True, "patience": 2}
    results = []
    for count in (1, 2, 3, 16):
        monkeypatch.setattr(_training, "STEPS_PER_CALL", count)
        results.append(CellClassifier(**settings).fit(cells.images, cells.y))
        assert list(_trainers._idle.values())[-1].model.steps_per_execution == count
    single, *others = results
    expected = single.predict_proba(cells.images)
    for several in others:
        assert several.history_ == single.history_
        assert several.best_epoch_ == single.best_epoch_
        np.testing.assert_array_equal(several.predict_proba(cells.images), expected)


def test_step_is_traced_once(cells, small, monkeypatch):
    """All variables exist before the first step. Otherwise TensorFlow traces it twice."""
    traced, step = [], keras.Sequential.train_step

    def count(self, data):
        traced.append(self)
        return step(self, data)

    monkeypatch.setattr(keras.Sequential, "train_step", count)
    fit_and_predict(cells, **small | {"epochs": 2})
    assert len(traced) == 1


def test_epoch_has_one_iterator(cells, small, monkeypatch):
    """Keras makes one iterator per epoch, and one more at the end."""
    made, make = [], tf.data.Dataset.__iter__

    def count(self):
        made.append(self)
        return make(self)

    monkeypatch.setattr(tf.data.Dataset, "__iter__", count)
    fit_and_predict(cells, **small | {"epochs": 4})
    assert len(made) == 5


def test_who_looks_at_each_step_sees_each_step(cells, small, monkeypatch, capfd):
    """With a caller's callback, a progress bar or CELLSK_FAST=off, a call has one step."""

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    seen: list[int] = []
    settings = small | {"epochs": 1}
    fit_and_predict(cells, **settings, callbacks=[Count])
    assert seen == [0, 1, 2, 3]
    capfd.readouterr()
    fit_and_predict(cells, **settings, verbose=1)
    shown = capfd.readouterr().out
    assert all(f"{step}/4" in shown for step in (1, 4)), shown
    assert {trainer.model.steps_per_execution for trainer in _trainers._idle.values()} == {1}
    monkeypatch.setenv("CELLSK_FAST", "off")
    network, images = make_network(cells), cells.images[:8]
    with _trainers.prepare_trainer(network, "float32", images, reuse=True, steps=16) as trainer:
        assert trainer.model.steps_per_execution == 1


def test_fast_off_trains_a_plain_network_of_keras(cells, small, monkeypatch):
    """CELLSK_FAST=off keeps no trainer, uses Keras' own step, and computes in float32."""
    monkeypatch.setenv("CELLSK_FAST", "off")
    sped_up = []
    monkeypatch.setattr(_trainers, "speed_up", lambda *given: sped_up.append(given) or True)
    classifier = CellClassifier(**small).fit(cells.images, cells.y)
    assert (classifier.precision_, sped_up, len(_trainers._idle)) == ("float32", [], 0)
    monkeypatch.setenv("CELLSK_FAST", "on")
    fast = CellClassifier(**small, precision="float32").fit(cells.images, cells.y)
    assert len(sped_up) == 1
    np.testing.assert_allclose(
        classifier.predict_proba(cells.images), fast.predict_proba(cells.images), atol=1e-6
    )


def test_fast_off_refuses_bfloat16_and_other_words(cells, small, monkeypatch):
    """A precision that is not available is an error."""
    monkeypatch.setenv("CELLSK_FAST", "off")
    with pytest.raises(ValueError, match=r"precision must be .* CELLSK_FAST is 'off'. .*Set"):
        CellClassifier(**small, precision="bfloat16").fit(cells.images, cells.y)
    monkeypatch.setenv("CELLSK_FAST", "no")
    with pytest.raises(
        ValueError, match=r"CELLSK_FAST must be one of 'on', 'off', or not set. Got 'no'"
    ):
        CellClassifier(**small).fit(cells.images, cells.y)


TWO_DEVICES = """
import json
import tensorflow as tf
from cellsk import CellClassifier, make_cells

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
cells = make_cells(90, image_size=(16, 16), random_state=0)

def fit():
    settings = {"filters": (4,), "epochs": 12, "learning_rate": 0.001, "early_stopping": False}
    classifier = CellClassifier(**settings, random_state=1, precision="float32")
    return classifier.fit(cells.images, cells.y).predict_proba(cells.images)[:, 1].tolist()

found = [fit()]
for _ in range(2):
    with tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"]).scope():
        found.append(fit())
print(json.dumps(found))
"""


def test_fit_shares_its_batches_among_devices(run_python):
    """Fits in a strategy of TensorFlow, after other fits, train the same network."""
    alone, shared, again = json.loads(run_python(TWO_DEVICES).splitlines()[-1])
    assert again == shared
    np.testing.assert_allclose(shared, alone, atol=2e-3)
    assert np.ptp(alone) > 0.05  # and not one number for all
