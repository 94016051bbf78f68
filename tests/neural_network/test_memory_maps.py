"""The pages of memory maps leave the process, without losing written pixels."""

import sys

import numpy as np
import pytest

from cellsk.neural_network._memory_maps import find_map, release_pages

N_IMAGES = 3000
LOOK = """
import sys
import numpy as np
from cellsk import CellClassifier, build_cnn
from cellsk.neural_network import _batches, _predicting

images = np.memmap(sys.argv[1], np.uint8, mode="r", shape=({n}, 64, 64, 3))

def count_mapped():
    with open("/proc/self/smaps") as lines:
        name, total = "", 0
        for line in lines:
            if "-" in line.split()[0]:
                name = line.split()[-1]
            elif line.startswith("Rss:") and name == sys.argv[1]:
                total += int(line.split()[1]) / 1024
    return total

model = build_cnn({{"X_shape_": images.shape, "n_classes_": 2}}, filters=(2,), seed=0)
_predicting.read_probabilities(model, images.view(np.ndarray)[:])
predicted = count_mapped()
codes, weights = np.arange({n}, dtype=np.int32) % 2, np.ones({n}, np.float32)
data = _batches.LabeledImages(images, codes, weights)
subset = _batches.Subset(data, np.arange({n}))
with _batches.training_batches(subset, batch_size=32, seed=0) as (batches, _):
    for _ in batches:
        pass
trained = count_mapped()
images.sum()
print(predicted, trained, count_mapped())
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return a file with the pixels of 35 MB of images."""
    path = tmp_path_factory.mktemp("mapped") / "pixels"
    np.random.default_rng(0).integers(0, 256, N_IMAGES * 64 * 64 * 3, np.uint8).tofile(path)
    return path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads memory from /proc")
def test_pages_of_a_map_are_given_back(file, run_python):
    """After predicting and training on all images, few pages are left; a sum leaves all."""
    predicted, trained, summed = map(float, run_python(LOOK.format(n=N_IMAGES), file).split())
    assert predicted < 25
    assert trained < 25
    assert summed > 34


def test_released_pages_hold_the_same_pixels(file):
    """Released pages have the same pixels when they are read again, also through views."""
    images = np.memmap(file, np.uint8, mode="r", shape=(N_IMAGES, 64, 64, 3))
    before = images[5:9].copy()
    pages = find_map(np.asarray(images)[5:])
    assert pages is not None
    release_pages(pages)
    np.testing.assert_array_equal(images[5:9], before)


@pytest.mark.parametrize("mode", ["c", "r+"])
def test_pages_that_can_be_written_are_left_alone(file, mode):
    """A private map would lose its changes."""
    images = np.memmap(file, np.uint8, mode=mode, shape=(N_IMAGES, 64, 64, 3))
    kept, changed = images[0].copy(), 255 - images[0]
    images[0] = changed
    release_pages(find_map(np.asarray(images)))
    np.testing.assert_array_equal(images[0], changed)
    images[0] = kept


def test_arrays_in_memory_have_no_map():
    """Arrays in memory need no release."""
    assert find_map(np.zeros((2, 8, 8, 3), np.uint8)[1:]) is None
    release_pages(None)
