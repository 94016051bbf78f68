"""Checks of arguments, and the words of their errors."""

import numpy as np
import pytest

from cellsk._checks import (
    check_count,
    check_image_size,
    check_number,
    check_option,
    check_value_range,
    count_noun,
    join_words,
    name_failures,
    name_some,
    pick_form,
    show_value,
)
from cellsk.exceptions import InputError, InputTypeError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.str_("a"), "'a'"),
        (np.float32(0.5), "0.5"),
        (np.array(3), "3"),
        ("a", "'a'"),
        ([1, 2], "[1, 2]"),
        (None, "None"),
    ],
)
def test_value_is_shown_without_the_name_of_a_numpy_type(value, shown):
    """A NumPy scalar looks like the Python value."""
    assert show_value(value) == shown


def test_counts_and_names_are_words():
    """Nouns and verbs agree with their count, and long lists are shortened."""
    assert [count_noun(n, "image") for n in (0, 1, 1200)] == ["0 images", "1 image", "1,200 images"]
    assert count_noun(2, "class", "classes") == "2 classes"
    assert [join_words(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert [pick_form(n, "is", "are") for n in (0, 1, 2)] == ["are", "is", "are"]
    assert name_some([np.str_("a"), 2, "c", "d", "e"]) == "'a', '2', 'c' and 2 more"
    assert name_failures([("a.png", "empty")] * 2, limit=1) == "'a.png' (empty) and 1 more"


@pytest.mark.parametrize(
    ("check", "arguments", "error", "words"),
    [
        (check_count, (np.int64(0),), InputError, "x must be a whole number of at least 1. Got 0."),
        (check_count, (np.float64(2),), InputTypeError, "Got 2.0."),
        (check_number, (True,), InputTypeError, "Got True."),
        (check_option, (np.str_("c"), ("a", "b")), InputError, "one of 'a', 'b'. Got 'c'."),
        (check_option, (True, (1, 3)), InputError, "one of 1, 3. Got True."),
        (check_option, (np.bool_(True), (1, 3)), InputError, "one of 1, 3. Got True."),
        (check_option, (np.array([1, 3]), (1, 3)), InputError, "one of 1, 3. Got array([1, 3])."),
        (check_image_size, ((0, 64),), InputError, "(height, width), in pixels. Got (0, 64)."),
        (check_value_range, ((2, 1),), InputError, "the lower first. Got (2, 1)."),
    ],
)
def test_wrong_value_is_named(check, arguments, error, words):
    """The error has the parameter, the rule and the value."""
    with pytest.raises(error) as caught:
        check("x", *arguments)
    assert caught.value.parameter == "x"
    assert words in str(caught.value)


def test_option_is_returned_as_it_is_listed():
    """NumPy scalars and whole floats equal an option. True and 1 are not the same."""
    assert type(check_option("x", np.int64(3), (1, 3))) is int
    assert type(check_option("x", 3.0, (1, 3))) is int
    assert check_option("x", np.bool_(True), (True, False)) is True
    assert type(check_option("x", np.str_("a"), ("a", "b"))) is str
