"""The help of the commands: groups of options, defaults in one form, and 80 columns."""

import re

import pytest
from typer.main import get_command

from cellsk.cli._main import app

COMMANDS = ("demo", "audit", "evaluate", "search", "train", "test", "predict", "explain")
GROUPS = ["Data", "Patients", "Cross-validation", "Predictions", "Scores", "Network", "Output"]


def read_sections(text):
    """Return the text of each section by its title."""
    parts = re.split(r"^(\S[\w-]+):\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_groups_in_one_order_and_80_columns(cellsk, command, monkeypatch):
    """Each group has one place in all commands, and no line is longer than a terminal."""
    monkeypatch.setenv("COLUMNS", "80")
    done = cellsk(command, "--help")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.isascii()
    titles = [title for title in read_sections(done.stdout) if title != "Arguments"]
    assert titles == [title for title in GROUPS if title in titles] + ["General"]


def test_help_shows_each_default_in_one_form(cellsk):
    """Defaults are in brackets at the end of a text, and short ones on one line."""
    network = read_sections(cellsk("train", "--help").stdout)["Network"]
    defaults = ["not resized", "as they are", "seed", "by architecture", "auto", "30", "32"]
    assert re.findall(r"\[default: (.+?)\]", network) == defaults
    text = cellsk("evaluate", "--help").stdout
    assert text.count("default") == text.count("[default: ")
    for value in ("5", "mean", "--baselines", "200", "0"):
        assert f"[default: {value}]" in text
    assert "--[no-]baselines " in text
    assert "<" not in text  # no types of Python


def test_help_in_a_narrow_terminal_breaks_lines_between_words(cellsk, monkeypatch):
    """A default that is wider than its column is broken as any text."""
    monkeypatch.setenv("COLUMNS", "60")
    text = cellsk("train", "--help").stdout
    assert max(map(len, text.splitlines())) <= 60
    assert "[default: by its name, such as label]" in " ".join(text.split())


def test_help_texts_are_one_short_sentence():
    """Details are in the documentation."""
    for command in get_command(app).commands.values():
        for param in command.params:
            longest = 125 if param.param_type_name == "option" else 160
            assert len(param.help) <= longest, param.help
            assert re.fullmatch(r"[A-Z].+\.", param.help), param.help


def test_help_lists_the_choices_of_an_option(cellsk):
    """The names are those of the library."""
    from cellsk import neural_network
    from cellsk.cli._evaluate import CALIBRATIONS
    from cellsk.cli._options import AGGREGATIONS
    from cellsk.cli._search import SCORINGS
    from cellsk.cli._values import MAX_FILTERS
    from cellsk.model_selection import SEARCH_SCORES
    from cellsk.report import _inputs as library

    assert SCORINGS == SEARCH_SCORES
    assert (None, *CALIBRATIONS) == library.CALIBRATIONS
    assert AGGREGATIONS == library.AGGREGATIONS
    assert neural_network.MAX_FILTERS == MAX_FILTERS
    text = " ".join(cellsk("evaluate", "--help").stdout.split())
    assert ": sigmoid, isotonic or temperature." in text
    assert ": mean, max or vote. [default: mean]" in text
    assert all(name in cellsk("search", "--help").stdout for name in SCORINGS)


HUGE = "1000000000000000000"
BOUNDS = {
    ("train", "--epochs"): "must be a whole number from 1 to 100,000",
    ("search", "--batch-size"): "must be a whole number from 1 to 100,000",
    ("evaluate", "--folds"): "must be a whole number from 2 to 10,000",
    ("search", "--folds"): "must be a whole number from 2 to 10,000",
    ("train", "--filters"): "must be whole numbers from 1 to 10,000, separated by commas",
    ("search", "--filters"): "must be whole numbers from 1 to 10,000, separated by commas",
    ("evaluate", "--image-size"): "must be pixels, from 1 to 9999",
    ("train", "--seed"): "must be a whole number from 0 to 4,294,967,295",
    ("test", "--max-pictures"): "must be a whole number from 0 to 100,000",
    ("audit", "--jobs"): "must be -1, or a whole number from 1 to 1,000",
}
WRONG = ["-2", f"-{HUGE}", "9" * 5000, "1e3", "1_0", "x", "", "½"]


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [(*names, HUGE) for names in BOUNDS]
    + [("train", "--epochs", value) for value in (*WRONG, "0")]
    + [("train", "--filters", value) for value in (*WRONG, "0", "8,,8")]
    + [("audit", "--jobs", value) for value in ("0", "9" * 5000)],
)
def test_number_out_of_bounds_is_refused(cellsk, command, option, value):
    """The error has the rule and a short value, before the folder is read."""
    model = ["model.cellsk"] if command == "test" else []
    done = cellsk(command, *model, "nowhere", f"{option}={value}")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"cellsk: {option} {BOUNDS[command, option]}")
    assert "Got '" in line
    assert len(line) < 200


@pytest.mark.parametrize("command", ["train", "evaluate", "search"])
def test_network_too_large_for_the_image_size_is_refused_before_reading(
    cellsk, folder, command, tmp_path
):
    """Images of 9999 x 9999 pixels would first fill the disk."""
    store = tmp_path / "store"
    done = cellsk(command, folder, "--image-size", "9999", "--filters", "32,64", "--store", store)
    assert done.returncode == 2
    assert "must have at most 2,147,483,647 weights" in done.stderr
    assert "Pass a smaller --image-size" in done.stderr
    assert not store.exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [("--prevalence", value) for value in ("80", "1.5", "0", "-0.5", "nan", "inf", "half", "")]
    + [("--sensitivity", "80"), ("--specificity", "0"), ("--max-uncertainty", "1")],
)
def test_fraction_out_of_bounds_is_refused(cellsk, option, value):
    """A percentage gets its fraction as a remedy."""
    done = cellsk("evaluate", "nowhere", f"{option}={value}")
    assert done.returncode == 2
    assert f"cellsk: {option} must be a number in (0, 1" in done.stderr
    assert f"Got '{value}'." in done.stderr
    assert ("Pass 0.8 for 80%." in done.stderr) == (value == "80")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("evaluate", "--calibrate"),
        ("test", "--aggregation"),
        ("search", "--scoring"),
        ("train", "--augmentation"),
        ("search", "--augmentation"),
    ],
)
def test_unknown_choice_is_refused(cellsk, command, option):
    """The error lists the choices."""
    model = ["model.cellsk"] if command == "test" else []
    done = cellsk(command, *model, "nowhere", option, "best")
    assert done.returncode == 2
    assert f"cellsk: {option} must be one of '" in done.stderr
    assert "Got 'best'." in done.stderr


def test_augmentations_are_those_of_the_classifier():
    """The command line lists them without importing the networks."""
    from cellsk.cli._options import AUGMENTATIONS, NO_AUGMENTATION
    from cellsk.neural_network import AUGMENTATIONS as KNOWN

    assert list(AUGMENTATIONS) == ["auto", NO_AUGMENTATION, *KNOWN]
