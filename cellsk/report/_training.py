"""The training images of a fixed model: what is known of them, and what a test set shares."""

from __future__ import annotations

import os
import warnings
from typing import Any, Literal, NamedTuple

from numpy.typing import ArrayLike, NDArray

from cellsk._checks import join_words
from cellsk.audit import TrainingFingerprints, find_shared, make_training_fingerprints
from cellsk.exceptions import InputError, SplitWarning
from cellsk.model_selection import check_fitted, list_readers, name_images
from cellsk.persistence import load_model, read_training
from cellsk.report._reading import FixedPixels
from cellsk.report._settings import EvaluationData
from cellsk.report.document import TrainingSet
from cellsk.report.words import list_shared

__all__ = ["Training", "compare_training", "find_training", "warn_if_training_is_shared"]


class Training(NamedTuple):
    """Fingerprints of training images, and where they come from."""

    fingerprints: TrainingFingerprints
    source: Literal["model file", "evaluation", "given"]


def find_training(
    model: Any, train_paths: ArrayLike | None, train_groups: ArrayLike | None
) -> tuple[Any, Training | None]:
    """Return the fitted estimator, and what is known of its training images.

    Raises
    ------
    NotFittedError, ModelFileError, TypeError, ValueError
        If the model cannot be loaded or is not fitted, or the training images are not as
        `evaluate_model` describes them.
    """
    is_file = isinstance(model, str | os.PathLike)
    fitted = load_model(model) if is_file else model
    check_fitted(fitted)
    if train_paths is not None:
        return fitted, Training(make_training_fingerprints(train_paths, train_groups), "given")
    if train_groups is not None:
        raise InputError(
            "needs train_paths",
            "train_groups alone",
            "Pass the training images, too.",
            parameter="train_groups",
            code="training-groups-alone",
        )
    stored = read_training(model) if is_file else None
    return fitted, None if stored is None else Training(stored, "model file")


def compare_training(
    training: Training, model: Any, data: EvaluationData, pixels: FixedPixels
) -> TrainingSet:
    """Return what is known of the training images, and which of them the test set shares.

    Unless the training images are given, the fingerprints are those of the pixels that the reader
    of the model returns. So the test images are read by the same reader.
    """
    fingerprints, source = training
    images, paths = data.X, data.X if data.labels.images_are_paths else None
    if source != "given" and paths is not None:
        images = _read(model, paths) if pixels.images is None else pixels.images
    shared = find_shared(
        fingerprints, images, data.labels.groups, paths=paths, measured=pixels.fingerprints
    )
    files = name_images(data.X)
    patients = fingerprints.patients
    return {
        "n_images": len(fingerprints.digests),
        "n_groups": None if patients is None else len(patients),
        "source": source,
        "exact": [files[row] for row in shared.exact.tolist()],
        "similar": shared.similar
        if shared.similar is None
        else [files[row] for row in shared.similar.tolist()],
        "same_folder": [files[row] for row in shared.same_folder.tolist()],
        "groups": shared.patients,
    }


def _read(model: Any, paths: NDArray) -> NDArray:
    """Return the pixels of images as the reader in a model returns them, or the paths."""
    readers = list_readers(model)
    return readers[0].transform(paths) if readers else paths


def warn_if_training_is_shared(shared: TrainingSet) -> None:
    """Warn if the test set shares images, folders or patients with the training images.

    Warns
    -----
    SplitWarning
        When it does.
    """
    found = list_shared(shared)
    if found:
        warnings.warn(
            SplitWarning(
                "A test set must not share images, folders or patients with the training images",
                f"{join_words(found)}, so the scores may be too high",
                "Remove them from the test set. If the patients are others, give them other names."
                " If only the folders are the same, check that the patients are not.",
                code="training-shared",
            ),
            stacklevel=2,
        )
