"""The patients that the commands use, and the note that names their source."""

import pytest

from cellsk import make_cells
from cellsk.cli._images import list_labeled_images


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
