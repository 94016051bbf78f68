"""evaluate: honest numbers, from the first check to the last."""

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

QUICK = {"n_resamples": 200}


def mean_colours(images):
    """Three numbers an image."""
    return images.mean(axis=(1, 2)) / 255


@pytest.fixture(scope="module")
def pipeline():
    """A classifier of mean colours: fast, and better than chance."""
    return make_pipeline(FunctionTransformer(mean_colours), LogisticRegression(C=100))


@pytest.fixture(scope="module")
def drawn():
    """240 images of twelve patients, each with benign and malignant ones."""
    return make_cells(240, n_patients=12, image_size=(16, 16), difficulty=0.5, random_state=0)


@pytest.fixture(scope="module")
def report(pipeline, drawn):
    """An evaluation that no test changes."""
    return evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, target_names=drawn.target_names
    )


def test_evaluate_numbers_are_those_of_scikit_learn(report, drawn):
    """From the predictions that the report lists."""
    found = report.predictions()
    truth, said = found["label"] == "malignant", found["predicted"] == "malignant"
    numbers = report.numbers
    assert numbers["accuracy"]["value"] == accuracy_score(truth, said)
    assert numbers["roc_auc"]["value"] == pytest.approx(
        roc_auc_score(truth, found["probability_malignant"]), abs=1e-12
    )
    assert report.document["confusion_matrix"] == confusion_matrix(truth, said).tolist()
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
    """The report's own folds part no patient, and each image is in one."""
    found = report.predictions()
    assert len(found) == len(drawn.y)
    assert (found.groupby("group")["fold"].nunique() == 1).all()
    assert found["fold"].nunique() == 5


def test_evaluate_twice_gives_the_same_numbers(report, pipeline, drawn):
    """All but the times."""
    again = evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, target_names=drawn.target_names
    )
    assert _without_times(again.document) == _without_times(report.document)


def _without_times(document):
    timed = ("created", "seconds", "checklists")  # the checklists tell the time as well
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


def test_report_in_a_terminal_says_what_was_evaluated(report):
    """Counts, unit of the bootstrap, and the numbers."""
    text = repr(report)
    assert "240 images (120 benign, 120 malignant), 12 patients" in text
    assert "bootstrap over patients" in text
    assert f"{report.numbers['roc_auc']['value']:.3f}" in text
    assert "<" not in text


def test_evaluate_takes_the_positive_class_by_the_name_of_its_folder(pipeline, tmp_path):
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
        (["a", "b"], None, r"pos_label must name the class.*Got None.*Pass pos_label='b'"),
        (["a", "b"], "c", r"must be the label or the name of a class: 'a', 'b'. Got 'c'"),
        ([0, 1], "malignant", r"Got 'malignant'.*target_names=cells.target_names"),
        ([1, 2], None, r"must name the class"),
        ([0, 1, 2], 1, r"pos_label is for two classes. Got 3"),
    ],
)
def test_evaluate_positive_class_must_be_plain(pipeline, drawn, labels, pos_label, words):
    """It is named, never guessed."""
    y = np.array(labels)[np.arange(240) % len(labels)]
    with pytest.raises(ValueError, match=words):
        evaluate(pipeline, drawn.images, y, groups=drawn.groups, pos_label=pos_label)


def test_evaluate_refuses_folds_that_part_patients(pipeline, drawn):
    """In the words of the style guide: rule, got, remedy."""
    with pytest.raises(ValueError, match=r"must keep groups together.*12 patients.*choose_cv"):
        evaluate(pipeline, drawn.images, drawn.y, groups=drawn.groups, cv=StratifiedKFold(5))


def test_evaluate_refuses_folds_that_leave_images_out(pipeline, drawn):
    """Each image is predicted once."""
    with (
        pytest.raises(ValueError, match=r"each image exactly once.*choose_cv"),
    ):
        evaluate(pipeline, drawn.images, drawn.y, cv=ShuffleSplit(3, random_state=0))


def test_evaluate_without_groups_warns_and_labels_its_intervals(pipeline, drawn):
    """Loudly, in the report too."""
    with pytest.warns(PatientsUnknownWarning, match=r"images of one patient may be in training"):
        report = evaluate(pipeline, drawn.images, drawn.y, **QUICK)
    assert report.document["interval"]["method"] == "bootstrap over images"
    assert "patient" in report.document["warnings"][0]
    assert "Patients are unknown" in report.document["limits"][0]
    assert "patients unknown" in repr(report)


def test_evaluate_search_runs_inside_each_fold(drawn):
    """Nested: each fold has its own choice, made on its training patients."""
    search = GridSearchCV(
        make_pipeline(FunctionTransformer(mean_colours), LogisticRegression()),
        {"logisticregression__C": [0.01, 100.0]},
        cv=choose_cv(drawn.y, drawn.groups, n_splits=3),
    )
    report = evaluate(search, drawn.images, drawn.y, groups=drawn.groups, **QUICK)
    chosen = [fold["best_params"]["logisticregression__C"] for fold in report.document["folds"]]
    assert len(chosen) == 5
    assert set(chosen) <= {"0.01", "100.0"}


def test_evaluate_tunes_the_threshold_within_training(pipeline, drawn):
    """Each fold has a threshold; the price is shown on the held-out side."""
    report = evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, sensitivity=0.95, **QUICK
    )
    point = report.document["operating_point"]
    assert len(set(point["thresholds"])) > 1
    assert point["achieved"]["sensitivity"]["value"] > point["untuned"]["sensitivity"]["value"]
    assert point["achieved"]["specificity"]["value"] < point["untuned"]["specificity"]["value"]
    assert "Threshold chosen within training for a sensitivity of 0.95" in repr(report)


def test_evaluate_calibrates_within_training(drawn):
    """A classifier that overstates its certainty is brought down."""
    certain = make_pipeline(FunctionTransformer(mean_colours), KNeighborsClassifier(1))
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


def test_evaluate_refers_uncertain_images_and_counts_the_rest(pipeline, drawn):
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
    """One entry for each value of the column; what is missing is called unknown."""
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


def test_evaluate_patients_have_numbers_where_they_have_a_class():
    """With patients of one class each; the most suspicious image, by name."""
    drawn = make_cells(
        240, n_patients=16, image_size=(16, 16), pure_patients=True, difficulty=0, random_state=0
    )
    pipeline = make_pipeline(FunctionTransformer(mean_colours), LogisticRegression())
    report = evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, aggregation="max", **QUICK
    )
    patients = report.document["patients"]
    assert patients["n_patients"] == 16 == sum(patients["counts"])
    assert patients["aggregation"] == "max"
    assert patients["numbers"]["roc_auc"]["value"] is not None
    assert "By patient (max of 16 patients)" in repr(report)


def test_leakage_gap_shows_what_ignoring_patients_would_have_claimed():
    """A classifier that knows its patients by their stain, and nothing of malignancy."""
    drawn = make_cells(
        360,
        n_patients=12,
        image_size=(16, 16),
        pure_patients=True,
        patient_effect=3,
        difficulty=4,
        random_state=0,
    )
    knows_stains = make_pipeline(FunctionTransformer(mean_colours), KNeighborsClassifier(1))
    report = evaluate(knows_stains, drawn.images, drawn.y, groups=drawn.groups)
    gap = report.leakage_gap()
    assert gap["random"]["accuracy"]["value"] > 0.8
    assert gap["grouped"]["accuracy"]["value"] < 0.7
    difference = gap["gap"]["accuracy"]
    assert difference["value"] == pytest.approx(
        gap["random"]["accuracy"]["value"] - gap["grouped"]["accuracy"]["value"]
    )
    assert 0 < difference["low"] < difference["value"] < difference["high"]
    assert "Ignoring patients would have claimed" in repr(report)


def test_leakage_gap_without_groups_says_what_it_needs(pipeline, drawn):
    """There is nothing to compare with."""
    with pytest.warns(PatientsUnknownWarning):
        report = evaluate(pipeline, drawn.images, drawn.y, **QUICK)
    with pytest.raises(ValueError, match=r"Got no groups. Pass groups="):
        report.leakage_gap()


def test_fold_manifest_repeats_the_folds_in_any_order(report, pipeline, drawn, tmp_path):
    """Another person, with the same images in another order, gets the same numbers."""
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
    """A changed image is no longer the one of the manifest."""
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
    """By the ending; nothing is written for one that is not known."""
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
    """Files, patients, the network with early stopping, in one call."""
    drawn = make_cells(
        90, folder=tmp_path, n_patients=15, image_size=(16, 16), difficulty=0, random_state=0
    )
    network = CellClassifier(**small | {"epochs": 2, "early_stopping": True})
    pipeline = Pipeline([("reader", ImageReader()), ("classifier", network)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few images to stop early by
        report = evaluate(
            pipeline, drawn.paths, drawn.y, groups=drawn.groups, n_splits=3, audit=False, **QUICK
        )
    for fold in report.document["folds"]:
        assert 1 <= fold["best_epoch"] <= len(fold["history"]["val_loss"]) <= 2
    assert report.document["predictions"]["file"][0].endswith(".png")
    assert not report.document["predictions"]["file"][0].startswith("/")
    assert report.document["data"]["positive"] == "malignant"


def test_evaluate_copies_in_different_folds_are_warned_of(pipeline, tmp_path):
    """The audit's duplicates meet the folds; what it cleans has none parted."""
    drawn = make_cells(
        120, folder=tmp_path, n_patients=24, image_size=(24, 24), n_duplicates=8, random_state=0
    )
    reading = make_pipeline(ImageReader(), *[step for _, step in pipeline.steps])
    with pytest.warns(SplitWarning, match=r"Copies of an image.*another fold.*\.clean\(\)"):
        report = evaluate(reading, drawn.paths, drawn.y, groups=drawn.groups, **QUICK)
    kept = report.audit.clean()
    report = evaluate(reading, kept.paths, kept.y, groups=kept.groups, n_splits=2, **QUICK)
    assert not any("Copies" in sentence for sentence in report.document["warnings"])


def test_evaluate_where_all_images_are_right_claims_no_certainty():
    """In each resample all are right too: that is no interval, least of all of no width."""
    y = np.array([0, 1] * 20)
    images = (y * 200)[:, None, None, None] * np.ones((1, 8, 8, 3))
    report = evaluate(
        make_pipeline(FunctionTransformer(mean_colours), KNeighborsClassifier(1)),
        images.astype(np.uint8),
        y,
        groups=np.arange(40) // 2,
        **QUICK,
    )
    assert report.numbers["accuracy"] == {"value": 1.0, "low": None, "high": None}
    assert report.document["second_opinions"]["sensitivity"]["low"] < 0.9


def test_evaluate_frozen_part_is_refused(drawn):
    """It has seen the images that test it, and would pass as out of fold."""
    known = FrozenEstimator(KNeighborsClassifier(1).fit(mean_colours(drawn.images), drawn.y))
    pipeline = make_pipeline(FunctionTransformer(mean_colours), known)
    with pytest.raises(ValueError, match=r"fitted again in each fold.*around KNeighborsClassifier"):
        evaluate(pipeline, drawn.images, drawn.y, groups=drawn.groups)


def test_leakage_gap_works_for_a_search_that_keeps_groups(drawn):
    """Its own folds need groups; those that ignore patients give each image one."""
    search = GridSearchCV(
        make_pipeline(FunctionTransformer(mean_colours), LogisticRegression()),
        {"logisticregression__C": [0.1, 10.0]},
        cv=choose_cv(drawn.y, drawn.groups, n_splits=2),
    )
    report = evaluate(search, drawn.images, drawn.y, groups=drawn.groups, **QUICK)
    assert "Ignoring patients" in report.leakage_gap()["sentence"]


def test_leakage_gap_works_with_more_folds_than_images_of_a_class(pipeline, drawn):
    """As many folds as the rarest class has images are made."""
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
    """Inner folds without a class choose by nothing."""
    few = np.isin(drawn.groups, np.unique(drawn.groups)[:3]) & (drawn.y == 1)
    rows = np.flatnonzero(few | (drawn.y == 0))
    search = GridSearchCV(
        make_pipeline(FunctionTransformer(mean_colours), LogisticRegression()),
        {"logisticregression__C": [1e-6, 1.0]},
        cv=GroupKFold(5),
        scoring="roc_auc",
    )
    with pytest.raises(ValueError, match=r"must score its candidates.*InnerKFold") as caught:
        evaluate(search, drawn.images[rows], drawn.y[rows], groups=drawn.groups[rows], n_splits=3)
    assert "in fold" in caught.value.__notes__[0]


def test_evaluate_estimator_that_predicts_no_labels_is_refused(drawn):
    """Probabilities for labels would be taken for other classes."""

    class Confused(LogisticRegression):
        def predict(self, X):
            return self.predict_proba(X)[:, 1]

    with pytest.raises(ValueError, match=r"must predict labels of y.*Use a classifier"):
        evaluate(
            make_pipeline(FunctionTransformer(mean_colours), Confused()),
            drawn.images,
            drawn.y,
            groups=drawn.groups,
        )


def test_evaluate_takes_whatever_holds_labels_and_paths(pipeline, tmp_path):
    """Paths as Path, labels and groups as pandas columns with an index of their own."""
    drawn = make_cells(60, folder=tmp_path, n_patients=10, image_size=(16, 16), random_state=0)
    reading = make_pipeline(ImageReader(), *[step for _, step in pipeline.steps])
    table = pd.DataFrame({"label": np.array(drawn.target_names)[drawn.y], "who": drawn.groups})
    table.index = np.arange(60)[::-1]
    plain = evaluate(
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
    assert _without_times(other.document)["numbers"] == _without_times(plain.document)["numbers"]
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


# What users have: little, lopsided, in many classes.


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


def test_evaluate_two_image_classes_ends_in_a_sentence_or_numbers(pipeline):
    """Two images of a class: five folds cannot be, two can."""
    y = np.array(["benign"] * 20 + ["malignant"] * 2)
    images = np.random.default_rng(0).integers(0, 255, (22, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"'malignant' with 2 images.*n_splits=2"):
        evaluate(pipeline, images, y, pos_label="malignant")
    with pytest.warns(PatientsUnknownWarning):
        report = evaluate(pipeline, images, y, pos_label="malignant", n_splits=2, **QUICK)
    assert report.numbers["accuracy"]["low"] is not None


def test_evaluate_ten_images_gives_an_interval_that_shows_how_few_they_are(pipeline):
    """Ten images of ten patients: a number, and how little it says."""
    y = np.array([0, 1] * 5)
    images = np.random.default_rng(0).integers(0, 255, (10, 8, 8, 3), dtype=np.uint8)
    report = evaluate(pipeline, images, y, groups=np.arange(10), **QUICK)
    accuracy = report.numbers["accuracy"]
    assert accuracy["high"] - accuracy["low"] > 0.3


def test_evaluate_one_group_ends_in_a_sentence(pipeline, drawn):
    """One patient cannot be in training and in test."""
    with pytest.raises(ValueError, match=r"1 patient.*Add patients"):
        evaluate(pipeline, drawn.images, drawn.y, groups=["P1"] * 240)


def test_evaluate_class_missing_from_a_fold_is_noted(pipeline):
    """Folds that the caller gives may lack a class; the report says which."""
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
    assert "Only 4 patients of class 1" in report.document["limits"][0]


def test_evaluate_constant_classifier_gets_chance(drawn):
    """A model that says the same of every image: AUC one half, no accident."""
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
        ({"target_names": ["one"]}, ValueError, "target_names must be 2 different names"),
        ({"random_state": -1}, ValueError, "random_state must be"),
    ],
)
def test_evaluate_bad_parameter_is_refused_before_training(drawn, settings, error, words):
    """In a sentence, before anything is fitted."""

    class Untouched(LogisticRegression):
        def fit(self, X, y):
            raise AssertionError("it was fitted")

    with pytest.raises(error, match=words):
        evaluate(Untouched(), drawn.images, drawn.y, **({"groups": drawn.groups} | settings))


def test_evaluate_without_probabilities_says_what_to_wrap_it_in(drawn):
    """An estimator that only decides."""
    with pytest.raises(TypeError, match=r"must have fit and predict_proba. Got LinearSVC"):
        evaluate(LinearSVC(), drawn.images, drawn.y, groups=drawn.groups)


def test_evaluate_one_class_ends_in_a_sentence(pipeline, drawn):
    """There is nothing to tell apart."""
    with pytest.raises(ValueError, match=r"at least two classes. Got one"):
        evaluate(pipeline, drawn.images, np.zeros(240), groups=drawn.groups)


def test_evaluate_sites_stay_in_one_fold_and_the_limits_say_what_does_not(pipeline, drawn):
    """Six sites of two patients each."""
    sites = np.unique(drawn.groups, return_inverse=True)[1] // 2
    report = evaluate(
        pipeline, drawn.images, drawn.y, groups=drawn.groups, sites=sites, n_splits=3, **QUICK
    )
    found = report.predictions()
    assert (found.groupby(sites)["fold"].nunique() == 1).all()
    assert report.document["cv"]["sites_kept_together"]
    assert any("Each site is in one fold" in limit for limit in report.document["limits"])
