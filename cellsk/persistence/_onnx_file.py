"""The network of a classifier as an ONNX file, for programs without Keras."""

from __future__ import annotations

import os
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from cellsk._files import whole_file
from cellsk.exceptions import InputTypeError
from cellsk.neural_network import CellClassifier, write_onnx

__all__ = ["export_onnx"]


def export_onnx(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write the network of a fitted classifier as an ONNX file.

    The input `image` has the shape (n, height, width, channels) and the dtype of the training
    images, usually uint8: pixels as they are. The output has the probability of the second class
    for two classes, and of each class for more, in the order of `classes_`.

    Parameters
    ----------
    estimator : CellClassifier or Pipeline
        The fitted classifier, or a pipeline that ends in it. Other steps, such as a reader, are
        not in the file.
    path : str or path-like
        File to write, usually with the suffix ``.onnx``.

    Raises
    ------
    InputTypeError
        If it is another estimator, such as one that calibrates or has a threshold, which ONNX
        would lose.
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
    classifier = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(classifier, CellClassifier):
        raise InputTypeError(
            "must be a CellClassifier, or a pipeline that ends in one",
            type(classifier).__name__,
            "Pass the classifier inside it, or write the whole estimator with save_model.",
            parameter="estimator",
            code="onnx-needs-classifier",
        )
    check_is_fitted(classifier)
    data = write_onnx(classifier.keras_classifier_.model_, classifier.image_dtype_)
    with whole_file(path) as draft:
        draft.write_bytes(data)
