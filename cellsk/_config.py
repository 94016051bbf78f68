"""Environment switches: the one table of every ``CELLSK_`` variable."""

from __future__ import annotations

import os
from typing import NamedTuple

from cellsk.exceptions import InputError

__all__ = ["SWITCHES", "Switch", "is_on", "read_switch", "read_threads"]


class Switch(NamedTuple):
    """The values of a variable, the first of which is the default, and what it does."""

    values: tuple[str, ...]
    meaning: str


_ON_OFF = ("on", "off")
SWITCHES = {
    "CELLSK_CACHE": Switch(_ON_OFF, "off embeds images each time, whatever cache is given"),
    "CELLSK_FAST": Switch(_ON_OFF, "off trains by Keras' own step, in float32"),
    "CELLSK_ONNX": Switch(_ON_OFF, "off predicts with TensorFlow, even if ONNX Runtime is there"),
    "CELLSK_PRECISION": Switch(
        ("auto", "float32", "bfloat16"), "precision of training where precision='auto'"
    ),
    "CELLSK_STORE": Switch(_ON_OFF, "off decodes images each time, whatever store is given"),
    "CELLSK_THREADS": Switch((), "number of threads that TensorFlow uses in each process"),
}


def read_switch(name: str) -> str:
    """Return the value of a switch, or its default if the variable is empty or not set.

    Raises
    ------
    InputError
        When it has a value that is not in the table.
    """
    values = SWITCHES[name].values
    value = os.environ.get(name) or values[0]
    if value not in values:
        listed = ", ".join(map(repr, values))
        raise InputError(f"must be one of {listed}, or not set", f"{value!r}", parameter=name)
    return value


def is_on(name: str) -> bool:
    """Return whether a switch is on.

    Raises
    ------
    InputError
        When it is set to something else than "on" or "off".
    """
    return read_switch(name) == "on"


def read_threads() -> int | None:
    """Return how many threads TensorFlow shall use, or None if that is not set.

    Raises
    ------
    InputError
        When it is not a positive whole number.
    """
    value = os.environ.get("CELLSK_THREADS")
    if not value:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise InputError(
            "must be a positive whole number", f"{value!r}", parameter="CELLSK_THREADS"
        )
    return int(value)
