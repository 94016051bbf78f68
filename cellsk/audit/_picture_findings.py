"""Findings about single pictures: blank, dark, mostly background, blurred."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_some, pick_form
from cellsk.audit._data import AuditData
from cellsk.audit._findings import Finding, make_finding
from cellsk.audit._near_duplicates import MIN_CONTRAST, measure_contrast

__all__ = ["audit_pictures"]

# In levels from 0 to 255. Black of a camera is about 5 to 15. The glass of a stained slide in
# bright field is 235 to 245.
MAX_DARK, MIN_BACKGROUND = 25.0, 230.0

# A blurred image is far below the others in sharpness: under this fraction of their median,
# and beyond this many robust standard deviations. A Gaussian blur of 1, 1.5 and 2 pixels
# reduces the sharpness of a patch of PatchCamelyon to 0.81, 0.67 and 0.56 of its value.
MAX_SHARPNESS_FRACTION, MIN_DEVIATIONS = 0.8, 3.0

# Beyond this fraction of the images a property is normal, as darkness is in fluorescence.
MAX_FRACTION = 0.5

_WORDS = {
    "A401": (
        "blank: the pixels hardly differ",
        "A model cannot learn from them.",
        "Look at them, and leave them out.",
    ),
    "A402": (
        f"nearly black (mean below {MAX_DARK:.0f} of 255)",
        "",
        "Check exposure and value_range.",
    ),
    "A403": (
        f"nearly white (mean above {MIN_BACKGROUND:.0f} of 255)",
        "Most of the picture is empty glass. If this depends on the label, a model may measure the"
        " amount of tissue instead of looking at cells.",
        "Compare how many each class has.",
    ),
    "A404": (
        "much less sharp than the others",
        "They are out of focus or were enlarged, and a model may use blur to predict the class.",
        "Look at them.",
    ),
}


def audit_pictures(data: AuditData) -> Iterator[Finding]:
    """Yield the findings about single pictures."""
    prints = data.prints
    blank = prints.readable & (measure_contrast(prints.thumbnail) < MIN_CONTRAST)
    filled = prints.readable & ~blank
    dark = filled & (prints.brightness < MAX_DARK)
    bright = filled & (prints.brightness > MIN_BACKGROUND)
    blurred = _find_blurred(prints.sharpness, filled & ~dark & ~bright)
    found = {"A401": blank, "A402": dark, "A403": bright, "A404": blurred}
    for code, is_found in found.items():
        if is_found.any():
            yield _describe(data, code, np.flatnonzero(is_found))


def _find_blurred(sharpness: NDArray[np.float64], measured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which of the measured images are far below the others in sharpness."""
    measured = measured & (sharpness > 0)
    if measured.sum() < 10:  # too few to know the usual sharpness
        return np.zeros(len(measured), dtype=bool)
    log = np.log(np.where(measured, sharpness, 1.0))
    median = np.median(log[measured])
    spread = 1.4826 * np.median(np.abs(log[measured] - median))
    limit = min(median + np.log(MAX_SHARPNESS_FRACTION), median - MIN_DEVIATIONS * spread)
    return measured & (log < limit)


def _describe(data: AuditData, code: str, rows: NDArray[np.int64]) -> Finding:
    what, consequence, remedy = _WORDS[code]
    n_readable = int(data.prints.readable.sum())
    if code in ("A402", "A403") and len(rows) > MAX_FRACTION * n_readable:
        consequence = "So many such images are usual in fluorescence, for example."
        remedy = "This is not a fault by itself."
    text = (
        f"{len(rows):,} of {count_noun(n_readable, 'image')} {pick_form(len(rows), 'is', 'are')}"
        f" {what}. First: {name_some([data.names[row] for row in rows])}. {consequence}"
    )
    return make_finding(
        code, text.strip(), remedy, data.n_images, rows, **_count_classes(data, rows)
    )


def _count_classes(data: AuditData, rows: NDArray[np.int64]) -> dict[str, dict[str, int]]:
    if not data.target_names:
        return {}
    counts = {
        name: int((data.y[rows] == code).sum()) for code, name in enumerate(data.target_names)
    }
    return {"classes": counts}
