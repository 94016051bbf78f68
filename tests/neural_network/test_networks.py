"""The architectures besides the seed network: what they compute, and how they train by default."""

import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone

from cellsk import CellClassifier, export_onnx, load_model, save_model
from cellsk.neural_network import choose_settings, count_weights
from cellsk.neural_network._fast_step import can_speed_up
from cellsk.neural_network._schedule import compute_cosine
from cellsk.neural_network.networks._equivariant import build_equivariant
from cellsk.neural_network.networks._image_sizes import choose_image_size

FILTERS = {"compact": (4, 8), "equivariant": (2, 2)}
SYMMETRY = (None, "dihedral")
SYMMETRIES = [(turns, mirrored) for mirrored in (False, True) for turns in range(4)]


def turn(images, turns, mirrored):
    """Return images in another orientation."""
    return np.rot90(images[:, :, ::-1] if mirrored else images, turns, axes=(1, 2))


def make_classifier(architecture, **settings):
    """Return a small classifier."""
    usual = {"filters": FILTERS[architecture], "epochs": 2, "random_state": 0}
    return CellClassifier(architecture=architecture, **usual | settings)


@pytest.fixture(scope="module", params=FILTERS)
def classifier(request, cells):
    """A fitted classifier of each architecture; look, but do not refit."""
    return make_classifier(request.param).fit(cells.images, cells.y)


def network_of(classifier):
    """Return the Keras model of a fitted classifier."""
    return classifier.keras_classifier_.model_


@pytest.mark.parametrize("side", [24, 33, 200])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_equivariant_network_is_invariant_before_training(side, n_classes):
    """Eight orientations of an image have the same probabilities, whatever its side."""
    meta = {"X_shape_": (0, side, side, 3), "n_classes_": n_classes}
    model = build_equivariant(meta, filters=(2, 4), seed=1)
    images = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    expected = model(images).numpy()
    assert expected.std(axis=0).max() > 1e-3  # it does see the images
    for symmetry in SYMMETRIES:
        found = model(turn(images, *symmetry)).numpy()
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_equivariant_classifier_is_invariant_after_training(cells):
    """So are the predictions of a fitted one, by ONNX Runtime too; compact is not."""
    for architecture, largest in (("equivariant", 1e-4), ("compact", 1)):
        fitted = make_classifier(architecture, epochs=1).fit(cells.images, cells.y)
        views = [fitted.predict_proba(turn(cells.images, *one)) for one in SYMMETRIES]
        spread = np.ptp(views, axis=0).max()
        assert spread < largest
    assert spread > 1e-3


@pytest.mark.parametrize(("side", "n_views"), [((16, 16), 8), ((16, 12), 4)])
def test_test_time_augmentation_averages_the_views(side, n_views):
    """Probabilities are the mean over symmetries, so they are the same for each of them."""
    images = np.random.default_rng(0).integers(0, 256, (20, *side, 3), dtype=np.uint8)
    fitted = make_classifier("compact", epochs=1, tta="dihedral").fit(images, np.arange(20) % 3)
    averaged = fitted.predict_proba(images)
    views = [view for view in SYMMETRIES if n_views == 8 or view[0] % 2 == 0]
    plain = clone(fitted).set_params(tta=None).fit(images, np.arange(20) % 3)
    each = [plain.predict_proba(turn(images, *view)) for view in views]
    np.testing.assert_allclose(averaged, np.mean(each, axis=0), atol=1e-6)
    for view in views:
        np.testing.assert_allclose(fitted.predict_proba(turn(images, *view)), averaged, atol=1e-6)
    assert np.ptp(each, axis=0).max() > 1e-3


def test_test_time_augmentation_leaves_rows_of_features(small):
    """A mirrored row of features is another one."""
    rows = np.random.default_rng(0).random((20, 6))
    settings = small | {"epochs": 1}
    fits = [CellClassifier(**settings, tta=tta).fit(rows, rows[:, 0] > 0.5) for tta in SYMMETRY]
    np.testing.assert_array_equal(*(fit.predict_proba(rows) for fit in fits))


def test_test_time_augmentation_is_not_exported(cells, small, tmp_path):
    """An ONNX file without it would give other numbers."""
    fitted = CellClassifier(**small | {"epochs": 1}, tta="dihedral").fit(cells.images, cells.y)
    with pytest.raises(TypeError, match=r"tta='dihedral'.*set_params\(tta=None\)"):
        export_onnx(fitted, tmp_path / "network.onnx")
    export_onnx(fitted.set_params(tta=None), tmp_path / "network.onnx")


def test_network_learns(classifier, cells):
    """The loss falls, and probabilities are those of two classes."""
    fitted = clone(classifier).set_params(epochs=12).fit(cells.images, cells.y)
    assert fitted.history_["loss"][-1] < fitted.history_["loss"][0] - 0.05
    proba = fitted.predict_proba(cells.images[:5])
    assert proba.shape == (5, 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_network_trains_by_the_fast_step(classifier):
    """The table of layers covers it."""
    assert can_speed_up(network_of(classifier))


def test_network_gives_the_same_numbers_again(classifier, cells):
    """A clone gives the bits of the first fit, and another seed does not."""
    twin = clone(classifier).fit(cells.images, cells.y)
    expected = classifier.predict_proba(cells.images)
    np.testing.assert_array_equal(twin.predict_proba(cells.images), expected)
    other = clone(classifier).set_params(random_state=1).fit(cells.images, cells.y)
    assert np.abs(other.predict_proba(cells.images) - expected).max() > 1e-4


def test_network_is_saved_and_loaded(classifier, cells, tmp_path):
    """The file gives the same predictions, and can be trained anew."""
    save_model(classifier, tmp_path / "model.cellsk")
    loaded = load_model(tmp_path / "model.cellsk")
    expected = classifier.predict_proba(cells.images)
    np.testing.assert_array_equal(loaded.predict_proba(cells.images), expected)
    assert loaded.fit(cells.images, cells.y).n_iter_ == 2


def test_network_is_pickled_into_a_new_process(classifier, cells, tmp_path, run_python):
    """A process that has not built such a network reads it."""
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(classifier))
    np.save(tmp_path / "images.npy", cells.images[:3])
    code = """
import pickle, sys, numpy as np
folder = sys.argv[1]
with open(folder + "/model.pkl", "rb") as file:
    model = pickle.load(file)
np.save(folder + "/proba.npy", model.predict_proba(np.load(folder + "/images.npy")))
"""
    run_python(code, tmp_path)
    expected = classifier.predict_proba(cells.images[:3])
    np.testing.assert_allclose(np.load(tmp_path / "proba.npy"), expected, atol=1e-6)


@pytest.mark.parametrize("architecture", FILTERS)
@pytest.mark.parametrize("shape", [(9, 7, 3), (40, 20, 1), (2, 2, 4), (160, 100, 3)])
def test_network_takes_images_of_any_shape(architecture, shape):
    """Small, large, gray, and images with four channels, of three classes."""
    images = np.random.default_rng(0).integers(0, 256, (12, *shape), dtype=np.uint8)
    fitted = make_classifier(architecture, epochs=1).fit(images, np.arange(12) % 3)
    assert fitted.predict_proba(images).shape == (12, 3)


@pytest.mark.parametrize(
    ("side", "multiple", "expected"),
    [
        ((96, 96), 1, (96, 96)),
        ((128, 128), 8, (128, 128)),
        ((200, 200), 8, (128, 128)),
        ((300, 100), 1, (128, 43)),
        ((50, 50), 8, (48, 48)),
        ((3, 1), 8, (8, 8)),
        ((1, 900), 1, (1, 128)),
    ],
)
def test_images_are_seen_at_a_bounded_size(side, multiple, expected):
    """Large images shrink, and keep their shape."""
    assert choose_image_size(*side, multiple) == expected


def test_auto_takes_the_settings_of_the_architecture():
    """What the caller passes goes first."""
    seed = choose_settings(CellClassifier())
    assert (seed.filters, seed.learning_rate, seed.epochs) == ((32, 64), 1e-3, 30)
    assert seed.early_stopping is True
    compact = choose_settings(CellClassifier(architecture="compact", epochs=7, filters=[8]))
    assert (compact.filters, compact.epochs, compact.schedule) == ((8,), 7, "cosine")
    assert compact.early_stopping is False


@pytest.mark.parametrize(("architecture", "size"), [("compact", 308_833), ("equivariant", 69_649)])
def test_default_network_has_this_many_weights(architecture, size):
    """As the documentation says."""
    assert count_weights(CellClassifier(architecture=architecture), (96, 96, 3), 2) == size


def test_cosine_rises_and_falls():
    """From a tenth to the largest step size, and down to nearly zero."""
    rates = [compute_cosine(step, 100, 10) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10] == max(rates) == 1
    assert np.all(np.diff(rates[:11]) > 0)
    assert np.all(np.diff(rates[10:]) < 0)
    assert rates[-1] < 0.001


def test_cosine_sets_the_step_size_of_each_step(cells):
    """All epochs are run, and the network then has its own step size again."""

    class Record(keras.callbacks.Callback):
        """Keep the step size after each batch."""

        def __init__(self):
            super().__init__()
            self.rates = []

        def on_train_batch_end(self, batch, logs=None):
            self.rates.append(float(self.model.optimizer.learning_rate.numpy()))

    record = Record()
    settings = {"epochs": 4, "batch_size": 30, "callbacks": [record], "patience": 1}
    fitted = make_classifier("compact", early_stopping=True, **settings)
    fitted.fit(cells.images, cells.y)
    n_steps = len(record.rates)
    expected = [2e-3 * compute_cosine(step, n_steps, n_steps // 4) for step in range(n_steps)]
    np.testing.assert_allclose(record.rates, expected, rtol=1e-5)
    assert fitted.n_iter_ == 4
    assert fitted.best_epoch_ == 1 + int(np.argmin(fitted.history_["val_loss"]))
    assert float(network_of(fitted).optimizer.learning_rate.numpy()) == pytest.approx(2e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "vgg"}, r"architecture must be one of 'seed', 'compact', 'equivariant'"),
        ({"schedule": "linear"}, r"schedule must be one of 'constant', 'cosine', 'auto'"),
        ({"weight_decay": -1}, r"weight_decay must be .*Got -1"),
        ({"learning_rate": "fast"}, r"learning_rate must be .*Got 'fast'"),
        ({"epochs": "many"}, r"epochs must be .*Got 'many'"),
        ({"filters": "8"}, r"filters must be one positive integer per convolution"),
        ({"early_stopping": "yes"}, r"early_stopping must be one of True, False, 'auto'"),
    ],
)
def test_other_settings_are_refused(cells, settings, message):
    """The message names the parameter."""
    with pytest.raises((TypeError, ValueError), match=message):
        CellClassifier(**settings).fit(cells.images, cells.y)


def test_weight_decay_and_cosine_work_for_the_seed_network(cells, small):
    """They are settings of any architecture, and each changes the numbers."""
    changes = ({}, {"weight_decay": 0.1}, {"schedule": "cosine"})
    settings = small | {"epochs": 2}
    fits = [CellClassifier(**settings | one).fit(cells.images, cells.y) for one in changes]
    assert len({fit.history_["loss"][-1] for fit in fits}) == 3
