"""Findings about files: unreadable, mixed in size, mode or format."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, name_failures, name_some
from cellsk._codec import SAVE_FORMATS
from cellsk.audit._data import AuditData
from cellsk.audit._findings import Finding, make_finding

__all__ = ["audit_files"]


def audit_files(data: AuditData) -> Iterator[Finding]:
    """Yield what is to say about the files."""
    prints = data.prints
    yield from _find_unread(data)
    sizes = [f"{h} x {w}" for h, w in zip(prints.height, prints.width, strict=True)]
    yield from _find_mixture(
        data,
        "A103",
        "sizes (height x width)",
        sizes,
        "A size that goes with the label gives it away, and resizing changes the scale of cells."
        " Cut all to one size, or pass image_size= to ImageReader knowing this.",
    )
    yield from _find_mixture(
        data,
        "A104",
        "modes",
        prints.mode.tolist(),
        "Grey and colour images of one set mostly come from different sources. Check that each"
        " class has both, or use channels=1.",
    )
    encodings = [
        f"{fmt} ({encoding[:18]})" if encoding != fmt else fmt
        for fmt, encoding in zip(prints.format, prints.encoding, strict=True)
    ]
    yield from _find_mixture(
        data,
        "A105",
        "formats or compressions",
        encodings,
        "Compression leaves traces that a network can see. Check that each class has all of"
        " them, or export all images anew in the same way.",
    )
    yield from _find_misnamed(data)


def _find_unread(data: AuditData) -> Iterator[Finding]:
    prints = data.prints
    for code, rows, remedy in (
        (
            "A101",
            np.flatnonzero(~prints.readable & ~prints.sound),
            "Copy them again from where they came, or go on with report.clean().",
        ),
        (
            "A102",
            np.flatnonzero(~prints.readable & prints.sound),
            "ImageReader reads them with page=, value_range= or max_pixels=; they were not"
            " looked at any further here.",
        ),
    ):
        if len(rows):
            failures = [(data.names[row], str(prints.reason[row])) for row in rows]
            what = "cannot be decoded" if code == "A101" else "cannot be decoded without a setting"
            yield make_finding(
                code,
                f"{len(rows):,} of {count_noun(len(data.names), 'image')} {what}."
                f" First: {name_failures(failures)}. {remedy}",
                rows,
                data.n_images,
                reasons=[reason for _, reason in failures],
            )


def _find_mixture(
    data: AuditData, code: str, noun: str, values: Sequence[str], remedy: str
) -> Iterator[Finding]:
    """Yield a finding if the readable images differ; its rows are all but the most common."""
    readable = np.flatnonzero(data.prints.readable).tolist()
    counts = Counter(values[row] for row in readable)
    if len(counts) < 2:
        return
    common = counts.most_common()
    listed = ", ".join(f"{count:,} of {value}" for value, count in common[:4])
    more = f" and {len(common) - 4:,} more" if len(common) > 4 else ""
    odd = [row for row in readable if values[row] != common[0][0]]
    yield make_finding(
        code,
        f"The images have {len(counts):,} different {noun}: {listed}{more}. {remedy}",
        odd,
        data.n_images,
        counts=dict(common[:50]),
    )


def _find_misnamed(data: AuditData) -> Iterator[Finding]:
    rows: NDArray[np.int64] = np.array(
        [row for row in np.flatnonzero(data.prints.readable) if _is_misnamed(data, int(row))],
        dtype=np.int64,
    )
    if len(rows):
        named = [f"{data.names[row]} is {data.prints.format[row]}" for row in rows[:3]]
        yield make_finding(
            "A106",
            f"{count_noun(len(rows), 'file')} hold another format than the name says. First:"
            f" {name_some(named)}. They are read by their content; but a copy saved as JPEG and"
            " renamed has lost detail for good. Ask where they came from.",
            rows,
            data.n_images,
        )


def _is_misnamed(data: AuditData, row: int) -> bool:
    expected = SAVE_FORMATS.get(os.path.splitext(data.names[row])[1].lower())
    written = {"MPO": "JPEG"}.get(str(data.prints.format[row]), data.prints.format[row])
    return expected is not None and expected != written
