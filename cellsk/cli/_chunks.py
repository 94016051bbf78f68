"""Predictions of chunks of image files, which are read as in training."""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from cellsk._checks import count_noun, name_failures
from cellsk.cli._terminal import print_note
from cellsk.exceptions import ImageReadError, ImageReadWarning, InputError
from cellsk.model_selection import LabelPredictor, list_readers, resize_as_in_training
from cellsk.outliers import ImageOutlierDetector
from cellsk.preprocessing import ImageReader

__all__ = ["ChunkPredictor", "Predictions"]

_OTHER_SIZE = ("images-differ-in-size", "image-shape")  # codes of errors


class Predictions(NamedTuple):
    """Rows of the images that were read, their probabilities and labels.

    ``p_values`` are the shares of training images that are at least as unlike the other training
    images as each image is, or None if the model has no detector.
    """

    rows: Sequence[int]
    proba: NDArray
    labels: NDArray
    p_values: NDArray | None


class ChunkPredictor:
    """Predicts chunks of paths. Images of another size than in training are resized.

    Parameters
    ----------
    pipeline : classifier or pipeline
        Fitted. It takes paths. Its readers are changed if images have another size.
    skip_unreadable : bool
        Whether to leave out files that its reader refuses.
    detector : ImageOutlierDetector, default=None
        Detector of images that are unlike the training images of the model.

    Attributes
    ----------
    classes, threshold
        As in `LabelPredictor`.
    left_out : list of (str, str)
        Files that were left out, and why.
    detector : ImageOutlierDetector or None
        None if nothing reads images, so they cannot be compared with the training images.
    counts : Counter of str
        How many images were predicted as each class, by `add`.
    unlike : list of str
        Names of the images that are unlike the training images, by `add`.
    """

    def __init__(
        self,
        pipeline: Any,
        *,
        skip_unreadable: bool,
        detector: ImageOutlierDetector | None = None,
    ) -> None:
        self._predictor = LabelPredictor(pipeline)
        self.detector = detector if list_readers(pipeline) else None
        self._pipeline = pipeline
        self._skip = skip_unreadable
        self._lock = threading.Lock()
        self.classes, self.threshold = self._predictor.classes, self._predictor.threshold
        self.left_out: list[tuple[str, str]] = []
        self.counts: Counter[str] = Counter()
        self.unlike: list[str] = []

    def predict(self, paths: Sequence[str]) -> Predictions:
        """Return the predictions of the images that can be read.

        Raises
        ------
        TypeError, ValueError, OSError
            When an image cannot be read, or does not have the kind of the training images.
        """
        rows = list(range(len(paths)))
        while rows:
            predictor = self._predictor
            try:
                return Predictions(rows, *self._predict(predictor, [paths[row] for row in rows]))
            except ImageReadError as error:
                failed = {name for name, _ in error.failures}
                kept = [row for row in rows if str(paths[row]) not in failed]
                if not self._skip or len(kept) == len(rows):
                    raise
                self.left_out += error.failures
                rows = kept
            except InputError as error:
                if error.code not in _OTHER_SIZE or not self._resize(predictor):
                    raise
        p_values = None if self.detector is None else np.empty(0)
        return Predictions([], np.empty((0, len(self.classes))), self.classes[:0], p_values)

    def _predict(
        self, predictor: LabelPredictor, paths: list[str]
    ) -> tuple[NDArray, NDArray, NDArray | None]:
        """Return probabilities, labels, and how like the training images each image is."""
        if self.detector is None:
            return *predictor.predict(paths), None
        pipeline = self._pipeline
        if isinstance(pipeline, Pipeline) and isinstance(pipeline[0], ImageReader):
            pixels = pipeline[0].transform(paths)
            found = LabelPredictor(pipeline[1:]).predict(pixels)
        else:  # for example a calibration around the pipeline: the files are read once more
            found = predictor.predict(paths)
            pixels = list_readers(pipeline)[0].transform(paths)
        return *found, self.detector.p_values(pixels)

    def _resize(self, used: LabelPredictor) -> bool:
        """Resize images from now on, if ``used`` does not do so yet and the size is known."""
        with self._lock:
            if used is not self._predictor:  # another thread was faster
                return True
            size = resize_as_in_training(self._pipeline)
            if size is None:
                return False
            self._predictor = LabelPredictor(self._pipeline)
        print_note(
            "Images of another size are resized to that of the training images,"
            f" {size[0]} x {size[1]} pixels. Cells must be magnified as in training."
        )
        return True

    def add(self, name: str, label: Any, p_value: float | None) -> None:
        """Count an image whose row is written."""
        self.counts[str(label)] += 1
        limit = -1 if self.detector is None else self.detector.flagged_p_value_
        if p_value is not None and p_value <= limit:
            self.unlike.append(name)

    def warn(self) -> None:
        """Warn about files that were left out."""
        if not self.left_out:
            return
        warnings.warn(
            ImageReadWarning(
                "All images should be predicted",
                f"{count_noun(len(self.left_out), 'image')} that cannot be read, left out:"
                f" {name_failures(sorted(self.left_out))}",
                "Copy them again from their source, or convert them to files of one page with 8"
                " bits per channel.",
                code="images-not-predicted",
            ),
            stacklevel=2,
        )
