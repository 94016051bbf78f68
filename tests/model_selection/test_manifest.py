"""Writing and reading a fold manifest."""

import csv
import hashlib

import pandas as pd
import pytest

from cellsk.exceptions import FoldManifestError
from cellsk.model_selection import _manifest as manifest_module
from cellsk.model_selection import (
    build_manifest,
    match_manifest,
    read_manifest,
    write_manifest,
)

HASH = hashlib.sha256(b"0").hexdigest()


def write_text(folder, text, name="folds.csv", encoding="utf-8"):
    """Write a csv file and return its path."""
    path = folder / name
    path.write_text(text, encoding=encoding, newline="")
    return path


def test_manifest_written_and_read_is_the_same(cells, tmp_path):
    """A manifest has five columns, and folds count from 1."""
    paths, y, groups, codes = cells
    rows = build_manifest(paths, y, groups, codes)
    write_manifest(tmp_path / "folds.csv", rows)
    assert read_manifest(tmp_path / "folds.csv") == rows
    frame = pd.read_csv(tmp_path / "folds.csv")
    assert frame.columns.tolist() == ["file", "sha256", "label", "group", "fold"]
    assert frame["fold"].tolist() == (codes + 1).tolist()
    assert frame["group"].tolist() == groups.tolist()
    assert str(tmp_path) not in (tmp_path / "folds.csv").read_text()


def test_manifest_without_groups_reads_none(cells, tmp_path):
    """Unknown patients are read as None."""
    paths, y, _, codes = cells
    write_manifest(tmp_path / "folds.csv", build_manifest(paths, y, None, codes))
    assert {row["group"] for row in read_manifest(tmp_path / "folds.csv")} == {None}


@pytest.mark.parametrize(
    "name",
    ["=1+1.png", "@x", "-a", "+a", "\tx", "'=x", "''-x", "'plain", 'a,b;"c"', "ü\n", " a "],
)
def test_manifest_keeps_any_name(name, tmp_path):
    """Names with commas, quotes, new lines and formula signs are read as written."""
    rows = [
        {"file": name, "sha256": HASH, "label": name, "group": name, "fold": fold}
        for fold in (1, 2)
    ]
    write_manifest(tmp_path / "folds.csv", rows)
    assert read_manifest(tmp_path / "folds.csv") == rows


@pytest.mark.parametrize("code", [*range(32), 127, 0x85, 0xA0, 0xAD, 0x200B, 0x2028, 0xFEFF])
def test_manifest_of_names_with_control_characters_gives_the_folds_back(code, tmp_path):
    """Each is a code in the file, or is quoted, so that the file fits the images again."""
    name = f"a{chr(code)}b"
    images, labels, groups = [b"a", b"b"], [name, "c"], [f"p{name}", "q"]
    rows = build_manifest(images, labels, groups, [0, 1])
    rows[0]["file"] = f"{name}.png"
    write_manifest(tmp_path / "folds.csv", rows)
    read = read_manifest(tmp_path / "folds.csv")
    assert match_manifest(read, images, labels, groups).tolist() == [0, 1]


def test_manifest_cells_are_not_formulas(tmp_path):
    """Cells that a spreadsheet would run start with an apostrophe; numbers do not."""
    labels = ["=cmd|'/c calc'!A1", "@SUM(A1)", "-1+1", "-1", "+2.5", "benign"]
    rows = build_manifest([b"%d" % row for row in range(6)], labels, None, [0, 1] * 3)
    write_manifest(tmp_path / "folds.csv", rows)
    with open(tmp_path / "folds.csv", encoding="utf-8", newline="") as stream:
        written = [row["label"] for row in csv.DictReader(stream)]
    assert written == ["'=cmd|'/c calc'!A1", "'@SUM(A1)", "'-1+1", "-1", "+2.5", "benign"]
    assert [row["label"] for row in read_manifest(tmp_path / "folds.csv")] == labels


def test_manifest_that_fails_leaves_the_old_one(tmp_path):
    """A failed write does not change the old file."""
    path = write_text(tmp_path, "old")
    with pytest.raises(KeyError):
        write_manifest(path, [{"file": "a"}])
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["folds.csv"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_manifest_saved_by_a_spreadsheet_is_read(separator, encoding, tmp_path):
    """Other separators, other columns, another order and empty rows are accepted."""
    lines = [
        ["note", "fold", "group", "label", "sha256", "file"],
        ["checked", "1", "p1", "benign", HASH.upper(), "é.png"],
        ["", "2", "p2", "malignant", HASH, "b.png"],
        [""] * 6,
    ]
    text = "\r\n".join(separator.join(line) for line in lines)
    rows = read_manifest(write_text(tmp_path, text, encoding=encoding))
    assert rows == [
        {"file": "é.png", "sha256": HASH, "label": "benign", "group": "p1", "fold": 1},
        {"file": "b.png", "sha256": HASH, "label": "malignant", "group": "p2", "fold": 2},
    ]


HEADER = "file,sha256,label,group,fold\n"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "does not have one column 'file'"),
        ("file,sha256,label,fold\n", r"does not have one column 'group'.*Add it"),
        ("file,sha256,label,group,fold,fold\n", "does not have one column 'fold'"),
        (HEADER, "has no row below its header"),
        (f"{HEADER}a,12,x,,1\n", r"has '12' as sha256 in line 2\. Correct it"),
        (f"{HEADER}a,{HASH},x,,1\nb,{HASH},x,,0\n", "has '0' as fold in line 3"),
        (f"{HEADER}a,{HASH},x,,1.0\n", "has '1.0' as fold in line 2"),
        (f"{HEADER}a,{HASH},x,\n", "has more or fewer cells in line 2"),
        (f"{HEADER}a,{HASH},x, y,p,1\n", "has more or fewer cells in line 2.*quotation marks"),
        (f"{HEADER}a,{HASH},x,,\nb,{HASH},x,,\n", "has no image in fold 1"),
        (f"{HEADER}a,{HASH},x,,2\nb,{HASH},x,,\n", "has no image in fold 1"),
        (f"{HEADER}a,{HASH},,,1\n", "has no label in line 2"),
        (f"{HEADER}a,{HASH},x,,1\n", r"has no image in fold 2\. Number the folds"),
        (f"{HEADER}a,{HASH},x,,1\nb,{HASH},x,,3\n", "has no image in fold 2"),
        (f"{HEADER}a,{HASH},x,,1\nb,{HASH},x,p,2\n", "has 1 row without a group.*Fill in all"),
        (f'{HEADER}"a,{HASH},x,,1\n', r"cannot be read \(.*\)\. Write it again"),
        (f"{HEADER}{'a' * 200_000},{HASH},x,,1\n", r"cannot be read \(field larger"),
    ],
)
def test_manifest_that_is_invalid_raises(text, match, tmp_path):
    """Each fault of a manifest has its own error, with the line."""
    with pytest.raises(FoldManifestError, match=match):
        read_manifest(write_text(tmp_path, text))


def test_manifest_that_is_not_text_raises(tmp_path):
    """A picture or a spreadsheet is not a manifest."""
    path = tmp_path / "folds.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with pytest.raises(FoldManifestError, match=r"is not text in UTF-8\. Save it as 'CSV UTF-8'"):
        read_manifest(path)


def test_manifest_that_is_missing_raises(tmp_path):
    """A missing file, a folder and a device are errors."""
    with pytest.raises(FileNotFoundError, match=r"must be a file.*Check the path"):
        read_manifest(tmp_path / "lost.csv")
    for path, kind in ((tmp_path, "folder"), ("/dev/zero", "device")):
        with pytest.raises(FoldManifestError, match=f"which is a {kind}. Check"):
            read_manifest(path)


def test_manifest_that_is_too_large_raises(tmp_path, monkeypatch):
    """A large wrong file is rejected before it fills the memory."""
    rows = build_manifest([b"a", b"b", b"c"], [0, 1, 1], None, [0, 1, 1])
    write_manifest(tmp_path / "folds.csv", rows)
    monkeypatch.setattr(manifest_module, "MAX_ROWS", 2)
    with pytest.raises(FoldManifestError, match="has more than 2 rows"):
        read_manifest(tmp_path / "folds.csv")
    monkeypatch.setattr(manifest_module, "MAX_BYTES", 100)
    with pytest.raises(FoldManifestError, match=r"has more than 100 bytes"):
        read_manifest(tmp_path / "folds.csv")
