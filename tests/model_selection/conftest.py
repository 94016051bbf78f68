"""Image files for the tests of manifests."""

import numpy as np
import pytest


@pytest.fixture
def cells(tmp_path):
    """Return paths, labels, patients and folds of eight files, two of which are equal."""
    paths = []
    for number in range(8):
        path = tmp_path / "cells" / ("benign" if number < 4 else "malignant") / f"c{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"pixels of %d" % min(number, 6))
        paths.append(str(path))
    y = np.repeat(["benign", "malignant"], 4)
    groups = np.array(["p1", "p1", "p2", "p2", "p3", "p3", "p4", "p5"])
    return np.array(paths), y, groups, np.array([0, 0, 1, 1, 0, 0, 1, 2])
