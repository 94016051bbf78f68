"""The output of a benchmark: a table, and the same as JSON."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks._machine import describe_machine, list_versions

__all__ = ["Columns", "make_parser", "publish", "summarize"]

# Heading, key of the row, and format of the value.
Columns: TypeAlias = Sequence[tuple[str, str, str | Callable[[Any], str]]]


def make_parser(description: str, repeats: int) -> argparse.ArgumentParser:
    """Return a parser with the options that all benchmarks share."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=repeats, help="rounds over all rows")
    parser.add_argument("--json", type=Path, help="file for all measurements")
    parser.add_argument(
        "--short", action="store_true", help="check whether it runs: its figures mean nothing"
    )
    return parser


def summarize(
    what: str, values: Sequence[float], best: Callable[..., float] = min
) -> dict[str, float]:
    """Return best and median of the values, as ``what_best`` and ``what_median``."""
    if not len(values):
        return {}
    return {f"{what}_best": best(values), f"{what}_median": statistics.median(values)}


def publish(
    name: str,
    options: argparse.Namespace,
    columns: Columns,
    rows: Sequence[Mapping[str, Any]],
    *,
    about: Mapping[str, Any],
    runs: Mapping[str, Any] | None = None,
) -> None:
    """Print the machine and the table. Write both and each run as JSON."""
    machine, versions = describe_machine(), list_versions()
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in about.items()))
    sets = " ".join(machine["instruction_sets"]) or "-"
    print(f"{machine['cpu']}, {machine['cores']} cores ({sets}), {machine['memory_gb']} GB")
    print(", ".join(f"{package} {number}" for package, number in versions.items()))
    print()
    _print_table(columns, rows)
    others = [run.get("others_cores") for results in (runs or {}).values() for run in results]
    others = [cores for cores in others if cores is not None]
    used = statistics.median(others) if others else None
    if used is not None:
        print(f"\nOther processes used {used} cores meanwhile, at most {max(others)}.")
    if options.json is not None:
        document = {
            "benchmark": name,
            "short": options.short,
            "repeats": options.repeats,
            "about": dict(about),
            "machine": machine,
            "versions": versions,
            "rows": list(rows),
            "others_cores": used,
            "runs": runs or {},
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _print_table(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table with text left-aligned and numbers right-aligned, without empty columns."""
    columns = [column for column in columns if any(row.get(column[1]) is not None for row in rows)]
    cells = [[_write(row.get(key), form) for _, key, form in columns] for row in rows]
    headings = [heading for heading, _, _ in columns]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    texts = [form == "" for _, _, form in columns]
    for line in [headings, *cells]:
        parts = (
            cell.ljust(width) if text else cell.rjust(width)
            for cell, width, text in zip(line, widths, texts, strict=True)
        )
        print("  ".join(parts).rstrip())


def _write(value: Any, form: str | Callable[[Any], str]) -> str:
    if value is None:
        return "" if form == "" else "-"
    return form(value) if callable(form) else format(value, form)
