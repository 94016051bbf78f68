"""One reading of the images for a whole evaluation: audit, folds, searches, and fixed models."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from cellsk._checks import count_noun
from cellsk.audit import Fingerprint, measure_image
from cellsk.exceptions import ImageReadWarning
from cellsk.model_selection import iter_estimators, list_readers, resize_as_in_training
from cellsk.preprocessing import ImageReader, give_store, read_once
from cellsk.report._settings import EvaluationData, Settings

__all__ = ["FixedPixels", "SharedPixels", "share_fixed_pixels", "share_pixels"]


class SharedPixels(NamedTuple):
    """Settings whose estimator finds the pixels in a store, and the pixels.

    The pixels are None if they are not in a store.
    """

    settings: Settings
    images: NDArray | None


@contextmanager
def share_pixels(
    data: EvaluationData, settings: Settings, fingerprints: dict[str, Fingerprint] | None = None
) -> Iterator[SharedPixels]:
    """Read each image once, and yield settings whose estimator finds the pixels in a store.

    The readers in the estimator share a store in a temporary folder, unless they have their
    own. The settings are yielded unchanged if the images are not paths, if the estimator has no
    `ImageReader`, or if the pixels cannot be kept. Each fold then decodes its images.

    Parameters
    ----------
    data : EvaluationData
        Images and labels.
    settings : Settings
        Its estimator is cloned, not changed.
    fingerprints : dict of str to dict, default=None
        Gets the fingerprint of each image that is decoded, for the audit.

    Yields
    ------
    shared : SharedPixels

    Raises
    ------
    ImageReadError, ValueError
        If images cannot be read, before any fold trains.
    """
    if not (data.labels.images_are_paths and _list_readers(settings.estimator)):
        yield SharedPixels(settings, None)
        return
    with _make_temporary_store() as store:
        estimator = clone(settings.estimator)
        for reader in _list_readers(estimator):
            if reader.store is None and store is not None:
                give_store(reader, store)
        first = _find_first_reader(estimator)
        if first is None:  # settings or sources of the reader are known only during a fit
            yield SharedPixels(settings._replace(estimator=estimator), None)
            return
        reading = read_once(first, data.X, inspect=_collect_into(fingerprints))
        if reading.images is not None:  # this map keeps the list in the store
            settings = settings._replace(estimator=estimator)
        yield SharedPixels(settings, reading.images)


class FixedPixels(NamedTuple):
    """The test images as a fixed model reads them, and what was measured while reading.

    Attributes
    ----------
    images : ndarray or None
        The pixels. None if the images are arrays already, or cannot be kept.
    fingerprints : dict of str to dict
        Of the images as they are in their files.
    size : (int, int) or None
        Height and width to which images of other sizes are resized. None if they are not.
    """

    images: NDArray | None
    fingerprints: dict[str, Fingerprint]
    size: tuple[int, int] | None

    def warn_if_resized(self) -> None:
        """Warn if images have another size than in training.

        Warns
        -----
        ImageReadWarning
            When some have.
        """
        if self.size is None:
            return
        sizes = [(found["height"], found["width"]) for found in self.fingerprints.values()]
        n_resized = sum(size != self.size for size in sizes)
        if n_resized:
            warnings.warn(
                ImageReadWarning(
                    f"Images should have the size of the training images, {self.size[0]} x"
                    f" {self.size[1]} pixels",
                    f"{n_resized:,} of {count_noun(len(sizes), 'image')} of another size, which"
                    " are resized",
                    "Cells must be magnified as in training.",
                    code="images-resized",
                ),
                stacklevel=2,
            )


@contextmanager
def share_fixed_pixels(model: Any, data: EvaluationData) -> Iterator[FixedPixels]:
    """Read each test image once, and let a fitted model find the pixels while the block runs.

    Parameters
    ----------
    model : fitted classifier or pipeline
        Its readers have other settings within the block: a store, and the size of the training
        images.
    data : EvaluationData
        Images and labels.

    Yields
    ------
    pixels : FixedPixels

    Raises
    ------
    ImageReadError, ValueError
        If images cannot be read.
    """
    readers = list_readers(model)
    if not (data.labels.images_are_paths and readers):
        yield FixedPixels(None, {}, None)
        return
    before = [reader.get_params() for reader in readers]
    try:
        with _make_temporary_store() as store:
            size = resize_as_in_training(model)
            for reader in readers:
                if reader.store is None and store is not None:
                    give_store(reader, store)
            first = _find_first_reader(getattr(model, "best_estimator_", model))
            fingerprints: dict[str, Fingerprint] = {}
            images = None
            if first is not None:
                images = read_once(first, data.X, inspect=_collect_into(fingerprints)).images
            yield FixedPixels(images, fingerprints, size)
    finally:
        for reader, parameters in zip(readers, before, strict=True):
            reader.set_params(**parameters)


@contextmanager
def _make_temporary_store() -> Iterator[str | None]:
    """Yield the path of a store that is removed at the end, or None if none can be made."""
    try:
        temporary = tempfile.TemporaryDirectory(prefix="cellsk-", ignore_cleanup_errors=True)
    except OSError:  # a system without a folder for temporary files
        yield None
        return
    with temporary as folder:
        yield str(Path(folder) / "pixels")


def _list_readers(estimator: Any) -> list[ImageReader]:
    return [part for part in iter_estimators(estimator) if isinstance(part, ImageReader)]


def _collect_into(fingerprints: dict[str, Fingerprint] | None) -> Callable[..., None] | None:
    if fingerprints is None:
        return None

    def collect(source: str, pixels: NDArray, facts: Any) -> None:
        fingerprints[source] = measure_image(pixels, facts)

    return collect


def _find_first_reader(estimator: Any) -> ImageReader | None:
    """Return the reader that gets X unchanged, with its present settings.

    This is the first step of a pipeline, also within searches and wrappers such as a
    calibration. Return None if there is no such reader, or if a search changes it.
    """
    searched: set[str] = set()  # parameters of `estimator` that searches around it try
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
    """Return the parameters that a search tries: the keys of its dicts of candidates."""
    if isinstance(estimator, Pipeline):
        return set()
    values = estimator.get_params(deep=False).values()
    tables = [
        table for value in values for table in (value if isinstance(value, list) else [value])
    ]
    return {str(key) for table in tables if isinstance(table, dict) for key in table}
