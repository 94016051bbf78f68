"""Figures without a screen, closed after each test; one fitted classifier for all."""

import matplotlib
import matplotlib.pyplot as plt
import pytest

from cellsk import CellClassifier


@pytest.fixture(autouse=True)
def _close_figures():
    matplotlib.use("Agg")
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def fitted_classifier(cells):
    """A classifier after two epochs, with a validation set; tests do not refit it."""
    images, y = cells.images, cells.y
    classifier = CellClassifier(filters=(4,), epochs=2, random_state=0)
    return classifier.fit(images, y, X_val=images[:20], y_val=y[:20])
