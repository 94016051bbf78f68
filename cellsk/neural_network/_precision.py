"""In what precision a network is trained: bfloat16 where the hardware computes in it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellsk._checks import check_option
from cellsk._config import is_on, read_switch
from cellsk.exceptions import InputError
from cellsk.neural_network._fast_step import can_speed_up

if TYPE_CHECKING:
    import keras

__all__ = ["FAST", "PRECISIONS", "check_precision", "choose_precision"]

PRECISIONS = ("auto", "float32", "bfloat16")
FAST = "CELLSK_FAST"

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
    return read_switch("CELLSK_PRECISION")


def choose_precision(precision: str, network: keras.Model) -> str:
    """Return "float32" or "bfloat16": for "auto", what this machine computes faster in.

    Only the fast step multiplies in bfloat16. A network that it does not cover trains in float32.

    Raises
    ------
    ValueError
        When it is not known, or cannot be had.
    """
    chosen = check_precision(precision)
    if not is_on(FAST):
        if chosen == "bfloat16":
            raise InputError(
                f"must be 'auto' or 'float32' if {FAST} is 'off'",
                "'bfloat16'",
                f"Set {FAST} to 'on'.",
                parameter="precision",
            )
        return "float32"
    if not can_speed_up(network):
        if chosen == "bfloat16":
            raise InputError(
                "must be 'auto' or 'float32' for a network that Keras' own step trains",
                "'bfloat16'",
                "Pass precision='float32'.",
                parameter="precision",
                code="precision-not-covered",
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
