"""Small copies of images: the right rows, size and brightness, and no errors."""

import base64

import numpy as np
import pytest

from cellsk._codec import decode_image, encode_image
from cellsk.preprocessing import ImageReader
from cellsk.report.render import make_thumbnails


def read_back(uri):
    """The pixels of a data URI."""
    head, _, data = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return decode_image(base64.b64decode(data))


@pytest.fixture
def gray_images():
    """Four images, each of one gray value."""
    return np.stack([np.full((12, 20, 3), 60 * row, np.uint8) for row in range(4)])


def test_thumbnails_are_of_the_requested_rows(gray_images):
    """Row 3 is light and row 1 is dark; there are no others."""
    pictures = make_thumbnails(gray_images, [3, 1])
    assert list(pictures) == [3, 1]
    assert abs(read_back(pictures[3]).astype(int) - 180).max() <= 2
    assert abs(read_back(pictures[1]).astype(int) - 60).max() <= 2


def test_thumbnail_is_made_smaller_in_proportion_and_never_larger(gray_images):
    """12 x 20 pixels become 6 x 10, or stay."""
    assert read_back(make_thumbnails(gray_images, [1], size=10)[1]).shape == (6, 10, 3)
    assert read_back(make_thumbnails(gray_images, [1], size=96)[1]).shape == (12, 20, 3)


@pytest.mark.parametrize(
    "change",
    [
        lambda images: images / 255,
        lambda images: images.astype(np.float32),
        lambda images: images[..., :1],
        lambda images: images[..., 0],
        lambda images: list(images),
    ],
    ids=["0 to 1", "0 to 255", "one channel", "no channel", "list"],
)
def test_thumbnail_of_any_kind_of_pixels_keeps_its_brightness(gray_images, change):
    """Values from 0 to 1 and from 0 to 255, gray and RGB, look the same."""
    pixels = read_back(make_thumbnails(change(gray_images), [3])[3])
    assert abs(pixels.astype(int) - 180).max() <= 2


def test_thumbnails_of_files_leave_out_those_that_cannot_be_read(gray_images, tmp_path):
    """A deleted or damaged file is missing; the others are there."""
    good, damaged = tmp_path / "good.png", tmp_path / "damaged.png"
    encode_image(gray_images[2], good)
    damaged.write_bytes(good.read_bytes()[:40])
    paths = np.array([str(good), str(damaged), str(tmp_path / "gone.png")])
    assert list(make_thumbnails(paths, [0, 1, 2])) == [0]


def test_thumbnails_of_other_arrays_are_left_out():
    """Flattened rows, NaN and negative numbers give neither a picture nor an error."""
    assert make_thumbnails(np.zeros((3, 48)), [0, 1]) == {}
    assert make_thumbnails(np.full((2, 4, 4), np.nan), [0]) == {}
    assert make_thumbnails(np.full((2, 4, 4), -1.0), [1]) == {}


def test_thumbnails_with_reader_show_the_input_of_the_network(gray_images, tmp_path):
    """A reader of gray pixels gives gray pictures."""
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 200
    path = tmp_path / "red.png"
    encode_image(red, path)
    seen = read_back(make_thumbnails([path], [0], reader=ImageReader(channels=1))[0])
    assert np.ptp(seen, axis=2).max() == 0


def test_thumbnails_of_no_size_are_refused(gray_images):
    """0 is refused."""
    with pytest.raises(ValueError, match="size must be a whole number of at least 1"):
        make_thumbnails(gray_images, [0], size=0)
