"""Image files that are read by their content, those that are not read, and symbolic links."""

import io
import os
import time

import numpy as np
import pytest
from PIL import Image

from cellsk.datasets import list_images
from cellsk.exceptions import ImageReadWarning
from cellsk.preprocessing import ImageReader

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)


def save_image(kind, **options):
    """Return the bytes of an image file."""
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind, **options)
    return stream.getvalue()


def write_files(folder, files):
    """Write files below a folder, and return the folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def list_names(found, folder):
    """Return the relative paths of a Bunch."""
    return [os.path.relpath(path, folder).replace(os.sep, "/") for path in found.paths]


# Kinds ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("a.webp", "WEBP", {"lossless": True}),
        ("a.jfif", "JPEG", {"quality": 100, "subsampling": 0}),
        ("a.jpe", "JPEG", {"quality": 100, "subsampling": 0}),
        ("a.jp2", "JPEG2000", {}),
        ("a.j2k", "JPEG2000", {"no_jp2": True}),
        ("a.dib", "BMP", {}),
        ("IMG0001", "PNG", {}),
        ("scan 1.2.840.113", "TIFF", {}),
        ("cell_x1.25", "WEBP", {"lossless": True}),
        ("a.gif", "PNG", {}),
    ],
)
def test_files_that_are_read_by_their_content(tmp_path, name, kind, options):
    """List and read WebP, JFIF and JPEG 2000 files, and files without an extension."""
    write_files(tmp_path, {f"b/{name}": save_image(kind, **options)})
    write_files(
        tmp_path, {"m/x.png": save_image("PNG"), "m/README": b"BM, no image", "LICENSE": b""}
    )
    found = list_images(tmp_path)
    assert list_names(found, tmp_path) == [f"b/{name}", "m/x.png"]
    read = ImageReader().transform(found.paths)
    assert np.abs(read[0].astype(int) - read[1]).max() <= (8 if kind == "JPEG" else 0)


def test_files_of_other_kinds_give_one_warning_and_are_listed(tmp_path):
    """By their extension or their content, with counts."""
    files = {
        "b/1.png": save_image("PNG"), "m/2.png": save_image("PNG"), "m/3.gif": save_image("GIF"),
        "b/4.GIF": b"", "b/5.heic": b"", "b/6": save_image("GIF"), "b/7.dcm": b"",
        "b/8.svs": save_image("TIFF"), "b/9.bin": save_image("PNG"), "b/10.bin": b"\0" * 200,
        "b/11": b"\0" * 128 + b"DICM", "b/12.txt": b"GIF89a", "b/13.json": b"{}", "b/14.ppm": b"",
        "b/15.bin": b"\0\0\0\x18ftypheic",
    }  # fmt: skip
    write_files(tmp_path, files)
    with pytest.warns(
        ImageReadWarning,
        match=r"JPEG 2000 files in .* 2 \.bin, 2 \.gif, 2 without extension, 1 \.dcm, 1 \.heic and"
        r" 2 other files too, left out\. First: 'b/11', .* and 7 more\. Convert them",
    ) as caught:
        found = list_images(tmp_path)
    assert len(caught) == 1
    assert caught[0].message.code == "images-of-other-kinds"
    assert caught[0].message.values == {"n_files": 10}
    assert caught[0].filename == __file__
    assert len(found.paths) == 2
    names = {path.split("/")[-1] for path in found.not_read}
    assert names == {
        "3.gif",
        "4.GIF",
        "5.heic",
        "6",
        "7.dcm",
        "8.svs",
        "9.bin",
        "11",
        "14.ppm",
        "15.bin",
    }


def test_file_that_is_a_pipe_is_not_opened(tmp_path):
    """A named pipe would wait for ever."""
    write_files(tmp_path, {"1.png": save_image("PNG")})
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.gif")
    assert len(list_images(tmp_path).paths) == 1


# Links ------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    """Return a store of four images under their hashes, as git-annex and DVC have them."""
    files = {f"store/{number}{number}/{number * 8}": save_image("PNG") for number in "1234"}
    return write_files(tmp_path, files) / "store"


def test_links_of_a_store_are_followed(tmp_path, store):
    """Each link is an image, under its own name, even if two name the same file."""
    for name, key in {"b/1.png": "1", "b/2.png": "2", "m/3": "3", "m/also_2.png": "2"}.items():
        (tmp_path / "cells" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cells" / name).symlink_to(store / (key * 2) / (key * 8))
    found = list_images(tmp_path / "cells", follow_links=True)
    assert list_names(found, tmp_path / "cells") == ["b/1.png", "b/2.png", "m/3", "m/also_2.png"]
    assert found.y.tolist() == [0, 0, 1, 1]
    assert ImageReader().transform(found.paths).shape == (4, 12, 10, 3)


def test_links_to_folders_are_followed_and_loops_end(tmp_path, store):
    """A folder is listed once. Links to a folder above are counted."""
    write_files(tmp_path, {"cells/b/1.png": save_image("PNG")})
    (tmp_path / "cells" / "m").symlink_to(store)
    (store / "11" / "back").symlink_to(tmp_path / "cells")
    (store / "22" / "around").symlink_to(store)
    (tmp_path / "cells" / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "cells" / "b" / "root").symlink_to("/")
    (tmp_path / "cells" / "b" / "self").symlink_to("self")
    with pytest.warns(ImageReadWarning) as caught:
        found = list_images(tmp_path / "cells", follow_links=True)
    assert list_names(found, tmp_path / "cells") == [
        "b/1.png", *(f"m/{number * 2}/{number * 8}" for number in "1234"),
    ]  # fmt: skip
    assert {warning.message.code: warning.message.values["n_files"] for warning in caught} == {
        "links-repeated": 3,
        "links-broken": 1,
    }


def test_links_that_branch_are_followed_once_in_little_time(tmp_path, store):
    """Two links in each of many folders would be 2**40 paths."""
    for level in range(40):
        (tmp_path / f"f{level}").mkdir()
        for name in "ab":
            (tmp_path / f"f{level}" / name).symlink_to(tmp_path / f"f{level + 1}")
    write_files(tmp_path, {"f40/1.png": save_image("PNG"), "f0/2.png": save_image("PNG")})
    start = time.process_time()
    with pytest.warns(ImageReadWarning, match=r"listed already are not followed. Got 40 links"):
        found = list_images(tmp_path / "f0", labels=False, follow_links=True)
    assert len(found.paths) == 2
    assert time.process_time() - start < 5
