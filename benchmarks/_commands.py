"""Times of whole commands, from a cold start to their end."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks._runs import ROOT


def find_python() -> list[str]:
    """Return the command of this Python."""
    return [sys.executable]


def find_cellsk() -> list[str]:
    """Return the command ``cellsk`` that belongs to this Python."""
    script = shutil.which("cellsk", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-m", "cellsk"]


def measure_command(command: Sequence[str]) -> dict[str, float]:
    """Return the seconds that a command takes.

    Raises
    ------
    RuntimeError
        If the command fails.
    """
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{command[-1]} must succeed. Got:\n{done.stderr[-4000:]}")
    return {"seconds": seconds}
