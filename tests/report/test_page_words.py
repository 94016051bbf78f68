"""What a page says first, what it shows of errors, and that its words follow the numbers."""

import copy
import re

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from cellsk.metrics import SCORE_NAMES
from cellsk.report.render._matrix import describe_pictures
from cellsk.report.render._page import render_page, render_summary
from cellsk.report.words._errors import describe_errors
from cellsk.report.words._sentences import summarize
from cellsk.report.words._values import describe_score
from cellsk.report.words._verdict import list_cautions


def strip_tags(html):
    """Return the words of a page, without style and script."""
    bare = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


# What comes first ----------------------------------------------------------------------


def test_page_says_first_that_all_images_were_called_one_class(document):
    """Before any number, in a box; and in the table of folds for each fold."""
    one_call = call_all(document, 1)
    page = render_page(one_call, {})
    box = re.search(r'<aside class="notice first".*?</aside>', page, re.DOTALL)[0]
    assert "It called all images malignant." in box
    assert page.index(box) < page.index('<ul class="cards">')
    folds = re.search(r'<section id="folds".*?</section>', page, re.DOTALL)[0]
    assert folds.count("called all malignant") == 5
    assert "It called all images malignant." in render_summary(one_call)
    assert "called all" not in strip_tags(render_page(document, {}))


def test_page_says_first_that_patients_are_few(document):
    """The first sentence of the limit; not if a warning has said it."""
    few = copy.deepcopy(document)
    few["limits"] = [
        "Only 4 patients of class benign: the intervals are too narrow. In simulations."
    ]
    assert list_cautions(few) == ["Only 4 patients of class benign: the intervals are too narrow."]
    few["warnings"] = ["Got 4 patients: the true intervals are wider. Add patients."]
    assert list_cautions(few) == []


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (
            0.56,
            0.83,
            "Better than guessing: the interval of ROC AUC, 0.56 to 0.83, lies above 0.5.",
        ),
        (0.41, 0.72, "Not shown to be better than guessing: the interval of ROC AUC, 0.41 to 0.72"),
        (0.5, 0.72, "Not shown to be better than guessing"),
        (0.2, 0.4, "Worse than guessing"),
    ],
)
def test_verdict_follows_the_interval_of_roc_auc(document, low, high, said):
    """Not the value: only an interval that stays clear of 0.5 tells."""
    judged = copy.deepcopy(document)
    judged["numbers"]["roc_auc"] |= {"low": low, "high": high}
    assert summarize(judged)[1].startswith(said)


def test_verdict_of_many_classes_is_by_balanced_accuracy(document_of_seven):
    """Guessing reaches one in seven."""
    assert "balanced accuracy" in summarize(document_of_seven)[1]
    assert summarize(document_of_seven)[1].endswith("lies above 0.14.")


def test_verdict_without_an_interval_takes_the_exact_ones(document):
    """All images right: ROC AUC is 1 in every resample, sensitivity and specificity are exact."""
    perfect = copy.deepcopy(document)
    perfect["numbers"]["roc_auc"] = {"value": 1.0, "low": None, "high": None}
    for name, low in (("sensitivity", 0.8), ("specificity", 0.7)):
        perfect["second_opinions"][name] |= {"value": 1.0, "low": low, "high": 1.0}
    assert "by the exact intervals of sensitivity and specificity" in summarize(perfect)[1]
    perfect["second_opinions"]["specificity"]["low"] = 0.1
    assert "cannot be told" in summarize(perfect)[1]
    perfect["numbers"]["roc_auc"]["value"] = 0.5
    assert summarize(perfect)[1] == "Not better than guessing: ROC AUC is 0.50."


def test_page_shows_the_exact_interval_where_the_bootstrap_has_none(document):
    """On the card, in the first sentences and in the tables, each time marked."""
    sure = without_interval_of_sensitivity(document)
    words = strip_tags(render_page(sure, {}))
    assert "1.00 0.88 to 1.00 exact, images taken as independent" in words  # card
    assert "1.000 0.880 to 1.000 exact, images taken as independent" in words  # table
    assert "it finds 100 (88 to 100, exact)" in words
    assert "Exact intervals take images as independent." in words
    assert "exact" in strip_tags(render_summary(sure))
    assert sure["numbers"]["sensitivity"]["low"] is None  # the document stays as it was


def test_cards_say_what_guessing_reaches_where_it_is_defined(document):
    """ROC AUC and balanced accuracy of two classes: one half. Sensitivity has no such number."""
    cards = re.search(r'<ul class="cards">.*?</ul>', render_page(document, {}), re.DOTALL)[0]
    assert strip_tags(cards).count("guessing: 0.50") == 2
    assert "Sensitivity" in cards


def test_guessing_scores_what_scikit_learn_computes_for_it():
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
    """What a call is worth, at the share of positives that the images have."""
    plain = copy.deepcopy(document)
    plain["at_prevalence"] = None
    share = round(100 * plain["data"]["prevalence"])
    assert f"Here {share} in 100 images are malignant" in summarize(plain)[-1]


def test_mean_of_folds_says_over_how_many(document):
    """Where some folds have no value."""
    some = copy.deepcopy(document)
    some["folds"][0]["scores"]["npv"] = None
    assert strip_tags(render_page(some, {})).count("over 4 of 5 folds") == 1
    assert "over 4 of 5" not in strip_tags(render_page(document, {}))


def test_page_names_the_files_that_were_left_out(document):
    """All of them, with the reason; the first ten open."""
    short = copy.deepcopy(document)
    short["left_out"] = [[f"bad{n}.png", "cannot be decoded"] for n in range(12)]
    words = strip_tags(render_page(short, {}))
    assert "12 files that no number here is about" in words
    assert all(f"bad{n}.png cannot be decoded" in words for n in range(12))
    assert "Left out beforehand" not in strip_tags(render_page(document, {}))


def test_page_tells_that_thresholds_are_not_those_of_patients(document):
    """Unless patients are called by a vote of their images."""
    said = "Patients are called malignant from 0.5 on; the thresholds are those of images."
    assert said in strip_tags(render_page(document, {}))
    voted = copy.deepcopy(document)
    voted["patients"]["aggregation"] = "vote"
    assert said not in strip_tags(render_page(voted, {}))


def test_referral_speaks_of_gain_only_where_the_error_falls(document):
    """A model whose doubt is no guide gains nothing."""
    assert "What is gained" in render_page(document, {})
    flat = copy.deepcopy(document)
    flat["curves"]["coverage"]["error"] = [0.3] * len(flat["curves"]["coverage"]["coverage"])
    assert "What is gained" not in render_page(flat, {})
    assert "does not fall" in render_page(flat, {})


def test_curves_of_calibrated_networks_are_said_to_be_of_the_first(document):
    """Calibration trains several in each fold."""
    assert "these are of the first" in render_page(document, {})
    assert "these are of the first" not in render_page(document | {"calibration": None}, {})


# Errors and doubted labels -------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "title", "said"),
    [
        ([0.97, 0.9], "Most confident errors", "Wrong, and sure of it: the probability"),
        ([0.97, 0.6], "Most confident errors", "Wrong, and the first of them surely"),
        ([0.55, 0.55], "Errors with the highest probability", "none of them surely"),
    ],
)
def test_errors_are_called_sure_only_if_they_are(document, stated, title, said):
    """0.55 for two classes is a shrug."""
    judged = copy.deepcopy(document)
    judged["confident_errors"] = judged["confident_errors"][:2]
    found = judged["predictions"]
    for row, sure in zip(judged["confident_errors"], stated, strict=True):
        found["proba"][row] = [1 - sure, sure] if found["predicted"][row] else [sure, 1 - sure]
    words = describe_errors(judged)
    assert words.title == title
    assert said in words.caption
    assert f"{stated[-1]:.2f}" in words.caption


def test_labels_are_not_doubted_by_a_model_that_may_be_guessing(document):
    """Neither the list nor the marks are shown."""
    guessing = copy.deepcopy(document)
    guessing["numbers"]["roc_auc"] |= {"low": 0.45, "high": 0.7}
    page = render_page(guessing, {})
    assert "label in doubt" not in page
    assert "Probable label errors" not in page
    assert "what it doubts says little about the labels" in strip_tags(page)


def test_doubted_label_is_shown_with_its_own_probability(document):
    """Of the label, not of the call."""
    row = next(one for one in document["label_errors"] if one not in document["confident_errors"])
    found = document["predictions"]
    own = found["proba"][row][found["label"][row]]
    name = document["data"]["classes"][found["label"][row]]["name"]
    section = re.search(r'<section id="errors".*?</section>', render_page(document, {}), re.DOTALL)[
        0
    ]
    assert f"is {name}, {own:.2f}" in section


def test_tiles_name_the_threshold_where_it_was_tuned(document):
    """Called malignant with 0.35 is explained by the threshold of the fold."""
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
    assert "its probability and the threshold, chosen in training" in render_page(tuned, {})
    assert describe_pictures(document, [row], {})[0].at_threshold == ""


def call_all(document, code):
    """The document of a model that calls every image one class."""
    found = copy.deepcopy(document)
    found["predictions"]["predicted"] = [code] * len(found["predictions"]["predicted"])
    counts = [entry["n_images"] for entry in found["data"]["classes"]]
    found["confusion_matrix"] = [
        [n if column == code else 0 for column in range(len(counts))] for n in counts
    ]
    return found


def without_interval_of_sensitivity(document):
    """The document of a model that finds all of a few images."""
    found = copy.deepcopy(document)
    found["operating_point"] = None
    found["numbers"]["sensitivity"] = {"value": 1.0, "low": None, "high": None}
    found["second_opinions"]["sensitivity"] |= {"value": 1.0, "low": 0.88, "high": 1.0}
    return found
