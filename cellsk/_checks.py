"""Checks of arguments, and counts and lists of names for messages."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from cellsk.exceptions import InputError, InputTypeError


def check_count(name: str, value: Any, *, minimum: int = 1, unit: str = "") -> int:
    """Return ``value`` as an int of at least ``minimum``, or raise.

    Raises
    ------
    TypeError, ValueError
        When it is not a whole number, or too small.
    """
    rule = f"must be a whole number of at least {minimum}{unit and ', in ' + unit}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputTypeError(rule, repr(value), parameter=name)
    if value < minimum:
        raise InputError(rule, repr(value), parameter=name)
    return int(value)


def check_number(
    name: str,
    value: Any,
    *,
    low: float = float("-inf"),
    high: float = float("inf"),
    closed: str = "neither",
) -> float:
    """Return ``value`` as a float between ``low`` and ``high``, or raise.

    ``closed`` says which ends belong to it: "both", "left", "right" or "neither".

    Raises
    ------
    TypeError, ValueError
        When it is not a number, or out of range.
    """
    left, right = closed in ("both", "left"), closed in ("both", "right")
    rule = f"must be a number in {'[' if left else '('}{low:g}, {high:g}{')]'[right]}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(rule, repr(value), parameter=name)
    number = float(value)
    above = number >= low if left else number > low
    below = number <= high if right else number < high
    if not (above and below):
        raise InputError(rule, repr(value), parameter=name)
    return number


def check_option(name: str, value: Any, options: Sequence[Any]) -> Any:
    """Return ``value`` if it is one of ``options``, or raise.

    Raises
    ------
    ValueError
        When it is not one of them.
    """
    if not any(value is option or value == option for option in options):
        listed = ", ".join(repr(option) for option in options)
        raise InputError(f"must be one of {listed}", repr(value), parameter=name)
    return value


def check_image_size(name: str, value: Any) -> tuple[int, int]:
    """Return ``value`` as (height, width) in pixels, or raise.

    Raises
    ------
    ValueError
        When it is not two positive whole numbers.
    """
    try:
        height, width = value
        return check_count(name, height), check_count(name, width)
    except (TypeError, ValueError):
        raise InputError(
            "must be two positive integers (height, width), in pixels", repr(value), parameter=name
        ) from None


def count_noun(count: int, noun: str, plural: str = "") -> str:
    """Return count and noun for a sentence: ``"1 image"``, ``"1,200 images"``, ``"2 classes"``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def join_words(words: Sequence[str]) -> str:
    """Return words for a sentence: ``"a, b and c"``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def name_some(names: Sequence[object], limit: int = 3) -> str:
    """Return the first few names for a sentence: ``"'a', 'b', 'c' and 4 more"``."""
    return _list_some([repr(str(name)) for name in names[:limit]], len(names))


def name_failures(failures: Sequence[tuple[str, str]], limit: int = 3) -> str:
    """Return the first few for a sentence: ``"'a.png' (file is empty) and 2 more"``."""
    listed = [f"{str(name)!r} ({reason})" for name, reason in failures[:limit]]
    return _list_some(listed, len(failures))


def _list_some(listed: Sequence[str], total: int) -> str:
    left = total - len(listed)
    return ", ".join(listed) + (f" and {left:,} more" if left > 0 else "")


def check_value_range(name: str, value: Any) -> tuple[float, float]:
    """Return ``value`` as (low, high), finite and in this order, or raise.

    Raises
    ------
    ValueError
        When it is not two such numbers.
    """
    try:
        low, high = value
        checked = check_number(name, low), check_number(name, high)
        if checked[0] < checked[1]:
            return checked
    except (TypeError, ValueError):
        pass
    raise InputError(
        "must be two numbers (low, high), the lower first", repr(value), parameter=name
    )
