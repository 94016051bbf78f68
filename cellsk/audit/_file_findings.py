"""Findings about files: unreadable, mixed in size, mode or format."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cellsk._checks import count_noun, list_some, name_failures, name_some, pick_form
from cellsk._codec import FORMAT_EXTENSIONS
from cellsk.audit._data import AuditData
from cellsk.audit._findings import Finding, make_finding
from cellsk.datasets import has_other_ending

__all__ = ["audit_files", "audit_other_files"]

_MIXTURES = {
    "A103": (
        "sizes (height x width)",
        "If the size depends on the label, it reveals the label; and resizing changes the scale of"
        " cells.",
        "Crop all images to one size, or pass image_size= to ImageReader and accept this.",
    ),
    "A104": (
        "modes",
        "Gray and color images in one set usually come from different sources.",
        "Check that each class has both, or use channels=1.",
    ),
    "A105": (
        "formats or compressions",
        "Compression leaves traces that a network can use.",
        "Check that each class has all of them, or export all images again in the same way.",
    ),
}


def audit_files(data: AuditData) -> Iterator[Finding]:
    """Yield the findings about files."""
    prints = data.prints
    yield from _find_unreadable(
        data,
        "A101",
        ~prints.readable & ~prints.sound,
        "cannot be decoded",
        "Copy them again from their source, or go on with report.clean().",
    )
    yield from _find_unreadable(
        data,
        "A102",
        ~prints.readable & prints.sound,
        "cannot be decoded without a setting, and were not checked further",
        "ImageReader reads them with page=, value_range= or max_pixels=.",
    )
    sizes = [f"{h} x {w}" for h, w in zip(prints.height, prints.width, strict=True)]
    yield from _find_mixture(data, "A103", sizes)
    yield from _find_mixture(data, "A104", prints.mode.tolist())
    encodings = [
        f"{fmt} ({encoding[:18]})" if encoding != fmt else fmt
        for fmt, encoding in zip(prints.format, prints.encoding, strict=True)
    ]
    yield from _find_mixture(data, "A105", encodings)
    yield from _find_misnamed(data)


def audit_other_files(not_read: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding about image files that are not among the images."""
    if not len(not_read):
        return
    endings = Counter(os.path.splitext(path)[1].lower() or "no extension" for path in not_read)
    listed = [f"{count:,} with {ending}" for ending, count in endings.most_common(4)]
    yield make_finding(
        "A107",
        f"{count_noun(len(not_read), 'image file')} {pick_form(len(not_read), 'is', 'are')} of a"
        f" kind that is not read: {list_some(listed, len(endings))}. First:"
        f" {name_some(list(not_read))}. If the kind depends on the label, the images that are left"
        " do not represent the patients.",
        "Convert them to PNG, or move them away.",
        0,
        counts=dict(endings.most_common(50)),
    )


def _find_unreadable(
    data: AuditData, code: str, unreadable: NDArray[np.bool_], what: str, remedy: str
) -> Iterator[Finding]:
    rows = np.flatnonzero(unreadable)
    if not len(rows):
        return
    failures = [(data.names[row], str(data.prints.reason[row])) for row in rows]
    yield make_finding(
        code,
        f"{len(rows):,} of {count_noun(len(data.names), 'image')} {what}. First:"
        f" {name_failures(failures)}.",
        remedy,
        data.n_images,
        rows,
        reasons=[reason for _, reason in failures],
    )


def _find_mixture(data: AuditData, code: str, values: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding if the readable images differ. Its rows are all but the most common."""
    readable = np.flatnonzero(data.prints.readable).tolist()
    common = Counter(values[row] for row in readable).most_common()
    if len(common) < 2:
        return
    noun, consequence, remedy = _MIXTURES[code]
    listed = list_some([f"{count:,} of {value}" for value, count in common[:4]], len(common))
    yield make_finding(
        code,
        f"The images have {len(common):,} different {noun}: {listed}. {consequence}",
        remedy,
        data.n_images,
        [row for row in readable if values[row] != common[0][0]],
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
            f"{count_noun(len(rows), 'file')} {pick_form(len(rows), 'has', 'have')} another format"
            f" than the name shows. First: {name_some(named)}. Files are read by their content,"
            " but a copy that was saved as JPEG and renamed has lost detail permanently.",
            "Ask where they came from.",
            data.n_images,
            rows,
        )


def _is_misnamed(data: AuditData, row: int) -> bool:
    ending = os.path.splitext(data.names[row])[1].lower()
    expected = next((name for name, known in FORMAT_EXTENSIONS.items() if ending in known), None)
    written = {"MPO": "JPEG"}.get(str(data.prints.format[row]), data.prints.format[row])
    if expected is None:  # a TIFF or PNG file may have the ending of a kind that is based on it
        based = written == "TIFF" or ending == ".apng"
        return has_other_ending(data.names[row]) and not based
    return expected != written
