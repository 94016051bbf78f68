"""Peak memory of a process and all its descendants, sampled by another process."""

from __future__ import annotations

import threading
import time
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["PeakMemory"]

PROC = Path("/proc")
INTERVAL_SECONDS = 0.05
LISTING_EVERY = 10  # samples, because listing processes takes longer than sampling them
RISE = 1.01


class PeakMemory:
    """Samples the memory of a process tree while the body of a ``with`` runs.

    `pss` is the proportional set size: pages that several processes share count once.
    `anonymous` leaves out pages of files, which the system can take back at any time: the
    libraries, and pixels mapped from a store. Both are the largest sum over the tree at one
    moment. A peak shorter than the interval can be missed.

    Reading these sizes takes about 10 ms for a process with TensorFlow. So they are read only
    after the sum of the resident sets, which is fast to read, has grown by one percent.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.pss = self.anonymous = self.resident = 0
        self.seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType
    ) -> None:
        self._over.set()
        self._thread.join()

    def as_row(self) -> dict[str, Any]:
        """Return the peaks in MB, and the processor time of the sampling in seconds."""
        if not self.pss:  # without /proc, as on other systems than Linux
            return {"peak_pss_mb": None, "peak_anonymous_mb": None, "sampling_seconds": None}
        return {
            "peak_pss_mb": round(self.pss / 1024, 1),
            "peak_anonymous_mb": round(self.anonymous / 1024, 1),
            "sampling_seconds": round(self.seconds, 2),
        }

    def _sample(self) -> None:
        for sample in count():
            if sample % LISTING_EVERY == 0:
                processes = _list_tree(self.pid)
            resident = sum(map(_read_resident, processes))
            if resident > self.resident * RISE:
                self.resident = resident
                self._read(processes)
            self.seconds = time.thread_time()
            if self._over.wait(INTERVAL_SECONDS):
                return

    def _read(self, processes: list[int]) -> None:
        sizes = [_read_sizes(pid) for pid in processes]
        self.pss = max(self.pss, sum(size.get("Pss", 0) for size in sizes))
        anonymous = sum(size.get("Pss_Anon", 0) + size.get("Pss_Shmem", 0) for size in sizes)
        self.anonymous = max(self.anonymous, anonymous)


def _list_tree(pid: int) -> list[int]:
    """Return a process and those of its descendants that still run."""
    found = [pid]
    for process in found:
        try:
            threads = list((PROC / str(process) / "task").iterdir())
            children = [(thread / "children").read_text() for thread in threads]
        except OSError:  # it ended meanwhile
            continue
        found.extend(int(child) for line in children for child in line.split())
    return found


def _read_resident(pid: int) -> int:
    """Return the number of pages of a process in memory, including shared pages."""
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1])
    except OSError:
        return 0


def _read_sizes(pid: int) -> dict[str, int]:
    """Return the sizes of a process that the kernel reports, in kB."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return {}
    words = (line.split() for line in lines)
    return {name.rstrip(":"): int(size) for name, size, *_ in words}
