"""Files inside zip files: read in place, within bounds, and refused in words."""

import io
import os
import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from cellsk import _zip_files
from cellsk._zip_files import (
    ZipMemberError,
    is_zipped,
    list_zip,
    read_zipped,
    split_zip_path,
    stamp_zipped,
)
from cellsk.exceptions import InputError


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a zip file of (name or ZipInfo, data), and returns its path."""

    def write_zip(*members, method=zipfile.ZIP_DEFLATED):
        path = tmp_path / "data.zip"
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
            warnings.simplefilter("ignore")  # about names that come twice
            for name, data in members:
                archive.writestr(name, data)
        return str(path)

    return write_zip


def make_entry(name, mode=0, flags=0):
    """Return the head of a member."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    entry.flag_bits |= flags
    return entry


def test_members_are_read_in_place(write, tmp_path):
    """With any packing that is common; nothing is written."""
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = write(("a/b.png", b"abc" * 1000), ("a/", b""), ("é.txt", b""), method=method)
        assert list_zip(path) == ["a/b.png", "é.txt"]
        assert read_zipped(f"{path}/a/b.png") == b"abc" * 1000
        assert read_zipped(f"{path}/a/b.png", 4) == b"abca"
        assert read_zipped(f"{path}/é.txt") == b""
    assert os.listdir(tmp_path) == ["data.zip"]
    assert split_zip_path(f"{path}/a/../a/b.png") == (path, "a/b.png")
    assert is_zipped(f"{path}/a/b.png")
    for name in ("a", "a/c.png", ""):
        assert not is_zipped(f"{path}/{name}")
        with pytest.raises(FileNotFoundError):
            read_zipped(f"{path}/{name}")
    with pytest.raises(FileNotFoundError):
        read_zipped("/no/such/file.png")


def test_stamp_changes_with_the_zip_file(write):
    """Stored pixels of another content are not used."""
    before = stamp_zipped(write(("a.png", b"abc")) + "/a.png")
    assert before != stamp_zipped(write(("a.png", b"abd")) + "/a.png")


LINK, DEVICE, PIPE = (kind | 0o644 for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["/etc/passwd"], r"relative paths .*Got '/etc/passwd' in 'data.zip'"),
        (["../a.png"], "relative paths"),
        (["a/../../b.png"], "relative paths"),
        (["a//b.png"], "relative paths"),
        (["./a.png"], "relative paths"),
        (["C:/a.png"], "relative paths"),
        (["a\\b.png"], "relative paths"),
        (["a\nb.png"], "relative paths"),
        (["a.png", "a.png"], "once. Got 'a.png' in 'data.zip' twice"),
        (["a.png", "A.png"], "differ by more than case. Got 'a.png' and 'A.png'"),
        (["e\u0301.png", "\xe9.png"], "differ by more than case"),
        (["b/a.png", "B/c.png"], "differ by more than case"),
        (["b/a.png", "b"], "differ by more than case. Got 'b' and 'b/'"),
        ([make_entry("a.png", LINK)], "files and folders only. Got .*a link or a device"),
        ([make_entry("a.png", DEVICE)], "a link or a device"),
        ([make_entry("a.png", PIPE)], "a link or a device"),
    ],
)
def test_names_and_kinds_are_checked(write, names, words):
    """Although nothing is extracted: what another program would do is not guessed."""
    path = write(*((name, b"x") for name in names))
    with pytest.raises(InputError, match=words):
        list_zip(path)
    with pytest.raises(ZipMemberError, match="zip file with '"):
        read_zipped(f"{path}/a.png")


def edit(path, old, new, count=1):
    """Replace bytes of a file, from its end on."""
    data = Path(path).read_bytes()
    for _ in range(count):
        place = data.rindex(old)
        data = data[:place] + new + data[place + len(old) :]
    Path(path).write_bytes(data)


def test_names_without_the_flag_of_utf8_are_read_if_they_are_utf8(write):
    """Some programs write them so; others write the code page of the machine."""
    path = write(("ab.png", b"x"))
    edit(path, b"ab.png", "é.png".encode(), count=2)
    assert list_zip(path) == ["é.png"]
    assert read_zipped(f"{path}/é.png") == b"x"
    path = write(("abc.png", b"x"))
    edit(path, b"abc.png", b"ab\xe9.png", count=2)
    with pytest.raises(InputError, match="must be UTF-8"):
        list_zip(path)


def test_password_is_refused(write):
    """The flag is in the directory."""
    path = write(("a.png", b"x"))
    data = bytearray(Path(path).read_bytes())
    data[data.rindex(b"PK\1\2") + 8] |= 1
    Path(path).write_bytes(data)
    with pytest.raises(InputError, match=r"no password. Got 'a.png' in 'data.zip', which is enc"):
        list_zip(path)


def test_damage_is_an_error(write):
    """In the directory, in a head, in packed bytes, and in their checksum."""
    path = write(("a.png", bytes(range(256)) * 9))
    whole = Path(path).read_bytes()
    for place, data in ((40, b"\xff\xff"), (len(whole) - 56, b"\0\0")):
        Path(path).write_bytes(whole[:place] + data + whole[place + len(data) :])
        with pytest.raises(ZipMemberError, match="damaged"):
            read_zipped(f"{path}/a.png")
    for end in (1, 30, 200):
        Path(path).write_bytes(whole[:-end])
        with pytest.raises(InputError, match="must be complete"):
            list_zip(path)
    with pytest.raises(ZipMemberError, match="method that is not read"):
        read_zipped(write(("a.png", b"x"), method=zipfile.ZIP_LZMA) + "/a.png")


def test_bombs_are_refused(write, monkeypatch):
    """By size, by ratio, by the number of members, and by the size of the directory."""
    path = write(("a.png", bytes(10**6)), ("b.png", b"abc"))
    monkeypatch.setattr(_zip_files, "FREE_MEMBER_BYTES", 1000)
    with pytest.raises(ZipMemberError, match="1,000,000 bytes in the zip file, more than"):
        read_zipped(f"{path}/a.png")
    assert read_zipped(f"{path}/b.png") == b"abc"
    assert read_zipped(f"{path}/a.png", 5) == bytes(5)
    for name, value, words in (
        ("FREE_BYTES", 1000, "at most 200 times its size. Got 'data.zip' of"),
        ("MAX_MEMBERS", 1, "at most 1 members. Got 'data.zip' with 2"),
        ("MAX_DIRECTORY_BYTES", 50, "damaged or has a directory of more than"),
    ):
        _zip_files._read_members.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(_zip_files, name, value)
            with pytest.raises(InputError, match=words):
                list_zip(path)


def test_member_that_claims_less_than_it_holds_is_damaged(write):
    """Only what the directory claims is unpacked."""
    path = write(("a.png", bytes(10**6)))
    edit(path, struct.pack("<I", 10**6), struct.pack("<I", 100))
    with pytest.raises(ZipMemberError, match="damaged"):
        read_zipped(f"{path}/a.png")


def test_other_files_are_no_zip_files(tmp_path):
    """The content decides, not the name."""
    (tmp_path / "a.zip").write_bytes(b"hello")
    assert split_zip_path(tmp_path / "a.zip") is None
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"x")
    (tmp_path / "b.txt").write_bytes(buffer.getvalue())
    assert split_zip_path(tmp_path / "b.txt" / "a") == (str(tmp_path / "b.txt"), "a")
