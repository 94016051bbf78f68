"""Labels and probabilities of LabelPredictor are those of the model."""

import csv

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from cellsk import CellClassifier, ImageReader, make_cells, save_model
from cellsk.cli import main
from cellsk.model_selection import LabelPredictor, tune_threshold


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """40 hard drawn cells, as files."""
    return make_cells(
        40,
        folder=tmp_path_factory.mktemp("drawn") / "cells",
        n_patients=8,
        image_size=(16, 16),
        difficulty=1,
        random_state=0,
    )


@pytest.fixture(scope="module")
def table():
    """200 rows of two classes that overlap."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(200, 2))
    y = np.where(X[:, 0] + generator.normal(size=200) > 0.5, "malignant", "benign")
    return X, y


def tuned_to_extreme(drawn):
    """Return a network in a pipeline, tuned to predict nearly every image malignant."""
    names = np.array(drawn.target_names)[drawn.y]
    network = CellClassifier(filters=(2,), epochs=1, early_stopping=False, random_state=0)
    pipeline = Pipeline([("reader", ImageReader()), ("classifier", network)])
    tuned = tune_threshold(pipeline, names, sensitivity=1.0, pos_label="malignant", n_splits=2)
    with config_context(enable_metadata_routing=True):
        return tuned.fit(drawn.paths, names)


def test_predict_takes_the_threshold_of_the_model(drawn, tmp_path, capsys):
    """The csv has the labels of model.predict, and the threshold is printed."""
    model = tuned_to_extreme(drawn)
    proba = model.predict_proba(drawn.paths)
    model.best_threshold_ = float(np.quantile(proba[:, 1], 0.1))
    assert (model.predict(drawn.paths) != model.classes_[proba.argmax(axis=1)]).any()
    save_model(model, tmp_path / "m.cellsk")
    folder = drawn.paths[0].rsplit("/", 2)[0]
    output = tmp_path / "p.csv"
    assert main(["predict", str(tmp_path / "m.cellsk"), folder, "--output", str(output)]) == 0
    with open(output, newline="", encoding="utf-8") as stream:
        rows = {row["path"]: row["predicted"] for row in csv.DictReader(stream)}
    assert [rows[path] for path in drawn.paths] == model.predict(drawn.paths).tolist()
    threshold = f"{model.best_threshold_:.4g}"
    expected = f"it predicts malignant from a probability of {threshold} on."
    assert expected in capsys.readouterr().err


MODELS = {
    "plain": LogisticRegression(),
    "calibrated": CalibratedClassifierCV(LogisticRegression(), cv=2),
    "fixed": FixedThresholdClassifier(LogisticRegression(), threshold=0.2, pos_label="benign"),
    "fixed-second": FixedThresholdClassifier(
        LogisticRegression(), threshold=0.9, pos_label="malignant"
    ),
    "log-odds": FixedThresholdClassifier(
        LogisticRegression(),
        threshold=1.0,
        pos_label="malignant",
        response_method="decision_function",
    ),
    "tuned": TunedThresholdClassifierCV(
        LogisticRegression(), scoring=make_scorer(fbeta_score, beta=3, pos_label="malignant"), cv=2
    ),
    "last-step": make_pipeline(
        StandardScaler(), FixedThresholdClassifier(LogisticRegression(), threshold=0.1,
                                                   pos_label="benign")
    ),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODELS)
def test_label_predictor_agrees_with_the_model(table, kind):
    """Labels are those of predict, and probabilities those of predict_proba."""
    X, y = table
    model = clone(MODELS[kind]).fit(X, y)
    proba, labels = LabelPredictor(model).predict(X)
    np.testing.assert_array_equal(labels, model.predict(X))
    np.testing.assert_array_equal(proba, model.predict_proba(X))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("fixed", "benign from a probability of 0.2 on"),
        ("last-step", "benign from a probability of 0.1 on"),
        ("tuned", "malignant from a probability of 0."),
        ("log-odds", None),
        ("plain", None),
    ],
)
def test_label_predictor_finds_the_threshold(table, kind, words):
    """Only thresholds on probabilities are found."""
    threshold = LabelPredictor(clone(MODELS[kind]).fit(*table)).threshold
    assert threshold is None if words is None else words in threshold.describe()


@pytest.mark.parametrize("threshold", [False, True])
def test_label_predictor_computes_probabilities_once(table, threshold):
    """With a threshold or a calibration the images go through the model once."""

    class Counted(LogisticRegression):
        calls = 0

        def predict_proba(self, X):
            type(self).calls += 1
            return super().predict_proba(X)

    X, y = table
    inner = FrozenEstimator(Counted().fit(X, y))
    model = (
        FixedThresholdClassifier(inner, threshold=0.3, pos_label="benign")
        if threshold
        else CalibratedClassifierCV(inner, method="sigmoid")
    ).fit(X, y)
    Counted.calls = 0
    LabelPredictor(model).predict(X)
    assert Counted.calls <= 1
