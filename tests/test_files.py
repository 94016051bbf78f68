"""Output files: checked before the work starts, and named in errors as the user named them."""

import errno
import io
import os
import socket
import stat
import sys
import threading
from pathlib import Path

import pytest

from cellsk._files import check_output, whole_file


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc")
def test_check_output_where_no_file_can_be_made_is_refused():
    """Permissions do not show this. The error names the path, and not the draft."""
    with pytest.raises(OSError, match=r"must be writable\. Got '/proc/r\.json'.*Name another"):
        check_output("/proc/r.json")


def test_check_output_of_an_open_file_is_refused():
    """Reports are written to paths."""
    with pytest.raises(TypeError, match=r"path must be a path\. Got a BytesIO\. Pass a name"):
        check_output(io.BytesIO())


def test_check_output_leaves_nothing_behind(tmp_path):
    """An existing file is not changed, and no other file is left."""
    (tmp_path / "r.json").write_text("old")
    assert check_output(tmp_path / "r.json") == tmp_path / "r.json"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"r.json": "old"}


def test_whole_file_that_cannot_be_written_names_the_path(tmp_path, monkeypatch):
    """The error does not name the draft."""

    def refuse(source, target):
        raise PermissionError(errno.EACCES, "Permission denied", str(source))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError) as raised, whole_file(tmp_path / "r.json") as draft:
        draft.write_text("new")
    assert raised.value.filename == str(tmp_path / "r.json")
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from cellsk._files import whole_file
for path in sys.argv[1:]:
    if os.fork() == 0:
        with whole_file(path) as draft:
            draft.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.wait()
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_whole_file_removes_the_draft_of_a_killed_process(tmp_path, run_python):
    """Drafts of other files, of living processes and files of similar names stay."""
    names = ["r.json", "r.json.x", "[r].json"]
    folder = tmp_path / "outputs"
    folder.mkdir()
    paths = [folder / name for name in names]
    run_python(KILLED, *paths)
    assert len(list(folder.iterdir())) == 3
    with whole_file(paths[0]) as mine, whole_file(paths[1]) as other:
        mine.write_text("new")
        other.write_text("new")
        with whole_file(paths[0]) as second:
            second.write_text("newer")
        assert mine.exists()
    assert {path.name for path in paths[:2]} == {
        path.name for path in folder.iterdir() if not path.name.startswith(".[r].json")
    }
    with whole_file(paths[2]) as draft:
        draft.touch()
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_draft_of_another_machine_is_removed_after_a_day(tmp_path):
    """Its process cannot be asked."""
    path = tmp_path / "r.json"
    young, old = (tmp_path / f".r.json.00000000-7.0000000{index}.tmp" for index in (1, 2))
    for draft in (young, old):
        draft.touch()
    os.utime(old, (0, 0))
    with whole_file(path) as draft:
        draft.touch()
    assert sorted(tmp_path.iterdir()) == [young, path]


def write(path, text="new"):
    """Check an output and write it, as each command does."""
    check_output(path)
    with whole_file(path) as draft:
        draft.write_text(text)


@pytest.fixture
def device(tmp_path):
    """Make a device that forgets what it gets, in a temporary folder."""
    path = tmp_path / "null.csv"
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        path.open("wb").close()
    except OSError:
        pytest.skip("needs the right to make a device")
    return path


def test_whole_file_device_stays_a_device(device):
    """The content goes into the device, which is not replaced by a file."""
    write(device)
    write(device)
    assert stat.S_ISCHR(device.stat().st_mode)
    assert list(device.parent.iterdir()) == [device]


def test_whole_file_device_that_is_full_names_the_path(tmp_path):
    """The error of a device names the path of the user."""
    full = tmp_path / "full"
    try:
        os.mknod(full, stat.S_IFCHR | 0o600, os.makedev(1, 7))
        full.open("wb").close()
    except OSError:
        pytest.skip("needs the right to make a device")
    with pytest.raises(OSError, match="No space left") as raised:
        write(full)
    assert raised.value.filename == str(full)


def test_whole_file_pipe_gets_the_content(tmp_path):
    """A named pipe stays a pipe, and its reader gets the bytes."""
    pipe, got = tmp_path / "pipe.csv", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write(pipe, "a,b\n" * 50_000)
    reader.join(30)
    assert got == ["a,b\n" * 50_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_whole_file_descriptor_gets_the_content(tmp_path):
    """The shell's >(command) is a path in /dev/fd."""
    receiving, sending = os.pipe()
    write(f"/dev/fd/{sending}")
    os.close(sending)
    with os.fdopen(receiving) as stream:
        assert stream.read() == "new"


def test_whole_file_standard_output_is_written_in_order(capfd):
    """What was printed before comes first."""
    sys.stdout.write("before\n")
    write("/dev/stdout", "new\n")
    sys.stdout.write("after\n")
    assert capfd.readouterr().out == "before\nnew\nafter\n"


def test_whole_file_standard_output_may_be_text(monkeypatch):
    """In a notebook, standard output takes text only."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    write("/dev/stdout", "caf\u00e9")
    assert sys.stdout.getvalue() == "caf\u00e9"


@pytest.mark.parametrize("existing", [True, False])
def test_whole_file_link_is_resolved(tmp_path, existing):
    """A chain of links stays, and the file at its end is written."""
    (tmp_path / "data").mkdir()
    file, link, chain = tmp_path / "data" / "r.json", tmp_path / "link", tmp_path / "chain"
    if existing:
        file.write_text("old")
    link.symlink_to("data/r.json")
    chain.symlink_to(link)
    write(chain)
    assert chain.is_symlink()
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert [path.name for path in file.parent.iterdir()] == ["r.json"]


def test_whole_file_link_to_a_device_keeps_both(device):
    """A link to a device is written into."""
    link = device.with_name("link.csv")
    link.symlink_to(device.name)
    write(link)
    assert link.is_symlink()
    assert stat.S_ISCHR(device.stat().st_mode)


def test_whole_file_keeps_the_permissions_of_the_file(tmp_path):
    """A file that only its owner may read stays private."""
    path = tmp_path / "r.json"
    path.write_text("old")
    path.chmod(0o600)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_check_output_of_what_cannot_be_a_file_is_refused(tmp_path, monkeypatch):
    """A socket, a disk, a folder behind a link and a loop of links are refused."""
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(OSError, match=r"a pipe or a character device\. Got .*a socket\. Name"):
            check_output("socket")
    Path("folder").symlink_to(".")
    with pytest.raises(IsADirectoryError, match="must not be a folder"):
        check_output("folder")
    Path("loop").symlink_to("loop")
    with pytest.raises(OSError, match=r"must not be a loop of links\. Got 'loop'"):
        check_output("loop")
    Path("dangling").symlink_to("missing/r.json")
    with pytest.raises(FileNotFoundError, match=r"folder of an output file must exist.*Make the"):
        check_output("dangling")
