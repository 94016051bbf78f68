"""The pipeline that the commands fit: an image reader with a store, and a classifier."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellsk.cli._options import NO_AUGMENTATION
from cellsk.cli._outputs import write_files
from cellsk.cli._progress import show_fits, show_steps

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cellsk.cli._images import LabeledImages
    from cellsk.outliers import ImageOutlierDetector

__all__ = [
    "build_pipeline",
    "check_networks",
    "fit_pipeline",
    "open_store",
    "read_images",
    "save_model_file",
    "save_pipeline",
]

MIN_COMPARED = 10  # training images of a detector of images unlike them


@contextmanager
def open_store(folder: Path | None) -> Iterator[Path]:
    """Yield the folder of the decoded images: the user's, or a temporary one removed at the end."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="cellsk-", ignore_cleanup_errors=True) as temporary:
        # A report shows the last part of the path, which should not change from run to run.
        yield Path(temporary) / "store"


def build_pipeline(
    image_size: tuple[int, int] | None,
    store: Path | None,
    *,
    stain: str | None = None,
    **parameters: Any,
) -> Any:
    """Return a pipeline of a reader with this store, and a classifier with these parameters.

    Parameters that are None have their defaults. With a method of ``stain`` normalization, it is
    the step between them. The augmentation may be "none", the word of the command line for None.
    """
    from sklearn.pipeline import Pipeline

    from cellsk.neural_network import CellClassifier
    from cellsk.preprocessing import ImageReader, StainNormalizer, give_store

    reader = ImageReader(image_size=image_size)
    if store is not None:
        give_store(reader, store)
    between = [("stain", StainNormalizer(method=stain))] if stain else []
    given = {name: value for name, value in parameters.items() if value is not None}
    if given.get("augmentation") == NO_AUGMENTATION:
        given["augmentation"] = None
    return Pipeline([("reader", reader), *between, ("classifier", CellClassifier(**given))])


def check_networks(
    pipeline: Any,
    size: tuple[int, int] | None,
    candidates: Sequence[tuple[int, ...] | str | None] = (None,),
) -> None:
    """Refuse networks that are too large or too deep for images of this size, before they train.

    Nothing is checked if the size is not known. A candidate is the filters of each convolution, or
    None for those of the classifier.

    Raises
    ------
    InputError
        When a network cannot be built.
    """
    if size is None:
        return
    from sklearn.base import clone

    from cellsk.neural_network import count_weights, start_tensorflow

    start_tensorflow()
    for filters in candidates:
        classifier = clone(pipeline["classifier"])
        if filters is not None:
            classifier.set_params(filters=filters)
        count_weights(classifier, (*size, 3), 2)


def read_images(pipeline: Any, images: LabeledImages) -> tuple[int, int]:
    """Decode all images once, into the store, and start TensorFlow; return height and width.

    Files that cannot be read are found here, and not after hours of training.

    Raises
    ------
    ImageReadError
        When files cannot be decoded, with their number among all.
    InputError
        When the images differ in size, and are not resized.
    """
    from cellsk.neural_network import start_tensorflow
    from cellsk.preprocessing import read_once

    with show_steps():
        height, width, _ = read_once(pipeline["reader"], images.paths).shape
    start_tensorflow()
    return height, width


def fit_pipeline(pipeline: Any, images: LabeledImages) -> Any:
    """Fit the pipeline on all images, show its progress, and return it."""
    groups = {} if images.groups is None else {"classifier__groups": images.groups}
    with show_fits(pipeline["classifier"], [""]):
        return pipeline.fit(images.paths, images.labels, **groups)


def save_model_file(pipeline: Any, output: Path, images: LabeledImages) -> None:
    """Write a model file, or a temporary one if it cannot be written."""

    def save(path: Path) -> None:
        save_pipeline(pipeline, path, images)

    write_files([(output, save)], [], ("model.cellsk", save), quiet=True)


def save_pipeline(pipeline: Any, output: Path, images: LabeledImages) -> None:
    """Write a model file, whose reader has no store, with what it needs to know of new images.

    These are fingerprints of the training images, and a detector of images that are unlike them.
    The pixels are those of the reader, which has them in its store.
    """
    from sklearn.base import clone
    from sklearn.pipeline import Pipeline

    from cellsk.audit import make_training_fingerprints
    from cellsk.persistence import save_model
    from cellsk.preprocessing import ImageReader

    reader = clone(pipeline["reader"]).set_params(
        store=None, max_store_bytes=ImageReader().max_store_bytes
    )
    model = Pipeline([("reader", reader), *pipeline.steps[1:]])
    pixels = pipeline["reader"].transform(images.paths)
    training = make_training_fingerprints(pixels, images.groups, paths=images.paths)
    save_model(model, output, training=training, detector=_fit_detector(pixels, images))


def _fit_detector(pixels: NDArray[np.uint8], images: LabeledImages) -> ImageOutlierDetector | None:
    """Return a detector of images unlike the training images, or None if they are too few."""
    from cellsk.outliers import ImageOutlierDetector

    detector = ImageOutlierDetector()
    return detector.fit(pixels, groups=images.groups) if len(pixels) >= MIN_COMPARED else None
