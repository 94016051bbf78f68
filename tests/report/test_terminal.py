"""render_terminal: the numbers and warnings, and no control characters from names."""

import copy

from cellsk.report.render import render_terminal


def test_terminal_shows_prevalence_and_subgroups(document):
    """One line for the stated prevalence, one for each subgroup with its AUC and interval."""
    text = render_terminal(document)
    assert "If 2% of images are malignant: PPV 0.083 (0.051 to 0.142), NPV 0.996" in text
    for one in document["subgroups"]:
        auc = one["numbers"]["roc_auc"]
        start = f"{one['column']} {one['value']}"
        (line,) = (line for line in text.split("\n") if line.startswith(start))
        assert f"{one['n_images']} images" in line
        assert f"{auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" in line


def test_terminal_of_many_classes_shows_accuracy_of_subgroups(document_of_seven):
    """With many classes there is no single usual AUC."""
    text = render_terminal(document_of_seven)
    assert "By subgroup: Accuracy" in text
    one = document_of_seven["subgroups"][0]
    assert f"{one['numbers']['accuracy']['value']:.3f} (" in text


def test_terminal_removes_control_characters_from_names(document):
    """Escape sequences, line breaks and reversed text in names become blanks."""
    bad = copy.deepcopy(document)
    name = "\x1b[31mred\x1b]0;title\x07\nsecond\u202eline"
    bad["title"] = name
    bad["data"]["classes"][1]["name"] = bad["data"]["positive"] = name
    bad["subgroups"][0]["value"] = bad["subgroups"][0]["column"] = name
    bad["left_out"] = [[name, "cannot be decoded"]]
    bad["warnings"] = [{"code": "", "text": name}]
    text = render_terminal(bad)
    assert not {"\x1b", "\x07", "\u202e", "\r"} & set(text)
    assert "\nsecond" not in text
    assert "red ]0;title second line" in text


def test_terminal_starts_with_cautions_and_verdict(document):
    """A single predicted class, the verdict, and files left out are above the numbers."""
    weak = copy.deepcopy(document)
    weak["numbers"]["roc_auc"] |= {"low": 0.41, "high": 0.66}
    weak["left_out"] = [["a.png", "cannot be decoded"], ["b.png", "cannot be decoded"]]
    weak["confusion_matrix"] = [[0, 294], [0, 306]]
    head = render_terminal(weak).split("value")[0]
    assert "All images were predicted malignant." in head
    assert "Not shown to be better than chance: the interval of ROC AUC, 0.41 to 0.66" in head
    assert "2 files were left out before the run: a.png, ..." in head


def test_terminal_marks_an_exact_interval(document):
    """If the bootstrap has none."""
    sure = copy.deepcopy(document)
    sure["numbers"]["sensitivity"] = {"value": 1.0, "low": None, "high": None}
    sure["second_opinions"]["sensitivity"] |= {"value": 1.0, "low": 0.88, "high": 1.0}
    assert "1.000  0.880 to 1.000 (exact, assuming independent images)" in render_terminal(sure)


def test_terminal_explains_the_threshold_of_patients_and_missing_scores(document):
    """Thresholds of images do not apply to patients; patients of both classes have no scores."""
    assert "A patient is predicted malignant from a probability of 0.5" in render_terminal(document)
    mixed = copy.deepcopy(document)
    mixed["patients"] |= {"numbers": {}, "n_mixed": 12}
    text = render_terminal(mixed)
    assert "By patient (mean of 12 patients): no scores. Every patient has both malignant" in text
    assert "one class" not in text


def test_terminal_uses_the_singular_for_one_image(document):
    """One image is referred, one file was left out."""
    one = copy.deepcopy(document)
    one["referral"]["n_referred"] = 1
    one["left_out"] = [["a.png", "cannot be decoded"]]
    text = render_terminal(one)
    assert "1 image is referred to a pathologist, with an uncertainty above 0.2" in text
    assert "1 file was left out before the run: a.png." in text
