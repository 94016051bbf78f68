"""Cross-validation and then a test set, in one report."""

import json
import re

import jsonschema
import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import ImageReader, evaluate, evaluate_model, list_images, make_cells
from cellsk.exceptions import SplitWarning
from cellsk.model_selection import make_baselines, measure_features
from cellsk.report.document import read_schema
from cellsk.report.words import explain_test

QUICK = {"n_resamples": 100, "n_splits": 2, "baselines": False}


def mean_colors(images):
    """Three numbers an image."""
    return np.asarray(images).mean(axis=(1, 2)) / 255


COLOR = FunctionTransformer(mean_colors)
MODEL = make_pipeline(COLOR, LogisticRegression())


@pytest.fixture(scope="module")
def train():
    """120 images of 12 patients."""
    return make_cells(120, n_patients=12, image_size=(16, 16), difficulty=0, random_state=0)


@pytest.fixture(scope="module")
def test():
    """90 images of ten other patients, with other names."""
    drawn = make_cells(90, n_patients=10, image_size=(16, 16), difficulty=0, random_state=1)
    drawn.groups = np.array([f"T{name}" for name in drawn.groups])
    return drawn


def evaluate_train(train, **options):
    """The report of the cross-validation."""
    given = {"groups": train.groups, "target_names": train.target_names, **QUICK}
    return evaluate(MODEL, train.images, train.y, **{**given, **options})


@pytest.fixture(scope="module")
def report(train, test):
    """A report with a test, threshold and calibration."""
    found = evaluate_train(train, sensitivity=0.9, calibrate="sigmoid")
    found.test(test.images, test.y, groups=test.groups, subgroups={"half": np.repeat([0, 1], 45)})
    return found


def test_test_scores_the_model_that_is_fitted_on_all_images(train, test):
    """The scores are those of evaluate_model; the cross-validation stays as it was."""
    found = evaluate_train(train)
    before = dict(found.numbers)
    tested = found.test(test.images, test.y, groups=test.groups)
    model = MODEL.fit(train.images, train.y)
    alone = evaluate_model(
        *(model, test.images, test.y), groups=test.groups, n_resamples=100,
        target_names=train.target_names, train_paths=train.images, train_groups=train.groups,
    )  # fmt: skip
    assert tested.numbers == alone.numbers
    assert tested.document["training"] == alone.document["training"]
    assert found.numbers == before
    assert found.document["test"]["report"] is tested.document


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
@pytest.mark.parametrize("as_files", [False, True])
def test_test_compares_with_baselines_fitted_on_all_images(train, test, as_files, tmp_path):
    """They are fitted on the images of the cross-validation, and predict the test set."""
    sides, model = [train.images, test.images], MODEL
    if as_files:
        sides, model = [], make_pipeline(ImageReader(), MODEL)
        for name, cells in (("train", train), ("test", test)):
            (tmp_path / name).mkdir()
            paths = [tmp_path / name / f"{row}.png" for row in range(len(cells.y))]
            for path, pixels in zip(paths, cells.images, strict=True):
                Image.fromarray(pixels).save(path)
            sides.append([str(path) for path in paths])
    found = evaluate(
        *(model, sides[0], train.y), groups=train.groups, n_splits=2, n_resamples=100, audit=False
    )
    tested = found.test(sides[1], test.y, groups=test.groups, audit=False)
    forest = make_baselines(3, len(train.y))["texture_forest"]
    forest.fit(measure_features(train.images), train.y)
    proba = forest.predict_proba(measure_features(test.images))[:, 1]
    compared = {one["name"]: one["numbers"] for one in tested.document["baselines"]["compared"]}
    assert compared["texture_forest"]["roc_auc"]["value"] == roc_auc_score(test.y, proba)
    assert compared["guessing"]["roc_auc"]["value"] == 0.5
    jsonschema.validate(json.loads(json.dumps(found.document)), read_schema())


def test_difference_is_test_minus_cross_validation(report):
    """With an interval that is wider than that of each part."""
    gap = report.document["test"]["difference"]["brier_score"]
    parts = [
        report.numbers["brier_score"],
        report.document["test"]["report"]["numbers"]["brier_score"],
    ]
    assert gap["value"] == pytest.approx(parts[1]["value"] - parts[0]["value"])
    assert gap["high"] - gap["low"] > max(one["high"] - one["low"] for one in parts)


def test_threshold_and_calibration_come_from_the_training_images(report, train):
    """They are those of the model that is fitted on them."""
    tested = report.document["test"]["report"]
    model = report.fit()
    assert tested["operating_point"]["thresholds"] == [pytest.approx(model.best_threshold_)]
    assert tested["calibration"] == {"method": "sigmoid"}
    assert tested["training"]["n_images"] == 120


def test_document_with_a_test_follows_the_schema(report):
    """The test is a document within it."""
    document = json.loads(json.dumps(report.document))
    jsonschema.validate(document, read_schema())
    assert document["test"]["report"]["cv"] is None
    assert "test set of 90 images" in document["checklists"]["CLAIM"][32]["answer"]


def test_all_forms_show_cross_validation_then_test_then_difference(report, tmp_path):
    """One terminal output, one page, one card."""
    words = repr(report)
    places = [
        words.index(text) for text in ("120 images (", "Test set\n", "by cross-validation and")
    ]
    assert places == sorted(places)
    assert "new patients of the same source" in words
    assert re.search(r"ROC AUC +\d.\d\d \(.*\) +\d.\d\d \(.*\) +.?\d.\d\d \(", words)
    for name in ("r.html", "r.md", "r.json"):
        report.save(tmp_path / name)
    page, card = (tmp_path / "r.html").read_text(), (tmp_path / "r.md").read_text()
    assert page.index("Cross-validation and test set") < page.index('id="numbers"')
    assert page.index('id="numbers"') < page.index('id="test-numbers"') < page.index('id="method"')
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    wanted = set(re.findall(r'(?:href="#|data-dialog=")([^"]+)', page))
    assert wanted <= set(ids)
    assert card.index("## Scores") < card.index("## Test set") < card.index("### Scores")
    assert "T" + "P01" not in page.split('id="test-part"')[0]
    assert "Difference" in report._repr_html_()


def test_shared_images_and_patients_are_named_first(train):
    """The page starts with them, and a warning comes."""
    found = evaluate_train(train)
    with pytest.warns(SplitWarning, match="120 copies of training images"):
        found.test(train.images, train.y, groups=train.groups)
    assert "copies of training images" in repr(found)


def test_test_of_files_reads_them_once_and_finds_copies(tmp_path):
    """Files are compared by the pixels that the reader returns."""
    for name, seed in (("train", 0), ("test", 1)):
        make_cells(
            80, folder=tmp_path / name, n_patients=10, image_size=(16, 16), random_state=seed
        )
    train, test = (
        list_images(tmp_path / name, group_pattern=r"(P\d+)") for name in ("train", "test")
    )
    model = make_pipeline(ImageReader(), COLOR, LogisticRegression())
    found = evaluate(model, train.paths, train.y, groups=train.groups, **QUICK)
    groups = [f"T{name}" for name in test.groups]
    paths = [*test.paths, train.paths[3]]
    with pytest.warns(SplitWarning, match="1 copy of training images"):
        tested = found.test(paths, [*test.y, train.y[3]], groups=[*groups, "T"])
    assert tested.document["training"]["source"] == "evaluation"
    assert len(tested.document["training"]["exact"]) == 1
    found.save(tmp_path / "r.html", max_pictures=20)
    assert (tmp_path / "r.html").read_text().count("<img") <= 40


def test_test_set_of_one_class_after_one_split(train, test, tmp_path):
    """Undefined scores are None on the page too; one split is not called cross-validation."""
    found = evaluate_train(train, cv=GroupShuffleSplit(1, test_size=0.5, random_state=0))
    rows = test.y == 1
    found.test(test.images[rows], test.y[rows], groups=test.groups[rows])
    assert found.document["test"]["difference"]["roc_auc"]["value"] is None
    assert "by one split and not defined on the test set" in repr(found)
    found.save(tmp_path / "r.html")
    found.save(tmp_path / "r.md")
    assert "Test side of the split" in (tmp_path / "r.html").read_text()


def test_unknown_class_and_fixed_models_are_refused(report, train, test):
    """Before the fit."""
    with pytest.raises(ValueError, match=r"class 'unsure'"):
        report.test(test.images, ["unsure"] * 90, groups=test.groups)
    tested = evaluate_model(
        MODEL.fit(train.images, train.y), test.images, test.y, groups=test.groups, n_resamples=100
    )
    with pytest.raises(ValueError, match="test is for a report of evaluate"):
        tested.test(test.images, test.y)


def test_page_with_a_test_fits_a_phone_and_is_accessible(
    report, browser, find_violations, tmp_path
):
    """Two parts with the same sections, at two widths, by the rules of axe-core."""
    report.save(tmp_path / "r.html", max_pictures=10)
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto((tmp_path / "r.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
    assert find_violations(page) == []
    page.click("[data-dialog^=test-cell-]")
    assert page.locator("dialog[open]").count() == 1
    context.close()


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.PatientsUnknownWarning")
def test_scores_are_not_about_new_patients_if_patients_are_unknown(train, test):
    """Each part names what it knows."""
    found = evaluate_train(train, groups=None)
    found.test(test.images, test.y, groups=test.groups)
    words = explain_test(found.document)
    assert "for new images of the same source" in words
    assert words.endswith("for the patients of this test set.")
    alone = found.test(test.images, test.y)
    assert "If some have training images, too, all scores are too high." in repr(alone)
