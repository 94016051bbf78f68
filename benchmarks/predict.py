"""Time to predict a folder of jpg files to a csv of probabilities, and to predict one image.

The network has the same weights for cellsk and for raw Keras. "Warm" is a process that has done
the same once before; a command is timed as a whole, from its start. The last column compares the
probabilities with those of raw Keras, whose reader decodes jpg slightly differently.

    python -m benchmarks.predict --data FOLDER --images 6000 --json predict.json
"""

from __future__ import annotations

import csv
import itertools
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks._commands import find_cellsk, find_python
from benchmarks._images import draw_folder
from benchmarks._runs import Case, run_cases
from benchmarks._tables import Columns, make_parser, publish, summarize
from cellsk import list_images

WAYS = "benchmarks._predicting:"
FOLDER, COMMAND, ONE = "folder to csv, warm", "folder to csv, command", "one image, warm"
OURS, KERAS_COMMAND = "cellsk", "Keras script"
COLUMNS: Columns = (
    ("what", "what", ""),
    ("by", "name", ""),
    ("seconds best", "seconds_best", "#.3g"),
    ("median", "seconds_median", "#.3g"),
    ("images/s median", "images_per_second", ",.0f"),
    ("cellsk is", "ratio_median", "{:.2f}x".format),
    ("at best", "ratio_best", "{:.2f}x".format),
    ("largest difference", "difference", ".4f"),
)


def copy_images(folder: Path, count: int, target: Path) -> None:
    """Copy the same number of images of each class into one flat folder."""
    listed = list_images(folder)
    classes = [
        [path for path, code in zip(listed.paths, listed.y, strict=True) if code == wanted]
        for wanted in sorted(set(listed.y))
    ]
    in_turn = [path for paths in itertools.zip_longest(*classes) for path in paths if path]
    target.mkdir()
    for path in in_turn[:count]:
        shutil.copyfile(path, target / f"{Path(path).parent.name}-{Path(path).name}")


def make_cases(work: Path, calls: int) -> list[Case]:
    """Return the cases of the table: a folder, a whole command, one image."""
    files = {"model": str(work / "model.cellsk"), "network": str(work / "network.keras")}
    folder = {"folder": str(work / "images")}
    csv_of = {name: str(work / f"{name}.csv") for name in ("cellsk", "keras-32", "keras-256")}
    by_keras = {**folder, "network": files["network"], "times": 2}
    command = [*find_cellsk(), "predict", files["model"], folder["folder"], "--output"]
    script = [*find_python(), "-m", "benchmarks._predicting", files["network"], folder["folder"]]
    measure = "benchmarks._commands:measure_command"
    ways = [
        (
            FOLDER,
            OURS,
            f"{WAYS}predict_by_cellsk",
            {**folder, "model": files["model"], "output": csv_of["cellsk"], "times": 2},
        ),
        *(
            (
                FOLDER,
                f"Keras, batches of {size}",
                f"{WAYS}predict_by_keras",
                {**by_keras, "batch_size": size, "output": csv_of[f"keras-{size}"]},
            )
            for size in (32, 256)
        ),
        (COMMAND, OURS, measure, {"command": [*command, str(work / "command.csv")]}),
        (COMMAND, KERAS_COMMAND, measure, {"command": [*script, str(work / "script.csv")]}),
        *(
            (
                f"{ONE}, {source}",
                name,
                f"{WAYS}predict_one",
                {**folder, **files, "way": way, "calls": calls},
            )
            for source, name, way in (
                ("from an array", OURS, "cellsk"),
                ("from an array", "Keras model.predict", "predict"),
                ("from an array", "Keras model(x)", "call"),
                ("from a file", OURS, "cellsk file"),
                ("from a file", "Keras model.predict", "predict file"),
            )
        ),
    ]
    return [Case(f"{what}: {name}", target, call) for what, name, target, call in ways]


def make_row(case: Case, runs: Sequence[Mapping[str, Any]], n_images: int) -> dict[str, Any]:
    """Return best and median of the runs."""
    what, name = case.name.split(": ")
    seconds = [second for run in runs for second in as_list(run["seconds"])]
    row = {"what": what, "name": name, **summarize("seconds", seconds)}
    images = 1 if what.startswith(ONE) else n_images
    return row | {"images_per_second": images / row["seconds_median"]}


def as_list(seconds: float | list[float]) -> list[float]:
    """Return one time, or several, as a list."""
    return seconds if isinstance(seconds, list) else [seconds]


def add_ratios(rows: Sequence[dict[str, Any]]) -> None:
    """Add to each row how many times as fast cellsk is."""
    for row in rows:
        ours = next(one for one in rows if (one["what"], one["name"]) == (row["what"], OURS))
        for which in ("best", "median"):
            row[f"ratio_{which}"] = row[f"seconds_{which}"] / ours[f"seconds_{which}"]


def add_differences(rows: Sequence[dict[str, Any]], work: Path) -> None:
    """Compare the probabilities of the second class with those of Keras, image by image."""
    reference = read_probabilities(work / "keras-32.csv")
    files = {
        (FOLDER, OURS): "cellsk.csv",
        (FOLDER, "Keras, batches of 256"): "keras-256.csv",
        (COMMAND, OURS): "command.csv",
        (COMMAND, KERAS_COMMAND): "script.csv",
    }
    for row in rows:
        if file := files.get((row["what"], row["name"])):
            found = read_probabilities(work / file)
            if found.keys() != reference.keys():
                raise RuntimeError(f"All must predict the same images. Got others in {file}.")
            row["difference"] = max(abs(found[name] - reference[name]) for name in reference)


def read_probabilities(file: Path) -> dict[str, float]:
    """Return the last column of a csv by the name of the image file."""
    with open(file, newline="", encoding="utf-8") as stream:
        _, *lines = csv.reader(stream)
    return {Path(line[0]).name: float(line[-1]) for line in lines}


def main() -> None:
    """Predict with each competitor in turns, and print one table."""
    parser = make_parser(__doc__, repeats=3)
    parser.add_argument("--data", type=Path, help="folder with train/; default: drawn cells")
    parser.add_argument("--images", type=int, default=6000)
    options = parser.parse_args()
    calls = 200
    if options.short:
        options.images, options.repeats, options.data, calls = 40, 1, None, 3
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        images = options.data.resolve() / "train" if options.data else work / "drawn"
        if not options.data:
            draw_folder(images, options.images, (32, 32) if options.short else (96, 96))
        copy_images(images, options.images, work / "images")
        files = {"model": str(work / "model.cellsk"), "network": str(work / "network.keras")}
        setup = {"folder": str(images), "n_images": min(options.images, 640), **files}
        alone = not options.short
        run_cases([[Case("the network", f"{WAYS}make_models", setup)]], alone=alone)
        cases = make_cases(work, calls)
        if options.short:  # a second cold start of TensorFlow tells nothing new
            cases = [case for case in cases if not case.name.endswith(KERAS_COMMAND)]
        runs = run_cases([cases] * options.repeats, alone=alone)
        n_images = len(list_images(work / "images", labels=False).paths)
        rows = [make_row(case, runs[case.name], n_images) for case in cases]
        add_differences(rows, work)
    add_ratios(rows)
    source = options.data.resolve().name if options.data else "drawn cells"
    about = {"images": f"{n_images} of {source}", "repeats": options.repeats}
    publish("predict", options, COLUMNS, rows, about=about, runs=runs)


if __name__ == "__main__":
    main()
