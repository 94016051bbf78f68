"""Findings about duplicates: within a class, across labels, groups, train and test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_some
from cellsk.audit._data import AuditData
from cellsk.audit._findings import Finding, make_finding

__all__ = ["audit_duplicates", "audit_near_duplicates"]

_Sets = Sequence[NDArray[np.int64]]

_MERGE = (
    "In training and in test they make numbers too good. Keep each set on one side of a split:"
    " clean = report.clean() gives groups that do."
)
_REMEDIES = {
    "1": _MERGE,
    "2": "One of the labels is wrong, or the picture does not hold what tells them apart. Correct"
    " the labels; report.clean() leaves exact ones out.",
    "3": "Either the groups are wrong, or one patient counts as two, and folds that keep groups"
    " together still share pictures. report.clean() joins these groups.",
    "4": "The test shows what was trained on. Remove them from one of the two; report.clean()"
    " leaves them out of training.",
}
_WHERE = {
    "1": "in sets",
    "2": "in sets with different labels",
    "3": "in sets that cross groups",
    "4": "in sets that cross from training to test",
}


def audit_duplicates(data: AuditData, sets: _Sets) -> Iterator[Finding]:
    """Yield what is to say about pixel-identical images."""
    yield from _report(data, sets, "A30", "are pixel-identical to another")


def audit_near_duplicates(
    data: AuditData, sets: _Sets, pairs: Sequence[tuple[int, int, float]]
) -> Iterator[Finding]:
    """Yield what is to say about images that are the same but for turns or encoding."""
    what = "show the same as another, but for turns, flips, size, brightness or compression"
    yield from _report(data, sets, "A31", what, pairs)


def _report(
    data: AuditData,
    sets: _Sets,
    prefix: str,
    what: str,
    pairs: Sequence[tuple[int, int, float]] | None = None,
) -> Iterator[Finding]:
    kinds = [_classify(data, members) for members in sets]
    for digit, remedy in _REMEDIES.items():
        chosen = [members for members, kind in zip(sets, kinds, strict=True) if digit in kind]
        if not chosen:
            continue
        rows = np.concatenate(chosen)
        details = {"sets": [members.tolist() for members in chosen]}
        if pairs is not None:
            inside = set(rows.tolist())
            details["pairs"] = [list(pair) for pair in pairs if pair[0] in inside]
        yield make_finding(
            prefix + digit,
            f"{count_noun(len(rows), 'image')} {what}, {_WHERE[digit]} ({len(chosen):,}"
            f" set{'' if len(chosen) == 1 else 's'}{_name_classes(data, rows)})."
            f" First: {name_some([data.names[row] for row in chosen[0]])}. {remedy}",
            rows,
            data.n_images,
            **details,
        )


def _classify(data: AuditData, members: NDArray[np.int64]) -> str:
    """Return the digits of the codes that a set belongs to."""
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
    """Return the class of the rows for a sentence, if it is one of several."""
    codes = np.unique(data.y[rows])
    if len(codes) != 1 or codes[0] < 0 or len(data.target_names) < 2:
        return ""
    return f", all in class {data.target_names[codes[0]]!r}"
