"""ImageOutlierDetector: flags, p-values, what it learns, and bad input."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.covariance import LedoitWolf
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.utils import get_tags

from cellsk import ImageOutlierDetector, ImageReader, make_cells
from cellsk.exceptions import InputError, InputTypeError
from cellsk.outliers._appearance import measure_appearance


def draw(n_images, seed, n_patients=10):
    """Return images of 24 x 24 pixels."""
    return make_cells(n_images, n_patients=n_patients, image_size=(24, 24), random_state=seed)


@pytest.fixture(scope="module")
def train():
    """300 drawn images of 10 patients, with their names."""
    return draw(300, 0)


@pytest.fixture(scope="module")
def detector(train):
    """A detector of images unlike them, with patients."""
    return ImageOutlierDetector().fit(train.images, groups=train.groups)


def make_unlike(images):
    """Return images that are unlike drawn cells, by name."""
    rng = np.random.default_rng(0)
    return {
        "white": np.full_like(images, 255),
        "black": np.zeros_like(images),
        "noise": rng.integers(0, 256, images.shape, dtype=np.uint8),
        "gray": images.mean(axis=3, keepdims=True).repeat(3, axis=3).astype(np.uint8),
        "exchanged channels": images[..., [1, 0, 2]],
        "inverted": 255 - images,
    }


@pytest.mark.parametrize("name", make_unlike(np.zeros((1, 2, 2, 3), np.uint8)))
def test_unlike_images_are_flagged(name, detector, train):
    """Nearly all are flagged, and have the smallest p-value."""
    unlike = make_unlike(train.images[:40])[name]
    assert (detector.predict(unlike) == -1).mean() > 0.9
    assert np.median(detector.p_values(unlike)) == 1 / 301


def test_images_of_other_patients_are_rarely_flagged(train):
    """The share is near that which was asked for, if the patients of training are known."""
    new = draw(400, 1, n_patients=40)
    for fraction in (0.05, 0.2):
        detector = ImageOutlierDetector(flagged_fraction=fraction)
        many = draw(600, 2, n_patients=60)
        flagged = detector.fit(many.images, groups=many.groups).predict(new.images) == -1
        assert fraction / 4 < flagged.mean() < 2.5 * fraction


def test_patients_held_out_together_are_farther(train):
    """Without groups, held-out images resemble others of their patient."""
    alone = ImageOutlierDetector().fit(train.images).held_out_distances_
    grouped = ImageOutlierDetector().fit(train.images, groups=train.groups).held_out_distances_
    assert np.median(grouped) > np.median(alone)


def test_distance_is_that_of_mahalanobis(detector, train):
    """The score is minus Mahalanobis' distance with scikit-learn's covariance.

    Features that vary less than 0.02 get noise.
    """
    features = measure_appearance(train.images)
    scale = np.maximum(features.std(axis=0), 0.02)
    scaled = (features - features.mean(axis=0)) / scale
    covariance = LedoitWolf().fit(scaled).covariance_ + np.diag(1 - scaled.var(axis=0))
    inverse = np.linalg.inv(covariance)
    distances = [np.sqrt(row @ inverse @ row) for row in scaled]
    assert -detector.score_samples(train.images) == pytest.approx(distances, rel=1e-6)


def test_p_values_threshold_and_flags_agree(detector, train):
    """A flagged image has a p-value of at most the fraction, and others a larger one."""
    some = np.concatenate([train.images, *make_unlike(train.images[:10]).values()])
    p_values, flagged = detector.p_values(some), detector.predict(some) == -1
    assert flagged.any()
    assert not flagged.all()
    assert detector.flagged_p_value_ == 3 / 301
    assert np.array_equal(flagged, p_values <= detector.flagged_p_value_)
    assert np.array_equal(flagged, detector.decision_function(some) < 0)
    order = np.argsort(detector.score_samples(some))
    assert (np.diff(p_values[order]) >= 0).all()


def test_few_training_images_flag_only_the_farthest():
    """With fewer than 99 images, an image must be farther away than each of them."""
    few = draw(30, 0)
    detector = ImageOutlierDetector().fit(few.images)
    assert detector.threshold_ == detector.held_out_distances_[-1]
    assert (detector.predict(np.full((2, 24, 24, 3), 255, np.uint8)) == -1).all()


def test_many_training_images_keep_a_thousand_quantiles():
    """The size of what is kept does not grow with the images."""
    images = np.random.default_rng(0).integers(100, 200, (1500, 6, 6, 1), dtype=np.uint8)
    detector = ImageOutlierDetector().fit(images)
    assert detector.held_out_distances_.shape == (1000,)
    assert detector.precision_.shape == (46, 46)
    assert 0 < (detector.predict(images) == -1).mean() < 0.02


def test_constant_training_images_flag_only_others():
    """Features that never vary have a smallest deviation, so nothing is divided by zero."""
    same = np.full((20, 8, 8, 3), 128, dtype=np.uint8)
    detector = ImageOutlierDetector().fit(same)
    assert detector.predict(same[:3]).tolist() == [1, 1, 1]
    assert detector.predict(np.zeros((1, 8, 8, 3), np.uint8)).tolist() == [-1]


def test_one_patient_is_held_out_by_image(train):
    """If there is one patient, the groups cannot be held out."""
    one = ImageOutlierDetector().fit(train.images[:40], groups=["P1"] * 40)
    none = ImageOutlierDetector().fit(train.images[:40])
    assert np.array_equal(one.held_out_distances_, none.held_out_distances_)


def test_scores_do_not_depend_on_the_batch(detector, train):
    """An image alone has the score that it has in a batch."""
    scores = detector.score_samples(train.images[:5])
    alone = [detector.score_samples(image[np.newaxis])[0] for image in train.images[:5]]
    assert alone == pytest.approx(scores.tolist(), rel=1e-9)


@pytest.mark.parametrize(
    ("X", "kind", "match"),
    [
        (np.zeros((20, 8, 8, 3)), InputTypeError, r"dtype uint8\. Got values of float64\. Read"),
        (np.zeros((20, 8, 8, 4), np.uint8), InputError, r"Got shape \(20, 8, 8, 4\)"),
        (np.zeros((20, 64), np.uint8), InputError, r"Got shape \(20, 64\)"),
        (["a.png"] * 20, InputTypeError, "Got values of <U5. Read image files with ImageReader"),
        (np.zeros((9, 8, 8, 3), np.uint8), InputError, r"At least 10 training images.*9 images"),
        ([np.zeros((2, 2, 3)), np.zeros((3, 2, 3))], InputError, "images that differ in size"),
    ],
)
def test_other_input_is_refused(X, kind, match):
    """Each error states what came."""
    with pytest.raises(kind, match=match):
        ImageOutlierDetector().fit(X)


def test_other_channels_than_in_fit_are_refused(detector):
    """Gray images have no colors to compare."""
    with pytest.raises(InputError, match=r"3 channels, as in fit\. Got 1 channel\. Read them"):
        detector.predict(np.zeros((1, 24, 24, 1), np.uint8))


@pytest.mark.parametrize("fraction", [0, 1, "some"])
def test_bad_fraction_is_refused(fraction, train):
    """Parameters are checked in fit."""
    with pytest.raises((InputError, InputTypeError), match=r"flagged_fraction must be a number in"):
        ImageOutlierDetector(flagged_fraction=fraction).fit(train.images)


def test_sklearn_contract(train):
    """It is a detector of scikit-learn for images."""
    detector = ImageOutlierDetector(flagged_fraction=0.1)
    assert clone(detector).flagged_fraction == 0.1
    assert get_tags(detector).estimator_type == "outlier_detector"
    with pytest.raises(NotFittedError):
        detector.predict(train.images)
    flags = detector.fit_predict(train.images)
    assert np.array_equal(flags, clone(detector).fit(train.images).predict(train.images))


def test_real_patches_are_distinguished_from_drawn_ones(pcam):
    """Patches of other slides are like the training patches, and drawn cells are not."""
    reader = ImageReader()
    part = [
        sorted(map(str, (pcam / name).rglob("*.jpg")))[::stride]
        for name, stride in (("train", 20), ("valid", 25))
    ]
    detector = ImageOutlierDetector().fit(reader.transform(part[0]))
    real = reader.transform(part[1])
    drawn = make_cells(40, image_size=(96, 96), random_state=0).images
    scores = np.concatenate([detector.score_samples(real), detector.score_samples(drawn)])
    assert roc_auc_score(np.repeat([1, 0], [len(real), len(drawn)]), scores) > 0.95
    assert (detector.predict(drawn) == -1).mean() > 0.9
    assert (detector.predict(real) == -1).mean() < 0.15
