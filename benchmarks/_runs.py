"""Runs of the competitors, each in its own process, in turns."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks._child import MARK, call
from benchmarks._machine import read_busy_seconds
from benchmarks._memory import PeakMemory

ROOT = Path(__file__).resolve().parents[1]


class Case(NamedTuple):
    """One row of a table: a name, the function that measures it, and its arguments."""

    name: str
    target: str
    arguments: dict[str, Any]
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> str:
        """The packages it needs that are not installed, separated by spaces."""
        return " ".join(package for package in self.needs if find_spec(package) is None)


def interleave(rounds: Sequence[Sequence[Case]]) -> Iterator[tuple[int, Case]]:
    """Yield the number of the round and the case. Each round begins with another case."""
    for turn, cases in enumerate(rounds):
        first = turn % max(len(cases), 1)
        for case in [*cases[first:], *cases[:first]]:
            yield turn, case


def run_cases(
    rounds: Sequence[Sequence[Case]], *, alone: bool = True, memory: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """Measure the installed cases round by round, and return the results by name.

    Parameters
    ----------
    rounds : sequence of sequences of Case
    alone : bool
        Whether each measurement runs in its own process. False is for a quick check whether
        all of them run.
    memory : bool
        Whether to sample the memory of the process and all its descendants.
    """
    results: dict[str, list[dict[str, Any]]] = {case.name: [] for case in rounds[0]}
    for turn, case in interleave(rounds):
        if case.missing:
            continue
        start = time.perf_counter()
        result = _run_apart(case, memory) if alone else _run_here(case, memory)
        results[case.name].append({**result, "round": turn})
        seconds = time.perf_counter() - start
        others = result.get("others_cores")
        others_used = "" if others is None else f", other processes used {others} cores"
        turns = f"round {turn + 1} of {len(rounds)}"
        print(f"{case.name}, {turns}: {seconds:.1f} s{others_used}", file=sys.stderr)
    return results


def _run_here(case: Case, memory: bool) -> dict[str, Any]:
    arguments = json.loads(json.dumps(case.arguments))
    with redirect_stdout(sys.stderr):  # stdout is for the table
        if not memory:
            return call(case.target, arguments)
        with PeakMemory(os.getpid()) as peak:
            result = call(case.target, arguments)
    return {**result, **peak.as_row()}


def _run_apart(case: Case, memory: bool) -> dict[str, Any]:
    """Call the function in a new process, which is killed with its descendants if this one ends."""
    command = [sys.executable, "-m", "benchmarks._child", case.target, json.dumps(case.arguments)]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    with (
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        ) as child,
    ):
        before = _read_others(), time.perf_counter()
        with _kill_if_stopped(child):
            row = _wait(child, memory)
        others = (_read_others() - before[0]) / (time.perf_counter() - before[1])
        row["others_cores"] = None if math.isnan(others) else round(max(others, 0), 2)
        output.seek(0)
        lines = [line for line in output.read().splitlines() if line.startswith(MARK)]
        if child.returncode or not lines:
            errors.seek(0)
            error = errors.read()[-4000:]
            raise RuntimeError(f"{case.name} must succeed. Got:\n{error}")
    return {**json.loads(lines[-1].removeprefix(MARK)), **row}


def _wait(child: subprocess.Popen[bytes], memory: bool) -> dict[str, Any]:
    if not memory:
        child.wait()
        return {}
    with PeakMemory(child.pid) as peak:
        child.wait()
    return peak.as_row()


def _read_others() -> float:
    """Return the processor time of all processes except those that are measured."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return read_busy_seconds() - sum(usage.ru_utime + usage.ru_stime for usage in usages)


@contextmanager
def _kill_if_stopped(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill a child and its descendants if this process receives SIGTERM or an error."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
