"""Class names that are nearly equal or words for nothing, wherever labels are given."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from cellsk import CellClassifier, audit_images, evaluate
from cellsk._class_words import (
    find_missing_words,
    find_similar_names,
    guess_positive,
    is_missing_word,
    name_apart,
    warn_class_names,
)
from cellsk.exceptions import LabelWarning

SIMILAR = pytest.warns(LabelWarning, match=r"1 set of names .* equal: 'A', 'a '\. If they are one")
IMAGES = np.zeros((6, 8, 8, 3), np.uint8)
LABELS = ["A", "a ", "b"] * 2


def find_line(caught):
    """Return the file that a warning names, which is that of the caller."""
    return caught[0].filename


def test_fit_warns_of_similar_classes():
    """The labels are checked before the patients are."""
    with SIMILAR as caught, pytest.raises(ValueError, match="inconsistent"):
        CellClassifier().fit(IMAGES, LABELS, groups=["p"])
    assert find_line(caught) == __file__


def test_evaluate_warns_of_similar_classes():
    """The labels are checked before the positive class is."""
    with SIMILAR as caught, pytest.raises(ValueError, match="pos_label"):
        evaluate(DummyClassifier(), IMAGES, LABELS, pos_label="A")
    assert find_line(caught) == __file__


def test_audit_warns_of_similar_classes():
    """The report has both classes."""
    with SIMILAR as caught:
        report = audit_images(IMAGES, LABELS)
    assert find_line(caught) == __file__
    assert report.n_images == 6


def test_words_for_nothing_are_missing_in_any_case():
    """What spreadsheets and pandas write, and no word that may be a class."""
    words = [
        "",
        " ",
        "nan",
        "NaN",
        "NA",
        "None",
        "NULL",
        "#N/A",
        "<NA>",
        "-",
        "--",
        "?",
        "n.a.",
        ".",
    ]
    words += ["\\N", "#REF!", "#DIV/0!", "\u200b", "\ufeff", "\xad ", "\u2013"]
    assert all(map(is_missing_word, words))
    names = [
        "0",
        "+",
        "unknown",
        "normal",
        "negative",
        "n",
        "\u2640",
        "\udce9",
        "3+",
        "missing teeth",
    ]
    assert not any(map(is_missing_word, names))
    assert is_missing_word("Unknown", patient=True)
    assert not is_missing_word("P1", patient=True)


def test_minus_is_a_class_beside_plus():
    """A reader of a test writes both."""
    assert find_missing_words(["+", "-", "++", "?"]) == ["?"]
    assert find_missing_words(["a", "-"]) == ["-"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("benign", "benign\u200b"),
        ("\ufeffbenign", "benign"),
        ("be\xadnign", "benign"),
        ("HER2-pos", "HER2\u2010pos"),
        ("HER2-pos", "HER2\u2013pos"),
        ("b\u0435nign", "benign"),
        ("0", "False"),
        ("True", "1.0"),
        ("grade 01", "grade 1"),
    ],
)
def test_names_that_look_or_mean_the_same_are_similar(one, other):
    """Invisible characters, dashes, letters of other alphabets, zeros and truth values."""
    assert find_similar_names([one, other, "malignant"]) == [sorted([one, other])]
    assert len(set(name_apart([one, other]).split(", "))) == 2
    assert name_apart([one, other]).isascii()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HER2+", "HER2-"),
        ("1", "10"),
        ("dose 0.05", "dose 0.5"),
        ("A-1", "A1"),
        ("12345678901234567890", "12345678901234567891"),
        ("True", "False"),
    ],
)
def test_names_that_differ_are_not_similar(one, other):
    """A sign, a decimal point and the last of many digits count."""
    assert not find_similar_names([one, other])


def test_words_for_nothing_among_labels_give_a_warning():
    """Such as the text of a missing value. Numbers are not texts."""
    labels = np.array([np.nan, "b"]).tolist()
    with pytest.warns(LabelWarning, match=r"missing value. Got 'nan'. Leave out") as caught:
        warn_class_names([*labels, "c"], stacklevel=2)
    assert caught[0].message.code == "classes-missing"
    assert find_line(caught) == __file__
    warn_class_names([0, 0.0, 1])


@pytest.mark.parametrize(
    ("names", "positive"),
    [
        (("benign", "malignant"), "malignant"),
        (("Parasitized", "Uninfected"), "Parasitized"),
        (("infected", "uninfected"), "infected"),
        (("non-tumor", "tumor"), "tumor"),
        (("NonTumor", "Tumor"), "Tumor"),
        (("Tumor", "no tumor"), "Tumor"),
        (("Tumor_free", "WithTumor"), "WithTumor"),
        (("HER2 negative", "HER2 positive"), "HER2 positive"),
        (("HER2+", "HER2-"), "HER2+"),
        (("abnormal", "normal"), "abnormal"),
        (("benign tumor", "malignant tumor"), "malignant tumor"),
        (("cancer_cells", "normal_cells"), "cancer_cells"),
        (("Diseased", "Healthy"), "Diseased"),
        (("metastasis", "stroma"), "metastasis"),
        (("mutant", "wt"), "mutant"),
        (("melanoma", "nevus"), "melanoma"),
        (("covid", "normal"), "covid"),
        (("case", "control"), "case"),
        (("tumor", "cancer"), None),
        (("0", "1"), None),
        (("a", "b"), None),
        (("antitumoral", "zeta"), None),
        (("benign", "normal"), None),
        (("tumor", "stroma", "immune"), None),
    ],
)
def test_positive_class_is_named_by_exactly_one_whole_word(names, positive):
    """In any order of the names."""
    assert guess_positive(list(names)) == positive
    assert guess_positive(list(names)[::-1]) == positive


def test_evaluate_of_codes_refuses_names_that_say_the_opposite():
    """Code 1 is not positive if class 0 is named Parasitized."""
    names = ["Parasitized", "Uninfected"]
    with pytest.raises(ValueError, match=r"pos_label must be named.*Pass pos_label='Parasitized'"):
        evaluate(DummyClassifier(), IMAGES, [0, 1] * 3, target_names=names)
