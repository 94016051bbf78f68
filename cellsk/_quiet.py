"""Warnings of one package, kept quiet for a while."""

from __future__ import annotations

import threading
import warnings


class QuietPackage:
    """Ignore the warnings that one package raises, while at least one thread is inside.

    ``warnings.catch_warnings`` alone is not enough: two threads that leave in another
    order than they came would leave its filter behind.
    """

    def __init__(self, package: str) -> None:
        self._module = rf"{package}(\.|$)"
        self._lock = threading.Lock()
        self._inside = 0
        self._caught: warnings.catch_warnings[None] | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=self._module)
            self._inside += 1

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._caught is not None:
                self._caught.__exit__(None, None, None)
                self._caught = None
