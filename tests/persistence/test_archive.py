"""Tests of archives that are refused before their members are read."""

import io
import json
import random
import struct
import zipfile

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from cellsk.exceptions import ModelFileError
from cellsk.persistence import load_model, save_model
from cellsk.persistence._archive import write_archive

AGAIN = "Download or copy the file again"


@pytest.fixture
def refused(tmp_path):
    """Return a function that writes bytes, loads them, and returns the message."""

    def load_bytes(data, **options):
        path = tmp_path / "hostile.cellsk"
        path.write_bytes(data)
        with pytest.raises(ModelFileError) as caught:
            load_model(path, **options)
        assert list(tmp_path.iterdir()) == [path]
        assert caught.value.__cause__ is None
        message = str(caught.value)
        assert message.startswith("'hostile.cellsk' cannot be loaded. ")
        assert str(tmp_path) not in message
        return message

    return load_bytes


@pytest.fixture
def small(tmp_path_factory):
    """The bytes of a small model file."""
    path = tmp_path_factory.mktemp("small") / "scaler.cellsk"
    save_model(StandardScaler().fit(np.arange(6.0).reshape(3, 2)), path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"", "an empty file"),
        (b"P", "another kind"),
        (b"\x80\x05cos\nsystem\n.", "another kind"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "another kind"),
        (b"PK\x03\x04", "ends early"),
        (b"PK\x03\x04" + bytes(200), "ends early"),
        (b"PK\x05\x06" + bytes(18), "another kind"),
    ],
)
def test_load_not_a_zip_is_said(refused, data, got):
    """Foreign and empty files."""
    message = refused(data)
    assert "must be a whole zip archive" in message
    assert got in message


def test_load_truncated_at_any_length_is_refused(refused, small, model_bytes):
    """A file that is cut at any length is refused."""
    for length in range(0, len(small), 37):
        assert "zip archive" in refused(small[:length])
    for length in range(1, len(model_bytes), len(model_bytes) // 20):
        assert "zip archive" in refused(model_bytes[:length])


def test_load_with_bytes_after_its_end_is_refused(refused, small):
    """Bytes after the archive are refused."""
    assert "goes on after its end" in refused(small + b"more")
    assert "another kind" in refused(b"before" + small)


def test_load_flipped_bytes_is_refused_or_the_same_model(small, tmp_path):
    """A flipped bit gives the same model or a ModelFileError."""
    path, generator = tmp_path / "flipped.cellsk", random.Random(0)
    original = load_model_bytes(path, small)
    outcomes = {"refused": 0, "same": 0}
    for _ in range(400):
        data = bytearray(small)
        data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        try:
            loaded = load_model_bytes(path, bytes(data))
        except ModelFileError:
            outcomes["refused"] += 1
            continue
        outcomes["same"] += 1
        assert vars(loaded).keys() == vars(original).keys()
        assert np.array_equal(loaded.mean_, original.mean_)
    assert outcomes["refused"] > 300


def load_model_bytes(path, data):
    """Write and load."""
    path.write_bytes(data)
    return load_model(path)


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "/etc/evil.txt",
        "folder/evil.txt",
        "..\\evil",
        "C:evil",
        ".hidden",
        "a\nb",
        "x/",
    ],
)
def test_load_name_with_a_path_is_refused(refused, members, pack, name):
    """Names are never paths, and nothing is written."""
    message = refused(pack({**members, name: b"evil"}))
    assert "plain names, without folders" in message


def test_load_member_twice_is_refused(refused, members):
    """Two members of one name could be read differently by others."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("estimator.json", b"{}")
    assert "'estimator.json' more than once" in refused(buffer.getvalue())


def test_load_zip_bomb_is_refused_unread(refused, members):
    """Packed members are refused without unpacking them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**members, "bomb": bytes(50_000_000)}.items():
            archive.writestr(name, data)
    assert len(buffer.getvalue()) < 200_000
    assert "must be stored as they are" in refused(buffer.getvalue())


def test_load_sizes_that_lie_are_refused(refused, members, pack):
    """A directory that claims more than the file has, or less than a member has."""
    data = pack(members)
    entry = int.from_bytes(data[-6:-2], "little")  # the network inside has a directory too
    sizes = slice(entry + 20, entry + 28)
    for claim in (2**31 - 1, 2**30, len(data), 10, 0):
        edited = bytearray(data)
        edited[sizes] = struct.pack("<2L", claim, claim)
        assert "Got" in refused(bytes(edited))
    edited[sizes] = struct.pack("<2L", 10, 2**31 - 1)
    assert "must be stored as they are" in refused(bytes(edited))


def test_load_overlapping_members_are_refused(refused):
    """Many names for the same bytes would multiply them in memory."""
    data = bytearray(write_archive({f"m{index:03}": bytes(1000) for index in range(50)}))
    directory = data.index(b"PK\x01\x02")
    position = directory
    while data[position : position + 4] == b"PK\x01\x02":
        data[position + 20 : position + 28] = struct.pack("<2L", 20_000, 20_000)
        position += 46 + 4
    assert "within its own size" in refused(bytes(data))


def test_load_encrypted_member_is_refused(refused, small):
    """An encrypted member cannot be checked."""
    data = bytearray(small)
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "neither packed nor encrypted" in refused(bytes(data))


def test_load_too_many_members_is_refused(refused):
    """The number of members is bounded before the directory is read."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in range(10_001):
            archive.writestr(str(index), b"")
    assert "at most 10,000 members" in refused(buffer.getvalue())


def test_load_64_bit_zip_is_refused(refused, small):
    """The 64-bit records of a zip could hide larger counts."""
    end = len(small) - 22
    locator = b"PK\x06\x07" + bytes(16)
    assert "at most 10,000 members" in refused(small[:end] + locator + small[end:])


def test_load_zip_of_something_else_is_refused(refused, pack, members):
    """Other zips, such as spreadsheets and .keras files, are refused."""
    message = refused(pack({"metadata.json": b"{}", "config.json": b"{}"}))
    assert "must have a member 'manifest.json'" in message
    assert "Pass a file that save_model wrote" in message
    assert "manifest.json" in refused(members["network-0.keras"])
    assert "must have a member" in refused(pack({"a": b""}))


def edit_manifest(members, **changes):
    """Return the members with an edited manifest."""
    manifest = {**json.loads(members["manifest.json"]), **changes}
    return {**members, "manifest.json": json.dumps(manifest).encode()}


def test_load_newer_format_asks_for_an_update(refused, members, pack):
    """The format is checked before anything else."""
    newer = {**edit_manifest(members, format_version=2), "novelty": b""}
    message = refused(pack(newer))
    assert "reads model files up to format 1. Got format 2. Update cellsk" in message


@pytest.mark.parametrize("version", [0, -1, "1", True, None, 1.0])
def test_load_format_version_of_no_sense_is_refused(refused, members, pack, version):
    """Only positive whole numbers are versions."""
    message = refused(pack(edit_manifest(members, format_version=version)))
    assert "format version of a model file must be a positive whole number" in message


def test_load_other_format_name_is_refused(refused, members, pack):
    """Another program's manifest."""
    message = refused(pack(edit_manifest(members, format="other")))
    assert "must name the format 'cellsk model'. Got 'other'" in message


def test_load_edited_members_are_refused(refused, members, pack):
    """Digests and the list of members reveal edits."""
    tree = members["estimator.json"].replace(b'"epochs": 1', b'"epochs": 2')
    assert tree != members["estimator.json"]
    message = refused(pack({**members, "estimator.json": tree}))
    assert "SHA-256" in message
    assert "'estimator.json', which was damaged or edited" in message
    assert AGAIN in message
    extra = refused(pack({**members, "extra.npy": b""}))
    assert "'extra.npy', which is not listed" in extra
    del members["network-0.keras"]
    assert "'network-0.keras', which is missing" in refused(pack(members))


@pytest.mark.parametrize("digests", [None, [], "x", {"estimator.json": 1}])
def test_load_manifest_of_another_form_is_refused(refused, members, pack, digests):
    """The digests themselves may be anything in a hostile file."""
    assert "Got" in refused(pack(edit_manifest(members, sha256=digests)))


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"format": NaN}',
        b'{"format": 1, "format": 2}',
        b"[" * 100_000,
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b'{"a": "' + b"x" * 2**24 + b'"}',
    ],
    ids=["empty", "list", "bytes", "nan", "twice", "deep", "nested", "digits", "large"],
)
def test_load_hostile_json_is_refused(refused, members, pack, manifest):
    """JSON is bounded in depth and size, and read strictly."""
    message = refused(pack({**members, "manifest.json": manifest}))
    assert "manifest.json must" in message


def test_write_too_many_members_names_the_remedy():
    """An archive that could not be read is not written."""
    with pytest.raises(ModelFileError, match=r"at most 10,000 members.*separate files"):
        write_archive({str(index): b"" for index in range(10_001)})
