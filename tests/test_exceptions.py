"""Errors and warnings as data: rule, got, remedy, parameter and code."""

import copy
import pickle
import warnings

import pytest

from cellsk import exceptions
from cellsk._checks import check_count, check_option
from cellsk._config import SWITCHES, read_switch
from cellsk.exceptions import ImageReadError, InputError, InputTypeError, SplitWarning

KINDS = [
    value
    for name, value in vars(exceptions).items()
    if name in exceptions.__all__ and issubclass(value, exceptions.Explained)
]


def make(kind):
    """Return one with every field set."""
    return kind(
        "must be at least 2",
        "1",
        "Pass n_splits=2.",
        parameter="n_splits",
        code="too-few-folds",
        values={"at_least": 2},
    )


@pytest.mark.parametrize("kind", KINDS)
def test_explained_words_are_made_from_its_fields(kind):
    """str() is for Python; explain() uses the words of another reader."""
    made = make(kind)
    assert str(made) == "n_splits must be at least 2. Got 1. Pass n_splits=2."
    assert made.rule == "n_splits must be at least 2"
    options = made.explain(parameter="--folds", remedy="Pass --folds 2.")
    assert options == "--folds must be at least 2. Got 1. Pass --folds 2."


@pytest.mark.parametrize("kind", KINDS)
def test_explained_copied_or_pickled_keeps_its_fields(kind):
    """Workers send errors and warnings to the process that waits for them."""
    made = make(kind)
    for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert type(other) is kind
        assert str(other) == str(made)
        assert vars(other) == vars(made)


def test_image_read_error_pickled_keeps_its_failures():
    """The list of failures is more than the message names."""
    error = ImageReadError("2 of 3 images cannot be decoded", failures=[("a.png", "empty")])
    assert pickle.loads(pickle.dumps(error)).failures == [("a.png", "empty")]


def test_input_errors_are_the_builtin_errors_that_callers_expect():
    """Code that catches ValueError or TypeError goes on to work."""
    assert issubclass(InputError, ValueError)
    assert issubclass(InputTypeError, TypeError)
    assert issubclass(exceptions.CellskWarning, UserWarning)


def test_check_names_the_parameter_as_data():
    """A check knows which parameter it is about."""
    with pytest.raises(ValueError, match=r"^epochs must be a whole number of at least 1") as low:
        check_count("epochs", 0)
    assert low.value.parameter == "epochs"
    with pytest.raises(ValueError, match=r"must be one of 'a', 'b'\. Got 'c'\.$") as other:
        check_option("kind", "c", ("a", "b"))
    assert other.value.got == "'c'"


def test_warning_given_as_an_instance_keeps_its_code():
    """warnings.warn hands the instance on to whoever records it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn(make(SplitWarning), stacklevel=1)
    assert caught[0].message.code == "too-few-folds"


@pytest.mark.parametrize("name", [name for name, switch in SWITCHES.items() if switch.values])
def test_switch_with_another_value_is_refused(name, monkeypatch):
    """A misspelled switch is an error; an empty one is the default."""
    monkeypatch.setenv(name, "")
    assert read_switch(name) == SWITCHES[name].values[0]
    monkeypatch.setenv(name, "maybe")
    with pytest.raises(ValueError, match=rf"{name} must be one of .* or not set\. Got 'maybe'"):
        read_switch(name)
