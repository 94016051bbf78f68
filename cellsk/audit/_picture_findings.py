"""Findings about pictures: blank, dark, mostly background, blurred."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_some
from cellsk.audit._data import AuditData
from cellsk.audit._findings import Finding, make_finding
from cellsk.audit._near_duplicates import MIN_CONTRAST, measure_contrast

__all__ = ["audit_pictures"]

# In levels from 0 to 255. Black of a camera is about 5 to 15; the glass of a stained slide in
# bright field 235 to 245.
MAX_DARK, MIN_BACKGROUND = 25.0, 230.0

# A blurred image is far below the others in sharpness: under this share of their median, and
# beyond this many robust standard deviations. A Gaussian blur of 1, 1.5 and 2 pixels takes the
# sharpness of a patch of PatchCamelyon to 0.81, 0.67 and 0.56 of what it was.
MAX_SHARPNESS_SHARE, MIN_DEVIATIONS = 0.8, 3.0

# From here on a property is how these images are, as darkness in fluorescence, and no fault.
MAX_SHARE = 0.5


def audit_pictures(data: AuditData) -> Iterator[Finding]:
    """Yield what is to say about single pictures."""
    prints = data.prints
    contrast = measure_contrast(prints.thumbnail)
    blank = prints.readable & (contrast < MIN_CONTRAST)
    filled = prints.readable & ~blank
    dark = filled & (prints.brightness < MAX_DARK)
    bright = filled & (prints.brightness > MIN_BACKGROUND)
    blurred = _find_blurred(prints.sharpness, filled & ~dark & ~bright)
    yield from _report(
        data,
        "A401",
        blank,
        "show nothing: their pixels hardly differ",
        "A model can learn nothing of cells from them. Look at them, and leave them out.",
    )
    yield from _report(
        data,
        "A402",
        dark,
        f"are nearly black (mean below {MAX_DARK:.0f} of 255)",
        "Check exposure and value_range.",
    )
    yield from _report(
        data,
        "A403",
        bright,
        f"are nearly white (mean above {MIN_BACKGROUND:.0f} of 255)",
        "Mostly empty glass; where this goes with the label, the model counts tissue, not cells.",
    )
    yield from _report(
        data,
        "A404",
        blurred,
        "are much less sharp than the others",
        "Out of focus or enlarged. Look at them: a model may take blur for a class.",
    )


def _find_blurred(sharpness: NDArray[np.float64], judged: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which images are far below the others in sharpness."""
    judged = judged & (sharpness > 0)
    if judged.sum() < 10:  # too few to say what is usual
        return np.zeros(len(judged), dtype=bool)
    log = np.log(np.where(judged, sharpness, 1.0))
    median = np.median(log[judged])
    spread = 1.4826 * np.median(np.abs(log[judged] - median))
    limit = min(median + np.log(MAX_SHARPNESS_SHARE), median - MIN_DEVIATIONS * spread)
    return judged & (log < limit)


def _report(
    data: AuditData, code: str, hit: NDArray[np.bool_], what: str, remedy: str
) -> Iterator[Finding]:
    rows = np.flatnonzero(hit)
    n_readable = int(data.prints.readable.sum())
    if len(rows) == 0:
        return
    names = name_some([data.names[row] for row in rows])
    usual = code in ("A402", "A403") and len(rows) > MAX_SHARE * n_readable
    if usual:
        remedy = "So many that it is how these images are, as in fluorescence: no fault by itself."
    yield make_finding(
        code,
        f"{len(rows):,} of {count_noun(n_readable, 'image')} {what}. First: {names}. {remedy}",
        rows,
        data.n_images,
        **_count_classes(data, rows),
    )


def _count_classes(data: AuditData, rows: NDArray[np.int64]) -> dict[str, dict[str, int]]:
    if not data.target_names:
        return {}
    counts = {
        name: int((data.y[rows] == code).sum()) for code, name in enumerate(data.target_names)
    }
    return {"classes": counts}
