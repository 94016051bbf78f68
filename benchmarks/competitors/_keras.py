"""Raw Keras 3: ``model.fit`` on float32 arrays, and on ``image_dataset_from_directory``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks._images import load_arrays
from benchmarks.competitors import Task, Trial, make_epoch_clock


def build(
    shape: Sequence[int], first: Sequence[Any] = (), filters: Sequence[int] = (32, 64)
) -> Any:
    """Return the compiled seed network after the layers ``first``."""
    import keras

    model = keras.Sequential([keras.Input(shape=tuple(shape)), *first])
    for count in filters:
        model.add(keras.layers.Conv2D(count, 3, activation="relu"))
        model.add(keras.layers.MaxPooling2D())
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(64, activation="relu"))
    # float32, as Keras' guide to mixed precision recommends.
    model.add(keras.layers.Dense(1, activation="sigmoid", dtype="float32"))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def fit_arrays(task: Task, policy: str = "float32") -> Trial:
    """``model.fit(X, y)`` on float32 arrays, with a precision policy. The copies are not timed."""
    import keras

    before = keras.config.dtype_policy()
    data, ends = load_arrays(task.arrays), []
    X, X_valid = (images.astype("float32") / 255 for images in (data.X, data.X_valid))

    def fit() -> Any:
        keras.utils.set_random_seed(task.seed)
        keras.config.set_dtype_policy(policy)
        model = build(X.shape[1:])
        keras.config.set_dtype_policy(before)  # for those that come after, in the short mode
        model.fit(
            X,
            data.y,
            epochs=task.epochs,
            batch_size=task.batch_size,
            callbacks=[make_epoch_clock(ends)()],
            verbose=0,
        )
        return model

    return Trial(fit, lambda model: (data.y_valid, _predict(model, X_valid)), ends)


def fit_files(task: Task) -> Trial:
    """``model.fit(dataset)`` with the dataset cached, shuffled and prefetched."""
    import keras
    import tensorflow as tf

    ends: list[float] = []

    def read(folder: str, shuffle: bool) -> Any:
        return keras.utils.image_dataset_from_directory(
            folder,
            label_mode="binary",
            image_size=task.image_size,
            batch_size=task.batch_size,
            shuffle=shuffle,
            seed=task.seed,
            verbose=False,
        )

    def fit() -> Any:
        keras.utils.set_random_seed(task.seed)
        train = read(task.train, shuffle=True).cache().shuffle(1000).prefetch(tf.data.AUTOTUNE)
        model = build((*task.image_size, 3), [keras.layers.Rescaling(1 / 255)])
        model.fit(train, epochs=task.epochs, callbacks=[make_epoch_clock(ends)()], verbose=0)
        return model

    def predict(model: Any) -> Any:
        valid = read(task.valid, shuffle=False)
        labels = np.concatenate([labels for _, labels in valid.as_numpy_iterator()])
        return labels[:, 0], _predict(model, valid)

    return Trial(fit, predict, ends)


def fit_generator(task: Task) -> Trial:
    """``ImageDataGenerator(rescale=1/255).flow_from_directory``, as in the seed project."""
    import keras
    import tensorflow as tf

    ends: list[float] = []
    generator = tf.keras.preprocessing.image.ImageDataGenerator(rescale=1 / 255)

    def read(folder: str, shuffle: bool) -> Any:
        return generator.flow_from_directory(
            folder,
            target_size=task.image_size,
            batch_size=task.batch_size,
            class_mode="binary",
            shuffle=shuffle,
            seed=task.seed,
        )

    def fit() -> Any:
        keras.utils.set_random_seed(task.seed)
        train = read(task.train, shuffle=True)
        model = build((*task.image_size, 3))
        model.fit(train, epochs=task.epochs, callbacks=[make_epoch_clock(ends)()], verbose=0)
        return model

    def predict(model: Any) -> Any:
        valid = read(task.valid, shuffle=False)
        return valid.classes, _predict(model, valid)

    return Trial(fit, predict, ends)


def _predict(model: Any, images: Any) -> np.ndarray:
    return model.predict(images, verbose=0)[:, 0]
