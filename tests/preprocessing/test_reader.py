"""ImageReader: from files to one array, and the errors."""

import io
import pickle
import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from cellsk.exceptions import ImageReadError
from cellsk.preprocessing import ImageReader

PCAM = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "pcam"


def draw_pixels(seed, size=(8, 10)):
    """Return random RGB pixels."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.fixture
def paths(tmp_path):
    """Return the paths of five PNG files."""
    names = [tmp_path / f"c{seed}.png" for seed in range(5)]
    for seed, name in enumerate(names):
        Image.fromarray(draw_pixels(seed)).save(name)
    return [str(name) for name in names]


@pytest.fixture
def images():
    """Return the pixels of the five files."""
    return np.stack([draw_pixels(seed) for seed in range(5)])


def test_transform_paths_gives_one_array(paths, images):
    """Five files become one contiguous uint8 array in their order."""
    found = ImageReader().transform(paths)
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    assert found.flags.writeable
    assert np.array_equal(found, images)


@pytest.mark.parametrize(
    "convert",
    [
        tuple,
        np.array,
        lambda x: np.array(x, dtype=object),
        lambda x: np.array(x, dtype=np.dtypes.StringDType()),
        pd.Series,
        lambda x: pd.Series(x, index=[7, 3, 5, 1, 0]),
        pd.Index,
        lambda x: [Path(p) for p in x],
        lambda x: [Path(p).read_bytes() for p in x],
        lambda x: np.array([Path(p).read_bytes() for p in x], dtype=object),
        lambda x: [x[0], Path(x[1]), Path(x[2]).read_bytes(), *x[3:]],
    ],
)
def test_transform_accepts_kinds_of_sequences(paths, images, convert):
    """Lists, arrays, Series and mixtures of paths and bytes give the same."""
    assert np.array_equal(ImageReader().transform(convert(paths)), images)


def test_transform_image_size_and_channels_shape_result(paths):
    """The result has the height, width and channels of the parameters."""
    found = ImageReader(image_size=(4, 6), channels=1).fit_transform(paths)
    assert found.shape == (5, 4, 6, 1)


def test_transform_image_size_mixes_sizes(paths, tmp_path):
    """Files of several sizes become one size."""
    Image.fromarray(draw_pixels(9, (30, 7))).save(tmp_path / "wide.png")
    found = ImageReader(image_size=(8, 10)).transform([*paths, tmp_path / "wide.png"])
    assert found.shape == (6, 8, 10, 3)


def test_transform_differing_sizes_raise(paths, tmp_path):
    """Without image_size all images must have the size of the first."""
    for name in ("w1.png", "w2.png"):
        Image.fromarray(draw_pixels(9, (30, 7))).save(tmp_path / name)
    mixed = [*paths, tmp_path / "w1.png", tmp_path / "w2.png"]
    with pytest.raises(
        ValueError,
        match=r"must have the size of the first, 8 x 10 .* Got 2 of 7 images .* First:"
        r" '.*w1.png' \(30 x 7\). Pass image_size=\(8, 10\)",
    ):
        ImageReader().transform(mixed)


def test_transform_failures_are_counted_and_named(paths, tmp_path):
    """One error covers all files, with the first few names and the remedy."""
    whole = Path(paths[0]).read_bytes()
    for name, data in {"cut.png": whole[:100], "void.png": b"", "text.png": b"hello"}.items():
        (tmp_path / name).write_bytes(data)
    bad = [str(tmp_path / name) for name in ("cut.png", "void.png", "text.png", "absent.png")]
    with pytest.raises(
        ImageReadError,
        match=r"^4 of 9 images cannot be decoded\. First: '.*cut.png' \(file is truncated\),"
        r" '.*void.png' \(file is empty\), '.*text.png' \(not a PNG, JPEG, TIFF, BMP, WebP or JPEG"
        r" 2000 file\) and 1 more\. Leave them out with list_images\(folder, verify=True\)\.$",
    ) as caught:
        ImageReader().transform([*bad[:2], *paths, *bad[2:]])
    assert [name for name, _ in caught.value.failures] == bad
    assert caught.value.failures[-1][1] == "file does not exist"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.failures) == (str(caught.value), caught.value.failures)


def test_transform_all_failing_raises(tmp_path):
    """The error is the same if no image is readable, and bytes are named by position."""
    with pytest.raises(ImageReadError, match=r"2 of 2 images .* 'bytes at position 0' \(not a"):
        ImageReader().transform([b"hello", b"world"])
    with pytest.raises(ImageReadError, match=r"1 of 1 image cannot"):
        ImageReader().transform([tmp_path])


def test_transform_failure_by_setting_names_setting(tmp_path):
    """An undamaged file that needs a page is not reported as damaged."""
    pages = [Image.new("L", (4, 4), value) for value in (10, 20)]
    path = tmp_path / "stack.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    with pytest.raises(ImageReadError, match=r"\(2 pages, none .* Choose a page with ImageRead"):
        ImageReader().transform([path])
    assert ImageReader(page=1).transform([path])[0, 0, 0].tolist() == [20, 20, 20]


def test_transform_value_range_and_max_pixels_reach_codec(tmp_path):
    """The remaining parameters have their effect."""
    path = tmp_path / "deep.tif"
    Image.fromarray(np.array([[0, 4095]], np.uint16)).save(path)
    reader = ImageReader(value_range=(0, 4095), channels=1)
    assert reader.transform([path]).ravel().tolist() == [0, 255]
    assert ImageReader(channels=1).transform([path]).ravel().tolist() == [0, 16]
    with pytest.raises(
        ImageReadError, match=r"1 x 2 pixels, more than the limit of 1\).*larger max_"
    ):
        reader.set_params(max_pixels=1).transform([path])


def test_transform_bomb_raises_without_warning():
    """A small file that claims to have 10 gigapixels raises an error."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(ImageReadError, match=r"more pixels than the limit of 67,108,864"):
        ImageReader().transform([bomb])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a.png", TypeError, r"Got a single str. Pass a list: \[path\]"),
        (Path("a.png"), TypeError, r"Got a single .*Path. Pass a list"),
        (b"abc", TypeError, r"Got a single bytes. Pass a list"),
        ([], ValueError, r"Got no image at all. Pass at least one"),
        (np.array([], dtype=str), ValueError, r"Got no image at all"),
        (np.array([["a.png"]]), ValueError, r"shape \(1, 1\). Pass one column"),
        (pd.DataFrame({"path": ["a.png"]}), ValueError, r"shape \(1, 1\). Pass one column"),
        (np.array("a.png"), ValueError, r"0 dimensions"),
        (np.zeros((2, 4, 4, 3)), ValueError, r"pixels already, leave the reader out"),
        (np.array([b"ab\0"]), TypeError, r"drops the zero bytes .* Pass a list, or an array of"),
        ([1, 2], TypeError, r"Got 1 \(int\) at position 0. Pass paths only"),
        (["a.png", None], TypeError, r"Got None \(NoneType\) at position 1"),
        (pd.Series(["a.png", None]), TypeError, r"at position 1"),
        ([["a.png"]], TypeError, r"Got \['a.png'\] \(list\)"),
        (iter(["a.png"]), TypeError, r"Pass list\(X\)"),
        ({"a.png"}, TypeError, r"Got set. Pass list\(X\)"),
        ({"a.png": 1}, TypeError, r"Got dict"),
        (None, TypeError, r"Got NoneType"),
    ],
)
def test_transform_wrong_x_raises(X, error, message):
    """Each wrong X raises an error with the rule, the value and the remedy."""
    with pytest.raises(error, match=r"^X must be a list or 1-D array of paths.*" + message):
        ImageReader().transform(X)


@pytest.mark.parametrize(
    ("parameter", "value", "error", "message"),
    [
        ("image_size", (0, 64), ValueError, r"two positive integers \(height, width\), in pixels"),
        ("image_size", 96, ValueError, r"Got 96"),
        ("image_size", (96, 96, 3), ValueError, r"Got \(96, 96, 3\)"),
        ("channels", 4, ValueError, r"channels must be one of 1, 3. Got 4"),
        ("page", -1, ValueError, r"page must be a whole number of at least 0"),
        ("page", 1.5, TypeError, r"Got 1.5"),
        ("value_range", (1, 0), ValueError, r"two numbers \(low, high\), the lower first"),
        ("value_range", (0, np.inf), ValueError, r"Got \(0, inf\)"),
        ("value_range", 4095, ValueError, r"Got 4095"),
        ("max_pixels", 0, ValueError, r"max_pixels must be a whole number of at least 1"),
        ("verbose", "yes", TypeError, r"verbose must be a whole number"),
    ],
)
def test_parameter_wrong_raises_in_fit_and_transform(paths, parameter, value, error, message):
    """The constructor stores any value; fit and transform raise an error."""
    reader = ImageReader(**{parameter: value})
    for method in (reader.fit, reader.transform):
        with pytest.raises(error, match=message):
            method(paths)


def test_fit_reads_nothing():
    """Fit returns the reader itself, even if the files are missing."""
    reader = ImageReader()
    assert reader.fit(["no/such/file.png"]) is reader


def test_reader_is_stateless():
    """It counts as fitted from the start, and has the tags of its input."""
    check_is_fitted(ImageReader())
    tags = get_tags(ImageReader())
    assert not tags.requires_fit
    assert tags.input_tags.string
    assert tags.input_tags.one_d_array
    assert not tags.input_tags.two_d_array
    assert not hasattr(ImageReader(), "get_feature_names_out")
    with pytest.raises(NotFittedError):
        check_is_fitted(ImageReader(), "never_learned_")


def test_reader_clone_pickle_and_repr_keep_parameters(paths):
    """clone, pickle, get_params and the HTML representation work."""
    reader = ImageReader(image_size=[4, 6], channels=1)
    for other in (clone(reader), pickle.loads(pickle.dumps(reader))):
        assert other.get_params() == reader.get_params()
        assert np.array_equal(other.transform(paths), reader.transform(paths))
    assert "channels=1" in repr(reader)
    assert "ImageReader" in reader._repr_html_()
    assert reader.set_params(channels=3).transform(paths).shape == (5, 4, 6, 3)


def test_reader_in_pipeline_feeds_next_step(paths, images):
    """A pipeline turns paths into pixels, also unfitted."""
    pipeline = Pipeline([("reader", ImageReader()), ("half", FunctionTransformer(np.negative))])
    assert np.array_equal(pipeline.fit_transform(paths, [0, 1, 0, 1, 0]), np.negative(images))
    assert make_pipeline(ImageReader(image_size=(2, 2))).transform(paths).shape == (5, 2, 2, 3)
    assert "ImageReader" in pipeline._repr_html_()


def test_transform_verbose_shows_progress_on_stderr(paths, capfd):
    """A bar appears on stderr only if verbose is set, and nothing on stdout."""
    ImageReader(verbose=1).transform(paths)
    shown = capfd.readouterr()
    assert "Reading images" in shown.err
    assert shown.out == ""
    ImageReader(verbose=False).transform(paths)
    assert capfd.readouterr() == ("", "")


def test_transform_truncated_files_stay_off_stderr(capfd):
    """C libraries print nothing about truncated files."""
    pixels = draw_pixels(0, (64, 64))
    for kind, options in [("JPEG", {}), ("TIFF", {"compression": "tiff_lzw"}), ("PNG", {})]:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, kind, **options)
        with pytest.raises(ImageReadError):
            ImageReader().transform([stream.getvalue()[:-500]])
    assert capfd.readouterr() == ("", "")


def test_transform_memory_is_result_and_one_image(tmp_path):
    """The peak is the result and a few copies of one image, for any number of images."""
    path = tmp_path / "a.png"
    Image.fromarray(draw_pixels(0, (100, 100))).save(path)
    reader = ImageReader()
    reader.transform([path])
    tracemalloc.start()
    result = reader.transform([path] * 200)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < result.nbytes + 10 * 100 * 100 * 3


def test_transform_leaves_warning_filters_alone(paths):
    """The caller's warning filters do not change."""
    before = list(warnings.filters)
    ImageReader().transform(paths)
    assert warnings.filters == before


@pytest.mark.skipif(not PCAM.is_dir(), reason="the PatchCamelyon subset is not here")
def test_transform_real_patches_match_pillow():
    """Real patches have the same pixels as with Pillow."""
    found = sorted((PCAM / "valid" / "1").glob("*.jpg"))[:50]
    images = ImageReader().transform(found)
    assert images.shape == (50, 96, 96, 3)
    for path, pixels in zip(found, images, strict=True):
        with Image.open(path) as image:
            assert np.array_equal(pixels, np.asarray(image))
