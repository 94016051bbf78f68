"""evaluate: checks, scores, warnings and reports."""

import inspect
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from cellsk import CellClassifier, ImageReader, choose_cv, evaluate, make_cells
from cellsk.exceptions import FoldManifestError, PatientsUnknownWarning, SplitWarning

# These models are weak, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
QUICK = {"n_resamples": 200, "baselines": False}


def mean_colors(images):
    """Three numbers for each image."""
    return images.mean(axis=(1, 2)) / 255


@pytest.fixture(scope="module")
def pipeline():
    """A classifier of mean colors: fast, and better than chance."""
    return make_pipeline(FunctionTransformer(mean_colors), LogisticRegression(C=100))


@pytest.fixture(scope="module")
def drawn():
    """240 images of twelve patients, each with benign and malignant ones."""
    return make_cells(240, n_patients=12, image_size=(16, 16), difficulty=0.5, random_state=0)


@pytest.fixture(scope="module")
def report(pipeline, drawn):
    """An evaluation. Tests must not change it."""
    return evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, target_names=drawn.target_names
    )


def test_evaluate_numbers_are_those_of_scikit_learn(report, drawn):
    """From the predictions that the report lists."""
    found = report.predictions()
    truth, predicted = found["label"] == "malignant", found["predicted"] == "malignant"
    numbers = report.numbers
    assert numbers["accuracy"]["value"] == accuracy_score(truth, predicted)
    assert numbers["roc_auc"]["value"] == pytest.approx(
        roc_auc_score(truth, found["probability_malignant"]), abs=1e-12
    )
    assert report.document["confusion_matrix"] == confusion_matrix(truth, predicted).tolist()
    (_, fp), (fn, tp) = report.document["confusion_matrix"]
    assert numbers["sensitivity"]["value"] == tp / (tp + fn)
    assert numbers["ppv"]["value"] == tp / (tp + fp)
    np.testing.assert_array_equal(truth, drawn.y == 1)


def test_evaluate_numbers_have_intervals_around_them(report):
    """Every score of the pooled row lies within its interval."""
    for name, entry in report.numbers.items():
        assert entry["low"] <= entry["value"] <= entry["high"], name
    assert report.document["interval"]["method"] == "bootstrap over patients"
    assert report.document["interval"]["n_units"] == 12


def test_evaluate_keeps_each_patient_in_one_fold(report, drawn):
    """The folds split no patient, and each image is in one."""
    found = report.predictions()
    assert len(found) == len(drawn.y)
    assert (found.groupby("group")["fold"].nunique() == 1).all()
    assert found["fold"].nunique() == 5


def test_evaluate_twice_gives_the_same_numbers(report, pipeline, drawn):
    """Except for the times."""
    again = evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, target_names=drawn.target_names
    )
    assert _without_times(again.document) == _without_times(report.document)


def _without_times(document):
    timed = ("created", "seconds", "checklists")  # the checklists report the time, too
    kept = {key: value for key, value in document.items() if key not in timed}
    kept["folds"] = [
        {key: value for key, value in fold.items() if not key.endswith("seconds")}
        for fold in kept["folds"]
    ]
    return json.loads(json.dumps(kept))


def test_report_frame_has_folds_then_the_pooled_row_with_its_interval(report):
    """One row a fold, then pooled, low and high."""
    table = report.frame()
    assert table.index.tolist() == ["1", "2", "3", "4", "5", "pooled", "low", "high"]
    assert table.loc["1":"5", "n_test"].sum() == table.loc["pooled", "n_test"] == 240
    assert table.loc["pooled", "accuracy"] == report.numbers["accuracy"]["value"]
    assert (
        table.loc["low", "roc_auc"] < table.loc["pooled", "roc_auc"] < table.loc["high", "roc_auc"]
    )


def test_report_in_a_terminal_shows_what_was_evaluated(report):
    """Counts, unit of the bootstrap, and the numbers."""
    text = repr(report)
    assert "240 images (120 benign, 120 malignant), 12 patients" in text
    assert "bootstrap over patients" in text
    assert f"{report.numbers['roc_auc']['value']:.3f}" in text
    assert "<" not in text


def test_evaluate_accepts_the_positive_class_by_the_name_of_its_folder(pipeline, tmp_path):
    """Labels are numbers; the folders of the paths name them."""
    drawn = make_cells(60, folder=tmp_path, n_patients=10, image_size=(16, 16), random_state=0)
    reading = make_pipeline(ImageReader(), *[step for _, step in pipeline.steps])
    report = evaluate(
        reading, drawn.paths, drawn.y, groups=drawn.groups, pos_label="benign", audit=False, **QUICK
    )
    assert report.document["data"]["positive"] == "benign"
    truth = report.predictions()["label"] == "benign"
    np.testing.assert_array_equal(truth, drawn.y == 0)


@pytest.mark.parametrize(
    ("labels", "pos_label", "words"),
    [
        (
            ["a", "b"],
            None,
            r"pos_label must name the class.*Got None.*Pass for example pos_label='b'",
        ),
        (["a", "b"], "c", r"must be the label or the name of a class: 'a', 'b'. Got 'c'"),
        ([0, 1], "malignant", r"Got 'malignant'.*target_names=cells.target_names"),
        ([1, 2], None, r"must name the class"),
        ([0, 1, 2], 1, r"pos_label is for two classes. Got 3"),
    ],
)
def test_evaluate_positive_class_must_be_named(pipeline, drawn, labels, pos_label, words):
    """It is never guessed."""
    y = np.array(labels)[np.arange(240) % len(labels)]
    with pytest.raises(ValueError, match=words):
        evaluate(pipeline, drawn.images, y, groups=drawn.groups, pos_label=pos_label)


def test_evaluate_refuses_folds_that_split_patients(pipeline, drawn):
    """With rule, got and remedy."""
    with pytest.raises(ValueError, match=r"must keep groups together.*12 patients.*choose_cv"):
        evaluate(pipeline, drawn.images, drawn.y, groups=drawn.groups, cv=StratifiedKFold(5))


def test_evaluate_refuses_folds_that_test_an_image_twice(pipeline, drawn):
    """Each tested image is predicted once."""
    with pytest.raises(ValueError, match=r"each image at most once.*choose_cv"):
        evaluate(pipeline, drawn.images, drawn.y, cv=ShuffleSplit(3, random_state=0))


def test_evaluate_without_groups_warns_and_names_its_intervals(pipeline, drawn):
    """Also in the report, by code."""
    with pytest.warns(PatientsUnknownWarning, match=r"images of one patient may be in training"):
        report = evaluate(pipeline, drawn.images, drawn.y, **QUICK)
    assert report.document["interval"]["method"] == "bootstrap over images"
    assert report.document["warnings"][0]["code"] == "patients-unknown"
    assert "Pass" not in report.document["warnings"][0]["text"]
    assert "! Patients are unknown." in repr(report)
    limit = report.document["limits"][0]
    assert limit["code"] == "patients-unknown"
    assert "Patients are unknown" in limit["text"]
    assert "patients unknown" in repr(report)


def test_evaluate_warnings_name_the_line_of_the_caller(pipeline, drawn):
    """Not a line within cellsk; the warnings of others keep their place."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1
        evaluate(pipeline, drawn.images, drawn.y, **QUICK)
    places = {(one.category, one.filename, one.lineno) for one in caught}
    assert (PatientsUnknownWarning, __file__, line) in places
    assert not any("cellsk/report" in filename for _, filename, _ in places)


def test_evaluate_patients_with_both_classes_are_described_correctly(report):
    """All twelve have benign and malignant images, so there is no negative patient."""
    patients = report.document["patients"]
    assert (patients["n_patients"], patients["n_mixed"], patients["numbers"]) == (12, 12, {})
    text = repr(report)
    assert "Every patient has both malignant and benign images and counts as malignant" in text
    assert "Only 12 patients have benign images: with fewer than 20, the intervals are" in text
    assert "of one class" not in text
    assert "patients of class" not in text


def test_evaluate_search_runs_inside_each_fold(drawn):
    """Nested: each fold has its own choice, made on its training patients."""
    search = GridSearchCV(
        make_pipeline(FunctionTransformer(mean_colors), LogisticRegression()),
        {"logisticregression__C": [0.01, 100.0]},
        cv=choose_cv(drawn.y, drawn.groups, n_splits=3),
    )
    report = evaluate(search, drawn.images, drawn.y, groups=drawn.groups, **QUICK)
    chosen = [fold["best_params"]["logisticregression__C"] for fold in report.document["folds"]]
    assert len(chosen) == 5
    assert set(chosen) <= {"0.01", "100.0"}


def test_evaluate_tunes_the_threshold_within_training(pipeline, drawn):
    """Each fold has a threshold; the scores are those of the test sides."""
    report = evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, sensitivity=0.95, **QUICK
    )
    point = report.document["operating_point"]
    assert len(set(point["thresholds"])) > 1
    assert point["achieved"]["sensitivity"]["value"] > point["untuned"]["sensitivity"]["value"]
    assert point["achieved"]["specificity"]["value"] < point["untuned"]["specificity"]["value"]
    assert "Threshold chosen on the training side of each fold for a sensitivity of 0.95" in repr(
        report
    )


def test_evaluate_calibrates_within_training(drawn):
    """The calibration error of an overconfident classifier becomes smaller."""
    certain = make_pipeline(FunctionTransformer(mean_colors), KNeighborsClassifier(1))
    raw, calibrated = (
        evaluate(certain, drawn.images, drawn.y, groups=drawn.groups, calibrate=method, **QUICK)
        for method in (None, "sigmoid")
    )
    assert (
        calibrated.numbers["calibration_error"]["value"] < raw.numbers["calibration_error"]["value"]
    )
    assert calibrated.document["calibration"] == {"method": "sigmoid"}


def test_evaluate_prevalence_gives_predictive_values_by_bayes(pipeline, drawn):
    """From sensitivity and specificity, with intervals."""
    report = evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, prevalence=0.02, **QUICK
    )
    numbers, found = report.numbers, report.document["at_prevalence"]
    hits = 0.02 * numbers["sensitivity"]["value"]
    false = 0.98 * (1 - numbers["specificity"]["value"])
    assert found["ppv"]["value"] == pytest.approx(hits / (hits + false), abs=1e-12)
    assert found["ppv"]["low"] < found["ppv"]["value"] < numbers["ppv"]["value"]


def test_evaluate_refers_uncertain_images_and_scores_the_rest(pipeline, drawn):
    """Coverage and error are those of the images that are certain enough."""
    report = evaluate(
        pipeline,
        drawn.images,
        drawn.y,
        groups=drawn.groups,
        target_names=drawn.target_names,
        max_uncertainty=0.45,
        **QUICK,
    )
    found, referral = report.predictions(), report.document["referral"]
    proba = found["probability_malignant"]
    kept = found[np.maximum(proba, 1 - proba) >= 0.55]
    assert 0 < referral["n_kept"] == len(kept) < 240
    assert referral["n_kept"] + referral["n_referred"] == 240
    assert referral["error"] == pytest.approx((kept["label"] != kept["predicted"]).mean())
    assert referral["error"] < 1 - report.numbers["accuracy"]["value"]
    assert "referred to a pathologist" in repr(report)


def test_evaluate_subgroups_have_their_own_numbers(pipeline, drawn):
    """One entry for each value of the column; missing values are "unknown"."""
    scanner = np.where(np.arange(240) % 3, "new", "old").astype(object)
    scanner[0] = None
    report = evaluate(
        pipeline,
        drawn.images,
        drawn.y,
        groups=drawn.groups,
        subgroups={"scanner": scanner},
        **QUICK,
    )
    entries = {entry["value"]: entry for entry in report.document["subgroups"]}
    assert {name: entry["n_images"] for name, entry in entries.items()} == {
        "new": 160,
        "old": 79,
        "unknown": 1,
    }
    found = report.predictions()[scanner == "old"]
    right = (found["label"] == found["predicted"]).mean()
    assert entries["old"]["numbers"]["accuracy"]["value"] == pytest.approx(right)


def test_evaluate_scores_patients_of_one_class_each():
    """By the image with the highest probability."""
    drawn = make_cells(
        240, n_patients=16, image_size=(16, 16), pure_patients=True, difficulty=0, random_state=0
    )
    pipeline = make_pipeline(FunctionTransformer(mean_colors), LogisticRegression())
    report = evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, aggregation="max", **QUICK
    )
    patients = report.document["patients"]
    assert patients["n_patients"] == 16 == sum(patients["counts"])
    assert patients["aggregation"] == "max"
    assert patients["numbers"]["roc_auc"]["value"] is not None
    assert "By patient (max of 16 patients)" in repr(report)


def test_leakage_gap_shows_the_scores_if_patients_are_ignored():
    """A classifier that recognizes patients by their stain, but not malignancy."""
    drawn = make_cells(
        360,
        n_patients=12,
        image_size=(16, 16),
        pure_patients=True,
        patient_effect=3,
        difficulty=4,
        random_state=0,
    )
    knows_stains = make_pipeline(FunctionTransformer(mean_colors), KNeighborsClassifier(1))
    report = evaluate(knows_stains, drawn.images, drawn.y, groups=drawn.groups, baselines=False)
    gap = report.leakage_gap()
    assert gap["random"]["accuracy"]["value"] > 0.8
    assert gap["grouped"]["accuracy"]["value"] < 0.7
    difference = gap["gap"]["accuracy"]
    assert difference["value"] == pytest.approx(
        gap["random"]["accuracy"]["value"] - gap["grouped"]["accuracy"]["value"]
    )
    assert 0 < difference["low"] < difference["value"] < difference["high"]
    assert "If patients were ignored, the reported AUC would be" in repr(report)


def test_leakage_gap_without_groups_is_refused(pipeline, drawn):
    """There are no folds by patient to compare with."""
    with pytest.warns(PatientsUnknownWarning):
        report = evaluate(pipeline, drawn.images, drawn.y, **QUICK)
    with pytest.raises(ValueError, match=r"Got no groups. Pass groups="):
        report.leakage_gap()


def test_fold_manifest_repeats_the_folds_in_any_order(report, pipeline, drawn, tmp_path):
    """With the same images in another order, others get the same scores."""
    report.save_folds(tmp_path / "folds.csv")
    order = np.random.default_rng(0).permutation(len(drawn.y))
    again = evaluate(
        pipeline,
        drawn.images[order],
        drawn.y[order],
        groups=drawn.groups[order],
        target_names=drawn.target_names,
        cv=tmp_path / "folds.csv",
    )
    assert again.document["cv"]["source"] == "manifest"
    np.testing.assert_array_equal(
        again.predictions()["fold"], report.predictions()["fold"].to_numpy()[order]
    )
    for name in ("accuracy", "roc_auc"):
        assert again.numbers[name]["value"] == pytest.approx(
            report.numbers[name]["value"], abs=0.01
        )


def test_fold_manifest_of_other_images_is_refused(report, pipeline, drawn, tmp_path):
    """A changed image is not the one in the manifest."""
    report.save_folds(tmp_path / "folds.csv")
    images = drawn.images.copy()
    images[0, 0, 0, 0] ^= 255
    with pytest.raises(FoldManifestError):
        evaluate(
            pipeline,
            images,
            drawn.y,
            groups=drawn.groups,
            target_names=drawn.target_names,
            cv=tmp_path / "folds.csv",
        )


def test_report_saves_json_and_markdown_and_refuses_other_endings(report, tmp_path):
    """Nothing is written for an unknown ending."""
    report.save(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == json.loads(
        json.dumps(report.document)
    )
    report.save(tmp_path / "report.md")
    accuracy = report.numbers["accuracy"]["value"]
    assert f"{accuracy:.3f}" in (tmp_path / "report.md").read_text("utf-8")
    with pytest.raises(ValueError, match=r"\.html, \.json or \.md. Got 'report.pdf'"):
        report.save(tmp_path / "report.pdf")
    with pytest.raises(FileNotFoundError, match="Make the folder first"):
        report.save(tmp_path / "nowhere" / "report.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "report.md"]


def test_evaluate_network_from_paths_keeps_the_curves_of_every_fold(tmp_path, small):
    """Files, patients, and the network with early stopping."""
    drawn = make_cells(
        60, folder=tmp_path, n_patients=10, image_size=(16, 16), difficulty=0, random_state=0
    )
    network = CellClassifier(**small | {"epochs": 2, "early_stopping": True})
    pipeline = Pipeline([("reader", ImageReader()), ("classifier", network)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few images for early stopping
        report = evaluate(
            pipeline, drawn.paths, drawn.y, groups=drawn.groups, n_splits=2, audit=False, **QUICK
        )
    for fold in report.document["folds"]:
        assert 1 <= fold["best_epoch"] <= len(fold["history"]["val_loss"]) <= 2
    assert report.document["predictions"]["file"][0].endswith(".png")
    assert not report.document["predictions"]["file"][0].startswith("/")
    assert report.document["data"]["positive"] == "malignant"


def test_evaluate_warns_if_copies_are_in_different_folds(pipeline, tmp_path):
    """After cleaning, copies are in one fold."""
    drawn = make_cells(
        120, folder=tmp_path, n_patients=24, image_size=(24, 24), n_duplicates=8, random_state=0
    )
    reading = make_pipeline(ImageReader(), *[step for _, step in pipeline.steps])
    with pytest.warns(SplitWarning, match=r"Copies of an image.*another fold.*\.clean\(\)"):
        report = evaluate(reading, drawn.paths, drawn.y, groups=drawn.groups, **QUICK)
    assert "copies-across-folds" in [one["code"] for one in report.document["warnings"]]
    kept = report.audit.clean()
    report = evaluate(reading, kept.paths, kept.y, groups=kept.groups, n_splits=2, **QUICK)
    codes = [warning["code"] for warning in report.document["warnings"]]
    assert "copies-across-folds" not in codes


def test_evaluate_without_errors_has_no_interval_of_width_zero():
    """Every resample is without errors, too, but the score is not certain."""
    y = np.array([0, 1] * 20)
    images = (y * 200)[:, None, None, None] * np.ones((1, 8, 8, 3))
    report = evaluate(
        make_pipeline(FunctionTransformer(mean_colors), KNeighborsClassifier(1)),
        images.astype(np.uint8),
        y,
        groups=np.arange(40) // 2,
        **QUICK,
    )
    assert report.numbers["accuracy"] == {"value": 1.0, "low": None, "high": None}
    assert report.document["second_opinions"]["sensitivity"]["low"] < 0.9


def test_evaluate_frozen_part_is_refused(drawn):
    """It was trained on the test images."""
    known = FrozenEstimator(KNeighborsClassifier(1).fit(mean_colors(drawn.images), drawn.y))
    pipeline = make_pipeline(FunctionTransformer(mean_colors), known)
    with pytest.raises(ValueError, match=r"fitted again in each fold.*around KNeighborsClassifier"):
        evaluate(pipeline, drawn.images, drawn.y, groups=drawn.groups)


def test_leakage_gap_works_for_a_search_that_keeps_groups(drawn):
    """Its inner folds require groups; to ignore patients, each image gets its own group."""
    search = GridSearchCV(
        make_pipeline(FunctionTransformer(mean_colors), LogisticRegression()),
        {"logisticregression__C": [0.1, 10.0]},
        cv=choose_cv(drawn.y, drawn.groups, n_splits=2),
    )
    report = evaluate(search, drawn.images, drawn.y, groups=drawn.groups, **QUICK)
    assert "If patients were ignored" in report.leakage_gap()["sentence"]


def test_leakage_gap_works_with_more_folds_than_images_of_a_class(pipeline, drawn):
    """The number of folds is that of the images of the rarest class."""
    rows = np.r_[np.flatnonzero(drawn.y == 0), np.flatnonzero(drawn.y == 1)[:9]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SplitWarning)
        report = evaluate(
            pipeline,
            drawn.images[rows],
            drawn.y[rows],
            groups=drawn.groups[rows],
            cv=LeaveOneGroupOut(),
            **QUICK,
        )
    assert report.leakage_gap()["random"]["accuracy"]["value"] > 0.5


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_evaluate_search_without_any_score_is_refused(drawn):
    """Inner folds that lack a class give no score to choose by."""
    few = np.isin(drawn.groups, np.unique(drawn.groups)[:3]) & (drawn.y == 1)
    rows = np.flatnonzero(few | (drawn.y == 0))
    search = GridSearchCV(
        make_pipeline(FunctionTransformer(mean_colors), LogisticRegression()),
        {"logisticregression__C": [1e-6, 1.0]},
        cv=GroupKFold(5),
        scoring="roc_auc",
    )
    with pytest.raises(ValueError, match=r"must score its candidates.*InnerKFold") as caught:
        evaluate(search, drawn.images[rows], drawn.y[rows], groups=drawn.groups[rows], n_splits=3)
    assert "in fold" in caught.value.__notes__[0]


def test_evaluate_estimator_that_predicts_no_labels_is_refused(drawn):
    """Probabilities would be mistaken for labels of other classes."""

    class Confused(LogisticRegression):
        def predict(self, X):
            return self.predict_proba(X)[:, 1]

    with pytest.raises(ValueError, match=r"must predict labels of y.*Use a classifier"):
        evaluate(
            make_pipeline(FunctionTransformer(mean_colors), Confused()),
            drawn.images,
            drawn.y,
            groups=drawn.groups,
        )


def test_evaluate_accepts_path_objects_and_pandas_columns(pipeline, tmp_path):
    """Labels and groups may have an index."""
    drawn = make_cells(60, folder=tmp_path, n_patients=10, image_size=(16, 16), random_state=0)
    reading = make_pipeline(ImageReader(), *[step for _, step in pipeline.steps])
    table = pd.DataFrame({"label": np.array(drawn.target_names)[drawn.y], "who": drawn.groups})
    table.index = np.arange(60)[::-1]
    arrays = evaluate(
        reading, drawn.paths, table["label"].tolist(), groups=drawn.groups, pos_label="malignant",
        audit=False, **QUICK,
    )  # fmt: skip
    other = evaluate(
        reading,
        [Path(path) for path in drawn.paths],
        table["label"].astype("category"),
        groups=table["who"].astype("string"),
        pos_label="malignant",
        audit=False,
        random_state=np.int64(0),
        **QUICK,
    )
    assert _without_times(other.document)["numbers"] == _without_times(arrays.document)["numbers"]
    json.dumps(other.document, allow_nan=False)


def test_report_names_no_folder_of_the_machine(pipeline, tmp_path):
    """Not in parameters, not in warnings, not in the manifest."""
    folder = tmp_path / "study of Smith"
    drawn = make_cells(60, folder=folder, n_patients=10, image_size=(16, 16), random_state=0)
    reading = make_pipeline(
        ImageReader(), *[step for _, step in pipeline.steps], memory=str(tmp_path / "cache dir")
    )
    report = evaluate(
        reading,
        drawn.paths,
        drawn.y,
        groups=drawn.groups,
        audit=False,
        left_out=[(folder / "broken.png", f"{folder / 'broken.png'} is empty")],
        **QUICK,
    )
    text = json.dumps(report.document)
    assert "cache dir" in text
    assert report.document["left_out"] == [["broken.png", "broken.png is empty"]]
    assert str(tmp_path) not in text
    assert "Smith/" not in text


# Small, imbalanced and multi-class data.


def test_evaluate_seven_classes_gives_numbers_for_each(pipeline):
    """Macro averages, and one against the rest."""
    generator = np.random.default_rng(0)
    y = np.repeat([f"type {number}" for number in range(7)], 30)
    images = generator.integers(0, 120, (210, 8, 8, 3))
    images += np.repeat(np.arange(7), 30)[:, None, None, None] * 4
    groups = np.arange(210) % 42
    report = evaluate(pipeline, images.astype(np.uint8), y, groups=groups, **QUICK)
    assert len(report.document["per_class"]) == 7
    assert np.shape(report.document["confusion_matrix"]) == (7, 7)
    for entry in report.document["per_class"]:
        auc = entry["numbers"]["roc_auc"]
        assert auc["low"] <= auc["value"] <= auc["high"]
    assert report.document["data"]["positive"] is None
    assert "sensitivity" not in report.numbers


def test_evaluate_class_with_two_images_needs_two_folds(pipeline):
    """Five folds are impossible, two are possible."""
    y = np.array(["benign"] * 20 + ["malignant"] * 2)
    images = np.random.default_rng(0).integers(0, 255, (22, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"'malignant' with 2 images.*n_splits=2"):
        evaluate(pipeline, images, y, pos_label="malignant")
    with pytest.warns(PatientsUnknownWarning):
        report = evaluate(pipeline, images, y, pos_label="malignant", n_splits=2, **QUICK)
    assert report.numbers["accuracy"]["low"] is not None


def test_evaluate_ten_images_gives_a_wide_interval(pipeline):
    """Ten images of ten patients."""
    y = np.array([0, 1] * 5)
    images = np.random.default_rng(0).integers(0, 255, (10, 8, 8, 3), dtype=np.uint8)
    report = evaluate(pipeline, images, y, groups=np.arange(10), **QUICK)
    accuracy = report.numbers["accuracy"]
    assert accuracy["high"] - accuracy["low"] > 0.3


def test_evaluate_one_patient_is_refused(pipeline, drawn):
    """One patient cannot be in both training and test."""
    with pytest.raises(ValueError, match=r"1 patient.*Add patients"):
        evaluate(pipeline, drawn.images, drawn.y, groups=["P1"] * 240)


def test_evaluate_class_missing_from_a_fold_gives_a_warning(pipeline):
    """Folds of the caller may lack a class."""
    y = np.array([0] * 30 + [1] * 30)
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8, 3), dtype=np.uint8)
    groups = np.arange(60) // 3
    with pytest.warns(SplitWarning, match="should test every class.*fold 1 without"):
        report = evaluate(pipeline, images, y, groups=groups, cv=_blocks(60, 4), **QUICK)
    assert report.document["folds"][0]["scores"]["roc_auc"] is None
    assert report.numbers["roc_auc"]["value"] is not None
    assert np.isnan(report.frame().loc["1", "roc_auc"])


def _blocks(n, n_folds):
    folds = np.array_split(np.arange(n), n_folds)
    return [(np.setdiff1d(np.arange(n), test), test) for test in folds]


def test_evaluate_few_patients_warns_that_intervals_are_too_narrow(pipeline, drawn):
    """Four patients are few, and so are four of one class among many of the other."""
    groups = np.unique(drawn.groups, return_inverse=True)[1] // 3
    with pytest.warns(SplitWarning, match="at least 5 patients of each class.*Got 4"):
        evaluate(pipeline, drawn.images, drawn.y, groups=groups, n_splits=2, **QUICK)
    groups = np.where(drawn.y == 1, np.cumsum(drawn.y) % 4, 100 + np.arange(240) % 40)
    with pytest.warns(SplitWarning, match="Got 4 patients with images of class '1'"):
        report = evaluate(pipeline, drawn.images, drawn.y, groups=groups, n_splits=2, **QUICK)
    limit = report.document["limits"][0]
    assert limit["code"] == "few-patients"
    assert limit["text"].startswith("Only 4 patients have class 1 images: with fewer than 20,")


def test_evaluate_constant_classifier_gets_chance(drawn):
    """It predicts the same for every image: the AUC is one half."""
    report = evaluate(DummyClassifier(), drawn.images, drawn.y, groups=drawn.groups, **QUICK)
    assert report.numbers["balanced_accuracy"]["value"] == 0.5
    assert 0.3 < report.numbers["roc_auc"]["value"] < 0.7


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"sensitivity": 0.9, "specificity": 0.9}, ValueError, "Only one of sensitivity and spec"),
        ({"sensitivity": 1.5}, ValueError, "sensitivity must be a number in"),
        ({"n_jobs": "two"}, TypeError, "n_jobs must be a whole number"),
        ({"prevalence": 0}, ValueError, "prevalence must be a number in"),
        ({"calibrate": "platt"}, ValueError, "calibrate must be one of"),
        ({"aggregation": "median"}, ValueError, "aggregation must be one of"),
        ({"n_resamples": 10}, ValueError, "n_resamples must be a whole number of at least 100"),
        ({"cv": KFold(1000)}, ValueError, "splits|folds"),
        ({"groups": ["P1"] * 3}, ValueError, "groups must have one patient per image"),
        ({"groups": [None] * 240}, ValueError, "groups must name the patient of every image"),
        ({"subgroups": {"site": ["A"]}}, ValueError, "subgroups must hold one value for each"),
        ({"target_names": ["one"]}, ValueError, "target_names must be a list of 2 different names"),
        ({"random_state": -1}, ValueError, "random_state must be"),
    ],
)
def test_evaluate_bad_parameter_is_refused_before_training(drawn, settings, error, words):
    """Before anything is fitted."""

    class Untouched(LogisticRegression):
        def fit(self, X, y):
            raise AssertionError("it was fitted")

    with pytest.raises(error, match=words):
        evaluate(Untouched(), drawn.images, drawn.y, **({"groups": drawn.groups} | settings))


def test_evaluate_without_probabilities_is_refused_with_a_wrapper(drawn):
    """An estimator that only predicts labels."""
    with pytest.raises(TypeError, match=r"must have fit and predict_proba. Got LinearSVC"):
        evaluate(LinearSVC(), drawn.images, drawn.y, groups=drawn.groups)


def test_evaluate_one_class_is_refused(pipeline, drawn):
    """There is nothing to classify."""
    with pytest.raises(ValueError, match=r"at least two classes. Got one"):
        evaluate(pipeline, drawn.images, np.zeros(240), groups=drawn.groups)


def test_evaluate_sites_stay_in_one_fold_with_a_limit(pipeline, drawn):
    """Six sites of two patients each."""
    sites = np.unique(drawn.groups, return_inverse=True)[1] // 2
    report = evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, sites=sites, n_splits=3, **QUICK
    )
    found = report.predictions()
    assert (found.groupby(sites)["fold"].nunique() == 1).all()
    assert report.document["cv"]["sites_kept_together"]
    assert "sites" in [limit["code"] for limit in report.document["limits"]]
