"""The commands, as a user runs them: real processes, real folders."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cellsk import make_cells

# Python's own warning filters stay out of it: the user's are the default ones.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
SMALL = ("--filters", "4", "--epochs", "2")


def cellsk(*arguments, cwd=None):
    """Run one command in a new process."""
    return subprocess.run(
        [sys.executable, "-m", "cellsk", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=ENVIRONMENT,
        timeout=240,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of 120 small drawn cells from six patients."""
    path = tmp_path_factory.mktemp("drawn") / "cells"
    make_cells(120, folder=path, n_patients=6, image_size=(16, 16), difficulty=0, random_state=0)
    return path


@pytest.fixture(scope="module")
def trained(folder):
    """What cellsk train printed, and the model file that it wrote."""
    model = folder.parent / "model.cellsk"
    done = cellsk("train", folder, "--output", model, "--group-pattern", r"(P\d+)", *SMALL)
    assert done.returncode == 0, done.stderr
    return done, model


def test_train_writes_model_and_says_what_it_is_worth(trained):
    """One model file; the hold-out's number comes with its warning label; no noise."""
    done, model = trained
    assert model.is_file()
    assert "2 epochs; the weights of epoch" in done.stdout
    assert "no number to report" in done.stdout
    assert done.stderr == "120 images: 60 benign, 60 malignant; 6 patients.\n"


def test_predict_writes_one_row_per_image(trained, folder, tmp_path):
    """Paths, class names, and probabilities that sum to one; sub-folders are read."""
    output = tmp_path / "predictions.csv"
    done = cellsk("predict", trained[1], folder, "--output", output)
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"Written: {output}, 120 images.\n"
    with open(output, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["path", "predicted", "probability_benign", "probability_malignant"]
    assert len(rows) == 120
    assert all(Path(row["path"]).is_file() for row in rows)
    for row in rows:
        benign, malignant = float(row["probability_benign"]), float(row["probability_malignant"])
        assert benign + malignant == pytest.approx(1, abs=2e-6)
        assert row["predicted"] == ("malignant" if malignant > benign else "benign")


def test_predict_agrees_with_python(trained, folder, tmp_path):
    """The csv holds what the loaded pipeline says."""
    from cellsk import list_images, load_model

    cellsk("predict", trained[1], folder, "--output", tmp_path / "p.csv")
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    listed = list_images(folder, labels=False)
    proba = load_model(trained[1]).predict_proba(listed.paths)[:, 1]
    assert [row["path"] for row in rows] == listed.paths.tolist()
    np.testing.assert_allclose(
        [float(row["probability_malignant"]) for row in rows], proba, atol=1e-6
    )


def test_train_twice_writes_same_model(trained, folder, tmp_path):
    """Same folder, same seed: same bytes, in another process."""
    again = tmp_path / "again.cellsk"
    cellsk("train", folder, "--output", again, "--group-pattern", r"(P\d+)", *SMALL)
    assert again.read_bytes() == trained[1].read_bytes()


def test_cross_validate_json_keeps_patients_together(folder):
    """Numbers of each fold, their mean and spread, as JSON on stdout."""
    done = cellsk(
        "cross-validate", folder, "--folds", 3, "--group-pattern", r"(P\d+)", "--json", *SMALL
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["patients_kept_together"] is True
    assert [fold["n_test"] for fold in result["folds"]] == [40, 40, 40]
    accuracies = [fold["accuracy"] for fold in result["folds"]]
    assert result["mean"]["accuracy"] == pytest.approx(np.mean(accuracies))
    assert result["standard_deviation"]["accuracy"] == pytest.approx(np.std(accuracies))


def test_cross_validate_patients_unknown_says_so(folder):
    """Without patients the table comes with a caution."""
    done = cellsk("cross-validate", folder, "--folds", 2, *SMALL)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == [
        *["fold", "images", "accuracy", "balanced", "accuracy", "ROC", "AUC", "epoch", "kept"]
    ]
    assert "Patients unknown" in done.stderr
    assert "Traceback" not in done.stderr


def test_search_ranks_filters_and_saves_best(folder, tmp_path):
    """Each candidate has its row; the best can be written."""
    from cellsk import load_model

    best = tmp_path / "best.cellsk"
    done = cellsk(
        *["search", folder, "--filters", "2", "--filters", "4,8", "--folds", 2, "--epochs", 1],
        *["--group-pattern", r"(P\d+)", "--output", best, "--json"],
    )
    assert done.returncode == 0, done.stderr
    candidates = json.loads(done.stdout)["candidates"]
    assert sorted(tuple(one["filters"]) for one in candidates) == [(2,), (4, 8)]
    assert candidates[0]["mean_accuracy"] >= candidates[1]["mean_accuracy"]
    assert list(load_model(best)[-1].filters) == candidates[0]["filters"]


def test_kaggle_layout_of_tif_files_runs_through(tmp_path):
    """A flat folder of .tif files and a csv of ids: train, then predict."""
    drawn = make_cells(
        80,
        image_size=(16, 16),
        folder=tmp_path / "drawn",
        extension="tif",
        difficulty=0,
        random_state=0,
    )
    flat = tmp_path / "train"
    flat.mkdir()
    lines = ["id,label"]
    for path, label in zip(drawn.paths, drawn.y, strict=True):
        shutil.copy(path, flat)
        lines.append(f"{Path(path).stem},{label}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    model, output = tmp_path / "m.cellsk", tmp_path / "p.csv"
    done = cellsk("train", flat, "--labels", tmp_path / "labels.csv", "--output", model, *SMALL)
    assert done.returncode == 0, done.stderr
    assert cellsk("predict", model, flat, "--output", output).returncode == 0
    assert output.read_text().startswith("path,predicted,probability_0,probability_1\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "nowhere"], "Got 'nowhere'"),
        (["train", "flat"], "must contain one sub-folder per class"),
        (["train", "one"], "at least two classes"),
        (["train", "cells", "--filters", "3,x"], "--filters must be positive whole numbers"),
        (["train", "cells", "--image-size", "big"], "--image-size must be pixels"),
        (["train", "cells", "--image-size", "4"], "at least 10 x 10 pixels"),
        (["train", "cells", "--epochs", "0"], "--epochs"),
        (["train", "cells", "--filters", "8,0"], "--filters must be positive"),
        (["train", "cells", "--filters", "1000000000000"], "must fit into memory"),
        (["search", "cells", "--filters", "4", "--filters", "4,4,4,4"], "at least 46 x 46 pixels"),
        (["cross-validate", "cells", "--groups", "0", "--folds", "2"], "1 patient for 2 folds"),
        (["train", "cells", "--output", "no/where.cellsk"], "folder of an output file must exist"),
        (["train", "cells", "--group-pattern", "Q"], "Q"),
        (["cross-validate", "cells", "--folds", "1"], "--folds"),
        (["predict", "cells.csv", "cells"], "cells.csv"),
        (["predict", "nowhere.cellsk", "cells"], "nowhere.cellsk"),
        (["train", "broken"], "1 of 5 images cannot be decoded. First: 'broken/benign/c.png'"),
        (["train"], "Missing argument"),
        (["train", "cells", "--epochs", "many"], "valid integer"),
        (["trian"], "No such command"),
    ],
)
def test_bad_input_exits_2_with_a_sentence(bad_folders, arguments, sentence):
    """Exit code 2, one plain sentence on stderr, no traceback, nothing written."""
    before = sorted(bad_folders.rglob("*"))
    done = cellsk(*arguments, cwd=bad_folders)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert sorted(bad_folders.rglob("*")) == before


@pytest.fixture(scope="module")
def bad_folders(folder, tmp_path_factory):
    """Folders with what goes wrong."""
    root = tmp_path_factory.mktemp("bad")
    shutil.copytree(folder, root / "cells")
    first = sorted(folder.rglob("*.png"))[0]
    for name in ("flat", "one/benign", "broken/benign", "broken/malignant"):
        (root / name).mkdir(parents=True)
        for copy in ("a.png", "b.png"):
            shutil.copy(first, root / name / copy)
    (root / "broken" / "benign" / "c.png").write_bytes(first.read_bytes()[:100])
    (root / "cells.csv").write_text("path\n")
    return root


def test_skip_unreadable_leaves_out_and_says(bad_folders, tmp_path):
    """With --skip-unreadable the rest is used, and what was left out is named."""
    output = tmp_path / "m.cellsk"
    done = cellsk("train", bad_folders / "broken", "--skip-unreadable", "--output", output, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "warning: " in done.stderr
    assert "c.png" in done.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_train_interrupted_leaves_nothing(folder, tmp_path, sent):
    """Interrupted in the middle of training: exit code 130, one line, no file."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "cellsk",
            "train",
            folder,
            "--epochs",
            "10000",
            "--batch-size",
            "1",
            "--output",
            tmp_path / "m.cellsk",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stderr is not None
    assert "120 images" in process.stderr.readline()
    time.sleep(1.5)
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "cellsk: interrupted. Nothing was written.\n"
    assert list(tmp_path.iterdir()) == []


def test_interruption_that_was_dropped_stops_at_the_next_epoch(folder, tmp_path):
    """TensorFlow drops an error that its C code meets: the training must not go on for that."""
    code = (
        "import signal, sys\n"
        "import cellsk.neural_network._callbacks as callbacks\n"
        "from cellsk.cli import main\n"
        "begin = callbacks.FitTask.begin\n"
        "def drop(task):\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
        "    begin(task)\n"
        "callbacks.FitTask.begin = drop\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    output = tmp_path / "m.cellsk"
    arguments = [sys.executable, "-c", code, "train", str(folder), "--output", str(output)]
    done = subprocess.run(arguments, capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "cellsk: interrupted. Nothing was written."
    assert not output.exists()


def test_interruption_that_became_another_error_is_an_interruption(folder):
    """C code may make a ValueError of Ctrl-C: it is still the user's wish, no bad input."""
    code = (
        "import signal, sys, cellsk.datasets as datasets\n"
        "from cellsk.cli import main\n"
        "def list_images(*args, **kwargs):\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "    except KeyboardInterrupt:\n"
        "        raise ValueError('cannot convert')\n"
        "datasets.list_images = list_images\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    arguments = [sys.executable, "-c", code, "train", str(folder)]
    done = subprocess.run(arguments, capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 130
    assert done.stderr == "cellsk: interrupted. Nothing was written.\n"


def test_help_and_version_answer_without_tensorflow():
    """Help names the five commands, and loads nothing heavy."""
    done = cellsk("--help")
    assert done.returncode == 0
    for command in ("demo", "train", "predict", "cross-validate", "search"):
        assert f"\n  {command} " in done.stdout
    assert cellsk("--version").stdout.startswith("cellsk 0.")
    code = (
        "import sys; from cellsk.cli import main; main(['--help']);"
        "heavy = {'tensorflow', 'sklearn', 'numpy', 'rich'}; print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_cross_validate_more_folds_than_patients_of_a_class_says_how_many_work(tmp_path):
    """Two malignant patients cannot be tested in three folds."""
    make_cells(100, folder=tmp_path / "cells", n_patients=5, pure_patients=True,
               class_balance=0.4, image_size=(16, 16), random_state=0)  # fmt: skip
    options = ["cross-validate", tmp_path / "cells", "--group-pattern", r"(P\d+)", "--json", *SMALL]
    done = cellsk(*options, "--folds", 3)
    assert done.returncode == 2
    assert "'malignant' with 2 patients for 3 folds. Pass --folds 2." in done.stderr


def test_train_one_image_of_each_class_says_so(bad_folders, folder, tmp_path):
    """Nothing to hold out: a model all the same, and a sentence."""
    for name in ("benign", "malignant"):
        (tmp_path / "two" / name).mkdir(parents=True)
        shutil.copy(sorted((folder / name).iterdir())[0], tmp_path / "two" / name)
    done = cellsk("train", tmp_path / "two", "--output", tmp_path / "m.cellsk", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "Too few images to hold any out" in done.stdout
    assert "warning: Early stopping should use" in done.stderr


def test_predict_unfitted_model_file_says_so(folder, tmp_path, monkeypatch):
    """A file of another make may hold a pipeline that was never fitted; it predicts nothing."""
    from cellsk import CellClassifier, save_model
    from cellsk.persistence import _model_file

    monkeypatch.setattr(_model_file, "_check_fitted", lambda estimator: None)
    save_model(CellClassifier(), tmp_path / "m.cellsk")
    done = cellsk("predict", tmp_path / "m.cellsk", folder, "--output", tmp_path / "p.csv")
    assert done.returncode == 2
    assert "not fitted yet" in done.stderr
    assert not (tmp_path / "p.csv").exists()
