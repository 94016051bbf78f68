"""Models with callbacks of scikit-learn can be saved, also during training."""

from sklearn.callback import ProgressBar
from sklearn.pipeline import Pipeline

from cellsk import CellClassifier, ImageReader, load_model, make_cells, save_model


class SaveEachEpoch:
    """Writes a model file after each epoch, as a user's callback may."""

    def __init__(self, folder):
        self.folder = folder

    def setup(self, estimator, context):
        """Nothing to set up."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing to do."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Write it."""
        save_model(fitted_estimator, self.folder / f"{context.task_name}-{context.task_id}.cellsk")

    def teardown(self, estimator, context):
        """Nothing to take down."""


def test_save_model_leaves_callbacks_behind_and_keeps_each_epoch(tmp_path, capsys):
    """A progress bar and a callback that saves are not part of the file."""
    drawn = make_cells(60, folder=tmp_path / "cells", image_size=(16, 16), random_state=0)
    classifier = CellClassifier(
        filters=(4,), epochs=2, dropout=0.2, early_stopping=False, random_state=0
    ).set_callbacks(SaveEachEpoch(tmp_path))
    pipeline = Pipeline([("reader", ImageReader()), ("classifier", classifier)])
    pipeline.set_callbacks(ProgressBar()).fit(drawn.paths, drawn.y)
    save_model(pipeline, tmp_path / "pipeline.cellsk")
    loaded = load_model(tmp_path / "pipeline.cellsk")
    proba = pipeline.predict_proba(drawn.paths)
    assert (loaded.predict_proba(drawn.paths) == proba).all()
    assert "_skl_callbacks" not in vars(loaded) | vars(loaded["classifier"])
    images = ImageReader().transform(drawn.paths)
    first, last = (load_model(tmp_path / f"epoch-{epoch}.cellsk") for epoch in (0, 1))
    assert first.n_iter_ == 1
    assert (first.predict_proba(images) != proba).any()
    assert (last.predict_proba(images) == proba).all()
