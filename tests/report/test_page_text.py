"""Text of the page: cautions, verdict, errors, and sentences that follow the numbers."""

import copy
import re

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from cellsk.metrics import SCORE_NAMES
from cellsk.report.render import render_page, render_summary
from cellsk.report.render._pictures import describe_pictures
from cellsk.report.words import describe_errors, describe_score, list_cautions, summarize


def strip_tags(html):
    """Return the words of a page, without style and script."""
    bare = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


# Start of the page ----------------------------------------------------------------------


def test_page_starts_with_a_single_predicted_class(document, bare_html):
    """In a box before all numbers, and in the table of folds for each fold."""
    single = predict_all(document, 1)
    page = render_page(single, {})
    box = re.search(r'<aside class="notice first".*?</aside>', page, re.DOTALL)[0]
    assert "All images were predicted malignant." in box
    assert page.index(box) < page.index('<ul class="cards">')
    folds = re.search(r'<section id="folds".*?</section>', page, re.DOTALL)[0]
    assert folds.count("all predicted malignant") == 5
    assert "All images were predicted malignant." in render_summary(single)
    assert "all predicted" not in strip_tags(bare_html)


def test_cautions_ask_the_codes_of_limits_and_warnings(document):
    """Few patients are a caution if a limit has this code, unless a warning has it, too."""
    few = copy.deepcopy(document)
    few["data"]["classes"][0]["n_groups"] = 4
    few["warnings"] = []
    assert list_cautions(few) == []
    few["limits"] = [{"code": "few-patients", "text": "Any text."}]
    caution = (
        "Only 4 patients have benign images: with fewer than 20, the intervals are too narrow."
    )
    assert list_cautions(few) == [caution]
    few["warnings"] = [{"code": "other", "text": "The intervals are too narrow."}]
    assert list_cautions(few) == [caution]
    few["warnings"] = [{"code": "few-patients", "text": "Any text."}]
    assert list_cautions(few) == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (
            0.56,
            0.83,
            "Better than chance: the interval of ROC AUC, 0.56 to 0.83, lies above 0.5.",
        ),
        (0.41, 0.72, "Not shown to be better than chance: the interval of ROC AUC, 0.41 to 0.72"),
        (0.5, 0.72, "Not shown to be better than chance"),
        (0.2, 0.4, "Worse than chance"),
    ],
)
def test_verdict_follows_the_interval_of_roc_auc(document, low, high, expected):
    """The interval decides, not the value."""
    changed = copy.deepcopy(document)
    changed["numbers"]["roc_auc"] |= {"low": low, "high": high}
    assert summarize(changed)[1].startswith(expected)


def test_verdict_of_many_classes_is_by_balanced_accuracy(document_of_seven):
    """Its chance level is one in seven."""
    assert "balanced accuracy" in summarize(document_of_seven)[1]
    assert summarize(document_of_seven)[1].endswith("lies above 0.14.")


def test_verdict_without_an_interval_uses_the_exact_ones(document):
    """All images right: ROC AUC is 1 in every resample, sensitivity and specificity are exact."""
    perfect = copy.deepcopy(document)
    perfect["numbers"]["roc_auc"] = {"value": 1.0, "low": None, "high": None}
    for name, low in (("sensitivity", 0.8), ("specificity", 0.7)):
        perfect["second_opinions"][name] |= {"value": 1.0, "low": low, "high": 1.0}
    assert "by the exact intervals of sensitivity and specificity" in summarize(perfect)[1]
    perfect["second_opinions"]["specificity"]["low"] = 0.1
    assert "It is not known whether" in summarize(perfect)[1]
    perfect["numbers"]["roc_auc"]["value"] = 0.5
    assert summarize(perfect)[1] == "Not better than chance: ROC AUC is 0.50."


def test_page_shows_the_exact_interval_if_the_bootstrap_has_none(document):
    """On the card, in the first sentences and in the tables, with a note."""
    sure = without_interval_of_sensitivity(document)
    words = strip_tags(render_page(sure, {}))
    assert "1.00 0.88 to 1.00 exact, assuming independent images" in words  # card
    assert "1.000 0.880 to 1.000 exact, assuming independent images" in words  # table
    assert "images, 100 (88 to 100, exact) are predicted malignant" in words
    assert "Exact intervals assume independent images." in words
    assert "exact" in strip_tags(render_summary(sure))
    assert sure["numbers"]["sensitivity"]["low"] is None  # the document is not changed


def test_cards_show_the_chance_level_if_it_is_defined(bare_html):
    """ROC AUC and balanced accuracy of two classes: one half. Sensitivity has none."""
    cards = re.search(r'<ul class="cards">.*?</ul>', bare_html, re.DOTALL)[0]
    assert strip_tags(cards).count("chance level: 0.50") == 2
    assert "Sensitivity" in cards


def test_chance_level_is_what_scikit_learn_computes_for_it():
    """The most frequent class for accuracy; the shares as probabilities for the two losses."""
    y = np.repeat([0, 1], [30, 10])
    counts = [{"name": name, "n_images": n} for name, n in (("a", 30), ("b", 10))]
    data = {"classes": counts, "positive": "b", "prevalence": 0.25}
    shares = np.tile([0.75, 0.25], (40, 1))
    chance = {name: describe_score(name, data).chance for name in SCORE_NAMES}
    assert chance["accuracy"] == accuracy_score(y, np.zeros(40))
    assert chance["brier_score"] == pytest.approx(brier_score_loss(y, shares[:, 1]))
    assert chance["log_loss"] == pytest.approx(log_loss(y, shares))
    assert chance["sensitivity"] is None


def test_sentence_on_predictive_value_is_there_without_a_stated_prevalence(document):
    """At the prevalence of the images."""
    unstated = copy.deepcopy(document)
    unstated["at_prevalence"] = None
    share = round(100 * unstated["data"]["prevalence"])
    assert f"are malignant, at a prevalence of {share} in 100;" in summarize(unstated)[-1]


def test_mean_of_folds_names_the_number_of_folds(document, bare_html):
    """If some folds have no value."""
    some = copy.deepcopy(document)
    some["folds"][0]["scores"]["npv"] = None
    assert strip_tags(render_page(some, {})).count("over 4 of 5 folds") == 1
    assert "over 4 of 5" not in strip_tags(bare_html)


def test_page_names_the_files_that_were_left_out(document, bare_html):
    """All of them, with the reason; only the first ten are not folded."""
    short = copy.deepcopy(document)
    short["left_out"] = [[f"bad{n}.png", "cannot be decoded"] for n in range(12)]
    words = strip_tags(render_page(short, {}))
    assert "12 files. The scores do not include them:" in words
    assert all(f"bad{n}.png cannot be decoded" in words for n in range(12))
    assert "Left out before the run" not in strip_tags(bare_html)


def test_page_explains_that_thresholds_do_not_apply_to_patients(document, bare_html):
    """Unless patients are predicted by a vote of their images."""
    expected = "A patient is predicted malignant from a probability of 0.5; the tuned thresholds"
    assert expected in strip_tags(bare_html)
    voted = copy.deepcopy(document)
    voted["patients"]["aggregation"] = "vote"
    assert expected not in strip_tags(render_page(voted, {}))


def test_referral_names_a_lower_error_only_if_the_error_falls(document, bare_html):
    """The uncertainty of some models does not indicate their errors."""
    assert "among the others is lower" in bare_html
    flat = copy.deepcopy(document)
    flat["curves"]["coverage"]["error"] = [0.3] * len(flat["curves"]["coverage"]["coverage"])
    assert "among the others is lower" not in render_page(flat, {})
    assert "does not fall" in render_page(flat, {})


def test_caption_of_training_names_the_first_of_calibrated_networks(document, bare_html):
    """Calibration trains several in each fold."""
    assert "the first of them is shown" in bare_html
    assert "the first of them is shown" not in render_page(document | {"calibration": None}, {})


# Errors and labels that may be wrong -------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "title", "expected"),
    [
        ([0.97, 0.9], "Most confident errors", "incorrectly with high confidence: the probability"),
        ([0.97, 0.6], "Most confident errors", "incorrectly, the most confident first"),
        ([0.55, 0.55], "Errors with the highest probability", "none of them with high confidence"),
    ],
)
def test_errors_are_called_confident_only_if_they_are(document, stated, title, expected):
    """With two classes, 0.55 is not confident."""
    changed = copy.deepcopy(document)
    changed["confident_errors"] = changed["confident_errors"][:2]
    found = changed["predictions"]
    for row, confidence in zip(changed["confident_errors"], stated, strict=True):
        found["proba"][row] = [1 - confidence, confidence]
        if not found["predicted"][row]:
            found["proba"][row].reverse()
    captions = describe_errors(changed)
    assert captions.title == title
    assert expected in captions.caption
    assert f"{stated[-1]:.2f}" in captions.caption


def test_labels_are_not_questioned_by_a_model_that_may_be_at_chance_level(document):
    """Neither the list nor the marks are shown."""
    weak = copy.deepcopy(document)
    weak["numbers"]["roc_auc"] |= {"low": 0.45, "high": 0.7}
    page = render_page(weak, {})
    assert "check the label" not in page
    assert "its predictions give little information about the labels" in strip_tags(page)


def test_suspected_label_is_shown_with_its_probability(document, bare_html):
    """Of the label, not of the prediction."""
    row = next(one for one in document["label_errors"] if one not in document["confident_errors"])
    found = document["predictions"]
    own = found["proba"][row][found["label"][row]]
    name = document["data"]["classes"][found["label"][row]]["name"]
    section = re.search(r'<section id="errors".*?</section>', bare_html, re.DOTALL)[0]
    assert f"label: {name}, {own:.2f}" in section


def test_pictures_name_the_threshold_if_it_was_tuned(document):
    """The threshold of the fold explains why 0.35 is predicted malignant."""
    tuned = copy.deepcopy(document)
    for fold in tuned["folds"]:
        fold["threshold"] = 0.31
    row = tuned["confident_errors"][0]
    tuned["predictions"]["predicted"][row] = 1
    tuned["predictions"]["proba"][row] = [0.65, 0.35]
    (picture,) = describe_pictures(tuned, [row], {})
    assert picture.at_threshold == "malignant 0.35, at least the threshold 0.31"
    tuned["predictions"]["predicted"][row] = 0
    tuned["predictions"]["proba"][row] = [0.7, 0.3]
    (picture,) = describe_pictures(tuned, [row], {})
    assert picture.at_threshold == "malignant 0.30, below the threshold 0.31"
    assert "its probability, with the threshold that was chosen in training" in render_page(
        tuned, {}
    )
    assert describe_pictures(document, [row], {})[0].at_threshold == ""


def predict_all(document, code):
    """The document of a model that predicts one class for every image."""
    found = copy.deepcopy(document)
    found["predictions"]["predicted"] = [code] * len(found["predictions"]["predicted"])
    counts = [entry["n_images"] for entry in found["data"]["classes"]]
    found["confusion_matrix"] = [
        [n if column == code else 0 for column in range(len(counts))] for n in counts
    ]
    return found


def without_interval_of_sensitivity(document):
    """The document of a model with a sensitivity of 1, without an interval."""
    found = copy.deepcopy(document)
    found["operating_point"] = None
    found["numbers"]["sensitivity"] = {"value": 1.0, "low": None, "high": None}
    found["second_opinions"]["sensitivity"] |= {"value": 1.0, "low": 0.88, "high": 1.0}
    return found
