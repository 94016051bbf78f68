"""Plain scikeras and scikit-learn, with a transformer that reads files with Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline

from benchmarks.competitors import Task, Trial, make_epoch_clock
from benchmarks.competitors._keras import build
from cellsk import list_images


class PillowReader(TransformerMixin, BaseEstimator):
    """A reader from paths to float32 arrays between 0 and 1, as a user would write it."""

    def fit(self, X: Any, y: Any = None) -> PillowReader:
        """Learn nothing."""
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Read the files."""
        from PIL import Image

        images = [Image.open(path).convert("RGB") for path in X]
        return np.stack([np.asarray(image, dtype="float32") / 255 for image in images])


def build_model(meta: dict[str, Any], filters: Sequence[int] = (32, 64)) -> Any:
    """Return the network for the image shape that scikeras has found."""
    return build(meta["X_shape_"][1:], filters=filters)


def make_pipeline(epochs: int, batch_size: int, callbacks: Sequence[Any] = ()) -> Pipeline:
    """Return a pipeline of reader and network."""
    from scikeras.wrappers import KerasClassifier

    network = KerasClassifier(
        build_model,
        filters=(32, 64),
        epochs=epochs,
        batch_size=batch_size,
        callbacks=list(callbacks) or None,
        verbose=0,
    )
    return Pipeline([("reader", PillowReader()), ("network", network)])


def fit_files(task: Task) -> Trial:
    """``Pipeline([PillowReader, KerasClassifier]).fit(paths, y)``."""
    import keras

    ends: list[float] = []
    pipeline = make_pipeline(task.epochs, task.batch_size, [make_epoch_clock(ends)()])

    def fit() -> Any:
        # No random_state, because it makes TensorFlow use slow deterministic operations.
        keras.utils.set_random_seed(task.seed)
        train = list_images(task.train)
        return pipeline.fit(train.paths, train.y)

    def predict(model: Any) -> Any:
        valid = list_images(task.valid)
        return valid.y, model.predict_proba(valid.paths)[:, 1]

    return Trial(fit, predict, ends)
