"""The report of an audit, and the images without faulty ones."""

from __future__ import annotations

import html
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from cellsk._checks import check_option, count_noun
from cellsk.audit._data import AuditData
from cellsk.audit._duplicates import merge_groups
from cellsk.audit._findings import RULES, Finding
from cellsk.exceptions import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AuditReport"]

_ORDER = {"error": 0, "warning": 1, "note": 2}
_LEFT_OUT = ("A101", "A302", "A304", "A314")
_MAX_FILES = 50
_INDENT = " " * 6


class AuditReport:
    """Findings of :func:`audit_images`, the most serious first.

    Attributes
    ----------
    findings : list of Finding
        Errors, then warnings, then notes; within each by code.
    n_images, n_test_images : int
        Number of images.
    seconds : float
        Duration of the audit.
    duplicate_sets : list of ndarray of int64
        Rows of the images with the same pixels, one array for each set. Rows from
        ``n_images`` on are in ``test_paths``.
    near_duplicate_sets : list of ndarray of int64
        Rows of the images that may differ only in turns, flips, size or encoding. Each image of a
        set was compared with one of them, so sets can share an image.
    near_duplicate_pairs : list of (int, int, float)
        Pairs that were compared, with the correlation of their coarse structure.
    names : list of str
        Name of each image: its path below the folder that all images share.
    """

    def __init__(
        self,
        data: AuditData,
        findings: Sequence[Finding],
        *,
        sources: Sequence[Any],
        y: NDArray[Any] | None,
        exact: list[NDArray[np.int64]],
        near: list[NDArray[np.int64]],
        pairs: list[tuple[int, int, float]],
        seconds: float,
    ) -> None:
        self.findings = sorted(findings, key=lambda found: (_ORDER[found.severity], found.code))
        self.n_images = data.n_images
        self.n_test_images = len(data.y) - data.n_images
        self.seconds = seconds
        self.duplicate_sets = exact
        self.near_duplicate_sets = near
        self.near_duplicate_pairs = pairs
        self.names = data.names
        self._groups = data.groups[: data.n_images] if data.grouped else None
        self._sources = sources
        self._y = y

    @property
    def has_errors(self) -> bool:
        """Whether there is a finding of severity "error"."""
        return any(found.severity == "error" for found in self.findings)

    def clean(self, without: Sequence[str] = _LEFT_OUT) -> Bunch:
        """Return the images without faulty ones, and groups that keep duplicates together.

        Parameters
        ----------
        without : sequence of str, default=("A101", "A302", "A304", "A314")
            Codes of the findings whose images are left out: by default unreadable files, exact
            duplicates with different labels, and images that are also in the test set. Test
            images are never left out.

        Returns
        -------
        images : Bunch
            Dictionary-like, as from :func:`list_images`:

            paths : ndarray of shape (n_left,), or of the images if these were arrays
                As given.
            y : ndarray of shape (n_left,), or None
                As given.
            groups : ndarray of shape (n_left,), dtype str
                Exact and near-duplicates are in one group. If no groups were given, each
                other image has its own group.
            rows : ndarray of shape (n_left,), dtype int64
                Indices into the paths that were given.
            left_out : ndarray of dtype int64
                The other indices.

        Raises
        ------
        ValueError
            If a code is unknown, or no image would be left.
        """
        for code in without:
            check_option("without", code, tuple(RULES))
        kept = np.ones(self.n_images, dtype=bool)
        for found in self.findings:
            if found.code in without:
                kept[found.rows] = False
        rows = np.flatnonzero(kept)
        if len(rows) == 0:
            raise InputError(
                "must keep at least one image",
                f"codes of findings on all {count_noun(self.n_images, 'image')}",
                "Pass fewer codes.",
                parameter="without",
            )
        groups = merge_groups(self._groups, self.n_images, self._list_train_sets())
        return Bunch(
            paths=_take(self._sources, rows),
            y=None if self._y is None else self._y[rows],
            groups=groups[rows],
            rows=rows,
            left_out=np.flatnonzero(~kept),
        )

    def _list_train_sets(self) -> list[NDArray[np.int64]]:
        sets = [*self.duplicate_sets, *self.near_duplicate_sets]
        train = [members[members < self.n_images] for members in sets]
        return [members for members in train if len(members) > 1]

    def frame(self, by: str = "finding") -> pd.DataFrame:
        """Return the findings as a table.

        Parameters
        ----------
        by : {"finding", "image"}, default="finding"
            One row for each finding, or one for each image of each finding. Duplicates have
            the number of their set.

        Returns
        -------
        table : pandas.DataFrame

        Raises
        ------
        ValueError
            If ``by`` is something else.
        """
        import pandas as pd

        if check_option("by", by, ("finding", "image")) == "finding":
            names = ["code", "severity", "title", "n_images", "message"]
            rows = [[getattr(found, name) for name in names] for found in self.findings]
            return pd.DataFrame(rows, columns=names)
        return pd.DataFrame(
            [row for found in self.findings for row in self._list_images(found)],
            columns=["code", "severity", "side", "row", "file", "set"],
        )

    def _list_images(self, found: Finding) -> list[list[Any]]:
        sets = found.details.get("sets", [])
        place: dict[int, int] = {}  # the first set of each row
        for number, rows in enumerate(sets, start=1):
            for row in rows:
                place.setdefault(row, number)
        return [
            [found.code, found.severity, side, row - start, self.names[row], place.get(row)]
            for side, start, rows in self._list_sides(found)
            for row in (rows + start).tolist()
        ]

    def _list_sides(self, found: Finding) -> list[tuple[str, int, NDArray[np.int64]]]:
        return [("train", 0, found.rows), ("test", self.n_images, found.test_rows)]

    def _name_files(self, found: Finding) -> list[str]:
        """Return the names of the first images of a finding, ordered by set."""
        in_sets = [row for rows in found.details.get("sets", []) for row in rows]
        rows = list(dict.fromkeys(in_sets)) or [
            row for _, start, side in self._list_sides(found) for row in (side + start).tolist()
        ]
        return [self.names[row] for row in rows[:_MAX_FILES]]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON.

        Returns
        -------
        document : dict
            ``n_images``, ``n_test_images``, ``seconds``, and ``findings``, each with ``code``,
            ``severity``, ``title``, ``message``, ``remedy`` (the end of the message),
            ``n_images`` and ``files`` (at most 50 names).
        """
        return {
            "n_images": self.n_images,
            "n_test_images": self.n_test_images,
            "seconds": round(self.seconds, 3),
            "findings": [
                {
                    "code": found.code,
                    "severity": found.severity,
                    "title": found.title,
                    "message": found.message,
                    "remedy": found.remedy,
                    "n_images": found.n_images,
                    "files": self._name_files(found),
                }
                for found in self.findings
            ],
        }

    def _summarize(self) -> str:
        counts = Counter(found.severity for found in self.findings)
        images = count_noun(self.n_images, "image")
        test = f" and {count_noun(self.n_test_images, 'test image')}" * bool(self.n_test_images)
        listed = ", ".join(count_noun(counts[kind], kind) for kind in _ORDER if counts[kind])
        return f"Audit of {images}{test}: {listed or 'nothing found'}."

    def __repr__(self) -> str:
        lines = [self._summarize()]
        for found in self.findings:
            count = f" ({count_noun(found.n_images, 'image')})" if found.n_images else ""
            lines += [f"{found.code}  {found.severity:<7}  {found.title}{count}"]
            lines += textwrap.wrap(
                found.message, 88, initial_indent=_INDENT, subsequent_indent=_INDENT,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        # File names and labels may hold markup, so everything is escaped.
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td style='text-align:left'>{html.escape(str(cell))}</td>"
                for cell in (found.code, found.severity, found.title, found.message)
            )
            + f"<td>{found.n_images:,}</td></tr>"
            for found in self.findings
        )
        head = "".join(
            f"<th scope='col'>{name}</th>"
            for name in ("code", "severity", "finding", "what it means", "images")
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" * bool(rows)
        return f"<div><p>{html.escape(self._summarize())}</p>{table}</div>"


def _take(sources: Sequence[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return the chosen images as an array: of text, of bytes as objects, or of pixels."""
    chosen = [sources[row] for row in rows.tolist()]
    if any(isinstance(item, bytes) for item in chosen):
        column = np.empty(len(chosen), dtype=object)
        column[:] = chosen
        return column
    return np.stack(chosen) if isinstance(chosen[0], np.ndarray) else np.array(chosen)
