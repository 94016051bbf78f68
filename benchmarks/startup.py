"""Time to import cellsk, and time of ``cellsk --help``.

Whole commands are timed in new processes, and compared with an empty Python and with the imports
that training needs.

    python -m benchmarks.startup --repeats 10
"""

from __future__ import annotations

from benchmarks._commands import find_cellsk, find_python
from benchmarks._runs import Case, run_cases
from benchmarks._tables import Columns, make_parser, publish, summarize

COLUMNS: Columns = (
    ("command", "name", ""),
    ("seconds best", "seconds_best", ".3f"),
    ("median", "seconds_median", ".3f"),
    ("above empty Python, median", "above_python", ".3f"),
)
EMPTY, KERAS = "python -c pass", "import keras"


def make_cases() -> list[Case]:
    """Return one case for each command."""
    python = find_python()
    commands = {
        EMPTY: [*python, "-c", "pass"],
        "import cellsk": [*python, "-c", "import cellsk"],
        "cellsk --help": [*find_cellsk(), "--help"],
        "import sklearn": [*python, "-c", "import sklearn"],
        KERAS: [*python, "-c", "import keras"],
    }
    return [
        Case(name, "benchmarks._commands:measure_command", {"command": command})
        for name, command in commands.items()
    ]


def main() -> None:
    """Run each command in turns, and print one table."""
    options = make_parser(__doc__, repeats=10).parse_args()
    if options.short:
        options.repeats = 1
    cases = make_cases()
    if options.short:  # its seconds show nothing that the import of scikit-learn does not show
        cases = [case for case in cases if case.name != KERAS]
    runs = run_cases([cases] * options.repeats, alone=not options.short)
    rows = [
        {"name": case.name, **summarize("seconds", [run["seconds"] for run in runs[case.name]])}
        for case in cases
    ]
    empty = next(row["seconds_median"] for row in rows if row["name"] == EMPTY)
    for row in rows:
        row["above_python"] = row["seconds_median"] - empty
    about = {"repeats": options.repeats}
    publish("startup", options, COLUMNS, rows, about=about, runs=runs)


if __name__ == "__main__":
    main()
