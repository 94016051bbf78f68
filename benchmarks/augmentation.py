"""Time that augmentation adds to the training step of the seed network.

The network trains on random images of 96 x 96 pixels, in batches of 32, with each augmentation in
turns, in one process for each precision. Only epochs after the first are timed, so the tracing is
left out. Processor time counts all threads. It is what other programs on the machine change least.

    python -m benchmarks.augmentation --repeats 5 --json augmentation.json
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks._runs import Case, run_cases
from benchmarks._tables import Columns, make_parser, publish, summarize
from cellsk import CellClassifier

if TYPE_CHECKING:
    import keras

BATCH_SIZE, SIDE, STEPS, EPOCHS = 32, 96, 40, 4
PRECISIONS = ("float32", "bfloat16")
NONE = "none"
NAMES = (NONE, "dihedral", "stain", "microscopy")
CLOCKS = ("wall", "cpu")
COLUMNS: Columns = (
    ("augmentation", "name", ""),
    ("precision", "precision", ""),
    ("ms per step, best", "wall_best", ".1f"),
    ("median", "wall_median", ".1f"),
    ("added", "wall_best_added", ".1%"),
    ("processor ms per step, best", "cpu_best", ".1f"),
    ("median", "cpu_median", ".1f"),
    ("added", "cpu_best_added", ".1%"),
)


def measure_steps(precision: str, side: int, steps: int, rounds: int) -> dict[str, Any]:
    """Return the milliseconds of a step in each timed epoch, by augmentation and clock."""
    generator = np.random.default_rng(0)
    X = generator.integers(256, size=(BATCH_SIZE * steps, side, side, 3), dtype=np.uint8)
    y = np.arange(len(X)) % 2
    times: dict[str, Any] = {name: {clock: [] for clock in CLOCKS} for name in NAMES}
    for _ in range(rounds):
        for name in NAMES:
            ends: list[tuple[float, float]] = []
            CellClassifier(
                augmentation=None if name == NONE else name,
                epochs=EPOCHS,
                early_stopping=False,
                precision=precision,
                callbacks=[_make_clock(ends)],
                random_state=0,
            ).fit(X, y)
            seconds = np.diff(np.array(ends), axis=0) / steps
            for clock, column in zip(CLOCKS, seconds.T * 1000, strict=True):
                times[name][clock] += column.tolist()
    return times


def _make_clock(ends: list[tuple[float, float]]) -> keras.callbacks.Callback:
    """Return a callback that notes the time and the processor time at the end of each epoch."""
    import keras

    def note(epoch: int, logs: Any) -> None:
        ends.append((time.perf_counter(), time.process_time()))

    return keras.callbacks.LambdaCallback(on_epoch_end=note)


def make_rows(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return a row for each augmentation and precision, with what it adds to a step without."""
    rows = []
    for precision in PRECISIONS:
        base: dict[str, Any] = {}
        for name in NAMES:
            row: dict[str, Any] = {"name": name, "precision": precision}
            for clock in CLOCKS:
                row |= summarize(clock, [ms for run in runs[precision] for ms in run[name][clock]])
            base = base or dict(row)
            if name != NONE:
                for key in ("wall_best", "cpu_best"):
                    row[f"{key}_added"] = row[key] / base[key] - 1
            rows.append(row)
    return rows


def main() -> None:
    """Train in both precisions, and print one table."""
    options = make_parser(__doc__, repeats=3).parse_args()
    if options.short:
        options.repeats = 1
    side, steps = (16, 2) if options.short else (SIDE, STEPS)
    arguments = {"side": side, "steps": steps, "rounds": 1}
    cases = [
        Case(
            precision,
            "benchmarks.augmentation:measure_steps",
            {"precision": precision, **arguments},
        )
        for precision in PRECISIONS
    ]
    runs = run_cases([cases] * options.repeats, alone=not options.short)
    about = {"batch size": BATCH_SIZE, "size": side, "steps": steps, "repeats": options.repeats}
    publish("augmentation", options, COLUMNS, make_rows(runs), about=about, runs=runs)


if __name__ == "__main__":
    main()
