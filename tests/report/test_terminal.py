"""render_terminal: everything that matters in a few lines, and no name that commands."""

import copy

from cellsk.report.render._terminal import render_terminal
from cellsk.report.words._phrases import ONE_CLASS


def test_terminal_shows_prevalence_and_subgroups(document):
    """One line for the stated prevalence, one for each subgroup with its AUC and interval."""
    text = render_terminal(document)
    assert "Where 2 % of images are malignant: PPV 0.083 (0.051 to 0.142), NPV 0.996" in text
    for one in document["subgroups"]:
        auc = one["numbers"]["roc_auc"]
        start = f"{one['column']} {one['value']}"
        (line,) = (line for line in text.split("\n") if line.startswith(start))
        assert f"{one['n_images']} images" in line
        assert f"{auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" in line


def test_terminal_of_many_classes_shows_accuracy_of_subgroups(document_of_seven):
    """There is no one AUC that people ask for."""
    text = render_terminal(document_of_seven)
    assert "By subgroup: Accuracy" in text
    one = document_of_seven["subgroups"][0]
    assert f"{one['numbers']['accuracy']['value']:.3f} (" in text


def test_terminal_takes_no_command_from_a_name(document):
    """Escape sequences, new lines and turned text in names of any kind become blanks."""
    bad = copy.deepcopy(document)
    name = "\x1b[31mred\x1b]0;title\x07\nsecond\u202eline"
    bad["title"] = name
    bad["data"]["classes"][1]["name"] = bad["data"]["positive"] = name
    bad["subgroups"][0]["value"] = bad["subgroups"][0]["column"] = name
    bad["left_out"] = [[name, "cannot be decoded"]]
    bad["warnings"] = [name]
    text = render_terminal(bad)
    assert not {"\x1b", "\x07", "\u202e", "\r"} & set(text)
    assert "\nsecond" not in text
    assert "red ]0;title second line" in text


def test_terminal_says_first_what_must_be_known(document):
    """One class called for all, the verdict, and files left out stand above the numbers."""
    weak = copy.deepcopy(document)
    weak["numbers"]["roc_auc"] |= {"low": 0.41, "high": 0.66}
    weak["left_out"] = [["a.png", "cannot be decoded"], ["b.png", "cannot be decoded"]]
    weak["confusion_matrix"] = [[0, 294], [0, 306]]
    head = render_terminal(weak).split("value")[0]
    assert "It called all images malignant." in head
    assert "Not shown to be better than guessing: the interval of ROC AUC, 0.41 to 0.66" in head
    assert "2 files left out beforehand: a.png, ..." in head


def test_terminal_marks_an_exact_interval(document):
    """Where the bootstrap has none."""
    sure = copy.deepcopy(document)
    sure["numbers"]["sensitivity"] = {"value": 1.0, "low": None, "high": None}
    sure["second_opinions"]["sensitivity"] |= {"value": 1.0, "low": 0.88, "high": 1.0}
    assert "1.000  0.880 to 1.000 (exact, images taken as independent)" in render_terminal(sure)


def test_terminal_of_patients_of_one_class_says_so(document):
    """As page and model card do; and thresholds of images are not those of patients."""
    assert "Patients are called malignant from 0.5 on" in render_terminal(document)
    alike = copy.deepcopy(document)
    alike["patients"]["numbers"] = {}
    assert f"By patient (mean of 12 patients): {ONE_CLASS[0].lower()}" in render_terminal(alike)
