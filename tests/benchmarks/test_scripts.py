"""Each benchmark runs in its short mode, with too few images for meaningful figures."""

import json
import platform
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Scripts run in one process, one after another, because each start of TensorFlow takes seconds.
RUN_SCRIPTS = """
import contextlib, runpy, sys, traceback
for line in sys.stdin:
    name, file = line.rstrip().split(" ", 1)
    sys.argv = [name, "--short", "--json", file + ".json"]
    try:
        with open(file + ".txt", "w") as printed, contextlib.redirect_stdout(printed):
            runpy.run_module("benchmarks." + name, run_name="__main__")
        print("done", flush=True)
    except BaseException:
        print(ascii(traceback.format_exc()), flush=True)
"""


@pytest.fixture(scope="session")
def scripts():
    """A process that runs the scripts whose names it reads."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-c", RUN_SCRIPTS]
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as running:
        yield running
        running.stdin.close()


@pytest.fixture
def run_short(tmp_path, scripts):
    """Return a function that runs a benchmark, and returns its output and its JSON."""

    def run(name):
        file = tmp_path / name
        print(name, file, file=scripts.stdin, flush=True)
        answer = scripts.stdout.readline()
        assert answer == "done\n", answer.replace("\\n", "\n")
        printed, document = file.with_suffix(".txt"), file.with_suffix(".json")
        return printed.read_text(), json.loads(document.read_text())

    return run


def are_positive(rows, *keys):
    """Return whether each row has a positive number for each key."""
    return all(row[key] > 0 for row in rows for key in keys)


def test_startup_times_each_command(run_short):
    """Five commands with their times, the machine and the versions, but no name of the machine."""
    printed, document = run_short("startup")
    names = [row["name"] for row in document["rows"]]
    expected = ["python -c pass", "import cellsk", "cellsk --help", "import sklearn"]
    assert names == [*expected, "import keras"]
    assert all(name in printed for name in names)
    assert are_positive(document["rows"], "seconds_best", "seconds_median")
    assert {"cpu", "cores", "instruction_sets", "memory_gb"} <= document["machine"].keys()
    assert {"python", "cellsk", "tensorflow", "keras"} <= document["versions"].keys()
    assert document["short"] is True
    for text in (printed, json.dumps(document)):
        assert str(ROOT) not in text
        assert platform.node() not in text.split()


@pytest.mark.slow
def test_fit_compares_each_competitor_with_cellsk(run_short):
    """Rows have speed, scores and ratio, or the name of a missing package."""
    printed, document = run_short("fit")
    *rows, own = document["rows"]
    assert {row["source"] for row in rows} == {"arrays", "files"}
    skorch = [row for row in rows if row["name"].startswith("skorch")]
    assert len(skorch) == 2
    if find_spec("torch") is None or find_spec("skorch") is None:
        assert all(row["note"].startswith("not installed: ") for row in skorch)
        assert "not installed: " in printed
    measured = [row for row in rows if "note" not in row]
    assert len(measured) >= 6
    speeds = ("images_per_second_best", "images_per_second_median", "cellsk_ratio_median")
    assert are_positive(measured, *speeds, "steady_images_per_second_median", "peak_rss_mb")
    assert all(0 <= row["accuracy_mean"] <= 1 and 0 <= row["auc_mean"] <= 1 for row in measured)
    assert [row["cellsk_ratio_median"] for row in measured if row["name"] == "cellsk"] == [1, 1]
    assert 0 < own["own_share"] < 1
    assert all(run["seconds"] > 0 for runs in document["runs"].values() for run in runs)


@pytest.mark.slow
def test_floor_sums_operations_and_computes_shares(run_short):
    """The floor is the sum of the operations, and a fit has a share of it."""
    _, document = run_short("floor")
    rows = {row["name"]: row for row in document["rows"]}
    for dtype in ("float32", "bfloat16"):
        key = f"{dtype}_median"
        names = list(rows)[: list(rows).index("sum: one step")]
        assert len(names) >= 15
        total = sum(rows[name].get(key, 0) for name in names)
        assert rows["sum: one step"][key] == pytest.approx(total)
        assert rows["floor"][key] == pytest.approx(32 / total * 1000)
    speed, floor = rows["Keras, later epochs"], rows["floor"]
    share = speed["float32_median"] / floor["float32_median"]
    assert rows["Keras, share of the floor"]["float32_median"] == pytest.approx(share)
    assert rows["cellsk, later epochs"]["float32_median"] > 0


@pytest.mark.slow
def test_search_measures_time_memory_and_score(run_short):
    """Both search, and ratios are relative to the faster row of cellsk."""
    _, document = run_short("search")
    rows = document["rows"]
    assert {"cellsk", "scikeras, Pillow"} <= {row["name"] for row in rows}
    assert are_positive(rows, "seconds_median", "time_ratio", "best_score")
    ours = [row["time_ratio"] for row in rows if row["name"].startswith("cellsk")]
    assert min(ours) == 1
    if sys.platform == "linux":
        assert are_positive(rows, "peak_pss_mb", "peak_anonymous_mb", "memory_ratio")


@pytest.mark.slow
def test_predict_gives_all_the_same_probabilities(run_short):
    """The same network gives the same probabilities, except for differences in decoding jpg."""
    _, document = run_short("predict")
    rows = document["rows"]
    assert are_positive(rows, "seconds_best", "seconds_median", "images_per_second")
    differences = [row["difference"] for row in rows if "difference" in row]
    assert len(differences) == 3
    assert max(differences) < 0.05
    assert sum(row["what"].startswith("one image") for row in rows) == 5


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the sizes come from /proc")
def test_memory_computes_growth_from_the_fewest_images(run_short):
    """Each peak is divided by that of the same task with the fewest images."""
    _, document = run_short("memory")
    rows = document["rows"]
    assert {row["what"] for row in rows} == {"fit", "predict", "predict to csv", "evaluate"}
    assert {row["n_images"] for row in rows} == {50, 500}
    assert are_positive(rows, "peak_pss_mb", "peak_anonymous_mb", "pss_growth", "seconds_median")
    assert all(row["pss_growth"] == 1 for row in rows if row["n_images"] == 50)
    assert all(row["peak_anonymous_mb"] <= row["peak_pss_mb"] for row in rows)


def test_opens_counts_the_calls_of_each_command(run_short):
    """Each command opens every image once, the audit of evaluate included."""
    _, document = run_short("opens")
    found = {row["name"]: row["opens_per_image"] for row in document["rows"]}
    assert set(found) == {
        "evaluate() in Python",
        "cellsk evaluate",
        "cellsk train",
        "cellsk search",
    }
    assert all(1 <= count <= 1.2 for count in found.values())


def test_duplicates_counts_false_pairs_and_recall(run_short):
    """Drawn cells have no false pairs, and all turned copies are found."""
    _, document = run_short("duplicates")
    rows = [row for row in document["rows"] if row["name"] == "drawn cells"]
    assert {row["false_pairs"] for row in rows} == {0}
    assert next(row["recall"] for row in rows if row["change"] == "turned only") == 1
