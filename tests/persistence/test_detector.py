"""The detector of images unlike the training images, in a model file."""

import zipfile

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from cellsk import ImageOutlierDetector, ImageReader, load_model, save_model
from cellsk.exceptions import ModelFileError
from cellsk.persistence import read_detector


@pytest.fixture(scope="module")
def detector(images):
    """Fitted on the images of the classifier."""
    return ImageOutlierDetector(flagged_fraction=0.1).fit(images)


def test_detector_read_from_a_model_file_scores_the_same(classifier, detector, images, tmp_path):
    """Model and detector are independent, and each is loaded alone."""
    path = tmp_path / "m.cellsk"
    save_model(classifier, path, detector=detector)
    found = read_detector(path)
    assert found.get_params() == {"flagged_fraction": 0.1}
    assert np.array_equal(found.p_values(images), detector.p_values(images))
    assert found.threshold_ == detector.threshold_
    expected = classifier.predict_proba(images)
    assert np.array_equal(load_model(path).predict_proba(images), expected)


def test_model_file_without_detector_gives_none(classifier, tmp_path):
    """Older files have none."""
    save_model(classifier, tmp_path / "m.cellsk")
    assert read_detector(tmp_path / "m.cellsk") is None


def test_detector_takes_little_space(classifier, detector, tmp_path):
    """A precision matrix of 114 features, and vectors."""
    sizes = []
    for name, one in (("without", None), ("with", detector)):
        save_model(classifier, tmp_path / name, detector=one)
        sizes.append((tmp_path / name).stat().st_size)
    assert sizes[1] - sizes[0] < 130_000


def test_unfitted_detector_is_refused(classifier, tmp_path):
    """Nothing is written."""
    with pytest.raises(NotFittedError, match="ImageOutlierDetector that is not"):
        save_model(classifier, tmp_path / "m.cellsk", detector=ImageOutlierDetector())
    assert not (tmp_path / "m.cellsk").exists()


def test_other_estimator_in_place_of_the_detector_is_refused(members, forge, tmp_path):
    """A file from elsewhere may hold anything of the allowed classes."""
    save_model(ImageReader(), tmp_path / "reader.cellsk")
    with zipfile.ZipFile(tmp_path / "reader.cellsk") as archive:
        tree = archive.read("estimator.json")
    path = forge({**members, "detector-estimator.json": tree})
    with pytest.raises(ModelFileError, match="must describe a detector as cellsk does"):
        read_detector(path)
