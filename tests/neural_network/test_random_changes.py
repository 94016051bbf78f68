"""Symmetries, colors, blur and noise do what they should, and nothing else."""

import numpy as np
import pytest
import tensorflow as tf

from cellsk.neural_network import _random_changes as changes

UINT8 = changes.Pixels(np.dtype(np.uint8), 255.0)


def make_seed(number=0):
    """Return a seed."""
    return tf.constant([7, number], tf.int64)


def draw_images(*shape, low=0, high=256):
    """Return random pixels."""
    return np.random.default_rng(0).integers(low, high, shape, dtype=np.uint8)


def list_symmetries(image):
    """Return the eight symmetries of an image, by NumPy."""
    turned = [np.rot90(image, quarter) for quarter in range(4)]
    return [*turned, *(np.fliplr(one) for one in turned)]


def count_symmetries(turned, image):
    """Return how often each symmetry of the image is in a batch."""
    counts = [sum(np.array_equal(one, way) for one in turned) for way in list_symmetries(image)]
    assert sum(counts) == len(turned)
    return counts


@pytest.mark.parametrize("channels", [1, 3])
def test_turn_square_images_have_all_eight_symmetries_equally_often(channels):
    """Each of 800 copies is one of the eight symmetries, and each comes about 100 times."""
    (image,) = draw_images(1, 5, 5, channels)
    turned = changes.turn_images(tf.constant(np.tile(image, (800, 1, 1, 1))), make_seed()).numpy()
    counts = count_symmetries(turned, image)
    assert turned.dtype == np.uint8
    assert min(counts) > 70
    assert max(counts) < 130


def test_turn_oblong_images_have_four_symmetries():
    """Images that are not square keep their shape."""
    (image,) = draw_images(1, 4, 6, 3)
    turned = changes.turn_images(tf.constant(np.tile(image, (80, 1, 1, 1))), make_seed()).numpy()
    ways = [image, image[::-1], image[:, ::-1], image[::-1, ::-1]]
    counts = [sum(np.array_equal(one, way) for one in turned) for way in ways]
    assert sum(counts) == 80
    assert min(counts) > 5


def test_turn_rows_of_features_stay():
    """Features have no symmetry."""
    rows = draw_images(20, 1, 6, 1)
    np.testing.assert_array_equal(changes.turn_images(tf.constant(rows), make_seed()), rows)


def test_turn_images_keep_their_order():
    """Each image is turned in its place, so that labels fit."""
    images = draw_images(30, 6, 6, 3)
    turned = changes.turn_images(tf.constant(images), make_seed()).numpy()
    for before, after in zip(images, turned, strict=True):
        assert any(np.array_equal(after, way) for way in list_symmetries(before))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_change_colors_by_nothing_keeps_each_pixel(dtype):
    """The way to logarithms and back gives the same pixels, for all 256 values."""
    images = np.arange(256).reshape(1, 16, 16, 1).repeat(3, axis=3).astype(dtype)
    none = changes.Colors(tf.eye(3, batch_shape=[1]), tf.zeros((1, 3)))
    pixels = changes.Pixels(np.dtype(dtype), 255.0)
    changed = changes.change_colors(tf.constant(images), none, pixels).numpy()
    assert changed.dtype == dtype
    np.testing.assert_allclose(changed, images, atol=0 if dtype == np.uint8 else 2e-4)


def test_change_colors_floats_follow_their_own_range():
    """Pixels from 0 to 1 change as those from 0 to 255."""
    images = draw_images(4, 8, 8, 3)
    colors = changes.draw_stains(tf.constant(images), make_seed())
    changed = changes.change_colors(tf.constant(images), colors, UINT8).numpy()
    unit = tf.constant(images / np.float32(255))
    floats = changes.change_colors(unit, colors, changes.Pixels(np.dtype(np.float32), 1.0)).numpy()
    assert floats.min() >= 0
    assert floats.max() <= 1
    np.testing.assert_allclose(floats * 255, changed, atol=0.51)


def test_draw_stains_change_only_the_amounts_of_the_stains():
    """Each stain's density gets a factor and a shift within the ranges, solved by NumPy."""
    images = draw_images(6, 8, 8, 3, low=60, high=250)
    colors = changes.draw_stains(tf.constant(images), make_seed())
    unit = changes.Pixels(np.dtype(np.float32), 255.0)
    changed = changes.change_colors(tf.constant(images, tf.float32), colors, unit).numpy()
    hematoxylin, eosin = (np.array(stain) for stain in (changes.HEMATOXYLIN, changes.EOSIN))
    stains = [hematoxylin, eosin, np.cross(hematoxylin, eosin)]
    stains = np.array([stain / np.linalg.norm(stain) for stain in stains])
    for before, after in zip(images, changed, strict=True):
        inside = ((after > 0) & (after < 255)).all(axis=2)  # the others were clipped
        densities = [
            -np.log((some[inside] + 0.5) / 255.5) @ np.linalg.inv(stains)
            for some in (before.astype(float), after.astype(float))
        ]
        for amounts, new in zip(*(some.T for some in densities), strict=True):
            factor, shift = np.polyfit(amounts, new, 1)
            np.testing.assert_allclose(factor * amounts + shift, new, atol=2e-3)
            assert abs(factor - 1) <= changes.STAIN_FACTOR + 1e-3
            assert abs(shift) <= changes.STAIN_SHIFT + 1e-3
            assert abs(factor - 1) > 1e-4


def test_draw_colors_keep_gray_and_black():
    """Saturation and hue do not color gray pixels, and noise is the same in all channels."""
    gray = np.arange(256).reshape(1, 16, 16, 1).repeat(20, axis=0)
    images = tf.constant(gray.repeat(3, axis=3).astype(np.uint8))
    colors = changes.draw_colors(images, make_seed())
    changed = changes.change_colors(images, colors, UINT8, noise_seed=make_seed(1)).numpy()
    assert np.ptp(changed.astype(int), axis=3).max() <= 1  # by rounding
    assert changed[:, 0, 0].max() <= 1
    assert not np.array_equal(changed[0], changed[1])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_draw_colors_stay_in_their_ranges(channels):
    """White and middle gray change by exposure and contrast, for any number of channels."""
    images = tf.constant(np.full((200, 2, 2, channels), 255, np.uint8).copy())
    colors = changes.draw_colors(images, make_seed())
    floats = changes.Pixels(np.dtype(np.float32), 1000.0)
    bright = tf.cast(images, tf.float32) * (1000 / 255)
    changed = changes.change_colors(bright, colors, floats).numpy() / 1000
    assert changed.min() == pytest.approx(np.exp(-changes.EXPOSURE), abs=0.01)
    assert (changed == 1).mean() == pytest.approx(0.5, abs=0.15)  # brighter than white is white


def test_noise_has_its_strength_and_differs_between_images():
    """The standard deviation is a fraction of the pixel, on average, and no image has another's."""
    images = tf.fill((64, 16, 16, 1), 200.0)
    none = changes.Colors(tf.eye(1, batch_shape=[64]), tf.zeros((64, 1)))
    floats = changes.Pixels(np.dtype(np.float32), 255.0)
    noisy = changes.change_colors(images, none, floats, noise_seed=make_seed()).numpy()
    deviations = noisy.std(axis=(1, 2, 3)) / 200
    assert np.sqrt((deviations**2).mean()) == pytest.approx(changes.NOISE, rel=0.15)
    assert deviations.min() < 0.8 * changes.NOISE < 1.2 * changes.NOISE < deviations.max()
    correlations = np.corrcoef(noisy.reshape(64, -1))
    assert np.abs(correlations[~np.eye(64, dtype=bool)]).max() < 0.9999


@pytest.mark.parametrize("channels", [1, 3])
def test_blur_is_one_of_its_shares_of_a_blurred_copy(channels):
    """A point is spread as by NumPy, and each share comes up."""
    images = np.zeros((60, 7, 7, channels), np.uint8)
    images[:, 3, 3] = 200
    blurred = changes.blur_images(tf.constant(images), make_seed()).numpy()
    kernel = np.outer(changes.BLUR, changes.BLUR)
    ways = []
    for share in changes.BLURS:
        way = (1 - share) * images[0].astype(float)
        way[2:5, 2:5] += share * 200 * kernel[..., np.newaxis]
        ways.append(way)
    counts = [sum(np.allclose(one, way, atol=1e-3) for one in blurred) for way in ways]
    assert sum(counts) == 60
    assert min(counts) > 5


def test_blur_keeps_flat_images_to_the_edge():
    """The edge does not become darker."""
    images = tf.fill((16, 5, 6, 3), tf.constant(130, tf.uint8))
    np.testing.assert_allclose(changes.blur_images(images, make_seed()), 130, atol=1e-3)


def test_numbers_follow_from_the_seed_alone():
    """Equal seeds give equal numbers, whatever tf.random.set_seed says."""
    images = tf.constant(draw_images(8, 6, 6, 3))

    def change(number):
        return changes.turn_images(images, make_seed(number)).numpy()

    first = change(0)
    tf.random.set_seed(5)
    np.testing.assert_array_equal(change(0), first)
    assert not np.array_equal(change(1), first)
