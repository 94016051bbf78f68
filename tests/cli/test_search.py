"""``cellsk search``: the page, and the search as a whole."""

import copy
import json

import numpy as np
import pytest

from cellsk import CellClassifier, make_cells
from cellsk.cli import _search as command
from cellsk.cli import main
from cellsk.cli._cells import read_cells

PATIENT = ("--group-pattern", r"(P\d+)")
SMALL = ("--filters", "2", "--filters", "4", "--folds", "2", "--epochs", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of 64 small drawn cells from eight patients."""
    path = tmp_path_factory.mktemp("drawn") / "cells"
    make_cells(64, folder=path, n_patients=8, image_size=(16, 16), difficulty=0, random_state=0)
    return path


@pytest.fixture(scope="module")
def fitted(folder):
    """A search over two networks, as the command fits it."""
    cells = read_cells(folder, group_pattern=PATIENT[1])
    classifier = CellClassifier(epochs=1, early_stopping=False, random_state=0)
    return command.search_filters(cells, classifier, [(2,), (4,)], 2, 0, refit=True)


@pytest.fixture
def found(fitted, monkeypatch):
    """A copy of it, which the command takes for what it found."""
    copied = copy.copy(fitted)
    copied.cv_results_ = copy.deepcopy(fitted.cv_results_)
    monkeypatch.setattr(command, "search_filters", lambda *_, **__: copied)
    return copied


@pytest.fixture
def own_warnings(monkeypatch):
    """Commands set warning filters and how warnings are shown; undo that."""
    import warnings

    with warnings.catch_warnings():
        monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
        yield


@pytest.mark.usefixtures("own_warnings")
def test_search_with_page_and_nested_gives_the_number_to_report(folder, tmp_path, capsys):
    """The page is written, and the nested number stands beside the best."""
    page = tmp_path / "search.html"
    small = ("--filters", "4", "--folds", "2", "--epochs", "1")
    code = main(
        ["search", str(folder), *PATIENT, *small, "--nested", "--html", str(page), "--json"]
    )
    printed = capsys.readouterr()
    assert code == 0, printed.err
    result = json.loads(printed.out)
    assert result["candidates"][0]["n_weights"] > 0
    assert result["one_standard_error"] == [4]
    assert 0 <= result["nested"]["value"] <= 1
    assert any(sentence.startswith("To report:") for sentence in result["summary"])
    text = page.read_text()
    assert "Nested" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--html", "search.txt"], "The page must end in .html"),
        (["--html", "nowhere/search.html"], "folder of an output file must exist"),
        (["--filters", "4,x"], "--filters must be positive whole numbers"),
    ],
)
@pytest.mark.usefixtures("own_warnings")
def test_search_bad_output_is_refused_before_training(
    folder, monkeypatch, tmp_path, capsys, arguments, sentence
):
    """What cannot be written is said at once."""
    monkeypatch.chdir(tmp_path)
    assert main(["search", str(folder), *PATIENT, *arguments]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("own_warnings")
def test_search_patients_from_a_csv_are_kept_together(folder, tmp_path, capsys):
    """--groups-csv names the patients, as for evaluate."""
    lines = ["file,patient"]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for number, path in enumerate(files):
        lines.append(f"{path.relative_to(folder).as_posix()},P{number % 4}")
    (tmp_path / "slides.csv").write_text("\n".join(lines))
    code = main(["search", str(folder), "--groups-csv", str(tmp_path / "slides.csv"), *SMALL])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "4 patients." in printed.err
    assert "Patients unknown" not in printed.err
    assert printed.out.splitlines()[0].split()[:2] == ["rank", "filters"]
    assert "within one standard error" in printed.out
    assert "The option --nested of cellsk search gives one that is not." in printed.out
    assert "Run evaluate" not in printed.out


def refuse(*_, **__):
    """What a nested evaluation may do after hours."""
    raise ValueError("Folds must hold all classes. Got one without. Take fewer.")


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.usefixtures("own_warnings", "found")
def test_search_whose_nested_part_fails_keeps_what_it_found(
    folder, tmp_path, monkeypatch, capsys, as_json
):
    """Model, page and numbers of the search are there; the error ends the command with 2."""
    monkeypatch.setattr("cellsk.report.evaluate", refuse)
    page, model = tmp_path / "search.html", tmp_path / "best.cellsk"
    written = ["--html", str(page), "--output", str(model)]
    json_too = ["--json"] if as_json else []
    assert main(["search", str(folder), *PATIENT, *SMALL, "--nested", *written, *json_too]) == 2
    printed = capsys.readouterr()
    assert "Folds must hold all classes" in printed.err
    assert "What the search found before stands" in printed.err
    assert "Best of 2 candidates" in page.read_text()
    assert model.exists()
    if as_json:
        result = json.loads(printed.out)
        assert len(result["candidates"]) == 2
        assert result["nested"] is None
    else:
        assert printed.out.splitlines()[0].split()[:2] == ["rank", "filters"]
        assert "Best of 2 candidates" in printed.out


@pytest.mark.usefixtures("own_warnings", "found")
def test_search_with_nested_prints_the_plain_result_first(folder, tmp_path, monkeypatch, capsys):
    """What was found is there before the long part; then the number, and the page anew."""
    page, before = tmp_path / "search.html", []

    def evaluate(*_):
        before.extend([capsys.readouterr().out, page.read_text()])
        number = {"value": 0.7, "low": 0.6, "high": 0.8}
        return {
            "numbers": {"accuracy": number},
            "data": {"classes": [{"positive": False}, {"positive": True}]},
            "interval": {"method": "bootstrap over patients", "unit": "patient"},
            "cv": {"n_folds": 2},
            "folds": [{"best_params": {"filters": (2,)}}] * 2,
        }

    monkeypatch.setattr(command, "evaluate_search", evaluate)
    arguments = [*PATIENT, *SMALL, "--nested", "--html", str(page)]
    assert main(["search", str(folder), *arguments]) == 0
    assert "Best of 2 candidates" in before[0]
    assert "Best of 2 candidates" in before[1]
    assert "To report" not in before[0] + before[1]
    after = capsys.readouterr().out
    assert after.startswith("To report: 0.700 (0.600 to 0.800), on patients")
    assert len(after.splitlines()) == 1
    assert "To report: 0.700" in page.read_text()


@pytest.mark.usefixtures("own_warnings")
def test_search_whose_nested_folds_cannot_be_made_is_refused_before_training(
    folder, tmp_path, monkeypatch, capsys
):
    """Two patients of each class: one remains in training, where two folds would be needed."""
    lines = ["file,patient"]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for number, path in enumerate(files):
        lines.append(f"{path.relative_to(folder).as_posix()},{path.parent.name}{number % 2}")
    (tmp_path / "slides.csv").write_text("\n".join(lines))
    named = ["--groups-csv", str(tmp_path / "slides.csv"), *SMALL]
    trained = []
    monkeypatch.setattr(command, "search_filters", lambda *_, **__: trained.append(1))
    assert main(["search", str(folder), *named, "--nested"]) == 2
    told = capsys.readouterr().err
    assert "--nested needs two folds or more within the training images of each fold" in told
    assert "leave out --nested" in told
    assert not trained
    assert main(["search", str(folder), *named[:2], "--folds", "3", "--nested"]) == 2
    assert not trained


@pytest.mark.usefixtures("own_warnings")
def test_search_without_a_score_is_refused_and_writes_nothing(folder, found, tmp_path, capsys):
    """Where no candidate has a score none is the best, and no model is written."""
    found.cv_results_["split0_test_score"][:] = np.nan
    found.cv_results_["mean_test_score"][:] = np.nan
    written = ["--html", str(tmp_path / "a.html"), "--output", str(tmp_path / "a.cellsk")]
    assert main(["search", str(folder), *PATIENT, *SMALL, *written, "--json"]) == 2
    printed = capsys.readouterr()
    assert "A search must have scored its best candidate" in printed.err
    assert "Take fewer folds, or cv=InnerKFold()" in printed.err
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []
