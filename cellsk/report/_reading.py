"""One reading of the images for a whole evaluation: audit, folds, and searches within folds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from cellsk.audit import Fingerprint, measure_image
from cellsk.model_selection import parts_of
from cellsk.preprocessing import ImageReader, read_once
from cellsk.report._settings import Cells, Settings

__all__ = ["Fingerprints", "read_images"]

Fingerprints = dict[str, Fingerprint]


@contextmanager
def read_images(
    cells: Cells, settings: Settings, fingerprints: Fingerprints | None = None
) -> Iterator[Settings]:
    """Read each image once, and give the settings with an estimator that finds the pixels.

    The readers in the estimator share a store in a temporary folder, unless they have one. If
    the images are not paths, or no part of the estimator is an `ImageReader`, the settings are
    returned as they are. So they are if the pixels cannot be kept: each fold decodes then.

    Parameters
    ----------
    cells : Cells
        The images.
    settings : Settings
        Their estimator is not changed.
    fingerprints : dict, default=None
        Filled with what the audit needs to know about each image that is decoded.

    Raises
    ------
    ImageReadError, ValueError
        If images cannot be read, before any fold trains.
    """
    if not (cells.are_paths and _list_readers(settings.estimator)):
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="cellsk-", ignore_cleanup_errors=True) as folder:
        estimator = clone(settings.estimator)
        for reader in _list_readers(estimator):
            if reader.store is None:
                reader.set_params(store=str(Path(folder) / "pixels"))
        first = _find_first_reader(estimator)
        if first is None:  # its settings, or what it reads, are not known before it runs
            yield settings._replace(estimator=estimator)
            return
        reading = read_once(first, cells.X, inspect=_collect_into(fingerprints))
        is_kept = reading.images is not None  # `reading` keeps the list in the store
        yield settings._replace(estimator=estimator) if is_kept else settings


def _list_readers(estimator: Any) -> list[ImageReader]:
    return [part for part in parts_of(estimator) if isinstance(part, ImageReader)]


def _collect_into(fingerprints: Fingerprints | None) -> Callable[..., None] | None:
    if fingerprints is None:
        return None

    def collect(source: str, pixels: NDArray, facts: Any) -> None:
        fingerprints[source] = measure_image(pixels, facts)

    return collect


def _find_first_reader(estimator: Any) -> ImageReader | None:
    """Return the reader that gets X as it is, with the settings that it has now.

    That is the first step of a pipeline, also within searches and wrappers such as a
    calibration. Return None if there is no such reader, or if a search changes it.
    """
    searched: set[str] = set()  # parameters of `estimator`, as its searches name them
    while not isinstance(estimator, ImageReader):
        if isinstance(estimator, Pipeline):
            name, inner = estimator.steps[0]
        else:
            name, inner = "estimator", getattr(estimator, "estimator", None)
        if name in searched or "steps" in searched or not hasattr(inner, "get_params"):
            return None
        searched = {
            key.removeprefix(f"{name}__") for key in searched if key.startswith(f"{name}__")
        }
        estimator, searched = inner, searched | _list_searched(estimator)
    return None if searched else estimator


def _list_searched(estimator: Any) -> set[str]:
    """Return the parameters that a search tries: the keys of all its dicts of candidates."""
    if isinstance(estimator, Pipeline):
        return set()
    values = estimator.get_params(deep=False).values()
    tables = [
        table for value in values for table in (value if isinstance(value, list) else [value])
    ]
    return {str(key) for table in tables if isinstance(table, dict) for key in table}
