"""One split into training and test: images that are never tested only train."""

import json
import re
import shutil

import jsonschema
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GroupShuffleSplit,
    PredefinedSplit,
    RepeatedKFold,
    StratifiedShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cellsk import ImageReader, evaluate, make_cells
from cellsk.exceptions import PatientsUnknownWarning, SplitWarning
from cellsk.report.document import read_schema

# These models are weak, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
QUICK = {"n_resamples": 100, "pos_label": 1, "baselines": False}


def mean_colors(images):
    """Three numbers an image."""
    return np.asarray(images).mean(axis=(1, 2)) / 255


MODEL = make_pipeline(FunctionTransformer(mean_colors), LogisticRegression())


@pytest.fixture(scope="module")
def drawn():
    """200 images of 20 patients, and -1 for the images of the last ten patients."""
    found = make_cells(200, n_patients=20, image_size=(16, 16), difficulty=0, random_state=0)
    found.test_fold = np.where(found.groups <= "P10", 0, -1)
    found.tested = np.flatnonzero(found.test_fold == 0)
    return found


@pytest.fixture(scope="module")
def report(drawn):
    """The report of one split, with everything."""
    return evaluate(
        *(MODEL, drawn.images, drawn.y),
        groups=drawn.groups,
        cv=PredefinedSplit(drawn.test_fold),
        subgroups={"half": np.repeat(["a", "b"], 100)},
        target_names=drawn.target_names,
        sensitivity=0.9,
        calibrate="sigmoid",
        **{"max_uncertainty": 0.3, "prevalence": 0.1, **QUICK, "baselines": True},
    )


def test_split_scores_the_tested_images_only(report, drawn):
    """By one model, with intervals over the patients of the test side."""
    rows, document = drawn.tested, report.document
    simple = evaluate(
        *(MODEL, drawn.images, drawn.y), groups=drawn.groups, cv=[(drawn.test_fold < 0, rows)],
        **QUICK,
    )  # fmt: skip
    train = drawn.test_fold < 0
    proba = MODEL.fit(drawn.images[train], drawn.y[train]).predict_proba(drawn.images[rows])[:, 1]
    auc = simple.numbers["roc_auc"]
    assert auc["value"] == pytest.approx(roc_auc_score(drawn.y[rows], proba))
    assert auc["low"] < auc["value"] < auc["high"]
    assert len(report.predictions()) == len(rows) == document["data"]["n_images"]
    assert set(report.predictions()["group"]) == set(drawn.groups[rows])
    assert document["interval"]["n_units"] == document["data"]["n_groups"] == 10
    (fold,) = document["folds"]
    assert (fold["n_train"], fold["n_train_groups"]) == (200 - len(rows), 10)
    assert (fold["n_test"], fold["n_test_groups"]) == (len(rows), 10)
    assert sum(one["n_images"] for one in document["subgroups"]) == len(rows)


def test_split_names_the_images_that_are_never_tested(report, drawn):
    """In the document, which follows its schema, and in words in all forms of the report."""
    document = json.loads(json.dumps(report.document))
    jsonschema.validate(document, read_schema())
    found = document["cv"]["never_tested"]
    n_train = 200 - len(drawn.tested)
    names = [f"image {row}" for row in np.flatnonzero(drawn.test_fold < 0)]
    assert found == {"n_images": n_train, "n_groups": 10, "n_unused": 0, "files": names}
    assert [row["fold"] for row in document["manifest"]] == [
        1 if code == 0 else None for code in drawn.test_fold
    ]
    assert f"{n_train} images were never tested: they only trained." in repr(report)
    assert f"trained on {n_train} images of 10 patients" in repr(report)


def test_split_is_described_as_one(report, tmp_path):
    """Page, card and terminal do not speak of folds, and the checklists of internal validation."""
    for name in ("r.html", "r.md"):
        report.save(tmp_path / name, max_pictures=10)
        text = (tmp_path / name).read_text()
        assert "they only trained" in text
        assert "internal validation: the run did not test on data of another source" in text
        assert not re.findall(r"(?:each|of every|small dots are the|SD of|Mean of) folds?", text)
    assert "fold" not in repr(report)
    assert report.frame().index.tolist() == ["1", "pooled", "low", "high"]
    codes = {limit["code"] for limit in report.document["limits"]}
    assert {"one-model", "never-tested"} <= codes


def test_split_has_baselines_and_pictures_of_the_same_images(report, drawn, tmp_path):
    """A baseline that equals the model has no difference."""
    names = [one["name"] for one in report.document["baselines"]["compared"]]
    assert names == ["guessing", "mean_color", "texture_forest"]
    guessing = report.document["baselines"]["compared"][0]["numbers"]
    share = np.bincount(drawn.y[drawn.tested]).max() / len(drawn.tested)
    assert guessing["accuracy"]["value"] == share


def test_split_compares_with_another_model(report, drawn):
    """On the tested images; another split has other images."""
    given = {"groups": drawn.groups, "target_names": drawn.target_names, **QUICK}
    data = (MODEL, drawn.images, drawn.y)
    same = evaluate(*data, cv=PredefinedSplit(drawn.test_fold), **given)
    assert report.compare(same)["sentence"].startswith("The ROC AUC is")
    other = evaluate(*data, cv=PredefinedSplit(-1 - drawn.test_fold), **given)
    with pytest.raises(ValueError, match="same images, in the same order"):
        report.compare(other)


def test_split_of_a_saved_manifest_gives_the_same_predictions(drawn, tmp_path):
    """Images without a fold only train again."""
    given = {"groups": drawn.groups, **QUICK}
    first = evaluate(
        MODEL,
        drawn.images,
        drawn.y,
        cv=GroupShuffleSplit(1, test_size=0.5, random_state=3),
        **given,
    )
    first.save_folds(tmp_path / "split.csv")
    again = evaluate(MODEL, drawn.images, drawn.y, cv=tmp_path / "split.csv", **given)
    assert again.document["predictions"] == first.document["predictions"]
    assert again.document["cv"]["never_tested"] == first.document["cv"]["never_tested"]
    assert first.fit().predict_proba(drawn.images).shape == (200, 2)


def test_images_on_neither_side_are_counted_and_have_no_manifest(drawn, tmp_path):
    """A manifest could not leave them out of the training side."""
    train = np.flatnonzero(drawn.groups > "P15")
    found = evaluate(
        *(MODEL, drawn.images, drawn.y), groups=drawn.groups, cv=[(train, drawn.tested)], **QUICK
    )
    never = found.document["cv"]["never_tested"]
    assert never["n_unused"] == 200 - len(train) - len(drawn.tested) > 0
    assert f"{never['n_unused']} of them were not used for training either." in repr(found)
    assert found.document["manifest"] == []
    with pytest.raises(ValueError, match="folds that train on all images that they do not test"):
        found.save_folds(tmp_path / "folds.csv")
    found.save(tmp_path / "r.html")
    found.save(tmp_path / "r.md")
    assert "Fold manifest" not in (tmp_path / "r.html").read_text()


def test_two_folds_may_leave_images_for_training(drawn):
    """They are in both training sides."""
    test_fold = np.where(drawn.groups <= "P05", 1, drawn.test_fold)
    found = evaluate(
        *(MODEL, drawn.images, drawn.y),
        **{"groups": drawn.groups, "cv": PredefinedSplit(test_fold), **QUICK},
    )
    assert len(found.document["folds"]) == 2
    assert "2 folds, each tested image predicted once. " in repr(found)
    assert found.document["data"]["n_images"] == len(drawn.tested)
    with pytest.raises(ValueError, match=r"test every image\. Got \d+ images that this cv never"):
        found.leakage_gap()


def test_test_side_of_one_class_has_undefined_scores(drawn, tmp_path):
    """They are None, and the report names the class that is missing."""
    rows = drawn.tested[drawn.y[drawn.tested] == 1]
    with pytest.warns(SplitWarning, match="should test every class"):
        found = evaluate(
            *(MODEL, drawn.images, drawn.y),
            **{"groups": drawn.groups, "cv": [(drawn.test_fold < 0, rows)], **QUICK},
            target_names=drawn.target_names,
        )
    assert found.numbers["roc_auc"]["value"] is None
    assert found.numbers["specificity"]["value"] is None
    assert found.numbers["sensitivity"]["value"] is not None
    assert "There are no benign images here" in repr(found)
    found.save(tmp_path / "r.html")
    found.save(tmp_path / "r.md")
    jsonschema.validate(json.loads(json.dumps(found.document)), read_schema())


def test_splitters_that_test_an_image_twice_or_split_patients_are_refused(drawn):
    """With the reason, and a splitter that works."""
    given = {"groups": drawn.groups, **QUICK}
    with pytest.raises(ValueError, match=r"at most once.*RepeatedKFold.*GroupShuffleSplit\(1\)"):
        evaluate(MODEL, drawn.images, drawn.y, cv=RepeatedKFold(n_splits=2), **given)
    cv = StratifiedShuffleSplit(1, test_size=0.3, random_state=0)
    with pytest.raises(ValueError, match=r"keep groups together.*GroupShuffleSplit\(1\)"):
        evaluate(MODEL, drawn.images, drawn.y, cv=cv, **given)
    with pytest.warns(PatientsUnknownWarning):
        found = evaluate(MODEL, drawn.images, drawn.y, cv=cv, **QUICK)
    assert found.document["data"]["n_images"] == 60
    assert "a random split of the images" in found.document["checklists"]["CLAIM"][31]["answer"]


def test_copies_on_both_sides_of_a_split_warn(tmp_path):
    """Copies of training images on the test side make the scores too high."""
    cells = make_cells(80, folder=tmp_path, n_patients=12, image_size=(16, 16), random_state=0)
    paths, groups = list(cells.paths), cells.groups.tolist()
    test_fold = [0 if group <= "P06" else -1 for group in groups]
    copied = paths[test_fold.index(-1)]
    new = tmp_path / "copy.png"
    shutil.copy(copied, new)
    label = cells.y[paths.index(copied)]
    with pytest.warns(SplitWarning, match=r"one side of the split\. Got 2 images .* other side"):
        evaluate(
            make_pipeline(ImageReader(), *(step for _, step in MODEL.steps)),
            [*paths, str(new)],
            [*cells.y, label],
            groups=[*groups, "P01"],
            cv=PredefinedSplit([*test_fold, 0]),
            **QUICK,
        )
