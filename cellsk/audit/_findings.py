"""One finding of an audit, and the table of all codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["RULES", "Finding", "Rule", "make_finding"]


class Rule(NamedTuple):
    """How much a kind of finding matters, and what it is called."""

    severity: str
    title: str


# The codes are stable: a code is never used again for something else.
RULES = {
    "A101": Rule("error", "Unreadable files"),
    "A102": Rule("warning", "Files that need a setting to be read"),
    "A103": Rule("warning", "Images of several sizes"),
    "A104": Rule("warning", "Images of several modes"),
    "A105": Rule("note", "Files of several formats or compressions"),
    "A106": Rule("note", "File names that deny their format"),
    "A201": Rule("error", "One class only"),
    "A202": Rule("warning", "Classes with few images"),
    "A203": Rule("warning", "Classes with few groups"),
    "A204": Rule("warning", "Patients unknown"),
    "A205": Rule("warning", "One group holds most images"),
    "A206": Rule("note", "Group predicts label"),
    "A207": Rule("warning", "Each image its own group"),
    "A208": Rule("error", "Groups on both sides of the test"),
    "A209": Rule("warning", "Classes of train and test differ"),
    "A301": Rule("warning", "Exact duplicates"),
    "A302": Rule("error", "Exact duplicates with different labels"),
    "A303": Rule("error", "Exact duplicates in different groups"),
    "A304": Rule("error", "Exact duplicates in train and test"),
    "A311": Rule("warning", "Near-duplicates"),
    "A312": Rule("warning", "Near-duplicates with different labels"),
    "A313": Rule("warning", "Near-duplicates in different groups"),
    "A314": Rule("error", "Near-duplicates in train and test"),
    "A401": Rule("warning", "Blank images"),
    "A402": Rule("warning", "Dark images"),
    "A403": Rule("note", "Images of mostly background"),
    "A404": Rule("warning", "Blurred images"),
    "A501": Rule("warning", "Image size tells the label"),
    "A502": Rule("warning", "File format or mode tells the label"),
    "A503": Rule("warning", "Compression tells the label"),
    "A504": Rule("warning", "Camera or software tells the label"),
    "A505": Rule("note", "File size tells the label"),
    "A506": Rule("note", "Mean colour tells the label"),
    "A511": Rule("note", "Train and test differ in image size"),
    "A512": Rule("note", "Train and test differ in file format or mode"),
    "A513": Rule("note", "Train and test differ in compression"),
    "A514": Rule("note", "Train and test differ in camera or software"),
    "A515": Rule("note", "Train and test differ in file size"),
    "A516": Rule("note", "Train and test differ in mean colour"),
    "A601": Rule("note", "Probable label errors"),
    "A602": Rule("note", "Groups whose label is probably wrong"),
}


@dataclass(frozen=True)
class Finding:
    """One finding of :func:`cellsk.audit.audit_images`.

    Attributes
    ----------
    code : str
        Stable name of the kind of finding, such as ``"A304"``.
    severity : {"error", "warning", "note"}
        ``"error"``: numbers from these images would be wrong, or there would be none.
        ``"warning"``: they may be. ``"note"``: good to know.
    message : str
        What was found, what it does, and the way out.
    rows : ndarray of shape (n_rows,), dtype int64
        Images concerned, as indices into ``paths``; empty where it is about all.
    test_rows : ndarray of shape (n_test_rows,), dtype int64
        Images concerned, as indices into ``test_paths``.
    details : dict
        Numbers behind the message.
    """

    code: str
    severity: str
    message: str
    rows: NDArray[np.int64]
    test_rows: NDArray[np.int64]
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name of the kind of finding, in words."""
        return RULES[self.code].title

    @property
    def n_images(self) -> int:
        """Number of images concerned."""
        return len(self.rows) + len(self.test_rows)


def make_finding(
    code: str,
    message: str,
    rows: Sequence[int] | NDArray[np.int64],
    n_images: int,
    **details: Any,
) -> Finding:
    """Return a finding; rows from ``n_images`` on are of the test images."""
    both = np.asarray(rows, dtype=np.int64)
    test = both >= n_images
    severity = RULES[code].severity
    return Finding(code, severity, message, both[~test], both[test] - n_images, details)
