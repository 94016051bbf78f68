"""Test images that are unlike the training images: the warning, and when there is none."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cellsk import ImageOutlierDetector, evaluate_model, make_cells, save_model
from cellsk.exceptions import UnlikeTrainingWarning
from cellsk.neural_network import CellClassifier

QUICK = {"n_resamples": 100}


@pytest.fixture(scope="module")
def train():
    """200 drawn images of 20 patients."""
    return make_cells(200, n_patients=20, image_size=(16, 16), difficulty=0, random_state=0)


@pytest.fixture(scope="module")
def file(train, tmp_path_factory):
    """A model file with a detector."""
    network = CellClassifier(filters=(2,), epochs=1, early_stopping=False, random_state=0)
    path = tmp_path_factory.mktemp("model") / "m.cellsk"
    detector = ImageOutlierDetector().fit(train.images, groups=train.groups)
    save_model(network.fit(train.images, train.y), path, detector=detector)
    return path


@pytest.fixture
def unlike(train):
    """The training images, 20 of which are noise."""
    images = train.images.copy()
    images[:20] = np.random.default_rng(0).integers(0, 256, images[:20].shape)
    return images


def test_unlike_test_images_are_counted_with_the_accuracy_without_them(file, train, unlike):
    """The warning is in the report, too, and its numbers are those of the predictions."""
    match = r"like the training images\. Got 2\d of 200 images unlike them .* where 2\.0 would"
    with pytest.warns(UnlikeTrainingWarning, match=match):
        report = evaluate_model(file, unlike, train.y, groups=train.groups, **QUICK)
    (remark,) = [
        one for one in report.document["warnings"] if one["code"] == "images-unlike-training"
    ]
    table = report.predictions()
    correct = (table["predicted"] == table["label"]).to_numpy()
    assert f"The accuracy is {correct.mean():.3f}, without them 0." in remark["text"]
    assert "ImageOutlierDetector" not in remark["text"]


def test_like_test_images_give_no_warning(file, train):
    """The training images are like themselves."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        evaluate_model(file, train.images, train.y, groups=train.groups, **QUICK)
    assert not [one for one in caught if one.category is UnlikeTrainingWarning]


def test_model_without_detector_gives_no_warning(train, unlike, tmp_path):
    """Features, and files without a detector, are not compared."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(train.images.reshape(200, -1), train.y)
    save_model(model, tmp_path / "m.cellsk")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        X = unlike.reshape(200, -1)
        evaluate_model(tmp_path / "m.cellsk", X, train.y, groups=train.groups, **QUICK)
    assert not [one for one in caught if one.category is UnlikeTrainingWarning]
