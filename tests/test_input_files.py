"""Input files that may be pipes: nothing waits forever."""

import os
import threading

import pytest

from cellsk import _input_files
from cellsk._input_files import InputFileError, read_input


@pytest.fixture
def pipe(tmp_path, monkeypatch):
    """A named pipe that no program writes into, and a short patience."""
    monkeypatch.setattr(_input_files, "_WAIT_SECONDS", 0.2)
    monkeypatch.setattr(_input_files, "_read_pipes", {})
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def write_later(path, data):
    """Write into a pipe in another thread, which waits for a reader."""
    thread = threading.Thread(target=path.write_bytes, args=(data,))
    thread.start()
    return thread


def test_pipe_without_a_writer_is_refused(pipe):
    """At once, and not never."""
    with pytest.raises(InputFileError, match="is a pipe that no program writes into"):
        read_input(pipe, 100)


def test_pipe_with_a_writer_is_read_and_remembered(pipe):
    """Commands read some files twice, but a pipe has its content once."""
    data = b"a,b\n" * 50_000
    thread = write_later(pipe, data)
    assert read_input(pipe, 2**20) == data
    thread.join()
    assert read_input(pipe, 2**20) == data


def test_descriptor_of_a_pipe_is_read():
    """As a shell passes `<(...)`, also if the program has ended."""
    reader, writer = os.pipe()
    os.write(writer, b"a,b")
    os.close(writer)
    assert read_input(f"/dev/fd/{reader}", 100) == b"a,b"
    os.close(reader)


def test_size_is_bounded(pipe, tmp_path):
    """Of files and of pipes; the writer of a pipe ends."""
    (tmp_path / "file").write_bytes(b"123456")
    thread = write_later(pipe, b"123456")
    for path in (tmp_path / "file", pipe):
        with pytest.raises(InputFileError, match="has more than 5 bytes"):
            read_input(path, 5)
    thread.join()


@pytest.mark.parametrize(("path", "words"), [("/dev/zero", "is a device"), ("/", "is a folder")])
def test_devices_and_folders_are_refused(path, words):
    """A device may never end."""
    with pytest.raises(InputFileError, match=words):
        read_input(path, 100)
