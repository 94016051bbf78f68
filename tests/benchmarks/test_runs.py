"""Runs of competitors in their own processes, and the memory that they use."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks._memory import PeakMemory
from benchmarks._runs import ROOT, Case, interleave, run_cases
from benchmarks._tables import summarize

KEEP_40_MB = "kept = b'1' * 40_000_000; print('kept', flush=True); input()"
START_ANOTHER = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {KEEP_40_MB!r}])"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def wait_for(condition):
    """Return the value of a condition as soon as it is true, or after ten seconds."""
    end = time.monotonic() + 10
    while not (answer := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return answer


def is_running(pid):
    """Return whether a process runs and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_interleave_begins_each_round_with_another_case():
    """Each case comes once per round, and no case always comes first."""
    cases = [Case(name, "time:gmtime", {}) for name in "abc"]
    order = [(turn, case.name) for turn, case in interleave([cases, cases])]
    assert order == [(0, "a"), (0, "b"), (0, "c"), (1, "b"), (1, "c"), (1, "a")]


def test_run_cases_returns_one_result_per_round():
    """Each case runs in its own process. A case whose package is missing has no result."""
    call = {"command": [sys.executable, "-c", "pass"]}
    here = Case("here", "benchmarks._commands:measure_command", call)
    missing = Case("there", "benchmarks._commands:measure_command", call, ("no_such_package",))
    results = run_cases([[here, missing]] * 2)
    assert [run["round"] for run in results["here"]] == [0, 1]
    assert all(run["seconds"] > 0 for run in results["here"])
    assert results["there"] == []
    assert missing.missing == "no_such_package"


def test_run_cases_names_the_case_that_fails():
    """The error contains the error of the process."""
    call = {"command": [sys.executable, "-c", "raise SystemExit('no such luck')"]}
    case = Case("unlucky", "benchmarks._commands:measure_command", call)
    with pytest.raises(RuntimeError, match=r"(?s)unlucky must succeed.*no such luck"):
        run_cases([[case]])


@on_linux
def test_run_cases_terminated_leaves_no_process(tmp_path):
    """A benchmark that receives SIGTERM kills the processes that it has started."""
    mark = tmp_path / "pid"
    wait = f"import os, pathlib; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); input()"
    call = {"command": [sys.executable, "-c", wait]}
    code = (
        "from benchmarks._runs import Case, run_cases\n"
        f"run_cases([[Case('endless', 'benchmarks._commands:measure_command', {call!r})]])"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE) as running:
        pid = wait_for(lambda: mark.exists() and mark.read_text())
        running.terminate()
        running.wait()
        assert wait_for(lambda: not is_running(int(pid)))
    assert running.returncode == 128 + signal.SIGTERM


@on_linux
def test_run_cases_reports_what_other_processes_use():
    """The time of a process that runs next to the measured one is reported separately."""
    count = "print(flush=True)\nwhile True: pass"
    measured = "import time; end = time.monotonic() + 0.5\nwhile time.monotonic() < end: pass"
    call = {"command": [sys.executable, "-c", measured]}
    case = Case("busy", "benchmarks._commands:measure_command", call)
    with subprocess.Popen([sys.executable, "-c", count], stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        run = run_cases([[case]])["busy"][0]
        other.kill()
    assert run["others_cores"] > 0.2


@on_linux
def test_peak_memory_counts_a_child_of_the_child():
    """Both peaks include 40 MB of a grandchild."""
    with subprocess.Popen(
        [sys.executable, "-c", START_ANOTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        with PeakMemory(child.pid) as peak:
            wait_for(lambda: peak.anonymous)
            child.communicate(b"\n")
    row = peak.as_row()
    assert row["peak_pss_mb"] >= row["peak_anonymous_mb"] > 38


def test_summarize_takes_the_best_value():
    """The best is the minimum of seconds and the maximum of speeds. No values give no summary."""
    assert summarize("seconds", [3.0, 1.0, 2.0]) == {"seconds_best": 1.0, "seconds_median": 2.0}
    assert summarize("speed", [3.0, 1.0], max) == {"speed_best": 3.0, "speed_median": 2.0}
    assert summarize("speed", []) == {}
