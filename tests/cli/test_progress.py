"""The progress bar follows the epochs of all fits."""

import pickle

import pytest
from sklearn.model_selection import cross_validate

from cellsk import CellClassifier
from cellsk.cli import _progress


class Bar:
    """A stand-in for the bar of rich, which records the moves."""

    def __init__(self):
        self.moves = []

    def update(self, task, *, completed, description=None):
        """Record one move."""
        self.moves.append((completed, description))


@pytest.fixture
def quick(small):
    """A classifier that fits two epochs."""
    return CellClassifier(**small | {"filters": (2,), "epochs": 2})


def test_ticker_counts_epochs_of_all_fits(cells, quick):
    """Two folds of two epochs move the bar from 0 to 2."""
    bar = Bar()
    quick.set_callbacks(_progress._Ticker(bar, None, n_fits=2))
    cross_validate(quick, cells.images, cells.y, cv=2)
    assert bar.moves == [
        (0, "fit 1 of 2, epoch 1"),
        (0.5, "fit 1 of 2, epoch 2"),
        (1, None),
        (1, "fit 2 of 2, epoch 1"),
        (1.5, "fit 2 of 2, epoch 2"),
        (2, None),
    ]


def test_ticker_in_another_process_is_silent(cells, quick):
    """The copy for another process has no bar."""
    bar = Bar()
    quick.set_callbacks(pickle.loads(pickle.dumps(_progress._Ticker(bar, None, n_fits=1))))
    quick.fit(cells.images, cells.y)
    assert bar.moves == []


def test_show_progress_leaves_no_callback_behind(cells, quick):
    """Afterwards neither the classifier nor its clones have one, even if a fit fails."""
    with _progress.show_progress(quick, n_fits=2):
        assert len(quick._skl_callbacks) == 1
        scores = cross_validate(quick, cells.images, cells.y, cv=2, return_estimator=True)
    assert "_skl_callbacks" not in vars(quick)
    assert [one._skl_callbacks for one in scores["estimator"]] == [[], []]
    with pytest.raises(ValueError, match="two classes"), _progress.show_progress(quick, n_fits=1):
        quick.fit(cells.images, cells.y * 0)
    assert "_skl_callbacks" not in vars(quick)


def test_show_progress_without_terminal_writes_nothing(cells, quick, capfd):
    """Neither stream gets a character."""
    quick.fit(cells.images, cells.y)  # TensorFlow writes its own lines at the first step
    capfd.readouterr()
    with _progress.show_progress(quick, n_fits=1):
        quick.fit(cells.images, cells.y)
    assert capfd.readouterr() == ("", "")


def test_show_progress_of_a_long_run_writes_lines(cells, quick, capfd, monkeypatch):
    """Without a terminal each line names the fit, the epoch and the time so far."""
    clock = iter(range(0, 10_000, 20))
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(clock))
    quick.set_callbacks(_progress._Ticker(None, None, 2, _progress._Log(2)))
    cross_validate(quick, cells.images, cells.y, cv=2)
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("Fit")] == [
        "Fit 1 of 2: epoch 2, 40 s so far.",
        "Fit 2 of 2: epoch 1, 80 s so far.",
        "Fit 2 of 2: done, 120 s so far.",
    ]
