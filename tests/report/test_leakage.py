"""The sentence that compares with folds that ignore patients."""

import pytest

from cellsk.report.words import describe_leakage, write_number

MINUS = "\u2212"


def compared(value, low, high):
    """A comparison with this difference in AUC."""
    gap = {"value": value, "low": low, "high": high}
    return {
        "grouped": {"roc_auc": {"value": 0.8, "low": 0.7, "high": 0.9}},
        "random": {"roc_auc": {"value": 0.8 + value, "low": 0.7, "high": 0.9}},
        "gap": {"roc_auc": gap},
    }


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        ((0.05, 0.01, 0.09), "The difference is 0.050 (0.010 to 0.090), more than the variation"),
        ((-0.0001, -0.02, 0.03), "includes 0: 12 patients are not enough to show a difference."),
        ((-0.03, -0.05, -0.01), "here the score is not higher when patients are ignored."),
        ((0.02, None, None), "The difference of 0.020 has no interval."),
    ],
)
def test_leakage_sentence_follows_the_interval(gap, expected):
    """Higher, no difference shown, lower, or no interval; and what was compared."""
    sentence = describe_leakage(compared(*gap), 12)
    assert expected in sentence
    assert "with folds by image. With folds by patient it is 0.800, for the same" in sentence


def test_leakage_sentence_has_no_minus_before_zero():
    """-0.0001 to three digits is 0."""
    sentence = describe_leakage(compared(-0.0001, -0.0004, 0.0003), 12)
    assert "-0" not in sentence
    assert f"{MINUS}0.000" not in sentence


@pytest.mark.parametrize(("value", "text"), [(-0.0004, "0.000"), (-0.0006, f"{MINUS}0.001")])
def test_number_shown_as_zero_has_no_sign(value, text):
    """-0.0004 to three digits is 0, -0.0006 is not."""
    assert write_number(value) == text
