"""Findings about labels and groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_some, pick_form
from cellsk.audit._data import AuditData
from cellsk.audit._findings import Finding, make_finding
from cellsk.audit._label_errors import find_label_errors

__all__ = ["audit_label_errors", "audit_labels"]

# With ten images, each of five folds tests two: one error changes sensitivity by half.
MIN_IMAGES = 10
# With five groups of each class, each of five folds tests one.
MIN_GROUPS = 5
MAX_GROUP_FRACTION = 0.5


def audit_labels(data: AuditData) -> Iterator[Finding]:
    """Yield the findings about labels and groups."""
    if data.labeled:
        yield from _find_small_classes(data)
        yield from _find_class_differences(data)
    if data.grouped:
        yield from _find_odd_groups(data)
        yield from _find_shared_groups(data)
        if data.labeled and len(data.target_names) > 1:
            yield from _find_pure_groups(data)
    else:
        yield make_finding(
            "A204",
            "It is unknown which images belong to one patient. Scores are too good if images of"
            " one patient are in training and in test.",
            "Pass the patients as groups, for example those that list_images(folder,"
            " group_pattern=r'(P\\d+)') finds in file names.",
            data.n_images,
        )


def _find_small_classes(data: AuditData) -> Iterator[Finding]:
    y = data.y[: data.n_images]
    counts = np.bincount(y, minlength=len(data.target_names))
    present = np.flatnonzero(counts)
    if len(present) < 2:
        yield make_finding(
            "A201",
            f"All {count_noun(len(y), 'image')} are of class {data.target_names[present[0]]!r}, so"
            " a model that always predicts this class would score 100%.",
            "Add images of another class.",
            data.n_images,
        )
        return
    small = {name: int(count) for name, count in zip(data.target_names, counts, strict=True)}
    small = {name: count for name, count in small.items() if count < MIN_IMAGES}
    if small:
        yield make_finding(
            "A202",
            f"In a class with fewer than {MIN_IMAGES} images one image changes the scores:"
            f" {_list_counts(small)}.",
            "Add images, or join classes.",
            data.n_images,
            _find_rows(data, small),
            counts=small,
        )
    if data.grouped:
        yield from _find_few_groups(data, present)


def _find_few_groups(data: AuditData, present: NDArray[np.int64]) -> Iterator[Finding]:
    y, groups = data.y[: data.n_images], data.groups[: data.n_images]
    few = {data.target_names[code]: len(np.unique(groups[y == code])) for code in present}
    few = {name: count for name, count in few.items() if count < MIN_GROUPS}
    if few:
        yield make_finding(
            "A203",
            f"A class with images of fewer than {MIN_GROUPS} patients cannot be in each of"
            f" {MIN_GROUPS} folds, and its scores describe these patients only:"
            f" {_list_counts(few)}.",
            "Pass a smaller n_splits to choose_cv, or add patients.",
            data.n_images,
            _find_rows(data, few),
            counts=few,
        )


def _list_counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name!r} has {count}" for name, count in counts.items())


def _find_rows(data: AuditData, classes: dict[str, int]) -> NDArray[np.int64]:
    codes = [code for code, name in enumerate(data.target_names) if name in classes]
    return np.flatnonzero(np.isin(data.y[: data.n_images], codes))


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
            f"Training and test have different classes: {' and '.join(sides)}. A class without"
            " training images cannot be predicted, and a class without test images has no"
            " scores.",
            "Add the missing images, or leave these classes out.",
            data.n_images,
        )


def _find_odd_groups(data: AuditData) -> Iterator[Finding]:
    groups = data.groups[: data.n_images]
    names, counts = np.unique(groups, return_counts=True)
    if len(names) == len(groups) > 2:
        yield make_finding(
            "A207",
            f"Each of {count_noun(len(groups), 'image')} has a different patient, such as"
            f" {name_some(names.tolist(), 2)}. If patients have several images, these names are"
            " of images, not of patients.",
            "Correct the pattern or the column that names the patients.",
            data.n_images,
        )
    elif counts.max() > MAX_GROUP_FRACTION * len(groups):
        largest = str(names[counts.argmax()])
        yield make_finding(
            "A205",
            f"Patient {largest!r} has {counts.max():,} of {count_noun(len(groups), 'image')}. One"
            " fold tests all of them, so few images are left for training, and the scores mostly"
            " describe this patient.",
            "Look at the results of each patient, or add patients.",
            data.n_images,
            np.flatnonzero(groups == largest),
        )


def _find_shared_groups(data: AuditData) -> Iterator[Finding]:
    shared = np.intersect1d(data.groups[: data.n_images], data.groups[data.n_images :])
    shared = shared[shared != ""]
    if len(shared):
        yield make_finding(
            "A208",
            f"{count_noun(len(shared), 'patient')} {pick_form(len(shared), 'is', 'are')} in both"
            f" training and test: {name_some(shared.tolist())}. The scores are then too good.",
            "Move all images of each patient to one side.",
            data.n_images,
            np.flatnonzero(np.isin(data.groups, shared)),
            groups=shared.tolist(),
        )


def _find_pure_groups(data: AuditData) -> Iterator[Finding]:
    """Yield a finding if the group of an image predicts nearly every label."""
    y = data.y[: data.n_images]
    _, codes = np.unique(data.groups[: data.n_images], return_inverse=True)
    table = np.zeros((codes.max() + 1, len(data.target_names)))
    np.add.at(table, (codes, y), 1)
    sizes = table.sum(axis=1)
    several = sizes > 1
    if not several.any():
        return
    # Predict each image from the others of its group. Chance is the most common class.
    others = table[codes] - np.eye(table.shape[1])[y]
    share = float((others.argmax(axis=1) == y)[several[codes]].mean())
    chance = float(np.bincount(y).max() / len(y))
    n_pure = int((table.max(axis=1) == sizes).sum())
    if share >= 0.9 and share > chance + 0.5 * (1 - chance):
        yield make_finding(
            "A206",
            f"The patient predicts the label of {share:.0%} of the images ({n_pure:,} of"
            f" {count_noun(len(sizes), 'patient')} {pick_form(n_pure, 'has', 'have')} images of one"
            " class only). If a patient is on both sides of a split, a model may recognize the"
            " patient instead of the class.",
            "Keep the images of a patient together, and count patients, not images: there are"
            f" {len(sizes):,}.",
            data.n_images,
            share=share,
            n_pure_groups=n_pure,
        )


def audit_label_errors(data: AuditData) -> Iterator[Finding]:
    """Yield the labels of images and of groups that the probabilities contradict."""
    if data.proba is None or not data.labeled:
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
            f"{len(rows):,} of {count_noun(len(y), 'label')} may be wrong: the model predicts"
            f" another class with confidence. First: {name_some(first)}.",
            "Ask a pathologist who does not know the predictions to look at them.",
            data.n_images,
            rows,
            probability_of_label=data.proba[rows, y[rows]].round(6).tolist(),
        )
    if data.grouped:
        yield from _find_wrong_groups(data)


def _find_wrong_groups(data: AuditData) -> Iterator[Finding]:
    """Yield the groups with one label whose images mostly look like another class."""
    assert data.proba is not None
    y = data.y[: data.n_images]
    names, codes = np.unique(data.groups[: data.n_images], return_inverse=True)
    sizes = np.bincount(codes)
    mean = np.stack([np.bincount(codes, weights=column) / sizes for column in data.proba.T], 1)
    label = np.full(len(names), -1)
    label[codes] = y
    pure = np.bincount(codes, weights=label[codes] != y) == 0
    checked = np.flatnonzero(pure & (sizes > 1))
    if len(checked) < 2 * MIN_GROUPS:  # a threshold needs some groups of each class
        return
    wrong: NDArray[np.int64] = checked[find_label_errors(label[checked], mean[checked])]
    if len(wrong):
        first = [f"{names[g]} ({data.target_names[label[g]]})" for g in wrong]
        yield make_finding(
            "A602",
            f"{count_noun(len(wrong), 'patient')} {pick_form(len(wrong), 'looks', 'look')} like"
            f" another class, over all images: {name_some(first)}.",
            "Check the diagnosis of these patients, and the stain of their slides.",
            data.n_images,
            np.flatnonzero(np.isin(codes, wrong)),
            groups=names[wrong].tolist(),
        )
