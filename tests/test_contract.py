"""The checks of scikit-learn on every public estimator and transformer."""

from importlib import import_module

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import cellsk
from cellsk import (
    CellClassifier,
    ImageEmbedder,
    ImageOutlierDetector,
    ImageReader,
    OperatingPointClassifierCV,
    StainNormalizer,
)

EXPECTED_FAILURES = {
    "check_classifiers_train": (
        "It compares predictions with the most probable class. These follow the threshold."
        " TunedThresholdClassifierCV of scikit-learn fails too."
    ),
    "check_classifiers_classes": "It fits other labels than those that pos_label names.",
}


@parametrize_with_checks(
    [OperatingPointClassifierCV(LogisticRegression(), sensitivity=0.9, pos_label=1)],
    expected_failed_checks=lambda _: EXPECTED_FAILURES,
)
def test_estimator_keeps_sklearn_contract(estimator, check):
    """scikit-learn's check passes. Those of networks are in neural_network."""
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
@pytest.mark.parametrize(
    "estimator",
    [ImageReader(), StainNormalizer(), ImageOutlierDetector()],
    ids=["reader", "stain", "outliers"],
)
def test_estimator_of_images_keeps_sklearn_contract(check, estimator):
    """scikit-learn skips estimators without tables. Its checks without data pass."""
    getattr(estimator_checks, check)(type(estimator).__name__, estimator)


def test_every_public_estimator_is_checked():
    """A new estimator must be added above."""
    rooms = ["", *(f".{room}" for room in sorted(set(cellsk._ROOMS.values())))]
    public = {
        value
        for module in (import_module(f"cellsk{room}") for room in rooms)
        for value in (getattr(module, name) for name in module.__all__)
        if isinstance(value, type) and issubclass(value, BaseEstimator)
    }
    assert public == {
        CellClassifier,
        ImageEmbedder,
        ImageOutlierDetector,
        ImageReader,
        OperatingPointClassifierCV,
        StainNormalizer,
    }


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (None, "1d array"),
        ([0.5, 1.5, 2.5, 0.1], "Unknown label type: continuous"),
        (["a", "b", "c", "a"], r"multiclass\. Got 3 classes: .*Leave out sensitivity"),
        (["a", "a", "a", "a"], r"needs two classes\. Got 1 class: .*Leave out sensitivity"),
        ([[0, 1], [1, 0], [0, 1], [1, 0]], "1d array"),
    ],
)
def test_operating_point_bad_labels_are_refused(y, match):
    """Each is refused before a classifier is fitted."""
    tuned = OperatingPointClassifierCV(LogisticRegression(), sensitivity=0.9, pos_label=1)
    with pytest.raises(ValueError, match=match):
        tuned.fit([[0.0], [1.0], [2.0], [3.0]], y)
