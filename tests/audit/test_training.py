"""Fingerprints of training images: they find copies and patients, and hold no names or pixels."""

import io

import numpy as np
import pytest
from PIL import Image

from cellsk import make_cells
from cellsk.audit import _training, find_shared, make_training_fingerprints


@pytest.fixture(scope="module")
def cells():
    """100 drawn images of ten patients."""
    return make_cells(100, n_patients=10, image_size=(48, 48), random_state=0)


@pytest.fixture(scope="module")
def training(cells):
    """Fingerprints of the first 60."""
    return make_training_fingerprints(cells.images[:60], cells.groups[:60])


def encode_jpeg(image):
    """Return an image after JPEG at quality 75."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=75)
    return np.asarray(Image.open(stream))


def test_copies_are_found_and_others_are_not(training, cells):
    """Exact copies, turned and re-encoded ones; images of the same patients are not copies."""
    turned = cells.images[:20].transpose(0, 2, 1, 3)[:, ::-1]
    encoded = np.stack([encode_jpeg(image) for image in cells.images[20:40]])
    test = np.concatenate([cells.images[60:], cells.images[40:60], turned, encoded])
    shared = find_shared(training, test)
    assert shared.exact.tolist() == list(range(40, 60))
    assert shared.similar.tolist() == list(range(60, 100))
    assert shared.patients == []


def test_folders_are_found_by_resolved_path(tmp_path, cells):
    """Also through a link and without `..`; a folder of the same name elsewhere is another one."""
    for name in ("train/benign", "test/benign"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "train")
    images = cells.images[:4]
    training = make_training_fingerprints(images[:1], paths=[tmp_path / "train" / "benign" / "a"])
    paths = ["test/benign/a", "link/benign/b", "test/../train/benign/c", "train/d"]
    found = find_shared(training, images, paths=[str(tmp_path / path) for path in paths])
    assert found.same_folder.tolist() == [1, 2]
    assert find_shared(training, images).same_folder.tolist() == []
    assert training.folders.shape == (1, 16)
    with pytest.raises(ValueError, match="paths must have one path for each image"):
        make_training_fingerprints(images, paths=paths[:2])


def test_many_images_are_compared_in_blocks(monkeypatch, cells):
    """The result does not depend on the sizes of the blocks."""
    monkeypatch.setattr(_training, "BLOCK_SIZE", 7)
    monkeypatch.setattr(_training, "N_COMPARED", 3)
    training = make_training_fingerprints(cells.images[:20])
    shared = find_shared(training, np.concatenate([cells.images[10:30], cells.images[:9, ::-1]]))
    assert shared.exact.tolist() == list(range(10))
    assert shared.similar.tolist() == list(range(20, 29))


def test_many_names_are_hashed_in_bounded_time(monkeypatch, cells):
    """The rounds of each hash are stored, and used for the test set."""
    monkeypatch.setattr(_training, "ALL_ROUNDS", 100)
    training = make_training_fingerprints(cells.images[:50], [f"P{row}" for row in range(50)])
    assert training.n_rounds == 2
    assert find_shared(training, cells.images[:1], ["P7"]).patients == ["P7"]


def test_look_alikes_are_not_copies_of_training_images():
    """Different segmented cells have close hashes, and their copies have closer ones."""
    cells = make_cells(
        300, n_patients=10, image_size=(50, 50), style="single_cell", random_state=0
    ).images
    training = make_training_fingerprints(cells[:200])
    encoded = np.stack([encode_jpeg(image[..., 0])[..., np.newaxis] for image in cells[:50]])
    shared = find_shared(training, np.concatenate([cells[200:], encoded[:, ::-1]]))
    assert shared.similar.tolist() == list(range(100, 150))


def test_patients_are_found_by_name(training, cells):
    """Names are compared as text; other names are not among them."""
    test = cells.images[60:64]
    found = find_shared(training, test, ["new", cells.groups[0], "other", cells.groups[0]])
    assert found.patients == [cells.groups[0]]


def test_fingerprints_hold_no_names_and_differ_by_salt(cells):
    """The same patients have other hashes beside other images."""
    one, other = (
        make_training_fingerprints(cells.images[rows], cells.groups[:4])
        for rows in (slice(4), slice(1, 5))
    )
    assert (one.digests[1:] == other.digests[:3]).all()
    assert not (one.patients == other.patients).all(axis=1).any()
    assert one.hashes.shape == (4, 72)


def test_images_without_contrast_are_similar_to_nothing():
    """A blank image says nothing about where it comes from."""
    blank = np.full((3, 16, 16, 3), 240, np.uint8)
    blank[1:] -= 1
    training = make_training_fingerprints(blank[:1])
    shared = find_shared(training, blank)
    assert (shared.exact.tolist(), shared.similar.tolist()) == ([0], [])


def test_unreadable_files_are_not_copies_of_each_other(tmp_path):
    """They have no pixels to compare."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"nothing")
    paths = [str(tmp_path / name) for name in ("a.png", "b.png")]
    shared = find_shared(make_training_fingerprints(paths[:1]), paths)
    assert len(shared.exact) == len(shared.similar) == 0
