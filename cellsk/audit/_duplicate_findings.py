"""Findings about duplicates: within a class, across labels, groups, train and test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_some, pick_form
from cellsk.audit._data import AuditData
from cellsk.audit._findings import Finding, make_finding

__all__ = ["audit_duplicates", "audit_near_duplicates"]

_Sets = Sequence[NDArray[np.int64]]

# By the last digit of the code: which sets, the consequence, the remedy.
_EXACT_WORDS = {
    "1": (
        "in sets",
        "Scores are too good if copies are in training and in test.",
        "Keep each set on one side of a split: clean = report.clean() returns groups that do.",
    ),
    "2": (
        "in sets with different labels",
        "One of the labels is wrong, or the picture does not show the difference.",
        "Correct the labels; report.clean() leaves exact duplicates out.",
    ),
    "3": (
        "in sets of different patients",
        "Either the patients are wrong, or one patient has two names. Folds that keep patients"
        " together then still share pictures.",
        "report.clean() makes one group of these patients.",
    ),
    "4": (
        "in sets with training and test images",
        "The test shows images that the model was trained on.",
        "Remove them from one of the two; report.clean() leaves them out of training.",
    ),
}

_NEAR_WORDS = {
    "1": _EXACT_WORDS["1"],
    "2": (
        "in sets with different labels",
        "If they are copies, one of the labels may be wrong.",
        "Look at them, and correct the labels.",
    ),
    "3": (
        "in sets with different groups",
        "If they are copies, the groups may be wrong, or folds that keep groups together may still"
        " share pictures.",
        "Look at them; report.clean() joins these groups.",
    ),
    "4": (
        "in sets with training and test images",
        "If they are copies, the test shows images that the model was trained on.",
        "Look at them, and remove them from one of the two; report.clean() leaves them out of"
        " training.",
    ),
}


def audit_duplicates(data: AuditData, sets: _Sets) -> Iterator[Finding]:
    """Yield the findings about pixel-identical images."""
    rows_are = (("is", "are"), "pixel-identical to another")
    yield from _report(data, sets, "A30", _EXACT_WORDS, rows_are)


def audit_near_duplicates(
    data: AuditData, sets: _Sets, pairs: Sequence[tuple[int, int, float]]
) -> Iterator[Finding]:
    """Yield the findings about images that may differ only in turns, flips or encoding."""
    what = "the same as another, except for turns, flips, size, brightness or compression"
    yield from _report(data, sets, "A31", _NEAR_WORDS, (("may show", "may show"), what), pairs)


def _report(
    data: AuditData,
    sets: _Sets,
    prefix: str,
    words: Mapping[str, tuple[str, str, str]],
    rows_are: tuple[tuple[str, str], str],
    pairs: Sequence[tuple[int, int, float]] | None = None,
) -> Iterator[Finding]:
    verbs, what = rows_are
    kinds = [_classify(data, members) for members in sets]
    for digit, (which, consequence, remedy) in words.items():
        chosen = [members for members, kind in zip(sets, kinds, strict=True) if digit in kind]
        if not chosen:
            continue
        rows = np.unique(np.concatenate(chosen))
        details = {"sets": [members.tolist() for members in chosen]}
        if pairs is not None:
            inside = set(rows.tolist())
            details["pairs"] = [list(pair) for pair in pairs if inside.issuperset(pair[:2])]
        text = (
            f"{count_noun(len(rows), 'image')} {pick_form(len(rows), *verbs)} {what}, {which}"
            f" ({count_noun(len(chosen), 'set')}{_name_classes(data, rows)}). First:"
            f" {name_some([data.names[row] for row in chosen[0]])}. {consequence}"
        )
        yield make_finding(prefix + digit, text, remedy, data.n_images, rows, **details)


def _classify(data: AuditData, members: NDArray[np.int64]) -> str:
    """Return the last digits of the codes that apply to a set."""
    labels = data.y[members]
    groups = data.groups[members]
    in_test = data.in_test[members]
    kinds = ""
    if len(np.unique(labels[labels >= 0])) > 1:
        kinds += "2"
    if len(np.unique(groups[groups != ""])) > 1:
        kinds += "3"
    if in_test.any() and not in_test.all():
        kinds += "4"
    return kinds or "1"


def _name_classes(data: AuditData, rows: NDArray[np.int64]) -> str:
    """Return the class of the rows for a sentence, if all are of one of several classes."""
    codes = np.unique(data.y[rows])
    if len(codes) != 1 or codes[0] < 0 or len(data.target_names) < 2:
        return ""
    return f", all in class {data.target_names[codes[0]]!r}"
