"""read_once: all images checked and kept before training, from one opening of each file."""

import hashlib
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cellsk.exceptions import ImageReadError, InputError, StoreWarning
from cellsk.preprocessing import ImageReader, read_once


@pytest.fixture
def paths(tmp_path):
    """Return the paths of six PNG files of 12 x 9 pixels."""
    rng = np.random.default_rng(0)
    names = [tmp_path / f"c{number}.png" for number in range(6)]
    for name in names:
        Image.fromarray(rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)).save(name)
    return [os.fspath(name) for name in names]


@pytest.fixture
def opened(monkeypatch):
    """Return a list that grows with every call of ``PIL.Image.open``."""
    real, calls = Image.open, []
    monkeypatch.setattr(Image, "open", lambda *args, **kw: calls.append(args) or real(*args, **kw))
    return calls


@pytest.fixture
def inspected():
    """Return a list of the arguments of each inspection, and the function that fills it."""
    calls = []
    return calls, lambda source, pixels, facts: calls.append((source, pixels.copy(), facts))


def test_read_once_keeps_pixels_that_no_later_transform_decodes(paths, opened, tmp_path):
    """Later lists, in any order, open no file."""
    reader = ImageReader(image_size=(4, 5), channels=1, store=tmp_path / "store")
    reading = read_once(reader, paths)
    assert reading.shape == (4, 5, 1)
    assert isinstance(reading.images, np.memmap)
    for rows in ([0, 1, 2, 3, 4, 5], [5, 3, 1], [2]):
        found = reader.transform([paths[row] for row in rows])
        assert np.array_equal(found, reading.images[rows])
    assert len(opened) == len(paths)
    plain = ImageReader(image_size=(4, 5), channels=1).transform(paths)
    assert np.array_equal(reading.images, plain)


def test_read_once_inspects_whole_images_and_facts(paths, opened, inspected, tmp_path):
    """The same opening gives the pixels of `ImageReader()` and the digest of the file."""
    calls, inspect = inspected
    read_once(ImageReader(image_size=(4, 5), store=tmp_path / "store"), paths, inspect=inspect)
    assert len(opened) == len(paths)
    assert [source for source, _, _ in calls] == paths
    assert np.array_equal([pixels for _, pixels, _ in calls], ImageReader().transform(paths))
    for path, (_, _, facts) in zip(paths, calls, strict=True):
        data = Path(path).read_bytes()
        assert (facts.digest, facts.n_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
        assert (facts.format, facts.mode) == ("PNG", "RGB")


def test_read_once_again_opens_nothing(paths, opened, inspected, tmp_path):
    """Images that the store holds are not inspected either."""
    calls, inspect = inspected
    reader = ImageReader(store=tmp_path / "store")
    read_once(reader, paths[:4])
    opened.clear()
    read_once(reader, paths, inspect=inspect)
    assert [source for source, _, _ in calls] == paths[4:]
    assert len(opened) == 2


@pytest.mark.parametrize("switch", ["no store", "off"])
def test_read_once_without_store_checks_and_keeps_nothing(paths, tmp_path, monkeypatch, switch):
    """The shape is known, and the memory is that of one image."""
    store = tmp_path / "store" if switch == "off" else None
    monkeypatch.setenv("CELLSK_STORE", "off" if switch == "off" else "on")
    reader = ImageReader(image_size=(100, 100), store=store)
    read_once(reader, paths)
    tracemalloc.start()
    reading = read_once(reader, paths * 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (reading.shape, reading.images) == ((100, 100, 3), None)
    assert peak < 10 * 100 * 100 * 3
    assert not (tmp_path / "store").exists()


def test_read_once_without_space_keeps_nothing(paths, tmp_path):
    """A list above the limit is checked, and not read into memory."""
    reader = ImageReader(store=tmp_path / "store", max_store_bytes=1000)
    assert read_once(reader, paths) == ((12, 9, 3), None)


def test_read_once_where_nothing_can_be_written_warns(paths):
    """The warning has a code and the name of the folder."""
    with pytest.warns(StoreWarning, match="images are read without it") as caught:
        reading = read_once(ImageReader(store="/proc/cellsk"), paths)
    assert reading.images is None
    assert caught[0].message.code == "store-unwritable"
    assert caught[0].message.values["folder"] == "/proc/cellsk"


@pytest.mark.parametrize("with_store", [False, True])
def test_read_once_raises_for_all_damaged_files(paths, tmp_path, with_store, inspected):
    """The error counts all files, and has a code and values for other words."""
    for path in paths[2:4]:
        Path(path).write_bytes(b"no image")
    reader = ImageReader(store=tmp_path / "store" if with_store else None)
    with pytest.raises(ImageReadError, match=r"^2 of 6 images cannot be decoded") as caught:
        read_once(reader, paths, inspect=inspected[1])
    assert caught.value.code == "images-damaged"
    assert caught.value.values == {"n_failures": 2, "n_images": 6, "settings": []}
    assert len(inspected[0]) == 4


def test_read_once_names_the_settings_that_files_need(paths, tmp_path):
    """The values list the parameters; the remedy explains each."""
    stack, deep = tmp_path / "stack.tif", tmp_path / "deep.tif"
    pages = [Image.new("L", (9, 12), value) for value in (10, 20)]
    pages[0].save(stack, save_all=True, append_images=pages[1:])
    Image.fromarray(np.full((12, 9), 7, np.int32)).save(deep)
    with pytest.raises(ImageReadError, match=r"page=0.*value_range=\(low, high\)") as caught:
        read_once(ImageReader(), [*paths, stack, deep])
    assert caught.value.code == "images-need-setting"
    assert caught.value.values["settings"] == ["page", "value_range"]
    assert "page=" not in caught.value.rule


def test_read_once_raises_for_images_that_differ_in_size(paths, tmp_path):
    """The values hold the size of the first image, for any wording of the remedy."""
    Image.new("RGB", (3, 4)).save(tmp_path / "small.png")
    with pytest.raises(InputError, match=r"Pass image_size=\(12, 9\)") as caught:
        read_once(ImageReader(), [*paths, tmp_path / "small.png"])
    assert caught.value.code == "images-differ-in-size"
    assert caught.value.values == {"height": 12, "width": 9}


def test_read_once_errors_of_an_inspection_are_not_damage(paths):
    """An error of the caller's function is raised as it is."""

    def fail(source, pixels, facts):
        raise RuntimeError("a fault of the caller")

    with pytest.raises(RuntimeError, match="a fault of the caller"):
        read_once(ImageReader(), paths, inspect=fail)


def test_read_once_shows_progress_only_while_files_are_decoded(paths, tmp_path, capfd):
    """Copies of rows show no bar."""
    reader = ImageReader(store=tmp_path / "store", verbose=1)
    read_once(reader, paths)
    assert "Reading images" in capfd.readouterr().err
    read_once(reader, paths[::-1])
    assert capfd.readouterr() == ("", "")
