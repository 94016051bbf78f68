"""The sentence on what ignoring patients would have claimed."""

import pytest

from cellsk.report._leakage import _say
from cellsk.report.words._values import write_number

MINUS = "\u2212"


def compared(value, low, high):
    """A comparison in which the gap in AUC is this."""
    gap = {"value": value, "low": low, "high": high}
    return {
        "grouped": {"roc_auc": {"value": 0.8, "low": 0.7, "high": 0.9}},
        "random": {"roc_auc": {"value": 0.8 + value, "low": 0.7, "high": 0.9}},
        "gap": {"roc_auc": gap},
    }


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        ((0.05, 0.01, 0.09), "The gap is 0.050 (0.010 to 0.090), more than chance"),
        ((-0.0001, -0.02, 0.03), "includes 0: no difference could be shown with 12 patients."),
        ((-0.03, -0.05, -0.01), "so here ignoring patients claims no more; the luck of training"),
        ((0.02, None, None), "The gap of 0.020 has no interval."),
    ],
)
def test_leakage_sentence_says_what_the_interval_allows(gap, said):
    """More, no difference shown, less, or no interval; and what was compared with what."""
    sentence = _say(compared(*gap), 12)
    assert said in sentence
    assert "with folds by image. With folds by patient it is 0.800, scored by image too" in sentence


def test_leakage_sentence_has_no_minus_before_zero():
    """-0.0001 to three digits is 0."""
    sentence = _say(compared(-0.0001, -0.0004, 0.0003), 12)
    assert "-0" not in sentence
    assert f"{MINUS}0.000" not in sentence


@pytest.mark.parametrize(("value", "text"), [(-0.0004, "0.000"), (-0.0006, f"{MINUS}0.001")])
def test_number_that_is_shown_as_zero_has_no_sign(value, text):
    """In every table."""
    assert write_number(value) == text
