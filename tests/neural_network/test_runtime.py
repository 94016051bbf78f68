"""The same seed gives the same numbers, and a fit leaves nothing behind in the process."""

import gc
import io
import pickle
import random
import sys
import warnings
import weakref

import joblib
import numpy as np
import pytest

from cellsk import CellClassifier
from cellsk.exceptions import ThreadsWarning
from cellsk.neural_network import _runtime
from cellsk.neural_network._runtime import draw_seeds

FIT_AND_HASH = """
import hashlib, sys
from cellsk import CellClassifier, make_cells
cells = make_cells(60, n_patients=4, image_size=(16, 16), random_state=0)
classifier = CellClassifier(
    filters=(4,), dense_units=8, epochs=2, dropout=0.2, validation_fraction=0.2, random_state=3
).fit(cells.images, cells.y)
print(hashlib.sha256(classifier.predict_proba(cells.images).tobytes()).hexdigest())
"""

THREADS_IN_FITS = """
import sys
import numpy as np
import tensorflow as tf
from sklearn.model_selection import cross_val_score
from cellsk import CellClassifier, make_cells
cells = make_cells(60, n_patients=4, image_size=(16, 16), random_state=0)
classifier = CellClassifier(filters=(4,), epochs=1, validation_fraction=0.2, random_state=3)
scores = [
    cross_val_score(classifier, cells.images, cells.y, cv=2, scoring="neg_log_loss", n_jobs=n)
    for n in map(int, sys.argv[1:])
]
np.testing.assert_array_equal(scores[0], scores[-1])
print(tf.config.threading.get_intra_op_parallelism_threads())
print(tf.config.threading.get_inter_op_parallelism_threads())
"""

FIT_MANY_TIMES = """
import ctypes, gc
import numpy as np
from tensorflow.python.eager import context
from cellsk import CellClassifier, make_cells

cells = make_cells(120, image_size=(16, 16), random_state=0)
classifier = CellClassifier(filters=(4,), epochs=1, random_state=0)

def fit(times):
    for _ in range(times):
        classifier.fit(cells.images, cells.y).predict(cells.images)
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free does not count
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[1])
    functions = len(context.context().list_function_names())
    return np.array([pages * 4096 / 2**20, functions, len(gc.get_objects())])

before = fit(20)  # until buffers and pools have their size, which takes Python 3.13 longer
print(*(fit(12) - before))
"""


def test_fit_same_seed_same_numbers_across_processes(capsys, run_python):
    """A new process and this one agree to the last bit."""
    there = run_python(FIT_AND_HASH)
    exec(FIT_AND_HASH, {})
    assert len(there) == 65
    assert capsys.readouterr().out == there


def test_fit_same_seed_same_numbers_whatever_the_caller_seeds(cells, small):
    """Global seeds of the caller do not change the numbers."""
    import tensorflow as tf

    parameters = small | {"dropout": 0.3, "early_stopping": True, "epochs": 2}
    results = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the global state is the point
        tf.random.set_seed(seed)
        classifier = CellClassifier(**parameters).fit(cells.images, cells.y)
        results.append(classifier.predict_proba(cells.images))
    assert (results[0] == results[1]).all()


def test_fit_random_state_decides(cells, small):
    """Another seed, or none, gives another network."""
    parameters = small | {"epochs": 1}
    probas = [
        CellClassifier(**parameters | {"random_state": state})
        .fit(cells.images, cells.y)
        .predict_proba(cells.images)
        for state in (0, 1, None, None)
    ]
    assert len({proba.tobytes() for proba in probas}) == 4


@pytest.mark.parametrize("random_state", [0, None])
def test_fit_leaves_global_state_untouched(cells, small, random_state):
    """A fit does not change the random states of NumPy, Python and TensorFlow."""
    import tensorflow as tf
    from tensorflow.python.eager import context
    from tensorflow.python.framework import config

    def draw(between):
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002 - the global state is the point
        tf.random.set_seed(5)
        first = tf.random.uniform((2,)).numpy().tolist()
        between()
        return [
            first,
            random.random(),
            np.random.random(),  # noqa: NPY002
            tf.random.uniform((2,)).numpy().tolist(),
            context.global_seed(),
            config.is_op_determinism_enabled(),
        ]

    def fit_and_predict():
        classifier = CellClassifier(**small | {"epochs": 1, "random_state": random_state})
        classifier.fit(cells.images, cells.y).predict(cells.images)

    assert draw(fit_and_predict) == draw(lambda: None)


def test_draw_seeds_random_state_instance_is_advanced():
    """A RandomState gives new seeds each time, as in scikit-learn."""
    state = np.random.RandomState(0)
    assert draw_seeds(state, 2) != draw_seeds(state, 2)
    assert draw_seeds(np.random.RandomState(0), 2) == draw_seeds(np.random.RandomState(0), 2)


@pytest.mark.parametrize("round_trip", ["pickle", "joblib", "deepcopy"])
def test_fitted_classifier_survives_copying(fitted, cells, round_trip):
    """Pickle, joblib and copy keep the predictions to the last bit."""
    import copy

    if round_trip == "pickle":
        restored = pickle.loads(pickle.dumps(fitted))
    elif round_trip == "joblib":
        buffer = io.BytesIO()
        joblib.dump(fitted, buffer)
        buffer.seek(0)
        restored = joblib.load(buffer)
    else:
        restored = copy.deepcopy(fitted)
    assert (restored.predict_proba(cells.images) == fitted.predict_proba(cells.images)).all()
    assert restored.history_ == fitted.history_
    assert restored.keras_classifier_ is not fitted.keras_classifier_


def test_fit_in_worker_processes_gives_same_numbers(cells, small):
    """A cross-validation in two processes equals one in this process."""
    from sklearn.model_selection import cross_val_score

    classifier = CellClassifier(**small | {"epochs": 1})
    scores = [
        cross_val_score(classifier, cells.images, cells.y, cv=2, scoring="neg_log_loss", n_jobs=n)
        for n in (1, 2)
    ]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-6)


@pytest.mark.parametrize(("count", "n_jobs"), [(1, ["1"]), (3, ["1", "2"])])
def test_fit_has_the_threads_of_the_environment(count, n_jobs, run_python):
    """TensorFlow's pools have that size. Worker processes give the same numbers, bit by bit."""
    printed = run_python(THREADS_IN_FITS, *n_jobs, env={"CELLSK_THREADS": str(count)})
    assert printed.split() == [str(count)] * 2


@pytest.mark.parametrize("bad", ["0", "-1", "two", "1.5"])
def test_fit_refuses_other_threads(cells, small, monkeypatch, bad):
    """The error names the variable."""
    monkeypatch.setenv("CELLSK_THREADS", bad)
    with pytest.raises(ValueError, match=rf"CELLSK_THREADS must be a positive .* Got '{bad}'"):
        CellClassifier(**small).fit(cells.images, cells.y)


def test_fit_warns_when_threads_come_too_late(cells, small, monkeypatch):
    """TensorFlow cannot change its pools once it has begun."""
    CellClassifier(**small).fit(cells.images, cells.y)
    monkeypatch.setenv("CELLSK_THREADS", "5")
    with pytest.warns(ThreadsWarning, match=r"before TensorFlow begins.* Got 5, .*Set it where"):
        CellClassifier(**small).fit(cells.images, cells.y)


def test_fit_does_not_warn_when_threads_are_those_in_use(cells, small, monkeypatch):
    """Without a setting, TensorFlow uses all cores. To ask for as many is not too late."""
    classifier = CellClassifier(**small | {"epochs": 1}).fit(cells.images, cells.y)
    for name in ("CELLSK_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.setenv(name, str(_runtime._count_cores()))
    with warnings.catch_warnings(record=True) as caught:
        classifier.fit(cells.images, cells.y)
    assert caught == []


def test_fit_in_threads_gives_same_numbers(cells, small):
    """Fits at the same time do not disturb each other."""
    classifier = CellClassifier(**small | {"epochs": 1})
    with joblib.parallel_config("threading", n_jobs=2):
        fits = joblib.Parallel()(
            joblib.delayed(CellClassifier(**small | {"epochs": 1}).fit)(cells.images, cells.y)
            for _ in range(4)
        )
    expected = classifier.fit(cells.images, cells.y).predict_proba(cells.images)
    for one in fits:
        np.testing.assert_allclose(one.predict_proba(cells.images), expected, atol=1e-6)


@pytest.mark.parametrize("early_stopping", [True, False])
def test_fit_lets_go_of_the_images(cells, small, early_stopping):
    """A search copies its images for each fold. No copy may stay in memory after its fit."""
    images = cells.images.copy()
    watch = weakref.ref(images)
    classifier = CellClassifier(**small | {"early_stopping": early_stopping})
    classifier.fit(images, cells.y).predict(images)
    del images
    gc.collect()
    assert watch() is None


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads memory from /proc")
def test_fit_many_times_keeps_memory(run_python):
    """In a new process, 12 fits leave no graphs and almost no memory behind."""
    megabytes, functions, objects = map(float, run_python(FIT_MANY_TIMES).split())
    assert functions == 0
    assert objects < 168
    assert megabytes < 4  # 84 if gradients are summed over replicas, 6 with new names
