"""One line shows what a command does, in a terminal; other outputs get few lines or none."""

import os
import pickle
import re
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from sklearn.model_selection import GridSearchCV, cross_validate

from cellsk import CellClassifier, evaluate
from cellsk._steps import count_steps, watch_steps
from cellsk.cli import _progress
from cellsk.cli._progress import Line, show_fits, show_steps
from cellsk.cli._terminal import print_note

pty = pytest.importorskip("pty")  # not on Windows


@pytest.fixture
def quick(small):
    """A classifier that fits two epochs."""
    return CellClassifier(**small | {"filters": (2,), "epochs": 2})


class Recorder(Line):
    """A line that keeps each text."""

    def __init__(self):
        super().__init__()
        self.texts = []

    def _update(self, *arguments):
        super()._update(*arguments)
        self.texts.append(re.sub(r"\d\.\d{3}", "#", self.write(200)))


@pytest.fixture
def recorder(quick):
    """A line that keeps each text, without the remaining time, which is not known so early."""
    return Recorder()


def test_ticker_names_fits_epochs_and_losses(cells, quick, recorder):
    """The first epoch has no loss yet, and each fit has its name."""
    quick.set_params(early_stopping=True, validation_fraction=0.3)
    quick.set_callbacks(_progress._Ticker(recorder, ["filters 2  fold 1 of 2", "best filters"]))
    GridSearchCV(quick, {"filters": [(2,)]}, cv=[(range(80), range(80, 120))]).fit(
        cells.images, cells.y
    )
    assert [text.partition("  a few")[0] for text in recorder.texts] == [
        "filters 2  fold 1 of 2  epoch 1 of at most 2",
        "filters 2  fold 1 of 2  epoch 2 of at most 2  loss #  validation #",
        "best filters  epoch 1 of at most 2",
        "best filters  epoch 2 of at most 2  loss #  validation #",
    ]


@pytest.mark.filterwarnings("ignore::cellsk.exceptions.PatientsUnknownWarning")
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
def test_ticker_names_folds_of_an_evaluation(cells, quick, recorder):
    """The number of the fold comes from the evaluation, and networks are counted within it."""
    quick.set_callbacks(_progress._Ticker(recorder, ["network 1 of 3", "network 2 of 3"]))
    with watch_steps(recorder.watch) as recorder.steps:
        evaluate(quick, cells.images, cells.y, n_splits=2, audit=False, n_resamples=100)
    texts = [text.partition("  a few")[0] for text in recorder.texts]
    assert [text for text in texts if "epoch" in text] == [
        "fold 1 of 2  network 1 of 3  epoch 1 of 2",
        "fold 1 of 2  network 1 of 3  epoch 2 of 2  loss #",
        "fold 2 of 2  network 1 of 3  epoch 1 of 2",
        "fold 2 of 2  network 1 of 3  epoch 2 of 2  loss #",
    ]
    assert "measuring 120 of 120 images" in texts
    assert "simple classifier 2 of 2  fold 2 of 2" in texts


def test_ticker_in_another_process_is_silent(cells, quick, recorder):
    """The copy for another process has no line."""
    quick.set_callbacks(pickle.loads(pickle.dumps(_progress._Ticker(recorder, [""]))))
    quick.fit(cells.images, cells.y)
    assert recorder.texts == []


def test_show_fits_leaves_no_callback_behind(cells, quick):
    """Afterwards neither the classifier nor its clones have one, even if a fit fails."""
    with show_fits(quick, [""]):
        assert len(quick._skl_callbacks) == 1
        scores = cross_validate(quick, cells.images, cells.y, cv=2, return_estimator=True)
    assert "_skl_callbacks" not in vars(quick)
    assert [one._skl_callbacks for one in scores["estimator"]] == [[], []]
    with pytest.raises(ValueError, match="two classes"), show_fits(quick, [""]):
        quick.fit(cells.images, cells.y * 0)
    assert "_skl_callbacks" not in vars(quick)


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (200, "fold 2 of 5  epoch 7 of at most 30  loss 0.412  about 20 s left"),
        (60, "fold 2 of 5  epoch 7 of 30  loss 0.412  about 20 s left"),
        (40, "fold 2 of 5  epoch 7  about 20 s left"),
        (30, "fold 2 of 5  epoch 7"),
        (9, "fold 2 of"),
    ],
)
def test_line_write_fits_the_width(width, text):
    """A narrow terminal gets fewer words, never a second line."""
    line = Line()
    line.show(
        ["fold 2 of 5", "epoch 7 of at most 30", "loss 0.412"],
        ["fold 2 of 5", "epoch 7 of 30", "loss 0.412"],
        ["fold 2 of 5", "epoch 7"],
        seconds=20,
    )
    assert line.write(width) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "a few seconds left"),
        (22, "about 20 s left"),
        (57, "about 1 min left"),
        (1000, "about 17 min left"),
        (5_500, "about 1 h 30 min left"),
        (7_190, "about 2 h left"),
    ],
)
def test_write_left_is_no_more_exact_than_known(seconds, text):
    """Few digits, which do not change with each epoch."""
    assert _progress._write_left(seconds, "about") == text


def test_fit_times_first_an_upper_bound_and_then_the_mean(monkeypatch):
    """Five fits of at most 30 epochs of 2 s, which stop after 10. The first epoch takes 20 s."""
    clock = [0.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: clock[0])
    times, estimates = _progress._FitTimes(), []
    for fit in range(5):
        for epoch in range(10):
            times.begin_epoch()
            estimates.append(times.estimate(4 - fit, 30))
            clock[0] += 20 if fit == epoch == 0 else 2
            times.end_epoch()
        times.end_fit()
    assert estimates[:2] == [None, None]
    assert estimates[2:10] == [4 * 60 + 60 - 2 * n for n in range(2, 10)]
    assert estimates[10:] == pytest.approx([80 - 2 * n for n in range(40)])


def test_show_steps_without_terminal_writes_nothing(cells, quick, capfd):
    """Neither stream gets a character."""
    quick.fit(cells.images, cells.y)  # TensorFlow writes its own lines at the first step
    capfd.readouterr()
    with show_fits(quick, [""]):
        quick.fit(cells.images, cells.y)
    assert capfd.readouterr() == ("", "")


def test_show_steps_of_a_long_run_writes_lines(capfd, monkeypatch):
    """Without a terminal, a line every 30 s shows the present step."""
    clock = [0.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: clock[0])
    with show_steps():
        for _ in count_steps(range(80), "reading", 80, "images"):
            clock[0] += 1
    assert capfd.readouterr().err.splitlines() == [
        "reading 30 of 80 images, about 50 s left",
        "reading 60 of 80 images, about 20 s left",
    ]


@contextmanager
def open_terminal(monkeypatch):
    """Make a pseudo-terminal of 40 columns stderr; yield a list, which gets its text."""
    here, there = pty.openpty()
    received, parts = [], []

    def read():
        with suppress(OSError):  # raised by Linux when the other side is closed
            while part := os.read(here, 4096):
                parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    with monkeypatch.context() as patch, os.fdopen(there, "w") as stream:
        patch.setenv("COLUMNS", "40")
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stderr", stream)
        yield received
    reader.join(timeout=10)
    os.close(here)
    received.append(b"".join(parts).decode())


def test_show_steps_in_a_terminal_updates_one_line(monkeypatch):
    """A warning between two updates has its own lines. At the end, the line is gone."""

    def read():
        with show_steps():
            for number in count_steps(range(10), "reading", 10, "images"):
                time.sleep(0.1)
                if number == 5:
                    print_note("cellsk: warning: " + "long " * 10)
            raise KeyboardInterrupt

    with open_terminal(monkeypatch) as received, pytest.raises(KeyboardInterrupt):
        read()
    frames = re.split(r"\r\x1b\[2K|\r\n", received[0])
    assert any(re.fullmatch(r"reading [1-9] of 10 images", frame) for frame in frames)
    assert any(frame.startswith("cellsk: warning: long") for frame in frames)
    assert all(len(re.sub(r"\x1b\[[?\d]*[a-zA-Z]|\r", "", frame)) <= 40 for frame in frames)
    assert received[0].endswith("\x1b[?25h\r\x1b[1A\x1b[2K")  # cursor shown, line cleared
