"""A finding of an audit, and the table of all codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["RULES", "Finding", "Rule", "make_finding"]


class Rule(NamedTuple):
    """Severity and title of a kind of finding."""

    severity: str
    title: str


# The codes are stable: a code is never reused for another kind of finding.
RULES = {
    "A101": Rule("error", "Unreadable files"),
    "A102": Rule("warning", "Files that need a setting to be read"),
    "A103": Rule("warning", "Images of several sizes"),
    "A104": Rule("warning", "Images of several modes"),
    "A105": Rule("note", "Files of several formats or compressions"),
    "A106": Rule("note", "File names with a wrong extension"),
    "A107": Rule("warning", "Image files that are not read"),
    "A201": Rule("error", "One class only"),
    "A202": Rule("warning", "Classes with few images"),
    "A203": Rule("warning", "Classes with few patients"),
    "A204": Rule("warning", "Patients unknown"),
    "A205": Rule("warning", "One patient has most images"),
    "A206": Rule("note", "Patient predicts the label"),
    "A207": Rule("warning", "Each image of a different patient"),
    "A208": Rule("error", "Patients in both training and test"),
    "A209": Rule("warning", "Classes of train and test differ"),
    "A301": Rule("warning", "Exact duplicates"),
    "A302": Rule("error", "Exact duplicates with different labels"),
    "A303": Rule("error", "Exact duplicates of different patients"),
    "A304": Rule("error", "Exact duplicates in train and test"),
    "A311": Rule("warning", "Near-duplicates"),
    "A312": Rule("warning", "Near-duplicates with different labels"),
    "A313": Rule("warning", "Near-duplicates of different patients"),
    "A314": Rule("error", "Near-duplicates in train and test"),
    "A401": Rule("warning", "Blank images"),
    "A402": Rule("warning", "Dark images"),
    "A403": Rule("note", "Images of mostly background"),
    "A404": Rule("warning", "Blurred images"),
    "A501": Rule("warning", "Image size predicts the label"),
    "A502": Rule("warning", "File format or mode predicts the label"),
    "A503": Rule("warning", "Compression predicts the label"),
    "A504": Rule("warning", "Camera or software predicts the label"),
    "A505": Rule("note", "File size predicts the label"),
    "A506": Rule("note", "Mean color predicts the label"),
    "A511": Rule("note", "Train and test differ in image size"),
    "A512": Rule("note", "Train and test differ in file format or mode"),
    "A513": Rule("note", "Train and test differ in compression"),
    "A514": Rule("note", "Train and test differ in camera or software"),
    "A515": Rule("note", "Train and test differ in file size"),
    "A516": Rule("note", "Train and test differ in mean color"),
    "A601": Rule("note", "Probable label errors"),
    "A602": Rule("note", "Patients whose label is probably wrong"),
}


@dataclass(frozen=True)
class Finding:
    """One finding of :func:`cellsk.audit.audit_images`.

    Attributes
    ----------
    code : str
        Stable name of the kind of finding, such as ``"A304"``.
    severity : {"error", "warning", "note"}
        ``"error"``: numbers from these images would be wrong, or could not be computed.
        ``"warning"``: scores may be wrong. ``"note"``: for information.
    text : str
        The problem and its consequence, in sentences.
    remedy : str
        What to do, in sentences, for a reader who writes Python. Other readers find their
        own words by the ``code``.
    rows : ndarray of shape (n_rows,), dtype int64
        Images of the finding, as indices into ``paths``. Empty if it is about all images.
    test_rows : ndarray of shape (n_test_rows,), dtype int64
        Images of the finding, as indices into ``test_paths``.
    details : dict
        Numbers behind the text.
    """

    code: str
    severity: str
    text: str
    remedy: str
    rows: NDArray[np.int64]
    test_rows: NDArray[np.int64]
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """Text and remedy."""
        return f"{self.text} {self.remedy}".strip()

    @property
    def title(self) -> str:
        """Name of the kind of finding."""
        return RULES[self.code].title

    @property
    def n_images(self) -> int:
        """Number of images of the finding."""
        return len(self.rows) + len(self.test_rows)


def make_finding(
    code: str,
    text: str,
    remedy: str,
    n_images: int,
    rows: Sequence[int] | NDArray[np.int64] = (),
    **details: Any,
) -> Finding:
    """Return a finding. Rows from ``n_images`` on are test images."""
    both = np.asarray(rows, dtype=np.int64)
    test = both >= n_images
    severity = RULES[code].severity
    return Finding(code, severity, text, remedy, both[~test], both[test] - n_images, details)
