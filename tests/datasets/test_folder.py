"""Layouts, labels, groups and errors of list_images."""

import os
import re
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cellsk.datasets import list_images
from cellsk.exceptions import ImageReadWarning, InputError
from cellsk.preprocessing import ImageReader

PCAM = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "pcam"


def make_files(folder, *names):
    """Make empty files below a folder, which is returned."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def write_csv(folder, text, name="labels.csv", encoding="utf-8"):
    """Write a csv file beside the images and return its path."""
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def list_relative(bunch, folder):
    """Return the paths of a Bunch relative to a folder, with forward slashes."""
    return [Path(path).relative_to(folder).as_posix() for path in bunch.paths]


@pytest.fixture
def cells(tmp_path):
    """Return a folder of two classes."""
    return make_files(
        tmp_path / "cells", "malignant/p2_a.png", "benign/p1_b.png", "benign/p1_a.png"
    )


@pytest.fixture
def flat(tmp_path):
    """Return a flat folder of three images."""
    return make_files(tmp_path / "flat", "a.png", "b.tif", "c.jpg")


# Layouts ----------------------------------------------------------------------------


def test_list_class_folders_gives_labels(cells):
    """One sub-folder per class gives paths, y and names."""
    found = list_images(cells)
    assert list_relative(found, cells) == [
        "benign/p1_a.png",
        "benign/p1_b.png",
        "malignant/p2_a.png",
    ]
    assert found.paths[0] == os.path.join(cells, "benign", "p1_a.png")
    assert found.paths.dtype.kind == "U"
    assert found.y.dtype == np.int64
    assert found.y.tolist() == [0, 0, 1]
    assert found.target_names == ["benign", "malignant"]
    assert found.groups is None
    assert found.unreadable is None


def test_list_folder_as_str_keeps_its_spelling(cells, monkeypatch):
    """A relative folder gives relative paths."""
    monkeypatch.chdir(cells.parent)
    assert list_images("cells").paths[0] == os.path.join("cells", "benign", "p1_a.png")


def test_list_deeper_images_take_first_level_as_class(tmp_path):
    """Images below the class folder belong to the class."""
    make_files(tmp_path, "b/x/1.png", "b/2.png", "m/x/y/3.png")
    found = list_images(tmp_path)
    assert list_relative(found, tmp_path) == ["b/2.png", "b/x/1.png", "m/x/y/3.png"]
    assert found.y.tolist() == [0, 0, 1]


def test_list_flat_folder_is_unlabeled(flat):
    """No sub-folder and no csv means no labels."""
    found = list_images(flat)
    assert list_relative(found, flat) == ["a.png", "b.tif", "c.jpg"]
    assert found.y is None
    assert found.target_names is None


def test_list_labels_false_ignores_folders(cells):
    """labels=False lists everything below without labels."""
    make_files(cells, "beside.png", "empty/readme.txt")
    found = list_images(cells, labels=False)
    assert len(found.paths) == 4
    assert found.y is None
    assert found.target_names is None


def test_list_order_is_plain_text_order(tmp_path):
    """Paths are sorted as text with forward slashes, not in the order of the file system."""
    names = ["a/z.png", "a-b/y.png", "a/B.png", "a/b.png", "a/a/c.png", "a/10.png", "a/9.png"]
    make_files(tmp_path, *reversed(names))
    assert list_relative(list_images(tmp_path), tmp_path) == sorted(names)


def test_list_extensions_in_any_case_and_no_others(tmp_path):
    """The extensions of six formats count, in upper and lower case, and no others."""
    names = ["a.png", "b.JPG", "c.Jpeg", "d.tif", "e.TIFF", "f.bmp", "j.webp", "k.JFIF", "l.jp2"]
    make_files(tmp_path, *names, "h.txt", "png", "i.png.bak")
    assert list_relative(list_images(tmp_path), tmp_path) == names


def test_list_clutter_is_ignored(cells):
    """Hidden files and folders and files of operating systems do not count."""
    make_files(
        cells, ".hidden.png", ".cache/a.png", "Thumbs.db", "benign/Thumbs.db", "__MACOSX/b/._a.png",
        "benign/._p1_a.png", "desktop.ini", "benign/.DS_Store", "benign/__MACOSX/a.png",
        "@eaDir/a.png", "benign/@eaDir/p1_a.png/SYNOPHOTO_THUMB_M.jpg", "#recycle/b.png",
        "$RECYCLE.BIN/c.png", "benign/SYNOPHOTO_THUMB_S.jpg",
    )  # fmt: skip
    found = list_images(cells)
    assert len(found.paths) == 3
    assert found.target_names == ["benign", "malignant"]


def test_list_inside_hidden_folder_works(tmp_path):
    """The folder itself may be hidden; files below it may not."""
    make_files(tmp_path / ".data", "b/1.png", "m/1.png")
    assert len(list_images(tmp_path / ".data").paths) == 2


def test_list_links_out_of_folder_are_not_followed(cells, tmp_path):
    """A link to a file or folder outside of the folder is ignored."""
    make_files(tmp_path / "other", "x.png")
    (cells / "benign" / "link.png").symlink_to(tmp_path / "other" / "x.png")
    (cells / "linked").symlink_to(tmp_path / "other")
    (cells / "benign" / "up").symlink_to("../..")
    (cells / "benign" / "broken.png").symlink_to("nowhere.png")
    (cells / "sibling").symlink_to(make_files(tmp_path / "cells2", "y.png"))
    (cells / "notes.txt").symlink_to(make_files(tmp_path / "cells2", "z.txt") / "z.txt")
    with pytest.warns(ImageReadWarning) as caught:
        found = list_images(cells)
    assert len(found.paths) == 3
    assert found.target_names == ["benign", "malignant"]
    texts = {warning.message.code: str(warning.message) for warning in caught}
    assert re.search(r"out of the folder .* 4 links.* 'benign/link.png'.*Pass follow_links=True to",
                     texts.pop("links-left-out"))  # fmt: skip
    assert re.search(r"1 link to nowhere.* 'benign/broken.png'. Get", texts.pop("links-broken"))
    assert texts == {}
    assert {warning.filename for warning in caught} == {__file__}


def test_list_links_inside_count_each_file_once(cells):
    """Loops end, aliases add no file, and the real path is kept instead of the link."""
    (cells / "benign" / "loop").symlink_to(cells)
    (cells / "alias").symlink_to("malignant")
    (cells / "benign" / "a_link.png").symlink_to("p1_a.png")
    with pytest.warns(ImageReadWarning, match="1 link to images that are listed there.*'alias'"):
        found = list_images(cells)
    assert list_relative(found, cells) == [
        "benign/p1_a.png",
        "benign/p1_b.png",
        "malignant/p2_a.png",
    ]


def test_list_links_to_hidden_store_are_followed(tmp_path):
    """Links to files in a hidden folder inside the folder are followed."""
    make_files(tmp_path, ".store/1", ".store/2", ".store/set/3.png")
    for name, target in {"b/x.png": "../.store/1", "m/y.png": "../.store/2"}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).symlink_to(target)
    (tmp_path / "m" / "more").symlink_to("../.store/set")
    assert list_relative(list_images(tmp_path), tmp_path) == ["b/x.png", "m/more/3.png", "m/y.png"]


def test_list_folder_that_is_a_link_works(cells, tmp_path):
    """The folder itself may be a link."""
    (tmp_path / "link").symlink_to(cells)
    found = list_images(tmp_path / "link")
    assert found.paths[0] == os.path.join(tmp_path, "link", "benign", "p1_a.png")


# Errors of layout -------------------------------------------------------------------


def test_list_missing_folder_raises(tmp_path):
    """The folder is missing, is another file, or has the wrong type."""
    with pytest.raises(FileNotFoundError, match=r"existing folder .* does not exist. Check the"):
        list_images(tmp_path / "absent")
    make_files(tmp_path, "a.csv")
    with pytest.raises(InputError, match=r"is another file. Pass an image, or the folder"):
        list_images(tmp_path / "a.csv")
    with pytest.raises(TypeError, match=r"must be a str or Path, or a list of them. Got b'a'"):
        list_images([b"a"])


def test_list_forbidden_folder_raises(cells, monkeypatch):
    """A sub-folder without permission is an error."""
    real = os.scandir

    def forbid(path):
        if str(path).endswith("benign"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", forbid)
    with pytest.raises(PermissionError, match=r"must be readable. Got '.*benign'"):
        list_images(cells)


def test_list_folder_without_image_raises(tmp_path):
    """The error counts other files and links if there is no image."""
    with pytest.raises(ValueError, match=r"contain images: png.* 0 other files and no image\. P"):
        list_images(tmp_path)
    make_files(tmp_path, "a/readme.txt")
    (tmp_path / "a" / "x.png").symlink_to("/nowhere/x.png")
    with (
        pytest.warns(ImageReadWarning, match="1 link to nowhere"),
        pytest.raises(ValueError, match=r"1 other file and no image, not counting 1 symbolic link"),
    ):
        list_images(tmp_path, labels=False)
    make_files(tmp_path, "b.gif", "c.gif", "d.dcm")
    (tmp_path / "a" / "x.png").unlink()
    with (
        pytest.warns(ImageReadWarning, match="2 .gif and 1 .dcm files too"),
        pytest.raises(ValueError, match=r"2 \.gif and 1 \.dcm files and no image that is read\. P"),
    ):
        list_images(tmp_path, labels=False)


def test_list_one_class_raises(tmp_path):
    """The error explains why a folder of one class is useless."""
    make_files(tmp_path, "benign/1.png", "benign/2.png")
    with pytest.raises(
        ValueError,
        match=r"at least two classes.* 2 images, all of class 'benign'\. A model that always"
        r" predicts 'benign' would score 100%\. Add the other class, or pass labels=False to list"
        r" the images without labels\.$",
    ):
        list_images(tmp_path)


def test_list_one_class_with_classes_below_names_them(tmp_path):
    """If the folder is too high, the error names the folder that may hold the classes."""
    make_files(tmp_path, "data/benign/1.png", "data/malignant/2.png")
    with pytest.raises(ValueError, match=r"If the classes are below 'data', pass '.*data'\.$"):
        list_images(tmp_path)


def test_list_splits_instead_of_classes_raise(tmp_path):
    """Folders such as train and valid are classes only if classes names them."""
    make_files(tmp_path, "train/b/1.png", "valid/b/2.png")
    with pytest.raises(ValueError, match=r"'train', 'valid', which look like splits, not classes"):
        list_images(tmp_path)
    assert list_images(tmp_path, classes=("valid", "train")).y.tolist() == [1, 0]


def test_list_empty_class_folder_raises(cells):
    """A class folder without an image is an error that names it."""
    make_files(cells, "normal/readme.txt")
    with pytest.raises(ValueError, match=r"where 'normal' holds no image. Add images, or move"):
        list_images(cells)
    (cells / "other" / "deep").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"where 'normal', 'other' hold no image"):
        list_images(cells)


def test_list_images_beside_class_folders_raise(cells):
    """Images outside of the class folders are an error."""
    make_files(cells, "x.png", "y.png")
    with pytest.raises(ValueError, match=r"2 images beside the sub-folders. First: 'x.png'. Move"):
        list_images(cells)


@pytest.mark.parametrize(
    ("names", "options", "code"),
    [
        (["x.png"], {"classes": ("a", "b")}, "no-class-folders"),
        (["a/x.png", "b/x.png", "x.png"], {}, "images-beside-classes"),
        (["a/x.png", "b/readme.txt"], {}, "class-folder-empty"),
        (["train/x.png", "test/x.png"], {}, "splits-not-classes"),
        (["a/x.png"], {}, "one-class"),
        (["a/x.png", "b/x.png"], {"group_pattern": "(q)"}, "group-pattern-no-match"),
        (["a/x.png", "b/x.png"], {"group_pattern": "(x)", "groups": 0}, "groups-twice"),
    ],
)
def test_list_errors_have_codes(tmp_path, names, options, code):
    """The command line finds its words for a remedy by the code."""
    with pytest.raises(InputError) as caught:
        list_images(make_files(tmp_path, *names), **options)
    assert caught.value.code == code


# Classes ----------------------------------------------------------------------------


def test_list_classes_set_the_order(cells):
    """The order of classes is the order of y."""
    found = list_images(cells, classes=("malignant", "benign"))
    assert found.target_names == ["malignant", "benign"]
    assert found.y.tolist() == [1, 1, 0]


def test_list_classes_as_numbers_name_folders(tmp_path):
    """Folders 0 and 1 may be named by numbers."""
    make_files(tmp_path, "0/a.png", "1/b.png")
    assert list_images(tmp_path, classes=(1, 0)).target_names == ["1", "0"]


@pytest.mark.parametrize("classes", [("benign",), ("benign", "malign"), ("benign", "x", "y")])
def test_list_classes_that_differ_raise(cells, classes):
    """The error shows the classes given and the classes found."""
    with pytest.raises(
        ValueError,
        match=r"must name all classes .* Got "
        + re.escape(str(classes))
        + r", and found \('benign', 'malignant'\)\. Pass classes=\('benign', 'malignant'\).*leave"
        r" out the images of 'malignant', which a model of the classes given does not know",
    ):
        list_images(cells, classes=classes)


@pytest.mark.parametrize("files", [["b/1.png"], ["b/1.png", "n/2.png"], ["n/1.png", "m/x.txt"]])
def test_list_classes_without_images_keep_the_codes(tmp_path, files):
    """A test set may lack a class, or have one only: its codes are those of the training set."""
    found = list_images(make_files(tmp_path, *files), classes=["b", "m", "n"])
    assert found.target_names == ["b", "m", "n"]
    assert found.y.tolist() == ["bmn".index(name[0]) for name in files if name.endswith(".png")]


def test_list_classes_without_images_in_csv_keep_the_codes(flat):
    """The same holds for a csv file."""
    labels = write_csv(flat.parent, "id,label\na,m\nb,m\nc,m\n")
    found = list_images(flat, labels=labels, classes=("b", "m"))
    assert found.y.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="at least two classes"):
        list_images(flat, labels=labels, classes=("m",))


def test_list_classes_of_wrong_kind_raise(cells, flat):
    """A single name, a repetition, and classes without labels are errors."""
    with pytest.raises(TypeError, match=r"sequence of names.* Got 'benign'. Pass a tuple"):
        list_images(cells, classes="benign")
    with pytest.raises(ValueError, match=r"each class once.* 'benign' more than once"):
        list_images(cells, classes=("benign", "benign"))
    with pytest.raises(ValueError, match=r"left out if there are no labels"):
        list_images(cells, classes=("a", "b"), labels=False)
    with pytest.raises(
        ValueError,
        match=r"^folder must contain one sub-folder per class, such as 'benign' and 'malignant'\."
        r" Got '.*flat', with 3 files and no sub-folder\. Pass labels='labels.csv', or the folder"
        r" above\.$",
    ):
        list_images(flat, classes=("a", "b"))


# Labels from csv --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "id,label\nc,m\na,b\nb,b\n",
        "id,label\nc.jpg,m\na.png,b\nb.tif,b\n",
        "id;label\r\nc;m\r\na;b\r\n\r\nb;b\r\n",
        "id\tlabel\nc\tm\na\tb\nb\tb",
        "Label,ID\nm,c\nb,a\nb,b\n",
        "age,Filename,Diagnosis\n9,c,m\n8,a,b\n7,b,b\n",
        "id,filename,class\n0,c.jpg,m\n1,a.png,b\n2,b.tif,b\n",
        "cell,kind\nc,m\na,b\nb,b\n",
        "kind,image\nm,c\nb,a\nb,b\n",
        '"path","y"\n"./c.jpg","m"\n" a.png ", b\nb.tif,b\n',
        "\ufeffid,label\nc,m\na,b\nb,b\n",
        "path,label\nflat/c.jpg,m\nflat\\a.png,b\nb,b\n",
    ],
)
def test_list_csv_gives_labels(flat, monkeypatch, text):
    """Separators, quotes, column names and column orders do not change the labels."""
    monkeypatch.chdir(flat.parent)
    found = list_images("flat", labels=write_csv(flat.parent, text))
    assert list(found.paths) == [os.path.join("flat", name) for name in ("a.png", "b.tif", "c.jpg")]
    assert found.target_names == ["b", "m"]
    assert found.y.tolist() == [0, 0, 1]


def test_list_csv_inside_folder_is_found(flat, monkeypatch):
    """A relative csv path is looked up in the current folder, then in the image folder."""
    write_csv(flat, "id,label\na,0\nb,1\nc,0\n")
    assert list_images(flat, labels="labels.csv").y.tolist() == [0, 1, 0]
    monkeypatch.chdir(flat.parent)
    write_csv(flat.parent, "id,label\na,1\nb,1\nc,0\n")
    assert list_images(flat, labels="labels.csv").y.tolist() == [1, 1, 0]


def test_list_csv_with_sub_folders_matches_paths(tmp_path):
    """Equal names in two folders need their path in the csv; unique names do not."""
    folder = make_files(tmp_path / "x", "p1/a.png", "p2/a.png", "p2/b.v2.png", "a.png")
    labels = write_csv(tmp_path, "id,label\np1/a,0\np2/a.png,1\nb.v2,1\na.png,0\n")
    found = list_images(folder, labels=labels, classes=("1", "0"))
    assert list_relative(found, folder) == ["a.png", "p1/a.png", "p2/a.png", "p2/b.v2.png"]
    assert found.y.tolist() == [1, 1, 0, 0]


def test_list_csv_accents_match_however_composed(tmp_path):
    """A composed accent in the csv finds a decomposed one on disk."""
    name = unicodedata.normalize("NFD", "zélle")
    folder = make_files(tmp_path / "x", f"{name}.png", "b.png")
    labels = write_csv(tmp_path, f"id,label\n{unicodedata.normalize('NFC', name)},0\nb,1\n")
    assert list_images(folder, labels=labels).y.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\na,0\nb,1\nc,0\nd,1\ne,1\n", r"Got 2 rows without a file. First: 'd'. Remove"),
        ("id,label\na,0\nb,1\n", r"Got 1 file without a row. First: 'c.jpg'. Add the rows"),
        ("id,label\na,0\nb,1\nc,0\na,0\n", r"one row in .* 'a' in line 2 and again in line 5"),
        ("id,label\na,0\nb,1\nc,0\nc.jpg,0\n", r"'c.jpg' in line 4 and again in line 5. Remove"),
        ("id,label\na,0\nb,\nc,\n", r"Column 'label' .* 2 empty cells. First: line 3. Fill"),
        ("id,label\na,0\nb\nc,1\n", r"must have 2 cells.* Got 1 row .*: line 3, with 1: 'b'\. Put"),
        ("id,label\na,0\nb,0\nc,0\n", r"at least two classes.*labels.csv', with 3 images, all of"),
        ("id\na\nb\nc\n", r"one of labels. Got .* with 1 column: 'id'. Name them"),
        ("id,label\n", r"has no row below its header"),
        ("", r"has no row below its header"),
        ('id,label\n"a,0\n', r"cannot be read \(.*\). Save it again as csv"),
    ],
)
def test_list_csv_that_does_not_fit_raises(flat, text, message):
    """Each fault of a csv file has its own error."""
    with pytest.raises(ValueError, match=message):
        list_images(flat, labels=write_csv(flat.parent, text))


def test_list_csv_with_ambiguous_name_raises(tmp_path):
    """A name that fits two files is an error."""
    folder = make_files(tmp_path / "x", "a.png", "a.jpg", "b.png")
    labels = write_csv(tmp_path, "id,label\na,0\nb,1\n")
    with pytest.raises(
        ValueError, match=r"must name one image. Got 'a' in line 2, which fits 'a.jpg', 'a.png'. W"
    ):
        list_images(folder, labels=labels)


def test_list_csv_unreadable_raises(flat):
    """A missing csv file, a wrong encoding and a wrong type are errors."""
    with pytest.raises(FileNotFoundError, match=r"csv file of labels must exist.* is not a file"):
        list_images(flat, labels="absent.csv")
    labels = write_csv(flat.parent, "id,label\na,gutartig\nb,bösartig\nc,x\n", encoding="latin-1")
    with pytest.raises(ValueError, match=r"not text in UTF-8. Save it as 'CSV UTF-8'"):
        list_images(flat, labels=labels)
    with pytest.raises(TypeError, match=r"None \(one sub-folder per class\), or False"):
        list_images(flat, labels=True)


# Groups -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        r"p\d",
        r"(p\d)_",
        r"/(p\d)_([a-z])",
        r"(\w)/(?P<group>p\d)",
        re.compile(r"P\d", re.IGNORECASE),
    ],
)
def test_list_group_pattern_finds_patients(cells, pattern):
    """The named group, the first group or the whole match is the patient."""
    found = list_images(cells, group_pattern=pattern)
    assert found.groups.dtype.kind == "U"
    assert found.groups.tolist() == ["p1", "p1", "p2"]


def test_list_group_pattern_sees_folders(cells):
    """The pattern is searched in the relative path, and nowhere above it."""
    assert list_images(cells, group_pattern=r"^[^/]+").groups.tolist() == ["benign"] * 2 + [
        "malignant"
    ]
    with pytest.raises(ValueError, match="3 of 3 paths"):
        list_images(cells, group_pattern=r"cells")


@pytest.mark.parametrize("pattern", [r"benign/(p\d)", r"(q)?", r"q*"])
def test_list_group_pattern_that_misses_raises(cells, pattern):
    """The error counts the paths and names the first. An empty match is not a match."""
    n_missed = 1 if "benign" in pattern else 3
    with pytest.raises(
        ValueError,
        match=rf"finds none in {n_missed} of 3 paths. First: '.*png'. Correct the pattern",
    ):
        list_images(cells, group_pattern=pattern)


def test_list_group_pattern_of_wrong_kind_raises(cells):
    """The error about an invalid pattern repeats the reason of the re module."""
    with pytest.raises(ValueError, match=r"regular expression.* unterminated subpattern"):
        list_images(cells, group_pattern=r"(p\d")
    with pytest.raises(TypeError, match=r"Got 3. Pass a str"):
        list_images(cells, group_pattern=3)


def test_list_groups_from_folder_level(tmp_path):
    """Levels count from the folder; negative levels count from the file."""
    make_files(tmp_path, "b/p1/s1/1.png", "b/p2/s1/2.png", "m/p3/s9/3.png")
    assert list_images(tmp_path, groups=1).groups.tolist() == ["p1", "p2", "p3"]
    assert list_images(tmp_path, groups=-1).groups.tolist() == ["s1", "s1", "s9"]
    assert list_images(tmp_path, labels=False, groups=0).groups.tolist() == ["b", "b", "m"]
    with pytest.raises(ValueError, match=r"Got 3, too deep for 3 of 3 paths. First: 'b/p1/s1/1.p"):
        list_images(tmp_path, groups=3)
    with pytest.raises(ValueError, match=r"Got -4, too deep"):
        list_images(tmp_path, groups=-4)


def test_level_of_the_classes_is_not_one_of_patients(tmp_path):
    """Each class would be one patient."""
    for name in ("benign/a.png", "malignant/b.png"):
        (tmp_path / name).parent.mkdir()
        Image.new("L", (4, 4)).save(tmp_path / name)
    for level in (0, -1):
        with pytest.raises(InputError, match=rf"of patients\. Got {level}, which is .* classes"):
            list_images(tmp_path, groups=level)


def test_list_groups_from_csv_column(flat):
    """A csv column gives the groups, and is not used as the label."""
    labels = write_csv(flat.parent, "id,patient,kind\nb,p2,1\na,p1,0\nc,p1,1\n")
    found = list_images(flat, labels=labels, groups="patient")
    assert found.groups.tolist() == ["p1", "p2", "p1"]
    assert found.target_names == ["0", "1"]


def test_list_groups_from_wrong_csv_column_raise(flat):
    """A missing column and an empty cell are errors."""
    labels = write_csv(flat.parent, "id,patient,label\nb,,1\na,p1,0\nc,p1,1\n")
    with pytest.raises(
        ValueError, match=r"columns are 'id', 'patient', 'label'. Pass one of these"
    ):
        list_images(flat, labels=labels, groups="slide")
    with pytest.raises(ValueError, match=r"Column 'patient' .* 1 empty cell. First: line 2"):
        list_images(flat, labels=labels, groups="patient")


def test_list_groups_of_wrong_kind_raise(cells):
    """Two sources, a column without csv, and a wrong type are errors."""
    with pytest.raises(ValueError, match=r"pattern 'p' and the column or folder level 0. Pass g"):
        list_images(cells, group_pattern="p", groups=0)
    with pytest.raises(ValueError, match=r"labels do not come from a csv file. Got 'patient'"):
        list_images(cells, groups="patient")
    for wrong in (True, 1.5):
        with pytest.raises(TypeError, match=r"name of a csv column, or a folder level"):
            list_images(cells, groups=wrong)


# Verification -----------------------------------------------------------------------


@pytest.fixture
def mixed(tmp_path):
    """Return a folder of two classes with two sound and two damaged images."""
    folder = make_files(tmp_path / "mixed", "b/void.png", "m/cut.png")
    for name in ("b/p1.png", "m/p2.png"):
        Image.new("RGB", (64, 64), "red").save(folder / name)
    (folder / "m" / "cut.png").write_bytes((folder / "m" / "p2.png").read_bytes()[:90])
    return folder


def test_list_verify_leaves_out_and_warns(mixed):
    """Files that cannot be decoded are left out of all arrays, counted, and listed by name."""
    with pytest.warns(
        ImageReadWarning,
        match=r"2 of 4 images cannot be decoded and were left out. First: '.*void.png' \(file is"
        r" empty\), '.*cut.png' \(file is truncated\). The attribute unreadable lists them all",
    ) as caught:
        found = list_images(mixed, verify=True, group_pattern=r"\w+(?=\.)")
    assert caught[0].filename == __file__
    assert caught[0].message.code == "images-left-out"
    assert len(caught) == 1
    assert list_relative(found, mixed) == ["b/p1.png", "m/p2.png"]
    assert found.y.tolist() == [0, 1]
    assert found.groups.tolist() == ["p1", "p2"]
    assert found.unreadable == [
        (os.path.join(mixed, "b", "void.png"), "file is empty"),
        (os.path.join(mixed, "m", "cut.png"), "file is truncated"),
    ]


def test_list_verify_of_sound_images_is_silent(mixed):
    """Without damaged files there is no warning."""
    (mixed / "b" / "void.png").unlink()
    (mixed / "m" / "cut.png").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = list_images(mixed, verify=True)
    assert found.unreadable == []
    assert len(found.paths) == 2


def test_list_verify_leaves_out_what_the_reader_refuses(tmp_path):
    """Image stacks, signed integers and floats, and nothing if a reader has the settings."""
    pages = [Image.new("L", (4, 4)), Image.new("L", (4, 4))]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    Image.fromarray(np.array([[-5, 9]], np.int32)).save(tmp_path / "deep.tif")
    Image.new("F", (4, 4), 300.5).save(tmp_path / "float.tif")
    Image.new("L", (4, 4)).save(tmp_path / "plain.png")
    with pytest.warns(ImageReadWarning, match=r"3 of 4 images .*deep.*float.*stack"):
        found = list_images(tmp_path, verify=True)
    assert list_relative(found, tmp_path) == ["plain.png"]
    reader = ImageReader(image_size=(4, 4), page=0, value_range=(-10, 400))
    found = list_images(tmp_path, verify=reader)
    assert found.unreadable == []
    assert reader.transform(found.paths).shape == (4, 4, 4, 3)
    for wrong in (1, ImageReader, "yes"):
        with pytest.raises(TypeError, match="verify must be True, False, or an ImageReader"):
            list_images(tmp_path, verify=wrong)


def test_list_verify_that_loses_a_class_raises(mixed):
    """A class without a readable image is an error that gives the reason."""
    (mixed / "b" / "p1.png").write_bytes(b"hello")
    with pytest.raises(
        ValueError, match=r"at least one readable image. Got 'b' with none. First: '.*p1.png' \(not"
    ):
        list_images(mixed, verify=True)


def test_list_verify_that_loses_all_raises(flat):
    """No readable image is an error without labels too."""
    with pytest.raises(
        ValueError, match=r"Got 3 images, and none can be decoded. First: '.*a.png'"
    ):
        list_images(flat, verify=True)


@pytest.mark.skipif(not PCAM.is_dir(), reason="the PatchCamelyon subset is not here")
def test_list_real_patches():
    """The real patches are all there, and all readable."""
    found = list_images(PCAM / "valid", verify=True)
    assert found.target_names == ["0", "1"]
    assert np.bincount(found.y).tolist() == [750, 750]
    assert found.unreadable == []
    with pytest.raises(ValueError, match="look like splits"):
        list_images(PCAM)
