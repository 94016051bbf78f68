"""The cache of features: what is kept is found again, unharmed, by every process."""

import multiprocessing
import os
import sqlite3
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from cellsk.exceptions import CacheWarning, InputError, InputTypeError
from cellsk.neural_network._feature_cache import (
    FILE_NAME,
    FeatureCache,
    check_cache,
    hash_images,
    open_cache,
)

WIDTH = 50


def draw(n_rows, seed=0):
    """Return rows of features by key."""
    rows = np.random.default_rng(seed).random((n_rows, WIDTH), dtype=np.float32)
    return {bytes([seed, index >> 8, index & 255]): row for index, row in enumerate(rows)}


def assert_equal(found, expected):
    """Check that two dictionaries of rows are equal bit by bit."""
    assert found.keys() == expected.keys()
    for key in found:
        np.testing.assert_array_equal(found[key], expected[key])


@pytest.fixture
def cache(tmp_path):
    """A cache in a folder that does not exist yet."""
    return FeatureCache(tmp_path / "cache", 2**24)


def test_cache_returns_what_was_written(cache):
    """Only the keys that are asked for and known, in rows that may be changed."""
    rows = draw(1200)  # more than one query
    assert cache.read(rows, WIDTH) == {}
    cache.write(rows)
    assert_equal(cache.read(rows, WIDTH), rows)
    found = cache.read([b"unknown", next(iter(rows))], WIDTH)
    assert list(found) == [next(iter(rows))]
    found[next(iter(rows))][0] = 1.0
    cache.write(rows)  # again
    assert_equal(cache.read(rows, WIDTH), rows)


def test_cache_of_another_width_is_not_used(cache):
    """Features of another length are missing."""
    cache.write(draw(3))
    assert cache.read(draw(3), WIDTH + 1) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_cache_is_for_its_owner_only(cache):
    """Folder and file."""
    cache.write(draw(1))
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((cache.folder / FILE_NAME).stat().st_mode) == 0o600
    assert (cache.folder / "CACHEDIR.TAG").exists()


def test_cache_drops_the_oldest_rows(tmp_path):
    """The file stays below its limit, and the latest rows are in it."""
    cache = FeatureCache(tmp_path, 200_000)
    for seed in range(20):
        cache.write(draw(100, seed))
        assert (tmp_path / FILE_NAME).stat().st_size <= 200_000
    assert_equal(cache.read(draw(100, 19), WIDTH), draw(100, 19))
    assert cache.read(draw(100, 0), WIDTH) == {}


def test_cache_too_small_keeps_nothing(tmp_path):
    """Rows larger than the limit."""
    cache = FeatureCache(tmp_path, 1000)
    cache.write(draw(100))
    assert cache.read(draw(100), WIDTH) == {}


@pytest.mark.parametrize("content", [b"no database" * 1000, "header", "pages"])
def test_cache_damaged_file_is_made_anew(cache, content):
    """With a warning, after which it works."""
    path = cache.folder / FILE_NAME
    cache.write(draw(200))
    data = path.read_bytes()
    if content == "header":
        content = bytes(100) + data[100:]
    elif content == "pages":
        content = data[:4096] + b"\xff" * (len(data) - 4096)
    path.write_bytes(content)
    with pytest.warns(CacheWarning, match=r"a damaged file.*pass cache=None"):
        assert cache.read(draw(200), WIDTH) == {}
    cache.write(draw(3))
    assert_equal(cache.read(draw(3), WIDTH), draw(3))


def test_cache_flipped_bit_is_not_served(cache):
    """Each row has a digest. A damaged row is computed again."""
    rows = draw(1)
    cache.write(rows)
    path = cache.folder / FILE_NAME
    (row,) = rows.values()
    data = bytearray(path.read_bytes())
    place = data.index(row.tobytes())
    data[place + 7] ^= 1
    path.write_bytes(data)
    assert cache.read(rows, WIDTH) == {}
    cache.write(rows)
    assert_equal(cache.read(rows, WIDTH), rows)


def test_cache_other_content_of_rows_is_not_served(cache):
    """Whatever else is in the table."""
    cache.write(draw(1))
    (key,) = draw(1)
    with sqlite3.connect(cache.folder / FILE_NAME) as file:
        for row in ("text", 5, b"", bytes(8 + 4 * WIDTH)):
            file.execute("UPDATE features SET row = ?", (row,))
            file.commit()
            assert cache.read([key], WIDTH) == {}
    file.close()


def test_cache_that_cannot_be_written_warns(tmp_path):
    """A folder inside a file."""
    (tmp_path / "file").write_text("")
    cache = FeatureCache(tmp_path / "file" / "cache", 2**20)
    with pytest.warns(CacheWarning, match="name another folder"):
        assert cache.read(draw(1), WIDTH) == {}
    with pytest.warns(CacheWarning, match="name another folder"):
        cache.write(draw(1))


def _write_many(folder, seed):
    cache = FeatureCache(Path(folder), 2**24)
    for part in range(10):
        rows = draw(40, 10 * seed + part)
        cache.write(rows)
        assert_equal(cache.read(rows, WIDTH), rows)


def test_cache_is_shared_by_processes(tmp_path):
    """Four processes that write at the same time lose nothing."""
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "fork")
    processes = [context.Process(target=_write_many, args=(tmp_path, seed)) for seed in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    cache = FeatureCache(tmp_path, 2**24)
    for seed in range(40):
        assert_equal(cache.read(draw(40, seed), WIDTH), draw(40, seed))


def test_hash_images_differ_by_pixel_shape_dtype_and_settings():
    """Equal images have equal keys, however they lie in memory."""
    image = np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)
    (key,) = hash_images(image, b"a")
    assert hash_images(np.repeat(image, 2, axis=0), b"a") == [key, key]
    assert hash_images(np.asfortranarray(image), b"a") == [key]
    others = [
        hash_images(image + np.uint8(1), b"a"),
        hash_images(image.reshape(1, 2, 8, 3), b"a"),
        hash_images(image.view(np.int8), b"a"),
        hash_images(image, b"b"),
    ]
    assert len({key, *(other for (other,) in others)}) == 5


def test_open_cache_chooses_the_folder(tmp_path, monkeypatch):
    """None and the switch turn it off; "auto" is the folder of the user."""
    assert open_cache(None, 1) is None
    assert open_cache(tmp_path / "a", 5) == FeatureCache(tmp_path / "a", 5)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if sys.platform == "linux":
        assert open_cache("auto", 1).folder == tmp_path / ".cache" / "cellsk"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
        assert open_cache("auto", 1).folder == tmp_path / "other" / "cellsk"
    assert open_cache("~/b", 1).folder == tmp_path / "b"
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="cache must be a folder"):
        open_cache(tmp_path / "file", 1)
    monkeypatch.setenv("CELLSK_CACHE", "off")
    assert open_cache("auto", 1) is None
    assert not os.path.exists(tmp_path / "a")


def test_check_cache_refuses_other_values():
    """The message names the parameter."""
    check_cache("auto")
    with pytest.raises(InputTypeError, match="cache must be 'auto', the path of a folder, or None"):
        check_cache(5)
    with pytest.raises(InputError, match=r"cache must be .* Pass '\.'"):
        check_cache("")
