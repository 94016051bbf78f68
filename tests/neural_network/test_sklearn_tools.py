"""scikit-learn's tools work on a classifier of four-dimensional images."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    check_cv,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from cellsk import CellClassifier, ImageReader, list_images, make_cells


@pytest.fixture
def quick(small):
    """A classifier of two epochs."""
    return CellClassifier(**small | {"epochs": 2})


@pytest.fixture(scope="module")
def names(cells):
    """The labels as strings."""
    return np.array(cells.target_names)[cells.y]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """120 drawn cells as files, listed with their patients."""
    folder = tmp_path_factory.mktemp("files") / "cells"
    make_cells(120, folder=folder, n_patients=6, image_size=(16, 16), difficulty=0, random_state=0)
    return list_images(folder, group_pattern=r"(P\d+)")


def test_is_classifier_and_cv_stratifies(quick, cells):
    """scikit-learn recognizes a classifier, so that cv=5 means stratified folds."""
    assert is_classifier(quick)
    assert isinstance(check_cv(5, cells.y, classifier=is_classifier(quick)), StratifiedKFold)


def test_cross_val_score_sorted_classes_scores_both(quick, cells):
    """A folder read class by class does not give folds of one class."""
    order = np.argsort(cells.y, kind="stable")
    predicted = cross_val_predict(quick, cells.images[order], cells.y[order], cv=3)
    assert set(predicted) <= {0, 1}
    scores = cross_val_score(quick, cells.images[order], cells.y[order], cv=3, scoring="roc_auc")
    assert np.isfinite(scores).all()


def test_clone_and_set_params_through_pipeline(quick):
    """Parameters pass through clone and through a pipeline."""
    pipeline = Pipeline([("reader", ImageReader()), ("classifier", quick)])
    pipeline.set_params(classifier__filters=(2, 2), reader__channels=1)
    copy = clone(pipeline)
    assert copy["classifier"].filters == (2, 2)
    assert copy["reader"].channels == 1
    with pytest.raises(ValueError, match="Invalid parameter 'filter'"):
        pipeline.set_params(classifier__filter=(2,))


def test_pipeline_from_files_fits_and_searches(files, quick):
    """The pipeline of the README: paths in, cross-validated and searched."""
    pipeline = Pipeline([("reader", ImageReader(image_size=(16, 16))), ("classifier", quick)])
    pipeline.fit(files.paths, files.y)
    assert pipeline.predict_proba(files.paths[:1]).shape == (1, 2)
    assert cross_val_score(pipeline, files.paths, files.y, cv=2).shape == (2,)
    search = GridSearchCV(pipeline, {"classifier__filters": [(2,), (4, 4)]}, cv=2)
    search.fit(files.paths, files.y)
    assert search.best_params_["classifier__filters"] in [(2,), (4, 4)]
    assert search.predict(files.paths[:3]).shape == (3,)


def test_groups_routed_keep_patients_on_one_side(files, quick):
    """Groups reach the splitter and the hold-out. No patient is on both sides."""
    watched = quick.set_params(early_stopping=True, validation_fraction=0.25)
    pipeline = Pipeline([("reader", ImageReader()), ("classifier", watched)])
    with config_context(enable_metadata_routing=True):
        pipeline["classifier"].set_fit_request(groups=True)
        search = GridSearchCV(
            pipeline,
            {"classifier__filters": [(2,), (4,)]},
            cv=StratifiedGroupKFold(3),
            error_score="raise",
        )
        search.fit(files.paths, files.y, groups=files.groups)
        result = cross_validate(
            pipeline,
            files.paths,
            files.y,
            cv=StratifiedGroupKFold(3),
            params={"groups": files.groups},
            return_indices=True,
            error_score="raise",
        )
    assert "val_loss" in search.best_estimator_["classifier"].history_
    for training, test in zip(*result["indices"].values(), strict=True):
        assert not set(files.groups[training]) & set(files.groups[test])


def test_groups_reach_the_hold_out(cells, quick):
    """With groups the hold-out consists of whole patients, so it differs from that without."""
    quick.set_params(early_stopping=True, validation_fraction=0.2)
    alone = quick.fit(cells.images, cells.y).history_["val_loss"]
    grouped = clone(quick).fit(cells.images, cells.y, groups=cells.groups).history_["val_loss"]
    assert alone != grouped


def test_validation_files_are_read_by_the_pipeline(files, quick):
    """With transform_input, X_val goes through the reader."""
    quick.set_params(early_stopping=True)
    with config_context(enable_metadata_routing=True):
        pipeline = Pipeline(
            [
                ("reader", ImageReader()),
                ("classifier", quick.set_fit_request(X_val=True, y_val=True)),
            ],
            transform_input=["X_val"],
        )
        pipeline.fit(
            files.paths[:80],
            files.y[:80] ^ (np.arange(80) % 2),
            X_val=files.paths[80:],
            y_val=files.y[80:],
        )
    assert len(pipeline["classifier"].history_["val_loss"]) == 2


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_calibration_works_on_images(cells, names, quick, method):
    """Each method of calibration gives probabilities, from clones and from a frozen one."""
    calibrated = CalibratedClassifierCV(quick, method=method, cv=2).fit(cells.images, names)
    frozen = FrozenEstimator(clone(quick).fit(cells.images, names))
    once = CalibratedClassifierCV(frozen, method=method).fit(cells.images, names)
    for one in (calibrated, once):
        proba = one.predict_proba(cells.images[:7])
        assert proba.shape == (7, 2)
        np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_threshold_is_tuned_and_fixed(cells, names, quick):
    """Decision thresholds with string labels."""
    tuned = TunedThresholdClassifierCV(quick, cv=2, scoring="balanced_accuracy")
    assert tuned.fit(cells.images, names).predict(cells.images).shape == (120,)
    fixed = FixedThresholdClassifier(
        quick, threshold=0.0, pos_label="malignant", response_method="predict_proba"
    )
    assert set(fixed.fit(cells.images, names).predict(cells.images)) == {"malignant"}


def test_halving_search_runs_on_images(cells, quick):
    """Successive halving over images, and over epochs as the resource."""
    search = HalvingGridSearchCV(
        quick, {"filters": [(2,), (4,)]}, cv=2, resource="epochs", max_resources=4, min_resources=2
    )
    assert search.fit(cells.images, cells.y).best_params_["epochs"] in (2, 4)


def test_cross_validate_several_scorers(cells, names, quick):
    """Scorers that need labels, probabilities and scores, with string labels."""
    scoring = ["accuracy", "balanced_accuracy", "roc_auc", "neg_log_loss", "matthews_corrcoef"]
    scores = cross_validate(quick, cells.images, names, cv=2, scoring=scoring, error_score="raise")
    for name in scoring:
        assert np.isfinite(scores[f"test_{name}"]).all()


def test_voting_averages_classifiers(cells, names, quick):
    """The vote of two networks is between their probabilities."""
    vote = VotingClassifier(
        [("one", quick), ("two", clone(quick).set_params(random_state=1))], voting="soft"
    ).fit(cells.images, names)
    each = [one.predict_proba(cells.images) for one in vote.estimators_]
    np.testing.assert_allclose(vote.predict_proba(cells.images), np.mean(each, axis=0))


def test_frozen_estimator_is_not_refitted(fitted, cells):
    """A frozen classifier survives clone and fit."""
    frozen = clone(FrozenEstimator(fitted)).fit(cells.images[:2], ["a", "b"])
    assert frozen.predict(cells.images[:1])[0] in fitted.classes_


def test_set_output_pandas_passes_images_through(cells, quick):
    """A pipeline set to data frames still passes images on."""
    pytest.importorskip("pandas")
    pipeline = Pipeline([("same", FunctionTransformer()), ("classifier", quick)])
    pipeline["same"].set_output(transform="default")
    assert pipeline.fit(cells.images, cells.y).predict(cells.images).shape == (120,)
    assert not hasattr(quick, "set_output")


def test_set_output_default_works_with_a_reader(quick):
    """The pipeline that the commands write takes the default. Data frames cannot hold images."""
    pipeline = Pipeline([("reader", ImageReader()), ("classifier", quick)])
    assert pipeline.set_output(transform="default") is pipeline
    with pytest.raises(ValueError, match=r"must be 'default'.*Got 'pandas'\. Set the output of"):
        pipeline.set_output(transform="pandas")


def test_predict_log_proba_is_the_logarithm(fitted, cells):
    """It is also that of a pipeline."""
    pipeline = Pipeline([("classifier", fitted)])
    proba = fitted.predict_proba(cells.images)
    np.testing.assert_array_equal(pipeline.predict_log_proba(cells.images), np.log(proba))


def test_html_repr_names_parameters(fitted):
    """The notebook shows the classifier and whether it is fitted."""
    html = fitted._repr_html_()
    assert "CellClassifier" in html
    assert "filters" in html
    assert repr(CellClassifier(filters=(4,))) == "CellClassifier(filters=(4,))"


def test_check_is_fitted_tells_before_and_after(fitted):
    """scikit-learn knows what is fitted."""
    check_is_fitted(fitted)
    assert not [name for name in vars(CellClassifier()) if name.endswith("_")]


def test_one_class_raises(cells, quick):
    """Images of one class are refused with a reason."""
    with pytest.raises(ValueError, match=r"at least two classes.*Got one class only: '1'"):
        quick.fit(cells.images[cells.y == 1], cells.y[cells.y == 1])


def test_fit_equals_plain_keras_step_for_step(cells, small):
    """The same first weights and batches in plain Keras give the same network."""
    import keras
    import tensorflow as tf

    from cellsk import build_cnn
    from cellsk.neural_network._runtime import draw_seeds

    classifier = CellClassifier(**small, precision="float32").fit(cells.images, cells.y)
    _, weight_seed, order_seed = draw_seeds(small["random_state"], 3)
    meta = {"X_shape_": cells.images.shape, "n_classes_": 2}
    first = build_cnn(meta, filters=small["filters"], dense_units=16, seed=weight_seed)
    plain = keras.Sequential(
        [
            keras.Input(shape=(16, 16, 3)),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    # One Adam step in TensorFlow takes 1 - beta_2 of the float32 number that is beta_2.
    adam = keras.optimizers.Adam(0.003, beta_2=float(np.float32(0.999)))
    plain.compile(optimizer=adam, loss="binary_crossentropy")
    plain.set_weights(first.get_weights())
    pixels = cells.images.astype("float32") / 255
    for epoch in range(small["epochs"]):
        seed, rows = tf.constant([order_seed, epoch], tf.int64), tf.range(120)
        order = tf.random.experimental.stateless_shuffle(rows, seed).numpy()
        for start in range(0, 120, 32):
            rows = order[start : start + 32]
            plain.train_on_batch(pixels[rows], cells.y[rows])
    expected = plain.predict(pixels, verbose=0)[:, 0]
    np.testing.assert_allclose(classifier.predict_proba(cells.images)[:, 1], expected, atol=1e-4)
