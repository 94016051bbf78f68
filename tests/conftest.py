"""What all tests share: drawn cells, and one fitted classifier that no test refits."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # new processes; this one is limited below

import json
import multiprocessing
import sys
from pathlib import Path

import pytest
import scipy.linalg  # noqa: F401  # has its own BLAS, which must be loaded before it is limited
from threadpoolctl import threadpool_limits

# The threads of BLAS wait for each other if every core has its own test process. The arrays of the
# tests are small: a logistic regression takes 20 times as long with two threads as with one.
threadpool_limits(1, user_api="blas")

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


# TensorFlow takes six seconds to import. A process forked from one that has imported it is as
# new as any other: TensorFlow has not computed yet, so it has no threads, and reads the
# environment when it begins.
PRELOADED = ["tensorflow", "keras", "scikeras.wrappers", "sklearn.model_selection"]
BEGIN = """
import os, sys
os.environ.update({env!r})
sys.argv[1:] = {arguments!r}
for number, path in enumerate({paths!r}, start=1):
    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
"""
# Without this, the process waits until the idle workers of joblib end.
END = """
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture(scope="session")
def processes():
    """The context of multiprocessing for new processes that have imported TensorFlow."""
    method = "spawn" if sys.platform == "win32" else "forkserver"
    context = multiprocessing.get_context(method)
    context.set_forkserver_preload(PRELOADED)
    return context


@pytest.fixture
def run_python(processes, tmp_path):
    """Return a function that runs code in a new process, and returns what it printed."""

    def run(code, *arguments, env=None, timeout=120):
        printed, errors = tmp_path / "stdout", tmp_path / "stderr"
        paths = [str(printed), str(errors)]
        begin = BEGIN.format(env=env or {}, arguments=list(map(str, arguments)), paths=paths)
        process = processes.Process(
            target=exec, args=(begin + code + END, {"__name__": "__main__"})
        )
        process.start()
        process.join(timeout=timeout)
        process.kill()
        assert process.exitcode == 0, errors.read_text()[-5000:]
        return printed.read_text()

    return run


# The parent's memory is the child's at the fork, so the peak is reset first, and limited above it.
MEASURE = """
import importlib, json, resource, time

def read_memory(field):
    status = open("/proc/self/status").read()
    return int(status.partition(field + ":")[2].split()[0]) / 1024

module, _, name = sys.argv[1].partition(":")
function = getattr(importlib.import_module(module), name)
options = json.loads(sys.argv[2])
size = int(read_memory("VmSize")) + 3000
resource.setrlimit(resource.RLIMIT_AS, (size << 20, size << 20))
for path in sys.argv[3:]:
    open("/proc/self/clear_refs", "w").write("5")
    before, start, text = read_memory("VmRSS"), time.process_time(), ""
    try:
        function(path, **options)
    except (ValueError, OSError, MemoryError) as error:
        text = f"{type(error).__name__}: {error}"
    seconds, megabytes = time.process_time() - start, read_memory("VmHWM") - before
    print(json.dumps([text, seconds, megabytes]), flush=True)
"""


@pytest.fixture
def measure(run_python):
    """Return a function that calls one with each path, in one new process.

    It returns the error, the CPU time in seconds and the peak of the memory in MB of each call.
    """
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("needs /proc")

    def call_each(function, paths, **options):
        printed = run_python(MEASURE, function, json.dumps(options), *paths)
        return [tuple(json.loads(line)) for line in printed.splitlines()]

    return call_each


@pytest.fixture(scope="session")
def pcam():
    """The folder of real patches, or skip."""
    if not PCAM.is_dir():
        pytest.skip("the PatchCamelyon subset is not there")
    return PCAM


def pytest_collection_modifyitems(items):
    """Run files with slow tests first, so that no worker has a long one left at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


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
