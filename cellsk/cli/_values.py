"""Parsers and checks of the values of options and arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from cellsk._checks import check_number, check_option
from cellsk._files import STANDARD_OUTPUT
from cellsk.exceptions import InputError

__all__ = [
    "MAX_FILTERS",
    "check_store",
    "make_choice_parser",
    "make_choices_parser",
    "make_count_parser",
    "make_fraction_parser",
    "parse_filters",
    "parse_groups",
    "parse_output",
    "parse_size",
]

MAX_FILTERS = 10_000  # as in cellsk.neural_network, which takes a second to import
_MAX_SHOWN = 40  # characters of a wrong value


def make_count_parser(low: int, high: int, *, also: int | None = None) -> Callable[..., int | None]:
    """Return a callback that turns a text into a whole number from ``low`` to ``high``.

    ``also`` is one more number that is allowed.
    """
    rule = f"must be a whole number from {low} to {high:,}"
    if also is not None:
        rule = f"must be {also}, or a whole number from {low} to {high:,}"

    def parse(param: typer.CallbackParam, value: str | None) -> int | None:
        if value is None:
            return None
        digits = re.fullmatch(r"\s*([+-]?\d{1,18})\s*", value, re.ASCII)
        number = None if digits is None else int(digits[1])
        if number is None or not (low <= number <= high or number == also):
            raise InputError(rule, _show(value), parameter=_name_option(param))
        return number

    return parse


def make_fraction_parser(*, include_one: bool) -> Callable[..., float | None]:
    """Return a callback that turns a text into a fraction in (0, 1), or in (0, 1]."""

    def parse(param: typer.CallbackParam, value: str | None) -> float | None:
        if value is None:
            return None
        name, closed = _name_option(param), "right" if include_one else "neither"
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        try:
            return check_number(name, number, low=0, high=1, closed=closed)
        except InputError as error:
            remedy = f"Pass {number / 100:g} for {number:g}%." if 1 < number < 100 else ""
            raise InputError(error.rule, _show(value), remedy) from None

    return parse


def make_choice_parser(choices: Sequence[str]) -> Callable[..., str | None]:
    """Return a callback that accepts one of the words in ``choices``."""

    def parse(param: typer.CallbackParam, value: str | None) -> str | None:
        return None if value is None else str(check_option(_name_option(param), value, choices))

    return parse


def make_choices_parser(choices: Sequence[str]) -> Callable[..., list[str]]:
    """Return a callback that accepts several of the words in ``choices``, each kept once."""

    def parse(param: typer.CallbackParam, values: Sequence[str]) -> list[str]:
        name = _name_option(param)
        return list(dict.fromkeys(str(check_option(name, one, choices)) for one in values))

    return parse


def _name_option(param: typer.CallbackParam) -> str:
    return max(param.opts, key=len)


def _show(value: str) -> str:
    return repr(value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}...")


def check_store(value: Path | None) -> Path | None:
    """Return the path of a folder that exists or can be made, or raise.

    Raises
    ------
    InputError
        When it is a file.
    """
    if value is not None and value.exists() and not value.is_dir():
        raise InputError(
            "must be a folder", f"the file {str(value)!r}", "Name another.", parameter="--store"
        )
    return value


def parse_output(value: Path | None) -> Path | None:
    """Return the file to write. ``-`` is standard output."""
    return STANDARD_OUTPUT if value is not None and str(value) == "-" else value


def parse_filters(text: str | None) -> tuple[int, ...] | str:
    """Return ``"16,32"`` as (16, 32), or raise. None is "auto".

    Raises
    ------
    InputError
        When the text is not whole numbers separated by commas, or one of them is too large.
    """
    if text is None:
        return "auto"
    parts = [re.fullmatch(r"\s*0*(\d*?)\s*", part, re.ASCII) for part in text.split(",")]
    counts = [0 if part is None else int(part[1][:18] or 0) for part in parts]
    if min(counts) < 1 or max(counts) > MAX_FILTERS:
        raise InputError(
            f"must be whole numbers from 1 to {MAX_FILTERS:,}, separated by commas, such as 32,64",
            _show(text),
            parameter="--filters",
        )
    return tuple(counts)


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return ``"96"`` or ``"96x96"`` as (96, 96), or raise.

    Raises
    ------
    InputError
        When the text is neither of the two.
    """
    if text is None:
        return None
    sizes = re.fullmatch(r"(\d{1,4})(?:[x,](\d{1,4}))?", text.strip().lower(), re.ASCII)
    if sizes is None or 0 in (height := int(sizes[1]), width := int(sizes[2] or sizes[1])):
        raise InputError(
            "must be pixels, from 1 to 9999: 96, or 96x128 for height x width",
            _show(text),
            parameter="--image-size",
        )
    return height, width


def parse_groups(text: str | None) -> int | str | None:
    """Return the level of a folder as int, or the name of a column as str."""
    if text is None:
        return None
    return int(text) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text, re.ASCII) else text
