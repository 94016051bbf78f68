"""Warnings of an evaluation: given to the caller, and kept for the report."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from cellsk.report.document._estimator import hide_folders

__all__ = ["Notes"]


class Notes:
    """Keeps the text of each warning that is meant for the user."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._told: set[str] = set()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take note of the warnings within, and give each of them once afterwards."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield
        for warning in warned:
            text = str(warning.message)
            if text in self._told:
                continue
            self._told.add(text)
            if issubclass(warning.category, UserWarning):
                self.sentences.append(hide_folders(text))
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
