"""Formats of values: numbers, intervals, shares, durations and class names."""

from __future__ import annotations

import math

from cellsk.report.document import Interval, Number, SearchInterval

__all__ = [
    "name_class",
    "name_level",
    "write_count_in_100",
    "write_duration",
    "write_interval",
    "write_number",
    "write_range",
    "write_share",
]

UNDEFINED = "not defined"


def name_class(name: str) -> str:
    """Return the name of a class for a sentence, in which a bare number would be misread.

    Examples
    --------
    >>> from cellsk.report.words import name_class
    >>> name_class("benign"), name_class("1")
    ('benign', 'class 1')
    """
    return name if any(letter.isalpha() for letter in name) else f"class {name}"


def name_level(interval: Interval | SearchInterval) -> str:
    """Return the name of an interval: ``"95% confidence interval"``."""
    return f"{100 * interval['level']:g}% confidence interval"


def write_number(value: float | None, digits: int = 3) -> str:
    """Return a value: ``"0.871"``, or ``"not defined"``.

    Examples
    --------
    >>> from cellsk.report.words import write_number
    >>> write_number(0.8714), write_number(0.8714, 2), write_number(None)
    ('0.871', '0.87', 'not defined')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}")


def write_interval(number: Number, digits: int = 3) -> str:
    """Return the interval of a number: ``"0.80 to 0.92"``, or ``"no interval"``."""
    low, high = number["low"], number["high"]
    if low is None or high is None:
        return "no interval"
    return f"{write_number(low, digits)} to {write_number(high, digits)}"


def write_range(number: Number, digits: int = 3) -> str:
    """Return a value with its interval, if it has one: ``"0.871 (0.802 to 0.921)"``."""
    if number["low"] is None or number["high"] is None:
        return write_number(number["value"], digits)
    note = f", {number['note']}" if "note" in number else ""
    return f"{write_number(number['value'], digits)} ({write_interval(number, digits)}{note})"


def write_share(value: float | None) -> str:
    """Return a share as a whole percentage. Only 0 is written as 0%, and only 1 as 100%.

    Examples
    --------
    >>> from cellsk.report.words import write_share
    >>> write_share(0.256), write_share(0.9996), write_share(0.0), write_share(None)
    ('26%', '>99%', '0%', 'not defined')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if 0 < value < 0.01:
        return "<1%"
    if 0.99 < value < 1:
        return ">99%"
    return f"{100 * value:.0f}%"


def write_count_in_100(number: Number | None) -> str:
    """Return a share as a count in 100: ``"87 (80 to 92)"``, or "" if it is not defined."""
    if number is None or number["value"] is None:
        return ""
    if number["low"] is None or number["high"] is None:
        return _round_to_100(number["value"])
    note = ", exact" if "note" in number else ""
    low, high = _round_to_100(number["low"]), _round_to_100(number["high"])
    return f"{_round_to_100(number['value'])} ({low} to {high}{note})"


def _round_to_100(share: float) -> str:
    """Round as the cards of the page do: 0.925 is 93 where the card shows 0.93."""
    return f"{100 * float(f'{share:.2f}'):.0f}"


def write_duration(seconds: float | None) -> str:
    """Return a duration: ``"0.4 s"``, ``"12 s"``, ``"3 min 20 s"``, ``"2 h 5 min"``.

    Examples
    --------
    >>> from cellsk.report.words import write_duration
    >>> write_duration(0.42), write_duration(200), write_duration(7500)
    ('0.4 s', '3 min 20 s', '2 h 5 min')
    """
    if seconds is None:
        return "not measured"
    if seconds < 0.1:
        return "<0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
