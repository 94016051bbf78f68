"""In what precision a network is trained: bfloat16 where the hardware computes in it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from cellsk._checks import check_option, check_switch

__all__ = ["FAST", "PRECISIONS", "check_precision", "choose_precision"]

PRECISIONS = ("auto", "float32", "bfloat16")
VARIABLE = "CELLSK_PRECISION"  # what "auto" means, where it is set
FAST = "CELLSK_FAST"  # "off" trains as Keras does, which computes in float32

CPU_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
CPU_INFO = Path("/proc/cpuinfo")
# The first GPUs that multiply bfloat16 are NVIDIA's of compute capability 8.
GPU_CAPABILITY = (8, 0)


def check_precision(precision: Any) -> str:
    """Return the precision, one of ``PRECISIONS``, or raise.

    Raises
    ------
    ValueError
        When it is another, or the environment's is.
    """
    check_option("precision", precision, PRECISIONS)
    if precision != "auto":
        return str(precision)
    return str(check_option(VARIABLE, os.environ.get(VARIABLE) or "auto", PRECISIONS))


def choose_precision(precision: str) -> str:
    """Return "float32" or "bfloat16": for "auto", what this machine computes faster in.

    Raises
    ------
    ValueError
        When it is not known, or cannot be had.
    """
    chosen = check_precision(precision)
    if not check_switch(FAST):
        if chosen == "bfloat16":
            raise ValueError(
                f"precision must be 'auto' or 'float32' where {FAST} is 'off'. Got 'bfloat16'. "
                f"Set {FAST} to 'on'."
            )
        return "float32"
    if chosen != "auto":
        return chosen
    return "bfloat16" if _computes_in_bfloat16() else "float32"


@cache
def _computes_in_bfloat16() -> bool:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return not CPU_FLAGS.isdisjoint(_cpu_flags())
    details = tf.config.experimental.get_device_details(gpus[0])
    return tuple(details.get("compute_capability", (0, 0))) >= GPU_CAPABILITY


def _cpu_flags() -> frozenset[str]:
    """The instruction sets of the CPU, as Linux names them; elsewhere none."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2].split() for line in lines if line.startswith("flags"))
    return frozenset(next(found, []))
