"""CellClassifier fits, stops early, uses weights, and explains errors."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from cellsk import CellClassifier, load_model, make_cells, save_model
from cellsk.exceptions import SmallHoldOutWarning


def labels_of(cells, kind):
    """Return the labels of the drawn cells as a kind of labels."""
    if kind == "bool":
        return cells.y == 1
    if kind == "object":
        return np.array([cells.target_names[code] for code in cells.y], dtype=object)
    if kind == "str":
        return [cells.target_names[code] for code in cells.y]
    return cells.y * 7 - 2


@pytest.mark.parametrize("kind", ["bool", "object", "str", "int"])
def test_fit_labels_of_any_kind_come_back(cells, small, kind):
    """Predictions have the kind of the labels in fit."""
    labels = np.asarray(labels_of(cells, kind))
    classifier = CellClassifier(**small).set_params(epochs=1).fit(cells.images, labels)
    predicted = classifier.predict(cells.images)
    assert classifier.classes_.tolist() == sorted(set(labels.tolist()))
    assert set(predicted.tolist()) <= set(labels.tolist())
    assert predicted.dtype.kind == labels.dtype.kind


def test_fit_learns_drawn_cells():
    """The network learns to classify the easy drawn cells that it trains on."""
    drawn = make_cells(120, n_patients=6, image_size=(32, 32), difficulty=0, random_state=0)
    classifier = CellClassifier(
        filters=(8,), dense_units=16, learning_rate=0.003, epochs=12, batch_size=16,
        early_stopping=False, random_state=0,
    )  # fmt: skip
    assert classifier.fit(drawn.images, drawn.y).score(drawn.images, drawn.y) > 0.9


def test_fit_attributes_are_as_documented(fitted):
    """Fitted attributes have the documented types."""
    assert fitted.classes_.tolist() == ["benign", "malignant"]
    assert fitted.image_shape_ == (16, 16, 3)
    assert fitted.image_dtype_ == "uint8"
    assert fitted.n_features_in_ == 768
    assert fitted.n_iter_ == fitted.best_epoch_ == 8
    assert set(fitted.history_) == {"accuracy", "loss"}
    assert all(len(log) == 8 for log in fitted.history_.values())


def test_keras_classifier_is_a_working_scikeras_wrapper(fitted, cells):
    """The wrapper predicts the same labels, and holds the Keras model."""
    import keras
    from scikeras.wrappers import KerasClassifier

    wrapper = fitted.keras_classifier_
    assert isinstance(wrapper, KerasClassifier)
    assert isinstance(wrapper.model_, keras.Model)
    assert (wrapper.predict(cells.images) == fitted.predict(cells.images)).all()


def test_predict_proba_one_row_has_two_axes(fitted, cells):
    """One image gives one row that sums to one."""
    proba = fitted.predict_proba(cells.images[:1])
    assert proba.shape == (1, 2)
    assert proba.dtype == np.float64
    assert proba.sum() == pytest.approx(1)


def test_predict_proba_batches_agree_with_keras(fitted, cells):
    """Predictions of several batches equal those of Keras' own predict."""
    images = np.concatenate([cells.images] * 3)
    expected = fitted.keras_classifier_.model_.predict(images, verbose=0)[:, 0]
    np.testing.assert_allclose(fitted.predict_proba(images)[:, 1], expected, atol=1e-6)


def test_decision_function_is_log_odds(fitted, cells):
    """Scores are positive if the second class is more probable, and finite."""
    proba = fitted.predict_proba(cells.images)
    scores = fitted.decision_function(cells.images)
    np.testing.assert_allclose(scores, np.log(proba[:, 1] / proba[:, 0]), rtol=1e-3)
    assert ((scores > 0) == (fitted.predict(cells.images) == "malignant")).all()


def test_decision_function_certain_network_stays_finite(fitted, cells):
    """A probability of one has a finite score."""
    import copy

    certain = copy.deepcopy(fitted)
    certain.keras_classifier_.model_.get_layer("probability").bias.assign([1000.0])
    assert certain.predict_proba(cells.images)[:, 1].min() == 1
    assert np.isfinite(certain.decision_function(cells.images)).all()


def test_fit_three_classes_gives_three_columns(cells, small):
    """With more than two classes, each has a column and a score."""
    y = np.arange(120) % 3
    classifier = CellClassifier(**small).set_params(epochs=1).fit(cells.images, y)
    proba = classifier.predict_proba(cells.images[:5])
    assert proba.shape == classifier.decision_function(cells.images[:5]).shape == (5, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_early_stopping_keeps_best_weights(cells, small):
    """The weights kept are those of the epoch with the lowest loss on the hold-out."""
    X_val, y_val = cells.images[80:88], cells.y[80:88] ^ 1  # too few to compare with guessing
    classifier = CellClassifier(**small).set_params(epochs=12, learning_rate=0.1, patience=3)
    classifier.fit(cells.images[:80], cells.y[:80], X_val=X_val, y_val=y_val)
    assert classifier.n_iter_ == 12  # without early stopping, X_val is only watched
    classifier.set_params(early_stopping=True)
    classifier.fit(cells.images[:80], cells.y[:80], X_val=X_val, y_val=y_val)
    log = classifier.history_["val_loss"]
    assert classifier.n_iter_ < 12
    assert classifier.best_epoch_ == np.argmin(log) + 1
    model = classifier.keras_classifier_.model_
    loss, _ = model.evaluate(X_val, y_val, verbose=0)
    assert loss == pytest.approx(min(log), rel=1e-4)


def test_early_stopping_sorted_folder_watches_both_classes(cells, small):
    """With images sorted by class, the hold-out has both classes. That of Keras would have one."""
    order = np.argsort(cells.y, kind="stable")
    classifier = CellClassifier(**small).set_params(early_stopping=True, epochs=1)
    classifier.fit(cells.images[order], cells.y[order])
    assert 0 < classifier.history_["val_accuracy"][0] <= 1
    assert "val_loss" in classifier.history_


def test_early_stopping_few_images_warns_in_numbers(cells, small):
    """A hold-out of two images causes a warning that counts them."""
    classifier = CellClassifier(**small).set_params(early_stopping=True, epochs=1)
    with pytest.warns(SmallHoldOutWarning, match=r"Got 2 images: 1 of 0, 1 of 1\."):
        classifier.fit(cells.images[:20], cells.y[:20])


def test_fit_validation_images_of_own_are_watched(cells, small):
    """X_val replaces the hold-out, so that all images train."""
    seen = []

    class Count(__import__("keras").callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(self.params["steps"])

    classifier = CellClassifier(**small).set_params(
        epochs=1, early_stopping=True, batch_size=10, callbacks=[Count]
    )
    classifier.fit(cells.images[:60], cells.y[:60], X_val=cells.images[60:], y_val=cells.y[60:])
    classifier.fit(cells.images[:100], cells.y[:100])
    assert seen == [6, 9]


@pytest.fixture
def recorder():
    """A Keras callback that keeps what it has seen, and can end the training by an error."""
    import keras

    class Record(keras.callbacks.Callback):
        losses, fails = (), False

        def on_epoch_end(self, epoch, logs=None):
            self.losses = (*self.losses, logs["loss"])
            assert self.model is not None
            if self.fails:
                raise RuntimeError("pruned")

    return Record()


def test_fit_calls_the_callback_of_the_caller(cells, small, recorder):
    """It records each fit, also one that it ends by an error, and keeps no network."""
    classifier = CellClassifier(**small).set_params(epochs=2, callbacks=[recorder])
    history = classifier.fit(cells.images, cells.y).history_
    assert list(recorder.losses) == history["loss"]
    assert recorder.model is None
    recorder.fails = True
    with pytest.raises(RuntimeError, match="pruned"):
        classifier.fit(cells.images, cells.y)
    assert len(recorder.losses) == 3
    assert recorder.model is None


def test_clone_copies_callbacks(cells, small, recorder):
    """A search or a cross-validation does not change the callback of the caller."""
    classifier = CellClassifier(**small).set_params(epochs=1, callbacks=[recorder])
    copied = clone(classifier).fit(cells.images, cells.y)
    assert recorder.losses == ()
    assert len(copied.callbacks[0].losses) == 1


def test_sample_weight_two_equals_image_twice(cells, small):
    """With one batch and no hold-out, weights and repeats train the same network."""
    parameters = small | {"epochs": 3, "batch_size": 1000, "precision": "float32"}
    weights = np.arange(30) % 3
    weighted = CellClassifier(**parameters).fit(
        cells.images[:30], cells.y[:30], sample_weight=weights
    )
    rows = np.repeat(np.arange(30), weights)
    repeated = CellClassifier(**parameters).fit(cells.images[rows], cells.y[rows])
    np.testing.assert_allclose(
        weighted.predict_proba(cells.images), repeated.predict_proba(cells.images), atol=1e-4
    )


def test_class_weight_balanced_lifts_rare_class(cells, small):
    """Balanced classes find more of the rare class."""
    rows = np.concatenate([np.flatnonzero(cells.y == 0), np.flatnonzero(cells.y == 1)[:6]])
    X, y = cells.images[rows], cells.y[rows]
    plain, balanced = (
        CellClassifier(**small, class_weight=weight).fit(X, y).predict_proba(X)[:, 1].mean()
        for weight in (None, "balanced")
    )
    assert balanced > plain + 0.1


def test_fit_again_forgets_the_first_fit(cells, small):
    """A refit on other labels equals a first fit on them."""
    labels = np.array(["left", "right"])[cells.y]
    again = CellClassifier(**small).fit(cells.images, cells.y).fit(cells.images, labels)
    fresh = CellClassifier(**small).fit(cells.images, labels)
    assert (again.predict_proba(cells.images) == fresh.predict_proba(cells.images)).all()
    assert again.history_ == fresh.history_
    assert again.classes_.tolist() == ["left", "right"]


def test_predict_unfitted_raises():
    """Nothing is predicted before fit."""
    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(CellClassifier(), method)(np.zeros((1, 8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"filters": 32}, "filters must be one positive integer per convolution"),
        ({"filters": (10**18,)}, "filters must be .* up to 10,000"),
        ({"filters": (10_000,), "dense_units": 10_000}, "at most 2,147,483,647 weights"),
        ({"epochs": 0}, r"epochs must be a whole number from 1 to 2,147,483,647\. Got 0"),
        ({"batch_size": 10**30}, "batch_size must be a whole number from 1 to 2,147,483,647"),
        ({"batch_size": -1}, r"batch_size must be .* Got -1"),
        ({"patience": 0}, "patience must be"),
        ({"dropout": 1}, r"dropout must be a number in \[0, 1\)"),
        ({"learning_rate": -1}, "learning_rate must be"),
        ({"validation_fraction": 1.0}, r"validation_fraction must be a number in \(0, 1\)"),
        ({"early_stopping": "yes"}, "early_stopping must be one of True, False, 'auto'. Got 'yes'"),
        ({"class_weight": "even"}, "class_weight"),
        ({"class_weight": {0: float("nan"), 1: 1}}, "class_weight must hold positive, finite"),
        (
            {"class_weight": {0: 0, 1: 1}},
            r"positive, finite weights\. Got \{0: 0, 1: 1\}\. Leave out",
        ),
        ({"class_weight": {0: float("inf"), 1: 1}}, "class_weight must hold positive, finite"),
        ({"random_state": "zero"}, "cannot be used to seed"),
        ({"verbose": -1}, "verbose must be"),
        ({"filters": (8, 8, 8)}, r"at least 22 x 22 pixels for 3 convolutions.*Got 16 x 16"),
        ({"learning_rate": 1e30, "dense_units": 512}, r"keep the loss finite.*smaller learning"),
    ],
)
def test_fit_bad_parameter_raises(cells, small, parameters, match):
    """Each parameter out of range is refused in fit, by name."""
    classifier = CellClassifier(**small | parameters)
    with pytest.raises(ValueError, match=match):
        classifier.fit(cells.images, cells.y)
    assert not hasattr(classifier, "keras_classifier_")


@pytest.mark.parametrize("callbacks", [["early"], 3, [int]])
def test_fit_bad_callbacks_raises(cells, small, callbacks):
    """Callbacks are Keras callbacks."""
    with pytest.raises(TypeError, match=r"must be a list of Keras callbacks.*Got"):
        CellClassifier(**small, callbacks=callbacks).fit(cells.images, cells.y)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"y": np.zeros(120)}, r"two classes.*Got one class only: '0\.0'"),
        ({"y": None}, "requires y to be passed"),
        ({"y": np.zeros(7)}, "inconsistent numbers of samples"),
        ({"sample_weight": np.zeros(120)}, "at least one non-zero"),
        ({"sample_weight": -np.ones(120)}, "sample_weight must not hold negative values"),
        ({"groups": np.zeros(7)}, "inconsistent numbers of samples"),
        ({"X_val": np.zeros((2, 16, 16, 3), np.uint8)}, "must come together. Got no y_val"),
        ({"y_val": [0, 1]}, "Got no X_val"),
        ({"sample_weight_val": [1, 1]}, "Got no X_val"),
        (
            {"X_val": np.zeros((2, 16, 16, 3), np.uint8), "y_val": [0, 5]},
            r"hold the classes of y, '0', '1'\. Got also '5'",
        ),
    ],
)
def test_fit_bad_data_raises(cells, small, arguments, match):
    """Labels, weights, groups and validation images that do not fit are refused."""
    arguments = {"X": cells.images, "y": cells.y} | arguments
    with pytest.raises(ValueError, match=match):
        CellClassifier(**small).fit(**arguments)


def test_fit_leaves_sample_weight_as_it_was(cells, small):
    """Class weights are not written into the caller's array, which may be read-only."""
    weights = np.ones(120)
    weights.setflags(write=False)
    classifier = CellClassifier(**small | {"epochs": 1}, class_weight={0: 3, 1: 1})
    classifier.fit(cells.images, cells.y, sample_weight=weights)
    assert (weights == 1).all()


def test_fit_that_fails_leaves_no_fitted_classifier(cells, small):
    """The classifier does not keep the network of an old fit with the classes of a new one."""
    classifier = CellClassifier(**small | {"epochs": 1}).fit(cells.images, cells.y)
    classifier.set_params(early_stopping=True)
    with pytest.raises(ValueError, match="hold out all images of some patients"):
        classifier.fit(cells.images, cells.y + 7, groups=np.zeros(120))
    with pytest.raises(NotFittedError):
        classifier.predict(cells.images)


def test_fit_one_image_of_each_class_trains_to_the_end(cells, small):
    """Without a hold-out, the last epoch is kept, and a warning reports it."""
    rows = [int(np.flatnonzero(cells.y == code)[0]) for code in (0, 1)]
    classifier = CellClassifier(**small | {"early_stopping": True, "epochs": 3})
    with pytest.warns(SmallHoldOutWarning, match="Got 0 images: 0 of 0, 0 of 1"):
        classifier.fit(cells.images[rows], cells.y[rows])
    assert classifier.n_iter_ == classifier.best_epoch_ == 3
    assert "val_loss" not in classifier.history_


def test_validation_images_of_weight_zero_take_no_part(cells, small):
    """Wrong labels of weight zero do not change the validation scores."""
    parameters = small | {"epochs": 1}
    X, y = cells.images[:80], cells.y[:80]
    alone = CellClassifier(**parameters).fit(X, y, X_val=cells.images[80:], y_val=cells.y[80:])
    both = CellClassifier(**parameters).fit(
        X,
        y,
        X_val=np.concatenate([cells.images[80:]] * 2),
        y_val=np.concatenate([cells.y[80:], 1 - cells.y[80:]]),
        sample_weight_val=np.repeat([1.0, 0.0], 40),
    )
    assert both.history_["val_accuracy"] == alone.history_["val_accuracy"]
    assert both.history_["val_loss"] == pytest.approx(alone.history_["val_loss"])


def test_fit_too_large_for_memory_says_so(cells, small, monkeypatch):
    """The remedy names parameters. TensorFlow would wait ten seconds before it raises its error."""
    import tensorflow as tf

    def exhaust(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr("keras.initializers.GlorotUniform.__call__", exhaust)
    with pytest.raises(MemoryError, match=r"fit into memory.*fewer filters"):
        CellClassifier(**small).fit(cells.images, cells.y)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_fit_missing_patient_or_label_raises(cells, small, missing):
    """Missing patients and missing labels are refused."""
    values = np.array(["a", "b"] * 60, dtype=object)
    values[7] = missing
    with pytest.raises(
        ValueError, match=r"groups must name the patient.*Got 1 of 120 images without one"
    ):
        CellClassifier(**small).fit(cells.images, cells.y, groups=values)
    with pytest.raises(ValueError, match=r"y must name the class.*Got 1 of 120 images without one"):
        CellClassifier(**small).fit(cells.images, values)


def test_fit_takes_what_sklearn_takes(cells, small):
    """verbose may be a bool, and random_state a NumPy integer or NumPy's global state."""
    for state in (np.int64(0), np.random):
        classifier = CellClassifier(**small | {"epochs": 1, "random_state": state}, verbose=False)
        assert classifier.fit(cells.images, cells.y).n_iter_ == 1


def test_fit_takes_parameters_as_numpy_has_them(cells, tmp_path):
    """A grid over np.arange has scalars of NumPy. They give the same numbers, also from a file."""
    plain = {
        **{"filters": (4,), "kernel_size": 3, "dense_units": 8, "dropout": 0.25, "epochs": 2},
        **{"learning_rate": 0.0078125, "batch_size": 16, "early_stopping": True, "patience": 2},
        **{"validation_fraction": 0.25, "precision": "float32", "random_state": 1, "verbose": 0},
    }
    scalars = {name: np.asarray(value)[()] for name, value in plain.items()}
    scalars |= {"dropout": np.float32(0.25), "learning_rate": np.float32(0.0078125)}
    assert type(scalars["dense_units"]) is np.int64
    model = CellClassifier(**scalars).fit(cells.images, cells.y)
    expected = CellClassifier(**plain).fit(cells.images, cells.y).predict_proba(cells.images)
    assert (model.predict_proba(cells.images) == expected).all()
    save_model(model, tmp_path / "model.cellsk")
    assert (load_model(tmp_path / "model.cellsk").predict_proba(cells.images) == expected).all()
