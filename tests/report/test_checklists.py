"""answer_checklists: the right items, and only answers that a run can give."""

import copy
import json
from pathlib import Path

import pytest

from cellsk.metrics import SCORE_NAMES
from cellsk.report.checklists import answer_checklists

FOR_THE_AUTHORS = "For the authors."
LABELS = {name: words[0] for name, words in SCORE_NAMES.items()}
HAND_MADE = Path(__file__).with_name("hand_made.json")
# Collins et al. 2024: items with more than one part, and how many parts they have.
PARTS = {3: 3, 5: 2, 6: 3, 8: 3, 9: 3, 12: 7, 18: 6, 20: 3, 23: 2, 27: 3}


@pytest.fixture
def document():
    """Eight images of four patients, with every part that a document can have."""
    return json.loads(HAND_MADE.read_text("utf-8"))


@pytest.fixture
def bare():
    """The same without patients and without anything optional."""
    document = json.loads(HAND_MADE.read_text("utf-8"))
    document["data"]["n_groups"] = None
    for one in document["data"]["classes"]:
        one["n_groups"] = None
    for fold in document["folds"]:
        fold |= {"n_train_groups": None, "n_test_groups": None, "threshold": None}
        fold |= {"best_params": None, "history": None, "best_epoch": None}
    document["cv"] |= {"groups_kept_together": False, "source": "given"}
    document["interval"] |= {"method": "bootstrap over images", "unit": "image", "n_units": 8}
    for name in ("operating_point", "referral", "calibration", "audit", "leakage", "patients"):
        document[name] = None
    document["seed"] = None
    document["subgroups"] = document["limits"] = document["warnings"] = []
    document["confident_errors"] = document["label_errors"] = []
    document["estimator"]["parameters"] = {}
    return document


def find(document, checklist, number):
    """The item of this number."""
    (item,) = (one for one in answer_checklists(document)[checklist] if one["item"] == number)
    return item


def test_checklists_hold_items_of_the_papers(document):
    """27 items in 52 parts, and 44 items, each once and in order."""
    found = answer_checklists(document)
    tripod = [
        f"{item}{part}"
        for item in range(1, 28)
        for part in ("abcdefg"[: PARTS[item]] if item in PARTS else [""])
    ]
    assert list(found) == ["TRIPOD+AI", "CLAIM"]
    assert [one["item"] for one in found["TRIPOD+AI"]] == tripod
    assert len(tripod) == 52
    assert [one["item"] for one in found["CLAIM"]] == [str(item) for item in range(1, 45)]


@pytest.mark.parametrize(
    ("checklist", "topics"),
    [
        (
            "TRIPOD+AI",
            {"10": "Sample size", "13": "Class imbalance", "14": "Fairness", "15": "Model output"}
            | {"18c": "Protocol", "23b": "Model performance", "24": "Model updating"},
        ),
        (
            "CLAIM",
            {"14": "Reference standard", "19": "Partitions", "22": "Model", "34": "Evaluation"}
            | {"35": "Results: data", "40": "Discussion", "44": "Other"},
        ),
    ],
)
def test_checklists_topics_have_the_numbers_of_the_papers(document, checklist, topics):
    """A few items, to detect a list that is shifted by one."""
    found = {one["item"]: one["topic"] for one in answer_checklists(document)[checklist]}
    assert {number: found[number] for number in topics} == topics


@pytest.mark.parametrize("fixture", ["document", "bare"])
def test_checklists_items_are_whole_for_any_document(fixture, request):
    """Questions end with ?, answers with a period, and the status matches."""
    for items in answer_checklists(request.getfixturevalue(fixture)).values():
        for one in items:
            assert set(one) == {"item", "topic", "question", "answer", "status"}
            assert one["question"].endswith("?")
            assert one["answer"].endswith(".")
            assert "None" not in one["answer"].replace("None.", "").replace("None after", "")
            left, part = one["answer"] == FOR_THE_AUTHORS, "For the authors: " in one["answer"]
            expected = "for the authors" if left else "in part" if part else "answered"
            assert one["status"] == expected


@pytest.mark.parametrize("fixture", ["document", "bare"])
def test_checklists_leave_the_study_to_its_authors(fixture, request):
    """A run does not know title, consent, funding, annotators or interpretation."""
    document = request.getfixturevalue(fixture)
    authors = {
        "TRIPOD+AI": "1 2 3a 3c 4 5a 5b 6a 6b 6c 8b 8c 9a 9c 17 18a 18b 18c 18d 19 25 27a 27b 27c",
        "CLAIM": "1 2 3 4 5 6 7 8 13 14 15 16 17 18 31 34 44",
    }
    for checklist, numbers in authors.items():
        for number in numbers.split():
            assert find(document, checklist, number)["answer"] == FOR_THE_AUTHORS


def test_checklists_change_nothing(document):
    """The document is only read."""
    before = copy.deepcopy(document)
    answer_checklists(document)
    assert document == before


@pytest.mark.parametrize(("checklist", "number"), [("TRIPOD+AI", "23a"), ("CLAIM", "37")])
def test_performance_has_intervals(document, checklist, number):
    """Every score of the document, as on the page."""
    answer = find(document, checklist, number)["answer"]
    assert "ROC AUC 0.821 (0.721 to 0.911)" in answer
    assert f"{LABELS['mcc']} \u22120.125;" in answer
    assert f"{LABELS['log_loss']} not defined" in answer
    assert "95% confidence intervals" in answer


def test_diagnosis_of_two_classes_names_the_positive_one_and_its_prevalence(document):
    """Predictive values depend on the prevalence."""
    answer = find(document, "CLAIM", "38")["answer"]
    assert answer.startswith("For 'malignant', at a prevalence of 50%: Sensitivity 0.841")
    assert f"{LABELS['ppv']} 0.861 (0.761 to 0.931)" in answer


def test_diagnosis_of_many_classes_has_each_class(document):
    """Each against the rest."""
    scores = {name: {"value": 0.5, "low": 0.4, "high": 0.6} for name in document["numbers"]}
    document["per_class"] = [
        {"name": name, "n_images": 4, "numbers": scores} for name in ("benign", "in situ")
    ]
    answer = find(document, "CLAIM", "38")["answer"]
    assert answer.startswith("Each class against the rest. 'benign': Sensitivity 0.500 (0.400 to")
    assert "'in situ': Sensitivity" in answer


def test_sharing_of_code_is_not_answered_with_the_manifest(document):
    """A list of images is not code."""
    answer = find(document, "TRIPOD+AI", "18f")["answer"]
    assert "manifest" not in answer
    assert "where the code of the model and of the analysis is available" in answer
    assert "manifest" in find(document, "TRIPOD+AI", "18e")["answer"]


@pytest.mark.parametrize(
    ("checklist", "number"),
    [("TRIPOD+AI", "11"), ("TRIPOD+AI", "20a"), ("CLAIM", "12"), ("CLAIM", "35")],
)
def test_files_left_out_before_the_run_are_named(document, checklist, number):
    """In each item that asks what was left out."""
    assert "left out before the run" not in find(document, checklist, number)["answer"]
    document["left_out"] = [[f"bad{n}.png", "cannot be decoded."] for n in range(12)]
    answer = find(document, checklist, number)["answer"]
    assert "12 files were left out before the run: bad0.png (cannot be decoded), bad1.png" in answer
    assert "and 2 more." in answer


def test_partitions_name_what_was_kept_together(document):
    """Patients, sites, or neither."""
    cv = document["cv"]
    assert (
        find(document, "CLAIM", "20")["answer"]
        == "All images of each patient were kept in one fold."
    )
    cv["sites_kept_together"] = True
    both = find(document, "CLAIM", "20")
    assert both["answer"] == "All images of each patient and of each site were kept in one fold."
    cv["groups_kept_together"] = False
    site = find(document, "CLAIM", "20")
    assert site["answer"].startswith(
        "All images of each site were kept in one fold. Folds share no"
    )
    assert site["status"] == "in part"


def test_partitions_without_patients_name_the_risk(bare):
    """In every item about the partition."""
    for checklist, number in (("TRIPOD+AI", "12a"), ("CLAIM", "19"), ("CLAIM", "32")):
        assert "the scores may be too high" in find(bare, checklist, number)["answer"]


@pytest.mark.parametrize(
    ("number", "full", "without"),
    [
        ("12c", "A search within the training side of each fold chose", "validated by cross"),
        ("12f", "Calibration (sigmoid) belongs to the model", "model was not updated"),
        ("13", "classifier__class_weight='balanced'", "no class_weight was set"),
        ("15", "for a sensitivity of 0.95, from 0.310 to 0.320", "the run chose no threshold"),
        ("23b", "site north: 0.722 (0.522 to 0.922); site south: 0.833", "results by cluster"),
        ("7", "audited, with findings A201", "not audited"),
    ],
)
def test_answers_follow_what_was_done(document, bare, number, full, without):
    """The same item, with and without calibration, search, threshold, audit and subgroups."""
    assert full in find(document, "TRIPOD+AI", number)["answer"]
    assert without in find(bare, "TRIPOD+AI", number)["answer"]
    assert full not in find(bare, "TRIPOD+AI", number)["answer"]


def test_fairness_is_left_to_authors_without_subgroups(document, bare):
    """There is no answer if nothing was compared."""
    assert find(bare, "TRIPOD+AI", "14")["answer"] == FOR_THE_AUTHORS
    assert find(bare, "CLAIM", "30")["answer"] == FOR_THE_AUTHORS
    assert "by site" in find(document, "TRIPOD+AI", "14")["answer"]
    assert "AUC of 0.966" in find(document, "CLAIM", "30")["answer"]


def test_calibration_is_described_as_a_mean_of_models(document):
    """CalibratedClassifierCV averages the models of its inner folds."""
    assert "took the mean of their probabilities" in find(document, "CLAIM", "27")["answer"]
    document["calibration"] = None
    assert "combined no models" in find(document, "CLAIM", "27")["answer"]


def test_training_has_epochs_and_time(document):
    """Of all folds."""
    of_first = "Epochs trained in each fold (of the first of several networks): 3, 3."
    assert of_first in find(document, "CLAIM", "25")["answer"]  # calibrated
    alone = document | {"calibration": None}
    assert "Epochs trained in each fold: 3, 3." in find(alone, "CLAIM", "25")["answer"]
    assert "took 2 min 30 s" in find(document, "CLAIM", "25")["answer"]
    assert "Epoch kept in each fold: 2, 3." in find(document, "CLAIM", "26")["answer"]


def test_errors_are_counted_from_the_confusion_matrix(document):
    """The answer gives their number and the most frequent kind."""
    answer = find(document, "CLAIM", "39")["answer"]
    assert answer.startswith("1 of 8 images was classified incorrectly.")
    assert "'benign' predicted as 'malignant' (1 image)" in answer
    document["confusion_matrix"] = [[4, 0], [0, 4]]
    assert "most frequent error" not in find(document, "CLAIM", "39")["answer"]


def test_amounts_of_many_folds_are_cut_short(document):
    """Of twelve folds ten are listed, and the others counted."""
    document["folds"] = [copy.deepcopy(document["folds"][0]) | {"fold": k} for k in range(1, 13)]
    answer = find(document, "TRIPOD+AI", "21")["answer"]
    assert answer.count("trained on 4 images of 2 patients") == 10
    assert answer.endswith("2 more folds are in the report.")


def test_training_names_the_augmentation(document):
    """The answer tells whether training images were changed, if the model has that parameter."""
    assert "augment" not in find(document, "CLAIM", "25")["answer"]
    parameters = document["estimator"]["parameters"]
    parameters["classifier__augmentation"] = "None"
    assert "images were not augmented." in find(document, "CLAIM", "25")["answer"]
    parameters["classifier__augmentation"] = "'stain'"
    sentence = "Training images were changed at random: classifier__augmentation='stain'."
    assert sentence in find(document, "CLAIM", "25")["answer"]
    assert sentence in find(document | {"cv": None}, "CLAIM", "25")["answer"]
    document["folds"][0]["best_params"] = {"classifier__augmentation": "None"}
    assert "A search chose the augmentation." in find(document, "CLAIM", "25")["answer"]
