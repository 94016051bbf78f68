"""Time and memory of bootstrap_scores, of DeLong's interval, and of a plain loop.

    python -m benchmarks.bootstrap --resamples 2000

Each row runs in its own process, which is measured. The loop calls compute_scores for each
resample: 20 are timed, and the time of all is extrapolated.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cellsk.metrics import bootstrap_scores, compute_scores, delong_interval


class Case(NamedTuple):
    """What a row of the table measures."""

    what: str
    n_samples: int
    n_classes: int
    n_patients: int | None


CASES = [
    Case("bootstrap_scores", 1_000, 2, 50),
    Case("bootstrap_scores", 50_000, 2, 500),
    Case("bootstrap_scores", 50_000, 2, None),
    Case("bootstrap_scores", 50_000, 7, None),
    Case("bootstrap_scores", 262_144, 2, 216),
    Case("loop of compute_scores", 50_000, 2, None),
    Case("delong_interval", 50_000, 2, None),
]


def draw(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Return labels, probabilities, decisions and patients."""
    generator = np.random.default_rng(0)
    y = generator.integers(case.n_classes, size=case.n_samples)
    favour = np.eye(case.n_classes)[y] + generator.normal(size=(case.n_samples, case.n_classes))
    proba = np.exp(favour) / np.exp(favour).sum(axis=1, keepdims=True)
    patients = None
    if case.n_patients is not None:
        patients = generator.integers(case.n_patients, size=case.n_samples)
    return y, proba, proba.argmax(axis=1), patients


def measure(case: Case, n_resamples: int) -> tuple[float, float, float]:
    """Return elapsed seconds, processor seconds, and the MB that the run added."""
    y, proba, predicted, patients = draw(case)
    positive = 1 if case.n_classes == 2 else None
    times = np.random.default_rng(1).integers(0, 3, size=case.n_samples)
    runs: dict[str, tuple[int, Callable[[], object]]] = {
        "bootstrap_scores": (
            1,
            lambda: bootstrap_scores(
                y,
                proba,
                predicted,
                positive=positive,
                clusters=patients,
                n_resamples=n_resamples,
            ),
        ),
        "loop of compute_scores": (
            n_resamples // 20,
            lambda: [
                compute_scores(y, proba, predicted, positive=positive, sample_weight=times)
                for _ in range(20)
            ],
        ),
        "delong_interval": (1, lambda: delong_interval(y, proba[:, 1])),
    }
    factor, run = runs[case.what]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clock, processor = time.perf_counter(), time.process_time()
    run()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return clock * factor, processor * factor, added / 1024


def main() -> None:
    """Measure each case, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamples", type=int, default=2000)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    print(f"{options.resamples:,} resamples")
    print("what                     images  classes  patients  seconds  processor s  added MB")
    for case in CASES:
        with context.Pool(1) as pool:
            seconds, processor, added = pool.apply(measure, (case, options.resamples))
        patients = "-" if case.n_patients is None else f"{case.n_patients:,}"
        print(
            f"{case.what:22} {case.n_samples:8,} {case.n_classes:8} {patients:>9}"
            f" {seconds:8.2f} {processor:12.2f} {added:9.0f}"
        )


if __name__ == "__main__":
    main()
