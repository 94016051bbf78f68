"""Warnings of an evaluation: raised for the caller, and kept for the report."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun
from cellsk.exceptions import Explained, PatientsUnknownWarning, SplitWarning, WeakModelWarning
from cellsk.report._settings import EvaluationLabels
from cellsk.report.document import EvaluationFacts, Remark, SearchDocument, hide_folders
from cellsk.report.words import (
    compare_with_chance,
    is_baseline_as_good,
    name_search_score,
    pick_best,
    warn_of_baselines,
    write_number,
    write_steps,
)

if TYPE_CHECKING:
    from cellsk.audit import AuditReport

__all__ = [
    "KeptWarnings",
    "warn_if_copies_are_split",
    "warn_if_model_is_weak",
    "warn_if_patients_are_few",
    "warn_if_search_is_weak",
]

# With five patients of a class, 95% intervals covered the true value in 89% of simulated
# studies, and with two in 65%.
FEW_PATIENTS = 5
_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"


class KeptWarnings:
    """Collects each kind of user warning once, and raises it again at the line that called cellsk.

    Attributes
    ----------
    instances : list of Warning
        The warnings, in the order in which they came.
    """

    def __init__(self) -> None:
        self.instances: list[Warning] = []
        self._seen: set[str] = set()

    @property
    def remarks(self) -> list[Remark]:
        """The warnings as codes and texts. Those of other packages have the code "".

        The remedies name Python, and the readers of a page know none, so they are left out.
        """
        return [
            {"code": warning.code, "text": hide_folders(warning.explain(remedy=""))}
            if isinstance(warning, Explained)
            else {"code": "", "text": hide_folders(str(warning))}
            for warning in self.instances
        ]

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Collect the warnings within the block, and raise them again at its end."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        for one in caught:
            # The counts in a text differ from fold to fold.
            kind = getattr(one.message, "code", "") or str(one.message)
            if kind in self._seen:
                continue
            self._seen.add(kind)
            if isinstance(one.message, UserWarning):
                self.instances.append(one.message)
            place = one.filename, one.lineno
            if one.filename.startswith(_PACKAGE):
                place = _find_caller()
            warnings.warn_explicit(one.message, one.category, *place)


def _find_caller() -> tuple[str, int]:
    """Return file and line of the code outside of this package that called into it."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_code.co_filename.startswith(_PACKAGE)
        or frame.f_code.co_filename.endswith("contextlib.py")
    ):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def warn_if_patients_are_few(labels: EvaluationLabels) -> None:
    """Warn if patients are unknown, or if a class has few of them.

    Warns
    -----
    PatientsUnknownWarning
        When there are no groups.
    SplitWarning
        When a class has few patients.
    """
    if labels.clusters is None:
        warnings.warn(
            PatientsUnknownWarning(
                "should name the patient of each image",
                "none: images of one patient may be in training and test, and then all scores"
                " are too high and all intervals too narrow",
                "Pass groups=..., unless every image is from a different patient.",
                parameter="groups",
                code="patients-unknown",
            ),
            stacklevel=2,
        )
        return
    counts = {  # a test set may lack classes
        labels.names[code]: len(np.unique(labels.clusters[labels.codes == code]))
        for code in np.unique(labels.codes).tolist()
    }
    name, fewest = min(counts.items(), key=lambda entry: entry[1])
    if fewest < FEW_PATIENTS:
        warnings.warn(
            SplitWarning(
                f"Intervals need at least {FEW_PATIENTS} patients of each class",
                f"{count_noun(fewest, 'patient')} with images of class {name!r}: the intervals are"
                " too narrow",
                "Add patients, if possible up to 20 of each class.",
                code="few-patients",
                values={"n_patients": fewest, "class": name},
            ),
            stacklevel=2,
        )


def warn_if_copies_are_split(audit: AuditReport, splits: Sequence[tuple[NDArray, NDArray]]) -> None:
    """Warn if one fold trains on a copy of an image that it tests.

    Parameters
    ----------
    audit : AuditReport
        The findings.
    splits : sequence of (train, test)
        Rows of each fold.

    Warns
    -----
    SplitWarning
        When there are such copies.
    """
    exact = _list_split(audit.duplicate_sets, splits)
    near = _list_split(audit.near_duplicate_sets, splits) - exact
    one, other = ("in one fold", "in another fold")
    if len(splits) == 1:
        one, other = ("on one side of the split", "on the other side")
    found = [
        text
        for rows, text in (
            (exact, f"{count_noun(len(exact), 'image')} with an equal image {other}"),
            (near, f"{count_noun(len(near), 'image')} that may be a copy of one {other}"),
        )
        if rows
    ]
    if found:
        warnings.warn(
            SplitWarning(
                f"Copies of an image must be {one}",
                f"{' and '.join(found)}, so the scores {'are' if exact else 'may be'} too high",
                "Evaluate the paths, y and groups of audit_images(paths, y, groups).clean(), which"
                " gives copies one group.",
                code="copies-across-folds",
                values={"n_images": len(exact | near)},
            ),
            stacklevel=2,
        )


def _list_split(
    sets: Sequence[NDArray[np.int64]], splits: Sequence[tuple[NDArray, NDArray]]
) -> set[int]:
    """Return the rows of the sets that are on both sides of a split."""
    found: set[int] = set()
    for train, test in splits:
        sides = set(train.tolist()), set(test.tolist())
        for rows in sets:
            images = set(rows.tolist())
            if images & sides[0] and images & sides[1]:
                found |= images & (sides[0] | sides[1])
    return found


def warn_if_model_is_weak(facts: EvaluationFacts) -> None:
    """Warn if a simple classifier is as good as the model, or if guessing may be.

    Warns
    -----
    WeakModelWarning
        In these cases, if the baselines were evaluated.
    """
    found = warn_of_baselines(facts)
    if not found:
        return
    if is_baseline_as_good(facts):
        rule, code = "A model must be better than simple classifiers", "not-better-than-baseline"
    else:
        found = compare_with_chance(facts)
        rule, code = "A model must be better than guessing", "not-better-than-guessing"
    got = f"{found[0].lower()}{found[1:].rstrip('.')}"
    remedy = write_steps(code, commands=False)
    warnings.warn(WeakModelWarning(rule, got, remedy, code=code), stacklevel=2)


def warn_if_search_is_weak(document: SearchDocument) -> None:
    """Warn if the best candidate is not shown to be better than guessing, or predicts one class.

    Warns
    -----
    WeakModelWarning
        In these cases.
    """
    best, guessing = pick_best(document), document["guessing"]
    if guessing is not None and not guessing["best_is_better"]:
        code = "not-better-than-guessing"
        score, value = name_search_score(document), write_number(guessing["value"])
        warnings.warn(
            WeakModelWarning(
                "The best candidate of a search must be better than guessing",
                f"a {score} of {write_number(best['mean'])}, where guessing has {value}: with its"
                " interval, it is not shown to be better",
                f"Do not use this model. {write_steps(code, commands=False)}",
                code=code,
            ),
            stacklevel=2,
        )
    if count := best["one_class_folds"]:
        warnings.warn(
            WeakModelWarning(
                "A model must predict several classes",
                f"the same class for all test images in {count} of"
                f" {count_noun(document['search']['n_folds'], 'fold')}, by the best candidate",
                "Train for more epochs, add images of the other classes, or change the network.",
                code="one-class-predicted",
            ),
            stacklevel=2,
        )
