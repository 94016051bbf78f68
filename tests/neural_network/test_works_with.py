"""The tools of scikit-learn that docs/works_with.rst lists work, and the others fail as it says."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibrationDisplay
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
)
from sklearn.model_selection import (
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier

from cellsk import CellClassifier, ImageReader, make_cells

PAGE = Path(__file__).parents[2] / "docs" / "works_with.rst"
CELLS = make_cells(60, n_patients=6, image_size=(8, 8), difficulty=0, random_state=0)
X, y = CELLS.images, CELLS.y
ROWS = X.reshape(60, -1)
THREE = np.arange(60) % 3
TWO_COLUMNS = np.column_stack([y, THREE > 0])
SOME_LABELED = np.where(THREE == 0, -1, y)
# All fits of a kind share one training step, which is traced once.
NETWORK = CellClassifier(
    filters=(2,), dense_units=4, epochs=1, early_stopping=False, random_state=0
)
LEARNED = clone(NETWORK).set_params(filters=(8,), epochs=10, learning_rate=0.01)
FLAT = clone(NETWORK).set_params(image_shape=(8, 8, 3))
COLORS = make_pipeline(
    FunctionTransformer(lambda images: images.mean(axis=(1, 2))), LogisticRegression()
)
LEARNING_RATES = {"learning_rate": [0.01, 0.02]}


@pytest.fixture(scope="module")
def network():
    """A fitted classifier of images."""
    return clone(NETWORK).fit(X, y)


def predict(estimator, images=X, labels=y):
    """Return predictions of a tool after a fit."""
    return estimator.fit(images, labels).predict(images[:3])


ONE_SPLIT = [(np.arange(40), np.arange(40, 60))]
HALVING = {"resource": "epochs", "min_resources": 1, "max_resources": 2, "factor": 2}
HALVING |= {"random_state": 0}
PAIRS = ROWS[:, :2] / 255  # images of two pixels, for tools that try each column


@cache
def fit_pairs():
    """Return a classifier of two columns."""
    return clone(NETWORK).fit(PAIRS, y)


WORKS = {
    "RandomizedSearchCV": lambda: predict(
        RandomizedSearchCV(NETWORK, LEARNING_RATES, n_iter=2, cv=ONE_SPLIT, random_state=0)
    ),
    "HalvingRandomSearchCV": lambda: predict(
        HalvingRandomSearchCV(NETWORK, LEARNING_RATES, n_candidates=2, cv=ONE_SPLIT, **HALVING)
    ),
    "learning_curve": lambda: learning_curve(NETWORK, X, y, cv=ONE_SPLIT, train_sizes=[1.0])[2],
    "validation_curve": lambda: validation_curve(
        NETWORK, X, y, cv=ONE_SPLIT, param_name="learning_rate", param_range=[0.01, 0.02]
    )[1],
    "permutation_test_score": lambda: permutation_test_score(
        NETWORK, X, y, cv=ONE_SPLIT, n_permutations=1, random_state=0
    )[1],
    "StackingClassifier": lambda: predict(
        StackingClassifier([("network", NETWORK), ("colors", COLORS)], cv=2)
    ),
    # It refuses a classifier that is not better than guessing, and draws its seeds itself.
    "AdaBoostClassifier": lambda: predict(
        AdaBoostClassifier(LEARNED, n_estimators=2, random_state=0)
    ),
    "BaggingClassifier": lambda: predict(
        BaggingClassifier(FLAT, n_estimators=2, random_state=0), ROWS
    ),
    "OneVsRestClassifier": lambda: predict(OneVsRestClassifier(NETWORK), X, THREE),
    "OneVsOneClassifier": lambda: predict(OneVsOneClassifier(FLAT), ROWS, THREE),
    "OutputCodeClassifier": lambda: predict(
        OutputCodeClassifier(FLAT, random_state=0), ROWS, THREE
    ),
    "SelfTrainingClassifier": lambda: predict(
        SelfTrainingClassifier(FLAT, max_iter=1), ROWS, SOME_LABELED
    ),
    "MultiOutputClassifier": lambda: predict(MultiOutputClassifier(NETWORK), X, TWO_COLUMNS),
    "ColumnTransformer": lambda: predict(
        make_pipeline(ColumnTransformer([("pixels", "passthrough", slice(192))]), FLAT), ROWS
    ),
    "FunctionTransformer": lambda: predict(make_pipeline(FunctionTransformer(np.flip), NETWORK)),
    "permutation_importance": lambda: (
        permutation_importance(fit_pairs(), PAIRS, y, n_repeats=1, random_state=0).importances
    ),
    "partial_dependence": lambda: (
        partial_dependence(fit_pairs(), PAIRS, [0], grid_resolution=2).average
    ),
    "DecisionBoundaryDisplay": lambda: (
        DecisionBoundaryDisplay.from_estimator(fit_pairs(), PAIRS, grid_resolution=2).response
    ),
}


@pytest.mark.parametrize("tool", WORKS)
def test_tool_works(tool):
    """It fits and predicts, or scores. Warnings are errors."""
    result = np.asarray(WORKS[tool]())
    assert result.size > 0
    assert np.isfinite(result).all()


@pytest.mark.parametrize(
    "display",
    [
        ConfusionMatrixDisplay,
        RocCurveDisplay,
        PrecisionRecallDisplay,
        DetCurveDisplay,
        CalibrationDisplay,
    ],
)
def test_display_is_drawn(network, display):
    """from_estimator draws the classifier."""
    assert display.from_estimator(network, X, y).figure_.axes


def test_pipeline_with_memory_reads_files_once(tmp_path):
    """The second fit finds the pixels in the cache."""
    paths = make_cells(20, folder=tmp_path / "c", image_size=(8, 8), random_state=0).paths
    steps = [("reader", ImageReader()), ("classifier", NETWORK)]
    pipeline = Pipeline(steps, memory=str(tmp_path / "cache")).set_output(transform="default")
    pipeline.fit(paths, THREE[:20])
    for path in paths:
        Path(path).unlink()
    assert pipeline.fit(paths, THREE[:20])["classifier"].n_iter_ == 1


FAILS = {
    "StackingClassifier(passthrough=True)": (
        lambda: predict(StackingClassifier([("n", NETWORK)], cv=2, passthrough=True)),
        "same number of dimensions",
    ),
    "BaggingClassifier": (
        lambda: predict(BaggingClassifier(NETWORK, random_state=0)),
        "dim 4",
    ),
    "OneVsOneClassifier": (lambda: predict(OneVsOneClassifier(NETWORK), X, THREE), "dim 4"),
    # Only of codes with a constant column, as this seed draws.
    "OutputCodeClassifier": (
        lambda: predict(OutputCodeClassifier(NETWORK, random_state=0), X, THREE),
        "dim 4.*_ConstantPredictor",
    ),
    "SelfTrainingClassifier": (
        lambda: predict(SelfTrainingClassifier(NETWORK), X, SOME_LABELED),
        "dim 4",
    ),
    "ClassifierChain": (
        lambda: predict(ClassifierChain(FLAT), ROWS, TWO_COLUMNS),
        "192 values of one image.*Got rows of 193",
    ),
    "permutation_importance": (
        lambda: permutation_importance(fit_pairs(), X, y),
        "dim 4",
    ),
    "partial_dependence": (
        lambda: partial_dependence(fit_pairs(), ROWS[:, :2], [0]),
        "integer data",
    ),
    "RFE": (lambda: RFE(FLAT).fit(ROWS, y), "coef_"),
    "set_output": (lambda: ImageReader().set_output(transform="pandas"), "four axes"),
}


@pytest.mark.parametrize("tool", FAILS)
def test_tool_fails_as_the_page_says(tool):
    """If it works one day, move it on the page."""
    call, reason = FAILS[tool]
    with pytest.raises(ValueError, match=reason):
        call()


def test_page_names_each_tool():
    """The page is about what is tried here."""
    page = PAGE.read_text("utf-8")
    assert [tool for tool in (*WORKS, *FAILS) if tool.split("(")[0] not in page] == []
