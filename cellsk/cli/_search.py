"""``cellsk search``: which filter counts do best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cellsk._files import check_output
from cellsk.cli._cells import Cells, read_cells, say, show_warnings
from cellsk.cli._cross_validate import PATIENTS_UNKNOWN, make_splits
from cellsk.cli._options import (
    BatchSize,
    Epochs,
    Folder,
    Folds,
    GroupPattern,
    Groups,
    ImageSize,
    Json,
    Labels,
    Seed,
    SkipUnreadable,
    parse_filters,
)
from cellsk.cli._progress import show_progress
from cellsk.cli._tables import format_table, print_json

__all__ = ["describe_search", "search", "search_filters", "summarize_search"]


def search(
    folder: Folder,
    filters: Annotated[
        list[str], typer.Option(help="Filters of each convolution; give it for each candidate.")
    ] = ["16,32", "32,64"],  # noqa: B006 - typer copies it
    folds: Folds = 5,
    output: Annotated[
        Path | None, typer.Option(help="Model file to write: the best, fitted on all images.")
    ] = None,
    labels: Labels = None,
    group_pattern: GroupPattern = None,
    groups: Groups = None,
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
    if output is not None:
        check_output(output)
    cells = read_cells(
        folder,
        labels=labels,
        group_pattern=group_pattern,
        groups=groups,
        image_size=image_size,
        skip_unreadable=skip_unreadable,
    )
    say(cells.describe())
    classifier = CellClassifier(epochs=epochs, batch_size=batch_size, random_state=seed)
    found = search_filters(cells, classifier, candidates, folds, seed, refit=output is not None)
    if output is not None:
        _save_best(cells, found, output)
    result = summarize_search(found)
    if as_json:
        print_json(result)
    else:
        print(describe_search(result))
    if cells.groups is None:
        say(PATIENTS_UNKNOWN)


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
    from sklearn.model_selection import GridSearchCV

    from cellsk.neural_network._builder import check_depth

    for filters in candidates:  # all of them, before the first one trains
        check_depth(cells.images.shape[1:3], filters, classifier.kernel_size)
    splits = make_splits(cells, folds, seed)
    n_fits = len(candidates) * folds + refit
    with config_context(enable_metadata_routing=True), show_progress(classifier, n_fits):
        found = GridSearchCV(
            classifier.set_fit_request(groups=True),
            {"filters": list(candidates)},
            cv=splits,
            refit=refit,
            error_score="raise",
        )
        routed = {} if cells.groups is None else {"groups": cells.groups}
        return found.fit(cells.images, cells.labels, **routed)


def _save_best(cells: Cells, found: Any, output: Path) -> None:
    from sklearn.pipeline import Pipeline

    from cellsk.persistence import save_model

    best = found.best_estimator_.set_params(callbacks=None)
    save_model(
        Pipeline([("reader", cells.reader.set_params(verbose=0)), ("classifier", best)]), output
    )
    say(f"Written: {output}.")


def summarize_search(found: Any) -> dict[str, Any]:
    """Return the candidates, best first, as plain values."""
    table = found.cv_results_
    candidates = [
        {
            "filters": list(table["params"][row]["filters"]),
            "rank": int(table["rank_test_score"][row]),
            "mean_accuracy": float(table["mean_test_score"][row]),
            "standard_deviation": float(table["std_test_score"][row]),
            "mean_fit_seconds": float(table["mean_fit_time"][row]),
        }
        for row in table["rank_test_score"].argsort(kind="stable")
    ]
    return {"n_folds": found.n_splits_, "candidates": candidates}


def describe_search(result: dict[str, Any]) -> str:
    """Return the candidates as a table, and what the best number is worth."""
    header = ["rank", "filters", "accuracy", "sd", "fit seconds"]
    rows = [
        [
            candidate["rank"],
            ",".join(map(str, candidate["filters"])),
            candidate["mean_accuracy"],
            candidate["standard_deviation"],
            candidate["mean_fit_seconds"],
        ]
        for candidate in result["candidates"]
    ]
    return (
        f"{format_table(header, rows)}\n"
        "The best of several is chosen by luck too: its accuracy here is somewhat too good."
    )
