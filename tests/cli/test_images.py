"""The patients that the commands use, and the note that names their source."""

import shlex

import pytest

from cellsk import make_cells
from cellsk.cli import main
from cellsk.cli._evaluation_checks import choose_positive
from cellsk.cli._images import list_labeled_images
from cellsk.cli._messages import word_error
from cellsk.exceptions import InputError


@pytest.fixture
def folder(tmp_path):
    """20 drawn cells of four patients, and a csv with patients, groups and sites."""
    drawn = make_cells(
        20, folder=tmp_path / "cells", n_patients=4, image_size=(8, 8), random_state=0
    )
    rows = [
        f"{path.rsplit('/')[-1]},{'AB'[row % 2]},{patient}x,{row % 3}"
        for row, (path, patient) in enumerate(zip(drawn.paths, drawn.groups, strict=True))
    ]
    (tmp_path / "slides.csv").write_text("\n".join(["file,group,patient,site", *rows]))
    return tmp_path


def list_with(folder, **options):
    """List the cells with the csv."""
    return list_labeled_images(folder / "cells", groups_csv=folder / "slides.csv", **options)


def test_images_note_names_the_column_of_the_patients(folder, capsys):
    """The column patient is used, although there is a column group."""
    listed = list_with(folder)
    assert capsys.readouterr().err == (
        "Patients: column 'patient' of slides.csv.\n"
        "20 images: 10 benign, 10 malignant; 4 patients.\n"
    )
    assert len(set(listed.groups)) == 4


def test_images_groups_option_names_the_column(folder, capsys):
    """The column of --groups is used."""
    assert set(list_with(folder, groups="group").groups) == {"A", "B"}
    assert "column 'group' of slides.csv" in capsys.readouterr().err


def test_images_pattern_beside_csv_is_used_with_a_note(folder, capsys):
    """The columns can still be used for subgroups."""
    listed = list_with(folder, group_pattern=r"(P\d+)")
    assert "x" not in listed.groups[0]
    assert set(listed.column("--site", "site")) == {"0", "1", "2"}
    assert capsys.readouterr().err == (
        "Patients: from --group-pattern. The columns of slides.csv are used for --subgroup and"
        " --site only.\n"
        "20 images: 10 benign, 10 malignant; 4 patients.\n"
    )


def test_images_pattern_beside_a_named_column_is_refused(folder):
    """It is not clear which of the two names the patients."""
    with pytest.raises(ValueError, match=r"from --group-pattern or from --groups.*Leave one out"):
        list_with(folder, group_pattern=r"(P\d+)", groups="patient")


def write_labels(folder, header, row):
    """Write a csv of labels, and return the folder without class folders and the csv."""
    flat = folder / "flat"
    flat.mkdir()
    paths = sorted((folder / "cells").rglob("*.png"))
    lines = [row(path.parent.name, number, path.name) for number, path in enumerate(paths)]
    for path in paths:
        path.rename(flat / path.name)
    (folder / "labels.csv").write_text("\n".join([header, *lines]))
    return flat, folder / "labels.csv"


def test_images_labels_note_names_their_column(folder, capsys):
    """A column that is neither known nor the only one left is named by an option."""
    flat, table = write_labels(
        folder, "no,rating,finding,shot", lambda kind, n, name: f"{n},{n % 3},{kind},{name}"
    )
    with pytest.raises(InputError) as caught:
        list_labeled_images(flat, labels=table)
    assert word_error(caught.value).endswith(
        "Got 2 columns that may hold them, of 'no', 'rating', 'finding', 'shot'."
        " Pass --label-column with one of these, or name it 'label'."
    )
    listed = list_labeled_images(
        flat, labels=table, label_column="finding", image_column="shot", groups_csv=table,
        groups="rating",
    )  # fmt: skip
    assert listed.class_names == ["benign", "malignant"]
    assert "Labels: column 'finding' of labels.csv.\n" in capsys.readouterr().err


def test_images_of_folders_of_patients_are_listed_as_the_error_says(tmp_path):
    """The labels come from a csv file, and the patients from a level of the folders."""
    for name in ("patient1/a.png", "patient1/b.png", "patient2/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(InputError) as caught:
        list_labeled_images(tmp_path)
    assert "--groups 0 for the patients" in word_error(caught.value)
    table = tmp_path / "labels.csv"
    table.write_text("file,label\na,benign\nb,malignant\nc,benign\n")
    listed = list_labeled_images(tmp_path, labels=table, groups="0")
    assert listed.groups.tolist() == ["patient1", "patient1", "patient2"]


def test_images_of_one_hot_labels_note_names_the_columns(folder, capsys):
    """The classes are the names of the columns."""
    flat, table = write_labels(
        folder,
        "image,MEL,NV",
        lambda kind, _, name: f"{name},{int(kind == 'benign')},{int(kind != 'benign')}",
    )
    assert list_labeled_images(flat, labels=table).class_names == ["MEL", "NV"]
    assert "Labels: one-hot columns 'MEL', 'NV' of labels.csv.\n" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["evaluate", "audit", "train", "search"])
@pytest.mark.parametrize(
    ("splits", "names"),
    [
        (("test", "train", "val"), ("train", "test")),
        (("Testing", "Training"), ("Training", "Testing")),
        (("train_set", "val_set"), ("train_set", "val_set")),
        (("fold1", "fold2", "fold3"), ("fold1", "fold2")),
    ],
)
def test_folder_of_splits_explains_the_commands(tmp_path, capsys, command, splits, names):
    """The train folder comes first, and each command is alone on its line."""
    for split in splits:
        (tmp_path / split / "benign").mkdir(parents=True)
        (tmp_path / split / "benign" / "1.png").touch()
    assert main([command, str(tmp_path)]) == 2
    train, test = (tmp_path / name for name in names)
    error = capsys.readouterr().err
    assert "look like splits, not classes" in error
    assert error.endswith(
        f" run:\n  cellsk audit {train} --test {test}\n  cellsk evaluate {train} --test {test}\n"
    )


def test_commands_for_splits_work_as_they_are_printed(tmp_path, monkeypatch, capsys):
    """Also if the folder has spaces, quotes or a dash at its start."""
    monkeypatch.chdir(tmp_path)
    name = "-my  'images'"
    for number, split in enumerate(("train", "test")):
        folder = tmp_path / name / split
        make_cells(24, folder=folder, n_patients=12, image_size=(16, 16), random_state=number)
        for path in folder.rglob("*.png"):
            path.rename(path.with_name(f"{split}{path.name}"))
    assert main(["audit", f"./{name}"]) == 2
    commands = [shlex.split(line) for line in capsys.readouterr().err.splitlines()[-2:]]
    small = ["--filters", "2", "--epochs", "1", "--folds", "2", "--no-baselines"]
    audited = main([*commands[0][1:], "--group-pattern", r"(\w+P\d+)"])
    assert audited == 0, capsys.readouterr().out
    assert main([*commands[1][1:], "--group-pattern", r"(\w+P\d+)", *small]) == 0
    assert "Test set" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "given", "chosen", "note"),
    [
        (("Parasitized", "Uninfected"), None, 0, ". Pass --positive Uninfected to change it."),
        (("a b", "c"), None, 1, ". Pass --positive 'a b' to change it."),
        (("Parasitized", "Uninfected"), "Uninfected", 1, "."),
    ],
)
def test_positive_class_is_always_stated(capsys, names, given, chosen, note):
    """The guess, and the option."""
    assert choose_positive(list(names), given) == names[chosen]
    assert capsys.readouterr().err == f"Positive class: {names[chosen]}{note}\n"
