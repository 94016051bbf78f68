"""The machine and the versions of a measurement, without names of the machine."""

from __future__ import annotations

import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
PACKAGES = (
    "cellsk",
    "numpy",
    "scikit-learn",
    "tensorflow",
    "keras",
    "scikeras",
    "pillow",
    "joblib",
    "onnxruntime",
    "torch",
    "skorch",
)


def describe_machine() -> dict[str, object]:
    """Return processor, cores, instruction sets and memory. What the system hides is None."""
    facts = _read_cpuinfo()
    flags = facts.get("flags", "").split()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": facts.get("model name") or platform.processor() or None,
        "cores": _count_cores(),
        "instruction_sets": [name for name in INSTRUCTION_SETS if name in flags],
        "memory_gb": _measure_memory(),
    }


def list_versions() -> dict[str, str]:
    """Return the version of Python, and of each relevant package that is installed."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def read_busy_seconds() -> float:
    """Return the processor time since the start of the system, of all processes and other guests.

    It includes the seconds that the host gave to other guests while a process here was ready.
    """
    try:
        first = Path("/proc/stat").read_text().splitlines()[0].split()
    except OSError:  # not on Linux
        return math.nan
    user, nice, system, stolen = (int(first[field]) for field in (1, 2, 3, 8))
    return (user + nice + system + stolen) / os.sysconf("SC_CLK_TCK")


def _read_cpuinfo() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not on Linux
        return {}
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _count_cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))  # those this process may use
    return os.cpu_count()


def _measure_memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError):
        return None
