"""cellsk evaluate, as a user runs it: a real process, real folders, all it writes."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from cellsk import make_cells
from cellsk.cli._cells import Told
from cellsk.cli._evaluate import _count_folds, _print

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
SMALL = ("--filters", "4", "--epochs", "1", "--folds", "2")


def evaluate(*arguments):
    """Run the command in a new process."""
    return subprocess.run(
        [sys.executable, "-m", "cellsk", "evaluate", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=240,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of 180 small drawn cells from 18 patients, and a csv of them."""
    path = tmp_path_factory.mktemp("drawn") / "cells"
    drawn = make_cells(
        180, folder=path, n_patients=18, image_size=(16, 16), difficulty=0, random_state=0
    )
    with open(path.parent / "slides.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "patient", "scanner"])
        for name, patient in zip(drawn.paths, drawn.groups, strict=True):
            scanner = "old" if int(patient[1:]) % 2 else "new"
            writer.writerow([os.path.basename(name), patient, scanner])
    return path


@pytest.fixture(scope="module")
def evaluated(folder):
    """One run with everything wanted of it."""
    out = folder.parent
    done = evaluate(
        folder,
        *SMALL,
        "--groups-csv",
        out / "slides.csv",
        "--subgroup",
        "scanner",
        "--leakage",
        "--html",
        out / "report.html",
        "--json",
        out / "report.json",
        "--markdown",
        out / "card.md",
        "--save-folds",
        out / "folds.csv",
    )
    assert done.returncode == 0, done.stderr
    return done, out


def test_evaluate_prints_numbers_with_intervals(evaluated):
    """On stdout the summary, on stderr what happens."""
    done, _ = evaluated
    assert "180 images (90 benign, 90 malignant), 18 patients; positive is malignant" in done.stdout
    assert "95 % interval, bootstrap over patients" in done.stdout
    assert "Ignoring patients would have claimed" in done.stdout
    assert "Positive class: malignant. Name the other with --positive." in done.stderr
    assert "Traceback" not in done.stderr


def test_evaluate_writes_page_numbers_card_and_folds(evaluated):
    """Each of them, and the same numbers in each."""
    _, out = evaluated
    document = json.loads((out / "report.json").read_text("utf-8"))
    accuracy = f"{document['numbers']['accuracy']['value']:.3f}"
    assert accuracy in (out / "report.html").read_text("utf-8")
    assert accuracy in (out / "card.md").read_text("utf-8")
    assert {entry["value"] for entry in document["subgroups"]} == {"new", "old"}
    with open(out / "folds.csv", newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 180
    assert str(out) not in (out / "report.html").read_text("utf-8")


def test_evaluate_repeats_the_folds_of_a_manifest(evaluated, folder):
    """The same folds and the same seed: the same numbers, in another process."""
    _, out = evaluated
    again = evaluate(
        folder,
        *SMALL,
        "--groups-csv",
        out / "slides.csv",
        "--cv",
        out / "folds.csv",
        "--json",
        out / "again.json",
    )
    assert again.returncode == 0, again.stderr
    first, second = (
        json.loads((out / name).read_text("utf-8")) for name in ("report.json", "again.json")
    )
    assert second["cv"]["source"] == "manifest"
    assert second["numbers"] == first["numbers"]
    assert second["predictions"] == first["predictions"]


def test_evaluate_without_patients_warns_before_it_trains(folder):
    """Loudly, with the options that name them."""
    done = evaluate(folder, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "cellsk: warning: groups should name the patient" in done.stderr
    assert "--group-pattern" in done.stderr
    assert "bootstrap over images" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--positive", "tumour"), "--positive must be one of 'benign', 'malignant'"),
        (("--subgroup", "site"), "--subgroup must name a column of --groups-csv. Got 'site'"),
        (("--site", "hospital"), "--site must name a column of --groups-csv. Got 'hospital'"),
        (("--html", "report.txt"), "must end in .html. Got 'report.txt'"),
        (("--json", "no/where.json"), "The folder of an output file must exist"),
        (("--sensitivity", "95"), "--sensitivity must be a number in (0, 1]. Got 95.0. Pass 0.95"),
        (("--specificity", "0"), "--specificity must be a number in (0, 1]. Got 0.0."),
        (("--prevalence", "5"), "--prevalence must be a number in (0, 1). Got 5.0. Pass 0.05"),
        (("--max-uncertainty", "1"), "--max-uncertainty must be a number in (0, 1)"),
        (("--calibrate", "platt"), "--calibrate must be one of 'sigmoid'"),
        (("--aggregation", "median"), "--aggregation must be one of 'mean'"),
        (("--sensitivity", "0.9", "--specificity", "0.9"), "Got both. Leave one of them out."),
        (("--leakage",), "--leakage compares folds by patient with folds by image. Got no patient"),
        (("--json", "/proc/r.json"), "must be writable. Got '/proc/r.json'"),
        (("--cv", "missing.csv"), "missing.csv"),
        (("--group-pattern", r"(P\d)", "--folds", "40"), "40 folds"),
    ],
)
def test_evaluate_bad_option_ends_with_2_and_a_sentence(folder, options, words):
    """Before anything trains; no traceback."""
    done = evaluate(folder, *SMALL, *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "options", [("--sensitivity", "95"), ("--positive", "tumour"), ("--leakage",)]
)
def test_evaluate_bad_option_is_found_without_tensorflow(folder, options):
    """What is wrong with an option is said at once."""
    code = (
        "import sys; from cellsk.cli import main;"
        f"code = main(['evaluate', {str(folder)!r}, *{options!r}]);"
        "sys.exit(3 if 'tensorflow' in sys.modules else code)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 2


def test_evaluate_leakage_comes_after_what_is_written(evaluated):
    """The numbers first; files are written before the comparison, and again with it."""
    done, out = evaluated
    lines = done.stderr.splitlines()
    first = lines.index(f"Written: {out / 'report.html'}.")
    again = lines.index(f"Written again, with the comparison: {out / 'report.html'}.")
    assert first < lines.index("Once more, as if patients were unknown.") < again
    assert done.stdout.count("Ignoring patients would have claimed") == 1
    assert json.loads((out / "report.json").read_text("utf-8"))["leakage"] is not None


def test_evaluate_interrupted_in_comparison_keeps_what_was_written(folder, tmp_path):
    """Exit code 130; the numbers and the file stand, and the sentence says so."""
    output = tmp_path / "report.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "cellsk", "evaluate", str(folder), "--filters", "4", "--epochs",
         "30", "--folds", "2", "--group-pattern", r"(P\d+)", "--leakage", "--json", str(output)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    assert process.stderr is not None
    while not process.stderr.readline().startswith("Once more"):
        pass
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == f"cellsk: interrupted. What was written before stands: {output}.\n"
    assert "95 % interval" in printed
    assert json.loads(output.read_text("utf-8"))["leakage"] is None


def test_evaluate_other_folds_than_the_manifest_are_refused(evaluated, folder):
    """--folds beside --cv must say the same."""
    _, out = evaluated
    done = evaluate(folder, "--cv", out / "folds.csv", "--folds", "4")
    assert done.returncode == 2
    assert "must be those of --cv. Got folds.csv with 2 folds, and --folds 4." in done.stderr


def test_evaluate_says_the_folds_of_the_manifest(evaluated, folder, capsys):
    """Their number comes from the file, and is said."""
    assert _count_folds(evaluated[1] / "folds.csv", None) == 2
    assert capsys.readouterr().err == "Folds: the 2 of folds.csv.\n"


@pytest.fixture
def damaged(folder, tmp_path):
    """The folder, with two files that cannot be read, far apart."""
    copied = tmp_path / "cells"
    shutil.copytree(folder, copied)
    images = sorted(copied.rglob("*.png"))
    for row in (3, 170):
        images[row].write_bytes(b"no image")
    return copied


def test_evaluate_unreadable_files_are_found_before_training(damaged):
    """Counted over all images, with the option that leaves them out."""
    done = evaluate(damaged, *SMALL, "--group-pattern", r"(P\d+)")
    assert done.returncode == 2
    assert "2 of 180 images cannot be decoded" in done.stderr
    assert "Leave them out with --skip-unreadable." in done.stderr
    assert "fold" not in done.stderr


def test_evaluate_image_of_another_size_is_found_before_training(folder, tmp_path):
    """A file that is sound, and does not fit, would stop a fold."""
    copied = tmp_path / "cells"
    shutil.copytree(folder, copied)
    odd = sorted(copied.rglob("*.png"))[-1]
    Image.new("RGB", (20, 20)).save(odd)
    done = evaluate(copied, *SMALL, "--group-pattern", r"(P\d+)")
    assert done.returncode == 2
    assert "1 of 180 images of another size" in done.stderr
    assert "Pass --image-size 16x16, or another size" in done.stderr


def test_evaluate_skip_unreadable_is_told_to_the_report(damaged, tmp_path):
    """The report names the files that were left out, and why."""
    output = tmp_path / "report.json"
    done = evaluate(
        damaged, *SMALL, "--group-pattern", r"(P\d+)", "--skip-unreadable", "--json", output
    )
    assert done.returncode == 0, done.stderr
    left_out = json.loads(output.read_text("utf-8"))["left_out"]
    assert len(left_out) == 2
    assert "attribute" not in done.stderr
    assert "cellsk audit lists all of them" in done.stderr


def test_evaluate_of_few_warns_once_and_in_words_of_the_command(tmp_path):
    """On stderr while it runs, not again below the numbers; names and options, no Python."""
    make_cells(24, folder=tmp_path / "few", n_patients=4, image_size=(16, 16), random_state=0)
    done = evaluate(tmp_path / "few", *SMALL, "--group-pattern", r"(P\d+)")
    assert done.returncode == 0, done.stderr
    warned = [line for line in done.stderr.splitlines() if "warning" in line]
    assert [line.split()[2:5] for line in warned] == [
        ["Intervals", "need", "at"],
        ["Early", "stopping", "should"],
    ]
    assert "'benign'" in warned[1]
    assert warned[1].endswith("Fit on more images.")
    assert "!" not in done.stdout


def test_evaluate_print_keeps_warnings_that_were_not_told(capsys):
    """Of another package, say: the summary is then the only place."""
    told = Told()
    assert told.is_new("Known rule. Got 1.")
    document = json.loads(json.dumps({"warnings": ["Known rule. Got 2.", "Pass n_splits=3."]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cellsk.report.render_terminal", lambda d: str(d["warnings"]))
        _print(SimpleNamespace(document=document), told)
    assert capsys.readouterr().out == "['Pass --folds 3.']\n"
