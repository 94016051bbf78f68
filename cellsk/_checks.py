"""Checks of arguments, and helpers that put counts, values and names into messages."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from cellsk.exceptions import InputError, InputTypeError


def check_count(
    name: str, value: Any, *, minimum: int = 1, maximum: int | None = None, unit: str = ""
) -> int:
    """Return ``value`` as an int from ``minimum`` to ``maximum``, if there is one, or raise.

    Raises
    ------
    TypeError, ValueError
        If it is not a whole number, or is too small or too large.
    """
    bounds = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum:,}"
    rule = f"must be a whole number {bounds}{unit and ', in ' + unit}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputTypeError(rule, show_value(value), parameter=name)
    count = int(value)
    if count < minimum or (maximum is not None and count > maximum):
        raise InputError(rule, show_value(value), parameter=name)
    return count


def check_number(
    name: str,
    value: Any,
    *,
    low: float = float("-inf"),
    high: float = float("inf"),
    closed: str = "neither",
) -> float:
    """Return ``value`` as a float between ``low`` and ``high``, or raise.

    ``closed`` names the ends that are allowed: "both", "left", "right" or "neither".

    Raises
    ------
    TypeError, ValueError
        If it is not a number, or is out of range.
    """
    left, right = closed in ("both", "left"), closed in ("both", "right")
    rule = f"must be a number in {'[' if left else '('}{low:g}, {high:g}{')]'[right]}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(rule, show_value(value), parameter=name)
    number = float(value)
    above = number >= low if left else number > low
    below = number <= high if right else number < high
    if not (above and below):
        raise InputError(rule, show_value(value), parameter=name)
    return number


def check_option(name: str, value: Any, options: Sequence[Any]) -> Any:
    """Return the one of ``options`` that equals ``value``, or raise. True is not 1.

    Raises
    ------
    ValueError
        If it is not one of them.
    """
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    is_bool = isinstance(value, bool) or kind == "b"
    for option in options:
        is_same_kind = is_bool == isinstance(option, bool) and getattr(value, "ndim", 0) == 0
        if value is option or (is_same_kind and value == option):
            return option
    listed = ", ".join(map(show_value, options))
    raise InputError(f"must be one of {listed}", show_value(value), parameter=name)


def check_image_size(name: str, value: Any) -> tuple[int, int]:
    """Return ``value`` as (height, width) in pixels, or raise.

    Raises
    ------
    ValueError
        If it is not two positive whole numbers.
    """
    try:
        height, width = value
        return check_count(name, height), check_count(name, width)
    except (TypeError, ValueError):
        raise InputError(
            "must be two positive integers (height, width), in pixels",
            show_value(value),
            parameter=name,
        ) from None


def check_value_range(name: str, value: Any) -> tuple[float, float]:
    """Return ``value`` as (low, high), finite and the lower first, or raise.

    Raises
    ------
    ValueError
        If it is not two such numbers.
    """
    try:
        low, high = value
        checked = check_number(name, low), check_number(name, high)
        if checked[0] < checked[1]:
            return checked
    except (TypeError, ValueError):
        pass
    raise InputError(
        "must be two numbers (low, high), the lower first", show_value(value), parameter=name
    )


def show_value(value: Any) -> str:
    """Return a value as Python writes it: a NumPy scalar without the name of its type."""
    is_scalar = getattr(value, "ndim", None) == 0 and hasattr(value, "item")
    try:
        return repr(value.item() if is_scalar else value)
    except ValueError:  # Python does not write whole numbers of more than 4,300 digits
        return "a number of thousands of digits"


def count_noun(count: int, noun: str, plural: str = "") -> str:
    """Return a count and its noun: ``"1 image"``, ``"1,200 images"``, ``"2 classes"``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def pick_form(count: int, singular: str, plural: str) -> str:
    """Return the form of a word that agrees with ``count``: ``"is"`` or ``"are"``."""
    return singular if count == 1 else plural


def join_words(words: Sequence[str]) -> str:
    """Return words for a sentence: ``"a, b and c"``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def name_some(names: Sequence[object], limit: int = 3) -> str:
    """Return the first few names: ``"'a', 'b', 'c' and 4 more"``."""
    return list_some([repr(str(name)) for name in names[:limit]], len(names))


def name_failures(failures: Sequence[tuple[str, str]], limit: int = 3) -> str:
    """Return the first few failures: ``"'a.png' (file is empty) and 2 more"``."""
    listed = [f"{str(name)!r} ({reason})" for name, reason in failures[:limit]]
    return list_some(listed, len(failures))


def list_some(listed: Sequence[str], total: int) -> str:
    """Return the texts listed, and how many of ``total`` are left: ``"a, b and 4 more"``."""
    left = total - len(listed)
    return ", ".join(listed) + (f" and {left:,} more" if left > 0 else "")
