"""Pixels of every kind of file, compared with values computed here."""

import contextlib
import errno
import hashlib
import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from cellsk._codec import (
    DecodeError,
    ReadSettingError,
    decode_image,
    encode_image,
    open_page,
)

DEEP = np.array([[0, 1000, 4095], [30000, 65000, 65535]], dtype=np.uint16)
DEEP_AS_8_BITS = np.array([[0, 4, 16], [117, 253, 255]], dtype=np.uint8)
RGB = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3
LUMA = np.array([0.299, 0.587, 0.114])


def build_tiff(pixels, *, order="<", compress=False, planar=1, extra=None, **tags):
    """Return a TIFF file of one strip. Tags are given by the short names below."""
    height, width = pixels.shape[:2] if planar == 1 else pixels.shape[1:]
    n_samples = 1 if pixels.ndim == 2 else pixels.shape[2 if planar == 1 else 0]
    bits = tags.get("bits", pixels.dtype.itemsize * 8)
    data = tags.get("data", pixels.astype(pixels.dtype.newbyteorder(order)).tobytes())
    planes = [data] if planar == 1 else [plane.tobytes() for plane in pixels]
    if compress:
        planes = [zlib.compress(plane) for plane in planes]
    photometric = tags.get("photometric", 2 if n_samples >= 3 else 1)
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    entries = {
        256: [width], 257: [height], 258: [bits] * n_samples, 259: [8 if compress else 1],
        262: [photometric], 273: [0] * len(planes), 274: [tags.get("orientation", 1)],
        277: [n_samples], 278: [height], 279: [len(plane) for plane in planes],
        284: [planar], 339: [kind] * n_samples,
    }  # fmt: skip
    if extra is not None:
        entries[338] = extra
    start = 8 + 2 + 12 * len(entries) + 4
    n_long = sum(4 * len(v) for v in entries.values() if len(v) > 1)
    offset = start + n_long
    entries[273] = [offset + sum(map(len, planes[:i])) for i in range(len(planes))]
    head, more = b"", b""
    for tag, values in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            where = struct.pack(f"{order}I", start + len(more))
            more, packed = more + packed, where
        head += struct.pack(f"{order}HHI", tag, 4, len(values)) + packed
    magic = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}IH", 8, len(entries)) + head + b"\0\0\0\0"
    return magic + directory + more + b"".join(planes)


def build_png(depth, color, width, rows, *chunks):
    """Return a PNG file of these raw rows."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, len(rows), depth, color, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def save_bytes(image, kind="PNG", **options):
    """Return a file as Pillow writes it."""
    stream = io.BytesIO()
    image.save(stream, format=kind, **options)
    return stream.getvalue()


def decode_gray(source, **options):
    """Return one channel as a 2-D array."""
    return decode_image(source, channels=1, **options)[:, :, 0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_decode_rgb_file_keeps_pixels(kind):
    """Lossless color files give the same pixels."""
    assert np.array_equal(decode_image(save_bytes(Image.fromarray(RGB), kind)), RGB)


def test_decode_jpeg_file_is_close_to_pixels():
    """JPEG files give pixels within the loss of JPEG."""
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    pixels = decode_image(save_bytes(Image.fromarray(flat), "JPEG", quality=95))
    assert np.abs(pixels.astype(int) - flat).max() <= 2


def test_decode_path_str_and_bytes_agree(tmp_path):
    """The three kinds of source give the same pixels."""
    path = tmp_path / "a.png"
    path.write_bytes(save_bytes(Image.fromarray(RGB)))
    for source in (path, str(path), path.read_bytes()):
        assert np.array_equal(decode_image(source), RGB)


def test_decode_content_decides_over_extension(tmp_path):
    """A PNG file named .jpg is read as PNG."""
    path = tmp_path / "a.jpg"
    path.write_bytes(save_bytes(Image.fromarray(RGB)))
    assert np.array_equal(decode_image(path), RGB)


def test_decode_color_as_one_channel_gives_luma():
    """Gray is 0.299 R + 0.587 G + 0.114 B."""
    expected = RGB.astype(float) @ LUMA
    assert np.abs(decode_gray(save_bytes(Image.fromarray(RGB))) - expected).max() <= 0.51


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_decode_gray_file_as_three_channels_repeats_it(kind):
    """Gray becomes three equal channels."""
    gray = RGB[:, :, 0].copy()
    pixels = decode_image(save_bytes(Image.fromarray(gray), kind))
    assert np.array_equal(pixels, np.repeat(gray[:, :, None], 3, axis=2))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_decode_one_bit_file_gives_black_and_white(kind):
    """1 bit becomes 0 and 255."""
    bits = np.array([[True, False, True], [False, False, True]])
    assert np.array_equal(decode_gray(save_bytes(Image.fromarray(bits), kind)), bits * 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_decode_palette_file_gives_its_colors(kind):
    """An index becomes the color of the palette."""
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "L").convert("P")
    colors = np.array([[10, 20, 30], [200, 0, 7], [0, 255, 9]], np.uint8)
    image.putpalette(colors.ravel().tolist() + [0] * (768 - 9))
    assert np.array_equal(decode_image(save_bytes(image, kind)), colors[[[0, 1], [2, 1]]])


def test_decode_palette_with_transparency_composes_on_white():
    """Half transparent palette colors are mixed with white, without a warning."""
    chunks = [(b"PLTE", bytes([10, 20, 30, 200, 0, 7])), (b"tRNS", bytes([255, 128]))]
    pixels = decode_image(build_png(8, 3, 2, [bytes([0, 1])], *chunks))
    mixed = np.array([200, 0, 7]) * 128 / 255 + 255 * (127 / 255)
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert np.abs(pixels[0, 1] - mixed).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_decode_rgba_file_composes_on_white(kind):
    """Alpha 0 gives white, 255 the color, 64 a quarter of the color."""
    rgba = np.array([[[9, 80, 200, 0], [9, 80, 200, 255], [9, 80, 200, 64]]], np.uint8)
    pixels = decode_image(save_bytes(Image.fromarray(rgba), kind))
    mixed = np.array([9, 80, 200]) * 64 / 255 + 255 * 191 / 255
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[0, 1].tolist() == [9, 80, 200]
    assert np.abs(pixels[0, 2] - mixed).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("channels", [1, 3])
def test_decode_gray_alpha_file_composes_on_white(kind, channels):
    """Gray with alpha is mixed with white."""
    pairs = np.array([[[40, 0], [40, 255], [40, 128]]], np.uint8)
    pixels = decode_image(save_bytes(Image.fromarray(pairs), kind), channels=channels)
    assert np.abs(pixels[0, :, 0].astype(int) - [255, 40, 147]).max() <= 1
    assert pixels.shape == (1, 3, channels)


def test_decode_premultiplied_tiff_composes_on_white():
    """TIFF with associated alpha, gray or color, is mixed with white."""
    gray = np.array([[[20, 128]]], np.uint8)
    color = np.array([[[20, 20, 20, 128]]], np.uint8)
    for pixels in (gray, color):
        found = decode_gray(build_tiff(pixels, extra=[1]))
        assert abs(int(found[0, 0]) - (20 + 127)) <= 1


@pytest.mark.parametrize(
    ("depth", "color", "row", "clear", "expected"),
    [
        (8, 0, bytes([7, 9]), struct.pack(">H", 9), [7, 255]),
        (4, 0, bytes([0x2A]), struct.pack(">H", 2), [255, 170]),
        (2, 0, bytes([0b01100000]), struct.pack(">H", 1), [255, 170]),
        (1, 0, bytes([0b01000000]), struct.pack(">H", 0), [255, 255]),
        (16, 0, struct.pack(">2H", 1000, 4095), struct.pack(">H", 1000), [255, 16]),
        (8, 2, bytes([7, 7, 7, 9, 9, 9]), struct.pack(">3H", 9, 9, 9), [7, 255]),
        (16, 2, struct.pack(">6H", 1, 2, 3, *[9000] * 3), struct.pack(">3H", 1, 2, 3), [255, 35]),
    ],
)  # fmt: skip
def test_decode_png_with_one_clear_color_makes_it_white(depth, color, row, clear, expected):
    """The transparent color of a PNG file becomes white at every depth."""
    found = decode_gray(build_png(depth, color, 2, [row], (b"tRNS", clear)))
    assert found[0].tolist() == expected


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_decode_cmyk_file_gives_rgb(kind):
    """R = 255 (1 - C) (1 - K), also in Adobe's inverted JPEG."""
    ink = np.full((16, 16, 4), (0, 128, 255, 51), np.uint8)
    pixels = decode_image(save_bytes(Image.fromarray(ink, "CMYK"), kind)).astype(int)
    expected = 255 * (1 - np.array([0, 128, 255]) / 255) * (1 - 51 / 255)
    assert np.abs(pixels - expected).max() <= (1 if kind == "TIFF" else 4)


def test_decode_ycbcr_tiff_gives_rgb():
    """YCbCr is converted by ITU-R 601."""
    pixels = decode_image(build_tiff(np.full((2, 2, 3), (100, 128, 168), np.uint8), photometric=6))
    expected = [100 + 1.402 * 40, 100 - 0.714136 * 40, 100]
    assert np.abs(pixels.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_decode_16_bit_gray_tiff_scales(order, compress):
    """16 bits are scaled by 255/65535 in both byte orders, not clipped."""
    data = build_tiff(DEEP, order=order, compress=compress)
    assert np.array_equal(decode_gray(data), DEEP_AS_8_BITS)


def test_decode_16_bit_gray_png_scales():
    """16-bit PNG is scaled and rounded for all values."""
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    expected = np.floor(values / 257 + 0.5)
    assert np.array_equal(decode_gray(save_bytes(Image.fromarray(values))), expected)


def test_decode_16_bit_file_with_value_range_uses_it():
    """12-bit data in a 16-bit file use the full scale if the range is given."""
    values = np.array([[0, 2048, 4095]], np.uint16)
    found = decode_gray(build_tiff(values), value_range=(0, 4095))
    assert found.tolist() == [[0, 128, 255]]


def test_decode_value_outside_range_raises():
    """A value outside the given range raises an error that shows both."""
    with pytest.raises(ReadSettingError, match=r"from 0 to 65535, outside the range \(0, 4095\)"):
        decode_image(build_tiff(DEEP), value_range=(0, 4095))


def test_decode_12_bit_tiff_scales_by_4095():
    """Packed 12 bits have the range 0 to 4095."""
    packed = bytes([0x00, 0x0F, 0xFF, 0x80, 0x00, 0x00])  # 0, 4095, 2048, 0
    data = build_tiff(np.zeros((1, 4), np.uint16), bits=12, data=packed)
    assert decode_gray(data).tolist() == [[0, 255, 128, 0]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_decode_white_is_zero_tiff_inverts(dtype):
    """If zero is white, zero becomes 255 at every depth."""
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    data = build_tiff(np.array([[0, top]], dtype), photometric=0)
    assert decode_gray(data).tolist() == [[255, 0]]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_decode_float_tiff_scales_from_unit_range(order, compress):
    """Floats from 0 to 1 use the full scale."""
    values = np.array([[0, 0.25, 0.5, 1]], np.float32)
    found = decode_gray(build_tiff(values, order=order, compress=compress))
    assert found.tolist() == [[0, 64, 128, 255]]


def test_decode_float_outside_unit_range_raises():
    """Floats outside 0 to 1 need a range, and use it."""
    data = build_tiff(np.array([[-1, 0, 3]], np.float32))
    with pytest.raises(ReadSettingError, match=r"outside the range \(0, 1\)$"):
        decode_image(data)
    assert decode_gray(data, value_range=(-1, 3)).tolist() == [[0, 64, 255]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_decode_float_not_finite_raises(bad):
    """NaN and infinity raise errors."""
    data = build_tiff(np.array([[0, bad]], np.float32))
    with pytest.raises(DecodeError, match="NaN or infinite"):
        decode_image(data)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(("dtype", "order"), [("i4", "<"), ("i4", ">"), ("u4", "<"), ("i2", ">")])
def test_decode_whole_numbers_need_value_range(dtype, order, compress):
    """Signed and 32-bit whole numbers have no default range."""
    data = build_tiff(np.array([[0, 100, 200]], dtype), order=order, compress=compress)
    with pytest.raises(ReadSettingError, match="whole numbers, whose range is not known"):
        decode_image(data)
    assert decode_gray(data, value_range=(0, 200)).tolist() == [[0, 128, 255]]


def test_decode_unsigned_32_bit_keeps_large_values():
    """Values above 2**31 are not read as negative values."""
    data = build_tiff(np.array([[0, 2**32 - 1]], np.uint32))
    assert decode_gray(data, value_range=(0, 2**32 - 1)).tolist() == [[0, 255]]


@pytest.mark.parametrize("compress", [False, True])
def test_decode_16_bit_color_is_right_within_one(compress):
    """16-bit color is correct within one level, in TIFF and PNG."""
    deep = np.arange(4 * 5 * 3, dtype=np.uint16).reshape(4, 5, 3) * 1111
    rows = [row.astype(">u2").tobytes() for row in deep]
    for data in (build_tiff(deep, compress=compress), build_png(16, 2, 5, rows)):
        assert np.abs(decode_image(data) - deep / 257).max() <= 1


def test_decode_16_bit_color_with_value_range_raises():
    """The low byte of 16-bit color is lost, so no range can be applied."""
    deep = np.zeros((2, 2, 3), np.uint16)
    for data in (build_tiff(deep), build_png(16, 2, 2, [bytes(12)] * 2)):
        with pytest.raises(ReadSettingError, match="16-bit color, which cannot be scaled"):
            decode_image(data, value_range=(0, 4095))


def test_decode_8_bit_file_ignores_value_range():
    """A value range does not change files of 8 bits."""
    assert np.array_equal(decode_image(save_bytes(Image.fromarray(RGB)), value_range=(0, 9)), RGB)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "compressed TIFF"])
def test_decode_orientation_is_applied(kind, orientation):
    """Images of all eight orientations become upright, in every format that has them."""
    upright = np.kron(np.arange(6).reshape(2, 3) * 40 + 20, np.ones((16, 16))).astype(np.uint8)
    turns = {
        1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
        5: lambda a: a.T, 6: np.rot90, 7: lambda a: np.rot90(a, 2).T, 8: lambda a: np.rot90(a, 3),
    }  # fmt: skip
    stored = np.ascontiguousarray(turns[orientation](upright))
    if kind.endswith("TIFF"):
        data = build_tiff(stored, orientation=orientation, compress=kind != "TIFF")
    else:
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = save_bytes(Image.fromarray(stored), kind, exif=exif)
    found = decode_gray(data)
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() <= (4 if kind == "JPEG" else 0)


def test_decode_16_bit_tiff_with_orientation_is_turned():
    """A 16-bit image with an orientation is correct."""
    data = build_tiff(np.ascontiguousarray(np.rot90(DEEP)), orientation=6)
    assert np.array_equal(decode_gray(data), DEEP_AS_8_BITS)


def test_decode_damaged_exif_keeps_image():
    """The image is read without a warning if the notes about the camera are damaged."""
    data = save_bytes(Image.fromarray(RGB), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\0\1")
    assert decode_image(data).shape == RGB.shape


@pytest.fixture
def three_pages():
    """Return a TIFF file of three gray pages, 10, 20 and 30."""
    pages = [Image.new("L", (5, 4), value) for value in (10, 20, 30)]
    return save_bytes(pages[0], "TIFF", save_all=True, append_images=pages[1:])


def test_decode_multi_page_file_needs_page(three_pages):
    """Several pages raise an error until a page is chosen, counted from 0."""
    with pytest.raises(ReadSettingError, match="3 pages, none of which is chosen"):
        decode_image(three_pages)
    assert [decode_gray(three_pages, page=i)[0, 0] for i in range(3)] == [10, 20, 30]


def test_decode_missing_page_raises(three_pages):
    """A page after the last one raises an error with the number of pages."""
    with pytest.raises(ReadSettingError, match="3 pages, so no page 3, counted from 0"):
        decode_image(three_pages, page=3)
    with pytest.raises(ReadSettingError, match="1 page, so no page 1"):
        decode_image(save_bytes(Image.fromarray(RGB)), page=1)
    assert np.array_equal(decode_image(save_bytes(Image.fromarray(RGB)), page=0), RGB)


def test_decode_animated_png_needs_page():
    """An animated PNG is a file of several pages."""
    frames = [Image.new("L", (4, 4), value) for value in (10, 200)]
    data = save_bytes(frames[0], "PNG", save_all=True, append_images=frames[1:])
    with pytest.raises(ReadSettingError, match="2 pages"):
        decode_image(data)
    assert decode_gray(data, page=1)[0, 0] == 200


def test_decode_mpo_gives_primary_image():
    """A multi-picture JPEG is read as its first picture."""
    pictures = [Image.new("L", (16, 16), value) for value in (40, 220)]
    data = save_bytes(pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    assert abs(int(decode_gray(data)[0, 0]) - 40) <= 1


def test_decode_resize_shrinks_with_antialiasing():
    """A fine checkerboard becomes gray, not black or white."""
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    found = decode_gray(save_bytes(Image.fromarray(board)), image_size=(8, 16))
    assert found.shape == (8, 16)
    assert np.abs(found.astype(int) - 127.5).max() <= 8


def test_decode_resize_to_own_size_changes_nothing():
    """Images that have the size already are not resampled."""
    assert np.array_equal(decode_image(save_bytes(Image.fromarray(RGB)), image_size=(4, 6)), RGB)


def build_every_kind():
    """Return one file of every kind of pixels that can be read without a setting."""
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)
    gray = rgb[:, :, 0].copy()
    rgba = np.dstack([rgb, gray[:, ::-1]])
    palette = Image.fromarray(rgb).convert("P", palette=Image.Palette.ADAPTIVE)
    exif = Image.Exif()
    exif[0x0112] = 6
    chunks = [(b"PLTE", bytes([10, 20, 30, 200, 0, 7])), (b"tRNS", bytes([255, 128]))]
    pages = [Image.fromarray(gray), Image.fromarray(gray[::-1].copy())]
    return {
        **{f"rgb {kind}": save_bytes(Image.fromarray(rgb), kind) for kind in FORMATS},
        **{f"gray {kind}": save_bytes(Image.fromarray(gray), kind) for kind in FORMATS},
        **{f"1 bit {kind}": save_bytes(Image.fromarray(gray > 99), kind) for kind in LOSSLESS},
        **{f"palette {kind}": save_bytes(palette, kind) for kind in LOSSLESS},
        **{f"rgba {kind}": save_bytes(Image.fromarray(rgba), kind) for kind in ("PNG", "TIFF")},
        "gray and alpha": save_bytes(Image.fromarray(np.dstack([gray, gray[::-1]])), "PNG"),
        "premultiplied": build_tiff(np.dstack([gray, gray[::-1]]), extra=[1]),
        "palette and alpha": build_png(8, 3, 2, [bytes([0, 1])], *chunks),
        "one clear value": build_png(2, 0, 2, [bytes([0x60])], (b"tRNS", struct.pack(">H", 1))),
        "CMYK JPEG": save_bytes(Image.fromarray(rgba, "CMYK"), "JPEG"),
        "CMYK TIFF": save_bytes(Image.fromarray(rgba, "CMYK"), "TIFF"),
        "YCbCr TIFF": build_tiff(rgb, photometric=6),
        "turned JPEG": save_bytes(Image.fromarray(rgb), "JPEG", exif=exif),
        "turned PNG": save_bytes(Image.fromarray(rgb), "PNG", exif=exif),
        "turned TIFF": build_tiff(rgb, orientation=6),
        "16-bit PNG": save_bytes(Image.fromarray(DEEP), "PNG"),
        "16-bit TIFF": build_tiff(DEEP, order=">", compress=True),
        "16-bit color": build_tiff(rgb.astype(np.uint16) * 257),
        "float TIFF": build_tiff((gray / 255).astype(np.float32)),
        "white is zero": build_tiff(DEEP, photometric=0),
        "MPO": save_bytes(pages[0], "MPO", save_all=True, append_images=pages[1:]),
    }


FORMATS, LOSSLESS = ("PNG", "JPEG", "TIFF", "BMP"), ("PNG", "TIFF", "BMP")
EVERY_KIND = build_every_kind()


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_open_page_gives_all_sizes_the_pixels_of_separate_decoding(kind):
    """One opening gives the full size, a smaller size, gray and color, bit for bit."""
    data = EVERY_KIND[kind]
    wanted = [(3, None), (3, (5, 7)), (1, None), (1, (5, 7)), (3, None)]
    with open_page(data) as page:
        found = [page.to_pixels(*settings) for settings in wanted]
        facts = page.describe_file()
    assert page.is_default
    for (channels, image_size), pixels in zip(wanted, found, strict=True):
        alone = decode_image(data, channels=channels, image_size=image_size)
        assert np.array_equal(pixels, alone)
        assert pixels.dtype == np.uint8
    assert facts.digest == hashlib.sha256(data).hexdigest()
    assert facts.n_bytes == len(data)
    assert facts.format == Image.open(io.BytesIO(data)).format
    assert facts.mode == Image.open(io.BytesIO(data)).mode


@pytest.mark.parametrize(
    ("kind", "settings", "is_default"),
    [
        ("rgb PNG", {"page": 0}, True),
        ("rgb PNG", {"value_range": (0, 9)}, True),
        ("rgb PNG", {"max_pixels": 200}, True),
        ("16-bit TIFF", {"value_range": (0, 65535)}, False),
        ("float TIFF", {"value_range": (0, 2)}, False),
    ],
)
def test_open_page_knows_whether_default_settings_give_the_same(kind, settings, is_default):
    """Settings that do not matter for a file count as defaults."""
    with open_page(EVERY_KIND[kind], **settings) as page:
        assert page.is_default is is_default
        if is_default:
            assert np.array_equal(page.to_pixels(), decode_image(EVERY_KIND[kind]))


def test_open_page_of_a_stack_is_not_the_default(three_pages):
    """The defaults raise an error for a file of several pages, so a chosen page differs."""
    with open_page(three_pages, page=0) as page:
        assert not page.is_default


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (np.zeros((4, 4, 2), np.uint8), {"extra": [0]}, "more channels than gray, color"),
        (np.zeros((4, 4, 5), np.uint8), {"extra": [2, 0]}, "more channels than gray, color"),
        (np.zeros((3, 4, 4), np.uint16), {"planar": 2}, "16-bit color stored plane by plane"),
        (np.zeros((4, 4), np.int8), {}, "signed 8-bit pixels"),
        (np.zeros((4, 4, 3), np.uint8), {"photometric": 8}, "colors in LAB cannot be read"),
        (np.zeros((4, 4), np.float64), {}, "TIFF file is damaged, or of a kind that cannot"),
    ],
)
def test_decode_layout_that_pillow_misreads_raises(pixels, options, reason):
    """Files that Pillow would read wrongly raise an error with a reason."""
    with pytest.raises(DecodeError, match=reason):
        decode_image(build_tiff(pixels, **options))


def test_decode_planar_8_bit_tiff_gives_rgb():
    """8-bit files stored plane by plane are read."""
    assert np.array_equal(decode_image(build_tiff(RGB.transpose(2, 0, 1).copy(), planar=2)), RGB)


@pytest.mark.parametrize("size", [(9000, 9000), (12000, 12000), (60000, 60000)])
def test_decode_bomb_raises_before_decoding(size):
    """Too many pixels raise an error before decoding, also above Pillow's own limits."""
    header = struct.pack(">II", *size)
    data = build_png(8, 2, 1, [b"abc"])
    data = data[:16] + header + data[24:29] + struct.pack(
        ">I", zlib.crc32(b"IHDR" + header + data[24:29])
    ) + data[33:]  # fmt: skip
    with pytest.raises(ReadSettingError, match=r"more .*than the limit of 67,108,864"):
        decode_image(data)
    with pytest.raises(
        DecodeError, match=r"damaged|truncated|own limit"
    ):  # without a warning of Pillow
        decode_image(data, max_pixels=2**40)


def test_decode_max_pixels_is_the_largest_allowed():
    """An image of exactly max_pixels is read, one of more pixels is not."""
    data = save_bytes(Image.fromarray(RGB))
    assert decode_image(data, max_pixels=24).shape == (4, 6, 3)
    with pytest.raises(ReadSettingError, match="4 x 6 pixels, more than the limit of 23"):
        decode_image(data, max_pixels=23)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
def test_decode_truncated_file_raises(kind):
    """A truncated file gives a reason, and never pixels or a warning."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = save_bytes(Image.fromarray(noise), kind)
    for share in (0.02, 0.1, 0.5, 0.9):
        with pytest.raises(DecodeError, match=r"truncated|damaged"):
            decode_image(data[: int(len(data) * share)])
    with pytest.raises(DecodeError, match=r"truncated"):
        decode_image(data[: len(data) // 2])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
def test_decode_flipped_bytes_never_escape(kind):
    """Damage anywhere gives pixels or a DecodeError, and no other error."""
    rng = np.random.default_rng(1)
    data = np.frombuffer(save_bytes(Image.fromarray(RGB), kind), np.uint8)
    for _ in range(150):
        damaged = data.copy()
        places = rng.integers(0, len(data), 3)
        damaged[places] = rng.integers(0, 256, 3)
        with contextlib.suppress(DecodeError):
            pixels = decode_image(damaged.tobytes())
            assert pixels.dtype == np.uint8


def test_decode_foreign_file_raises():
    """Text files and other formats give a reason."""
    for data in (b"id,label\na,1\n", save_bytes(Image.fromarray(RGB), "GIF")):
        with pytest.raises(DecodeError, match="not a PNG, JPEG, TIFF, BMP, WebP or JPEG 2000 file"):
            decode_image(data)


def test_decode_no_image_at_path_raises(tmp_path):
    """Missing files, folders, empty files and pipes each give a reason."""
    (tmp_path / "void.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    reasons = {
        "absent.png": "file does not exist",
        ".": "path is a folder",
        "void.png": "file is empty",
        "pipe.png": "not a regular file",
        "a\0b.png": "path is not valid",
        "void.png/a.png": "not a directory",
    }
    for name, reason in reasons.items():
        with pytest.raises(DecodeError, match=reason):
            decode_image(f"{tmp_path}/{name}")
    with pytest.raises(DecodeError, match="file is empty"):
        decode_image(b"")


def test_decode_forbidden_file_raises(tmp_path, monkeypatch):
    """A file without read permission gives a reason."""

    def forbid(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    path = tmp_path / "a.png"
    path.write_bytes(b"x")
    monkeypatch.setattr("builtins.open", forbid)
    with pytest.raises(DecodeError, match="permission denied"):
        decode_image(path)


def test_decode_warnings_of_pillow_stay_inside(recwarn):
    """A warning of Pillow about a damaged tag is not shown."""
    data = bytearray(build_tiff(RGB, extra=None))
    place = data.index(struct.pack("<HHI", 339, 4, 3)) + 4
    data[place : place + 4] = struct.pack("<I", 10**6)
    with pytest.warns(UserWarning, match="larger than file"):  # Pillow by itself
        Image.open(io.BytesIO(data)).load()
    recwarn.clear()
    decode_image(bytes(data))
    assert not recwarn.list


def test_decode_in_threads_leaves_filters_alone():
    """Threads give the right pixels, and the caller's warning filters are restored."""
    data = save_bytes(Image.fromarray(RGB))
    before = list(warnings.filters)
    wrong = []

    def read_often():
        wrong.extend(i for i in range(50) if not np.array_equal(decode_image(data), RGB))

    threads = [threading.Thread(target=read_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert warnings.filters == before


@pytest.mark.parametrize("extension", [".png", ".tif", ".tiff", ".bmp", ".PNG"])
def test_encode_lossless_file_comes_back(tmp_path, extension):
    """The pixels read are the pixels written."""
    path = tmp_path / f"cell{extension}"
    encode_image(RGB, path)
    assert np.array_equal(decode_image(path), RGB)
    encode_image(RGB[:, :, :1], path)
    assert np.array_equal(decode_gray(path), RGB[:, :, 0])
    encode_image(RGB[:, :, 1], str(path))
    assert np.array_equal(decode_gray(path), RGB[:, :, 1])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_encode_jpeg_file_is_close(tmp_path):
    """JPEG is written in high quality."""
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    encode_image(flat, tmp_path / "a.jpg")
    assert np.abs(decode_image(tmp_path / "a.jpg").astype(int) - flat).max() <= 2


def test_encode_failure_leaves_nothing(tmp_path, monkeypatch):
    """A write that fails keeps the old file, and leaves no temporary file."""
    path = tmp_path / "a.png"
    encode_image(RGB, path)

    def fail(*args, **kwargs):
        raise OSError("disk is full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk is full"):
        encode_image(RGB[:2], path)
    monkeypatch.undo()
    assert np.array_equal(decode_image(path), RGB)
    assert len(list(tmp_path.iterdir())) == 1


def test_encode_bad_arguments_raise(tmp_path):
    """Wrong extension, dtype and shape each raise an error with the rule."""
    with pytest.raises(ValueError, match=r"must end in .png, .jpg.* Got '.*a.gif'"):
        encode_image(RGB, tmp_path / "a.gif")
    with pytest.raises(TypeError, match=r"must be a uint8 array .* Got float64"):
        encode_image(RGB.astype(float), tmp_path / "a.png")
    for shape in [(4,), (4, 4, 2), (0, 4), (1, 4, 4, 3)]:
        with pytest.raises(ValueError, match=r"Got shape"):
            encode_image(np.zeros(shape, np.uint8), tmp_path / "a.png")


def test_import_datasets_leaves_pillow_alone():
    """The imports for listing files do not load Pillow."""
    code = "import sys, cellsk, cellsk._codec, cellsk.datasets._folder; print('PIL' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


# WebP and JPEG 2000 -----------------------------------------------------------------


@pytest.mark.parametrize(("kind", "options"), [("WEBP", {"lossless": True}), ("JPEG2000", {})])
def test_decode_webp_and_jpeg_2000_keep_pixels(kind, options):
    """Lossless color keeps its pixels, transparency is mixed with white, and gray is gray."""
    assert np.array_equal(decode_image(save_bytes(Image.fromarray(RGB), kind, **options)), RGB)
    rgba = np.dstack([RGB, np.full((4, 6), 255, np.uint8)])
    rgba[0, 0, 3] = 0
    pixels = decode_image(save_bytes(Image.fromarray(rgba), kind, **options))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert np.array_equal(pixels[1:], RGB[1:])
    gray = save_bytes(Image.fromarray(RGB[:, :, 0].copy()), kind, **options)
    assert np.array_equal(decode_image(gray, channels=1)[:, :, 0], RGB[:, :, 0])


def test_decode_deep_jpeg_2000_is_scaled():
    """16 bits become 8, as in PNG."""
    assert np.array_equal(
        decode_gray(save_bytes(Image.fromarray(DEEP), "JPEG2000")), DEEP_AS_8_BITS
    )


def test_decode_animated_webp_needs_a_page():
    """Any choice among its pictures would be a guess."""
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    data = save_bytes(
        frames[0],
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        lossless=True,
        minimize_size=False,
    )
    with pytest.raises(ReadSettingError, match="2 pages, none of which is chosen"):
        decode_image(data)
    assert np.array_equal(decode_image(data, page=1), 255 - RGB)


@pytest.mark.parametrize("kind", ["WEBP", "JPEG2000"])
def test_decode_damaged_webp_and_jpeg_2000_are_refused(kind):
    """Missing data are not pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = save_bytes(Image.fromarray(noise), kind)
    for length in (len(data) // 2, len(data) * 9 // 10, 40):
        with pytest.raises(DecodeError):
            decode_image(data[:length])


@pytest.mark.parametrize("jp2", [True, False])
def test_decode_jpeg_2000_without_some_tiles_is_refused(jp2):
    """The decoder would fill them with gray."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = save_bytes(Image.fromarray(noise), "JPEG2000", tile_size=(16, 16), no_jp2=not jp2)
    assert np.array_equal(decode_image(data), noise)
    tiles = [place for place in range(len(data)) if data.startswith(b"\xff\x90\0\x0a", place)]
    for kept, missing in ((tiles[0], 9), (tiles[4], 5), (tiles[8], 1)):
        for end in (b"", b"\xff\xd9"):
            with pytest.raises(DecodeError, match=f"truncated(: {missing} of 9 tiles|$)"):
                decode_image(data[:kept] + end)


def test_decode_jpeg_2000_of_too_many_tiles_is_refused():
    """Their number has 16 bits."""
    image = Image.fromarray(RGB)
    data = bytearray(save_bytes(image, "JPEG2000", tile_size=(16, 16), no_jp2=True))
    siz = data.index(b"\xff\x51")
    struct.pack_into(">2I", data, siz + 6, 8000, 8000)
    with pytest.raises(DecodeError, match="250,000 JPEG 2000 tiles, more than the limit of 65,535"):
        decode_image(bytes(data))


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"lossless": False}, {"exif": b"Exif\0\0"}]
)
def test_decode_large_webp_is_refused_before_it_is_opened(options):
    """Pillow decodes when it opens such a file, so the size is read from the first bytes."""
    data = save_bytes(Image.new("RGB", (300, 200)), "WEBP", **options)
    with pytest.raises(ReadSettingError, match="200 x 300 pixels, more than the limit of 59,999"):
        decode_image(data, max_pixels=67_499)
    assert decode_image(data, max_pixels=67_500).shape == (200, 300, 3)
