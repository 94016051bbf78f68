"""Models with a threshold and a calibration are saved completely."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from cellsk import CellClassifier, ImageReader, choose_cv, load_model, make_cells, save_model
from cellsk.exceptions import ModelFileError
from cellsk.model_selection import calibrate, tune_threshold
from cellsk.model_selection._routing import request_groups


def test_save_model_keeps_threshold_and_calibration_around_a_network(tmp_path):
    """The loaded model has the same threshold and the same probabilities."""
    drawn = make_cells(
        80,
        folder=tmp_path / "cells",
        n_patients=8,
        image_size=(16, 16),
        difficulty=0,
        random_state=0,
    )
    names = np.array(drawn.target_names)[drawn.y]
    network = CellClassifier(filters=(4,), epochs=1, early_stopping=False, random_state=0)
    pipeline = Pipeline([("reader", ImageReader()), ("classifier", network)])
    calibrated = calibrate(pipeline, names, drawn.groups, n_splits=2)
    tuned = tune_threshold(
        calibrated, names, drawn.groups, sensitivity=0.9, pos_label="malignant", n_splits=2
    )
    with config_context(enable_metadata_routing=True):
        tuned = request_groups(tuned).fit(drawn.paths, names, groups=drawn.groups)
    save_model(tuned, tmp_path / "model.cellsk")
    loaded = load_model(tmp_path / "model.cellsk")
    assert loaded.best_threshold_ == tuned.best_threshold_
    np.testing.assert_array_equal(
        loaded.predict_proba(drawn.paths), tuned.predict_proba(drawn.paths)
    )
    np.testing.assert_array_equal(loaded.predict(drawn.paths), tuned.predict(drawn.paths))


def test_save_model_refuses_a_splitter_that_knows_patients(tmp_path):
    """The file does not hold names of patients."""
    drawn = make_cells(60, n_patients=10, image_size=(16, 16), random_state=0)
    colours = drawn.images.mean(axis=(1, 2))
    sites = np.unique(drawn.groups, return_inverse=True)[1] // 2
    cv = choose_cv(drawn.y, drawn.groups, 2, sites=sites)
    with config_context(enable_metadata_routing=True):
        calibrated = CalibratedClassifierCV(LogisticRegression(), cv=cv)
        calibrated.fit(colours, drawn.y, groups=drawn.groups)
    with pytest.raises(ModelFileError, match="PreservedSiteKFold"):
        save_model(calibrated, tmp_path / "model.cellsk")
