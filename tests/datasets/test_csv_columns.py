"""Which columns of a csv file hold images and labels, and how its text is parsed."""

import pytest

from cellsk.datasets import choose_group_column, list_images, read_columns_csv
from cellsk.exceptions import InputError, LabelWarning

NAMES = [f"c{number:02d}" for number in range(12)]


@pytest.fixture
def folder(tmp_path):
    """Return a flat folder of twelve images."""
    for name in NAMES:
        (tmp_path / "flat" / f"{name}.png").parent.mkdir(exist_ok=True)
        (tmp_path / "flat" / f"{name}.png").touch()
    return tmp_path / "flat"


def list_csv(folder, header, row, **options):
    """List a folder with a csv whose rows are made from the number and the name of an image."""
    lines = [header, *(row(number, name) for number, name in enumerate(NAMES))]
    return list_text(folder, "\n".join(lines), **options)


def list_text(folder, text, **options):
    """List a folder with a csv of this text."""
    path = folder.parent / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return list_images(folder, labels=path, **options)


# Labels -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image_id,patient_id,tumor", "{name},P{three},{k}"),
        ("image_id,age,sex,malignant", "{name},{age},f,{k}"),
        ("file,x,y,type", "{name},{age},7,{k}"),
        ("file,x_coord,y_coord,fold,kind", "{name},{age},7,{three},{k}"),
        ("Image ID,Patient Age,Scanner,Slide No.,finding", "{name},{age},S{k},{three},{k}"),
        (",Unnamed: 0,filename,Hospital,result", "{n},{n},{name},H{three},{k}"),
        ("imageId,subjectId,scanDate,grading", "{name},P{three},2020-01-{n},{k}"),
        ("xmin,ymin,xmax,ymax,img_path,set,kind", "1,2,{age},4,{name}.png,train,{k}"),
        ("file,y", "{name},{k}"),
        ("file,x,y,label", "{name},{age},7,{k}"),
        ("lesion_id,image_id,dx,dx_type,age,sex,localization", "L{three},{name},{k},h,{age},m,ear"),
        ("file,label,diagnosis", "{name},{k},finding {k}"),  # the same classes
        ("file,label,dx", "{name},{k},finding {n}"),  # one is a part of the other
        ("file,label,tumor", "{name},{k},"),
        ("Dateiname,Patienten-Nr,Klasse,Alter,Geschlecht", "{name},P{n},{k},{age},m"),
        ("Fichier,Diagnostic,Âge,Sexe", "{name},{k},{age},f"),
        ("Table 1, cells, of study\nfile,label", "{name},{k}"),
    ],
)
def test_label_column_is_the_known_or_the_only_one_left(folder, header, row):
    """No patient, age, coordinate, site or fold is taken for the label."""
    found = list_csv(
        folder,
        header,
        lambda n, name: row.format(name=name, n=n, k=n % 2, one=1 - n % 2, three=n % 3, age=40 + n),
    )
    assert found.y.tolist() == [0, 1] * 6
    assert found.target_names == ["0", "1"]


@pytest.mark.parametrize(
    ("header", "row", "got"),
    [
        ("image,patient_id", "{name},P{n}", "no such column, of 'image', 'patient_id'"),
        ("file,x,y", "{name},{n},7", "no such column, of 'file', 'x', 'y'"),
        ("file,grading,finding", "{name},{three},{three}", "2 columns that may hold them, of 'fi"),
        ("file,site,scanner,age", "{name},a,b,3", "no such column"),
        ("file,Wert", "{name},{half}", "only 'Wert' left, with 12 different numbers in 12 rows"),
        ("file,digest", "{name},q{n}", "only 'digest' left, with 12 different values in 12 rows"),
        ("file,label,Label", "{name},1,2", "2 columns 'label'"),
        ("image,MEL,NV,grading", "{name},1,0,{three}", "3 columns that may hold them"),
        ("file,label,diagnosis", "{name},{k},{three}", "columns 'label' and 'diagnosis', whose"),
        ("file,malignant,class", "{name},{k},{three}", "columns 'class' and 'malignant', whose"),
        ("Bild,Alter,Geschlecht", "{name},4{n},{k}", "no such column"),
        ("image,âge,sexe", "{name},4{n},{k}", "no such column"),
    ],
)
def test_label_column_unclear_is_refused(folder, header, row, got):
    """The error lists the columns, and offers the parameter."""
    with pytest.raises(
        InputError, match=r"column of labels must be clear.*Pass label_column= with one"
    ) as caught:
        list_csv(
            folder,
            header,
            lambda n, name: row.format(name=name, n=n, k=n % 2, three=n % 3, half=n / 2),
        )
    assert got in str(caught.value)
    assert caught.value.code == "label-column-unclear"


def test_label_column_that_is_given_is_used(folder):
    """Whatever its name is, in any case. A column that does not exist is an error."""
    rows = {"header": "file,x,y,Patient", "row": lambda n, name: f"{name},{n % 2},{n},P{n % 3}"}
    assert list_csv(folder, **rows, label_column="x").y.tolist() == [0, 1] * 6
    assert list_csv(folder, **rows, label_column="patient").target_names == ["P0", "P1", "P2"]
    assert list_csv(folder, **rows, label_column="x").label_columns == ["x"]
    with pytest.raises(InputError, match=r"label_column must name one.*'z'.*'file', 'x'.*Pass one"):
        list_csv(folder, **rows, label_column="z")
    with pytest.raises(InputError, match=r"must be clear.*'file', which names the images"):
        list_csv(folder, **rows, image_column="file", label_column="file")


def test_columns_without_csv_are_refused(folder):
    """A column is of a csv file, and is a text."""
    with pytest.raises(InputError, match=r"label_column must be left out if.*Pass labels='labels"):
        list_images(folder, label_column="kind")
    with pytest.raises(TypeError, match=r"image_column must be the name of a column.*Got 3"):
        list_text(folder, "file,label\nc00,1\n", image_column=3)


@pytest.mark.parametrize("ones", [("0", "1"), ("0.0", "1.0"), ("False", "True")])
def test_label_columns_of_one_hot_table_are_classes(folder, ones):
    """The class is the name of the column that holds the 1."""
    found = list_csv(
        folder,
        "image,age,MEL,NV,BCC,UNK",
        lambda n, name: f"{name},{n},{','.join(ones[place == n % 3] for place in range(4))}",
    )
    assert found.target_names == ["BCC", "MEL", "NV"]
    assert [found.target_names[code] for code in found.y[:3]] == ["MEL", "NV", "BCC"]
    assert found.label_columns == ["MEL", "NV", "BCC", "UNK"]


@pytest.mark.parametrize("row", ["c05,1,1", "c05,0,0"])
def test_label_columns_of_one_hot_table_need_one_mark(folder, row):
    """A row with no 1 or two is refused with its line."""
    text = "\n".join(["image,MEL,NV", *(f"{name},1,0" for name in NAMES if name != "c05"), row])
    with pytest.raises(
        InputError, match=r"one 1 in the columns.*'MEL', 'NV'. Got line 13 with [02]. Correct the"
    ):
        list_text(folder, text)


@pytest.mark.parametrize("word", ["nan", "NA", "None", "null", "#N/A", "", "N/A", " NaN "])
def test_label_that_is_a_word_for_nothing_is_an_empty_cell(folder, word):
    """Such a cell is an error with its line, unless the word is named as a class."""
    rows = {"header": "file,label", "row": lambda n, name: f"{name},{['b', 'm', word][n % 3]}"}
    with pytest.raises(InputError, match=r"must be filled.*4 empty cells. First: line 4.*Fill"):
        list_csv(folder, **rows)
    if word.strip():
        classes = ("b", "m", word.strip())
        assert list_csv(folder, **rows, classes=classes).y.tolist() == [0, 1, 2] * 4


def test_group_that_is_a_word_for_nothing_is_an_empty_cell(folder):
    """Images without a known patient are not one patient."""
    rows = {"header": "file,label,patient", "row": lambda n, name: f"{name},{n % 2},NA"}
    with pytest.raises(InputError, match=r"Column 'patient'.*12 empty cells.*with 'NA'"):
        list_csv(folder, **rows, groups="patient")
    columns = read_columns_csv(folder.parent / "labels.csv", folder, [f"{NAMES[0]}.png"])
    with pytest.raises(InputError, match=r"'patient'.*1 empty cell"):
        choose_group_column(columns)


# Images -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("id,tile,label", "{n},{name},{k}"),
        ("id,label,crop", "{n},{k},{name}.png"),
        ("label,crop,image_path", "{k},{n},{name}.png"),
        ("patient,cell,label", "P{n},{name},{k}"),
        ("Image Name,id,label", "{name},{n},{k}"),
    ],
)
def test_image_column_is_the_one_that_names_images(folder, header, row):
    """A row number called `id` is not the image, if another column names the images."""
    found = list_csv(folder, header, lambda n, name: row.format(name=name, n=n, k=n % 2))
    assert found.y.tolist() == [0, 1] * 6


def test_image_column_unclear_is_refused(folder):
    """No column and two columns are errors. The parameter and a known name solve them."""
    rows = {"header": "one,two,label", "row": lambda n, name: f"{name},{name}.png,{n % 2}"}
    with pytest.raises(InputError, match=r"of images must be clear.*2 columns.*Pass image_column="):
        list_csv(folder, **rows)
    assert list_csv(folder, **rows, image_column="two").y.tolist() == [0, 1] * 6
    with pytest.raises(InputError, match=r"Got no column whose cells name the images"):
        list_csv(folder, "one,label", lambda n, name: f"q{n},{n % 2}")


def test_image_column_of_groups_may_be_given(folder):
    """The same rules hold for the csv of the patients."""
    table = folder.parent / "patients.csv"
    table.write_text("id,other,patient\n" + "\n".join(f"{n},{n}.png,P{n}" for n in NAMES))
    listed = list_images(folder)
    columns = read_columns_csv(table, folder, listed.paths, image_column="other")
    assert columns["patient"].tolist() == [f"P{name}" for name in NAMES]
    with pytest.raises(InputError, match=r"image_column must name one column.*'who'"):
        read_columns_csv(table, folder, listed.paths, image_column="who")


def test_first_line_that_is_an_image_is_refused(folder):
    """The header is missing."""
    rows = [f"{name}.png,{n % 2}" for n, name in enumerate(NAMES)]
    with pytest.raises(InputError, match=r"first line describes the image 'c00.png'. Add a line"):
        list_text(folder, "\n".join(rows))


# Text -------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "above",
    [
        "{d}",
        "sep={d}\n",
        '"sep={d}"\r\n',
        "Cells of the study\n",
        "Cells of the study{d}{d}\n\n",
        "{d}Cells{d}\n",
        "Study of cells\nExported on Monday\n\n",
        "# Exported, by a program; version 3\n",
        "Cells of the study{d} 2024\n",
        "Cells of the study{d} 2024{d} final\n",
    ],
)
def test_text_of_any_spreadsheet_is_parsed(folder, delimiter, above):
    """Delimiter lines, titles, and quoted names with other delimiters do not matter."""
    lines = ['file;"size, in um; or so";label', *(f"{n};1,5 - {n};{n[-1] > '5'}" for n in NAMES)]
    rows = [
        delimiter.join(f'"{cell}"' for cell in line.replace('"', "").split(";"))
        for line in lines[1:]
    ]
    header = delimiter.join(["file", '"size, in um; or\tso"', "label"])
    above = "" if above == "{d}" else above.format(d=delimiter)
    found = list_text(folder, "\n".join([above + header, *rows]))
    assert found.target_names == ["False", "True"]
    assert found.y.sum() == 4


def test_text_with_decimal_commas_uses_semicolons(folder):
    """More commas than semicolons do not make the comma the delimiter."""
    rows = [f"{name};1,5;2,5;3,5;{n % 2}" for n, name in enumerate(NAMES)]
    text = "\n".join(["file;width;height;a, b, c, d;label", *rows])
    assert list_text(folder, text).y.tolist() == [0, 1] * 6


def test_text_whose_line_numbers_count_all_lines(folder):
    """Errors name the line of the file, titles and the delimiter line included."""
    text = "sep=;\nTitle\n\nfile;label\n" + "".join(f"{name};1\n" for name in NAMES) + "c00;2\n"
    with pytest.raises(InputError, match=r"'c00' in line 5 and again in line 17"):
        list_text(folder, text)


def test_text_that_is_a_spreadsheet_is_refused(folder):
    """A file of bytes is not csv text."""
    (folder.parent / "labels.xlsx").write_bytes(b"PK\x03\x04\0\0\0")
    with pytest.raises(InputError, match=r"labels must be a csv.*not text but an image, a spreads"):
        list_images(folder, labels=folder.parent / "labels.xlsx")


# Rows -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "got"),
    [
        ("c00.png,benign, G1,P1", "line 2, with 4: 'c00.png', 'benign', 'G1', 'P1'"),
        ("c00.png,carcinoma, in situ,P1", "line 2, with 4: 'c00.png', 'carcinoma', 'in situ'"),
        ("c00.png,benign,P1,,,x", "line 2, with 6"),
        ("c00.png,benign", "line 2, with 2: 'c00.png', 'benign'"),
        ("c00.png", "line 2, with 1: 'c00.png'"),
    ],
)
def test_rows_longer_or_shorter_than_header_are_refused(folder, row, got):
    """Labels and groups refuse rows whose cells are in the wrong columns."""
    rows = [f"{name}.png,malignant,P2" for name in NAMES[1:]]
    text = "\n".join(["file,label,patient", row, *rows])
    with pytest.raises(InputError, match=f"must have 3 cells.*{got}.* in quotation marks"):
        list_text(folder, text)
    with pytest.raises(InputError, match=f"must have 3 cells.*{got}.* in quotation marks"):
        read_columns_csv(folder.parent / "labels.csv", folder, [f"{name}.png" for name in NAMES])


def test_rows_with_empty_cells_behind_the_last_column_are_read(folder):
    """A spreadsheet may write separators behind the last column."""
    found = list_csv(folder, "file,label", lambda n, name: f"{name},{n % 2},,")
    assert found.y.tolist() == [0, 1] * 6


def test_one_hot_columns_beside_splits_and_persons_are_the_classes(folder):
    """Columns of folds, ages and splits are not classes, and an empty class has no label."""
    found = list_csv(
        folder,
        "image,MEL,NV,UNK,is_train,fold,age",
        lambda n, name: f"{name},{1 - n % 2}.0,{n % 2}.0,0.0,{n % 2},2,40",
    )
    assert found.target_names == ["MEL", "NV"]


@pytest.mark.parametrize(
    "cell", ["{n}.25", "id-{n}", "{name}.png", "2020-01-{n:02d}", "{n}"], ids=lambda cell: cell
)
def test_labels_that_do_not_repeat_are_refused_unless_the_column_is_named(folder, cell):
    """Measurements, ids, file names and dates are not classes."""
    rows = {"header": "file,label", "row": lambda n, name: f"{name},{cell.format(n=n, name=name)}"}
    with pytest.raises(InputError, match=r"'label' with 12 different values in 12 rows, such as"):
        list_csv(folder, **rows)
    with pytest.warns(LabelWarning, match=r"12 classes for 12 images.*not ids") as caught:
        list_csv(folder, **rows, label_column="label")
    assert caught[0].message.code == "labels-unique"


def test_scores_with_halves_are_classes_if_they_repeat(folder):
    """A few numbers that are not whole may be grades."""
    found = list_csv(folder, "file,label", lambda n, name: f"{name},{n % 3 / 2}")
    assert found.target_names == ["0.0", "0.5", "1.0"]


@pytest.mark.parametrize("word", ["-", "?", "--", "n.a.", "\\N", "#REF!", "#DIV/0!", "\u200b", "."])
def test_label_that_means_nothing_is_an_empty_cell(folder, word):
    """Errors of spreadsheets, punctuation and invisible characters."""
    with pytest.raises(InputError, match=r"must be filled.*4 empty cells. First: line 4.*Fill"):
        list_csv(folder, "file,label", lambda n, name: f"{name},{['b', 'm', word][n % 3]}")


def test_plus_and_minus_are_labels(folder):
    """Together they are the results of a test."""
    found = list_csv(folder, "file,label", lambda n, name: f"{name},{'+-'[n % 2]}")
    assert found.target_names == ["+", "-"]
