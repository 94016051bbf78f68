"""The precision of training: bfloat16 on hardware that computes in it, or float32."""

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
# NVIDIA's GPUs multiply bfloat16 from compute capability 8 on.
GPU_CAPABILITY = (8, 0)


def check_precision(precision: Any) -> str:
    """Return the precision: the parameter, or the value of ``CELLSK_PRECISION`` for "auto".

    Raises
    ------
    InputError
        If the parameter or the environment variable has another value than ``PRECISIONS``.
    """
    check_option("precision", precision, PRECISIONS)
    if precision != "auto":
        return str(precision)
    return read_switch("CELLSK_PRECISION")


def choose_precision(precision: str, network: keras.Model) -> str:
    """Return "float32" or "bfloat16". "auto" is the one that this machine computes faster.

    Only the fast step multiplies in bfloat16. A network that it does not cover trains in float32.

    Raises
    ------
    InputError
        If the precision is unknown, or not available for this network.
    """
    chosen = check_precision(precision)
    if not is_on(FAST):
        if chosen == "bfloat16":
            raise InputError(
                f"must be 'auto' or 'float32' if {FAST} is 'off'",
                "'bfloat16'",
                f"Set {FAST} to 'on'.",
                parameter="precision",
                code="precision-without-fast-step",
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
    """Return the instruction sets of the CPU as Linux names them, or none on other systems."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2].split() for line in lines if line.startswith("flags"))
    return frozenset(next(found, []))
