"""Warnings of an evaluation: raised for the caller, and kept for the report."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun
from cellsk.exceptions import Explained, PatientsUnknownWarning, SplitWarning
from cellsk.report._settings import EvaluationLabels
from cellsk.report.document import Remark, hide_folders

if TYPE_CHECKING:
    from cellsk.audit import AuditReport

__all__ = ["KeptWarnings", "warn_if_copies_are_split", "warn_if_patients_are_few"]

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
        """The warnings as codes and texts. Those of other packages have the code ""."""
        return [
            {
                "code": warning.code if isinstance(warning, Explained) else "",
                "text": hide_folders(str(warning)),
            }
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


def warn_if_copies_are_split(audit: AuditReport, folds: NDArray) -> None:
    """Warn if copies of an image are in different folds.

    Parameters
    ----------
    audit : AuditReport
        The findings.
    folds : ndarray of shape (n,)
        Fold of each image.

    Warns
    -----
    SplitWarning
        When there are such copies.
    """
    sets = [*audit.duplicate_sets, *audit.near_duplicate_sets]
    split = {row for rows in sets if len(set(folds[rows])) > 1 for row in np.asarray(rows).tolist()}
    if split:
        warnings.warn(
            SplitWarning(
                "Copies of an image must be in one fold",
                f"{count_noun(len(split), 'image')} with an equal or nearly equal image in another"
                " fold, so the scores are too high",
                "Evaluate the paths, y and groups of audit_images(paths, y, groups).clean(), which"
                " gives copies one group.",
                code="copies-across-folds",
                values={"n_images": len(split)},
            ),
            stacklevel=2,
        )
