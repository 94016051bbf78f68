"""Small copies of images: of the right rows, small, and never at the price of a report."""

import base64

import numpy as np
import pytest

from cellsk._codec import decode_image, encode_image
from cellsk.preprocessing import ImageReader
from cellsk.report.render._thumbnails import make_thumbnails


def read_back(uri):
    """The pixels of a data URI."""
    head, _, data = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return decode_image(base64.b64decode(data))


@pytest.fixture
def grey_images():
    """Four images, each of one grey."""
    return np.stack([np.full((12, 20, 3), 60 * row, np.uint8) for row in range(4)])


def test_thumbnails_are_of_the_rows_asked_for(grey_images):
    """Row 3 is the light one and row 1 the dark one; others are not made."""
    pictures = make_thumbnails(grey_images, [3, 1])
    assert list(pictures) == [3, 1]
    assert abs(read_back(pictures[3]).astype(int) - 180).max() <= 2
    assert abs(read_back(pictures[1]).astype(int) - 60).max() <= 2


def test_thumbnail_is_made_smaller_in_proportion_and_never_larger(grey_images):
    """12 x 20 pixels become 6 x 10, or stay."""
    assert read_back(make_thumbnails(grey_images, [1], size=10)[1]).shape == (6, 10, 3)
    assert read_back(make_thumbnails(grey_images, [1], size=96)[1]).shape == (12, 20, 3)


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
def test_thumbnail_of_any_kind_of_pixels_keeps_its_brightness(grey_images, change):
    """Numbers from 0 to 1 and from 0 to 255, grey and RGB, look the same."""
    pixels = read_back(make_thumbnails(change(grey_images), [3])[3])
    assert abs(pixels.astype(int) - 180).max() <= 2


def test_thumbnails_of_files_leave_out_those_that_cannot_be_read(grey_images, tmp_path):
    """A file that is gone or damaged by now is missing; the others are there."""
    good, damaged = tmp_path / "good.png", tmp_path / "damaged.png"
    encode_image(grey_images[2], good)
    damaged.write_bytes(good.read_bytes()[:40])
    paths = np.array([str(good), str(damaged), str(tmp_path / "gone.png")])
    assert list(make_thumbnails(paths, [0, 1, 2])) == [0]


def test_thumbnails_of_what_is_no_picture_are_left_out():
    """Flattened rows, NaN and negative numbers give no picture, and no error."""
    assert make_thumbnails(np.zeros((3, 48)), [0, 1]) == {}
    assert make_thumbnails(np.full((2, 4, 4), np.nan), [0]) == {}
    assert make_thumbnails(np.full((2, 4, 4), -1.0), [1]) == {}


def test_thumbnails_with_reader_show_what_the_network_saw(grey_images, tmp_path):
    """A reader of grey pixels gives grey pictures."""
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 200
    path = tmp_path / "red.png"
    encode_image(red, path)
    seen = read_back(make_thumbnails([path], [0], reader=ImageReader(channels=1))[0])
    assert np.ptp(seen, axis=2).max() == 0


def test_thumbnails_of_no_size_are_refused(grey_images):
    """A size of 0 is a mistake of the caller, and said so."""
    with pytest.raises(ValueError, match="size must be a whole number of at least 1"):
        make_thumbnails(grey_images, [0], size=0)
