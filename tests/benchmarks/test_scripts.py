"""Each benchmark runs in its short mode, with too few images for meaningful figures."""

import json
import platform
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks import floor, startup
from benchmarks._inclusions import draw_inclusions

ROOT = Path(__file__).resolve().parents[2]
# All scripts run in one process, because cellsk keeps the networks that it has compiled.
RUN_SCRIPTS = """
import contextlib, os, runpy, sys, traceback
os.chdir(root)
sys.path.insert(0, root)
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
while name := calls.recv():
    file = calls.recv()
    sys.argv = [name, "--short", "--json", file + ".json"]
    try:
        with open(file + ".txt", "w") as printed, contextlib.redirect_stdout(printed):
            runpy.run_module("benchmarks." + name, run_name="__main__")
        calls.send("")
    except BaseException:
        calls.send(traceback.format_exc())
os._exit(0)
"""


@pytest.fixture(scope="session")
def scripts(processes):
    """A connection to a process that runs the scripts whose names it receives."""
    ours, theirs = processes.Pipe()
    names = {"__name__": "__main__", "root": str(ROOT), "calls": theirs}
    process = processes.Process(target=exec, args=(RUN_SCRIPTS, names))
    process.start()
    yield ours
    ours.send("")
    process.join(timeout=10)
    process.kill()


@pytest.fixture
def run_short(tmp_path, scripts):
    """Return a function that runs a benchmark, and returns its output and its JSON."""

    def run(name):
        file = tmp_path / name
        scripts.send(name)
        scripts.send(str(file))
        error = scripts.recv()
        assert error == ""
        printed, document = file.with_suffix(".txt"), file.with_suffix(".json")
        return printed.read_text(), json.loads(document.read_text())

    return run


def are_positive(rows, *keys):
    """Return whether each row has a positive number for each key."""
    return all(row[key] > 0 for row in rows for key in keys)


def test_startup_times_each_command(run_short):
    """Four commands with their times, the machine and the versions, but no name of the machine."""
    printed, document = run_short("startup")
    names = [row["name"] for row in document["rows"]]
    assert names == ["python -c pass", "import cellsk", "cellsk --help", "import sklearn"]
    assert all(name in printed for name in names)
    assert are_positive(document["rows"], "seconds_best", "seconds_median")
    assert {"cpu", "cores", "instruction_sets", "memory_gb"} <= document["machine"].keys()
    assert {"python", "cellsk", "tensorflow", "keras"} <= document["versions"].keys()
    assert document["short"] is True
    assert [case.name for case in startup.make_cases()] == [*names, "import keras"]
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
def test_floor_times_operations_and_fits(run_short):
    """Each operation has a time, and each fit a speed. The sum is that of the operations."""
    _, document = run_short("floor")
    rows = {row["name"]: row for row in document["rows"]}
    names = list(rows)[: list(rows).index("sum: one step")]
    assert len(names) >= 15
    for key in ("float32_median", "bfloat16_median"):
        times = [rows[name][key] for name in names if key in rows[name]]
        assert len(times) >= 15
        assert rows["sum: one step"][key] == pytest.approx(sum(times))
        if sum(times):
            assert rows["floor"][key] == pytest.approx(32 / sum(times) * 1000)
    for trained_by in ("Keras", "cellsk"):
        assert rows[f"{trained_by}, later epochs"]["bfloat16_median"] > 0


FLOOR_RUNS = {
    "float32": [{"conv": [3.0, 1.0], "dense": [1.0, 2.0], "round": 0}, {"conv": [2.0], "round": 1}],
    "bfloat16": [{"conv": [0.0, 0.0], "dense": [0.0], "casts": [0.0], "round": 0}],
    "Keras float32": [{"later_epochs_seconds": [0.5, 0.25]}],
    "cellsk float32": [{"later_epochs_seconds": [0.25]}],
    "cellsk bfloat16": [{"later_epochs_seconds": [0.125]}],
}


def test_floor_make_rows_sums_operations_and_computes_shares():
    """The floor is the sum of the operations, and a fit has a share of it."""
    rows = {row["name"]: row for row in floor.make_rows(FLOOR_RUNS, n_images=64)}
    total, images, keras = rows["sum: one step"], rows["floor"], rows["Keras, share of the floor"]
    assert rows["conv"]["float32_best"] == 1
    assert (total["float32_best"], total["float32_median"]) == (2, 2 + 1.5)
    assert images["float32_best"] == 32 / 2 * 1000
    assert images["float32_median"] == pytest.approx(32 / 3.5 * 1000)
    assert rows["Keras, later epochs"]["float32_best"] == 256
    assert keras["float32_best"] == 256 / 16000
    assert keras["float32_median"] == pytest.approx(192 / images["float32_median"])
    assert rows["cellsk, later epochs"]["bfloat16_median"] == 512


def test_floor_of_operations_as_fast_as_an_empty_call_is_left_out():
    """Without a time above that of an empty call there is no floor and no share."""
    rows = floor.make_rows(FLOOR_RUNS, n_images=64)
    named = {row["name"]: row for row in rows}
    assert named["sum: one step"]["bfloat16_median"] == 0
    for name in ("floor", "cellsk, share of the floor"):
        assert not any(key.startswith("bfloat16") for key in named[name])
        assert "float32_median" in named[name]
    without = floor.make_rows({**FLOOR_RUNS, "float32": [{"round": 0}]}, n_images=64)
    assert not any(key.startswith("float32") for row in without[:5] for key in row)
    floor.add_words(rows)
    assert named["floor"]["float32_best_shown"] == "16,000"


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
    assert {row["n_images"] for row in rows} == {20, 60}
    assert are_positive(rows, "peak_pss_mb", "peak_anonymous_mb", "pss_growth", "seconds_median")
    assert all(row["pss_growth"] == 1 for row in rows if row["n_images"] == 20)
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


def test_embed_times_each_way(run_short):
    """The embedder, Keras, and the cache."""
    _, document = run_short("embed")
    rows = document["rows"]
    assert [row["way"] for row in rows] == ["ImageEmbedder", "model.predict", "cache"]
    assert are_positive(rows, "rate_best", "cpu_rate_best")


def test_accuracy_scores_each_recipe(run_short):
    """One row each, networks and a forest among them."""
    _, document = run_short("accuracy")
    rows = document["rows"]
    names = [row["name"] for row in rows]
    assert names[:2] == ["forest", "seed"]
    assert {"compact", "equivariant", "frozen-160-dihedral"} <= set(names)
    assert are_positive(rows, "accuracy", "roc_auc", "seconds")
    assert rows[0]["roc_auc"] > 0.8


def test_frozen_scores_each_way_to_average(run_short):
    """One view, and two views whose features or probabilities are averaged."""
    _, document = run_short("frozen")
    rows = document["rows"]
    assert [(row["n_views"], row["averaged"]) for row in rows] == [
        (1, ""),
        (2, "features"),
        (2, "probabilities"),
    ]
    assert are_positive(rows, "accuracy", "roc_auc", "embedding_seconds", "penalty")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_fuzz_finds_no_failure_in_a_few_tries(tmp_path):
    """Damaged images and killed writers, without the model files, which need TensorFlow."""
    file = tmp_path / "fuzz.json"
    command = [sys.executable, "-m", "benchmarks.fuzz", "--short", "--json", file]
    kinds = ["--kinds", "files", "stores", "images"]
    done = subprocess.run([*command, *kinds], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(file.read_text())["rows"]
    assert [row["n_tries"] for row in rows] == [3, 3, 200]
    assert rows[2]["read"] + rows[2]["refused"] == 200
    assert min(rows[2]["read"], rows[2]["refused"]) > 20
    assert not any(row[key] for row in rows for key in ("error", "slow", "crash"))


def test_duplicates_counts_false_pairs_and_recall(run_short):
    """Drawn cells have no false pairs, and all turned copies are found."""
    _, document = run_short("duplicates")
    rows = [row for row in document["rows"] if row["name"] == "drawn cells"]
    assert {row["precision"] for row in rows if row["recall"]} == {1}
    assert next(row["recall"] for row in rows if row["change"] == "turned only") == 1


@pytest.mark.slow
def test_augmentation_measures_what_it_adds_to_a_step(run_short):
    """Each augmentation has both times in both precisions, compared with a step without."""
    _, document = run_short("augmentation")
    rows = document["rows"]
    assert len(rows) == 8
    assert are_positive(rows, "wall_best", "wall_median", "cpu_best", "cpu_median")
    assert ["wall_best_added" in row for row in rows] == [False, True, True, True] * 2
    assert all(len(run["stain"]["cpu"]) == 3 for run in document["runs"]["float32"])


@pytest.mark.slow
def test_augmentation_scores_have_mean_and_spread(run_short):
    """Each augmentation is scored on images that did not train."""
    _, document = run_short("augmentation_scores")
    assert [row["name"] for row in document["rows"]] == ["none", "dihedral", "stain", "microscopy"]
    for row in document["rows"]:
        keys = [
            f"{part}_{score}" for part in ("held_out", "valid") for score in ("accuracy", "auc")
        ]
        assert all(0 <= row[key] <= 1 for key in keys)
        assert row["valid_auc_spread"] == 0  # one seed


@pytest.mark.slow
def test_collapse_compares_the_first_weights(run_short):
    """Each variant has scores, and its fit a history within the epochs."""
    _, document = run_short("collapse")
    names = [row["name"] for row in document["rows"]]
    assert names == ["Glorot", "centered, restarts"]
    for name, row in zip(names, document["rows"], strict=True):
        (fit,) = document["runs"][name]
        assert row["auc"] == fit["auc"]
        assert 0 <= row["constant_units"] <= 1
        assert fit["best_epoch"] <= fit["epochs"] == len(fit["history"]["val_loss"]) <= 30


def test_draw_inclusions_darken_the_positive_cells():
    """The same cells have the same pixels, except for the inclusion."""
    dark, plain = (
        draw_inclusions(40, n_patients=4, contrast=contrast, seed=0) for contrast in (2, 0)
    )
    assert dark.images.shape == (40, 50, 50, 1)
    changed = np.abs(dark.images.astype(int) - plain.images).max(axis=(1, 2, 3)) > 0
    assert (changed == dark.y.astype(bool)).all()
    assert 0 < dark.y.mean() < 1
    assert (dark.images[dark.y == 1].mean() < plain.images[dark.y == 1].mean()).all()
    assert len(set(dark.groups)) == 4
