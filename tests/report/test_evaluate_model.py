"""evaluate_model: scores of a fixed model on a test set."""

import json

import jsonschema
import numpy as np
import pytest
from PIL import Image
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import CellClassifier, evaluate, evaluate_model, list_images, make_cells, save_model
from cellsk.audit import make_training_fingerprints
from cellsk.exceptions import LabelWarning, PatientsUnknownWarning, SplitWarning
from cellsk.model_selection import calibrate, tune_threshold
from cellsk.preprocessing import ImageReader
from cellsk.report.document import read_schema

QUICK = {"n_resamples": 200}


def measure_color(images):
    """Return the mean color of each image."""
    return np.asarray(images).mean(axis=(1, 2)) / 255


COLOR = FunctionTransformer(measure_color)


@pytest.fixture(scope="module")
def train():
    """120 drawn images of 12 patients."""
    return make_cells(120, n_patients=12, image_size=(16, 16), difficulty=0, random_state=0)


@pytest.fixture(scope="module")
def test():
    """90 images of 9 other patients, with other names."""
    drawn = make_cells(90, n_patients=9, image_size=(16, 16), difficulty=0, random_state=1)
    drawn.groups = np.array([f"T{name}" for name in drawn.groups])
    return drawn


@pytest.fixture(scope="module")
def names(train):
    """The labels of the training images as names."""
    return np.array(train.target_names)[train.y]


@pytest.fixture(scope="module")
def model(train, names):
    """A pipeline that was fitted on the training images."""
    return make_pipeline(COLOR, LogisticRegression()).fit(train.images, names)


@pytest.fixture(scope="module")
def report(model, test):
    """The report of the test set."""
    labels = np.array(test.target_names)[test.y]
    return evaluate_model(
        model, test.images, labels, groups=test.groups, pos_label="malignant", **QUICK
    )


def test_scores_are_those_of_scikit_learn(report, model, test):
    """Accuracy and AUC of the predictions of the model, with intervals over patients."""
    proba = model.predict_proba(test.images)
    assert report.numbers["accuracy"]["value"] == accuracy_score(test.y, proba.argmax(axis=1))
    assert report.numbers["roc_auc"]["value"] == pytest.approx(roc_auc_score(test.y, proba[:, 1]))
    auc = report.numbers["roc_auc"]
    assert auc["low"] < auc["value"] < auc["high"]
    assert report.document["interval"]["n_units"] == 9
    np.testing.assert_allclose(
        report.document["predictions"]["proba"], proba.round(6), rtol=0, atol=1e-9
    )


def test_document_has_no_folds_and_follows_the_schema(report):
    """It is valid, says what it is, and has no folds."""
    document = report.document
    jsonschema.validate(json.loads(json.dumps(document)), read_schema())
    assert document["cv"] is None
    assert (document["folds"], document["manifest"], document["mean_of_folds"]) == ([], [], {})
    assert {"one-model", "training-unknown"} <= {limit["code"] for limit in document["limits"]}


def test_renderings_do_not_speak_of_folds(report, tmp_path):
    """Page, card, terminal and table show one model and a test set."""
    report.save(tmp_path / "r.html")
    report.save(tmp_path / "r.md")
    page, card = (tmp_path / "r.html").read_text(), (tmp_path / "r.md").read_text()
    assert "How well does this model classify" in page
    assert "cross-validation shows that" in page
    assert "## Folds" not in card
    assert "of each fold" not in page + card + repr(report)
    assert "One trained model" in repr(report)
    assert report.frame().index.tolist() == ["pooled", "low", "high"]
    assert "fold" not in report.predictions()
    for call in (report.leakage_gap, lambda: report.save_folds(tmp_path / "f.csv")):
        with pytest.raises(ValueError, match=r"is for a cross-validation\. Got the test of a"):
            call()


def test_test_set_without_a_class_has_the_right_scores(model, test):
    """Classes are matched by name: sensitivity is the same, and specificity is not defined."""
    rows = np.flatnonzero(test.y == 1)
    labels = np.array(test.target_names)[test.y[rows]]
    found = evaluate_model(
        model, test.images[rows], labels, groups=test.groups[rows], pos_label="malignant", **QUICK
    )
    sensitivity = (model.predict(test.images[rows]) == "malignant").mean()
    assert found.numbers["sensitivity"]["value"] == pytest.approx(sensitivity)
    assert found.numbers["specificity"]["value"] is None
    assert found.numbers["roc_auc"]["value"] is None
    assert found.document["data"]["classes"][0] == {
        "name": "benign",
        "n_images": 0,
        "n_groups": 0,
        "positive": False,
    }
    assert "There are no benign images here" in repr(found)
    assert "Patients cannot be scored, because all images are of one class." in repr(found)
    assert "which model is better: all images are of one class." in found.compare(found)["sentence"]
    jsonschema.validate(json.loads(json.dumps(found.document)), read_schema())


def test_names_match_the_codes_of_a_model(train, test):
    """A model of codes takes names, if target_names name its classes."""
    coded = make_pipeline(COLOR, LogisticRegression()).fit(train.images, train.y)
    labels = np.array(test.target_names)[test.y]
    options = {"groups": test.groups, "target_names": train.target_names, **QUICK}
    by_name = evaluate_model(coded, test.images, labels, **options)
    by_code = evaluate_model(coded, test.images, test.y, **options)
    assert by_name.numbers == by_code.numbers


def test_unknown_class_is_refused(model, test):
    """The error names the class, and those of the model."""
    labels = np.array(test.target_names)[test.y]
    labels[:4] = "unsure"
    with pytest.raises(
        ValueError, match=r"Got 4 images of class 'unsure', and the model knows 'benign', 'malig"
    ):
        evaluate_model(model, test.images, labels, groups=test.groups, pos_label="malignant")


def test_operating_point_and_calibration_are_those_of_the_model(train, names, test):
    """The threshold of the model decides, and the report shows for what it was chosen."""
    estimator = calibrate(make_pipeline(COLOR, LogisticRegression()), names, method="sigmoid")
    tuned = tune_threshold(estimator, names, sensitivity=0.9, pos_label="malignant")
    tuned.fit(train.images, names)
    labels = np.array(test.target_names)[test.y]
    found = evaluate_model(tuned, test.images, labels, groups=test.groups, **QUICK)
    assert found.document["data"]["positive"] == "malignant"
    point = found.document["operating_point"]
    assert (point["wanted"], point["target"]) == ("sensitivity", 0.9)
    assert point["thresholds"] == [pytest.approx(tuned.best_threshold_)]
    predicted = tuned.predict(test.images)
    assert found.numbers["accuracy"]["value"] == (predicted == labels).mean()
    assert found.document["calibration"] == {"method": "sigmoid"}


def test_fitted_search_is_tested_as_its_best_estimator(train, names, test):
    """A GridSearchCV predicts with the candidate that it chose."""
    search = GridSearchCV(
        make_pipeline(COLOR, LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2
    ).fit(train.images, names)
    labels = np.array(test.target_names)[test.y]
    options = {"groups": test.groups, "pos_label": "malignant", **QUICK}
    found = evaluate_model(search, test.images, labels, **options)
    expected = evaluate_model(search.best_estimator_, test.images, labels, **options)
    assert found.numbers == expected.numbers


def test_shared_images_and_patients_are_named(model, train, test):
    """Exact copies, a turned copy, and patients of the same name."""
    images = np.concatenate([test.images, train.images[:2], train.images[2:3, ::-1]])
    labels = np.array(train.target_names)[np.r_[test.y, train.y[:3]]]
    groups = np.r_[test.groups, train.groups[:2], ["new"]]
    with pytest.warns(
        SplitWarning,
        match=r"must not share .* Got 2 copies of training images \(first: 'image 90'\), 1 image"
        r" that may be a copy .* and \d patients? with the name",
    ):
        found = evaluate_model(
            *(model, images, labels),
            groups=groups,
            pos_label="malignant",
            train_paths=train.images,
            train_groups=train.groups,
            **QUICK,
        )
    training = found.document["training"]
    assert training["exact"] == ["image 90", "image 91"]
    assert training["similar"] == ["image 92"]
    assert training["groups"] == sorted(set(train.groups[:2].tolist()))
    assert (training["n_images"], training["n_groups"], training["source"]) == (120, 12, "given")
    assert "training-shared" in {warning["code"] for warning in found.document["warnings"]}
    guess = DummyClassifier().fit(train.images, np.array(train.target_names)[train.y])
    alone = evaluate_model(
        *(guess, images, labels),
        groups=groups, pos_label="malignant", **QUICK,
    )  # fmt: skip
    sentence = alone.compare(found)["sentence"]
    assert "not show which model is better: for the second model, the test set has 2 co" in sentence
    assert "better here" not in sentence


def test_model_file_knows_its_training_images(tmp_path):
    """The file holds fingerprints, no names and no pixels; paths are read by its reader."""
    for name, seed in (("train", 0), ("test", 1)):
        make_cells(60, folder=tmp_path / name, n_patients=6, image_size=(16, 16), random_state=seed)
    train = list_images(tmp_path / "train", group_pattern=r"(P\d+)")
    test = list_images(tmp_path / "test")
    groups = np.array([f"T{number % 6}" for number in range(60)])
    model = make_pipeline(
        ImageReader(), CellClassifier(filters=(2,), epochs=1, early_stopping=False)
    )
    model.fit(train.paths, train.y)
    path = tmp_path / "model.cellsk"
    pixels = model[0].transform(train.paths)
    training = make_training_fingerprints(pixels, train.groups, paths=train.paths)
    save_model(model, path, training=training)
    assert b"P01" not in path.read_bytes()
    found = evaluate_model(path, test.paths, test.y, groups=groups, **QUICK)
    training = found.document["training"]
    assert (training["n_images"], training["n_groups"]) == (60, 6)
    assert training["source"] == "model file"
    assert (training["exact"], training["same_folder"], training["groups"]) == ([], [], [])
    assert found.document["audit"] is not None
    with pytest.warns(
        SplitWarning, match=r"60 copies of training images \(first: .*\) and 60 images from f"
    ):
        evaluate_model(path, train.paths, train.y, groups=groups, **QUICK)
    assert [one["name"] for one in found.document["data"]["classes"]] == ["benign", "malignant"]


def test_comparison_of_a_model_with_itself_has_no_difference(report, model, test):
    """The paired difference is 0; another model has one, with an interval."""
    same = report.compare(report)
    assert all(number["value"] in (0, None) for number in same["difference"].values())
    labels = np.array(test.target_names)[test.y]
    worse = LogisticRegression().fit([[0.0], [1.0]], ["benign", "malignant"])
    noise = np.random.default_rng(0).normal(size=(90, 1))
    other = evaluate_model(worse, noise, labels, groups=test.groups, pos_label="malignant", **QUICK)
    with pytest.raises(ValueError, match=r"same images, in the same order\. Got other images"):
        report.compare(other)
    with pytest.raises(TypeError, match="other must be a report"):
        report.compare(0.9)


def test_comparison_draws_the_same_patients_for_both(test, train, names):
    """The interval of the difference is narrower than the difference of the intervals."""
    models = [
        make_pipeline(COLOR, LogisticRegression(C=c)).fit(train.images, names) for c in (1, 1.2)
    ]
    labels = np.array(test.target_names)[test.y]
    first, second = (
        evaluate_model(one, test.images, labels, groups=test.groups, pos_label="malignant", **QUICK)
        for one in models
    )
    found = first.compare(second)
    brier = found["difference"]["brier_score"]
    wide = first.numbers["brier_score"]
    assert brier["value"] == pytest.approx(second.numbers["brier_score"]["value"] - wide["value"])
    assert brier["high"] - brier["low"] < (wide["high"] - wide["low"]) / 5


@pytest.mark.parametrize(
    ("model", "error", "match"),
    [
        (LogisticRegression, TypeError, r"model must be a fitted classifier.*Got the class Logis"),
        (LogisticRegression(), NotFittedError, "not fitted"),
        (3, TypeError, r"model must be a fitted classifier, pipeline or search, or a model file"),
        ("missing.cellsk", FileNotFoundError, "no such file"),
    ],
)
def test_other_models_are_refused(test, model, error, match):
    """With rule and remedy."""
    with pytest.raises(error, match=match):
        evaluate_model(model, test.images, test.y)


def test_training_groups_alone_are_refused(model, test):
    """They say nothing without the images."""
    with pytest.raises(ValueError, match=r"train_groups needs train_paths"):
        evaluate_model(model, test.images, test.y, train_groups=["P1"])


def test_patients_unknown_is_a_warning(model, test):
    """As in evaluate."""
    labels = np.array(test.target_names)[test.y]
    with pytest.warns(PatientsUnknownWarning):
        evaluate_model(model, test.images, labels, pos_label="malignant", **QUICK)


def test_report_of_evaluate_compares_too(train):
    """Two estimators with the same folds."""
    reports = [
        evaluate(
            make_pipeline(COLOR, LogisticRegression(C=c)),
            *(train.images, train.y),
            groups=train.groups,
            n_splits=2,
            baselines=False,
            **QUICK,
        )
        for c in (0.01, 10)
    ]
    found = reports[0].compare(reports[1])
    assert found["sentence"].startswith("The ROC AUC is")


def test_model_of_an_evaluation_is_fitted_on_all_images(train, names, test):
    """With calibration and threshold, as in each fold."""
    found = evaluate(
        make_pipeline(COLOR, LogisticRegression()),
        *(train.images, names),
        groups=train.groups,
        n_splits=2,
        baselines=False,
        sensitivity=0.9,
        calibrate="sigmoid",
        pos_label="malignant",
        **QUICK,
    )
    model = found.fit()
    labels = np.array(test.target_names)[test.y]
    tested = evaluate_model(model, test.images, labels, groups=test.groups, **QUICK)
    assert tested.document["operating_point"]["target"] == 0.9
    assert tested.document["calibration"] == {"method": "sigmoid"}
    assert (found.fit().predict_proba(test.images) == model.predict_proba(test.images)).all()


@pytest.fixture
def three_classes(tmp_path):
    """Return training images of three classes as files, and a model of their codes."""
    rng = np.random.default_rng(0)
    for split, classes in (("train", "abc"), ("test", "bc"), ("one", "c")):
        for name in classes:
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for number in range(8):
                pixels = rng.integers(0, 60, (8, 8, 3), dtype=np.uint8)
                pixels[..., "abc".index(name)] += 150
                Image.fromarray(pixels).save(folder / f"{number}.png")
    train = list_images(tmp_path / "train")
    model = make_pipeline(ImageReader(), COLOR, LogisticRegression()).fit(train.paths, train.y)
    return tmp_path, train, model


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.PatientsUnknownWarning")
@pytest.mark.parametrize("folder", ["test", "one"])
def test_codes_shifted_by_a_missing_class_are_refused(three_classes, folder):
    """With the classes of the training images they are right."""
    root, train, model = three_classes
    matched = list_images(root / folder, classes=train.target_names)
    shifted = np.unique(matched.y, return_inverse=True)[1]
    with pytest.raises(ValueError, match=r"'a' as the name of 0.*classes=train.target_names"):
        evaluate_model(model, matched.paths, shifted, target_names=train.target_names)
    report = evaluate_model(
        model, matched.paths, matched.y, target_names=train.target_names, audit=False, **QUICK
    )
    assert report.numbers["accuracy"]["value"] == 1


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.PatientsUnknownWarning")
def test_codes_without_names_and_without_a_class_give_a_warning(three_classes):
    """Nothing shows whether 0 is the class that it was in training."""
    root, train, model = three_classes
    test = list_images(root / "test", classes=train.target_names)
    with pytest.warns(LabelWarning, match="2 classes of the 3 classes.*target_names="):
        evaluate_model(model, test.paths, test.y, audit=False, **QUICK)
