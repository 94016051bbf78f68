"""``cellsk search``: which filter counts do best."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cellsk._files import check_output
from cellsk.cli._cells import Cells, read_cells, say, show_warnings
from cellsk.cli._cross_validate import PATIENTS_UNKNOWN, make_splits
from cellsk.cli._interrupt import stopping_after
from cellsk.cli._options import (
    BatchSize,
    Epochs,
    Folder,
    Folds,
    GroupPattern,
    Groups,
    GroupsCsv,
    ImageSize,
    Json,
    Labels,
    Seed,
    SkipUnreadable,
    parse_filters,
)
from cellsk.cli._progress import show_progress
from cellsk.cli._tables import format_table, print_json

if TYPE_CHECKING:
    from cellsk.model_selection import InnerKFold
    from cellsk.report import EvaluationReport

NESTED_FAILED = "The nested part did not finish. What the search found before stands."
NESTED_REMEDY = "The option --nested of cellsk search gives one that is not."

__all__ = ["describe_search", "evaluate_search", "search", "search_filters", "summarize_search"]


def search(
    folder: Folder,
    filters: Annotated[
        list[str], typer.Option(help="Filters of each convolution; give it for each candidate.")
    ] = ["16,32", "32,64"],  # noqa: B006 - typer copies it
    folds: Folds = 5,
    output: Annotated[
        Path | None, typer.Option(help="Model file to write: the best, fitted on all images.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Page to write.")] = None,
    nested: Annotated[
        bool,
        typer.Option("--nested", help="Score the search as a whole too, on folds around it. Slow."),
    ] = False,
    labels: Labels = None,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
    groups_csv: GroupsCsv = None,
    image_size: ImageSize = None,
    epochs: Epochs = 30,
    batch_size: BatchSize = 32,
    seed: Seed = 0,
    skip_unreadable: SkipUnreadable = False,
    as_json: Json = False,
) -> None:
    """Try filter counts by cross-validation, and say which do best."""
    from cellsk.neural_network import CellClassifier

    show_warnings()
    candidates = [parse_filters(text) for text in filters]
    _check_outputs(output, html)
    cells = read_cells(
        folder,
        labels=labels,
        group_pattern=group_pattern,
        groups=groups,
        groups_csv=groups_csv,
        image_size=image_size,
        skip_unreadable=skip_unreadable,
    )
    say(cells.describe())
    classifier = CellClassifier(epochs=epochs, batch_size=batch_size, random_state=seed)
    if nested:
        _check_nested(cells, folds, seed)
    found = search_filters(cells, classifier, candidates, folds, seed, refit=True)
    result = summarize_search(found)
    if output is not None:
        _save_best(cells, found, output)
    if html is not None:
        _save_page(found, None, html)
    if not as_json:
        print(describe_search(result), flush=True)
    if cells.groups is None:
        say(PATIENTS_UNKNOWN)
    written = [path for path in (output, html) if path is not None]
    try:
        if nested:
            with stopping_after(written):
                around = evaluate_search(cells, classifier, candidates, folds, seed)
                result = _show_nested(found, around, html, as_json=as_json)
    finally:  # what was found before stands, whatever becomes of the nested part
        if as_json:
            print_json(result)


def _check_outputs(output: Path | None, html: Path | None) -> None:
    """Refuse what cannot be written before hours of work, not after.

    Raises
    ------
    ValueError, OSError
        When the page has another ending, or a file cannot be written.
    """
    if html is not None and html.suffix.lower() != ".html":
        raise ValueError(f"The page must end in .html. Got {str(html)!r}. Rename it.")
    for path in (output, html):
        if path is not None:
            check_output(path)


def _check_nested(cells: Cells, folds: int, seed: int) -> None:
    """Refuse folds that leave too few patients for those within, before anything trains.

    Raises
    ------
    ValueError
        When folds cannot be made, around the search or within it.
    """
    inner = _make_inner(cells, folds, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the search gives them
        splits = make_splits(cells, folds, seed)
    for number, (train, _) in enumerate(splits, start=1):
        groups = None if cells.groups is None else cells.groups[train]
        try:
            inner.get_n_splits(None, cells.labels[train], groups)
        except ValueError as error:
            raise ValueError(
                "--nested needs two folds or more within the training images of each fold. Got"
                f" {folds} folds, of which fold {number} has too few images or patients of a"
                " class. Pass other --folds, add patients, or leave out --nested."
            ) from error


def _make_inner(cells: Cells, folds: int, seed: int) -> InnerKFold:
    from cellsk.model_selection import InnerKFold

    return InnerKFold(folds, grouped=cells.groups is not None, random_state=seed)


def search_filters(
    cells: Cells,
    classifier: Any,
    candidates: Sequence[tuple[int, ...]],
    folds: int,
    seed: int,
    *,
    refit: bool,
) -> Any:
    """Return a fitted GridSearchCV over the filter counts, on the images read."""
    from sklearn import config_context

    from cellsk.neural_network import check_depth

    for filters in candidates:  # all of them, before the first one trains
        check_depth(cells.images.shape[1:3], filters, classifier.kernel_size)
    splits = make_splits(cells, folds, seed)
    n_fits = len(candidates) * folds + refit
    with config_context(enable_metadata_routing=True), show_progress(classifier, n_fits):
        found = _make_search(classifier, candidates, splits, refit=refit)
        routed = {} if cells.groups is None else {"groups": cells.groups}
        return found.fit(cells.images, cells.labels, **routed)


def evaluate_search(
    cells: Cells,
    classifier: Any,
    candidates: Sequence[tuple[int, ...]],
    folds: int,
    seed: int,
) -> EvaluationReport:
    """Return an evaluation of the search: it runs anew within each of the folds.

    Raises
    ------
    TypeError, ValueError, OSError
        As `evaluate`. It is then said that the search before it stands.
    """
    from sklearn import config_context

    from cellsk.report import evaluate

    say(f"The search as a whole, in {folds} folds around it ...")
    inner = _make_inner(cells, folds, seed)
    n_fits = folds * (len(candidates) * folds + 1)
    with config_context(enable_metadata_routing=True), show_progress(classifier, n_fits):
        around = _make_search(classifier, candidates, inner, refit=True)
        try:
            return evaluate(
                around,
                cells.images,
                cells.labels,
                groups=cells.groups,
                pos_label=_name_positive(cells),
                n_splits=folds,
                random_state=seed,
            )
        except BaseException:  # an interruption too
            say(NESTED_FAILED)
            raise


def _make_search(
    classifier: Any, candidates: Sequence[tuple[int, ...]], cv: Any, *, refit: bool
) -> Any:
    from sklearn.model_selection import GridSearchCV

    return GridSearchCV(
        classifier.set_fit_request(groups=True),
        {"filters": list(candidates)},
        cv=cv,
        refit=refit,
        error_score="raise",
    )


def _name_positive(cells: Cells) -> str | None:
    """Of two classes the second; accuracy, which the search goes by, needs none."""
    names = sorted(set(cells.labels.tolist()))
    return names[1] if len(names) == 2 else None


def _save_best(cells: Cells, found: Any, output: Path) -> None:
    from sklearn.pipeline import Pipeline

    from cellsk.persistence import save_model

    best = found.best_estimator_.set_params(callbacks=None)
    save_model(
        Pipeline([("reader", cells.reader.set_params(verbose=0)), ("classifier", best)]), output
    )
    say(f"Written: {output}.")


def _save_page(found: Any, around: EvaluationReport | None, html: Path) -> None:
    from cellsk.report import SearchReport

    SearchReport(found, nested=around).save(html)
    say(f"Written: {html}.")


def _show_nested(
    found: Any, around: EvaluationReport, html: Path | None, *, as_json: bool
) -> dict[str, Any]:
    """Write the page anew and print the number to report; return the plain values."""
    from cellsk.report import SearchReport, describe_nested

    if html is not None:
        _save_page(found, around, html)
    if not as_json:
        print("\n".join(describe_nested(SearchReport(found, nested=around).document)))
    return summarize_search(found, around)


def summarize_search(found: Any, nested: EvaluationReport | None = None) -> dict[str, Any]:
    """Return the candidates, best first, as plain values.

    Raises
    ------
    ValueError
        When the best candidate has no score.
    """
    from cellsk.report import SearchReport, describe_nested, mark_candidate
    from cellsk.report import describe_search as describe

    document = SearchReport(found, nested=nested).document
    # Without a fitted network its weights are unknown, and by time alone the choice would
    # change from run to run.
    counted = document["search"]["size_unit"] == "weights"
    choice = document["candidates"][document["one_standard_error"]]
    return {
        "n_folds": document["search"]["n_folds"],
        "candidates": [
            {
                "filters": candidate["params"]["filters"],
                "rank": candidate["rank"],
                "mean_accuracy": candidate["mean"],
                "low": candidate["low"],
                "high": candidate["high"],
                "standard_deviation": candidate["sd"],
                "mean_fit_seconds": candidate["fit_seconds"],
                "n_weights": candidate["size"] if counted else None,
                "remark": mark_candidate(document, place) if counted else "",
            }
            for place, candidate in enumerate(document["candidates"])
        ],
        "one_standard_error": choice["params"]["filters"] if counted else None,
        "nested": None if nested is None else document["nested"]["number"],
        "summary": (describe if counted else describe_nested)(document, NESTED_REMEDY),
    }


def describe_search(result: dict[str, Any]) -> str:
    """Return the candidates as a table, and what the best number is worth."""
    header = ["rank", "filters", "accuracy", "from", "to", "sd", "fit seconds", "remark"]
    rows = [
        [
            candidate["rank"],
            ",".join(map(str, candidate["filters"])),
            candidate["mean_accuracy"],
            candidate["low"],
            candidate["high"],
            candidate["standard_deviation"],
            candidate["mean_fit_seconds"],
            candidate["remark"],
        ]
        for candidate in result["candidates"]
    ]
    if not any(row[-1] for row in rows):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return "\n".join([format_table(header, rows), *result["summary"]])
