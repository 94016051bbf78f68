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
