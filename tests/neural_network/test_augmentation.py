"""Augmentation changes training images, and nothing else."""

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from cellsk import CellClassifier, load_model, save_model
from cellsk.exceptions import InputError, InputTypeError, ModelFileError
from cellsk.neural_network import _batches, _trainers
from cellsk.neural_network._augmentation import AUGMENTATIONS, build_augmentation

FEW = {"filters": (4,), "dense_units": 4, "epochs": 2, "early_stopping": False, "random_state": 0}


@pytest.fixture(autouse=True)
def no_trainers():
    """Begin without trainers, as a new process does."""
    _trainers._idle.clear()


def fit(cells, augmentation, **parameters):
    """Return a classifier that was fitted for two epochs."""
    classifier = CellClassifier(augmentation=augmentation, **FEW | parameters)
    return classifier.fit(cells.images, cells.y)


def read_epochs(images, augmentation, seed=0, n_epochs=2, batch_size=16):
    """Return the images and codes of each epoch, as training gets them."""
    data = _batches.LabeledImages(images, np.arange(len(images)), np.ones(len(images), np.float32))
    subset = _batches.Subset(data, np.arange(len(images)))
    augment = build_augmentation(augmentation, images, 255.0, seed)
    epochs = []
    with _batches.training_batches(subset, batch_size=batch_size, seed=seed, augment=augment) as (
        batches,
        number,
    ):
        for epoch in range(n_epochs):
            number.assign(epoch)
            parts = [(pixels.numpy(), codes.numpy()) for pixels, codes, _ in batches]
            epochs.append([np.concatenate(part) for part in zip(*parts, strict=True)])
    return epochs


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_presets_change_each_epoch_and_keep_labels_dtype_and_range(cells, augmentation):
    """All images come once per epoch, changed anew, with their own label."""
    (first, codes), (second, others) = read_epochs(cells.images, augmentation)
    assert first.dtype == np.uint8
    assert first.shape == cells.images.shape
    assert sorted(codes) == sorted(others) == list(range(120))
    ordered = [pixels[np.argsort(order)] for pixels, order in ((first, codes), (second, others))]
    changed = (ordered[0] != ordered[1]).any(axis=(1, 2, 3))
    assert changed.mean() > 0.8
    # A symmetry keeps the mean color, and a change of color keeps most of it.
    means = [pixels.mean(axis=(1, 2)) for pixels in (cells.images, *ordered)]
    assert max(np.abs(mean - means[0]).max() for mean in means[1:]) < 60
    for mean in means[1:]:
        assert np.corrcoef(mean.ravel(), means[0].ravel())[0, 1] > 0.8


@pytest.mark.parametrize("augmentation", [*AUGMENTATIONS, "layer"])
def test_same_seed_gives_the_same_images(cells, augmentation):
    """The images follow from the seed, and are others with another seed."""
    if augmentation == "layer":
        augmentation = keras.layers.RandomRotation(0.2)
    epochs = [read_epochs(cells.images, augmentation, seed=seed)[1][0] for seed in (3, 3, 4)]
    np.testing.assert_array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[0], epochs[2])


def test_fit_is_reproducible_and_differs_from_a_fit_without(cells):
    """Equal seeds give equal bits. Augmentation changes them, and sets no global seed."""
    plain, *augmented = (fit(cells, name) for name in (None, "microscopy", "microscopy"))
    probabilities = [one.predict_proba(cells.images) for one in (plain, *augmented)]
    np.testing.assert_array_equal(probabilities[1], probabilities[2])
    assert not np.array_equal(probabilities[0], probabilities[1])


def test_fit_uses_the_trainer_of_a_fit_without(cells):
    """Augmentation is not a part of the network, so the compiled network is reused."""
    networks = [fit(cells, name).keras_classifier_.model_ for name in (None, *AUGMENTATIONS)]
    assert len(_trainers._idle) == 1
    assert len({str(network.get_config()) for network in networks}) == 1


CODE = """
import hashlib
import numpy as np
import tensorflow as tf
from cellsk import make_cells
from cellsk.neural_network._augmentation import build_augmentation
images = make_cells(40, n_patients=4, image_size=(16, 16), random_state=0).images
augment = build_augmentation("microscopy", images, 255.0, 0)
changed = augment(tf.constant(images), tf.constant([3, 1], tf.int64)).numpy()
print(hashlib.sha256(changed.tobytes()).hexdigest())
"""


def test_two_processes_give_the_same_images(run_python, capsys):
    """A new process draws the same numbers."""
    exec(CODE, {})
    assert run_python(CODE) == capsys.readouterr().out


def test_hold_out_and_predictions_are_not_changed(cells):
    """The network learns inverted images, so originals look to it like the other class."""

    class Invert(keras.layers.Layer):
        def call(self, inputs):
            return 255 - inputs

    y = np.arange(40) % 2
    images = np.where(y[:, None, None, None], 200, 55).astype(np.uint8)
    images = np.broadcast_to(images, (40, 8, 8, 1)).copy()
    classifier = CellClassifier(
        augmentation=Invert(),
        filters=(4,),
        dense_units=8,
        epochs=12,
        learning_rate=0.01,
        random_state=0,
        patience=12,
    )
    classifier.fit(images, y, X_val=images, y_val=y)
    history = classifier.history_
    assert history["accuracy"][-1] == 1
    assert history["val_loss"][-1] > 1
    best = classifier.set_params(early_stopping=False).fit(images, y)
    assert (best.predict(images) != y).all()


def test_layer_is_copied_and_not_changed(cells):
    """The caller's layer keeps its state, and a second fit gives the numbers of the first."""
    layer = keras.Sequential([keras.layers.RandomFlip(), keras.layers.GaussianNoise(0.9)])
    first = fit(cells, layer).predict_proba(cells.images)
    assert not layer.built
    np.testing.assert_array_equal(fit(cells, layer).predict_proba(cells.images), first)


def test_layer_with_a_seed_keeps_it(cells):
    """Its images do not depend on the seed of the fit."""
    rotations = []
    for seed in (0, 1):
        augment = build_augmentation(
            keras.layers.RandomRotation(0.2, seed=5), cells.images, 255.0, seed
        )
        rotations.append(augment(cells.images, None).numpy())
    np.testing.assert_array_equal(*rotations)


def test_layer_pixels_are_rounded_and_clipped_to_their_range():
    """A layer gets floats from 0 to 255, and uint8 pixels return."""
    images = np.array([0, 3, 100, 255], np.uint8).reshape(1, 2, 2, 1)
    augment = build_augmentation(keras.layers.Rescaling(1.5, offset=-10.0), images, 255.0, 0)
    changed = augment(images, None).numpy()
    assert changed.dtype == np.uint8
    assert changed.ravel().tolist() == [0, 0, 140, 255]


def test_classifier_with_layer_can_be_cloned_and_searched(cells):
    """A search tries layers and names, and its clones do not share the layer."""
    layer = keras.layers.RandomRotation(0.1, seed=2)
    classifier = CellClassifier(**FEW | {"epochs": 1}).set_params(augmentation=layer)
    copied = clone(classifier)
    assert copied.augmentation is not layer
    assert copied.augmentation.get_config() == layer.get_config()
    search = GridSearchCV(classifier, {"augmentation": [None, "stain", layer]}, cv=2)
    search.fit(cells.images, cells.y)
    assert len(search.cv_results_["params"]) == 3
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


def test_gray_and_float_images_can_be_trained(cells):
    """Microscopy takes gray images and floats. Rows of features are not turned."""
    gray = cells.images.mean(axis=3)
    for images in (gray.astype(np.uint8), (gray / 255).astype(np.float32)):
        fitted = CellClassifier(augmentation="microscopy", **FEW).fit(images, cells.y)
        assert np.isfinite(fitted.history_["loss"]).all()
    rows = cells.images.reshape(120, -1)[:, :20].astype(float) - 100
    predictions = [
        CellClassifier(augmentation=name, **FEW).fit(rows, cells.y).predict_proba(rows)
        for name in (None, "dihedral")
    ]
    np.testing.assert_array_equal(*predictions)


@pytest.mark.parametrize(
    ("augmentation", "error", "match"),
    [
        ("flip", InputError, r"augmentation must be one of None, 'dihedral', .* Got 'flip'"),
        (keras.layers.RandomFlip, InputTypeError, "or a Keras layer.*Pass an instance"),
        (True, InputTypeError, "or a Keras layer. Got True"),
        (
            keras.layers.RandomCrop(8, 8),
            InputError,
            r"keep the shape .* Got \(8, 8, 3\) .*image_size",
        ),
        (keras.layers.BatchNormalization(), InputError, "no weights.*BatchNormalization with 4"),
    ],
)
def test_bad_augmentation_is_refused(cells, augmentation, error, match):
    """The message names the parameter and the remedy."""
    with pytest.raises(error, match=match):
        fit(cells, augmentation)


def test_stain_of_gray_images_is_refused(cells):
    """Neither one channel nor three equal ones have stains."""
    gray = cells.images[..., :1]
    for images, got in ((gray, "1 channel"), (gray.repeat(3, axis=3), "gray images only")):
        with pytest.raises(InputError, match=f"'stain' needs .*{got}.*'microscopy'"):
            CellClassifier(augmentation="stain", **FEW).fit(images, cells.y)


@pytest.mark.parametrize("augmentation", ["stain", "microscopy"])
def test_standardized_images_are_refused(cells, augmentation):
    """Negative pixels are not light, so their logarithm means nothing."""
    images = cells.images.astype(np.float32) - 100
    with pytest.raises(InputError, match=f"{augmentation}.*at least 0.*'dihedral'"):
        CellClassifier(augmentation=augmentation, **FEW).fit(images, cells.y)


def test_model_file_keeps_names_and_refuses_layers(cells, tmp_path):
    """A name is saved with the model. A layer could hold code."""
    path = tmp_path / "model.cellsk"
    classifier = fit(cells, "dihedral")
    save_model(classifier, path)
    loaded = load_model(path)
    assert loaded.augmentation == "dihedral"
    np.testing.assert_array_equal(
        loaded.predict_proba(cells.images), classifier.predict_proba(cells.images)
    )
    classifier.set_params(augmentation=keras.layers.RandomFlip())
    with pytest.raises(ModelFileError, match=r"augmentation=None.*need no augmentation"):
        save_model(classifier, tmp_path / "other.cellsk")


def test_custom_layer_that_cannot_be_copied_is_refused(cells):
    """A layer without a configuration names what is missing."""

    class Shift(keras.layers.Layer):
        def __init__(self, table):
            super().__init__()
            self.table = table

        def call(self, inputs):
            return inputs + self.table

    with pytest.raises(InputTypeError, match=r"can be copied.*get_config"):
        fit(cells, Shift(np.zeros(3)))
