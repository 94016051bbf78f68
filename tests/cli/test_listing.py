"""Which patients the commands take, and that they say so."""

import pytest

from cellsk import make_cells
from cellsk.cli._listing import list_cells


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
    return list_cells(folder / "cells", groups_csv=folder / "slides.csv", **options)


def test_listing_says_which_column_names_the_patients(folder, capsys):
    """The patient, although there is a group."""
    listed = list_with(folder)
    assert capsys.readouterr().err == "Patients: column 'patient' of slides.csv.\n"
    assert len(set(listed.groups)) == 4
    assert listed.describe() == "20 images: 10 benign, 10 malignant; 4 patients."


def test_listing_takes_the_column_that_was_named(folder, capsys):
    """By --groups."""
    assert set(list_with(folder, groups="group").groups) == {"A", "B"}
    assert "column 'group' of slides.csv" in capsys.readouterr().err


def test_listing_pattern_beside_csv_wins_and_says_so(folder, capsys):
    """The columns are there for subgroups all the same."""
    listed = list_with(folder, group_pattern=r"(P\d+)")
    assert "x" not in listed.groups[0]
    assert set(listed.column("--site", "site")) == {"0", "1", "2"}
    assert capsys.readouterr().err == (
        "Patients: --group-pattern, and no column of slides.csv, whose columns serve --subgroup "
        "and --site.\n"
    )


def test_listing_pattern_beside_a_named_column_is_refused(folder):
    """Then it is not clear who the patients are."""
    with pytest.raises(ValueError, match=r"from --group-pattern or from --groups.*Leave one out"):
        list_with(folder, group_pattern=r"(P\d+)", groups="patient")
