"""read_columns_csv: patients and subgroups from a csv of their own."""

import os

import pytest
from PIL import Image

from cellsk.datasets import list_images
from cellsk.datasets._groups_csv import choose_group_column, is_slide_column, read_columns_csv


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
    """Rows may stand in any order; the column of files is not returned."""
    text = "file,group,site,scanner\nb.png,P2,north,\na.png,P1,south,old\n"
    assert columns_of(tmp_path, text) == {
        "group": ["P1", "P2"],
        "site": ["south", "north"],
        "scanner": ["old", ""],
    }


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_of_any_separator_are_read(tmp_path, separator):
    """As read_labels_csv: comma, semicolon or tab; a byte order mark does no harm."""
    text = "\ufefffile,group\na.png,P1\nb.png,P2\n".replace(",", separator)
    assert columns_of(tmp_path, text) == {"group": ["P1", "P2"]}


def test_columns_find_images_listed_in_folder(tmp_path):
    """Paths as list_images gives them; names in the csv without folder or extension."""
    for name in ("x/a.png", "y/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    listed = list_images(tmp_path)
    columns = read_columns_csv(write(tmp_path, "id,patient\nb,P2\na,P1\n"), tmp_path, listed.paths)
    assert columns["patient"].tolist() == ["P1", "P2"]


def test_columns_file_column_need_not_be_first(tmp_path):
    """The file column is known by its name; without one it is the first."""
    assert columns_of(tmp_path, "group,filename\nP1,a.png\nP2,b.png\n") == {"group": ["P1", "P2"]}
    assert columns_of(tmp_path, "tile,group\na.png,P1\nb.png,P2\n") == {"group": ["P1", "P2"]}


def test_columns_pass_over_rows_of_other_images(tmp_path):
    """One csv serves train and test."""
    text = "file,group\na.png,P1\nelsewhere.png,P9\nb.png,P2\n"
    assert columns_of(tmp_path, text) == {"group": ["P1", "P2"]}


def test_columns_without_name_are_left_out(tmp_path):
    """pandas writes its row numbers in a column without a name."""
    assert columns_of(tmp_path, ",tile,group\n0,a.png,P1\n1,b.png,P2\n") == {"group": ["P1", "P2"]}


def test_columns_csv_inside_folder_is_found(tmp_path):
    """The csv may be named relative to the folder."""
    write(tmp_path, "file,group\na.png,P1\n")
    assert list(read_columns_csv("slides.csv", tmp_path, ["a.png"])) == ["group"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file,group\na.png,P1\n", "must have a row in.*First: 'b.png'.*Add the rows"),
        ("file,group\na.png,1\na.png,2\nb.png,3\n", "must have one row.*line 2.*line 3.*Remove"),
        ("file\na.png\nb.png\n", "and another one.*Name them 'file' and 'group'"),
        ("file,s,s\na.png,1,2\nb.png,1,2\n", "name each column once.*'s'.*Rename"),
        ("file,g\na.png,1,2\nb.png,1\n", "must have 2 cells.*line 2.*quotation marks"),
        ("file,group\n", "groups_csv must be a csv file.*no row.*Add one"),
    ],
)
def test_columns_of_faulty_csv_are_refused(tmp_path, text, match):
    """Each fault has its sentence."""
    with pytest.raises(ValueError, match=match):
        columns_of(tmp_path, text)


def test_columns_ambiguous_name_is_refused(tmp_path):
    """A bare name that fits two images is an error, not a guess."""
    with pytest.raises(ValueError, match=r"must name one image.*Write names with folder"):
        columns_of(tmp_path, "file,group\na.png,P1\n", ["x/a.png", "y/a.png"])


def test_columns_missing_csv_says_groups_csv(tmp_path):
    """The error names the option that the user gave."""
    with pytest.raises(FileNotFoundError, match=r"groups_csv must be a csv file.*Check the path"):
        read_columns_csv(os.path.join(tmp_path, "none.csv"), tmp_path, ["a.png"])


def test_group_column_is_the_patient_before_the_slide(tmp_path):
    """What must not be parted comes first, whatever the order of the columns."""
    read = read_columns_csv(
        write(tmp_path, "file,slide,Patient_ID,site\na.png,S1,P1,x\n"), tmp_path, ["a.png"]
    )
    assert choose_group_column(read) == "Patient_ID"
    assert choose_group_column(read, "slide") == "slide"


def test_group_column_named_patient_comes_before_group(tmp_path):
    """A column called group may be of anything, such as the arm of a trial."""
    read = read_columns_csv(
        write(tmp_path, "file,group,slide,patient\na.png,control,S1,P1\n"), tmp_path, ["a.png"]
    )
    assert choose_group_column(read) == "patient"


@pytest.mark.parametrize(
    ("name", "slides"), [("Slide_ID", True), ("wsi", True), ("patient", False), ("who", False)]
)
def test_slide_column_is_known_by_its_name(name, slides):
    """So that slides are not called patients."""
    assert is_slide_column(name) is slides


def test_columns_of_an_image_are_refused(tmp_path):
    """A wrong file is told as such, whatever its bytes are like."""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"'.*a\.png', which is no text: an image.*Pass a csv"):
        read_columns_csv(tmp_path / "a.png", tmp_path, ["a.png"])


@pytest.mark.parametrize("first", ["a.png,P1", "P1,x/a.png", "b,P2"])
def test_columns_without_header_are_refused(tmp_path, first):
    """The first image must not become the header."""
    with pytest.raises(ValueError, match=r"whose first line is of the image '.*'\. Add a line"):
        columns_of(tmp_path, f"{first}\nc.png,P2\n", ["x/a.png", "b.png", "c.png"])


def test_group_column_alone_needs_no_name(tmp_path):
    """A csv of two columns is not ambiguous."""
    read = read_columns_csv(write(tmp_path, "file,who\na.png,P1\n"), tmp_path, ["a.png"])
    assert choose_group_column(read) == "who"


@pytest.mark.parametrize(
    ("name", "match"),
    [
        (None, "column of patients.*'who', 'where'.*Name it 'patient'"),
        ("patient", "'patient' was asked for.*pass groups="),
        ("who", "'who' of 'slides.csv' must be filled.*1 empty cell.*Fill them in"),
    ],
)
def test_group_column_missing_or_empty_is_refused(tmp_path, name, match):
    """No guess among several, no image without patient."""
    read = read_columns_csv(
        write(tmp_path, "file,who,where\na.png,P1,x\nb.png,,y\n"), tmp_path, ["a.png", "b.png"]
    )
    with pytest.raises(ValueError, match=match):
        choose_group_column(read, name, csv_path="slides.csv")
