"""cellsk search: the table, the page, and the nested evaluation."""

import copy
import json
import sys

import numpy as np
import pytest

from cellsk import load_model, make_cells
from cellsk.cli import _search as command
from cellsk.cli._images import list_labeled_images
from cellsk.cli._pipeline import build_pipeline
from cellsk.exceptions import InputError

PATIENT = ("--group-pattern", r"(P\d+)")
SMALL = ("--filters", "2", "--filters", "4", "--folds", "2", "--epochs", "1")


@pytest.fixture(scope="module")
def fitted(folder, tmp_path_factory):
    """A search over two networks, as the command fits it."""
    images = list_labeled_images(folder, group_pattern=PATIENT[1])
    store = tmp_path_factory.mktemp("store")
    pipeline = build_pipeline(None, store, epochs=1, early_stopping=False, random_state=0)
    plan = command.FilterSearch(images, pipeline, [(2,), (4,)], 2, 0)
    return command.search_filters(plan, refit=True)


@pytest.fixture
def found(fitted, monkeypatch):
    """A copy of it, which the command uses as its result."""
    copied = copy.copy(fitted)
    copied.cv_results_ = copy.deepcopy(fitted.cv_results_)
    monkeypatch.setattr(command, "search_filters", lambda *_, **__: copied)
    return copied


def test_search_with_page_and_nested_shows_the_number_to_report(folder, tmp_path, cellsk):
    """The page and the model are written, and the nested score is beside the best."""
    page, best = tmp_path / "search.html", tmp_path / "best.cellsk"
    done = cellsk(
        *("search", folder, *PATIENT, *SMALL, "--nested"),
        *("--html", page, "--output", best, "--json"),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    candidates = result["candidates"]
    assert sorted(tuple(one["filters"]) for one in candidates) == [(2,), (4,)]
    assert result["scoring"] == "roc_auc"
    assert candidates[0]["mean_roc_auc"] >= candidates[1]["mean_roc_auc"]
    assert result["guessing"] == 0.5
    assert result["better_than_guessing"] is (candidates[0]["low"] > 0.5)
    assert candidates[0]["one_class_folds"] in (0, 1, 2)
    assert list(load_model(best)[-1].filters) == candidates[0]["filters"]
    assert candidates[0]["n_weights"] > 0
    assert result["one_standard_error"] in ([2], [4])
    assert 0 <= result["nested"]["value"] <= 1
    assert any(sentence.startswith("To report:") for sentence in result["summary"])
    assert "Nested" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--html", "search.txt"], "must end in .html"),
        (["--html", "nowhere/search.html"], "folder of an output file must exist"),
        (["--filters", "4,x"], "--filters must be whole numbers from 1"),
    ],
)
def test_search_bad_output_is_refused_before_training(
    folder, tmp_path, cellsk, arguments, sentence
):
    """A file that cannot be written is found at once."""
    done = cellsk("search", folder, *PATIENT, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr


@pytest.mark.usefixtures("found")
def test_search_patients_from_a_csv_are_kept_together(folder, cellsk):
    """--groups-csv names the patients, as for evaluate; the table shows the candidates."""
    done = cellsk("search", folder, "--groups-csv", folder.parent / "slides.csv", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "12 patients." in done.stderr
    assert "Patients unknown" not in done.stderr
    assert done.stdout.splitlines()[0].split()[:2] == ["rank", "filters"]
    assert "within one standard error" in done.stdout
    assert "Pass --nested to cellsk search" in done.stdout
    assert "Run evaluate" not in done.stdout


@pytest.mark.usefixtures("found")
def test_search_patients_unknown_is_noted(folder, cellsk):
    """The note names the options that name the patients."""
    done = cellsk("search", folder, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "Patients unknown" in done.stderr
    assert "--group-pattern" in done.stderr


def refuse(*_, **__):
    """Fail as a nested evaluation may after hours."""
    raise ValueError("Folds must hold all classes. Got one without. Take fewer.")


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.usefixtures("found")
def test_search_whose_nested_evaluation_fails_keeps_its_results(
    folder, tmp_path, monkeypatch, cellsk, as_json
):
    """Model, page and numbers of the search are complete; the exit code is 2."""
    monkeypatch.setattr("cellsk.report.evaluate", refuse)
    page, model = tmp_path / "search.html", tmp_path / "best.cellsk"
    options = ("--nested", "--html", page, "--output", model, *(["--json"] if as_json else []))
    done = cellsk("search", folder, *PATIENT, *SMALL, *options)
    assert done.returncode == 2
    assert "Folds must hold all classes" in done.stderr
    assert "The results of the search are valid" in done.stderr
    assert "Best of 2 candidates" in page.read_text()
    assert model.exists()
    if as_json:
        result = json.loads(done.stdout)
        assert len(result["candidates"]) == 2
        assert result["nested"] is None
    else:
        assert done.stdout.splitlines()[0].split()[:2] == ["rank", "filters"]
        assert "Best of 2 candidates" in done.stdout


@pytest.mark.usefixtures("found")
def test_search_with_nested_prints_the_plain_result_first(folder, tmp_path, monkeypatch, cellsk):
    """The results are printed before the long evaluation; then the number, and the page again."""
    page, before = tmp_path / "search.html", []

    def evaluate(*_):
        before.extend([sys.stdout.getvalue(), page.read_text()])
        number = {"value": 0.7, "low": 0.6, "high": 0.8}
        return {
            "numbers": {"roc_auc": number},
            "data": {"classes": [{"positive": False}, {"positive": True}]},
            "interval": {"method": "bootstrap over patients", "unit": "patient"},
            "cv": {"n_folds": 2},
            "folds": [{"best_params": {"filters": (2,)}}] * 2,
        }

    monkeypatch.setattr(command, "evaluate_search", evaluate)
    done = cellsk("search", folder, *PATIENT, *SMALL, "--nested", "--html", page)
    assert done.returncode == 0, done.stderr
    assert "Best of 2 candidates" in before[0]
    assert "Best of 2 candidates" in before[1]
    assert "To report" not in before[0] + before[1]
    after = done.stdout.removeprefix(before[0])
    assert after.startswith("To report: 0.700 (0.600 to 0.800), on patients")
    assert len(after.splitlines()) == 1
    assert "To report: 0.700" in page.read_text()


def test_search_whose_nested_folds_cannot_be_made_is_refused_before_training(
    folder, tmp_path, monkeypatch, cellsk
):
    """With two patients per class one is in training, but two inner folds need two."""
    lines = ["file,patient"]
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        lines.append(f"{path.relative_to(folder).as_posix()},{path.parent.name}{number % 2}")
    (tmp_path / "slides.csv").write_text("\n".join(lines))
    named = ("--groups-csv", tmp_path / "slides.csv")
    trained = []
    monkeypatch.setattr(command, "search_filters", lambda *_, **__: trained.append(1))
    done = cellsk("search", folder, *named, *SMALL, "--nested")
    assert done.returncode == 2
    assert "--nested needs at least two folds within the training images" in done.stderr
    assert "leave out --nested" in done.stderr
    assert cellsk("search", folder, *named, "--folds", "3", "--nested").returncode == 2
    assert not trained


def test_search_without_a_score_is_refused_and_writes_nothing(folder, found, tmp_path, cellsk):
    """If no candidate has a score, none is the best, and no model is written."""
    found.cv_results_["split0_test_roc_auc"][:] = np.nan
    found.cv_results_["mean_test_roc_auc"][:] = np.nan
    written = ("--html", tmp_path / "a.html", "--output", tmp_path / "a.cellsk")
    done = cellsk("search", folder, *PATIENT, *SMALL, *written, "--json")
    assert done.returncode == 2
    assert "A search must have scored its best candidate" in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_search_more_folds_than_patients_of_a_class_names_a_number_that_works(tmp_path, cellsk):
    """Two malignant patients cannot be tested in three folds."""
    make_cells(100, folder=tmp_path / "cells", n_patients=5, pure_patients=True,
               class_balance=0.4, image_size=(16, 16), random_state=0)  # fmt: skip
    done = cellsk("search", tmp_path / "cells", *PATIENT, "--json", "--folds", 3)
    assert done.returncode == 2
    assert "'malignant' with 2 patients for 3 folds. Pass --folds 2." in done.stderr


def test_search_whose_best_candidate_guesses_is_a_warning(folder, found, cellsk):
    """A constant network is not "best" without a word: table, sentences, JSON and warnings."""
    for fold in range(2):
        found.cv_results_[f"split{fold}_test_roc_auc"][:] = 0.5
        found.cv_results_[f"split{fold}_test_several_classes_predicted"][:] = 0
    found.cv_results_["mean_test_roc_auc"][:] = 0.5
    done = cellsk("search", folder, *PATIENT, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "must be better than guessing. Got a ROC AUC of 0.500" in done.stderr
    assert "the same class for all test images in 2 of 2 folds" in done.stderr
    assert "train for more --epochs" in done.stderr
    assert "the best candidate is not shown to be better" in done.stdout
    assert any(line.split()[-1:] == ["guessing"] for line in done.stdout.splitlines())
    result = json.loads(cellsk("search", folder, *PATIENT, *SMALL, "--json").stdout)
    assert (result["guessing"], result["better_than_guessing"]) == (0.5, False)
    assert [one["one_class_folds"] for one in result["candidates"]] == [2, 2]


def test_search_whose_network_predicts_one_class_is_a_warning(folder, found, monkeypatch, cellsk):
    """The network to save is asked about the images that it was trained on."""
    constant = lambda _, paths: np.array(["benign"] * len(paths))  # noqa: E731
    monkeypatch.setattr(type(found.best_estimator_), "predict", constant)
    done = cellsk("search", folder, *PATIENT, *SMALL)
    assert "Got 'benign' for all 120 images that it was trained on" in done.stderr


@pytest.mark.parametrize(
    ("scoring", "classes", "key"),
    [
        (None, ("a", "b"), "roc_auc"),
        (None, ("a", "b", "c"), "balanced_accuracy"),
        ("roc_auc", ("a", "b", "c"), "roc_auc_ovr"),
        ("accuracy", ("a", "b"), "accuracy"),
    ],
)
def test_search_ranks_by_a_score_that_a_constant_network_cannot_win(scoring, classes, key):
    """ROC AUC for two classes, balanced accuracy for more, or what --scoring names."""
    labels = np.repeat(classes, 4)
    images = command.LabeledImages(labels, labels, None, {}, [])
    plan = command.FilterSearch(images, None, [], 2, 0, scoring)
    splits = [(np.arange(0, len(labels), 2), np.arange(1, len(labels), 2))]
    assert next(iter(command._choose_scoring(plan, splits))) == key


def test_search_score_that_a_fold_does_not_have_is_refused():
    """ROC AUC needs both classes in each test side; the default is then balanced accuracy."""
    labels = np.repeat(["a", "b"], 4)
    images = command.LabeledImages(labels, labels, None, {}, [])
    splits = [(np.arange(4, 8), np.arange(4))]
    plan = command.FilterSearch(images, None, [], 2, 0, "roc_auc")
    with pytest.raises(InputError, match=r"that each fold has.*Pass --scoring balanced_accuracy"):
        command._choose_scoring(plan, splits)
    assert "balanced_accuracy" in command._choose_scoring(plan._replace(scoring=None), splits)


def test_search_unknown_scoring_is_refused(folder, cellsk):
    """The names that work are listed."""
    done = cellsk("search", folder, "--scoring", "auc")
    assert done.returncode == 2
    assert "--scoring" in done.stderr
    assert "balanced_accuracy" in done.stderr


def test_search_compares_augmentations(folder, tmp_path, cellsk):
    """Each is a candidate, and the next commands name the best one."""
    options = ("--filters", "2", "--folds", "2", "--epochs", "1")
    names = ("--augmentation", "none", "--augmentation", "dihedral", "--augmentation", "none")
    done = cellsk("search", folder, *PATIENT, *options, *names, "--json")
    assert done.returncode == 0, done.stderr
    candidates = json.loads(done.stdout)["candidates"]
    assert sorted(str(one["augmentation"]) for one in candidates) == ["None", "dihedral"]
    best = candidates[0]["augmentation"] or "none"
    following = [line for line in done.stderr.splitlines() if "cellsk evaluate" in line]
    assert all(f"--augmentation {best}" in line for line in following)
    assert len(following) <= 1


def test_search_names_each_fit_in_the_order_of_the_grid(folder):
    """The line of the progress names filters and augmentation as GridSearchCV takes them."""
    images = list_labeled_images(folder)
    plan = command.FilterSearch(images, None, [(2,), (4,)], 2, 0, None, ("none", "stain"))
    names = [name.partition("  fold")[0] for name in command._name_fits(plan)[::2]]
    assert names == [
        "filters 2  augmentation none",
        "filters 4  augmentation none",
        "filters 2  augmentation stain",
        "filters 4  augmentation stain",
        "best candidate",
    ]
