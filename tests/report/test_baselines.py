"""Simple classifiers beside the model: features, paired differences, and what the report states."""

import itertools

import numpy as np
import pytest
import typer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch

from cellsk import ImageReader, evaluate, make_cells
from cellsk.cli._main import app
from cellsk.exceptions import WeakModelWarning
from cellsk.model_selection import measure_features
from cellsk.report.render import render_card, render_page, render_terminal
from cellsk.report.words import (
    compare_with_baselines,
    list_cautions,
    summarize,
    write_headline,
    write_steps,
)
from cellsk.report.words._next_steps import NEXT_STEPS

# These models are weak, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
QUICK = {"n_splits": 3, "n_resamples": 200, "pos_label": 1, "audit": False}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """120 drawn cells of ten patients, as arrays and as files."""
    folder = tmp_path_factory.mktemp("cells")
    drawn = make_cells(120, folder=folder, n_patients=10, image_size=(24, 24), random_state=0)
    return Bunch(**drawn, images=ImageReader().transform(drawn.paths))


def mean_colors(images):
    """Three numbers an image."""
    return np.asarray(images).mean(axis=(1, 2)) / 255


def build_pipeline(*first):
    """A model of the mean color, which the forest beats."""
    return make_pipeline(*first, FunctionTransformer(mean_colors), LogisticRegression())


@pytest.fixture(scope="module")
def report(cells):
    """Its report, with baselines."""
    return evaluate(
        build_pipeline(ImageReader()), cells.paths, cells.y, groups=cells.groups, **QUICK
    )


def test_evaluate_states_that_a_forest_is_better(report, tmp_path):
    """In the terminal, page and card, with scores, differences and what to try next."""
    compared = {one["name"]: one for one in report.document["baselines"]["compared"]}
    assert set(compared) == {"guessing", "mean_color", "texture_forest"}
    assert report.document["baselines"]["left_out"] == []
    forest = compared["texture_forest"]
    value = forest["numbers"]["roc_auc"]["value"]
    gap = forest["difference"]["roc_auc"]
    assert gap["value"] == pytest.approx(report.numbers["roc_auc"]["value"] - value)
    assert gap["high"] < 0
    assert "A random forest on color and texture scores higher: its ROC AUC" in repr(report)
    assert "Next: train for more epochs" in repr(report)
    for name in ("a.html", "a.md"):
        report.save(tmp_path / name, max_pictures=0)
        text = (tmp_path / name).read_text()
        assert "A random forest on color and texture scores higher" in text
        assert "random forest on histograms of color" in text


def test_guessing_has_the_scores_of_chance(report, cells):
    """ROC AUC and balanced accuracy are 0.5, whatever the folds."""
    numbers = report.document["baselines"]["compared"][0]["numbers"]
    assert numbers["roc_auc"]["value"] == numbers["balanced_accuracy"]["value"] == 0.5
    assert numbers["accuracy"]["value"] == np.bincount(cells.y).max() / len(cells.y)


def test_baselines_of_arrays_equal_those_of_files(report, cells):
    """The features come from the same pixels, with the same folds and seeds."""
    found = evaluate(build_pipeline(), cells.images, cells.y, groups=cells.groups, **QUICK)
    assert found.document["baselines"] == report.document["baselines"]
    floats = evaluate(build_pipeline(), cells.images / 255, cells.y, groups=cells.groups, **QUICK)
    for one, other in zip(
        floats.document["baselines"]["compared"],
        found.document["baselines"]["compared"],
        strict=True,
    ):
        assert one["numbers"]["roc_auc"]["value"] == pytest.approx(
            other["numbers"]["roc_auc"]["value"], abs=0.03
        )


def test_difference_is_paired_by_patient(report, cells):
    """A model that is one of the baselines has a difference of exactly 0, with no doubt."""
    model = make_pipeline(FunctionTransformer(mean_colors), DummyClassifier())
    found = evaluate(model, cells.images, cells.y, groups=cells.groups, **QUICK)
    gap = found.document["baselines"]["compared"][0]["difference"]["balanced_accuracy"]
    assert gap["value"] == pytest.approx(0, abs=1e-12)
    assert "scores higher" in repr(found) or "Next: check the labels" in repr(found)


def test_good_model_is_stated_to_be_better(report):
    """The comparison is then a sentence of the summary, not a caution."""
    document = report.to_dict() if hasattr(report, "to_dict") else dict(report.document)
    document = change_gap(document, value=0.1, low=0.05, high=0.2)
    assert compare_with_baselines(document).startswith("Better than simple baselines: ROC AUC")
    assert compare_with_baselines(document) not in list_cautions(document)
    assert compare_with_baselines(document) in summarize(document)


def test_baselines_of_many_classes_compare_balanced_accuracy():
    """The features and the sentence work for three classes, gray images and probabilities."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 30)
    images = (rng.random((90, 12, 12)) * (60 + 70 * y[:, None, None])).astype(np.uint8)
    model = make_pipeline(FunctionTransformer(lambda X: X[:, 0, :1]), LogisticRegression())
    report = evaluate(model, images, y, groups=np.arange(90), n_splits=3, n_resamples=200)
    assert "on the mean color scores higher: its balanced accuracy" in repr(report)


def test_data_that_are_no_images_leave_the_baselines_out_with_a_reason():
    """Guessing needs no images; a table of numbers has no color."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), np.tile([0, 1], 30)
    report = evaluate(LogisticRegression(), X, y, groups=np.arange(60), **QUICK)
    found = report.document["baselines"]
    assert [one["name"] for one in found["compared"]] == ["guessing"]
    assert {one["name"] for one in found["left_out"]} == {"mean_color", "texture_forest"}
    assert "no image features: an array of shape (60, 4)" in repr(report)


def test_evaluate_without_baselines_has_none(cells):
    """They are an option."""
    report = evaluate(
        build_pipeline(), cells.images, cells.y, groups=cells.groups, baselines=False, **QUICK
    )
    assert report.document["baselines"] is None
    assert "Baselines" not in repr(report)


def test_baselines_get_the_same_operating_point(cells):
    """The threshold of the baselines is chosen for the same sensitivity."""
    report = evaluate(
        build_pipeline(), cells.images, cells.y, groups=cells.groups, sensitivity=0.9, **QUICK
    )
    forest = report.document["baselines"]["compared"][-1]
    assert forest["name"] == "texture_forest"
    assert forest["numbers"]["sensitivity"]["value"] >= 0.75


def test_measure_features_do_not_depend_on_how_an_image_is_turned():
    """Histograms of color, and of patterns, of a turned image are the same; small images work."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    features = measure_features([image, image[::-1, ::-1]])
    np.testing.assert_allclose(features[0], features[1], atol=0.1)
    np.testing.assert_allclose(features[0, :3], image.mean(axis=(0, 1)) / 255, rtol=1e-6)
    assert measure_features([image[:2, :3]]).shape == features[:1].shape
    assert np.isfinite(measure_features([np.zeros((600, 8, 1), np.uint8)])).all()


def change_gap(document, **gap):
    """The document with another difference from each baseline."""
    compared = [
        {**one, "difference": {**one["difference"], "roc_auc": gap}}
        for one in document["baselines"]["compared"]
    ]
    return {**document, "baselines": {"compared": compared, "left_out": []}}


def test_baseline_that_is_as_good_comes_before_chance(report, tmp_path):
    """It is the first and the only bold line of page and card, with what to try next."""
    document = change_gap(report.document, value=-0.02, low=-0.06, high=0.02)
    headline = write_headline(document)
    assert headline.startswith(
        "A random forest on color and texture scores as well: its ROC AUC is"
    )
    minus = "\N{MINUS SIGN}"
    assert f"(difference {minus}0.020, {minus}0.060 to 0.020)." in headline
    page = render_page(document, {})
    assert '<div class="lead">' in page
    assert page.index("scores as well") < page.index("Next: train for more") < page.index("Of 100 ")
    start = render_card(document).splitlines()[2]
    assert start.startswith("**A random forest on color")
    assert "** Next: train for more epochs" in start
    text = render_terminal(document)
    assert text.index("scores as well") < text.index("95% confidence")
    assert report.document["headline"] in repr(report)


def test_baseline_that_is_worse_within_the_interval_is_not_called_as_good(report):
    """The model scores higher, but another choice of patients could reverse this."""
    document = change_gap(report.document, value=0.02, low=-0.02, high=0.06)
    assert write_headline(document).startswith(
        "Not shown to be better than simple baselines: ROC AUC is"
    )


def test_weak_model_is_one_warning_with_a_code(cells):
    """It is kept in the report, and not shown a second time."""
    for model, code in ((build_pipeline(), "baseline"), (DummyClassifier(), "baseline")):
        with pytest.warns(WeakModelWarning) as caught:
            found = evaluate(model, cells.images, cells.y, groups=cells.groups, **QUICK)
        assert [one.message.code for one in caught] == [f"not-better-than-{code}"]
        assert "better than simple classifiers. Got a random forest on color" in str(
            caught[0].message
        )
        assert found.document["warnings"][-1]["code"] == f"not-better-than-{code}"
        assert "must be better than" not in repr(found)


def test_model_that_may_be_guessing_warns():
    """Without images there are no other baselines."""
    X, y = np.random.default_rng(1).normal(size=(60, 4)), np.tile([0, 1], 30)
    match = (
        r"must be better than guessing\. Got not shown to be better than chance: .* includes 0\.5"
    )
    with pytest.warns(WeakModelWarning, match=match):
        evaluate(LogisticRegression(), X, y, groups=np.arange(60), **QUICK)


def test_next_steps_name_commands_and_options_that_exist():
    """What a report advises can be run."""
    commands = typer.main.get_command(app).commands
    for step in itertools.chain(*NEXT_STEPS.values()):
        if step.command:
            program, name, _, *options = step.command.split()
            known = {option for param in commands[name].params for option in param.opts}
            assert program == "cellsk"
            assert set(options[::2]) <= known


def test_next_steps_come_in_order_with_commands():
    """The first step is the cheapest, and Python's warning has no commands."""
    text = write_steps("not-better-than-baseline")
    assert text.startswith("Next: train for more epochs (cellsk evaluate FOLDER --epochs 60); then")
    assert text.endswith("; then use the simple classifier instead.")
    plain = write_steps("not-better-than-guessing", commands=False)
    assert "cellsk" not in plain
    assert plain.index("check the labels") < plain.index("epochs") < plain.index("patients")
