"""cellsk evaluate: the summary, the files that it writes, and bad options."""

import csv
import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cellsk import make_cells
from cellsk.cli._evaluation_checks import count_folds
from cellsk.cli._fold_table import build_fold_table, describe_fold_table
from cellsk.cli._reports import print_summary
from cellsk.cli._terminal import ShownWarnings
from cellsk.exceptions import SplitWarning

SMALL = ("--filters", "4", "--epochs", "1", "--folds", "2")
PATIENT = ("--group-pattern", r"(P\d+)")


@pytest.fixture(scope="module")
def evaluated(folder, cellsk, tmp_path_factory):
    """One run with all files, subgroups and the comparison."""
    out = tmp_path_factory.mktemp("evaluated")
    done = cellsk(
        *("evaluate", folder, *SMALL, "--groups-csv", folder.parent / "slides.csv"),
        *("--subgroup", "scanner", "--leakage"),
        *("--html", out / "report.html", "--json", out / "report.json"),
        *("--markdown", out / "card.md", "--save-folds", out / "folds.csv"),
    )
    assert done.returncode == 0, done.stderr
    return done, out


def test_evaluate_prints_numbers_with_intervals(evaluated):
    """The summary is on stdout, the notes are on stderr."""
    done, _ = evaluated
    assert "120 images (60 benign, 60 malignant), 12 patients; positive is malignant" in done.stdout
    assert "95% confidence interval, bootstrap over patients" in done.stdout
    assert "If patients were ignored, the reported AUC would be" in done.stdout
    assert "Positive class: malignant. Pass --positive benign to change it." in done.stderr


def test_evaluate_writes_page_numbers_card_and_folds(evaluated):
    """Each file is there, and all have the same numbers."""
    _, out = evaluated
    document = json.loads((out / "report.json").read_text("utf-8"))
    accuracy = f"{document['numbers']['accuracy']['value']:.3f}"
    assert accuracy in (out / "report.html").read_text("utf-8")
    assert accuracy in (out / "card.md").read_text("utf-8")
    assert {entry["value"] for entry in document["subgroups"]} == {"new", "old"}
    with open(out / "folds.csv", newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 120
    assert str(out) not in (out / "report.html").read_text("utf-8")


def test_evaluate_repeats_the_folds_of_a_manifest(evaluated, folder, tmp_path, run_python):
    """The same folds and the same seed give the same numbers, in another process."""
    _, out = evaluated
    run_python(
        "import sys; from cellsk.cli import main; assert main(sys.argv[1:]) == 0",
        *("evaluate", folder, *SMALL, "--groups-csv", folder.parent / "slides.csv"),
        *("--cv", out / "folds.csv", "--json", out / "again.json"),
    )
    first, second = (
        json.loads((out / name).read_text("utf-8")) for name in ("report.json", "again.json")
    )
    assert second["cv"]["source"] == "manifest"
    assert second["numbers"] == first["numbers"]
    assert second["predictions"] == first["predictions"]
    errors = (tmp_path / "stderr").read_text()
    assert errors.splitlines()[0] == "Folds: the 2 folds of folds.csv."


def test_evaluate_without_patients_warns(folder, cellsk):
    """The warning names the options that name the patients."""
    done = cellsk("evaluate", folder, *SMALL)
    assert done.returncode == 0, done.stderr
    (warning,) = [line for line in done.stderr.splitlines() if "patient of each" in line]
    assert "--group-pattern" in warning
    assert "bootstrap over images" in done.stdout


def test_evaluate_quick_shows_the_scores_of_the_report(evaluated, folder, tmp_path, cellsk):
    """A table of the folds on stdout, and as JSON, with the numbers of the whole evaluation."""
    output = tmp_path / "folds.json"
    csv_path = folder.parent / "slides.csv"
    done = cellsk(
        *("evaluate", folder, "--quick", *SMALL, "--groups-csv", csv_path, "--json", output)
    )
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    assert header.split() == [
        *["fold", "images", "accuracy", "balanced", "accuracy", "ROC", "AUC", "epoch", "kept"]
    ]
    assert [row.split()[0] for row in rows] == ["1", "2", "mean", "SD"]
    table = json.loads(output.read_text("utf-8"))
    document = json.loads((evaluated[1] / "report.json").read_text("utf-8"))
    assert table["patients_kept_together"] is True
    accuracies = [fold["accuracy"] for fold in table["folds"]]
    assert accuracies == [fold["scores"]["accuracy"] for fold in document["folds"]]
    assert table["mean"]["accuracy"] == pytest.approx(np.mean(accuracies))
    assert table["standard_deviation"]["accuracy"] == pytest.approx(np.std(accuracies))


def test_fold_table_leaves_out_scores_that_are_not_defined():
    """A fold without a class has no ROC AUC; the mean is that of the other folds."""
    folds = [
        {
            "fold": number,
            "n_test": 2,
            "scores": {"accuracy": accuracy, "balanced_accuracy": accuracy, "roc_auc": area},
            "best_epoch": number,
        }
        for number, accuracy, area in ((1, 0.5, 0.6), (2, 0.7, None), (3, 0.9, 0.8))
    ]
    document = {"folds": folds, "cv": {"groups_kept_together": True}}
    table = build_fold_table(SimpleNamespace(document=document))
    assert [fold["roc_auc"] for fold in table["folds"]] == [0.6, None, 0.8]
    assert table["mean"]["roc_auc"] == pytest.approx(0.7)
    assert table["mean"]["accuracy"] == pytest.approx(0.7)
    assert "0.700" in describe_fold_table(table)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--positive", "tumour"), "--positive must be one of 'benign', 'malignant'"),
        (("--subgroup", "site"), "--subgroup must name a column of --groups-csv. Got 'site'"),
        (("--site", "hospital"), "--site must name a column of --groups-csv. Got 'hospital'"),
        (("--html", "report.txt"), "must end in .html. Got 'report.txt'"),
        (("--json", "no/where.json"), "The folder of an output file must exist"),
        (("--sensitivity", "95"), "--sensitivity must be a number in (0, 1]. Got '95'. Pass 0.95"),
        (("--specificity", "0"), "--specificity must be a number in (0, 1]. Got '0'."),
        (("--prevalence", "5"), "--prevalence must be a number in (0, 1). Got '5'. Pass 0.05"),
        (("--max-uncertainty", "1"), "--max-uncertainty must be a number in (0, 1)"),
        (("--calibrate", "platt"), "--calibrate must be one of 'sigmoid'"),
        (("--aggregation", "median"), "--aggregation must be one of 'mean'"),
        (("--sensitivity", "0.9", "--specificity", "0.9"), "Got both. Leave one of them out."),
        (("--leakage",), "--leakage compares folds by patient with folds by image. Got no patient"),
        (("--quick", "--html", "r.html"), "--quick only shows a table of the folds. Got --html"),
        (("--quick", "--prevalence", "0.1"), "Got --prevalence too. Leave one of them out."),
        (("--quick", "--subgroup", "scanner"), "Got --subgroup too"),
        (("--quick", "--max-uncertainty", "0.1"), "Got --max-uncertainty too"),
        (("--quick", "--aggregation", "max"), "Got --aggregation too"),
        (("--json", "/proc/r.json"), "must be writable. Got '/proc/r.json'"),
        (("--cv", "missing.csv"), "missing.csv"),
        (("--group-pattern", r"(P\d)", "--folds", "40"), "40 folds"),
    ],
)
def test_evaluate_bad_option_exits_2_with_a_sentence(folder, cellsk, options, words):
    """Before anything trains."""
    done = cellsk("evaluate", folder, *SMALL, *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_evaluate_bad_option_is_found_without_tensorflow(folder):
    """A bad option is found before TensorFlow is loaded."""
    bad = [["--sensitivity", "95"], ["--positive", "tumour"], ["--leakage"]]
    code = (
        "import sys; from cellsk.cli import main;"
        f"codes = [main(['evaluate', {str(folder)!r}, *options]) for options in {bad!r}];"
        "sys.exit(codes != [2, 2, 2] or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_evaluate_leakage_comes_after_what_is_written(evaluated):
    """The files are written before the comparison, and again with it."""
    done, out = evaluated
    lines = done.stderr.splitlines()
    first = lines.index(f"Written: {out / 'report.html'}.")
    again = lines.index(f"Written again, with the new results: {out / 'report.html'}.")
    assert first < lines.index("Evaluating again without patient grouping ...") < again
    assert done.stdout.count("If patients were ignored") == 1
    assert json.loads((out / "report.json").read_text("utf-8"))["leakage"] is not None


def test_evaluate_other_folds_than_the_manifest_are_refused(evaluated, folder, cellsk):
    """--folds must agree with --cv."""
    _, out = evaluated
    done = cellsk("evaluate", folder, "--cv", out / "folds.csv", "--folds", "4")
    assert done.returncode == 2
    assert "must be the number of folds of --cv. Got folds.csv with 2 folds" in done.stderr


def test_count_folds_of_a_manifest(evaluated, capsys):
    """The number of folds comes from the file, and a note shows it."""
    assert count_folds(evaluated[1] / "folds.csv", None) == 2
    assert capsys.readouterr().err == "Folds: the 2 folds of folds.csv.\n"


def test_evaluate_one_split_of_a_csv(evaluated, folder, tmp_path, cellsk):
    """Images without a fold only train; the scores are those of the others."""
    split = tmp_path / "split.csv"
    lines = (evaluated[1] / "folds.csv").read_text("utf-8").splitlines()
    split.write_text("\n".join(line[:-1] if line.endswith(",2") else line for line in lines))
    network = ("--filters", "4", "--epochs", "1", *PATIENT)
    options = (folder, *network, "--cv", split)
    output = tmp_path / "r.json"
    done = cellsk("evaluate", *options, "--no-baselines", "--json", output)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("One split into training and test: that of split.csv.")
    assert "One split: trained on" in done.stdout
    document = json.loads(output.read_text("utf-8"))
    n_trained = sum(line.endswith(",2") for line in lines)
    assert (
        document["cv"]["never_tested"]["n_images"]
        == n_trained
        == 120 - len(document["predictions"]["file"])
    )
    refused = cellsk("evaluate", *options, "--leakage")
    assert "--leakage compares two cross-validations that test every image" in refused.stderr
    quick = cellsk("evaluate", *options, "--quick")
    assert [line.split()[0] for line in quick.stdout.splitlines()] == ["fold", "1"]


@pytest.fixture(scope="module")
def unseen(tmp_path_factory):
    """60 cells of ten other patients, in a folder with a space in its name, and their csv file."""
    place = tmp_path_factory.mktemp("test set")
    drawn = make_cells(
        60, folder=place / "cells", n_patients=10, image_size=(16, 16), difficulty=0, random_state=5
    )
    pairs = zip(drawn.paths, drawn.groups, strict=True)
    rows = [f"{path.rpartition('/')[2]},T{name},new" for path, name in pairs]
    (place / "slides.csv").write_text("\n".join(["file,patient,scanner", *rows]))
    return place / "cells"


def test_evaluate_test_shows_both_parts(folder, unseen, tmp_path, cellsk):
    """Cross-validation first, then the test set with its own patients; files have both."""
    files = [tmp_path / name for name in ("r.html", "r.json", "r.md")]
    done = cellsk(
        *("evaluate", folder, "--test", unseen, *SMALL, "--no-baselines"),
        *("--groups-csv", folder.parent / "slides.csv"),
        *("--test-groups-csv", unseen.parent / "slides.csv", "--subgroup", "scanner"),
        *("--html", files[0], "--json", files[1], "--markdown", files[2]),
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split("\nTest set\n")
    assert "120 images (" in first
    assert "60 images (30 benign, 30 malignant), 10 patients" in second
    assert "The model was trained on 120 images of 12 patients. No image" in second
    assert second.index("95% confidence interval") < second.index("by cross-validation and")
    assert "Test set: 60 images" in done.stderr
    assert f"Written again, with the new results: {files[0]}." in done.stderr
    document = json.loads(files[1].read_text("utf-8"))
    assert document["test"]["report"]["data"]["n_groups"] == 10
    assert "Cross-validation and test set" in files[0].read_text("utf-8")
    assert "## Test set" in files[2].read_text("utf-8")


def test_evaluate_test_that_shares_images_warns(folder, cellsk):
    """The training images themselves are found."""
    done = cellsk(*("evaluate", folder, "--test", folder, *SMALL, *PATIENT, "--no-baselines"))
    assert done.returncode == 0, done.stderr
    assert "120 copies of training images" in done.stderr
    assert "120 copies of training images" in done.stdout


def test_evaluate_bad_test_is_found_before_training(folder, unseen, tmp_path, cellsk):
    """Options without a test set, a missing class name, a damaged file."""
    options = (*SMALL, *PATIENT)
    done = cellsk("evaluate", folder, "--test-labels", "a.csv", *options)
    assert (done.returncode, "--test-labels needs --test" in done.stderr) == (2, True)
    done = cellsk("evaluate", folder, "--test", unseen, "--quick", *options)
    assert "--quick only shows a table of the folds. Got --test too" in done.stderr
    copied = tmp_path / "cells"
    shutil.copytree(unseen, copied)
    sorted(copied.rglob("*.png"))[5].write_bytes(b"no image")
    done = cellsk("evaluate", folder, "--test", copied, *options)
    assert done.returncode == 2
    assert "1 of 60 images cannot be decoded" in done.stderr
    (copied / "benign").rename(copied / "unsure")
    done = cellsk("evaluate", folder, "--test", copied, *options)
    assert (done.returncode, "unsure" in done.stderr, done.stdout) == (2, True, "")


@pytest.fixture
def damaged(folder, tmp_path):
    """The folder, with two files that cannot be read, far apart."""
    copied = tmp_path / "cells"
    shutil.copytree(folder, copied)
    images = sorted(copied.rglob("*.png"))
    for row in (3, 110):
        images[row].write_bytes(b"no image")
    return copied


def test_evaluate_unreadable_files_are_found_before_training(damaged, cellsk):
    """They are counted over all images, and the message names the option that leaves them out."""
    done = cellsk("evaluate", damaged, *SMALL, *PATIENT)
    assert done.returncode == 2
    assert "2 of 120 images cannot be decoded" in done.stderr
    assert "--skip-unreadable" in done.stderr
    assert "list_images" not in done.stderr
    assert "fold" not in done.stderr


def test_evaluate_image_of_another_size_is_found_before_training(folder, tmp_path, cellsk):
    """The message names the option that resizes the images."""
    copied = tmp_path / "cells"
    shutil.copytree(folder, copied)
    odd = sorted(copied.rglob("*.png"))[-1]
    Image.new("RGB", (20, 20)).save(odd)
    done = cellsk("evaluate", copied, *SMALL, *PATIENT)
    assert done.returncode == 2
    assert "1 of 120 images of another size" in done.stderr
    assert "Pass --image-size 16x16, or another size" in done.stderr


def test_evaluate_skip_unreadable_is_in_the_report(damaged, tmp_path, cellsk):
    """The report names the files that were left out, and why."""
    output = tmp_path / "report.json"
    done = cellsk("evaluate", damaged, *SMALL, *PATIENT, "--skip-unreadable", "--json", output)
    assert done.returncode == 0, done.stderr
    left_out = json.loads(output.read_text("utf-8"))["left_out"]
    assert len(left_out) == 2
    assert "attribute" not in done.stderr
    assert "cellsk audit lists all of them" in done.stderr


def test_evaluate_of_few_warns_once_without_python(tmp_path, cellsk):
    """Each warning is on stderr once, and not again in the summary; so is that of a weak model."""
    make_cells(24, folder=tmp_path / "few", n_patients=4, image_size=(16, 16), random_state=0)
    done = cellsk("evaluate", tmp_path / "few", *SMALL, *PATIENT)
    assert done.returncode == 0, done.stderr
    warned = [line for line in done.stderr.splitlines() if "warning" in line]
    assert [line.split()[2] for line in warned] == ["Intervals", "Early", "A"]
    assert "'benign'" in warned[1]
    assert "Train for more --epochs" in warned[2]
    assert done.stdout.splitlines()[4].startswith("A random forest on color and texture")
    assert "validation_fraction" not in done.stderr
    assert "!" not in done.stdout


def test_summary_keeps_warnings_that_were_not_shown(capsys, monkeypatch):
    """A warning that was raised where nobody shows it is in the summary."""
    shown = ShownWarnings()
    assert shown.add(SplitWarning("A rule", "1", code="few-patients"))
    assert not shown.add(SplitWarning("A rule", "2", code="few-patients"))
    warnings = [{"code": "few-patients", "text": "2"}, {"code": "other", "text": "Other."}]
    monkeypatch.setattr("cellsk.report.render_terminal", lambda document: str(document["warnings"]))
    print_summary(SimpleNamespace(document={"warnings": warnings}), shown)
    assert capsys.readouterr().out == "[{'code': 'other', 'text': 'Other.'}]\n"
