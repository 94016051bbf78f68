"""Findings about labels and groups: too few, too pure, on both sides of a test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_some
from cellsk.audit._data import AuditData
from cellsk.audit._findings import Finding, make_finding
from cellsk.audit._label_errors import find_label_errors

__all__ = ["audit_label_errors", "audit_labels"]

# Ten images leave two for each of five folds: one error changes sensitivity by half.
MIN_IMAGES = 10
# Five groups of each class give each of five folds one.
MIN_GROUPS = 5
MAX_GROUP_SHARE = 0.5


def audit_labels(data: AuditData) -> Iterator[Finding]:
    """Yield what is to say about labels and groups."""
    if data.labelled:
        yield from _find_few(data)
        yield from _find_class_differences(data)
    if data.grouped:
        yield from _find_odd_groups(data)
        yield from _find_shared_groups(data)
        if data.labelled and len(data.target_names) > 1:
            yield from _find_pure_groups(data)
    else:
        yield make_finding(
            "A204",
            "It is not known which images belong to one patient. Images of one patient in"
            " training and in test make numbers too good. Pass groups, such as"
            " list_images(folder, group_pattern=r'(P\\d+)') finds them in file names.",
            [],
            data.n_images,
        )


def _find_few(data: AuditData) -> Iterator[Finding]:
    y, groups = data.y[: data.n_images], data.groups[: data.n_images]
    counts = np.bincount(y, minlength=len(data.target_names))
    present = np.flatnonzero(counts)
    if len(present) < 2:
        yield make_finding(
            "A201",
            f"All {count_noun(len(y), 'image')} are of class {data.target_names[present[0]]!r}."
            " Nothing can be told apart, and a model that always says this would score 100 %."
            " Add images of another class.",
            [],
            data.n_images,
        )
        return
    few = [code for code in range(len(counts)) if counts[code] < MIN_IMAGES]
    if few:
        listed = ", ".join(f"{data.target_names[code]!r} has {counts[code]}" for code in few)
        yield make_finding(
            "A202",
            f"A class with fewer than {MIN_IMAGES} images gives numbers that one image changes:"
            f" {listed}. Add images, or join classes.",
            np.flatnonzero(np.isin(y, few)),
            data.n_images,
            counts={data.target_names[code]: int(counts[code]) for code in few},
        )
    n_groups = {code: len(np.unique(groups[y == code])) for code in present.tolist()}
    scarce = [code for code, count in n_groups.items() if count < MIN_GROUPS]
    if data.grouped and scarce:
        listed = ", ".join(f"{data.target_names[code]!r} has {n_groups[code]}" for code in scarce)
        yield make_finding(
            "A203",
            f"A class from fewer than {MIN_GROUPS} groups cannot be in each of {MIN_GROUPS} folds,"
            f" and its numbers are of these patients only: {listed}. Pass a smaller n_splits to"
            " choose_cv, or add patients.",
            np.flatnonzero(np.isin(y, scarce)),
            data.n_images,
            counts={data.target_names[code]: n_groups[code] for code in scarce},
        )


def _find_class_differences(data: AuditData) -> Iterator[Finding]:
    test = data.y[data.n_images :]
    test = test[test >= 0]
    if len(test) == 0:
        return
    here, there = np.unique(data.y[: data.n_images]), np.unique(test)
    only_train = [data.target_names[code] for code in np.setdiff1d(here, there)]
    only_test = [data.target_names[code] for code in np.setdiff1d(there, here)]
    if only_train or only_test:
        sides = [
            f"{name_some(names)} only in {side}"
            for names, side in ((only_train, "training"), (only_test, "test"))
            if names
        ]
        yield make_finding(
            "A209",
            f"Training and test must have the same classes. Got {' and '.join(sides)}. A class"
            " never trained cannot be predicted, one never tested has no number.",
            [],
            data.n_images,
        )


def _find_odd_groups(data: AuditData) -> Iterator[Finding]:
    groups = data.groups[: data.n_images]
    names, counts = np.unique(groups, return_counts=True)
    if len(names) == len(groups) > 2:
        yield make_finding(
            "A207",
            f"Each of {count_noun(len(groups), 'image')} is a group of its own, such as"
            f" {name_some(names.tolist(), 2)}. If patients gave several images, the pattern found"
            " the number of the image instead. Correct it.",
            [],
            data.n_images,
        )
    elif counts.max() > MAX_GROUP_SHARE * len(groups):
        largest = names[counts.argmax()]
        yield make_finding(
            "A205",
            f"Group {str(largest)!r} holds {counts.max():,} of {count_noun(len(groups), 'image')}."
            " It is in one fold, whose training side is small; and the numbers are mostly its own."
            " Look at the numbers of each patient, or add patients.",
            np.flatnonzero(groups == largest),
            data.n_images,
        )


def _find_shared_groups(data: AuditData) -> Iterator[Finding]:
    shared = np.intersect1d(data.groups[: data.n_images], data.groups[data.n_images :])
    shared = shared[shared != ""]
    if len(shared):
        yield make_finding(
            "A208",
            f"No patient may be in training and in test. Got {count_noun(len(shared), 'group')} in"
            f" both: {name_some(shared.tolist())}. Move all images of each to one side.",
            np.flatnonzero(np.isin(data.groups, shared)),
            data.n_images,
            groups=shared.tolist(),
        )


def _find_pure_groups(data: AuditData) -> Iterator[Finding]:
    """Yield a finding if nearly every image can be labelled by looking at its group only."""
    y = data.y[: data.n_images]
    _, codes = np.unique(data.groups[: data.n_images], return_inverse=True)
    table = np.zeros((codes.max() + 1, len(data.target_names)))
    np.add.at(table, (codes, y), 1)
    sizes = table.sum(axis=1)
    several = sizes > 1
    if not several.any():
        return
    # Each image labelled by the others of its group; chance is the most common class.
    others = table[codes] - np.eye(table.shape[1])[y]
    judged = several[codes]
    share = float((others.argmax(axis=1) == y)[judged].mean())
    chance = float(np.bincount(y).max() / len(y))
    n_pure = int((table.max(axis=1) == sizes).sum())
    if share >= 0.9 and share > chance + 0.5 * (1 - chance):
        yield make_finding(
            "A206",
            f"The group tells the label of {share:.0%} of the images ({n_pure:,} of"
            f" {count_noun(len(sizes), 'group')} have one label only). Where patients are on both"
            " sides of a split, a model may know the patient instead of the cell. Keep groups"
            f" together; and count patients, not images: there are {len(sizes):,}.",
            [],
            data.n_images,
            share=share,
            n_pure_groups=n_pure,
        )


def audit_label_errors(data: AuditData) -> Iterator[Finding]:
    """Yield the labels, of images and of whole groups, that the probabilities deny."""
    if data.proba is None or not data.labelled:
        return
    y = data.y[: data.n_images]
    rows = find_label_errors(y, data.proba)
    if len(rows):
        first = [
            f"{data.names[row]} ({data.target_names[y[row]]}, probability"
            f" {data.proba[row, y[row]]:.2f})"
            for row in rows[:3]
        ]
        yield make_finding(
            "A601",
            f"{count_noun(len(rows), 'label')} of {len(y):,} may be wrong, for the model is sure"
            f" of another. First: {name_some(first)}. Let a pathologist look, who does not know"
            " what the model said.",
            rows,
            data.n_images,
            probability_of_label=data.proba[rows, y[rows]].round(6).tolist(),
        )
    if data.grouped:
        yield from _find_wrong_groups(data)


def _find_wrong_groups(data: AuditData) -> Iterator[Finding]:
    """Yield the groups of one label whose images mostly look like another class."""
    assert data.proba is not None
    y = data.y[: data.n_images]
    names, codes = np.unique(data.groups[: data.n_images], return_inverse=True)
    sizes = np.bincount(codes)
    mean = np.stack([np.bincount(codes, weights=column) / sizes for column in data.proba.T], 1)
    label = np.full(len(names), -1)
    label[codes] = y
    pure = np.bincount(codes, weights=label[codes] != y) == 0
    judged = np.flatnonzero(pure & (sizes > 1))
    if len(judged) < 2 * MIN_GROUPS:  # a threshold needs some groups of each class
        return
    wrong: NDArray[np.int64] = judged[find_label_errors(label[judged], mean[judged])]
    if len(wrong):
        first = [f"{names[g]} ({data.target_names[label[g]]})" for g in wrong]
        yield make_finding(
            "A602",
            f"{count_noun(len(wrong), 'group')} look like another class on the whole:"
            f" {name_some(first)}. Check the diagnosis of these patients, and the stain of their"
            " slides.",
            np.flatnonzero(np.isin(codes, wrong)),
            data.n_images,
            groups=names[wrong].tolist(),
        )
