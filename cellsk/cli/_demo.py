"""``cellsk demo``: the whole job on drawn cells, from files to a report."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from cellsk._files import check_output
from cellsk.cli._cells import Cells, read_cells, say, show_warnings
from cellsk.cli._listing import list_cells
from cellsk.cli._options import Seed
from cellsk.cli._predict import write_predictions
from cellsk.cli._progress import show_progress
from cellsk.cli._search import describe_search, search_filters, summarize_search
from cellsk.cli._train import describe_fit, fit_pipeline, summarize_fit

__all__ = ["demo"]

CANDIDATES = [(8, 16), (16, 32)]
FOLDS = 3
EPOCHS = 20
PATIENT = r"(P\d+)"
PAGE, REPORT = "report.html", "report.txt"
TITLE = "Drawn cells: how well can benign and malignant be told apart?"
# The report last: where it stands, the rest does.
WRITTEN = (
    "cells",
    "new_patients",
    "model.cellsk",
    "predictions.csv",
    "sample_images.png",
    "training_curves.png",
    PAGE,
    REPORT,
)


def demo(
    output: Annotated[Path, typer.Option(help="Folder to write.")] = Path("demo"),
    seed: Seed = 0,
) -> None:
    """Run the whole job on drawn cells: files, search, folds, model, report."""
    show_warnings()
    with _folder_to_fill(output) as draft:
        report = _run(draft, seed)
        (draft / REPORT).write_text(report, encoding="utf-8")
    print(report, end="")
    print(f"\nWritten to {output}: {', '.join(WRITTEN)}")


@contextmanager
def _folder_to_fill(output: Path) -> Iterator[Path]:
    """Yield a draft in ``output``, whose files take their places when all are there."""
    _check_folder(output)
    is_new = not output.exists()
    output.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".demo-", dir=output) as draft:
            yield Path(draft)
            old = Path(draft) / "old"
            old.mkdir()
            for name in WRITTEN:
                if (output / name).exists():
                    (output / name).rename(old / name)
                (Path(draft) / name).rename(output / name)
    except BaseException:
        if is_new:
            output.rmdir()
        raise


def _check_folder(output: Path) -> None:
    """Raise unless ``output`` is new, empty, or holds an earlier demo and nothing else."""
    check_output(output / REPORT if output.is_dir() else output)
    if not output.exists():
        return
    names = {path.name for path in output.iterdir()} if output.is_dir() else {output.name}
    report = output / REPORT
    is_ours = report.is_file() and report.read_text("utf-8", "replace").startswith(TITLE)
    if names - set(WRITTEN) or (names and not is_ours):
        raise ValueError(
            "--output must be a new folder, or that of an earlier demo. "
            f"Got {str(output)!r}, which holds other files. Name another."
        )


def _run(folder: Path, seed: int) -> str:
    """Do the job step by step in ``folder``; return the report."""
    from cellsk.neural_network import CellClassifier

    start = time.perf_counter()
    cells = _draw_and_read(folder / "cells", seed)
    classifier = CellClassifier(epochs=EPOCHS, patience=4, random_state=seed)
    say("Searching the filter counts ...")
    found = search_filters(cells, classifier, CANDIDATES, FOLDS, seed, refit=False)
    classifier.set_params(filters=found.best_params_["filters"])
    say("Evaluating the best, patient by patient ...")
    evaluation = _evaluate(cells, classifier, folder, seed)
    say("Fitting on all images ...")
    pipeline = fit_pipeline(cells, classifier)
    accuracy = _save_and_predict(pipeline, folder, seed + 1)
    _draw_pictures(cells, pipeline, folder)
    return _report(
        cells.describe(),
        describe_search(summarize_search(found)),
        evaluation,
        describe_fit(summarize_fit(classifier)),
        f"Accuracy on new patients, by the model read back from its file: {accuracy:.3f}",
        f"Took {time.perf_counter() - start:.0f} s.",
    )


def _draw_and_read(folder: Path, seed: int) -> Cells:
    from cellsk.datasets import make_cells

    say("Drawing patients, slides and cells ...")
    make_cells(360, folder=folder, n_patients=12, image_size=(48, 48), random_state=seed)
    return read_cells(folder, group_pattern=PATIENT)


def _evaluate(cells: Cells, classifier: Any, folder: Path, seed: int) -> str:
    """Write the page of an evaluation from files; return its summary."""
    from sklearn.base import clone
    from sklearn.pipeline import Pipeline

    from cellsk.report import evaluate

    listed = list_cells(folder / "cells", group_pattern=PATIENT)
    pipeline = Pipeline([("reader", cells.reader), ("classifier", clone(classifier))])
    with show_progress(pipeline["classifier"], FOLDS):
        report = evaluate(
            pipeline,
            listed.paths,
            listed.labels,
            groups=listed.groups,
            pos_label="malignant",
            n_splits=FOLDS,
            random_state=seed,
        )
    report.save(folder / PAGE)
    return repr(report)


def _save_and_predict(pipeline: Any, folder: Path, seed: int) -> float:
    """Write the model, read it back, and let it predict patients it never saw."""
    from cellsk.datasets import make_cells
    from cellsk.persistence import load_model, save_model

    save_model(pipeline, folder / "model.cellsk")
    restored = load_model(folder / "model.cellsk")
    drawn = make_cells(
        120, folder=folder / "new_patients", n_patients=3, image_size=(48, 48), random_state=seed
    )
    names = [str(Path(path).relative_to(folder)) for path in drawn.paths]
    write_predictions(restored, drawn.paths, folder / "predictions.csv", names=names)
    return float(restored.score(drawn.paths, [drawn.target_names[code] for code in drawn.y]))


def _draw_pictures(cells: Cells, pipeline: Any, folder: Path) -> None:
    from cellsk.inspection import ImageGridDisplay, TrainingCurveDisplay

    curves = TrainingCurveDisplay.from_estimator(pipeline)
    curves.figure_.savefig(folder / "training_curves.png", dpi=150)
    samples = ImageGridDisplay.from_arrays(cells.images, cells.labels)
    samples.figure_.savefig(folder / "sample_images.png", dpi=150)


def _report(*parts: str) -> str:
    counts, search, evaluation, fit, new_patients, took = parts
    return f"""\
{TITLE}

{counts}

Filter counts, {FOLDS} folds, patients kept together
{search}

The best of them, evaluated: see {PAGE}
{evaluation}

The model, fitted on all images
{fit}
{new_patients}

Drawn cells say nothing about tissue. Not a medical device.
{took}
"""
