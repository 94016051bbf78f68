"""X becomes images of four axes, or is refused with a reason."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.base import BaseEstimator

from cellsk import CellClassifier
from cellsk.exceptions import PixelRangeWarning
from cellsk.neural_network._inputs import check_image_shape, find_pixel_max, validate_images


def learn(X, image_shape=None):
    """Return the images of X in fit, and the estimator that learned from them."""
    estimator = BaseEstimator()
    return validate_images(estimator, X, image_shape, reset=True), estimator


@pytest.mark.parametrize(
    ("shape", "image_shape", "expected"),
    [
        ((5, 8, 6, 3), None, (8, 6, 3)),
        ((5, 8, 6), None, (8, 6, 1)),
        ((5, 48), (8, 6), (8, 6, 1)),
        ((5, 144), (8, 6, 3), (8, 6, 3)),
        ((5, 48), None, (1, 48, 1)),
    ],
)
def test_check_images_layouts_become_four_axes(shape, image_shape, expected):
    """4-D, 3-D gray and flattened images all become (n, height, width, channels)."""
    X = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    images, estimator = learn(X, image_shape)
    assert images.shape == (5, *expected)
    assert images.ravel().tolist() == X.ravel().tolist()
    assert estimator.image_shape_ == expected
    assert estimator.n_features_in_ == np.prod(expected)


def test_check_images_uint8_is_not_copied():
    """The images share memory with X."""
    X = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    assert np.shares_memory(learn(X)[0], X)


def test_check_images_other_numbers_become_float32():
    """Other dtypes than uint8 become float32."""
    for X in (np.zeros((2, 4, 4)), np.zeros((2, 4, 4), dtype=int), np.zeros((2, 4, 4), bool)):
        images, estimator = learn(X)
        assert images.dtype == np.float32
        assert estimator.image_dtype_ == "float32"


def hold_in_series(images):
    """Return a Series of pandas with an image in each row."""
    return pd.Series(list(images))


def hold_in_objects(images):
    """Return an array of objects with an image in each row."""
    rows = np.empty(len(images), dtype=object)
    rows[:] = list(images)
    return rows


@pytest.mark.parametrize(
    "hold",
    [
        list,
        tuple,
        hold_in_series,
        hold_in_objects,
        lambda images: [Image.fromarray(image) for image in images],
        lambda images: [tf.constant(image) for image in images],
        tf.constant,
        lambda images: np.asfortranarray(images)[::-1][::-1],
    ],
)
def test_check_images_same_pixels_in_any_container_are_the_same(cells, hold):
    """uint8 stays uint8, so that the pixels are divided by 255 and not by the largest."""
    images, estimator = learn(hold(cells.images[:5] // 2))
    assert estimator.image_dtype_ == "uint8"
    assert estimator.pixel_max_ == 255
    np.testing.assert_array_equal(images, cells.images[:5] // 2)


def test_predict_list_of_arrays_equals_the_array(fitted, cells):
    """A model that was fitted on an array takes a list."""
    expected = fitted.predict_proba(cells.images[:4])
    assert (fitted.predict_proba(list(cells.images[:4])) == expected).all()


def test_predict_object_with_an_array_equals_the_array(fitted, cells):
    """It has `__array__`, but no dtype. Its pixels stay uint8."""

    class Images:
        def __array__(self, dtype=None, copy=None):
            return np.array(cells.images[:4], dtype=dtype)

    assert (fitted.predict_proba(Images()) == fitted.predict_proba(cells.images[:4])).all()


def test_find_pixel_max_is_what_pixels_are_divided_by():
    """uint8 is divided by 255, others by the largest absolute value, blank images by one."""
    assert find_pixel_max(np.zeros((1, 2, 2, 1), np.uint8)) == 255
    assert find_pixel_max(np.full((1, 2, 2, 1), -4, np.float32)) == 4
    assert find_pixel_max(np.zeros((1, 2, 2, 1), np.float32)) == 1


def test_predict_other_scale_of_floats_warns(cells, small):
    """Pixels from 0 to 255 cause a warning after a fit on pixels from 0 to 1."""
    X = cells.images[:30] / 255
    classifier = CellClassifier(**small).set_params(epochs=1).fit(X, cells.y[:30])
    with pytest.warns(PixelRangeWarning, match=r"Got up to 2\d\d\. Pass images on"):
        classifier.predict(X * 255)
    assert classifier.predict(X * 2).shape == (30,)  # brighter, and no warning
    classifier.fit(X * 255, cells.y[:30])
    with pytest.warns(PixelRangeWarning, match=r"up to 2\d\d\. Got up to [01]"):
        classifier.predict(X)
    assert classifier.predict(X * 25).shape == (30,)  # darker
    assert classifier.predict(X * 0).shape == (30,)  # blank


@pytest.mark.parametrize(
    ("X", "image_shape", "match"),
    [
        (np.zeros((2, 3, 32, 32)), None, r"channels came first\. Pass numpy\.moveaxis"),
        (np.zeros((2, 1, 4, 4, 3)), None, r"Got shape \(2, 1, 4, 4, 3\)"),
        (np.zeros((2, 50)), (8, 8), r"64 values of one image of shape \(8, 8, 1\).*Got rows of 50"),
        (np.zeros((2, 5, 5)), (8, 8), r"shape \(8, 8, 1\), .*Got \(5, 5, 1\)"),
        (["a.png", "b.png"], None, "Got file names, such as 'a.png'. Put a reader in front"),
        (np.array(["a.png"]), None, "Got file names"),
        (np.full((2, 4, 4), np.nan), None, "contains NaN"),
        (np.zeros((0, 4, 4, 3)), None, r"0 sample\(s\)"),
        (
            [np.zeros((4, 4, 3)), np.zeros((5, 4, 3))],
            None,
            r"one shape. Got \(4, 4, 3\) and \(5, 4",
        ),
    ],
)
def test_check_images_bad_input_raises(X, image_shape, match):
    """Each wrong X is refused with rule, got and remedy."""
    with pytest.raises(ValueError, match=match):
        learn(X, image_shape)


@pytest.mark.parametrize("value", [8, (8,), (8, 8, 3, 1), (8, 0), ("a", 8), (8.5, 8)])
def test_check_image_shape_bad_value_raises(value):
    """image_shape is two or three positive whole numbers."""
    with pytest.raises(ValueError, match="two or three positive integers"):
        check_image_shape(value)


def test_predict_other_size_names_reader_remedy(fitted, cells):
    """Images of another size are refused. The error names the right reader."""
    with pytest.raises(
        ValueError, match=r"\(16, 16, 3\), as in fit\. Got \(8, 8, 3\).*image_size=\(16, 16\)"
    ):
        fitted.predict(cells.images[:, :8, :8])


def test_predict_other_kind_of_numbers_raises(fitted, cells):
    """A network fitted on uint8 refuses floats."""
    with pytest.raises(ValueError, match=r"0 to 255, as in fit\. Got other than uint8"):
        fitted.predict(cells.images / 255)


def test_predict_flattened_rows_equal_images(fitted, cells):
    """A classifier fitted on images takes their flattened rows too."""
    rows = cells.images[:6].reshape(6, -1)
    assert (fitted.predict_proba(rows) == fitted.predict_proba(cells.images[:6])).all()


def test_fit_images_after_table_forgets_column_names(cells, small):
    """Column names of an earlier fit are gone after a fit on images."""
    pd = pytest.importorskip("pandas")
    rows = pd.DataFrame(cells.images[:40, :4, :4, 0].reshape(40, 16)).add_prefix("pixel_")
    classifier = CellClassifier(**small, image_shape=(4, 4)).set_params(epochs=1)
    classifier.fit(rows, cells.y[:40])
    assert classifier.feature_names_in_[0] == "pixel_0"
    classifier.set_params(image_shape=None).fit(cells.images[:40], cells.y[:40])
    assert not hasattr(classifier, "feature_names_in_")
    assert classifier.n_features_in_ == 768


def test_fit_series_of_paths_names_the_reader(small):
    """A column of file names gets the same advice as a list."""
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="Put a reader in front"):
        CellClassifier(**small).fit(pd.Series(["a.png", "b.png"]), [0, 1])
