"""Output files: checked before the work starts, and named in errors as the user named them."""

import errno
import os
from pathlib import Path

import pytest

from cellsk._files import check_output, whole_file


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc")
def test_check_output_where_no_file_can_be_made_is_refused():
    """Permissions do not show this. The error names the path, and not the draft."""
    with pytest.raises(OSError, match=r"must be writable\. Got '/proc/r\.json'.*Name another"):
        check_output("/proc/r.json")


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
