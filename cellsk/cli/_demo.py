"""``cellsk demo``: the whole workflow on drawn cells, from files to a report."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cellsk._files import check_output
from cellsk.cli._images import LabeledImages, list_labeled_images
from cellsk.cli._options import OUTPUT, Seed, option
from cellsk.cli._pipeline import build_pipeline, fit_pipeline, open_store, save_pipeline
from cellsk.cli._predict import write_predictions
from cellsk.cli._progress import show_fits
from cellsk.cli._search import NESTED_REMEDY, FilterSearch, search_filters
from cellsk.cli._terminal import print_note, print_result, show_warnings
from cellsk.cli._train import describe_fit, summarize_fit
from cellsk.exceptions import InputError

if TYPE_CHECKING:
    from cellsk.report import EvaluationReport

__all__ = ["demo"]

N_IMAGES, N_NEW_IMAGES = 360, 120
IMAGE_SIZE = (48, 48)
CANDIDATES = [(8, 16), (16, 32)]
N_FOLDS = 3
EPOCHS = 20
PATIENT = r"(P\d+)"
PAGE, REPORT = "report.html", "report.txt"
TITLE = "Benign and malignant drawn cells: how well does a model classify them?"
# The report is moved last: where it exists, the other files exist too.
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
    output: Annotated[
        Path,
        option(
            OUTPUT,
            metavar="FOLDER",
            help="Folder to write: a new one, or that of an earlier demo.",
        ),
    ] = Path("demo"),
    seed: Seed = 0,
) -> None:
    """Show the whole workflow on drawn cells.

    It draws images, compares numbers of filters, evaluates the best candidate, writes a model
    file, and predicts new images.
    """
    show_warnings()
    with _fill_folder(output) as draft, open_store(None) as store:
        report = _run(draft, store, seed)
        (draft / REPORT).write_text(report, encoding="utf-8")
    print_result(report)
    print_result(f"Written to {output}: {', '.join(WRITTEN)}")


@contextmanager
def _fill_folder(output: Path) -> Iterator[Path]:
    """Yield a draft in ``output``, whose files are moved to ``output`` at the end."""
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
    """Raise unless ``output`` is new, empty, or holds an earlier demo and nothing else.

    Raises
    ------
    InputError, OSError
        When it holds other files, or cannot be written.
    """
    check_output(output / REPORT if output.is_dir() else output)
    if not output.exists():
        return
    names = {path.name for path in output.iterdir()} if output.is_dir() else {output.name}
    report = output / REPORT
    is_demo = report.is_file() and report.read_text("utf-8", "replace").startswith(TITLE)
    if names - set(WRITTEN) or (names and not is_demo):
        raise InputError(
            "must be a new folder, or the folder of an earlier demo",
            f"{str(output)!r}, which holds other files",
            "Name another folder.",
            parameter="--output",
        )


def _run(folder: Path, store: Path, seed: int) -> str:
    """Run the steps in ``folder``; return the report."""
    from cellsk.report import SearchReport

    start = time.perf_counter()
    images = _draw_images(folder / "cells", seed)
    pipeline = build_pipeline(None, store, epochs=EPOCHS, patience=4, random_state=seed)
    print_note("Searching the numbers of filters ...")
    plan = FilterSearch(images, pipeline, CANDIDATES, N_FOLDS, seed)
    found = search_filters(plan, refit=False)
    compared = SearchReport(found, y=images.labels)
    pipeline.set_params(**found.cv_results_["params"][compared.best["row"]])
    print_note("Evaluating the best candidate on patients that it was not trained on ...")
    evaluation = _evaluate(images, pipeline, seed)
    evaluation.save(folder / PAGE)
    print_note("Training on all images ...")
    fit_pipeline(pipeline, images)
    save_pipeline(pipeline, folder / "model.cellsk", images)
    accuracy = _predict_new_patients(folder, seed + 1)
    _draw_pictures(images, pipeline, folder)
    return _write_report(
        images.describe(),
        compared.describe(NESTED_REMEDY),
        repr(evaluation),
        describe_fit(summarize_fit(pipeline["classifier"])),
        f"Accuracy on new patients, by the model loaded from its file: {accuracy:.3f}",
        f"Took {time.perf_counter() - start:.0f} s.",
    )


def _draw_images(folder: Path, seed: int) -> LabeledImages:
    from cellsk.datasets import make_cells

    print_note("Drawing patients, slides and cells ...")
    make_cells(N_IMAGES, folder=folder, n_patients=12, image_size=IMAGE_SIZE, random_state=seed)
    return list_labeled_images(folder, group_pattern=PATIENT)


def _evaluate(images: LabeledImages, pipeline: Any, seed: int) -> EvaluationReport:
    from cellsk.report import evaluate

    with show_fits(pipeline["classifier"], [""]):
        return evaluate(
            pipeline,
            images.paths,
            images.labels,
            groups=images.groups,
            pos_label="malignant",
            n_splits=N_FOLDS,
            random_state=seed,
        )


def _predict_new_patients(folder: Path, seed: int) -> float:
    """Load the model from its file, and predict patients that it was not trained on."""
    from cellsk.datasets import make_cells
    from cellsk.persistence import load_model

    model = load_model(folder / "model.cellsk")
    drawn = make_cells(
        N_NEW_IMAGES,
        folder=folder / "new_patients",
        n_patients=3,
        image_size=IMAGE_SIZE,
        random_state=seed,
    )
    names = [str(Path(path).relative_to(folder)) for path in drawn.paths]
    write_predictions(model, drawn.paths, folder / "predictions.csv", names=names)
    return float(model.score(drawn.paths, [drawn.target_names[code] for code in drawn.y]))


def _draw_pictures(images: LabeledImages, pipeline: Any, folder: Path) -> None:
    from cellsk.inspection import ImageGridDisplay, TrainingCurveDisplay

    curves = TrainingCurveDisplay.from_estimator(pipeline)
    curves.figure_.savefig(folder / "training_curves.png", dpi=150)
    pixels = pipeline["reader"].transform(images.paths)
    samples = ImageGridDisplay.from_arrays(pixels, images.labels)
    samples.figure_.savefig(folder / "sample_images.png", dpi=150)


def _write_report(*parts: str) -> str:
    counts, search, evaluation, fit, new_patients, took = parts
    return f"""\
{TITLE}

{counts}

Numbers of filters, {N_FOLDS} folds by patient
{search}

The best candidate, evaluated: see {PAGE}
{evaluation}

The model, trained on all images
{fit}
{new_patients}

Results on drawn cells do not carry over to tissue. Not a medical device.
{took}
"""
