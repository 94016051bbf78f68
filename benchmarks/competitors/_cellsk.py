"""cellsk, from arrays and from paths."""

from __future__ import annotations

from typing import Any

from benchmarks._images import load_arrays
from benchmarks.competitors import Task, Trial, make_epoch_clock
from cellsk import CellClassifier, ImageReader, list_images

PRECISIONS = "precision" in CellClassifier().get_params()


def fit_arrays(task: Task, precision: str | None = None) -> Trial:
    """``CellClassifier().fit(X, y)``."""
    data, ends = load_arrays(task.arrays), []
    classifier = _make_classifier(task, ends, precision)
    return Trial(
        lambda: classifier.fit(data.X, data.y),
        lambda model: (data.y_valid, model.predict_proba(data.X_valid)[:, 1]),
        ends,
    )


def fit_files(task: Task, precision: str | None = None) -> Trial:
    """``Pipeline([ImageReader, CellClassifier]).fit(paths, y)``."""
    from sklearn.pipeline import Pipeline

    ends: list[float] = []
    classifier = _make_classifier(task, ends, precision)
    reader = ImageReader(image_size=task.image_size)
    pipeline = Pipeline([("reader", reader), ("classifier", classifier)])

    def fit() -> Any:
        train = list_images(task.train)
        return pipeline.fit(train.paths, train.y)

    def predict(model: Any) -> Any:
        valid = list_images(task.valid)
        return valid.y, model.predict_proba(valid.paths)[:, 1]

    return Trial(fit, predict, ends)


def _make_classifier(task: Task, ends: list[float], precision: str | None) -> CellClassifier:
    import scikeras.wrappers  # noqa: F401 - TensorFlow too: off the clock, as for the others

    return CellClassifier(
        epochs=task.epochs,
        batch_size=task.batch_size,
        early_stopping=False,
        callbacks=[make_epoch_clock(ends)],
        random_state=task.seed,
        **({} if precision is None else {"precision": precision}),
    )
