"""What all tests share: drawn cells, and one fitted classifier that no test refits."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

from pathlib import Path

import pytest

PCAM = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "pcam"


@pytest.fixture(scope="session")
def cells():
    """120 easy drawn images of 16 x 16 pixels from six patients."""
    from cellsk import make_cells

    drawn = make_cells(120, n_patients=6, image_size=(16, 16), difficulty=0, random_state=0)
    drawn.images.setflags(write=False)
    return drawn


@pytest.fixture(scope="session")
def small():
    """Parameters of a classifier that fits the drawn images in about a second."""
    return {
        "filters": (8,),
        "dense_units": 16,
        "learning_rate": 0.003,
        "epochs": 8,
        "early_stopping": False,
        "random_state": 0,
    }


@pytest.fixture(scope="session")
def fitted(cells, small):
    """A fitted classifier, labels as strings; look, but do not refit."""
    from cellsk import CellClassifier

    labels = [cells.target_names[code] for code in cells.y]
    return CellClassifier(**small).fit(cells.images, labels)


@pytest.fixture(scope="session")
def pcam():
    """The folder of real patches, or skip."""
    if not PCAM.is_dir():
        pytest.skip("the PatchCamelyon subset is not there")
    return PCAM


def pytest_terminal_summary(terminalreporter):
    """Say how many of scikit-learn's own checks ran, and how they ended."""
    counts = {
        outcome: sum(
            "test_classifier_keeps_sklearn_contract" in report.nodeid
            for report in terminalreporter.getreports(outcome)
        )
        for outcome in ("passed", "xfailed", "skipped", "failed")
    }
    if any(counts.values()):
        listed = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
        terminalreporter.write_line(f"scikit-learn checks: {sum(counts.values())} ({listed})")
