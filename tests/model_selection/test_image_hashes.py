"""Names and SHA-256 of images."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from cellsk.exceptions import ImageReadError
from cellsk.model_selection import hash_images, name_images


def test_hash_of_files_is_that_of_their_bytes(cells):
    """The hash of a path is that of its bytes, so that `sha256sum` can check a manifest."""
    paths, *_ = cells
    contents = [Path(path).read_bytes() for path in paths]
    expected = [hashlib.sha256(content).hexdigest() for content in contents]
    assert hash_images(paths) == hash_images(contents) == expected


def test_hash_of_arrays_is_that_of_pixels_shape_and_dtype():
    """Views and byte orders do not change the hash; shape and dtype do."""
    image = np.arange(24, dtype=np.uint16).reshape(2, 4, 3)
    text = b"(2, 4, 3) uint16\n" + image.astype("<u2").tobytes()
    same = [image, image.astype(">u2"), np.asfortranarray(image), image.repeat(2, axis=1)[:, ::2]]
    assert set(hash_images(same)) == {hashlib.sha256(text).hexdigest()}
    others = [image, image.reshape(4, 2, 3), image.astype(np.uint8), image + 1]
    assert len(set(hash_images(others))) == 4


def test_hash_of_one_array_is_that_of_its_images():
    """A stack of images gives one hash each."""
    images = np.arange(48, dtype=np.uint8).reshape(2, 4, 2, 3)
    assert hash_images(images) == hash_images(list(images))


def test_hash_of_missing_files_names_them(tmp_path):
    """Files that cannot be opened are counted and named."""
    paths = [str(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    (tmp_path / "b.png").write_bytes(b"x")
    with pytest.raises(ImageReadError, match=r"2 of 3 images cannot be opened.*a\.png") as caught:
        hash_images(paths)
    assert [name for name, _ in caught.value.failures] == [paths[0], paths[2]]


def test_hash_of_objects_raises():
    """Other objects are errors."""
    with pytest.raises(TypeError, match=r"paths, contents of files \(bytes\), or images"):
        hash_images([{"pixels": 1}])


def test_names_are_below_the_common_folder(cells):
    """Names do not have the folders above the common one."""
    paths, *_ = cells
    assert name_images(paths)[3:5] == ["benign/c3.png", "malignant/c4.png"]
    assert name_images(paths[:4]) == ["c0.png", "c1.png", "c2.png", "c3.png"]
    assert name_images(paths[:1]) == ["c0.png"]


def test_names_of_relative_and_absolute_paths_agree(cells, monkeypatch, tmp_path):
    """Relative and absolute paths give the same names."""
    paths, *_ = cells
    monkeypatch.chdir(tmp_path / "cells")
    assert name_images(["benign/c0.png", "../cells/malignant/c4.png", paths[5]]) == [
        "benign/c0.png",
        "malignant/c4.png",
        "malignant/c5.png",
    ]


def test_names_of_arrays_are_numbers():
    """X[1] is image 1."""
    assert name_images(np.zeros((2, 4, 4, 3))) == ["image 0", "image 1"]
    assert name_images([b"a", b"b"]) == ["image 0", "image 1"]
    assert name_images([]) == []


def test_names_that_are_not_text_can_be_written(tmp_path):
    """A file name that is not UTF-8 becomes a unique text."""
    names = name_images(["/data/\udce9.png", "/data/\udce8.png"])
    assert names == ["\\udce9.png", "\\udce8.png"]
