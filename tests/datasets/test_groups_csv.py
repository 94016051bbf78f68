"""Columns of patients and subgroups from a separate csv file."""

import os

import pytest
from PIL import Image

from cellsk.datasets import (
    choose_group_column,
    is_slide_column,
    list_images,
    read_columns_csv,
)


def write(folder, text, name="slides.csv"):
    """Write a csv into a folder and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def columns_of(folder, text, paths=("a.png", "b.png")):
    """Return the columns of a csv as lists."""
    columns = read_columns_csv(write(folder, text), folder, list(paths))
    return {name: values.tolist() for name, values in columns.items()}


def test_columns_come_in_order_of_paths(tmp_path):
    """Rows may have any order. The column of files is not returned."""
    text = "file,group,site,scanner\nb.png,P2,north,\na.png,P1,south,old\n"
    assert columns_of(tmp_path, text) == {
        "group": ["P1", "P2"],
        "site": ["south", "north"],
        "scanner": ["old", ""],
    }


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_of_any_separator_are_read(tmp_path, separator):
    """Comma, semicolon and tab separate columns. A byte order mark is ignored."""
    text = "\ufefffile,group\na.png,P1\nb.png,P2\n".replace(",", separator)
    assert columns_of(tmp_path, text) == {"group": ["P1", "P2"]}


def test_columns_find_images_listed_in_folder(tmp_path):
    """The csv may name images of list_images without folder and extension."""
    for name in ("x/a.png", "y/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    listed = list_images(tmp_path)
    columns = read_columns_csv(write(tmp_path, "id,patient\nb,P2\na,P1\n"), tmp_path, listed.paths)
    assert columns["patient"].tolist() == ["P1", "P2"]


def test_columns_file_column_need_not_be_first(tmp_path):
    """The file column has a known name, or else is the first."""
    assert columns_of(tmp_path, "group,filename\nP1,a.png\nP2,b.png\n") == {"group": ["P1", "P2"]}
    assert columns_of(tmp_path, "tile,group\na.png,P1\nb.png,P2\n") == {"group": ["P1", "P2"]}


def test_columns_ignore_rows_of_other_images(tmp_path):
    """One csv can describe training and test images."""
    text = "file,group\na.png,P1\nelsewhere.png,P9\nb.png,P2\n"
    assert columns_of(tmp_path, text) == {"group": ["P1", "P2"]}


def test_columns_without_name_are_left_out(tmp_path):
    """The row numbers of pandas, in a column without a name, are not returned."""
    assert columns_of(tmp_path, ",tile,group\n0,a.png,P1\n1,b.png,P2\n") == {"group": ["P1", "P2"]}


def test_columns_csv_inside_folder_is_found(tmp_path):
    """The path of the csv may be relative to the folder."""
    write(tmp_path, "file,group\na.png,P1\n")
    assert list(read_columns_csv("slides.csv", tmp_path, ["a.png"])) == ["group"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file,group\na.png,P1\n", "must have a row in.*First: 'b.png'.*Add the rows"),
        ("file,group\na.png,1\na.png,2\nb.png,3\n", "must have one row.*line 2.*line 3.*Remove"),
        ("file\na.png\nb.png\n", "and another column.*Name them 'file' and 'group'"),
        ("file,s,s\na.png,1,2\nb.png,1,2\n", "name each column once.*'s'.*Rename"),
        ("file,g\na.png,1,2\nb.png,1\n", "must have 2 cells.*line 2.*quotation marks"),
        ("file,group\n", "groups_csv must be a csv file.*no row.*Add one"),
    ],
)
def test_columns_of_faulty_csv_are_refused(tmp_path, text, match):
    """Each fault has its own error."""
    with pytest.raises(ValueError, match=match):
        columns_of(tmp_path, text)


def test_columns_ambiguous_name_is_refused(tmp_path):
    """A name without folder that fits two images is an error."""
    with pytest.raises(ValueError, match=r"must name one image.*Write names with folder"):
        columns_of(tmp_path, "file,group\na.png,P1\n", ["x/a.png", "y/a.png"])


def test_columns_of_missing_csv_raise(tmp_path):
    """The error names the kind of file and the path."""
    with pytest.raises(FileNotFoundError, match=r"csv file of groups must exist.*Check the path"):
        read_columns_csv(os.path.join(tmp_path, "none.csv"), tmp_path, ["a.png"])


def test_group_column_is_the_patient_before_the_slide(tmp_path):
    """The patient column is chosen before the slide column, in any order of the columns."""
    read = read_columns_csv(
        write(tmp_path, "file,slide,Patient_ID,site\na.png,S1,P1,x\n"), tmp_path, ["a.png"]
    )
    assert choose_group_column(read) == "Patient_ID"
    assert choose_group_column(read, "slide") == "slide"


def test_group_column_named_patient_comes_before_group(tmp_path):
    """A column named group may be something else, such as the arm of a trial."""
    read = read_columns_csv(
        write(tmp_path, "file,group,slide,patient\na.png,control,S1,P1\n"), tmp_path, ["a.png"]
    )
    assert choose_group_column(read) == "patient"


@pytest.mark.parametrize(
    ("name", "slides"), [("Slide_ID", True), ("wsi", True), ("patient", False), ("who", False)]
)
def test_slide_column_is_known_by_its_name(name, slides):
    """Slides are not called patients in a report."""
    assert is_slide_column(name) is slides


def test_columns_of_an_image_are_refused(tmp_path):
    """An image instead of a csv is an error that names the mistake."""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"'.*a\.png', which is not text but an image.*Pass a csv"):
        read_columns_csv(tmp_path / "a.png", tmp_path, ["a.png"])


@pytest.mark.parametrize("first", ["a.png,P1", "P1,x/a.png", "b,P2"])
def test_columns_without_header_are_refused(tmp_path, first):
    """A first line that describes an image is an error."""
    with pytest.raises(ValueError, match=r"whose first line describes the image '.*'\. Add a line"):
        columns_of(tmp_path, f"{first}\nc.png,P2\n", ["x/a.png", "b.png", "c.png"])


def test_group_column_alone_needs_no_name(tmp_path):
    """A csv with one column besides the files is not ambiguous."""
    read = read_columns_csv(write(tmp_path, "file,who\na.png,P1\n"), tmp_path, ["a.png"])
    assert choose_group_column(read) == "who"


@pytest.mark.parametrize(
    ("name", "match"),
    [
        (None, "column of patients.*'who', 'where'.*Name it 'patient'"),
        ("patient", "does not include 'patient'.*pass groups="),
        ("who", "'who' of 'slides.csv' must be filled.*1 empty cell.*Fill them in"),
    ],
)
def test_group_column_missing_or_empty_is_refused(tmp_path, name, match):
    """Several possible columns, a missing column and an empty cell are errors."""
    read = read_columns_csv(
        write(tmp_path, "file,who,where\na.png,P1,x\nb.png,,y\n"), tmp_path, ["a.png", "b.png"]
    )
    with pytest.raises(ValueError, match=match):
        choose_group_column(read, name, csv_path="slides.csv")
