"""Small image files that claim much: they are refused, or read in little time and memory."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cellsk._codec import DecodeError, decode_image
from cellsk._codec_bounds import MAX_PAGES

SIDE = 4096
MEGABYTES = 16 * SIDE**2 / 2**20  # of the largest image: 1 GiB for 2**26 pixels
SECONDS = 4
TRUNCATED = "truncated"


def pack_zeros(n_bytes):
    """Return zeros as zlib packs them."""
    packer = zlib.compressobj(1)
    block = bytes(2**20)
    parts = [packer.compress(block) for _ in range(n_bytes >> 20)]
    return b"".join([*parts, packer.compress(bytes(n_bytes % 2**20)), packer.flush()])


def build_chunk(kind, data):
    """Return a chunk of a PNG file."""
    crc = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + crc


def build_png(width, height, depth, color, data=None, *, interlaced=0, before=b"", after=b""):
    """Return a PNG file of zeros, or of other packed data."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    if data is None:
        data = pack_zeros(height * (1 + (width * depth * channels + 7) // 8))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    parts = [build_chunk(b"IHDR", header), before, build_chunk(b"IDAT", data), after]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + build_chunk(b"IEND", b"")


def build_animation(side, n_frames):
    """Return an animated PNG file of transparent frames."""
    data, before, after = pack_zeros(side * (1 + side * 4)), b"", b""
    for frame in range(n_frames):
        number = 2 * frame - 1 if frame else 0
        control = struct.pack(">IIIIIHHBB", number, side, side, 0, 0, 1, 10, 0, 0)
        if frame == 0:
            actions = build_chunk(b"acTL", struct.pack(">II", n_frames, 0))
            before = actions + build_chunk(b"fcTL", control)
        else:
            after += build_chunk(b"fcTL", control)
            after += build_chunk(b"fdAT", struct.pack(">I", number + 1) + data)
    return build_png(side, side, 8, 6, data, before=before, after=after)


def build_page(tags, place, following):
    """Return a directory of a TIFF file, with the values behind it."""
    head, values = b"", b""
    behind = place + 2 + 12 * len(tags) + 4
    for tag, content in sorted(tags.items()):
        packed = struct.pack(f"<{len(content)}I", *content)
        if len(content) > 1:
            packed, values = struct.pack("<I", behind + len(values)), values + packed
        head += struct.pack("<HHI", tag, 4, len(content)) + packed
    end = behind + len(values) if following else 0
    return struct.pack("<H", len(tags)) + head + struct.pack("<I", end) + values


def build_tiff(width, height, data=b"", *, n_pages=1, **tags):
    """Return a TIFF file whose pages share one strip. Tags are given as t258=[8]."""
    known = {256: [width], 257: [height], 258: [8], 259: [1], 262: [1], 277: [1]}
    known |= {273: [8], 278: [height], 279: [len(data)]}
    known |= {int(name[1:]): values for name, values in tags.items()}
    known = {tag: values for tag, values in known.items() if values is not None}
    file = struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data
    pages, size = [file], len(file)
    for page in range(n_pages):
        pages.append(build_page(known, size, page < n_pages - 1))
        size += len(pages[-1])
    return b"".join(pages)


def build_deflated(width, height, samples=1, bits=8, kind=1, **options):
    """Return a TIFF file of one packed strip of zeros."""
    data = pack_zeros(width * height * samples * bits // 8)
    tags = {"t258": [bits] * samples, "t339": [kind] * samples, "t277": [samples]}
    return build_tiff(width, height, data, t259=[8], **tags, **options)


def build_jpeg(side, *, mode="RGB", color=(90, 120, 30), **options):
    """Return a JPEG file of one color."""
    stream = io.BytesIO()
    Image.new(mode, (side, side), color).save(stream, "JPEG", **options)
    return stream.getvalue()


def save_large(kind, side=SIDE, **options):
    """Return a large file of one color that is a little transparent."""
    stream = io.BytesIO()
    Image.new("RGBA", (side, side), (90, 120, 30, 99)).save(stream, kind, **options)
    return stream.getvalue()


def repeat_scan(data, count):
    """Repeat the last scan of a JPEG file, without its data."""
    start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    (length,) = struct.unpack(">H", data[start + 2 : start + 4])
    return data[:end] + data[start : start + 2 + length] * count + data[end:]


def claim_size(data, side):
    """Change the size in the header of a JPEG file."""
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: frame + 5] + struct.pack(">HH", side, side) + data[frame + 9 :]


def share_tags(n_pages):
    """Return a stack each of whose pages has a tag of all bytes of the file."""
    size = 2_000_000
    stack = build_tiff(1, 1, bytes(size), n_pages=n_pages, t65000=[9])
    return stack.replace(
        struct.pack("<HHII", 65000, 4, 1, 9), struct.pack("<HHII", 65000, 1, size, 8)
    )


def overlap_pages(n_pages):
    """Return a stack whose pages begin 4 bytes apart, each with 60,000 tags."""
    file = bytearray(1_000_000)
    file[:8] = struct.pack("<2sHI", b"II", 42, 8)
    for page in range(n_pages):
        place = 8 + 4 * page
        file[place : place + 2] = struct.pack("<H", 60_000)
        end = place + 2 + 12 * 60_000
        file[end : end + 4] = struct.pack("<I", place + 4)
    return bytes(file)


def claim_channels(side, n_channels):
    """Return a small JPEG 2000 file that claims a large image of many channels."""
    stream = io.BytesIO()
    Image.new("L", (64, 64)).save(stream, "JPEG2000", no_jp2=True)
    data = stream.getvalue()
    start = data.index(b"\xff\x51")
    (length,) = struct.unpack_from(">H", data, start + 2)
    rest = data[start + 2 + length :]
    sizes = struct.pack(">8I", side, side, 0, 0, side, side, 0, 0)
    header = struct.pack(">H", 0) + sizes + struct.pack(">H", n_channels) + b"\7\1\1" * n_channels
    return data[: start + 2] + struct.pack(">H", 2 + len(header)) + header + rest


TILED = {"t273": None, "t278": None, "t279": None, "t324": [8]}
ZEROS = zlib.compress(bytes(10_000))
GIGABYTE = pack_zeros(2**28) * 4
HOSTILE = {
    "many pages": lambda: build_tiff(1, 1, b"\0", n_pages=20_000),
    "too many pages": lambda: build_tiff(1, 1, b"\0", n_pages=MAX_PAGES + 1),
    "pages of one strip": lambda: build_deflated(SIDE, SIDE, n_pages=200),
    "shared tags": lambda: share_tags(3000),
    "overlapping pages": lambda: overlap_pages(2000),
    "frames": lambda: build_animation(2048, 120),
    "scans": lambda: repeat_scan(build_jpeg(1024, progressive=True), 30_000),
    "tile": lambda: build_tiff(
        16, 16, ZEROS, t259=[8], t322=[60_000], t323=[30_000], t325=[len(ZEROS)], **TILED
    ),
    "strips": lambda: build_tiff(
        SIDE, SIDE, bytes(SIDE * SIDE), t278=[SIDE - 1], t273=[8] * 20_000, t279=None
    ),
    "channels": lambda: claim_channels(8000, 4),
    "text": lambda: build_png(16, 16, 8, 0, before=build_chunk(b"zTXt", b"a\0\0" + GIGABYTE)),
    "profile": lambda: build_png(16, 16, 8, 0, before=build_chunk(b"iCCP", b"a\0\0" + GIGABYTE)),
    "long text": lambda: build_png(
        16, 16, 8, 0, before=build_chunk(b"iTXt", b"a\0\1\0\0\0" + GIGABYTE)
    ),
    "wide": lambda: build_png(2**26, 1, 1, 0),
    "tall": lambda: build_png(1, 2**26, 1, 0, ZEROS),
}
LARGE = {
    "float": lambda: build_deflated(SIDE, SIDE, bits=32, kind=3),
    "alpha": lambda: build_deflated(SIDE, SIDE, samples=4, t262=[2], t338=[2]),
    "rgba": lambda: build_png(SIDE, SIDE, 8, 6),
    "gray and alpha": lambda: build_png(SIDE, SIDE, 8, 4),
    "16 bits": lambda: build_png(SIDE, SIDE, 16, 0),
    "one clear color": lambda: build_png(SIDE, SIDE, 8, 2, before=build_chunk(b"tRNS", bytes(6))),
    "progressive": lambda: build_jpeg(SIDE, progressive=True, subsampling=0),
    "jpeg 2000": lambda: save_large("JPEG2000", int(SIDE * 0.75), irreversible=True),
    "webp": lambda: save_large("WEBP", int(SIDE * 0.94), lossless=True, method=0, quality=0),
    "cmyk": lambda: build_jpeg(SIDE, mode="CMYK", color=(9, 90, 20, 30)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of all files above."""
    folder = tmp_path_factory.mktemp("claims")
    for name, build in (HOSTILE | LARGE).items():
        (folder / name).write_bytes(build())
    return folder


def test_hostile_image_takes_little_time_and_memory(folder, measure):
    """Each of them took more than 5 seconds or more than 1 GB."""
    paths = [folder / "16 bits", *(folder / name for name in HOSTILE)]  # the first one imports
    for name, (error, seconds, megabytes) in zip(
        HOSTILE, measure("cellsk._codec:decode_image", paths)[1:], strict=True
    ):
        assert error.startswith(("DecodeError", "ReadSettingError")) or name == "many pages", name
        assert seconds < SECONDS, name
        assert megabytes < MEGABYTES, name


def test_large_image_takes_16_bytes_for_each_pixel(folder, measure):
    """The default of 2**26 pixels is a peak of 1 GiB for each kind of pixels."""
    paths = [folder / "16 bits", *(folder / name for name in LARGE)]  # the first one imports
    for name, (error, _, megabytes) in zip(
        LARGE, measure("cellsk._codec:decode_image", paths)[1:], strict=True
    ):
        assert error == "", name
        assert megabytes < MEGABYTES, name


@pytest.mark.parametrize("kind", LARGE)
def test_image_in_parts_has_the_pixels_of_the_whole(kind, monkeypatch):
    """The parts of a large image are put together in their order."""
    from cellsk import _pixel_values

    rng = np.random.default_rng(0)
    size = (40, 30)
    files = {
        "float": ("TIFF", Image.fromarray(rng.random(size, np.float32))),
        "alpha": ("TIFF", Image.fromarray(rng.integers(0, 256, (*size, 4), np.uint8))),
        "rgba": ("PNG", Image.fromarray(rng.integers(0, 256, (*size, 4), np.uint8))),
        "gray and alpha": ("PNG", Image.fromarray(rng.integers(0, 256, (*size, 2), np.uint8))),
        "16 bits": ("PNG", Image.fromarray(rng.integers(0, 65536, size, np.uint16))),
        "one clear color": ("PNG", Image.fromarray(rng.integers(0, 2, (*size, 3), np.uint8))),
        "progressive": ("JPEG", Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8))),
        "cmyk": ("JPEG", Image.fromarray(rng.integers(0, 256, (*size, 4), np.uint8), "CMYK")),
        "jpeg 2000": ("JPEG2000", Image.fromarray(rng.integers(0, 256, (*size, 4), np.uint8))),
        "webp": ("WEBP", Image.fromarray(rng.integers(0, 256, (*size, 4), np.uint8))),
    }
    name, image = files[kind]
    stream = io.BytesIO()
    options = {"transparency": (0, 1, 0)} if kind == "one clear color" else {}
    image.save(stream, name, **options)
    for channels in (1, 3):
        whole = decode_image(stream.getvalue(), channels=channels)
        with monkeypatch.context() as patch:
            patch.setattr(_pixel_values, "_BAND_PIXELS", 70)
            assert np.array_equal(decode_image(stream.getvalue(), channels=channels), whole)


NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def save_noise(kind, **options):
    """Return a file of noise, which cannot be packed well."""
    stream = io.BytesIO()
    Image.fromarray(NOISE).save(stream, kind, **options)
    return stream.getvalue()


def cut_scan(data, share):
    """Leave out the end of the last scan, but not of the file."""
    start = data.rindex(b"\xff\xda")
    return data[: start + int((len(data) - start) * share)] + b"\xff\xd9"


ROWS = b"".join(b"\0" + row.tobytes() for row in NOISE)
MISSING = {
    "jpeg claims more": claim_size(build_jpeg(8), 8192),
    "progressive jpeg claims more": claim_size(build_jpeg(8, progressive=True), 8192),
    "gray jpeg claims more": claim_size(build_jpeg(8, mode="L", color=9), 4096),
    "half of a jpeg": cut_scan(save_noise("JPEG"), 0.5),
    "most of a jpeg": cut_scan(save_noise("JPEG"), 0.85),
    "jpeg with restarts": cut_scan(save_noise("JPEG", restart_marker_rows=1), 0.5),
    "jpeg without pixels": build_jpeg(8)[: build_jpeg(8).index(b"\xff\xda")] + b"\xff\xd9",
    "png claims more": build_png(64, 9000, 8, 2, zlib.compress(ROWS)),
    "png without its last row": build_png(64, 65, 8, 2, zlib.compress(ROWS)),
    "interlaced png": build_png(64, 128, 8, 2, zlib.compress(ROWS), interlaced=1),
    "png without data": build_png(64, 64, 8, 2, zlib.compress(b"")),
    "tiff with too few strips": build_tiff(64, 64, bytes(640), t278=[10]),
    "tiff with short strips": build_tiff(64, 64, bytes(640)) + bytes(4096),
    "tiff with short packed strip": build_tiff(64, 64, zlib.compress(bytes(640)), t259=[8]),
    **{f"jpeg without its last {n} bytes": save_noise("JPEG")[:-n] for n in (1, 2, 3, 9)},
    "progressive jpeg without its end": save_noise("JPEG", progressive=True)[:-2],
    **{f"jpeg 2000 without its last {n} bytes": save_noise("JPEG2000")[:-n] for n in (1, 3, 40)},
    "webp without its last byte": save_noise("WEBP")[:-2],
    "bmp claims more": save_noise("BMP")[:22] + struct.pack("<I", 9000) + save_noise("BMP")[26:],
}


@pytest.mark.parametrize("name", MISSING)
def test_missing_data_are_not_pixels(name):
    """The pixels would be black, gray, or bytes of something else."""
    with pytest.raises(DecodeError, match=r"truncated|damaged"):
        decode_image(MISSING[name])


def draw_border(size, color):
    """Return a square with a border of one color, as whole blocks of 16 pixels."""
    image = np.full((*size, 3), color, np.uint8)
    image[16:-16, 16:-16] = 77
    return Image.fromarray(image)


@pytest.mark.parametrize("color", [0, 127, 128, 129, 255])
@pytest.mark.parametrize("size", [(64, 64), (65, 63), (49, 80)])
@pytest.mark.parametrize("mode", ["1", "L", "RGB", "CMYK"])
def test_complete_file_of_any_border_is_read(color, size, mode):
    """A gray or black corner is not a missing one, in any kind of file."""
    image = draw_border(size, color).convert(mode)
    for kind, options in (
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"subsampling": 0, "quality": 99}),
        ("JPEG", {"restart_marker_blocks": 1}),
        ("JPEG", {"optimize": True, "quality": 30}),
        ("PNG", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
    ):
        if mode in ("1", "CMYK") and kind != "TIFF":
            continue
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        assert decode_image(stream.getvalue()).shape == (*size, 3)


PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)]
PASSES += [(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def test_interlaced_png_is_complete():
    """The bytes of the seven passes are counted."""
    for width, height in ((1, 1), (2, 1), (1, 2), (3, 3), (5, 8), (9, 7), (64, 65)):
        n_bytes = 0
        for left, top, right, down in PASSES:
            columns, rows = len(range(left, width, right)), len(range(top, height, down))
            n_bytes += rows * (1 + columns) if columns else 0
        whole = build_png(width, height, 8, 0, zlib.compress(bytes(n_bytes)), interlaced=1)
        assert not decode_image(whole).any()
        if n_bytes > 4:
            data = zlib.compress(bytes(n_bytes - 1))
            with pytest.raises(DecodeError, match=TRUNCATED):
                decode_image(build_png(width, height, 8, 0, data, interlaced=1))


def test_stack_is_read_at_any_page():
    """Each page is found directly, in both kinds of TIFF files and byte orders."""
    pages = [Image.new("L", (4 + page, 3), page) for page in range(20)]
    for options in ({}, {"big_tiff": True}, {"compression": "tiff_lzw"}):
        stream = io.BytesIO()
        pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:], **options)
        for page in (0, 1, 7, 19):
            found = decode_image(stream.getvalue(), page=page, channels=1)
            assert found.shape == (3, 4 + page, 1)
            assert (found == page).all()
        with pytest.raises(DecodeError, match="20 pages, none of which"):
            decode_image(stream.getvalue())
        with pytest.raises(DecodeError, match="20 pages, so no page 20"):
            decode_image(stream.getvalue(), page=20)


def test_pages_in_a_loop_or_behind_the_end_are_an_end_or_an_error():
    """A list of pages that leads back ends there, and one that leads away is damage."""
    stack = build_tiff(1, 1, b"\0", n_pages=3)
    last = stack.rindex(struct.pack("<I", 0))
    loop = stack[:last] + struct.pack("<I", 9) + stack[last + 4 :]
    with pytest.raises(DecodeError, match="3 pages"):
        decode_image(loop)
    away = stack[:last] + struct.pack("<I", 10**6) + stack[last + 4 :]
    with pytest.raises(DecodeError, match="damaged"):
        decode_image(away)


def test_max_pixels_raises_the_limit_of_a_side():
    """An image of one long row is read when more pixels are allowed."""
    data = build_png(2**21, 1, 1, 0)
    with pytest.raises(DecodeError, match="2,097,152 pixels on one side, more than the limit"):
        decode_image(data)
    assert decode_image(data, max_pixels=2**27).shape == (1, 2**21, 3)


def test_libtiff_prints_nothing(capfd):
    """Its messages and those of Pillow are errors, and what prints them is set back."""
    from PIL import Image as pillow

    damaged = MISSING["tiff with short packed strip"]
    many_samples = build_tiff(4, 4, bytes(9999), t277=[2048], t258=[8] * 2048)
    for data in (damaged, many_samples):
        with pytest.raises(DecodeError):
            decode_image(data)
    assert capfd.readouterr().err == ""
    with pytest.raises(OSError, match="decoder error"):
        pillow.open(io.BytesIO(damaged)).load()
    assert "Not enough data" in capfd.readouterr().err
