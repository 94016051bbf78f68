"""The network of a classifier as an ONNX file, for programs without Keras."""

from __future__ import annotations

import os
from typing import Any

from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from cellsk._files import whole_file
from cellsk.exceptions import InputTypeError
from cellsk.model_selection import LabelPredictor
from cellsk.neural_network import CellClassifier, Cut, write_onnx
from cellsk.preprocessing import StainNormalizer

__all__ = ["export_onnx"]

_THRESHOLDS = FixedThresholdClassifier | TunedThresholdClassifierCV


def export_onnx(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write the network of a fitted classifier as an ONNX file.

    The input `image` has the shape (n, height, width, channels) and the dtype of the training
    images, usually uint8: pixels as they are. The output has the probability of the second class
    for two classes, and of each class for more, in the order of `classes_`. If the estimator has a
    threshold, the second output `predicted` is the place of the predicted class in `classes_`.

    Parameters
    ----------
    estimator : CellClassifier or Pipeline
        The fitted classifier, or a pipeline that ends in it. Around it may be a threshold, such as
        that of :func:`~cellsk.model_selection.tune_threshold`. Other steps, such as a reader, are
        not in the file. A pipeline with a `StainNormalizer` is refused.
    path : str or path-like
        File to write, usually with the suffix ``.onnx``.

    Raises
    ------
    InputTypeError
        If it is another estimator, such as one that calibrates or normalizes the stain, which
        ONNX would lose.
    NotFittedError
        If the classifier is not fitted.
    ImportError
        If the extra ``onnx`` is not installed.
    InputError
        If a layer of the network has no operation in ONNX.
    OSError
        If the file cannot be written.

    See Also
    --------
    save_model : Write the whole estimator, for cellsk.

    Notes
    -----
    Keras' own ``model.export(..., format="onnx")`` needs the package tf2onnx. This function needs
    only onnx.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from cellsk import CellClassifier, export_onnx
    >>> images = np.zeros((20, 8, 8, 3), dtype=np.uint8)
    >>> images[10:] = 255
    >>> y = np.repeat(["benign", "malignant"], 10)
    >>> classifier = CellClassifier(filters=(2,), epochs=1, early_stopping=False, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_onnx(classifier.fit(images, y), f"{folder}/network.onnx")
    """
    classifier, cut = _find_classifier(estimator)
    data = write_onnx(classifier.keras_classifier_.model_, classifier.image_dtype_, cut)
    with whole_file(path) as draft:
        draft.write_bytes(data)


def _find_classifier(estimator: Any) -> tuple[CellClassifier, Cut | None]:
    """Return the classifier at the end of pipelines, and the threshold around it, if any."""
    inner, cut = estimator, None
    while isinstance(inner, Pipeline | _THRESHOLDS):
        if isinstance(inner, Pipeline):
            if any(isinstance(step, StainNormalizer) for _, step in inner.steps):
                raise _refuse("a pipeline with a StainNormalizer")
            inner = inner[-1]
            continue
        check_is_fitted(inner)
        threshold = None if cut else LabelPredictor(inner).threshold
        if threshold is None:
            raise _refuse("a threshold that is not on the probability")
        cut = Cut(threshold.value, bool(threshold.label == inner.classes_[1]))
        inner = inner.estimator_
    if not isinstance(inner, CellClassifier):
        raise _refuse(type(inner).__name__)
    check_is_fitted(inner)
    if inner.tta is not None:
        raise _refuse(f"a classifier with tta={inner.tta!r}")
    return inner, cut


def _refuse(got: str) -> InputTypeError:
    remedy = "Pass the classifier inside it, or write the whole estimator with save_model."
    if got == "CalibratedClassifierCV":
        remedy = (
            "Export the estimator of each of its calibrated_classifiers_, and apply the calibrators"
            " to the log-odds; or write the whole estimator with save_model."
        )
    if "tta" in got:
        remedy = "Call set_params(tta=None) first, and average the views of each image yourself."
    if "StainNormalizer" in got:
        remedy = "Pass its last step, and give the network images that are normalized already."
    return InputTypeError(
        "must be a CellClassifier, or a pipeline or a threshold around one",
        got,
        remedy,
        parameter="estimator",
        code="onnx-needs-classifier",
    )
