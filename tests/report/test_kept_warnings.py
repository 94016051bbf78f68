"""Warnings of an evaluation: each kind once."""

import warnings

from cellsk.exceptions import SmallHoldOutWarning, SplitWarning
from cellsk.report._warnings import KeptWarnings


def warn_in_two_folds(kept):
    """Warn as two folds do, each with its own counts."""
    for count in (2, 3):
        with kept.collect():
            warnings.warn(SmallHoldOutWarning("A rule", str(count), code="a"), stacklevel=1)
            warnings.warn(SplitWarning("A rule", str(count), code="b"), stacklevel=1)
            warnings.warn(f"Text {count}.", UserWarning, stacklevel=1)


def test_kept_warnings_raise_each_kind_once():
    """Warnings without a code differ by their text."""
    kept = KeptWarnings()
    with warnings.catch_warnings(record=True, action="always") as raised:
        warn_in_two_folds(kept)
    texts = ["A rule. Got 2.", "A rule. Got 2.", "Text 2.", "Text 3."]
    assert [str(one.message) for one in raised] == texts
    assert [remark["code"] for remark in kept.remarks] == ["a", "b", "", ""]
