"""StainNormalizer between a reader and a classifier: evaluate, model files, tests of them."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import (
    CellClassifier,
    ImageReader,
    StainNormalizer,
    evaluate,
    evaluate_model,
    load_model,
    make_cells,
    save_model,
)
from cellsk.model_selection import resize_as_in_training

COLOR = FunctionTransformer(lambda images: images.mean(axis=(1, 2)))


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Forty drawn images of 24 x 24 pixels in files."""
    folder = tmp_path_factory.mktemp("cells")
    return make_cells(40, folder=folder, n_patients=8, image_size=(24, 24), random_state=0)


@pytest.fixture
def pipeline():
    """Reader, normalizer and a small network."""
    classifier = CellClassifier(
        filters=(2,), dense_units=4, epochs=1, early_stopping=False, random_state=0
    )
    return Pipeline(
        [("reader", ImageReader()), ("stain", StainNormalizer()), ("classifier", classifier)]
    )


def test_target_is_learned_in_each_fold(cells):
    """The test images of a fold do not change its target."""
    X = ImageReader().transform(cells.paths)
    even, odd = np.arange(0, 40, 2), np.arange(1, 40, 2)
    fits = cross_validate(
        make_pipeline(StainNormalizer(), COLOR, LogisticRegression()),
        X,
        cells.y,
        cv=[(even, odd), (odd, even)],
        return_estimator=True,
    )
    targets = [fit[0].stains_ for fit in fits["estimator"]]
    expected = [StainNormalizer().fit(X[rows]).stains_ for rows in (even, odd)]
    assert np.array_equal(targets, expected)
    assert not np.array_equal(*targets)


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
def test_pipeline_is_evaluated_saved_and_tested(cells, pipeline, tmp_path):
    """Out-of-fold scores, a model file, its predictions, and its test."""
    paths, y, groups = cells.paths, cells.y, cells.groups
    report = evaluate(pipeline, paths, y, groups=groups, cv=2, baselines=False, n_resamples=100)
    assert {"1", "2"} < set(report.frame().index)
    pipeline.fit(paths, y)
    save_model(pipeline, tmp_path / "model.cellsk")
    loaded = load_model(tmp_path / "model.cellsk")
    assert np.array_equal(loaded["stain"].stains_, pipeline["stain"].stains_)
    assert np.array_equal(loaded.predict_proba(paths), pipeline.predict_proba(paths))
    tested = evaluate_model(loaded, paths, y, groups=groups, n_resamples=100)
    predicted = loaded.classes_[loaded.predict_proba(paths).argmax(axis=1)]
    assert tested.numbers["accuracy"]["value"] == np.mean(predicted == y)


def test_fitted_pipeline_resizes_other_images(cells, pipeline):
    """The normalizer keeps the size, so the size of the training images is known."""
    pipeline.fit(cells.paths, cells.y)
    assert resize_as_in_training(pipeline) == (24, 24)
